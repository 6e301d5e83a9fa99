"""Answers are kept as data, come back as they were, and are judged alike."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.answers import CARRIED, MOST, OWN, Answers, Earlier, Question, from_text, to_text
from autograder.grade import grade
from autograder.judge import judge
from autograder.kept import open_kept
from autograder.records import Given, Graded, Handle, LawResult, Limits, Lost, Raised, Returned, Submission
from autograder.sandbox.local import LocalSandbox, LocalStudent

ARRAY = np.array([[1.5, np.nan], [-0.0, np.inf]], np.float32)
RESULTS = (
    Returned({"a": [ARRAY, (1, 2.5, True, None, "é")]}, changed=(1,)),
    Returned(Handle(3, "toy.Line", True)),
    Returned(Given("sqdist")),
    Raised("ValueError", "no", "traceback"),
    Lost("time", "after 5 s"),
    LawResult(False, "shape", "your answer"),
    LawResult(True),
)


def test_results_come_back_as_they_were() -> None:
    found = from_text(to_text(RESULTS) or "")
    back = found[0].value["a"][0]
    assert back.dtype == np.float32 and back.tobytes() == ARRAY.tobytes()
    assert found[0].value["a"][1] == (1, 2.5, True, None, "é") and found[0].changed == (1,)
    assert found[1:] == (*RESULTS[1:3], Raised("ValueError", "no"), *RESULTS[4:])


@pytest.mark.parametrize("text", ["", "{}", "{", "5\n", "[5]\n", '[{"$t":["law"]}]\n', "null\n%"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_text(text)


def test_very_long_answers_are_not_kept() -> None:
    assert to_text([Returned(np.zeros(MOST))]) is None
    assert to_text([Returned([0] * 60_000)]) is None


@pytest.mark.parametrize(
    ("result", "settled"),
    [
        (Returned(1), True),
        (Raised("ValueError"), True),
        (Lost("time"), True),
        (Lost("exit"), True),
        (Lost("missing"), True),
        (Raised("MemoryError"), False),
        (Lost("memory"), False),
        (Lost("unasked"), False),
    ],
)
def test_what_ran_out_of_memory_is_asked_again(tmp_path, result, settled: bool) -> None:
    assert Answers((Returned(1), result)).settled is settled
    submission, graded = Submission("ada", "ada.ipynb", {0: "x"}), Graded("ada", "ada.ipynb", "graded")
    answers = {("f", OWN): Answers((result,), 1.5), ("g", OWN): Answers((Returned(2),), 0.5)}
    questions = {("f", OWN): Question("f", ("1",)), ("g", OWN): Question("g", ("2",))}
    open_kept(tmp_path, "toy", "ground", whole="before", questions=questions).keep(
        submission, replace(graded, answers=answers)
    )
    with open_kept(tmp_path, "toy", "ground", whole="after", questions=questions).of(submission) as found:
        assert isinstance(found, Earlier)
        assert found.answers.keys() == ({("f", OWN), ("g", OWN)} if settled else {("g", OWN)})
        assert found.answers["g", OWN] == Answers((Returned(2),), 0.5)


@pytest.fixture(scope="module")
def code(toy_source: str) -> dict[str, str]:
    return {
        "perfect": toy_source,
        "mistaken": toy_source.replace("(x + z) / 2\n", "x + z\n"),
        "carried": toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)"),
        "empty": "",
    }


@pytest.mark.parametrize("name", ["perfect", "mistaken", "carried", "empty"])
def test_kept_answers_are_judged_alike(toy, toy_sheet, code, name: str) -> None:
    result = grade(toy, toy_sheet, Submission("ada", "ada.ipynb", {0: code[name]}), LocalSandbox())
    assert result.answers.keys() - {("nearest", CARRIED)} == {(e.name, OWN) for e in toy_sheet.exercises}
    assert (("nearest", CARRIED) in result.answers) is (name in ("carried", "empty"))
    for exercise, verdict in zip(toy_sheet.exercises, result.verdicts, strict=True):
        text = to_text(result.answers[exercise.name, CARRIED if verdict.carried_forward else OWN].results)
        again = judge(exercise, from_text(text or ""))
        assert replace(again, carried_forward=verdict.carried_forward) == verdict


class Timed(LocalStudent):
    """Every call takes two seconds of a student's time, the cells take five."""

    time = 0.0
    spent = property(lambda self: self.time)  # type: ignore[assignment]

    def run(self, source, *, seconds, drawn=True):
        self.time += 5
        return super().run(source, seconds=seconds, drawn=drawn)

    def call(self, target, call, *, seconds):
        self.time += 2
        return super().call(target, call, seconds=seconds)


class TimedSandbox(LocalSandbox):
    opened = 0

    def open(self, limits, *, given={}, arrays="jax", frameworks=None):
        self.opened += 1
        student = super().open(limits, given=given, arrays=arrays)
        student.__class__ = Timed
        return student


def test_reused_answers_cost_the_time_that_they_took(toy, toy_sheet, code) -> None:
    submission = Submission("ada", "ada.ipynb", {0: code["perfect"]})

    def graded(seconds: float, earlier: Earlier | None = None) -> tuple[Graded, int]:
        sandbox = TimedSandbox()
        hurried = replace(toy, course=replace(toy.course, limits=Limits(submission_seconds=seconds)))
        return grade(hurried, toy_sheet, submission, sandbox, earlier), sandbox.opened

    whole, _ = graded(10_000)
    taken = sum(a.seconds for a in whole.answers.values())
    assert whole.answers["halfway", OWN].seconds == 5 + 3 * 2  # the cells count for the first that is asked
    rest = Earlier({way: a for way, a in whole.answers.items() if way != ("visits", OWN)}, whole.cells)
    again, opened = graded(taken + 7, rest)
    assert (again.verdicts, again.hurried, opened) == (whole.verdicts, False, 1)
    grudging = {way: replace(a, seconds=2 * a.seconds) for way, a in rest.answers.items()}
    again, opened = graded(taken + 7, Earlier(grudging, whole.cells))
    assert (again.verdicts, again.hurried, opened) == (whole.verdicts, False, 1)
    assert again.answers["halfway", OWN].seconds == 11  # asked anew, all of it
    short, _ = graded(taken / 2, rest)
    assert short.hurried and not short.answers and short.verdicts == graded(taken / 2)[0].verdicts


def test_nothing_is_reused_of_a_submission_whose_cells_end_workers(toy, toy_sheet, code) -> None:
    from test_grade import ScriptedSandbox

    cells = {0: code["perfect"], 1: "import os; os._exit(0)"}
    result = grade(toy, toy_sheet, Submission("ada", "ada.ipynb", cells), ScriptedSandbox())
    assert result.notes and not result.answers
