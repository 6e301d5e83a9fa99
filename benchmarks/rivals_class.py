"""The benchmark's class, handed in to each grader in its own way, with the same checks."""

from __future__ import annotations

import copy
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from autograder.course import load_chapter, load_course
from autograder.demo.students import fill
from autograder.secret import hidden_sheet
from autograder.wire import to_text

ROOT = Path(__file__).resolve().parents[1]
CELL_SECONDS = 60
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "rivals"
c.ExecutePreprocessor.timeout = {seconds}
c.ExecutePreprocessor.interrupt_on_timeout = True
c.ExecutePreprocessor.error_on_timeout = {{"ename": "TimeoutError", "evalue": "", "traceback": [""]}}
"""
OTTER_TEST = """
from otter.test_files import test_case
OK_FORMAT = False
name = {name!r}
points = {points!r}

@test_case(points={points!r}, hidden=True)
def test_checks(env):
    import rivals_check
    assert rivals_check.points({sheets!r}, {name!r}, env.get({name!r})) >= {points!r}
"""
TENSORFLOW = """import tensorflow as tf
import keras

dense = keras.layers.Dense(2)
print(dense(tf.reshape(tf.range(6, dtype=tf.float32), (2, 3))).shape)
"""
"""What a student with TensorFlow does beside the exercises, in a cell of its own."""

STUCK = ("    while True:\n        pass", "    import os\n\n    os._exit(1)")
"""The bodies of a function that never ends and of one that ends Python, in turn."""


def samples(chapter: str) -> list[Path]:
    """The chapter's sample submissions: right in many ways, wrong in known ones, half empty, and some that crash."""
    return sorted((ROOT / "tests" / "verdicts" / chapter).glob("*.py"))


def hand_in(folder: Path, chapter: str, kind: str, chosen: Sequence[Path]) -> list[Path]:
    """Each sample's notebook, filled in and not run, in `folder`/ours/submitted. The files, in that order."""
    written = []
    for place, (sample, notebook) in enumerate(zip(chosen, _filled(chapter, chosen), strict=True)):
        if kind == "stuck":  # in its last exercise, its last but one...
            cell = [*filter(_solution, notebook["cells"])][-1 - place]
            name = cell["metadata"]["nbgrader"]["grade_id"]
            cell["source"] += f"\n\n\ndef {name}(*args):\n{STUCK[place % len(STUCK)]}\n"
        if kind == "tensorflow":
            first = next(i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")
            cell = json.loads(json.dumps(nbformat.v4.new_code_cell(TENSORFLOW, id="with-tensorflow")))
            notebook["cells"].insert(first, cell)
        written.append(_handed_in(notebook, folder, sample.stem, chapter))
    return written


def hand_in_mixed(folder: Path, chapter: str, number: int) -> list[Path]:
    """So many notebooks, no two alike: each is some sample's, with tasks that were solved as another one does it."""
    dice, seen, written = random.Random(0), set[str](), list[Path]()
    notebooks = _filled(chapter, samples(chapter))
    while len(written) < number:
        notebook, other = map(copy.deepcopy, dice.sample(notebooks, 2))
        theirs = {cell["id"]: cell["source"] for cell in other["cells"]}
        for cell in filter(_solution, notebook["cells"]):
            if dice.random() < 0.5:
                cell["source"] = theirs.get(cell["id"], cell["source"])
        if (text := json.dumps(notebook)) not in seen:
            seen.add(text)
            written.append(_handed_in(notebook, folder, f"student{len(seen):04}", chapter))
    return written


def _filled(chapter: str, chosen: Sequence[Path]) -> list[dict[str, Any]]:
    """The released notebook, filled in as each sample is."""
    released = nbformat.read(ROOT / "release" / chapter / f"{chapter}.ipynb", 4)
    known = {c.metadata["nbgrader"]["grade_id"]: c["id"] for c in released.cells if _solution(c)}
    return [fill(json.loads(nbformat.writes(released)), path.read_text("utf-8"), known) for path in chosen]


def _solution(cell: Any) -> bool:
    return cell["cell_type"] == "code" and bool(cell["metadata"].get("nbgrader", {}).get("solution"))


def _handed_in(notebook: Any, folder: Path, student: str, chapter: str) -> Path:
    path = folder / "ours" / "submitted" / student / chapter / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))
    return path


def for_others(folder: Path, chapter: str, state: Path, environment: dict[str, str]) -> None:
    """The same submissions where nbgrader and Otter look for them, with the same checks in their own forms.

    Hidden laws are left out, because their source does not travel: the others have less to do.
    """
    plain = folder / "plain"
    sheets = plain / "sheets"
    sheets.mkdir(parents=True)
    sheet = hidden_sheet(load_chapter(load_course(ROOT), chapter), state)
    asked = [replace(e, checks=tuple(c for c in e.checks if c.call or not c.hidden)) for e in sheet.exercises]
    (sheets / "hidden.json").write_text(to_text(replace(sheet, exercises=tuple(asked))))
    released = nbformat.read(ROOT / "release" / chapter / f"{chapter}.ipynb", 4)
    _write(_with_checks(released, sheets), plain / "source" / chapter / f"{chapter}.ipynb")
    (plain / "nbgrader_config.py").write_text(CONFIG.format(seconds=CELL_SECONDS))
    for path in (folder / "ours" / "submitted").glob(f"*/{chapter}/{chapter}.ipynb"):
        student = path.parent.parent.name
        _write(_with_checks(nbformat.read(path, 4), sheets), plain / "submitted" / student / chapter / path.name)
    _run("nbgrader", "generate_assignment", chapter, "--force", cwd=plain, env=environment)
    _course_of_ours(folder, chapter, environment)
    tests = folder / "otter-tests"
    tests.mkdir()
    for exercise in sheet.exercises:
        text = OTTER_TEST.format(name=exercise.name, points=exercise.points, sheets=str(sheets))
        (tests / f"{exercise.name}.py").write_text(text)
    options = ("--no-config", "--no-requirements", "--no-environment")
    _run("otter", "generate", "-t", tests, "-o", folder / "otter.zip", *options, cwd=folder, env=environment)


def _course_of_ours(folder: Path, chapter: str, environment: dict[str, str]) -> None:
    """The same submissions in a course whose `nbgrader autograde` asks us for its verdicts."""
    course = folder / "through"
    for name in ("source", "solutions", "release"):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", course)
    _run("autograder", "build", chapter, cwd=course, env=environment)
    _run("nbgrader", "generate_assignment", chapter, cwd=course, env=environment)
    shutil.copytree(folder / "ours" / "submitted", course / "submitted")


def for_otter(path: Path, copy: Path) -> Path:
    """The notebook without nbgrader's check cells, since Otter has its own."""
    notebook = nbformat.read(path, 4)
    notebook.cells = [c for c in notebook.cells if not c.source.startswith("rivals_check.points(")]
    _write(notebook, copy)
    return copy


def execute(paths: Sequence[Path], environment: dict[str, str]) -> None:
    """Every notebook through nbclient, one kernel each, as far as it lives."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    for path in paths:
        notebook = nbformat.read(path, 4)
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            allow_errors=True,
            interrupt_on_timeout=True,
            resources={"metadata": {"path": str(path.parent)}},
        )
        with suppress(DeadKernelError):
            client.execute(env=environment)


def _with_checks(notebook: Any, sheets: Path) -> Any:
    """Its check cells hold the checks, hidden ones included, and a first cell loads what they need."""
    notebook = nbformat.from_dict(json.loads(nbformat.writes(notebook)))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.startswith("check-"):
            exercise = name.removeprefix("check-")
            cell.source = f"rivals_check.points({str(sheets)!r}, {exercise!r}, globals().get({exercise!r}))"
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import rivals_check", id="rivals"))
    return notebook


def _write(notebook: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _run(program: str, *words: object, cwd: Path, env: dict[str, str]) -> None:
    line = [shutil.which(program, path=str(Path(sys.executable).parent)) or program, *map(str, words)]
    done = subprocess.run(line, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
