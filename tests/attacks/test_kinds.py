"""Hostile estimators and layers (`kinds/`), whose answers are asked for by other libraries' checks and by helpers.

A course of two exercises lies in `course/`; the files of `kinds/` are as those of `graded/`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder import report
from autograder.course import Chapter, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Graded, Limits, Outcome, Raised, Returned, Sheet, Submission
from autograder.sandbox.pool import WarmSandbox
from twins import twin

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("kinds")]

HERE = Path(__file__).parent
TRICKS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "kinds").glob("*.py"))}
ITEM = re.compile(r"(?P<name>\w+)(?P<sign>[=<])(?P<score>[\d.]+)(?:/(?P<most>[\d.]+))?")


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    return load_chapter(load_course(HERE / "course"), "kinds")


@pytest.fixture(scope="module")
def sheet(chapter: Chapter) -> Sheet:
    return chapter.sheet(b"a secret for the kinds")


@pytest.fixture(scope="module")
def graded(chapter: Chapter, sheet: Sheet, warm: WarmSandbox) -> Mapping[str, Graded]:
    """Everyone's verdicts, one after another in one sandbox: the class that survives the worst of it."""
    return {
        name: grade(chapter, sheet, Submission(name, "", dict(enumerate(cells(name)))), warm)
        for name in [*TRICKS, "honest"]
    }


def cells(name: str) -> list[str]:
    """The sources of a submission's cells: honest ones, then the trick's."""
    honest = re.search(r"^# honest: (.*)$", TRICKS[name], re.MULTILINE)
    wanted = honest[1].split() if honest else []
    return [source for title, source in titled("honest") if title in wanted] + [source for _, source in titled(name)]


def titled(name: str) -> list[tuple[str, str]]:
    parts = re.split(r"^# %%(.*)\n", TRICKS[name], flags=re.MULTILINE)[1:]
    return [(title.strip(), source) for title, source in zip(parts[::2], parts[1::2], strict=True)]


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_earns_only_what_its_answers_earn(name: str, graded: Mapping[str, Graded]) -> None:
    found = {v.name: (v.score, v.max_score) for v in graded[name].verdicts}
    found["score"] = (graded[name].score, graded[name].max_score)
    for item in TRICKS[name].splitlines()[0].removeprefix("# expect: ").split():
        match = ITEM.fullmatch(item)
        assert match, f"{item} cannot be read"
        score, most = found[match["name"]]
        if match["sign"] == "<":
            assert score < float(match["score"]), found
        else:
            assert (score, most) == (pytest.approx(float(match["score"]), abs=0.01), float(match["most"])), found


@pytest.mark.parametrize("name", TRICKS)
def test_nothing_of_a_hidden_check_is_told(name: str, graded: Mapping[str, Graded]) -> None:
    for verdict in map(report.student_view, graded[name].verdicts):
        hidden = [f for f in verdict.findings if f.hidden]
        assert {(f.message, f.hint) for f in hidden} <= {("", ""), (report.HIDDEN, "")}
    for line in report.to_text(graded[name]).splitlines():
        assert len(line) < 2_000


def test_the_grader_s_view_would_tell_it(graded: Mapping[str, Graded]) -> None:
    findings = [f for v in graded["telling_estimator"].verdicts for f in v.findings if f.hidden]
    assert [f for f in findings if "SEEN" in f.message]


def test_no_trick_takes_the_time_of_others(graded: Mapping[str, Graded]) -> None:
    assert max(g.seconds for g in graded.values()) < 40


IN_THE_KERNEL = [name for name, text in TRICKS.items() if twin(text)[0] == "in the student's kernel"]
HELPERS = """
import gc
import numpy as np

X, W = np.array([[1., 2.], [3., 4.], [5., 7.]], np.float32), np.array([[1., 0.], [2., 1.]], np.float32)

def helper(name):
    return next(thing[name] for thing in gc.get_objects() if isinstance(thing, dict) and callable(thing.get(name)))
"""
WRONG = """
class Mean:
    def __init__(self, shrink): pass
    def get_params(self): return {"shrink": 0.0}

class Squares:
    weights = property(lambda self: [])
    def __init__(self, k): pass
    def __call__(self, X): return X
    def get_weights(self): return [X]
    def set_weights(self, weights): pass
"""


def in_the_kernel(sources: list[str], statement: str, sheet: Sheet, warm: WarmSandbox) -> Outcome:
    """A test beside the student's cells, and beside the grader's helper."""
    with warm.open(Limits(), given=sheet.given) as student:
        for source in [*sources, HELPERS]:
            student.run(source, seconds=20)
        return student.run(statement, seconds=20).outcome


@pytest.mark.parametrize("name", IN_THE_KERNEL)
def test_tests_in_the_student_s_kernel_are_fooled(name: str, sheet: Sheet, warm: WarmSandbox) -> None:
    assert in_the_kernel(cells(name), twin(TRICKS[name])[1], sheet, warm) == Returned(None)


@pytest.mark.parametrize("name", IN_THE_KERNEL)
def test_they_do_notice_a_plain_wrong_answer(name: str, sheet: Sheet, warm: WarmSandbox) -> None:
    outcome = in_the_kernel([WRONG], twin(TRICKS[name])[1], sheet, warm)
    assert isinstance(outcome, Raised) and outcome.type != "NameError", outcome
