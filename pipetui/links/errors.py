"""What can go wrong, each as one sentence for a person."""


class LinksError(Exception):
    """The work ended: what happened, and what to do. No unfinished file is left."""


class BadInput(LinksError):
    """A file or an argument that can't be used as it is."""


class Cancelled(Exception):
    """Someone called `interrupt()`. No unfinished file is left."""
