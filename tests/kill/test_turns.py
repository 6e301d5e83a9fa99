"""Two graders at once on one course, as processes: the second says that it waits; the grades are those of one run."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from crowd import GRADE, NBGRADER, crowd, grades_of, kept, killed, report_of, started, with_nbgrader

from autograder.settings import Settings
from autograder.turn import WAITING, take_turn

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("turns")]
SIZE = 4
RUNS = {
    "nbgrader": (NBGRADER, ("autograde", "toy")),
    "grade": (GRADE, ("grade", "toy", "submitted", "--json", "report.json")),
}
PAUSED = """
import os, pathlib, time
import autograder.turn
state, take_turn = pathlib.Path(os.environ["AUTOGRADER_STATE"]), autograder.turn.take_turn
def take_and_pause(*args):
    lock = take_turn(*args)
    (state / "held").touch()
    while not (state / "go").exists():
        time.sleep(0.05)
    return lock
autograder.turn.take_turn = take_and_pause
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class in `course/`, the same after one run in `graded/`, and the state folder of that run."""
    top = tmp_path_factory.mktemp("turns")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(top / "state"))
        wanted = crowd(top / "course", SIZE)
        with_nbgrader(top / "course")
        shutil.copytree(top / "course", top / "graded")
        ended = started(*RUNS["nbgrader"], top / "graded", top / "log").wait(200)
    assert ended == 0, (top / "log").read_text()[-2000:]
    found = {student: sum(g or 0 for g in grades.values()) for student, grades in grades_of(top / "graded").items()}
    assert found == wanted
    return top


@pytest.fixture
def course(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The class before nbgrader took it up, with the same seed and what that run has kept."""
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    shutil.copytree(alone / "state", tmp_path / "state", ignore=shutil.ignore_patterns("locks"))
    return Path(shutil.copytree(alone / "course", tmp_path / "course"))


def until(true: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.1)


def said(log: Path) -> int:
    """How often a grader said that it waits."""
    return " ".join(log.read_text().split()).count(WAITING)


def two(course: Path, first: str, second: str) -> list[subprocess.Popen[bytes]]:
    """Two graders. The first has its turn and has not begun; the second has said that it waits."""
    top = course.parent
    program, words = RUNS[first]
    processes = [started(PAUSED + program, words, course, top / "first")]
    until((top / "state" / "held").exists, processes[0])
    before = (course / "gradebook.db").read_bytes()
    processes.append(started(*RUNS[second], course, top / "second"))
    until(lambda: said(top / "second") == 1, processes[1])
    opened = {os.path.realpath(path) for path in Path(f"/proc/{processes[1].pid}/fd").iterdir()}
    assert not any("gradebook" in path for path in opened)
    assert (course / "gradebook.db").read_bytes() == before
    assert not (course / "autograded").exists()
    return processes


def no_lock_is_left(course: Path) -> None:
    told = list[str]()
    with take_turn(Settings(course, course.parent / "state"), told.append):
        assert told == []
    assert not list(course.glob("gradebook.db-*"))


@pytest.mark.parametrize(("first", "second"), [("nbgrader", "nbgrader"), ("nbgrader", "grade"), ("grade", "nbgrader")])
def test_the_second_says_so_and_waits(course: Path, alone: Path, first: str, second: str) -> None:
    if first == second:  # once with all the grading, which the others find done
        shutil.rmtree(course.parent / "state" / "kept")
    processes = two(course, first, second)
    (course.parent / "state" / "go").touch()
    logs = [course.parent / "first", course.parent / "second"]
    assert [process.wait(200) for process in processes] == [0, 0], [log.read_text()[-2000:] for log in logs]
    assert [said(log) for log in logs] == [0, 1]
    assert grades_of(course) == grades_of(alone / "graded")
    assert len(list((course / "autograded").rglob("toy.ipynb"))) == len(kept(course.parent / "state")) == SIZE
    if "grade" in (first, second):
        report = report_of(course / "report.json")
        scores = {s: sum(g or 0 for g in grades.values()) for s, grades in grades_of(course).items()}
        assert report and {s["student"]: s["score"] for s in report["submissions"]} == scores
    no_lock_is_left(course)


def test_the_second_goes_on_when_the_first_is_killed(course: Path, alone: Path) -> None:
    first, second = two(course, "nbgrader", "nbgrader")
    assert killed(first, 0.1)
    assert second.wait(200) == 0, (course.parent / "second").read_text()[-2000:]
    assert grades_of(course) == grades_of(alone / "graded")
    no_lock_is_left(course)
