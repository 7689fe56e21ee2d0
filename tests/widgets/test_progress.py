from dataclasses import replace

import pytest
from textual.containers import Vertical

from pipetui.engine.jobs import JobView, Progress
from pipetui.widgets.marks import marks
from pipetui.widgets.plain import Plain
from pipetui.widgets.progress import Observation, ProgressLine, bar, pace, per_time, seconds_left

from .helpers import HIDDEN, HOSTILE, RUNNING, Host, screen_text


def seen(*points: tuple[float, float]) -> list[Observation]:
    return [Observation(*point) for point in points]


def test_the_pace_of_steady_work_is_its_rate() -> None:
    assert pace(seen((0, 0), (1, 10), (4, 40))) == pytest.approx(10)


def test_there_is_no_pace_before_two_observations_at_different_times() -> None:
    assert pace([]) is None
    assert pace(seen((3, 7))) is None
    assert pace(seen((3, 7), (3, 9))) is None


def test_a_pace_follows_the_recent_past() -> None:
    slow_then_fast = seen(*((t, t) for t in range(60)), *((60 + t, 60 + 10 * t) for t in range(60)))
    rate = pace(slow_then_fast)
    assert rate is not None
    assert 9 < rate < 10


def test_a_pause_lowers_the_pace_only_little_by_little() -> None:
    rate = pace(seen(*((t, 10 * t) for t in range(31)), (32, 300)))
    assert rate is not None
    assert 8 < rate < 10


@pytest.mark.parametrize(
    ("progress", "rate", "left"),
    [
        (Progress(25, 100), 5, 15),
        (Progress(120, 100), 5, 0),
        (Progress(25, 0), 5, None),
        (Progress(25, 100), 0, None),
        (Progress(25, 100), None, None),
    ],
)
def test_time_left(progress: Progress, rate: float | None, left: float | None) -> None:
    assert seconds_left(progress, rate) == left


@pytest.mark.parametrize(("rate", "text"), [(52.4, "52/s"), (1234, "1,234/s"), (1.42, "1.4/s"), (0.2, "12/min")])
def test_rates_read_well(rate: float, text: str) -> None:
    assert per_time(rate) == text


@pytest.mark.parametrize(
    ("done", "total", "unicode", "drawn"),
    [
        (0, 8, True, "    "),
        (4, 8, True, "██  "),
        (5, 8, True, "██▌ "),
        (8, 8, True, "████"),
        (99, 8, True, "████"),
        (-1, 8, True, "    "),
        (3, 0, True, "    "),
        (5, 8, False, "##.."),
    ],
)
def test_bars(done: float, total: float, unicode: bool, drawn: str) -> None:
    assert bar(done, total, 4, marks(unicode).bar) == drawn


async def test_a_progress_line_shows_amounts_rate_and_time_left() -> None:
    now = 0.0
    shown = ProgressLine(RUNNING, clock=lambda: now)
    async with Host(shown).run_test(size=(100, 5)) as pilot:
        assert "3,120 of 10,000" in screen_text(pilot.app)
        assert "left" not in screen_text(pilot.app)
        now = 10.0
        shown.show(replace(RUNNING, progress=Progress(3_620, 10_000, HOSTILE)))
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "3,620 of 10,000 · 50/s · 2 min 08 s left" in text
        assert "[@click" in text
        assert not any(character in text for character in HIDDEN)


async def test_what_may_hang_on_one_slow_page_is_said_to_be_to_come() -> None:
    now = 0.0
    shown = ProgressLine(replace(RUNNING, progress=Progress(1, 74, "/a")), clock=lambda: now)
    async with Host(shown).run_test(size=(100, 5)) as pilot:
        now = 2.4
        shown.show(replace(RUNNING, progress=Progress(73, 74, "/b")))
        await pilot.pause()
        assert "73 of 74 · 1 to come  /b" in screen_text(pilot.app)


async def test_of_a_total_of_one_the_share_is_shown() -> None:
    now = 0.0
    shown = ProgressLine(replace(RUNNING, progress=Progress(0.25, 1, "Degrees")), clock=lambda: now)
    async with Host(shown).run_test(size=(100, 5)) as pilot:
        now = 10.0
        shown.show(replace(RUNNING, progress=Progress(0.5, 1, "Degrees")))
        await pilot.pause()
        assert "50% · 20 s left  Degrees" in screen_text(pilot.app) and "/min" not in screen_text(pilot.app)


async def test_what_has_no_room_in_a_line_goes_on_in_the_next() -> None:
    text = "edges: Botify is working on the export 1 (processing) … · nodes: Downloading the export 2"
    shown = ProgressLine(replace(RUNNING, progress=Progress(0, 0, "edges: Sending")))
    async with Host(Vertical(shown, Plain("below"))).run_test(size=(60, 8)) as pilot:
        assert screen_text(pilot.app).splitlines()[1].strip() == "below"
        shown.show(replace(RUNNING, progress=Progress(0, 0, text)))
        await pilot.pause()
        *said, below = (line.strip() for line in screen_text(pilot.app).splitlines()[:3])
        assert " ".join(said) == text and below == "below"
        shown.show(replace(RUNNING, progress=Progress(0, 0, "word " * 100)))
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[3].strip() == "below"


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (replace(RUNNING, progress=Progress()), "At work …"),
        (replace(RUNNING, progress=Progress(7, 0, "rows")), "7  rows"),
        (replace(RUNNING, state="queued"), "Waiting for its turn."),
        (replace(RUNNING, cancelling=True), "Stopping …"),
    ],
)
async def test_a_progress_line_without_a_total(job: JobView, said: str) -> None:
    async with Host(ProgressLine(job)).run_test(size=(80, 5)) as pilot:
        assert screen_text(pilot.app).splitlines()[0].strip() == said
