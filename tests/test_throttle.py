import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipetui.http import Throttle

RACER = """
import asyncio, sys, time
from pathlib import Path
from pipetui.http import Throttle

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    throttle = Throttle(Path(sys.argv[1]), "token", rate=50)
    for _ in range(15):
        await throttle.turn()
        print(time.monotonic(), flush=True)

asyncio.run(main())
"""


async def test_turns_are_spaced_within_a_process(tmp_path: Path) -> None:
    throttle = Throttle(tmp_path, "token", rate=50)
    times: list[float] = []

    async def one() -> None:
        await throttle.turn()
        times.append(time.monotonic())

    await asyncio.gather(*(one() for _ in range(8)))
    assert times[-1] - times[0] >= 7 * 0.02 - 0.005


def test_processes_share_one_pace(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    turns = [[float(line) for line in racer.communicate()[0].split()] for racer in racers]
    assert [len(each) for each in turns] == [15, 15]
    together = turns[0] + turns[1]
    assert max(together) - min(together) >= 29 * 0.02 - 0.01


@pytest.mark.parametrize("left", [b"", b"nonsense", b"nan", b"1e300", b"-1e300", b"\xff" * 40])
async def test_what_another_boot_or_a_crash_left_stops_nobody(tmp_path: Path, left: bytes) -> None:
    throttle = Throttle(tmp_path, "token", rate=2)
    await throttle.turn()
    file = next(tmp_path.glob("throttle-*"))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "token" not in file.name
    file.write_bytes(left)
    async with asyncio.timeout(5):
        await Throttle(tmp_path, "token", rate=2).turn()


async def test_another_token_has_another_pace(tmp_path: Path) -> None:
    async with asyncio.timeout(5):
        for name in "abcdef":
            await Throttle(tmp_path, name, rate=0.1).turn()


async def test_without_a_folder_the_pace_is_kept_alone(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    throttle = Throttle(blocked / "cache", "token", rate=50)
    begun = time.monotonic()
    for _ in range(4):
        await throttle.turn()
    assert time.monotonic() - begun >= 3 * 0.02 - 0.001


async def test_who_is_cancelled_while_waiting_takes_no_turn_and_holds_nobody_up(tmp_path: Path) -> None:
    throttle = Throttle(tmp_path, "token", rate=5)
    await throttle.turn()
    waiting = asyncio.create_task(throttle.turn())
    await asyncio.sleep(0.01)
    waiting.cancel()
    async with asyncio.timeout(5):
        await throttle.turn()
