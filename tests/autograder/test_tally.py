"""How far grading has come: the figures, and how they look in a terminal and in a log."""

import io

import pytest
from rich.console import Console

from autograder.records import Graded
from autograder.tally import RECENT, Tally, clock
from autograder.watching import EVERY, watched


def one(status: str = "graded", known: bool = False) -> Graded:
    return Graded("ada", "ada.ipynb", status, known=known)  # type: ignore[arg-type]


def test_rate_time_left_and_failures() -> None:
    tally = Tally(60, 100.0)
    assert tally.words(100.0) == "0 of 60"
    for second in range(10):
        tally.add(one(), 105.0 + 5 * second)
    assert tally.words(150.0) == "10 of 60, 4:10 left, 12 a minute"
    tally.add(one("unreadable"), 150.0)
    tally.add(one("failed-ours"), 155.0)
    tally.add(one("failed-ours"), 160.0)
    assert tally.words(160.0) == "13 of 60, 3:55 left, 1 unreadable, 2 failed on our side, 12 a minute"


def test_what_is_known_takes_no_time_and_counts_for_no_rate() -> None:
    tally = Tally(100, 0.0)
    for _ in range(50):
        tally.add(one(known=True), 0.1)
    assert tally.words(0.1) == "50 of 100, 50 already known"
    tally.add(one(), 6.0)
    assert tally.words(6.0) == "51 of 100, 4:54 left, 10 a minute, 50 already known"


def test_the_rate_is_that_of_the_last_ones_and_falls_while_nothing_finishes() -> None:
    tally = Tally(1000, 0.0)
    for second in range(100):
        tally.add(one(), float(second))
    for second in range(RECENT):
        tally.add(one(), 109.0 + 10 * second)
    assert tally.rate(399.0) == pytest.approx(6.0)
    assert tally.rate(699.0) == pytest.approx(3.0)


def test_nothing_is_left_at_the_end() -> None:
    tally = Tally(1, 0.0)
    tally.add(one(), 2.0)
    assert tally.left(9.0) == 0.0 and tally.words(2.0) == "1 of 1, 30 a minute"
    assert Tally(0, 0.0).words(0.0) == "0 of 0"


@pytest.mark.parametrize(("seconds", "told"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3661, "1:01:01")])
def test_time_as_a_clock_shows_it(seconds: float, told: str) -> None:
    assert clock(seconds) == told


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(total: int, finishing: list[float], **terminal) -> str:
    """What is printed while submissions finish at these times."""
    out, at = io.StringIO(), Clock()
    with watched(Console(file=out, **terminal), "Grading toy", total, clock=at) as tell:
        for at.now in finishing:
            tell(one("unreadable" if at.now == 40.0 else "graded"))
    return out.getvalue()


def test_a_log_has_a_line_now_and_then() -> None:
    assert shown(200, [10.0, 20.0, 40.0, 50.0, 60.0, 80.0], width=30).splitlines() == [
        "Grading toy: 3 of 200, 1:05:40 left, 1 unreadable, 3 a minute",
        "Grading toy: 6 of 200, 51:44 left, 1 unreadable, 3.75 a minute",
    ]
    assert shown(2, [EVERY - 1, EVERY]) == ""


@pytest.mark.parametrize(("width", "bar"), [(120, True), (100, True), (80, False), (24, False)])
def test_a_terminal_has_a_bar_where_there_is_room(width: int, bar: bool) -> None:
    import re

    terminal = {"force_terminal": True, "legacy_windows": False, "color_system": "truecolor"}
    out = shown(200, [10.0, 20.0, 40.0], width=width, **terminal)
    lines = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "\n", out).splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.strip().startswith(("3 of 200", "Grading toy")) for line in lines)
    assert any("━" in line for line in lines) is bar
    if bar:
        assert any("1 unreadable" in line and "3 a minute" in line for line in lines)
