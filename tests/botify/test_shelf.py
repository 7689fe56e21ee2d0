"""The shelf of finished exports, when it is killed while it puts one there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from pipetui import disk
from pipetui.botify.shelf import DATA, MANIFEST, Shelf

from .test_files import exported


def test_a_kill_before_it_is_visible_leaves_nothing_beside_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "exports")
    place = shelf.folder / "shop"
    shelf.folder.mkdir()
    export = replace(exported(shelf.making(place), b"/a;/b\n"), folder=place)

    pid = os.fork()
    if not pid:
        with patch.object(disk, "flush", lambda file: os._exit(9)):
            shelf.put(export)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    assert shelf.all() == []
    shelf.put(export)
    assert [found.folder for found in shelf.all()] == [place]
    assert sorted(path.name for path in place.iterdir()) == [DATA, MANIFEST]
    assert list(shelf.folder.iterdir()) == [place]
