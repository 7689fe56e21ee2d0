"""How the transcript and the prompt look. After a wanted change: `pytest … --snapshot-update`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from pipetui.engine.messages import Call, Message, Proposal, ProposalState, Proposed, Thinking, Usage
from pipetui.widgets.prompt import Prompt

from .talk import MARKDOWN, Talk, message, proposal

SIZES = [(80, 24), (120, 40)]

THOUGHT = (Thinking(0, "The user wants to know which pages broke. First the log, then the pages."),)
RESULTS: dict[ProposalState, str] = {
    "refused": "The task was changed since. Ask again.",
    "done": "Changed: Call the client · done.",
    "failed": "The disk is full. Nothing was changed.",
}
STATES: Sequence[ProposalState] = ("approved", "rejected", "expired", "refused", "done", "failed", "open")


class Pane(Talk):
    """The transcript with a prompt below it."""

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Prompt(
            placeholder="Ask the model, or / for commands",
            complete=lambda text: [("/tasks add ", "Add a task."), ("/tasks list", "List the tasks.")],
        )


@pytest.fixture
def looks_right(snap_compare: Any) -> Any:
    def compare(
        messages: Sequence[Message],
        size: tuple[int, int],
        proposals: Sequence[Proposal] = (),
        *,
        keys: Sequence[str] = (),
        then: Any = None,
    ) -> bool:
        async def before(pilot: Pilot[None]) -> None:
            await pilot.pause()
            await pilot.press(*keys)
            if then is not None:
                await then(pilot)
            await pilot.pause()

        app = Pane(messages, {each.id: each for each in proposals})
        result: bool = snap_compare(app, terminal_size=size, run_before=before)
        return result

    return compare


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_of_mixed_markdown(looks_right: Any, size: tuple[int, int]) -> None:
    question = message(1, "Which pages are broken?\n  /a or /b", by="user")
    usage = Usage("qwen3:8b", answer_tokens=820, seconds=20)
    answer = message(2, MARKDOWN, usage=usage, parts=THOUGHT, pinned=True)
    assert looks_right([question, answer], size)


@pytest.mark.parametrize("size", SIZES)
def test_proposals_in_every_state(looks_right: Any, size: tuple[int, int]) -> None:
    proposals = [proposal(n, state, result=RESULTS.get(state, "")) for n, state in enumerate(STATES)]
    parts = tuple(Proposed(17, each.id) for each in proposals)
    assert looks_right([message(1, "I would do this:\n", parts=parts)], size, proposals)


@pytest.mark.parametrize("size", SIZES)
def test_thinking_and_calls_unfolded_and_how_messages_end(looks_right: Any, size: tuple[int, int]) -> None:
    calls = (
        Call(9, "tasks_list", {"profile": "acme"}, "tasks of acme: 3", '["Call the client", "Mail", "Report"]'),
        Call(9, "files_head", {"file": "links.csv"}, "No file links.csv in this run.", "no such file", failed=True),
    )
    messages = [
        message(1, "I looked.\n\nThere are **three**.", parts=(*THOUGHT, *calls)),
        message(2, "Half an ans", state="broken", why="The connection to the model was cut. What came is kept."),
        message(3, "Half an", state="stopped"),
        message(4, "15 %: so far so good", by="workflow"),
        message(5, "", state="waiting", why="Waits for a model: Ollama does not run here."),
    ]
    assert looks_right(messages, size, keys=["k", "k", "k", "k", "enter"])


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_in_the_making_and_a_command(looks_right: Any, size: tuple[int, int]) -> None:
    answer = message(2, MARKDOWN[:215], state="streaming")

    async def type_a_command(pilot: Pilot[None]) -> None:
        pilot.app.query_one(Prompt).focus()
        await pilot.press(*"/ta")

    messages = [message(1, "Which pages are broken?", by="user"), answer]
    assert looks_right(messages, size, then=type_a_command)


def test_who_reads_further_up_sees_that_there_is_more(looks_right: Any) -> None:
    async def add(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, Pane)
        app.transcript.show([*app.messages, replace(message(9, "new"), state="done")], {}, earlier=False)

    assert looks_right([message(1, MARKDOWN), message(2, MARKDOWN)], (80, 24), keys=["pageup"], then=add)
