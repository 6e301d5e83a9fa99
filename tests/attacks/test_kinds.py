"""Hostile estimators and layers (`kinds/`), whose answers are asked for by other libraries' checks and by helpers.

They are graded in workers that inherit traced programs; `test_graded_elsewhere` grades them in others.
"""

from collections.abc import Iterator, Mapping

import pytest

from autograder.records import Graded, Limits, Outcome, Raised, Returned, Sheet
from autograder.sandbox.pool import WarmSandbox
from inheriting import inheriting_sandbox
from kinds_class import EVERYONE, TRICKS, chapter_of_kinds, graded_by, sheet_of_kinds, sources, wrong_with_kinds
from twins import twin

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("kinds")]


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return sheet_of_kinds(chapter_of_kinds())


@pytest.fixture(scope="module")
def inheriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    with inheriting_sandbox(tmp_path_factory.mktemp("warm")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def graded(sheet: Sheet, inheriting: WarmSandbox) -> Mapping[str, Graded]:
    return graded_by(inheriting, chapter_of_kinds(), sheet)


@pytest.mark.parametrize("student", EVERYONE)
def test_a_trick_earns_only_what_its_answers_earn_and_tells_nothing(
    student: str, graded: Mapping[str, Graded], sheet: Sheet
) -> None:
    assert wrong_with_kinds(graded[student], sheet) == []


def test_the_grader_s_view_would_tell_it(graded: Mapping[str, Graded]) -> None:
    findings = [f for v in graded["telling_estimator"].verdicts for f in v.findings if f.hidden]
    assert [f for f in findings if "SEEN" in f.message]


def test_a_told_message_is_noticed(
    graded: Mapping[str, Graded], sheet: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.report._student_finding", lambda finding: finding)
    assert [w for w in wrong_with_kinds(graded["telling_estimator"], sheet) if w.startswith("of hidden checks was told")]


def test_no_trick_takes_all_of_its_time(graded: Mapping[str, Graded]) -> None:
    assert [trick for trick in TRICKS if graded[trick].hurried] == []
    assert max(graded[trick].seconds for trick in TRICKS) < chapter_of_kinds().course.limits.submission_seconds


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


def in_the_kernel(cells: list[str], statement: str, sheet: Sheet, warm: WarmSandbox) -> Outcome:
    """A test beside the student's cells, and beside the grader's helper."""
    with warm.open(Limits(), given=sheet.given) as student:
        for source in [*cells, HELPERS]:
            student.run(source, seconds=20)
        return student.run(statement, seconds=20).outcome


@pytest.mark.parametrize("name", IN_THE_KERNEL)
def test_tests_in_the_student_s_kernel_are_fooled(name: str, sheet: Sheet, warm: WarmSandbox) -> None:
    assert in_the_kernel(sources(name), twin(TRICKS[name])[1], sheet, warm) == Returned(None)


@pytest.mark.parametrize("name", IN_THE_KERNEL)
def test_they_do_notice_a_plain_wrong_answer(name: str, sheet: Sheet, warm: WarmSandbox) -> None:
    outcome = in_the_kernel([WRONG], twin(TRICKS[name])[1], sheet, warm)
    assert isinstance(outcome, Raised) and outcome.type != "NameError", outcome
