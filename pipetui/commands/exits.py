"""How a command ends. Nothing is imported here: every call of the program pays for it."""

TYPE_CHECKING = False  # true for type checkers; `typing` itself would cost every start 4 ms
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Command: TypeAlias = Callable[[Namespace], int]

OK = 0
CRASH = 1
USAGE = 2
"""Wrong use, or a value that is not accepted."""
FAILED = 3
"""A job failed."""
WAITING = 4
"""It waits for a person: for more input, or a decision."""
MOVED = 5
"""The run is locked, or was changed meanwhile."""
INTERRUPTED = 130
BROKEN_PIPE = 141


class Exit(Exception):
    """The command ends here. The text is the sentence for stderr; `document` is what --json prints beside it."""

    def __init__(self, code: int, message: str = "", document: "Mapping[str, Any] | None" = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.document = dict(document or {})
