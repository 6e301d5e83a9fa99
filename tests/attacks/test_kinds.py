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
from autograder.records import CellOutcome, Graded, Limits, Raised, Returned, Sheet, Submission
from autograder.sandbox.pool import WarmSandbox

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


def in_the_kernel(name: str, statement: str, warm: WarmSandbox) -> CellOutcome:
    with warm.open(Limits()) as student:
        for source in cells(name):
            student.run(source, seconds=20)
        return student.run(statement, seconds=20)


CHECK = "from sklearn.utils.estimator_checks import check_fit1d\ncheck_fit1d('Mean', Mean())"


def test_scikit_learn_s_checks_in_the_student_s_kernel_are_fooled(warm: WarmSandbox) -> None:
    assert in_the_kernel("patched_checks", CHECK, warm).outcome == Returned(None)
    assert isinstance(in_the_kernel("telling_estimator", CHECK, warm).outcome, Raised)
