"""nbgrader's own commands on a toy course: our verdicts are its scores, and no submission can change that."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import determine_grade
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.backends.nbgrader.markdown import render
from autograder.course import load_course
from autograder.errors import OurError
from autograder.notebook.build import build

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("nbgrader")]
TOY = Path(__file__).parent.parent / "toy"
SCRIPT = "<script>alert('run')</script><img src='x' onerror='alert(2)'>[link](javascript:alert(3))"
REMOTE = "![seen](https://tracker.example/pixel.png)"
shared: dict[str, Any] = {}


class Shared:
    """The session's sandbox, which a batch may close without ending it; fails for a submission that says so."""

    @property
    def layers(self) -> tuple[str, ...]:
        return shared["sandbox"].layers

    def open(self, limits: Any, **options: Any) -> Any:
        if shared.get("broken"):
            raise OurError("the sandbox has died twice")
        return shared["sandbox"].open(limits, **options)

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None:
        shared["closed"] = True


def open_shared(**options: object) -> Shared:
    return Shared()


def config(root: Path) -> Config:
    c = Config()
    configure(c, root)
    c.Reader.open_sandbox = f"{__name__}.open_shared"
    return c


def nbgrader(root: Path, converter: Any, **options: Any) -> Any:
    """Runs a converter as nbgrader's command does."""
    c = config(root)
    coursedir = CourseDirectory(config=c, assignment_id="toy", **options)
    made = converter(coursedir=coursedir, config=c)
    made.start()
    return made


@pytest.fixture(scope="module", autouse=True)
def sandbox(warm: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    shared["sandbox"] = warm
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course, built and released by nbgrader."""
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("nbgrader") / "course"))
    (root / "source" / "course.md").write_text("Axes come first.\n")
    build(load_course(root), ("toy",))
    ours = folder(root / "release" / "toy")
    shutil.rmtree(root / "release")
    nbgrader(root, GenerateAssignment)
    shared["same"] = ours == folder(root / "release" / "toy")
    return root


def folder(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.iterdir()}


@pytest.fixture(scope="module")
def perfect(released: Path) -> Any:
    """The released notebook with every answer in it."""
    solved = nbformat.read(released / "source" / "toy" / "toy.ipynb", 4)
    made = nbformat.read(released / "release" / "toy" / "toy.ipynb", 4)
    for cell, answer in zip(made.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            cell.source = "\n".join(line for line in answer.source.split("\n") if "SOLUTION" not in line)
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = f"It breaks the triangle inequality: $d(x,z)<d(x,y)$. {SCRIPT} {REMOTE}"
    return made


@pytest.fixture(scope="module")
def course(released: Path, perfect: Any) -> Path:
    """A class with every kind of accident, graded in one batch."""
    root = Path(shutil.copytree(released, released.parent / "graded"))
    blank = nbformat.read(root / "release" / "toy" / "toy.ipynb", 4)
    hand_in(root, "perfect", perfect)
    hand_in(root, "untouched", blank)
    hand_in(root, "mistaken", edited(perfect, "(x + z) / 2", "x + z"))
    hand_in(
        root, "noisy", with_cell(perfect, "import sys, warnings\nprint('careful', file=sys.stderr)\nwarnings.warn('!')")
    )
    hand_in(root, "stray", stray(blank))
    hand_in(root, "copied", duplicated(perfect))
    hand_in(root, "bare", bare(perfect))
    hand_in(root, "thinned", thinned(perfect))
    hand_in(root, "scripted", scripted(perfect))
    hand_in(root, "cut", nbformat.writes(perfect)[:2000])
    hand_in(root, "empty", "")
    hand_in(root, "renamed", perfect, name="toy (1).ipynb")
    (root / "submitted" / "linked" / "toy").mkdir(parents=True)
    (root / "submitted" / "linked" / "toy" / "toy.ipynb").symlink_to(
        root / "submitted" / "perfect" / "toy" / "toy.ipynb"
    )
    (root / "submitted" / "perfect" / "toy" / "notes.txt").symlink_to(root / "source" / "toy.py")
    (root / "submitted" / "perfect" / "toy" / "course.md").write_text("My own conventions.\n")
    nbgrader(root, Autograde)
    nbgrader(root, GenerateFeedback)
    return root


def hand_in(root: Path, student: str, notebook: Any, *, name: str = "toy.ipynb") -> Path:
    path = root / "submitted" / student / "toy" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook), "utf-8")
    return path


def edited(notebook: Any, old: str, new: str) -> Any:
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        cell.source = cell.source.replace(f"return {old}", f"return {new}")
    return made


def with_cell(notebook: Any, source: str) -> Any:
    made = copy.deepcopy(notebook)
    made.cells.insert(3, nbformat.v4.new_code_cell(source))
    return made


def stray(notebook: Any) -> Any:
    """Numbers wherever nbgrader could take one for a score, and graded cells that say what they like."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "2.0"})]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = "2.0"
                cell.metadata.nbgrader.points = 1000
    made.cells.append(nbformat.v4.new_code_cell("import sys\nsys.displayhook(2.0)\n2.0"))
    return made


def duplicated(notebook: Any) -> Any:
    made = copy.deepcopy(notebook)
    places = [i for i, c in enumerate(made.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == "check-sqdist"]
    made.cells.insert(places[0], copy.deepcopy(made.cells[places[0]]))
    return made


def bare(notebook: Any) -> Any:
    made = copy.deepcopy(notebook)
    for number, cell in enumerate(made.cells):
        cell.metadata, cell["id"] = {}, f"other{number}"
    return made


def thinned(notebook: Any) -> Any:
    """All check cells and the written answer deleted, and all answers in one cell."""
    made = copy.deepcopy(notebook)
    code = [c.source for c in made.cells if c.cell_type == "code" and not c.source.startswith("check(")]
    made.cells = [nbformat.v4.new_code_cell("\n\n".join(code))]
    return made


def scripted(notebook: Any) -> Any:
    made = copy.deepcopy(notebook)
    made.metadata["title"] = f"</title>{SCRIPT}"
    made.cells += [nbformat.v4.new_markdown_cell(SCRIPT), nbformat.v4.new_raw_cell(SCRIPT)]
    made.cells.append(
        nbformat.v4.new_code_cell(f"from IPython.display import HTML\nprint({SCRIPT!r})\nHTML({SCRIPT!r})")
    )
    made.cells.append(nbformat.v4.new_code_cell(f"class {'E'}(Exception): pass\nraise E({SCRIPT!r})"))
    return made


def grades(root: Path, student: str) -> dict[str, tuple[float | None, bool]]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("toy", "toy", student)
        return {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades}


def comments(root: Path, student: str) -> dict[str, str]:
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        notebook = gradebook.find_submission_notebook("toy", "toy", student)
        return {c.name: c.comment or "" for c in notebook.comments}


def score(root: Path, student: str) -> float:
    return sum(auto or 0 for name, (auto, _) in grades(root, student).items() if name.startswith("check-"))


def record(root: Path, student: str) -> Any:
    (entry,) = json.loads((root / "reports" / "toy" / f"{student}.json").read_text())["submissions"]
    return entry


def page(root: Path, student: str) -> str:
    return (root / "feedback" / student / "toy" / "toy.html").read_text("utf-8")


GRADED = ("perfect", "untouched", "mistaken", "noisy", "stray", "copied", "bare", "thinned", "scripted", "renamed")
UNREADABLE = ("cut", "empty", "linked")


def test_nbgrader_releases_our_release(released: Path) -> None:
    assert shared["same"]


@pytest.mark.parametrize("student", GRADED)
def test_scores_are_our_verdicts(course: Path, student: str) -> None:
    entry = record(course, student)
    assert entry["status"] == "graded"
    found = {name: auto for name, (auto, _) in grades(course, student).items() if name.startswith("check-")}
    assert found == {f"check-{e['name']}": e["score"] for e in entry["exercises"]}


@pytest.mark.parametrize("student", ["perfect", "noisy", "copied", "bare", "thinned", "scripted", "renamed"])
def test_accidents_cost_nothing(course: Path, student: str) -> None:
    assert score(course, student) == 12


def test_a_mistake_costs_its_points_and_brings_its_hint(course: Path) -> None:
    assert score(course, "mistaken") == 10
    assert "half of that sum lies in the middle" in comments(course, "mistaken")["halfway"]
    assert "half of that sum lies in the middle" in page(course, "mistaken")


def test_stray_numbers_are_no_scores(course: Path) -> None:
    assert score(course, "stray") == 0


def test_stock_nbgrader_would_have_taken_the_stray_number(course: Path) -> None:
    submitted = nbformat.read(course / "submitted" / "stray" / "toy" / "toy.ipynb", 4)
    check = next(c for c in submitted.cells if c.metadata.get("nbgrader", {}).get("grade") and c.cell_type == "code")
    assert determine_grade(check)[0] == 2.0


def test_a_check_cell_has_one_number_and_no_stderr(course: Path) -> None:
    for student in GRADED:
        graded = nbformat.read(course / "autograded" / student / "toy" / "toy.ipynb", 4)
        checks = [c for c in graded.cells if c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-")]
        assert len(checks) == 6
        for cell in checks:
            assert [o.get("name", o.output_type) for o in cell.outputs] == ["stdout", "execute_result"]
            assert float(cell.outputs[1].data["text/plain"]) == determine_grade(cell)[0]


@pytest.mark.parametrize("student", UNREADABLE)
def test_an_unreadable_notebook_is_open_not_zero(course: Path, student: str) -> None:
    assert record(course, student)["status"] == "unreadable"
    assert set(grades(course, student).values()) == {(None, True)}
    assert comments(course, student)["halfway"].startswith("This notebook could not be read")
    assert "Not graded yet" in page(course, student)


def test_a_written_answer_waits_for_a_person(course: Path) -> None:
    assert grades(course, "perfect")["why"] == (None, True)
    assert "12 of 14 points so far" in page(course, "perfect")
    assert "not graded yet, of 2 points" in page(course, "perfect")


def test_an_answer_is_found_without_metadata_and_its_loss_is_no_zero(course: Path) -> None:
    graded = nbformat.read(course / "autograded" / "bare" / "toy" / "toy.ipynb", 4)
    (answer,) = [c for c in graded.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "why"]
    assert answer.source.startswith("It breaks the triangle inequality")
    assert grades(course, "thinned")["why"] == (None, True)
    assert comments(course, "thinned")["why"].startswith("There was no cell for this answer")


@pytest.mark.parametrize("student", [*GRADED, *UNREADABLE])
def test_feedback_runs_and_loads_nothing(course: Path, student: str) -> None:
    html = page(course, student)
    assert not re.search(r"<\s*(script|iframe|object|embed|link|base|form|svg|style[^>]*src)", html, re.IGNORECASE)
    assert not re.search(r"<[^>]+\s(on\w+|srcset)\s*=", html, re.IGNORECASE)
    addresses = re.findall(r"<[^>]*\s(?:src|href)\s*=\s*[\"']?([^\"'\s>]*)", html, re.IGNORECASE)
    assert [a for a in addresses if not a.startswith(("#", "data:image/png;base64,"))] == []
    assert not re.search(r"@import|url\(", html)


def test_formulas_are_mathml(course: Path) -> None:
    assert "<math" in page(course, "perfect")
    assert "MathJax" not in page(course, "perfect")


def test_nothing_hidden_is_in_what_students_get(course: Path) -> None:
    entry = record(course, "mistaken")
    hidden = [f for e in entry["exercises"] for f in e["findings"] if f["hidden"] and not f["passed"] and f["message"]]
    assert hidden
    text = page(course, "mistaken") + (course / "autograded" / "mistaken" / "toy" / "toy.ipynb").read_text("utf-8")
    assert not [f["message"] for f in hidden if f["message"].splitlines()[0] in text]


def test_nothing_of_a_student_runs_in_the_formgrader(course: Path) -> None:
    c = config(course)
    templates = Path(determine_grade.__code__.co_filename).parent / "server_extensions" / "formgrader" / "templates"
    c.HTMLExporter.template_name, c.HTMLExporter.extra_template_basedirs = "formgrade", [str(templates)]
    html, _ = HTMLExporter(config=c).from_filename(
        str(course / "autograded" / "scripted" / "toy" / "toy.ipynb"), {"index": 0, "total": 1, "base_url": ""}
    )
    assert "alert('run')</script>" not in html
    assert not re.search(r"<[^>]+\sonerror\s*=", html)
    assert "javascript:" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)


def test_a_link_brings_no_file_of_ours(course: Path) -> None:
    assert not list((course / "feedback").rglob("notes.txt"))
    assert not list((course / "autograded").rglob("notes.txt"))


def test_the_front_page_beside_a_notebook_is_ours_again_after_grading(course: Path) -> None:
    released = (course / "release" / "toy" / "course.md").read_bytes()
    assert (course / "autograded" / "perfect" / "toy" / "course.md").read_bytes() == released


def test_grading_again_does_only_what_changed(course: Path, perfect: Any) -> None:
    before = (course / "reports" / "toy" / "perfect.json").stat().st_mtime_ns
    path = hand_in(course, "late", edited(perfect, "(x + z) / 2", "x"))
    nbgrader(course, Autograde)
    assert score(course, "late") == 10
    assert (course / "reports" / "toy" / "perfect.json").stat().st_mtime_ns == before
    (path.parent / "timestamp.txt").write_text("2030-01-01 00:00:00.000000 UTC")
    hand_in(course, "late", perfect)
    shutil.copy(path.parent / "timestamp.txt", course / "autograded" / "late" / "toy" / "timestamp.txt")
    (course / "autograded" / "late" / "toy" / "timestamp.txt").write_text("2029-01-01 00:00:00.000000 UTC")
    nbgrader(course, Autograde)
    assert score(course, "late") == 12


def test_a_time_that_nobody_can_read_stops_its_own_submission_only(course: Path, perfect: Any) -> None:
    for student in ("punctual", "timeless"):
        hand_in(course, student, perfect)
    nbgrader(course, Autograde)
    (course / "submitted" / "timeless" / "toy" / "timestamp.txt").write_bytes(b"\xff half past\n")
    shutil.copy(course / "submitted" / "timeless" / "toy" / "timestamp.txt", course / "autograded/timeless/toy")
    shutil.rmtree(course / "autograded" / "punctual")
    with pytest.raises(NbGraderException):
        nbgrader(course, Autograde)
    assert '"finished": true' in (course / "autograded" / "punctual" / "toy" / "toy.ipynb").read_text("utf-8")
    assert score(course, "timeless") == 12
    shutil.rmtree(course / "submitted" / "timeless")
    shutil.rmtree(course / "autograded" / "timeless", ignore_errors=True)


def test_a_run_that_was_cut_short_begins_again(course: Path) -> None:
    path = course / "autograded" / "noisy" / "toy" / "toy.ipynb"
    path.chmod(0o644)
    path.write_text(path.read_text("utf-8").replace('"finished": true', '"finished": false'))
    nbgrader(course, Autograde)
    assert '"finished": true' in path.read_text("utf-8")


def test_a_run_that_ended_before_the_first_file_was_written_begins_again(course: Path) -> None:
    folder = course / "autograded" / "copied" / "toy"
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "course.md").write_text("nbgrader copies other files first")
    nbgrader(course, Autograde)
    assert '"finished": true' in (folder / "toy.ipynb").read_text("utf-8")


def test_forcing_nbgrader_grades_anew(course: Path) -> None:
    assert before_and_after(course, force=False) == (True, True)
    assert before_and_after(course, force=True, reuse=True) == (True, True)
    assert before_and_after(course, force=True) == (True, False)


def before_and_after(root: Path, *, force: bool, reuse: bool = False) -> tuple[bool, bool]:
    """Whether something is kept, and whether grading `perfect` once more leaves all of it untouched."""
    kept = {p: p.stat().st_mtime_ns for p in Path(os.environ["AUTOGRADER_STATE"]).glob("kept/*/*/*.json")}
    shutil.rmtree(root / "autograded" / "perfect")
    c = config(root)
    c.Reader.reuse = reuse
    coursedir = CourseDirectory(config=c, assignment_id="toy", student_id="perfect")
    Autograde(coursedir=coursedir, config=c, force=force).start()
    return bool(kept), kept == {p: p.stat().st_mtime_ns for p in kept}


def test_a_manual_score_wins_and_a_comment_is_safe(course: Path) -> None:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_grade("check-halfway", "toy", "toy", "mistaken").manual_score = 1.5
        gradebook.find_grade("why", "toy", "toy", "mistaken").manual_score = 2
        gradebook.find_comment("why", "toy", "toy", "mistaken").manual_comment = f"Good: $a<b$. {SCRIPT}"
        gradebook.db.commit()
    shutil.rmtree(course / "autograded" / "mistaken")
    shutil.rmtree(course / "feedback" / "mistaken")
    nbgrader(course, Autograde, student_id="mistaken")
    nbgrader(course, GenerateFeedback, student_id="mistaken")
    html = page(course, "mistaken")
    assert "13.5 of 14 points" in html
    assert "Comment from your instructor" in html
    assert not re.search(r"<script|<[^>]+\sonerror", html)


def test_our_failure_leaves_no_score_not_even_an_old_one(course: Path, perfect: Any) -> None:
    hand_in(course, "unlucky", perfect)
    nbgrader(course, Autograde)
    assert score(course, "unlucky") == 12
    shutil.rmtree(course / "autograded" / "unlucky")
    hand_in(course, "unlucky", with_cell(perfect, "'not graded before'"))
    shared["broken"] = True
    try:
        with pytest.raises(SystemExit) as ended:
            nbgrader(course, Autograde)
    finally:
        shared["broken"] = False
    assert ended.value.code == 3
    assert record(course, "unlucky")["status"] == "failed-ours"
    assert set(grades(course, "unlucky").values()) == {(None, True)}
    assert not (course / "autograded" / "unlucky" / "toy").exists()
    nbgrader(course, Autograde)
    assert score(course, "unlucky") == 12


HOLD = """
import fcntl, pathlib, sys, time
(path,) = pathlib.Path(sys.argv[1]).glob("locks/*graded")
file = path.open("w"); fcntl.lockf(file, fcntl.LOCK_EX); print("held", flush=True); time.sleep(1.5)
"""


def test_the_sandbox_is_closed_when_a_batch_ends(course: Path) -> None:
    shared["closed"] = False
    shutil.rmtree(course / "autograded" / "untouched")
    nbgrader(course, Autograde)
    assert shared["closed"]


def test_a_second_grader_waits_for_the_first(course: Path, caplog: pytest.LogCaptureFixture) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, os.environ["AUTOGRADER_STATE"]], stdout=subprocess.PIPE
    ) as first:
        assert first.stdout and first.stdout.readline() == b"held\n"
        begin = time.monotonic()
        nbgrader(course, Autograde)
        assert time.monotonic() - begin > 1
    assert "Another grader is at work" in caplog.text


def test_formulas_that_cannot_be_converted_are_shown_as_text() -> None:
    assert "<code>" in render(r"$\frac{$") or "<math" in render(r"$\frac{$")
    assert "<script" not in render(r"$\text{<script>alert(1)</script>}$ $$<img src=x onerror=alert(1)>$$")


@pytest.mark.parametrize("text", [SCRIPT, REMOTE, "<a href='data:text/html,x'>a</a>", "[a](javascript:alert(1))"])
def test_what_could_run_or_load_is_dropped(text: str) -> None:
    assert not re.search(r"<[^>]*(script|onerror|https:|data:)", render(text))


def test_formulas_hide_no_markup() -> None:
    assert not re.search("style|img|alert", render("$<math><mtext><style><img src=x onerror=alert(1)></style>$"))
