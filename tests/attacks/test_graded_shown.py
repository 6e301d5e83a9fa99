"""What anybody gets to see of hostile submissions: nothing hidden, nothing that runs, and no more than can be read.

The class of `graded/` after it has been graded by nbgrader too; `test_graded` has the verdicts.
"""

import re
from pathlib import Path

import nbformat
import pytest
from tests.headless import opened

from autograder import report
from autograder.backends.nbgrader.cells import CUT
from graded_class import CONTROL, EVERYONE, canaries, expected_of, handed_in, secrets_of, wrong_with
from nbgrader_class import Class, autograded, page, student_s

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("graded")]
RAN = re.compile(r"<html[^>]* id=\"ran\"")


@pytest.mark.parametrize("student", EVERYONE)
def test_nothing_hidden_reaches_the_student(graded: Class, student: str) -> None:
    own = "\n".join(source for _, source in handed_in(student, graded.root))
    secrets = secrets_of(graded.sheet, own)
    for where, text in student_s(graded, student).items():
        assert [s for s in secrets if s in text] == [], where


@pytest.mark.parametrize("student", EVERYONE)
def test_nothing_of_the_student_runs_on_a_page(graded: Class, student: str) -> None:
    html = page(graded, student)
    assert not re.search(r"<\s*(script|iframe|object|embed|link|base|form|svg)", html, re.IGNORECASE)
    assert not re.search(r"<[^>]+\s(on\w+|srcset)\s*=", html, re.IGNORECASE)
    assert not re.search(r"<[^>]+(href|src)\s*=\s*[\"']?\s*javascript:", html, re.IGNORECASE)
    notebook = nbformat.reads(autograded(graded, student), 4)
    assert not [c for c in notebook.cells if c.cell_type == "markdown" and re.search("<script|<img|<svg", c.source)]
    kinds = {kind for c in notebook.cells for o in c.get("outputs", []) for kind in o.get("data", {})}
    assert kinds <= {"text/plain", "image/png"}


@pytest.mark.parametrize("student", ["script_everywhere", "control_characters", "lying_array"])
def test_nothing_of_the_student_runs_in_a_browser(graded: Class, student: str, tmp_path: Path) -> None:
    html = page(graded, student)
    assert "Content-Security-Policy" in html
    for policy in ("Content-Security-Policy", "Nothing"):  # with the page's own policy, and by cleaning alone
        (tmp_path / "page.html").write_text(html.replace("Content-Security-Policy", policy), "utf-8")
        assert not RAN.search(opened(tmp_path / "page.html")), policy


@pytest.mark.parametrize(("policy", "runs"), [("Content-Security-Policy", False), ("Nothing", True)])
def test_the_page_s_policy_alone_would_do(graded: Class, policy: str, runs: bool, tmp_path: Path) -> None:
    html = page(graded, "script_everywhere").replace("Content-Security-Policy", policy)
    raw = html.replace("<main>", "<main><img src=x onerror=document.documentElement.id='ran'>", 1)
    (tmp_path / "page.html").write_text(raw, "utf-8")
    assert raw != html and bool(RAN.search(opened(tmp_path / "page.html"))) == runs


@pytest.mark.parametrize("student", EVERYONE)
def test_nothing_shown_is_a_control_character(graded: Class, student: str) -> None:
    for where, text in student_s(graded, student).items():
        assert where in ("outputs", "autograded") or not CONTROL.search(text), where


def test_output_is_bounded(graded: Class) -> None:
    for student in EVERYONE:
        assert len(page(graded, student)) < 4_000_000, student
        assert len(autograded(graded, student)) < 1_500_000, student


def test_a_long_text_is_cut_where_it_is_shown(graded: Class) -> None:
    assert CUT.strip() in autograded(graded, "long_prose")
    assert page(graded, "long_prose").count("<math") <= 1000


@pytest.mark.parametrize("trick", ["tell_the_inputs", "answer_with_the_inputs"])
def test_the_grader_s_view_would_tell_the_inputs(graded: Class, trick: str) -> None:
    told = report.to_text(graded.directly[trick], view="grader")
    assert [s for s in canaries(graded.sheet) if s in told]


def test_what_is_told_is_noticed(graded: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = report._finding_parts
    monkeypatch.setattr(report, "student_view", lambda verdict: verdict)
    monkeypatch.setattr(report, "_finding_parts", lambda finding, student: parts(finding, False))
    monkeypatch.setattr("autograder.card.legible", lambda text: text)
    wrong = wrong_with(graded.directly["tell_the_inputs"], expected_of("tell_the_inputs"), canaries(graded.sheet))
    assert [w for w in wrong if w.endswith(" was told in text")] and [w for w in wrong if w.endswith(" in page")]
    assert [w for w in wrong if w.startswith("of hidden checks was told ")]
    wrong = wrong_with(graded.directly["control_characters"], expected_of("control_characters"), ())
    assert "a control character was told in text" in wrong
