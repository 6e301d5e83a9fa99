"""Several checks are asked at a time where that cannot matter, and one after the other where it could."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from autograder.attempt import attempt_within
from autograder.errors import OurError
from autograder.grade import grade
from autograder.progress import Progress
from autograder.records import (
    Call,
    Check,
    ExerciseSheet,
    LawResult,
    Limits,
    Lost,
    Raised,
    Returned,
    Signature,
    Submission,
)
from autograder.sandbox.local import LocalSandbox, LocalStudent
from autograder.talks import Talk, over

ADDS = {"add": lambda x, y: x + y, "fail": lambda x: 1 / x}


class Listening(LocalStudent):
    """Notes the numbers it is asked about."""

    def __init__(self, functions=ADDS):
        super().__init__(dict(functions), {}, "numpy")
        self.heard = []

    def call(self, target, call, *, seconds):
        self.heard.append(call.args[0])
        return super().call(target, call, seconds=seconds)


def talk(law=None, *, call=None, target="add", left=lambda: 100.0, most=10.0):
    check = Check("a check", "value" if call else "law", call=call)
    exercise = ExerciseSheet(target, 1, {"": Signature()}, (check,))
    return Talk(Progress(exercise), check, law, most, left)


def doubling(*numbers):
    return lambda f, rng: [f(number, number) for number in numbers] == [2 * number for number in numbers]


def test_while_a_law_waits_for_its_answer_others_ask() -> None:
    student = Listening()
    talks = [talk(doubling(1, 2, 3)), talk(call=Call((10, 1))), talk(doubling(4, 5)), talk(lambda f, rng: False)]
    ended = list(over(student, talks, 0.0))
    assert student.heard == [1, 10, 4, 2, 5, 3]
    assert [result for _, result in ended[:1]] == [Returned(11)]
    results = {id(one): result for one, result in ended}
    assert [getattr(results[id(t)], "kept", None) for t in talks] == [True, None, True, False]


def test_what_raises_ends_the_law_that_asked_it_and_no_other() -> None:
    student = Listening()
    failing, fine = talk(lambda f, rng: f(0) == 1, target="fail"), talk(doubling(1, 2))
    results = {id(t): result for t, result in over(student, [failing, fine], 0.0)}
    assert isinstance(results[id(failing)], Raised) and results[id(failing)].type == "ZeroDivisionError"
    assert results[id(fine)].kept


def test_the_fault_of_a_law_s_own_is_told_as_ever() -> None:
    def broken(f, rng):
        f(1, 1)
        raise OurError("the machine is on fire")

    with pytest.raises(OurError, match="on fire"):
        list(over(Listening(), [talk(broken)], 0.0))
    ((_, result),) = over(Listening(), [talk(lambda f, rng: f(np.zeros(2), object()))], 0.0)
    assert (result.kept, result.kind) == (False, "law")  # what cannot be sent is the law's affair, not the worker's


def test_a_law_that_is_given_up_cleans_up_after_itself() -> None:
    said = []

    def law(f, rng):
        try:
            f(1, 1)
            f(2, 2)
        finally:
            said.append("cleaned up")

    class Dying(Listening):
        def answers(self, queries):
            queries()
            queries()
            yield Lost("exit")

    assert [result for _, result in over(Dying(), [talk(law), talk(law)], 0.0)] == [Lost("exit")]
    assert said == ["cleaned up"] * 2


def test_filters_of_warnings_are_a_law_s_own_while_it_waits() -> None:
    def silent(f, rng):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f(1, 1)
            warnings.warn("nobody hears this", stacklevel=1)
            f(2, 2)
        return True

    def loud(f, rng):
        f(3, 3)
        with pytest.warns(UserWarning, match="heard"):
            warnings.warn("heard", stacklevel=1)
        f(4, 4)
        return True

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = warnings.filters
        ended = list(over(Listening(), [talk(silent), talk(loud), talk(silent)], 0.0))
        assert warnings.filters is before
    assert all(result.kept for _, result in ended)


@pytest.mark.parametrize("deadly", [0, 1, 2])
def test_what_comes_before_the_end_of_a_worker_is_asked_again_and_what_comes_after_is_lost(deadly: int) -> None:
    labels = ["first", "second", "third"]
    checks = [Check(label, "law") for label in labels]
    progress = Progress(ExerciseSheet("add", 1, {"": Signature()}, tuple(checks)))
    assert not progress.put(checks[deadly], Lost("exit"))
    assert [check.label for check in progress.left()] == labels[:deadly]
    for check in progress.left():
        assert progress.put(check, LawResult(True))
    assert [getattr(r, "kept", None) for r in progress.answers(attempt_within(Limits()), "to the end").results] == [
        *[True] * deadly,
        *[None] * (3 - deadly),
    ]


def test_a_law_that_was_asking_when_the_worker_ended_is_not_lost_with_it(toy, toy_sheet, toy_source) -> None:
    """The law of Line asks four times. A check that comes after it ends the worker before the second time."""
    (line,) = [e for e in toy_sheet.exercises if e.name == "Line"]
    law = next(check for check in line.checks if check.kind == "law")
    value = next(check for check in line.checks if check.kind == "value" and not check.hidden)
    sheet = replace(toy_sheet, exercises=(replace(line, checks=(law, value)),))

    class Dying(LocalStudent):
        def call(self, target, call, *, seconds):
            return Lost("exit") if call is value.call else super().call(target, call, seconds=seconds)

    class Sandbox(LocalSandbox):
        def open(self, limits, **options):
            student = super().open(limits, **options)
            student.__class__ = Dying
            return student

    (verdict,) = grade(toy, sheet, Submission("ada", "", {0: toy_source}), Sandbox()).verdicts
    assert [finding.passed for finding in verdict.findings] == [True, False]


def test_nothing_is_asked_when_no_time_is_left() -> None:
    student = Listening()
    assert list(over(student, [talk(doubling(1), left=lambda: 0.0), talk(call=Call((1, 1)))], 0.0)) == []
    assert student.heard == []


def test_seconds_are_those_of_the_answers() -> None:
    class Slow(Listening):
        @property
        def spent(self):
            return 2.0 * len(self.heard)

    talks = [talk(doubling(1, 2, 3)), talk(call=Call((1, 1)))]
    given = []
    talks[0].law = lambda f, rng: [given.append(f.seconds()) or f(1, 1) for _ in range(3)] != []
    list(over(Slow(), talks, 0.0))
    assert [t.progress.seconds for t in talks] == [6.0, 2.0]
    assert given == [10.0, 8.0, 6.0]


# ---- of whole submissions --------------------------------------------------------------------------------------------


@pytest.fixture
def order(toy, toy_sheet, toy_source, monkeypatch):
    """In which order a submission's functions are called."""

    def order_of(*cells):
        called = []

        class Noting(LocalStudent):
            def call(self, target, call, *, seconds):
                called.append(target if isinstance(target, str) else "method")
                return super().call(target, call, seconds=seconds)

        class Sandbox(LocalSandbox):
            def open(self, limits, **options):
                student = super().open(limits, **options)
                student.__class__ = Noting
                return student

        result = grade(toy, toy_sheet, Submission("ada", "", dict(enumerate((toy_source, *cells)))), Sandbox())
        assert result.score == 12
        return called

    return order_of


def test_code_that_forgets_is_asked_many_things_at_once(order) -> None:
    called = order()
    asked = [place for place, name in enumerate(called) if name == "Line"]
    assert "method" not in called[: asked[1]]  # the law asks for both of its lines before the first is fitted
    assert called.index("visits") < called.index("method")


def test_code_that_remembers_is_asked_one_thing_after_the_other(order) -> None:
    called = order("CALLS = []\ndef count(x):\n    CALLS.append(x)\n")
    assert called.index("visits") > called.index("method")


def test_the_points_are_the_same_either_way(toy, toy_sheet, toy_source) -> None:
    slips = ("(x + z) / 2\n", "x + z\n"), ("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)"), ("len(places)", "1"), ("", "")
    for old, new in slips:
        wrong = toy_source.replace(old, new)
        once, again = (
            grade(toy, toy_sheet, Submission("ada", "", {0: wrong, 1: cell}), LocalSandbox())
            for cell in ("", "KEPT = []\ndef keeps(x):\n    KEPT.append(x)\n")
        )
        assert [(v.score, v.diagnosis, v.findings) for v in once.verdicts] == [
            (v.score, v.diagnosis, v.findings) for v in again.verdicts
        ]
