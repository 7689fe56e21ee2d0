"""`pipetui runs`, `show`, `events`. The list needs neither engine nor workflows: it is to be there at once."""

from __future__ import annotations

import time
from argparse import Namespace

from ..service import Service
from ..store.runs import RunRow
from ..text import ago
from . import output
from .exits import OK
from .session import serve

ALL = 100_000
"""Events of a run that are told."""

LONGEST = 200
"""Characters of an answer that are."""


def runs(args: Namespace) -> int:
    async def read(service: Service) -> list[dict[str, object]]:
        lines = await service.shelves.lines(
            profile=args.profile, shelf=None if args.all else "active", limit=args.limit
        )
        return [
            {
                "key": f"{line.profile}-{line.app_name}-{line.part}",
                "id": line.id,
                "profile": line.profile,
                "app_name": line.app_name,
                "part": line.part,
                "next": line.next_step,
                "job": line.job,
                "created": line.created,
                "updated": line.updated,
                "archived": line.archived,
            }
            for line in lines
        ]

    found = serve(args, read)
    if args.json:
        output.document(found)
    elif not found:
        output.note("There are no runs yet. To make one: pipetui run hello --set name=Ada")
    else:
        now = time.time()
        output.table(
            ("key", "next", "job", "changed"),
            [
                (
                    row["key"],
                    row["next"] if row["next"] != "finalize" else "complete",
                    row["job"],
                    ago(now - float(str(row["updated"]))) + " (archived)" * bool(row["archived"]),
                )
                for row in found
            ],
        )
    return OK


async def _keyed(service: Service, key: str) -> RunRow:
    """The run of this whole key or id. Refusal when there is none, with those that only end so."""
    from ..engine.refusals import Refusal

    try:
        return await service.shelves.keyed(key)
    except Refusal:
        lines = await service.shelves.lines(shelf=None, text=key, limit=20)
        meant = [f"{line.profile}-{line.app_name}-{line.part}" for line in lines]
        meant = [whole for whole in meant if whole.endswith(f"-{key}")][:3]
        if not meant:
            raise
        raise Refusal(f"There is no run {key}; did you mean {' or '.join(meant)}?") from None


def show(args: Namespace) -> int:
    from ..engine.refusals import Refusal
    from ..engine.values import encode
    from . import report

    async def read(service: Service) -> int:
        row = await _keyed(service, args.key)
        try:
            snapshot = await service.runs.look(row.id)
        except Refusal as refusal:  # its workflow is gone: the record can still be read
            output.note(str(refusal))
            if args.json:
                output.document({"id": row.id, "key": args.key, "version": row.version, "record": row.record})
            else:
                output.line(encode(row.record))
            return OK
        if args.json:
            output.document(report.as_json(snapshot))
        else:
            report.show(snapshot)
            output.line()
            output.document(row.record)
        return OK

    return serve(args, read)


def events(args: Namespace) -> int:
    from ..engine.history import told
    from ..engine.refusals import Refusal

    async def read(service: Service) -> int:
        row = await _keyed(service, args.key)
        if args.json:
            history = await service.runs.history(row.id, last=ALL)
            output.document(
                [
                    {
                        "seq": event.seq,
                        "at": event.at,
                        "actor": event.actor,
                        "kind": event.kind,
                        "step": event.step,
                        "undoes": event.undoes,
                        "forward": event.change.forward.to_json(),
                        "backward": event.change.backward.to_json(),
                    }
                    for event in history
                ]
            )
            return OK
        try:
            lines = await service.runs.told(await service.runs.look(row.id), last=ALL)
        except Refusal as refusal:  # its workflow is gone: its steps have their ids for names
            output.note(str(refusal))
            lines = told((), await service.runs.history(row.id, last=ALL), ())
        output.table(
            ("version", "at", "what", "answer"),
            [(line.seq or "", line.at, line.what, line.said[:LONGEST]) for line in lines],
        )
        return OK

    return serve(args, read)
