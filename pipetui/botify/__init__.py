"""The Botify API: a client, queries that are counted and exported alike, and exports that are never paid for twice.

    from pipetui import botify

    async with botify.Client(token) as client:
        query = botify.link_graph(botify.Project("acme-org", "acme.com"), "20240601", depth=3)
        print(await botify.count(client, query))

`botify.places` and `botify.cards` are what the steps of a workflow need beside it. All is imported when the first of it
is asked for: so a workflow may import this at its top, and no start pays for an HTTP client.
"""

TYPE_CHECKING = False  # type checkers take it for true
if TYPE_CHECKING:
    from .offer import *  # noqa: F403 - its __all__ names them


def __getattr__(name: str) -> object:
    from importlib import import_module

    offer = import_module(".offer", __name__) if not name.startswith("_") else None
    if offer is None or name not in offer.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(offer, name)
