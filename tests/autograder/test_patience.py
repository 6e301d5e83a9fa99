"""A busy machine costs no points: waiting for a processor is not the student's time, and lost time is told."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.attempt import Attempt
from autograder.grade import grade
from autograder.records import Limits, Lost, Raised, Returned, Submission
from autograder.report import to_json, to_text
from autograder.sandbox import patience
from autograder.sandbox.local import LocalSandbox, LocalStudent
from autograder.sandbox.patience import Patience, pid_of, stood_in_line
from autograder.sandbox.pool import WarmSandbox
from autograder.sandbox.seam import forgiven

BUSY = "import time\nprint('x', flush=True)\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"


@pytest.mark.parametrize(
    ("waited", "seconds", "given"), [(0, 10, 0), (4, 10, 4), (99, 10, 10), (-1, 10, 0), (5, 0, 0), (5, -1, 0)]
)
def test_waiting_is_forgiven_up_to_the_whole_deadline(waited: float, seconds: float, given: float) -> None:
    assert forgiven(waited, seconds) == given


def test_a_deadline_moves_when_it_would_have_passed_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, clock = [], [100.0]
    monkeypatch.setattr(patience.time, "monotonic", lambda: clock[0])

    def waited() -> float:
        asked.append(1)
        return 7.0

    later = Patience(10.0, waited, 5.0)
    assert later.until() == 110.0 and not asked
    assert Patience(0.0, waited, 5.0).until() == 100.0
    short = Patience(4.0, waited, 5.0)
    clock[0] = 104.5
    assert short.until() == 106.0 and asked  # the two seconds in line are given back
    clock[0] = 107.0
    assert short.until() == 106.0


@pytest.fixture
def busy() -> Iterator[None]:
    """A machine with two processes for each processor, each in a session of its own."""
    count = 2 * (os.cpu_count() or 1)
    started = [
        subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(count)
    ]
    for process in started:
        assert process.stdout and process.stdout.read(1) == b"x"
    yield
    for process in started:
        process.kill()
        process.communicate()


WORK = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def test_the_time_in_line_is_seen_and_not_counted(warm: WarmSandbox, busy: None) -> None:
    with warm.open(Limits()) as student:
        begin, before = time.monotonic(), student.spent
        assert isinstance(student.run(WORK, seconds=60).outcome, Returned)
        wall, spent = time.monotonic() - begin, student.spent - before
    assert wall > 0.5, "the machine was not busy"
    assert wall / 2 - 0.05 < spent < 0.95 * wall


def test_a_cell_that_needs_its_time_gets_it_on_a_busy_machine(warm: WarmSandbox, busy: None) -> None:
    with warm.open(Limits()) as student:
        begin = time.monotonic()
        outcome = student.run("import time\nwhile True: pass", seconds=1.0).outcome
        wall = time.monotonic() - begin
    assert isinstance(outcome, Lost) and outcome.why == "time"
    assert 1.1 < wall < 30  # more than it was given, and not for ever


def test_sleeping_is_not_standing_in_line(warm: WarmSandbox) -> None:
    with warm.open(Limits()) as student:
        before = student.spent
        assert isinstance(student.run("import time; time.sleep(1)", seconds=60).outcome, Returned)
        assert student.spent - before > 0.5  # it would be near 0


def test_a_process_that_is_not_there_stood_in_no_line() -> None:
    assert stood_in_line(2**30) == 0.0
    with subprocess.Popen(["true"]) as process:
        pidfd = os.pidfd_open(process.pid)
        assert pid_of(pidfd) == process.pid
    assert pid_of(pidfd) is None
    os.close(pidfd)
    assert pid_of(pidfd) is None


class Slow(LocalStudent):
    """Each call takes a second of the submission's time."""

    calls = 0

    @property
    def spent(self) -> float:
        return float(self.calls)

    def call(self, target, call, *, seconds):
        self.calls += 1
        return super().call(target, call, seconds=seconds)


class SlowSandbox(LocalSandbox):
    def open(self, limits, *, given={}, arrays="jax", frameworks=None):
        student = super().open(limits, given=given, arrays=arrays)
        student.__class__ = Slow
        return student


def graded(toy, toy_sheet, source, seconds):
    slow = replace(toy, course=replace(toy.course, limits=Limits(submission_seconds=seconds)))
    return grade(slow, toy_sheet, Submission("ada", "ada.ipynb", {0: source}), SlowSandbox())


def test_checks_not_reached_are_said_to_a_person(toy, toy_sheet, toy_source) -> None:
    enough = graded(toy, toy_sheet, toy_source, 1000.0)
    assert (enough.score, enough.notes, enough.hurried) == (12, (), False)
    result = graded(toy, toy_sheet, toy_source, 12.0)
    assert 0 < result.score < 12 and result.hurried
    (note,) = result.notes
    assert note.startswith("The time of this submission (12 s) was used up before ")
    assert note.endswith(" could be judged to the end. If the machine was busy, grade it again.")
    lost = [f for v in result.verdicts for f in v.findings if not f.passed]
    assert {f.kind for f in lost} <= {"lost", "law"}  # a law earns nothing before a hidden value check has passed
    assert any(f.message.endswith("was not asked: the submission's time was used up.") for f in lost)
    assert note in to_text(result) and note in to_json([result], "c", "toy", "0", ())["submissions"][0]["notes"]


def test_an_exercise_that_could_not_be_judged_again_is_said_to_a_person(toy, toy_sheet, toy_source) -> None:
    slip = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    calm = graded(toy, toy_sheet, slip, 1000.0)
    assert next(v for v in calm.verdicts if v.name == "nearest").carried_forward
    calls = next(n for n in range(10, 60) if not any("to the end" in x for x in graded(toy, toy_sheet, slip, n).notes))
    result = graded(toy, toy_sheet, slip, float(calls))
    assert not next(v for v in result.verdicts if v.name == "nearest").carried_forward
    assert result.notes == (
        f"The time of this submission ({calls} s) was used up before nearest could be judged again with correct "
        "versions of the functions it uses. If the machine was busy, grade it again.",
    )


def test_time_that_runs_out_in_a_check_or_a_cell_is_the_submission_s(toy, toy_sheet, toy_source) -> None:
    class Ends(Slow):
        def call(self, target, call, *, seconds):
            super().call(target, call, seconds=seconds)
            return Lost("time") if self.spent >= 5 else Raised("E")

    class EndsSandbox(LocalSandbox):
        def open(self, limits, *, given={}, arrays="jax", frameworks=None):
            student = super().open(limits, given=given, arrays=arrays)
            student.__class__ = Ends
            return student

    hurried = replace(toy, course=replace(toy.course, limits=Limits(submission_seconds=5.0)))
    result = grade(hurried, toy_sheet, Submission("ada", "ada.ipynb", {0: toy_source}), EndsSandbox())
    messages = {f.message for v in result.verdicts for f in v.findings}
    assert not any("loop that never ends" in m for m in messages)
    assert result.hurried


def test_starting_a_worker_costs_the_submission_nothing(toy, toy_sheet, toy_source) -> None:
    attempt = Attempt(1.0, 0)
    time.sleep(0.02)
    assert attempt.left() == 1.0

    class Late(LocalSandbox):
        def open(self, limits, *, given={}, arrays="jax", frameworks=None):
            time.sleep(0.3)
            return super().open(limits, given=given, arrays=arrays)

    hurried = replace(toy, course=replace(toy.course, limits=Limits(submission_seconds=0.2)))
    assert grade(hurried, toy_sheet, Submission("ada", "a", {0: toy_source}), Late()).score == 12
