"""Every error as one sentence and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from argparse import Namespace

from .exits import CRASH, MOVED, USAGE, Exit


def explain(error: Exception, args: Namespace) -> Exit:
    """How the command ends because of `error`. What nobody foresaw is logged with its traceback."""
    from ..engine.fields import Invalid
    from ..engine.refusals import Locked, Moved, Refusal
    from ..secrets import SecretError
    from ..service.facts import Broken
    from ..settings import SettingsError
    from ..store.errors import StoreError

    match error:
        case Locked() | Moved():
            return Exit(MOVED, str(error))
        case Refusal() | Invalid() | SettingsError():
            return Exit(USAGE, str(error))
        case StoreError() | Broken() | SecretError():
            return Exit(CRASH, str(error))
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Exit(CRASH, "The disk is full: what was acknowledged is safe. Free some space and try again.")
    return _unexpected(error, args)


def _unexpected(error: Exception, args: Namespace) -> Exit:
    import logging

    from .. import log
    from ..paths import paths

    try:
        log.start(paths(args.env).log)
    except ValueError:  # no name for an environment: perhaps that is what went wrong
        log.start(paths().log)
    logging.getLogger("pipetui").error("unexpected error", exc_info=error)
    if args.debug:
        traceback.print_exception(error, file=sys.stderr)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Exit(
        CRASH,
        f"Stopped by an unexpected error ({what}). What was saved before is safe; see: pipetui logs --level error",
    )
