"""Students with numbers of their own who hand in somebody else's, or claim to be somebody else."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder.course import Chapter, load_chapter, load_course
from autograder.grade import grade
from autograder.notebook.build import visible_sheet
from autograder.pairs import BORROWED, MADE_FOR_SOMEBODY
from autograder.personal import Personal, mark_of
from autograder.records import Graded, Sheet, Submission
from autograder.sandbox.pool import WarmSandbox
from autograder.secret import hidden_sheet
from autograder.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("personal")]
TOY = Path(__file__).parents[1] / "toy"
RECALL = """
import json
import numpy as np

SHEETS = json.loads({!r})

def key(args):
    return [np.round(np.asarray(a, float), 4).tolist() for a in args if not callable(a)]

def recalled(name, *args):
    for seen, answer in [pair for sheet in SHEETS for pair in sheet[name]]:
        if key(seen) == key(args):
            return np.asarray(answer)
    return np.asarray(SHEETS[0][name][0][1])

def halfway(x, z): return recalled("halfway", x, z)
def table(f, A, B): return recalled("table", A, B)
def nearest(A, B): return recalled("nearest", A, B)
"""
NAMES = ("halfway", "table", "nearest")
CLAIM = """
import os
student = student_id = STUDENT = "bob"
os.environ.update(USER="bob", LOGNAME="bob", JUPYTERHUB_USER="bob", NB_USER="bob", AUTOGRADER_STUDENT="bob")
try:
    import autograder.personal
    autograder.personal.Personal.own = lambda self, student: None
except ImportError:
    pass
"""


@pytest.fixture(scope="module")
def session(warm: WarmSandbox, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The toy course with numbers for each, of which those of three students have been drawn."""
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("claims") / "course"))
    toml = root / "source" / "course.toml"
    toml.write_text(toml.read_text().replace("[chapters.toy]", "[chapters.toy]\npersonal = true"))
    chapter, state = load_chapter(load_course(root), "toy"), tmp_path_factory.mktemp("state")
    personal = Personal(chapter, state)
    for student in ("ada", "bob", "cyd"):
        personal.own(student)
    return Session(chapter, hidden_sheet(chapter, state), warm, None, personal)


def by_heart(session: Session, *students: str) -> str:
    return RECALL.format(json.dumps([known(session.personal.own(student)) for student in students]))


def known(sheet: Sheet) -> dict[str, list[object]]:
    return {
        e.name: [
            [[a.tolist() for a in c.call.args if isinstance(a, np.ndarray)], np.asarray(c.expected).tolist()]
            for c in e.checks
            if c.call is not None
        ]
        for e in sheet.exercises
        if e.name in NAMES
    }


def grades(session: Session, student: str, *cells: str) -> Graded:
    graded = session.grade(Submission(student, "", dict(enumerate(cells))))
    assert graded.status == "graded", graded.message
    return graded


def earned(graded: Graded) -> dict[str, float]:
    return {v.name: v.score for v in graded.verdicts if v.name in NAMES}


NOTHING = dict.fromkeys(NAMES, 0.0)
TAKEN = BORROWED.format(names=", ".join(NAMES))


@pytest.mark.parametrize(
    ("whose", "notes"),
    [(["ada"], ()), (["bob"], (TAKEN,)), (["ada", "bob", "cyd"], ())],
    ids=["their own", "a classmate's", "everybody's"],
)
def test_answers_learnt_by_heart_earn_nothing(session: Session, whose: Sequence[str], notes: tuple[str, ...]) -> None:
    graded = grades(session, "ada", by_heart(session, *whose))
    assert earned(graded) == NOTHING
    assert graded.notes == notes


def test_without_numbers_drawn_anew_they_would(session: Session) -> None:
    """The guard taken away: who is asked the notebook's numbers alone earns all by heart."""
    chapter: Chapter = session.chapter
    own = session.personal.own("ada")
    alone = replace(own, exercises=tuple(e for e in own.exercises if e.name in NAMES))
    submission = Submission("ada", "", {0: by_heart(session, "ada")})
    graded = grade(chapter, alone, submission, session.sandbox)
    assert graded.score == graded.max_score == 6


def test_a_claim_to_be_somebody_else_changes_nothing(session: Session) -> None:
    table = by_heart(session, "bob")
    assert earned(grades(session, "ada", CLAIM, table)) == earned(grades(session, "ada", table)) == NOTHING
    honest = (TOY / "solutions" / "toy.py").read_text()
    assert grades(session, "ada", CLAIM, honest).score == 12


def test_a_classmates_notebook_earns_what_its_code_does_and_a_forged_mark_no_more(session: Session) -> None:
    honest = (TOY / "solutions" / "toy.py").read_text()
    swapped, forged = (f"# made for: {mark_of(session.personal.seed(who))}" for who in ("bob", "ada"))
    noticed, unnoticed = (grades(session, "ada", mark, honest) for mark in (swapped, forged))
    assert (noticed.score, noticed.notes) == (12, (MADE_FOR_SOMEBODY,))
    assert (unnoticed.score, unnoticed.notes) == (12, ())
    table = by_heart(session, "bob")
    assert earned(grades(session, "ada", forged, table)) == NOTHING


def test_what_a_student_sees_is_what_they_are_asked(session: Session) -> None:
    """An answer that is wrong on purpose, to see the numbers: those of the student's own sheet, by way of feedback."""
    graded = grades(session, "ada", "def halfway(x, z): return x + 7")
    (finding, *_) = next(v for v in graded.verdicts if v.name == "halfway").findings
    own = next(e for e in visible_sheet(session.chapter, session.personal.seed("ada")).exercises if e.name == "halfway")
    assert f"{own.checks[0].expected[0]:.6g}" in finding.message
