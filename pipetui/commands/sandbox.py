"""`pipetui sandbox`: a local Botify and a local web site, until Ctrl+C."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from ..sandbox import KINDS, Sandbox, Settings
from . import output
from .exits import CRASH, OK, USAGE, Exit

LOOK_SECONDS = 1.0
"""Between two looks at whether anybody still asks."""


def sandbox(args: Namespace) -> int:
    if args.knobs:
        _knobs()
        return OK
    try:
        made = Sandbox(seed=args.seed, links=args.links, port=args.port, files=Path(args.files) if args.files else None)
        for setting in args.settings:
            name, _, value = setting.partition("=")
            made.set(**{name: value})
        for fault in args.faults:
            made.parse_fault(fault)
    except (TypeError, ValueError) as error:
        raise Exit(USAGE, str(error)) from None
    return asyncio.run(_serve(made, one_line=args.json, idle=args.idle))


async def _serve(made: Sandbox, *, one_line: bool, idle: float | None) -> int:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        async with made as sandbox:
            if one_line:
                sys.stdout.write(json.dumps(sandbox.addresses) + "\n")
            else:
                output.line(f"Botify API      {sandbox.api_url}/v1")
                output.line(f"Download host   {sandbox.files_url}")
                output.line(f"Web site        {sandbox.site_url}/")
                output.line(f"Token           {sandbox.token}")
                output.line(f"What happened   {sandbox.api_url}/_sandbox/state")
                output.note("Nothing here is real. Ctrl+C ends it.")
            sys.stdout.flush()
            while not ended.is_set() and (idle is None or time.time() - sandbox.last_asked < idle):
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), timeout=LOOK_SECONDS)
    except OSError as error:
        raise Exit(CRASH, f"The sandbox can't listen: {error.strerror}. Take another --port.") from None
    return OK


def _knobs() -> None:
    output.table(
        ("fault", "route", "what happens", "options"),
        [
            (name, kind.route, kind.about, ", ".join(f"{option}={value}" for option, value in kind.options.items()))
            for name, kind in KINDS.items()
        ],
    )
    output.line()
    output.table(("setting", "default"), list(vars(Settings()).items()))
