"""`pipetui credits`: what exports cost, by profile and month, as the ledger has it."""

from __future__ import annotations

from argparse import Namespace

from ..botify import Credits
from ..text import count
from . import output
from .exits import OK
from .session import places


def credits(args: Namespace) -> int:
    months = Credits.of(places(args).data).months(args.profile)
    if args.json:
        output.document([month._asdict() for month in months])
    elif not months:
        output.note("No export was paid for yet.")
    else:
        output.table(
            ("month", "profile", "credits", "exports", "of these not known"),
            [
                (
                    each.month,
                    each.profile,
                    f"{each.credits:,.1f}",
                    count(each.exports),
                    f"{each.unknown:,.1f}" if each.unknown else "",
                )
                for each in months
            ],
        )
    return OK
