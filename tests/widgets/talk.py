"""Messages and proposals for the tests of the transcript."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App, ComposeResult

from pipetui.engine.messages import Message, Proposal, ProposalState, Usage
from pipetui.widgets.transcript import Transcript

NOW = 1_800_000_000.0

MARKDOWN = """\
# What the log says
There are **three** pages with `404`, see [the report](https://example.com/report?day=1) or https://example.com/all.

```python
def broken(pages: list[str]) -> int:
    # counts them
    return len([page for page in pages if page == "404"])
```
- one
- two, with *stress*
  1. inner
  2. second

> A quote with 日本語 and 👩‍💻.

| page | hits | note |
|:--|--:|:-:|
| /a | 1,200 | ok |
| /漢字 | 7 | `gone` |

A last line
and one more.
"""


def message(number: int, text: str = "", **more: Any) -> Message:
    """An answer, unless `by` says otherwise."""
    by = more.pop("by", "model")
    known: dict[str, Any] = {
        "role": "user" if by == "user" else "assistant",
        "state": "done",
        "created": NOW - 60,
        "usage": Usage("llama3.2:3b") if by == "model" else Usage(),
    }
    return Message(f"m{number}", "c", number, by=by, text=text, **(known | more))


def proposal(number: int, state: ProposalState = "open", **more: Any) -> Proposal:
    known: dict[str, Any] = {
        "action": "tasks_update",
        "arguments": json.dumps({"id": 7, "text": "Call the client", "done": True}),
        "title": "Change the task “Call the client”",
        "before": "Call the client · open · priority 2",
        "after": "Call the client · done · priority 2",
        "target": "hash",
        "result": "",
        "created": NOW - 30,
        "expires": NOW + 570,
    }
    return Proposal(f"p{number}", "c", f"m{number}", state=state, **(known | more))


class Talk(App[None]):
    """A transcript alone, with a clock that stands."""

    AUTO_FOCUS = None  # before anything is shown

    def __init__(
        self, messages: Sequence[Message], proposals: Mapping[str, Proposal] = {}, *, earlier: bool = False
    ) -> None:
        super().__init__()
        self.messages, self.proposals, self.earlier = messages, proposals, earlier
        self.transcript = Transcript(clock=lambda: NOW)

    def compose(self) -> ComposeResult:
        yield self.transcript

    def on_mount(self) -> None:
        self.transcript.show(self.messages, self.proposals, earlier=self.earlier)
        self.transcript.focus()
