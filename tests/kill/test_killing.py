"""`kill -9` at random moments of a class of sixty: the same command again finishes it; nothing is lost or doubled."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from crowd import (
    GRADE,
    NBGRADER,
    crowd,
    descendants,
    end,
    grades_of,
    kept,
    killed,
    moments,
    report_of,
    started,
    with_nbgrader,
)

from autograder.batch import grade_all
from autograder.notebook.read import find
from autograder.records import Graded
from autograder.sandbox.pool import open_sandbox
from autograder.session import Session, open_session
from autograder.settings import Settings
from autograder.turn import WAITING

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("kill")]
SIZE, KILLS = 60, 6
GRADING = ("grade", "toy", "submitted", "--json", "report.json")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def whole(report: Any, wanted: dict[str, float]) -> None:
    """Every submission is in the report once, with its score."""
    assert [s["student"] for s in report["submissions"]] == list(wanted)
    assert {s["student"]: (s["status"], s["score"]) for s in report["submissions"]} == {
        student: ("graded", score) for student, score in wanted.items()
    }


@pytest.mark.long
def test_a_grader_killed_again_and_again(tmp_path: Path, state: Path) -> None:
    root, log = tmp_path / "course", tmp_path / "log"
    wanted = crowd(root, SIZE)
    done: dict[str, int] = {}
    strikes = 0
    for moment in moments(1, KILLS, 3.0, 12.0):
        strikes += killed(started(GRADE, GRADING, root, log), moment)
        now = kept(state)
        assert done.items() <= now.items(), "what was graded was lost, or graded again"
        done = now
        report = report_of(root / "report.json")
        assert report is None or not strikes or len(report["submissions"]) == SIZE
    assert started(GRADE, GRADING, root, log).wait(300) == 0, log.read_text()
    assert done.items() <= kept(state).items() and len(kept(state)) == SIZE
    whole(report_of(root / "report.json"), wanted)
    print(f"grader: {strikes} kills, 0 lost, 0 doubled")


@pytest.mark.long
def test_nbgrader_killed_again_and_again(tmp_path: Path, state: Path) -> None:
    root, log = tmp_path / "course", tmp_path / "log"
    wanted = crowd(root, SIZE)
    with_nbgrader(root)
    done: dict[str, int] = {}
    strikes = 0
    for moment in moments(2, KILLS, 5.0, 15.0):
        strikes += killed(started(NBGRADER, ("autograde", "toy", "--create"), root, log), moment)
        now = kept(state)
        assert done.items() <= now.items(), "what was graded was lost, or graded again"
        done = now
        for student, grades in grades_of(root).items():
            given = [g for g in grades.values() if g is not None]
            assert not given or (len(given) == len(grades) and sum(given) == wanted[student])
        for path in (root / "reports").rglob("*.json"):
            whole(report_of(path), {path.stem: wanted[path.stem]})
    assert started(NBGRADER, ("autograde", "toy", "--create"), root, log).wait(400) == 0, log.read_text()[-3000:]
    assert done.items() <= kept(state).items() and len(kept(state)) == SIZE
    assert {student: sum(g or 0 for g in grades.values()) for student, grades in grades_of(root).items()} == wanted
    assert len(list((root / "autograded").rglob("toy.ipynb"))) == SIZE
    for path in (root / "reports").rglob("*.json"):
        whole(report_of(path), {path.stem: wanted[path.stem]})
    print(f"nbgrader: {strikes} kills, 0 lost, 0 doubled")


def graded_under_fire(session: Session, found: Any, victims: Any, times: list[float]) -> tuple[list[Graded], int]:
    """The class, graded while one of `victims()` is killed after each of these pauses; and how many were.

    A pause is followed by waiting for a victim: how soon one can be met depends on how fast the machine grades.
    """
    strikes, stop = 0, threading.Event()

    def struck() -> bool:
        for pid in sorted(victims())[-1:]:
            try:
                end(pid)
                return True
            except ProcessLookupError:
                pass
        return False

    def strike() -> None:
        nonlocal strikes
        for seconds in times:
            if stop.wait(seconds):
                return
            while not struck():
                if stop.wait(0.005):
                    return
            strikes += 1

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        return grade_all(session, found), strikes
    finally:
        stop.set()
        thread.join()


def youngest(sandbox: Any) -> set[int]:
    """Those of the sandbox's processes that have started no other: the fork server while it is idle, else workers."""
    family = descendants(next(iter(sandbox._servers.values())).pid)
    return {pid for pid in family if not descendants(pid)}


@pytest.mark.parametrize(
    ("size", "times"),
    [
        pytest.param(8, [0.1, 0.3], id="a few"),
        pytest.param(SIZE, moments(3, 30, 0.05, 0.6), id="many", marks=pytest.mark.long),
    ],
)
def test_a_worker_killed_from_outside_is_our_failure_and_the_next_run_grades_it(
    tmp_path: Path, state: Path, size: int, times: list[float]
) -> None:
    root = tmp_path / "course"
    wanted = crowd(root, size)
    found = find(root / "submitted", "toy")
    with open_session(Settings(root, state), "toy", open_sandbox) as session:
        session.sandbox.start()  # type: ignore[attr-defined]
        server = youngest(session.sandbox)
        results, strikes = graded_under_fire(session, found, lambda: youngest(session.sandbox) - server, times)
        assert strikes
        assert [g.student for g in results] == list(wanted)
        for g in results:
            assert g.status == "failed-ours" or g.score == wanted[g.student]
        failed = sum(g.status == "failed-ours" for g in results)
        assert failed <= strikes
        before = kept(state)
        assert len(before) == size - failed
        again = grade_all(session, found)
        assert {g.student: g.score for g in again} == wanted
        assert before.items() <= kept(state).items()
    print(f"workers: {strikes} kills, {failed} failed on our side, 0 lost, 0 doubled")


@pytest.mark.long
def test_a_fork_server_that_is_killed_twice(tmp_path: Path, state: Path) -> None:
    root = tmp_path / "course"
    wanted = crowd(root, SIZE)
    found = find(root / "submitted", "toy")
    with open_session(Settings(root, state), "toy", open_sandbox) as session:

        def server() -> set[int]:
            running = next(iter(session.sandbox._servers.values()), None)  # type: ignore[attr-defined]
            return {running.pid} if running is not None and running.alive else set()

        results, strikes = graded_under_fire(session, found, server, [6.0, 6.0])
    assert strikes and all(g.status == "failed-ours" or g.score == wanted[g.student] for g in results)
    before = kept(state)
    with open_session(Settings(root, state), "toy", open_sandbox) as session:
        assert {g.student: g.score for g in grade_all(session, found)} == wanted
    assert before.items() <= kept(state).items()
    print(f"fork server: {strikes} kills, {SIZE - len(before)} failed on our side, 0 lost, 0 doubled")


@pytest.mark.long
@pytest.mark.parametrize("which", ["grade", "nbgrader"])
def test_two_graders_at_once(tmp_path: Path, state: Path, which: str) -> None:
    root = tmp_path / "course"
    wanted = crowd(root, 12)
    program, words = (GRADE, GRADING)
    if which == "nbgrader":
        with_nbgrader(root)
        program, words = NBGRADER, ("autograde", "toy", "--create")
    logs = [tmp_path / "first", tmp_path / "second"]
    both = [started(program, words, root, log) for log in logs]
    assert [process.wait(200) for process in both] == [0, 0], [log.read_text()[-2000:] for log in logs]
    said = " ".join(" ".join(log.read_text() for log in logs).split())
    assert said.count(WAITING) == 1
    assert len(kept(state)) == 12
    if which == "grade":
        whole(report_of(root / "report.json"), wanted)
    else:
        assert {s: sum(g or 0 for g in grades.values()) for s, grades in grades_of(root).items()} == wanted


HOLD = """
import fcntl, pathlib, sys, time
path = pathlib.Path(sys.argv[1]); path.parent.mkdir(parents=True, exist_ok=True)
file = path.open("w"); fcntl.lockf(file, fcntl.LOCK_EX); print("held", flush=True); time.sleep(60)
"""


def test_a_grader_that_was_killed_leaves_no_lock(tmp_path: Path, state: Path) -> None:
    import subprocess
    import sys

    from autograder.turn import take_turn

    settings, told = Settings(tmp_path / "course", state), list[str]()
    with take_turn(settings, told.append) as file:
        path = Path(file.name)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        threading.Timer(0.5, holder.kill).start()
        begin = time.monotonic()
        with take_turn(settings, told.append):
            assert time.monotonic() - begin > 0.3
    assert told == [WAITING]
    assert os.path.exists(path)
