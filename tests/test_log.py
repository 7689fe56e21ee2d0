"""The log, as the processes that write it share it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipetui import log


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    logger = logging.getLogger("pipetui")
    before = list(logger.handlers), logger.level, logger.propagate, logging.raiseExceptions
    yield
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    handlers, logger.level, logger.propagate, logging.raiseExceptions = before
    for handler in handlers:
        logger.addHandler(handler)


def test_who_has_a_full_log_open_goes_on_in_the_new_one(tmp_path: Path) -> None:
    """A worker that runs for weeks must not end up writing where nobody looks, nor into a file without a name."""
    path = tmp_path / "logs" / "worker.log"
    path.parent.mkdir()
    path.write_text("old\n" + "x" * log.LARGEST + "\n")
    with path.open("a") as worker:
        for word in ("first", "second"):
            log.start(path)
            worker.write(f"the worker's {word}\n")
            worker.flush()
            logging.getLogger("pipetui.worker").info("ours")
            assert f"the worker's {word}" in path.read_text() and "ours" in path.read_text()
            path.write_text("x" * log.LARGEST + f"{word}\n")
    aside = path.with_name("worker.log.1")
    assert aside.read_text().endswith("xfirst\n") and stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_what_is_logged_at_once_has_an_end(tmp_path: Path) -> None:
    """What a host answers may be as long as it likes, and is part of what went wrong with it."""
    log.start(tmp_path / "log")
    try:
        raise ValueError("x" * 10 * log.LONGEST)
    except ValueError:
        logging.getLogger("pipetui.chat").exception("a host")
    text = (tmp_path / "log").read_text()
    assert log.LONGEST < len(text) < 2 * log.LONGEST and " ERROR " in text and " more characters … x" in text
