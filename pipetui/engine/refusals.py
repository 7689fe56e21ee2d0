"""How a command is refused. A leaf: whoever only lists runs need not load the transitions."""


class Refusal(Exception):
    """A command can't be carried out. Its text says why, in a sentence for the user."""


class Locked(Refusal):
    """The run is finalized."""


class Moved(Refusal):
    """The run was changed meanwhile, by another terminal or a job."""
