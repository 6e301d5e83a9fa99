"""One class, graded by every way there is: what each says of every submission, and where they differ."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder import report
from autograder.backends.building import build_for_otter
from autograder.backends.gradescope.bundle import bundle
from autograder.backends.gradescope.results import STAFF
from autograder.backends.gradescope.run import WHOSE, graded
from autograder.backends.nbgrader import configure
from autograder.batch import grade_all
from autograder.course import load_chapter, load_course
from autograder.demo.students import fill
from autograder.notebook.build import build
from autograder.notebook.read import find
from autograder.records import Graded
from autograder.secret import hidden_sheet
from autograder.session import Session, open_session
from autograder.settings import Settings
from tests.shared_sandbox import OPEN, open_shared

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
SEED = "5eed" * 16
PATIENT = "[limits]\ncheck_seconds = 60\ncell_seconds = 120\nsubmission_seconds = 900\nmemory_mb = 3000\n"
NOISE = re.compile(r"0x[0-9a-f]{6,}")
"""Addresses in the texts of exceptions differ from one process to the next."""


@dataclass(frozen=True)
class Class:
    """A course in a folder of its own, with one chapter's samples by name."""

    root: Path
    chapter: str
    samples: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        return Settings(self.root, self.root.parent / "state")

    @property
    def otter(self) -> Path:
        return self.root / "build" / "otter" / self.chapter / "dist" / "student"


def class_in(folder: Path, course: Path, chapter: str, samples: Mapping[str, str]) -> Class:
    """The course with this chapter alone, released for Jupyter and by the real `otter assign`, and the samples handed
    in; its hidden sheet is drawn."""
    made = Class(folder / "course", chapter, samples)
    for name in ("source", "solutions"):
        # Without lists of programs: what workers begin with is no part of a score, and takes minutes to compile.
        ignored = shutil.ignore_patterns("*.programs.json", *(p.name for p in (course / name).iterdir() if p.is_dir()))
        shutil.copytree(course / name, made.root / name, ignore=ignored)
    title = re.search(
        rf'^\[chapters\.{chapter}\]\ntitle = "(.*)"', (course / "source" / "course.toml").read_text(), re.M
    )
    assert title is not None
    text = f'name = "parity"\n\n{PATIENT}\n[chapters.{chapter}]\ntitle = "{title[1]}"\n'
    (made.root / "source" / "course.toml").write_text(text)
    seed = made.settings.state / "seeds" / "parity"
    seed.parent.mkdir(parents=True)
    seed.write_text(SEED)
    seed.chmod(0o600)
    loaded = load_course(made.root)
    build(loaded, (chapter,))
    (master,) = build_for_otter(loaded, (chapter,))
    assign = [sys.executable, "-m", "otter", "assign", str(master), str(master.parent / "dist")]
    subprocess.run(assign, check=True, capture_output=True)
    hidden_sheet(load_chapter(loaded, chapter), made.settings.state)
    hand_in(made)
    return made


def hand_in(made: Class) -> None:
    """Every sample, filled into the released notebook, and into Otter's, exported with a log of pickles."""
    released = made.root / "release" / made.chapter / f"{made.chapter}.ipynb"
    (made.root / "zips").mkdir()
    for student, sample in made.samples.items():
        own = made.root / "submitted" / student / made.chapter / f"{made.chapter}.ipynb"
        own.parent.mkdir(parents=True)
        own.write_text(filled(released, sample), "utf-8")
        with zipfile.ZipFile(made.root / "zips" / f"{student}.zip", "w") as archive:
            archive.writestr(f"{made.chapter}.ipynb", filled(made.otter / f"{made.chapter}.ipynb", sample))
            archive.writestr(".OTTER_LOG", b"cbuiltins\nexit\n(tR.")
            archive.writestr("__zip_filename__", f"{student}.zip")


def filled(path: Path, sample: str) -> str:
    notebook = nbformat.read(path, as_version=4)
    starters = [c["id"] for c in notebook["cells"] if "NotImplementedError" in c["source"] and c["cell_type"] == "code"]
    return json.dumps(fill(notebook, sample, {ident: ident for ident in starters}))


# ---- the ways -----------------------------------------------------------------------------------------------------

Said = Mapping[str, Mapping[str, Any]]
"""What a way says: by student, then `score`, `scores` and `texts` by exercise, and the grader's `record`."""


@contextmanager
def state_of_its_own(made: Class, way: str) -> Any:
    """Settings with the seed and the sheet, but nothing that another way has graded."""
    state = made.root.parent / f"state-{way}"
    for name in ("seeds", "sheets"):
        shutil.copytree(made.settings.state / name, state / name)
    before = os.environ["AUTOGRADER_STATE"]
    os.environ["AUTOGRADER_STATE"] = str(state)
    try:
        yield Settings(made.root, state)
    finally:
        os.environ["AUTOGRADER_STATE"] = before


def by_command(made: Class) -> Said:
    """`autograder grade`."""
    with state_of_its_own(made, "grade") as settings, open_session(settings, made.chapter, open_shared) as session:
        found = find(made.root / "submitted", made.chapter)
        return {g.student: said(g, session) for g in grade_all(session, found)}


def by_nbgrader(made: Class) -> Said:
    """`nbgrader autograde` with the course's configuration."""
    c = Config()
    configure(c, made.root)
    c.Reader.open_sandbox = OPEN
    found = {}
    with state_of_its_own(made, "nbgrader"):
        for converter, options in ((GenerateAssignment, {"force": True}), (Autograde, {})):
            converter(coursedir=CourseDirectory(config=c, assignment_id=made.chapter), config=c, **options).start()
    with Gradebook(f"sqlite:///{made.root}/gradebook.db") as gradebook:
        for student in made.samples:
            path = made.root / "reports" / made.chapter / f"{student}.json"
            (entry,) = json.loads(path.read_text())["submissions"]
            notebook = gradebook.find_submission_notebook(made.chapter, made.chapter, student)
            checks = [g for g in notebook.grades if g.name.startswith("check-")]
            scores = {g.name.removeprefix("check-"): g.auto_score for g in checks}
            texts = {c.name: c.comment for c in notebook.comments if c.name in scores}
            score = round(sum(scores.values()), 2)
            found[student] = {"score": score, "scores": scores, "texts": texts, "record": entry["exercises"]}
    return found


def by_otter(made: Class) -> Said:
    """`autograder grade --otter` on the zips that Otter's students export."""
    from autograder.sandbox import pool
    from autograder.show import grade_class

    folder, opened = made.root / "otter-results", pool.open_sandbox
    with state_of_its_own(made, "otter"):
        pool.open_sandbox = open_shared  # type: ignore[assignment]
        try:
            document = made.root / "otter.json"
            zips, options = [made.root / "zips"], {"workers": 2, "trust": False, "otter": folder}
            grade_class(made.root, made.chapter, zips, json_file=document, **options)
        finally:
            pool.open_sandbox = opened
    records = {s["student"]: s for s in json.loads(document.read_text())["submissions"]}
    lines = {line["file"]: line for line in csv.DictReader(io.StringIO((folder / "final_grades.csv").read_text()))}
    found = {}
    for student, record in records.items():
        _, *questions = json.loads((folder / "results" / f"{student}.json").read_text())["tests"]
        scores = {q["name"]: q["score"] for q in questions}
        assert {name: float(lines[student][name]) for name in scores} == scores
        texts = {q["name"]: q["output"] for q in questions}
        score = float(lines[student]["total_points_earned"])
        found[student] = {"score": score, "scores": scores, "texts": texts, "record": record["exercises"]}
    return found


def by_gradescope(made: Class, *, one: Callable[[Path, Path], Mapping[str, Any]] | None = None) -> Said:
    """What the zip for Gradescope grades: here, or, if `one` says how, in a container."""
    chapter = load_chapter(load_course(made.root), made.chapter)
    packed = bundle(chapter, hidden_sheet(chapter, made.settings.state), "after_published")
    folder = made.root.parent / "autograder"
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder / "source")
    found = {}
    for student in made.samples:
        notebook = made.root / "submitted" / student / made.chapter / f"{made.chapter}.ipynb"
        if one is None:
            shutil.rmtree(folder / "submission", ignore_errors=True)
            (folder / "submission").mkdir()
            shutil.copy(notebook, folder / "submission")
            results = graded(folder, open_shared)
        else:
            results = one(folder, notebook)
        parts = {p["name"]: p for p in results["tests"]}
        scores = {name: p["score"] for name, p in parts.items() if "score" in p}
        texts = {name: parts[name]["output"] for name in scores}
        staff = parts[STAFF]["output"].partition("\n")[2]
        found[student] = {"score": results["score"], "scores": scores, "texts": texts, "staff": staff}
    return found


def said(one: Graded, session: Session) -> dict[str, Any]:
    (entry,) = report.to_json([one], "", "", "", ())["submissions"]
    return {
        "score": entry["score"],
        "scores": {v.name: v.score for v in one.verdicts},
        "texts": {v.name: report.comment(v) for v in one.verdicts},
        "record": entry["exercises"],
        "staff": report.to_text(one, view="grader").replace(one.student, WHOSE, 1),
    }


# ---- what differs -------------------------------------------------------------------------------------------------


def differences(first: Said, other: Said) -> list[str]:
    """Where two ways say something else of a submission: its score, an exercise's, a text, or any finding."""
    found = [f"{student} is there once only" for student in sorted(first.keys() ^ other.keys())]
    for student in sorted(first.keys() & other.keys()):
        one, two = first[student], other[student]
        for what in ("score", "scores", "texts", "record", "staff"):
            if what in one and what in two and _told(one[what]) != _told(two[what]):
                found.append(f"{student}: {what} is {_told(two[what])[:2000]}, but should be {_told(one[what])[:2000]}")
    return found


def findings(one: Said) -> int:
    """How many findings a way with records has made."""
    return sum(len(e["findings"]) for told in one.values() for e in told["record"])


def _told(value: Any) -> str:
    return NOISE.sub("0x", json.dumps(_plain(value), sort_keys=True))


def _plain(value: Any) -> Any:
    """With 12.0 for 12: Python and JSON tell them apart, and no gradebook does. Without the time it took."""
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case dict():
            return {key: _plain(part) for key, part in value.items() if key != "seconds"}
        case list() | tuple():
            return [_plain(part) for part in value]
    return value


def samples(chapter: str, names: Sequence[str] = ()) -> dict[str, str]:
    """The sample submissions of a chapter; all of them, unless some are named."""
    paths = sorted((ROOT / "tests" / "verdicts" / chapter).glob("*.py"))
    texts = {p.stem.replace("_", "-"): p.read_text("utf-8") for p in paths}
    return {name: text for name, text in texts.items() if not names or name in names}
