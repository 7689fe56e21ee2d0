"""`pipetui completion SHELL`."""

from __future__ import annotations

import sys
from argparse import Namespace

import shtab

from .exits import OK


def completion(args: Namespace) -> int:
    sys.stdout.write(shtab.complete(args.grammar(), args.shell).rstrip() + "\n")
    return OK
