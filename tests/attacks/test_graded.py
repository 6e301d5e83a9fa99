"""Hostile submissions graded as any other, by `grade` and by nbgrader: the same verdicts, and nothing hidden gets out.

The class is graded once by each path; `graded/README.md` says what the files mean. `test_graded_twins` takes the guards
away, but for those that need nbgrader's own folders, which are at the end here.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import determine_grade
from tests.headless import opened
from traitlets.config import Config

from autograder import report
from autograder.attempt import NOT_KEPT
from autograder.backends.nbgrader import configure
from autograder.backends.nbgrader.cells import CUT
from autograder.batch import grade_all
from autograder.course import load_chapter, load_course
from autograder.notebook.read import read
from autograder.records import Graded, Sheet
from autograder.sandbox.pool import WarmSandbox
from autograder.secret import hidden_sheet
from autograder.session import Session
from graded_class import (
    CLASSMATES,
    EVERYONE,
    SEED,
    TOY,
    TRICKS,
    canaries,
    course_in,
    entry_of,
    hand_in,
    handed_in,
    in_this_process,
    scores,
    spoiled,
    state,
    unlike,
)
from machines import KINDS, on_a_machine
from seam import descendants, temporary

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("graded")]

RAN = re.compile(r"<html[^>]* id=\"ran\"")
shared: dict[str, Any] = {}


class Shared:
    """The session's sandbox, which a batch may close without ending it."""

    @property
    def layers(self) -> tuple[str, ...]:
        return shared["sandbox"].layers

    def open(self, limits: Any, **options: Any) -> Any:
        return shared["sandbox"].open(limits, **options)

    def close(self) -> None:
        pass


def open_shared(*, trust: bool = False) -> Shared:
    return Shared()


@dataclass(frozen=True)
class Class:
    """One class, graded twice."""

    root: Path
    sheet: Sheet
    directly: dict[str, Graded]
    processes: tuple[set[int], set[int]]
    folders: tuple[set[str], set[str]]


@pytest.fixture(scope="module")
def course(warm: WarmSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy course as nbgrader released it, with a state folder of its own and a seed that is the same each time."""
    root, state = tmp_path_factory.mktemp("attacked") / "course", tmp_path_factory.mktemp("state")
    shared["sandbox"] = warm
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(state))
        course_in(root, state)
        nbgrader(root, GenerateAssignment, force=True)
        yield root


@pytest.fixture(scope="module")
def graded(course: Path, warm: WarmSandbox) -> Class:
    """Everyone, graded by `grade`, then as one batch of nbgrader's."""
    for student in EVERYONE:
        hand_in(course, student)
    warm.start()
    processes, folders = descendants(), temporary()
    chapter = load_chapter(load_course(course), "toy")
    sheet = hidden_sheet(chapter, state())
    session = Session(chapter, sheet, warm)
    directly = grade_all(session, [(s, course / "submitted" / s / "toy" / "toy.ipynb") for s in EVERYONE])
    nbgrader(course, Autograde)
    nbgrader(course, GenerateFeedback)
    return Class(
        course,
        sheet,
        {g.student: g for g in directly},
        (processes, descendants()),
        (folders, temporary()),
    )


def nbgrader(root: Path, converter: Any, **options: Any) -> None:
    """Runs a converter as nbgrader's command does; what nbgrader would call a failure is raised."""
    c = Config()
    configure(c, root)
    c.Reader.open_sandbox = f"{__name__}.open_shared"
    converter(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c, **options).start()


def record(graded: Class, student: str) -> Any:
    (entry,) = json.loads((graded.root / "reports" / "toy" / f"{student}.json").read_text())["submissions"]
    return entry


def page(graded: Class, student: str) -> str:
    return (graded.root / "feedback" / student / "toy" / "toy.html").read_text("utf-8")


def autograded(graded: Class, student: str) -> str:
    return (graded.root / "autograded" / student / "toy" / "toy.ipynb").read_text("utf-8")


def book(root: Path, student: str) -> tuple[dict[str, float | None], list[str]]:
    """The automatic scores of the checks, and all comments."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("toy", "toy", student)
        found = {g.name.removeprefix("check-"): g.auto_score for g in notebook.grades if g.name.startswith("check-")}
        assert [g.manual_score for g in notebook.grades] == [None] * len(notebook.grades)
        return found, [c.comment or "" for c in notebook.comments]


def student_s(graded: Class, student: str) -> dict[str, str]:
    """Everything that a student gets to see, by where."""
    ours = graded.directly[student]
    return {
        "feedback": page(graded, student),
        "autograded": autograded(graded, student),
        "comments": "\n".join(book(graded.root, student)[1]),
        "student's view": report.to_text(ours),
        "outputs": json.dumps(list(ours.cells.values())),
        "notes": "\n".join(ours.notes),
    }


REFERENCE = [
    line.strip()
    for line in (TOY / "solutions" / "toy.py").read_text().splitlines()
    if re.match(r"\s+(return |self\.w = )", line)
] + ["by_broadcasting", "not_squared", "not_halved"]


# ---- what must hold of everyone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_earns_only_what_its_answers_earn(graded: Class, trick: str) -> None:
    assert unlike(trick, entry_of(graded.directly[trick])) == []


@pytest.mark.parametrize("student", EVERYONE)
def test_both_paths_agree(graded: Class, student: str) -> None:
    ours, theirs = entry_of(graded.directly[student]), record(graded, student)
    assert theirs["status"] == "graded"
    assert scores(ours) == scores(theirs)
    assert findings(ours) == findings(theirs)


@pytest.mark.parametrize("student", EVERYONE)
def test_the_gradebook_has_these_scores(graded: Class, student: str) -> None:
    expected = {e["name"]: e["score"] for e in record(graded, student)["exercises"]}
    assert book(graded.root, student)[0] == expected
    notebook = nbformat.reads(autograded(graded, student), 4)
    checks = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-")]
    assert {c.metadata.nbgrader["grade_id"]: determine_grade(c)[0] for c in checks} == {
        f"check-{name}": score for name, score in expected.items()
    }


@pytest.mark.parametrize("student", EVERYONE)
def test_nothing_hidden_reaches_the_student(graded: Class, student: str) -> None:
    hidden = canaries(graded.sheet)
    assert len(hidden) > 200
    own = "\n".join(source for _, source in handed_in(student, graded.root))
    for where, text in student_s(graded, student).items():
        assert [s for s in hidden if s in text] == [], where
        assert SEED not in text, where
        assert [line for line in REFERENCE if line in text and line not in own] == [], where


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
    seen = student_s(graded, student)
    for where in ("feedback", "comments", "student's view", "notes"):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", seen[where]), where


@pytest.mark.parametrize("student", CLASSMATES)
def test_a_classmate_has_all_points(graded: Class, student: str) -> None:
    assert graded.directly[student].score == 12
    assert sum(score or 0 for score in book(graded.root, student)[0].values()) == 12
    assert record(graded, student)["notes"] == []


def test_nothing_of_the_grader_s_was_written(graded: Class) -> None:
    assert spoiled(graded.root) == []


def test_no_process_and_no_folder_is_left_behind(graded: Class) -> None:
    assert graded.processes[1] - graded.processes[0] == set()
    assert graded.folders[1] - graded.folders[0] == set()


def test_output_is_bounded(graded: Class) -> None:
    for student in EVERYONE:
        assert len(page(graded, student)) < 4_000_000, student
        assert len(autograded(graded, student)) < 1_500_000, student


def test_a_long_text_is_cut_where_it_is_shown(graded: Class) -> None:
    assert CUT.strip() in autograded(graded, "long_prose")
    assert page(graded, "long_prose").count("<math") <= 1000


def test_outputs_are_kept_while_there_is_room(graded: Class) -> None:
    flood = graded.directly["flood_of_cells"].cells
    kept = [sum(len(o["text"]) for o in outputs) for _, outputs in sorted(flood.items())]
    assert 16 <= kept.count(60_001) < 20
    assert flood[41] == (NOT_KEPT,)


def test_a_law_is_told_only_so_much(graded: Class) -> None:
    (visits,) = [v for v in graded.directly["flood_of_callbacks"].verdicts if v.name == "visits"]
    assert {f.message for f in visits.findings} == {"visits gave an answer that cannot be read."}


def test_what_the_student_reads_of_a_hidden_check_depends_on_its_passing_alone(graded: Class) -> None:
    for student in EVERYONE:
        for verdict in map(report.student_view, graded.directly[student].verdicts):
            hidden = [f for f in verdict.findings if f.hidden]
            assert {f.message for f in hidden} <= {"", report.HIDDEN}, student
            assert {(f.kind, f.hint, f.mistake) for f in hidden} <= {("value", "", None)}, student


def findings(entry: Any) -> list[tuple[Any, ...]]:
    return [(e["name"], f["label"], f["passed"], f["kind"]) for e in entry["exercises"] for f in e["findings"]]


# ---- on other machines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.xdist_group(f"attacks-{k}")) for k in KINDS])
def test_on_other_machines_the_verdicts_are_the_same(kind: str) -> None:
    machine = on_a_machine(kind, "graded")
    assert ("namespaces (bubblewrap)" in machine["layers"]) == (kind == "user")
    assert len(machine["wrong"]) > 15
    assert {name: wrong for name, wrong in machine["wrong"].items() if wrong} == {}
    assert machine["left"] == []


# ---- what each guard is for --------------------------------------------------------------------------------------


def test_nbgrader_would_take_the_early_number(graded: Class) -> None:
    outputs = graded.directly["early_number"].cells[0]
    cell = nbformat.v4.new_code_cell("2.0", outputs=[nbformat.from_dict(dict(o)) for o in outputs])
    cell.metadata["nbgrader"] = {"grade": True, "solution": False, "points": 2.0, "grade_id": "check-halfway"}
    assert determine_grade(cell)[0] == 2.0


def test_without_a_sandbox_the_gradebook_is_rewritten(graded: Class, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(graded.root, tmp_path / "course"))
    in_this_process("write_the_gradebook", copy, graded.sheet)
    with sqlite3.connect(copy / "gradebook.db") as gradebook:
        assert {score for (score,) in gradebook.execute("select manual_score from grade")} == {0}
    assert (copy / "submitted" / "honest" / "toy" / "toy.ipynb").read_text() == "spoiled"


@pytest.mark.parametrize("trick", ["tell_the_inputs", "answer_with_the_inputs"])
def test_the_grader_s_view_would_tell_the_inputs(graded: Class, trick: str) -> None:
    told = report.to_text(graded.directly[trick], view="grader")
    assert [s for s in canaries(graded.sheet) if s in told]


def test_a_wrong_expectation_is_noticed(graded: Class) -> None:
    changed = {**graded.directly, "honest": graded.directly["constant_answers"]}
    with pytest.raises(AssertionError):
        test_a_trick_earns_only_what_its_answers_earn(
            Class(graded.root, graded.sheet, changed, graded.processes, graded.folders), "honest"
        )


def test_a_submission_is_what_its_file_says(course: Path) -> None:
    read_back = read(hand_in(course, "four_ways_to_die"), "four_ways_to_die")
    assert [s.split("(")[0] for s in read_back.cells.values()][:2] == ["def nearest", "def visits"]
