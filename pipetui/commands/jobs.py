"""`pipetui jobs`, `cancel`, `retry`."""

from __future__ import annotations

import time
from argparse import Namespace
from contextlib import suppress

from ..engine.keys import compose
from ..engine.refusals import Refusal
from ..service import Service
from ..store.jobs import JobRow
from ..text import ago
from . import output, report
from .exits import OK, USAGE, Exit
from .session import serve

ID = 12
"""Characters of a job's id that are shown; any start that fits one job only is accepted."""


def jobs(args: Namespace) -> int:
    if args.follow and args.json:
        raise Exit(USAGE, "--json prints one document, --follow never ends: use one of them.")

    async def read(service: Service) -> int:
        rows = await service.jobs.latest(limit=args.limit)
        keys = await _keys(service, rows)
        if args.json:
            output.document([_as_json(row, keys[row.run]) for row in rows])
        elif rows or args.follow:
            now = time.time()
            output.table(
                ("id", "run", "step", "queued", "state"),
                [
                    (row.id[:ID], keys[row.run], row.step, ago(now - row.queued), report.progress(row.view) + _why(row))
                    for row in rows
                ],
            )
        else:
            output.note("There are no jobs yet.")
        if args.follow:
            await _follow(service)
        return OK

    return serve(args, read)


async def _follow(service: Service) -> None:
    """A line for each change of a job, without an end."""
    output.flush()
    async for changes in service.feed().changes():
        rows = []
        for id in sorted(changes.jobs):
            with suppress(Refusal):  # removed since we heard of it
                rows.append(await service.jobs.row(id))
        keys = await _keys(service, rows)
        for row in rows:
            output.line(f"{row.id[:ID]}  {keys[row.run]}  {row.step}  {report.progress(row.view)}{_why(row)}")
        output.flush()


def cancel(args: Namespace) -> int:
    async def work(service: Service) -> JobRow:
        await service.jobs.cancel(args.id)
        return await service.jobs.row(args.id)

    row = serve(args, work)
    if args.json:
        output.document({"id": row.id, "state": row.state, "cancelling": row.view.cancelling})
    else:
        output.line(f"{row.id[:ID]}  {'is asked to stop' if row.view.cancelling else row.state}")
    return OK


def retry(args: Namespace) -> int:
    async def work(service: Service) -> JobRow:
        if trouble := await service.jobs.retry(args.id):
            output.note(trouble)
        return await service.jobs.row(args.id)

    row = serve(args, work)
    if args.json:
        output.document({"id": row.id, "state": row.state})
    else:
        output.line(f"{row.id[:ID]}  {row.state}")
    return OK


async def _keys(service: Service, rows: list[JobRow]) -> dict[str, str]:
    """The keys of the jobs' runs."""
    keys = {}
    for run in {row.run for row in rows}:
        try:
            found = await service.shelves.row(run)
        except Refusal:  # removed since the jobs were read
            keys[run] = "(removed)"
        else:
            keys[run] = compose(found.profile, found.app_name, found.part)
    return keys


def _why(row: JobRow) -> str:
    return f": {row.error}" if row.error and row.state in ("failed", "parked") else ""


def _as_json(row: JobRow, key: str) -> dict[str, object]:
    return {
        "id": row.id,
        "run": row.run,
        "key": key,
        "step": row.step,
        "state": row.state,
        "done": row.done,
        "total": row.total,
        "text": row.text,
        "error": row.error,
        "queued": row.queued,
        "started": row.started,
        "ended": row.ended,
        "superseded": row.superseded is not None,
    }
