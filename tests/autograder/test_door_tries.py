"""Grading on submission: the budget, what a result tells, and looking for submissions."""

import asyncio
import math
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from toy_hub import place_of

from autograder.hub.door import tries
from autograder.hub.door.tries import Rule, Try
from autograder.hub.door.watch import Watch
from autograder.records import Finding, Graded, Verdict

TOY = Path(__file__).parent.parent / "toy"
NOON = datetime(2026, 11, 20, 12).timestamp()
DAY = 86400.0


def tried(at: float, key: str, status: str = "graded", **facts: object) -> Try:
    return Try(f"h{at}", at, key, status, **facts)  # type: ignore[arg-type]


def found(label: str, *, hidden: bool, passed: bool) -> Finding:
    return Finding(label, hidden, passed, message="" if passed else "what went wrong", hint="a hint")


GRADED = Graded(
    "ada",
    "toy.ipynb",
    "graded",
    (
        Verdict("f", 1.0, 2.0, (found("seen", hidden=False, passed=True), found("secret", hidden=True, passed=False))),
        Verdict("g", 0.0, 3.0, (found("hush", hidden=True, passed=True),), diagnosis="halved", hint="the diagnosis"),
    ),
    message="told to graders",
    notes=("a note",),
)


def test_a_result_is_two_counts_and_nothing_else_of_the_verdicts():
    told = tries.counted(GRADED, handed="h", at=NOON, key="k", now=NOON + 3)
    assert (told.visible, told.hidden, told.message) == ((1, 1), (1, 2), "")
    for secret in ("secret", "hush", "hint", "diagnosis", "halved", "note", "wrong", "graders"):
        assert secret not in repr(told)


def test_when_it_comes_tells_next_to_nothing():
    ends = {tries.counted(GRADED, handed="h", at=NOON, key="k", now=NOON + s).shown_from for s in range(1, 121)}
    assert len(ends) == math.ceil(120 / tries.STEP)
    assert all(e % tries.STEP == 0 for e in ends)


def test_results_are_limited_by_day_and_in_all():
    rule = Rule(True, 2, 3)
    done = [tried(NOON, "a"), tried(NOON + 60, "b")]
    assert tries.left(rule, done, NOON + 120) == (0, 1)
    assert tries.refusal(rule, done, NOON + 120) == (
        "All results for today are used. Hand in again from Saturday on for another; the last one that you hand in is "
        "graded with the class."
    )
    assert tries.left(rule, done, NOON + DAY) == (1, 1) and tries.refusal(rule, done, NOON + DAY) == ""
    done.append(tried(NOON + DAY, "c"))
    assert tries.left(rule, done, NOON + 9 * DAY) == (0, 0)
    assert tries.refusal(rule, done, NOON + 9 * DAY) == (
        "All 3 results for this assignment are used. It will be graded with the class."
    )


def test_what_told_nothing_costs_nothing():
    free = [
        tried(NOON, "a", "unreadable"),
        tried(NOON, "b", "failed-ours"),
        tried(NOON, "c", "refused"),
        tried(NOON, "d", again=True),
    ]
    assert tries.left(Rule(True, 2, 3), free, NOON) == (2, 3)


def test_code_that_makes_us_fail_is_no_free_question():
    """A failure could be brought about for some hidden inputs alone; a few are free, for when it is our fault."""
    done = [tried(NOON, str(n), "failed-ours") for n in range(3)]
    assert tries.left(Rule(True, 3, 10), done[:2], NOON) == (3, 10)
    assert tries.left(Rule(True, 3, 10), done, NOON) == (2, 9)


def test_a_flood_of_submissions_fills_no_disk(tmp_path):
    done = [tried(NOON, "a"), *(tried(NOON + n, "b", "refused") for n in range(500)), tried(NOON, "c", "failed-ours")]
    tries.write_tries(tmp_path, "toy", "ada", done)
    kept = tries.read_tries(tmp_path, "toy", "ada")
    assert len(kept) <= 2 + tries.KEPT_OTHERS and tries.spent(kept) == tries.spent(done)


def test_a_lowered_limit_leaves_nothing_below_zero():
    done = [tried(NOON, "a"), tried(NOON, "b")]
    assert tries.left(Rule(True, 1, 1), done, NOON) == (0, 0)


@pytest.mark.parametrize("student", ["ada", "../../ada", "..", ".", "a/b", "<b>", "A" * 80, "é"])
def test_tries_are_kept_under_any_name(tmp_path, student):
    done = (tried(NOON, "a", visible=(1, 2), hidden=(3, 4)),)
    tries.write_tries(tmp_path / "own", "toy", student, done)
    assert tries.read_tries(tmp_path / "own", "toy", student) == done
    assert tries.read_tries(tmp_path / "own", "toy", "somebody") == ()
    (file,) = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert file.parent == tmp_path / "own" / "tries" / "toy" and file.stat().st_mode & 0o077 == 0


# ---- looking -----------------------------------------------------------------------------------------------------


class Asked:
    """A grader that remembers what it was asked; it sees the copy while it is there."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.result = GRADED

    async def __call__(self, chapter: str, student: str, path: Path) -> Graded:
        self.sources.append(nbformat.read(path, 4).cells[0].source)
        return self.result


@pytest.fixture
def world(tmp_path):
    """A place, its grader and its clock; `hand` hands in and looks."""
    place = place_of(TOY, tmp_path / "state", tmp_path / "exchange")
    place.inbound.mkdir(parents=True)
    tries.write_rules(place.own, {"toy": Rule(True, 2, 3)})
    asked, now = Asked(), [NOON]

    def look() -> None:
        watch = Watch(place, asyncio.Lock(), asked, clock=lambda: now[0])
        asyncio.run(watch.look())

    def hand(source: str, student: str = "ada") -> Try:
        now[0] += 60
        stamp = datetime.fromtimestamp(now[0], UTC)
        folder = place.inbound / f"{student}+toy+{stamp:%Y-%m-%d %H:%M:%S.%f} UTC+{len(asked.sources)}x"
        folder.mkdir()
        text = source
        if not source.startswith("{"):
            text = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="a")]))
        (folder / "toy.ipynb").write_text(text)
        look()
        return tries.read_tries(place.own, "toy", student)[-1]

    return place, asked, now, hand, look


def test_the_newest_submission_is_graded_once(world):
    place, asked, _, hand, look = world
    assert hand("x = 1").status == "graded"
    look()
    assert asked.sources == ["x = 1"]
    assert len(tries.read_tries(place.own, "toy", "ada")) == 1


def test_the_same_cells_again_are_not_graded_and_cost_nothing(world):
    place, asked, _, hand, _ = world
    first, again = hand("x = 1"), hand("x = 1")
    assert again.again and again.hidden == first.hidden and again.handed != first.handed
    assert asked.sources == ["x = 1"]
    assert tries.left(Rule(True, 2, 3), tries.read_tries(place.own, "toy", "ada"), NOON) == (1, 2)


def test_a_student_without_results_left_is_told_and_not_graded(world):
    _, asked, now, hand, _ = world
    hand("x = 1"), hand("x = 2")
    third = hand("x = 3")
    assert third.status == "refused" and third.message.startswith("All results for today are used.")
    assert hand("x = 1").again  # also now
    assert hand("x = 1", "bob").status == "graded"  # others have their own, whoever wrote the cells
    now[0] += DAY
    assert hand("x = 4").status == "graded"
    assert asked.sources == ["x = 1", "x = 2", "x = 1", "x = 4"]


def test_a_failure_of_ours_and_an_unreadable_file_cost_nothing(world):
    _, asked, _, hand, _ = world
    asked.result = Graded("ada", "", "failed-ours")
    assert hand("x = 1").status == "failed-ours"
    assert hand('{"cells": [').status == "unreadable"
    asked.result = GRADED
    assert hand("x = 1").status == "graded" and hand("x = 2").status == "graded"


def test_nothing_is_looked_at_where_it_is_off(world):
    place, asked, _, hand, _ = world
    tries.write_rules(place.own, {"toy": Rule(False)})
    with pytest.raises(IndexError):
        hand("x = 1")
    assert asked.sources == []
