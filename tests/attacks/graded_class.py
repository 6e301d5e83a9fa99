"""The class of `graded/`: its course, its notebooks, and what grading must find. What `test_graded` asserts.

`graded/README.md` says what the files mean.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder import report
from autograder.batch import grade_all
from autograder.course import load_chapter, load_course
from autograder.grade import grade
from autograder.notebook.build import build
from autograder.records import Call, Graded, Sheet, Submission
from autograder.sandbox.local import LocalSandbox
from autograder.sandbox.pool import WarmSandbox
from autograder.secret import hidden_sheet
from autograder.session import Session
from autograder.wire import from_text

TRICKS = {path.stem: path.read_text("utf-8") for path in sorted((Path(__file__).parent / "graded").glob("*.py"))}
CLASSMATES = ("a-classmate", "z-classmate")
EVERYONE = sorted([*TRICKS, *CLASSMATES])
TOY = Path(__file__).parent.parent / "toy"
LIMITS = "[limits]\ncheck_seconds = 4\ncell_seconds = 3\nsubmission_seconds = 60\nmemory_mb = 900\noutput_kb = 64\n"
SEED = "5eed" * 16
ITEM = re.compile(r"(?P<name>\w+)=(?P<score>[\d.]+)/(?P<most>[\d.]+)|carried:(?P<carried>\w+)")
DIGITS = 6
REACHING = re.compile(r"^# .*\b(I6|I7|I8|I9|I14|I15|V1|S1|S2|S3|S4)\b", re.MULTILINE)
"""Promises that rest on what encloses a submission, and so on the kind of machine."""

PATIENT = {"cells_that_die", "endless_loop", "left_behind", "deep_and_endless"}
"""Tricks that take seconds, and whose outcome hangs on clocks and caps, which are the same on every machine."""


def course_in(root: Path, state: Path) -> Path:
    """The toy course, in a new folder, with a state folder of its own and a seed that is the same each time."""
    shutil.copytree(TOY, root)
    settings = (root / "source" / "course.toml").read_text()
    (root / "source" / "course.toml").write_text(re.sub(r"\[limits\]\n(\w+ = .*\n)+", LIMITS, settings))
    (state / "seeds").mkdir(parents=True)
    (state / "seeds" / "toy").write_text(SEED)
    (state / "seeds" / "toy").chmod(0o600)
    build(load_course(root), ("toy",))
    return root


def state() -> Path:
    return Path(os.environ["AUTOGRADER_STATE"])


def hand_in(root: Path, student: str) -> Path:
    """The student's notebook; it lacks all metadata, so that a submission is what its cells say."""
    path = root / "submitted" / student / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook()
    for title, source in handed_in(student, root):
        if "[markdown]" in title:
            prose = "\n".join(line.removeprefix("# ") for line in source.splitlines())
            notebook.cells.append(nbformat.v4.new_markdown_cell(prose))
        else:
            notebook.cells.append(nbformat.v4.new_code_cell(source))
    path.write_text(nbformat.writes(notebook), "utf-8")
    return path


def handed_in(student: str, root: Path) -> list[tuple[str, str]]:
    """The cells of a submission, each with its title: honest ones, then the trick's."""
    text = TRICKS.get(student, TRICKS["honest"])
    honest = re.search(r"^# honest: (.*)$", text, re.MULTILINE)
    wanted = honest[1].split() if honest else []
    text = text.replace("{{ROOT}}", str(root)).replace("{{STATE}}", str(state()))
    text = text.replace("{{FORMULAS}}", "$a" * 1_000_000)
    if "{{SHEET}}" in text:
        text = text.replace("{{SHEET}}", repr(json.dumps(visible_answers(root))))
    return [c for c in cells(TRICKS["honest"]) if c[0] in wanted] + cells(text)


def cells(text: str) -> list[tuple[str, str]]:
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    return [(title.strip(), source.strip("\n")) for title, source in zip(parts[::2], parts[1::2], strict=True)]


def in_this_process(trick: str, root: Path, sheet: Sheet) -> Graded:
    """The trick without a sandbox."""
    return grade(load_chapter(load_course(root), "toy"), sheet, submitted(trick, root), LocalSandbox())


def submitted(trick: str, root: Path) -> Submission:
    """The trick's code cells."""
    sources = [source for title, source in handed_in(trick, root) if "[markdown]" not in title]
    return Submission(trick, "", dict(enumerate(sources)))


def visible_answers(root: Path) -> dict[str, list[Any]]:
    """What a student can learn by heart: the arguments and answers of the released sheet."""
    released = from_text((root / "release" / "toy" / "toy.json").read_text())
    return {
        e.name: [
            [[a.tolist() for a in c.call.args if isinstance(a, np.ndarray)], np.asarray(c.expected).tolist()]
            for c in e.checks
            if c.call is not None and not c.call.then
        ]
        for e in released.exercises
    }


def numbers(tree: Any) -> Iterator[float]:
    match tree:
        case np.ndarray():
            yield from map(float, tree.ravel())
        case float():
            yield tree
        case Call():
            yield from numbers((tree.args, tree.then))
        case list() | tuple():
            for part in tree:
                yield from numbers(part)
        case dict():
            yield from numbers(list(tree.values()))


def spellings(number: float) -> Iterator[str]:
    """How a number begins wherever it is written with at least six digits, cut or rounded."""
    for text in (np.format_float_positional(abs(number)), f"{abs(number):.{DIGITS}g}"):
        begin = re.match(rf"0?\.?0*(\d\.?){{{DIGITS}}}", text)
        if begin and "e" not in text:
            yield begin[0].rstrip(".")


def canaries(sheet: Sheet) -> set[str]:
    """Every number that only hidden checks know, as it would be written."""
    checks = [c for e in sheet.exercises for c in e.checks]
    known = {s for c in checks if not c.hidden for n in numbers((c.call, c.expected)) for s in spellings(n)}
    secret = {
        s for c in checks if c.hidden for n in numbers((c.call, c.expected, dict(c.answers))) for s in spellings(n)
    }
    return secret - known


def entry_of(graded: Graded) -> Any:
    (entry,) = report.to_json([graded], "toy", "toy", "", ())["submissions"]
    return entry


def scores(entry: Any) -> dict[str, tuple[float, float]]:
    found = {e["name"]: (e["score"], e["max_score"]) for e in entry["exercises"]}
    return {**found, "score": (entry["score"], entry["max_score"])}


def unlike(trick: str, entry: Any, expected: str = "") -> list[str]:
    """The items of a trick's first line, or of `expected`, that do not hold of its entry, with what was found."""
    found, wrong = scores(entry), list[str]()
    for item in (expected or TRICKS[trick].splitlines()[0].removeprefix("# expect: ")).split():
        match = ITEM.fullmatch(item)
        if not match:
            wrong.append(f"{item} cannot be read")
        elif match["name"]:
            if found[match["name"]] != (pytest.approx(float(match["score"])), float(match["most"])):
                wrong.append(f"{item}, but found {found}")
        elif [e["name"] for e in entry["exercises"] if e["carried_forward"]] != [match["carried"]]:
            wrong.append(f"{item}, but other exercises were carried")
    return wrong


def report_of(sandbox: WarmSandbox, root: Path) -> dict[str, list[str]]:
    """What went wrong with each trick that reaches for the machine: its points, or what it made a student see."""
    tricks = [name for name, text in TRICKS.items() if REACHING.search(text) and name not in PATIENT]
    chapter = load_chapter(load_course(root), "toy")
    session = Session(chapter, hidden_sheet(chapter, state()), sandbox)
    secret = canaries(session.sheet)
    everyone = [(student, hand_in(root, student)) for student in ["a-classmate", *tricks, "z-classmate"]]
    wrong: dict[str, list[str]] = {}
    for one in grade_all(session, everyone):
        told = report.to_text(one) + json.dumps(list(one.cells.values()))
        seen = [s for s in (SEED, *secret) if s in told]
        points = unlike(one.student if one.student in TRICKS else "honest", entry_of(one))
        wrong[one.student] = [*points, *(f"{s} was told" for s in seen), *spoiled(root)]
    return wrong


def spoiled(root: Path) -> list[str]:
    """The grader's files that are not as they were."""
    files = [*(root / "submitted").rglob("*.ipynb"), root / "source" / "toy.py"]
    wrong = [str(path) for path in files if path.read_text("utf-8") == "spoiled"]
    more = [str(p) for path in files[:-1] for p in path.parent.iterdir() if p.name != "toy.ipynb"]
    return [*wrong, *more, *(["the seed"] if (state() / "seeds" / "toy").read_text() != SEED else [])]
