"""The class of `graded/`: its course, its notebooks, and what must hold of each once it is graded.

`graded/README.md` says what the files mean.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
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
from seam import lingering, remains_at_first

TRICKS = {path.stem: path.read_text("utf-8") for path in sorted((Path(__file__).parent / "graded").glob("*.py"))}
CLASSMATES = ("a-classmate", "z-classmate")
EVERYONE = sorted([*TRICKS, *CLASSMATES])
TOY = Path(__file__).parent.parent / "toy"
LIMITS = "[limits]\ncheck_seconds = 4\ncell_seconds = 3\nsubmission_seconds = 60\nmemory_mb = 900\noutput_kb = 64\n"
SEED = "5eed" * 16
REFERENCE = [
    line.strip()
    for line in (TOY / "solutions" / "toy.py").read_text().splitlines()
    if re.match(r"\s+(return |self\.w = )", line)
] + ["by_broadcasting", "not_squared", "not_halved"]
"""What only the reference and the mistakes of the chapter say."""

ITEM = re.compile(r"(?P<name>\w+)(?P<sign>[=<])(?P<score>[\d.]+)(?:/(?P<most>[\d.]+))?|carried:(?P<carried>\w+)")
DIGITS = 6
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def course_in(folder: Path) -> Path:
    """The toy course, in a new folder, with a state folder beside it and a seed that is the same each time."""
    root = Path(shutil.copytree(TOY, folder / "course"))
    state = state_of(root)
    settings = (root / "source" / "course.toml").read_text()
    (root / "source" / "course.toml").write_text(re.sub(r"\[limits\]\n(\w+ = .*\n)+", LIMITS, settings))
    (state / "seeds").mkdir(parents=True)
    (state / "seeds" / "toy").write_text(SEED)
    (state / "seeds" / "toy").chmod(0o600)
    build(load_course(root), ("toy",))
    return root


def state_of(root: Path) -> Path:
    return root.parent / "state"


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
    text = text.replace("{{ROOT}}", str(root)).replace("{{STATE}}", str(state_of(root)))
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


def expected_of(student: str, tricks: Mapping[str, str] = TRICKS) -> str:
    """What the first line of a student's file says that grading must find."""
    return tricks.get(student, tricks["honest"]).splitlines()[0].removeprefix("# expect: ")


def unlike(items: str, entry: Any) -> list[str]:
    """The items that do not hold of an entry, with what was found."""
    found, wrong = scores(entry), list[str]()
    for item in items.split():
        match = ITEM.fullmatch(item)
        if not match or (match["sign"] == "=") != bool(match["most"]):
            wrong.append(f"{item} cannot be read")
        elif match["carried"]:
            if [e["name"] for e in entry["exercises"] if e["carried_forward"]] != [match["carried"]]:
                wrong.append(f"{item}, but other exercises were carried")
        elif match["sign"] == "<":
            if not found[match["name"]][0] < float(match["score"]):
                wrong.append(f"{item}, but found {found}")
        elif found[match["name"]] != (pytest.approx(float(match["score"])), float(match["most"])):
            wrong.append(f"{item}, but found {found}")
    return wrong


def told(graded: Graded) -> dict[str, str]:
    """Everything that the engine itself lets a student see of their submission, by where."""
    return {
        "text": report.to_text(graded),
        "page": "\n".join(report.to_html_fragment(report.student_view(v)) for v in graded.verdicts),
        "comments": "\n".join(map(report.comment, graded.verdicts)),
        "outputs": json.dumps(list(graded.cells.values())),
        "notes": "\n".join(graded.notes),
    }


def wrong_with(graded: Graded, items: str, secrets: Iterable[str]) -> list[str]:
    """Whatever should not be so of a submission: its points, or what its student is told."""
    wrong = unlike(items, entry_of(graded))
    for where, text in told(graded).items():
        wrong += [f"{secret} was told in {where}" for secret in secrets if secret in text]
        if where != "outputs" and CONTROL.search(text):
            wrong.append(f"a control character was told in {where}")
    hidden = [f for v in map(report.student_view, graded.verdicts) for f in v.findings if f.hidden]
    said = {(f.kind, f.message, f.hint, f.mistake) for f in hidden if f.passed is not True}
    if not said <= {("value", report.HIDDEN, "", None)}:
        wrong.append(f"of hidden checks was told {said}")
    return wrong


def secrets_of(sheet: Sheet, own: str) -> set[str]:
    """What nobody may be told: numbers, the seed, and lines of the reference that are not a student's own."""
    return {SEED, *canaries(sheet), *(line for line in REFERENCE if line not in own)}


def report_of(sandbox: WarmSandbox, folder: Path) -> dict[str, list[str]]:
    """What is wrong with each of the class, graded in a new folder by this sandbox, and with what they left behind."""
    root = course_in(folder)
    chapter = load_chapter(load_course(root), "toy")
    session = Session(chapter, hidden_sheet(chapter, state_of(root)), sandbox)
    before = remains_at_first(sandbox)
    wrong: dict[str, list[str]] = {}
    for one in grade_all(session, [(student, hand_in(root, student)) for student in EVERYONE]):
        own = "\n".join(source for _, source in handed_in(one.student, root))
        wrong[one.student] = wrong_with(one, expected_of(one.student), secrets_of(session.sheet, own))
    return {**wrong, "afterwards": [*spoiled(root), *lingering(sandbox, before)]}


def spoiled(root: Path) -> list[str]:
    """The grader's files that are not as they were."""
    files = [*(root / "submitted").rglob("*.ipynb"), root / "source" / "toy.py"]
    wrong = [str(path) for path in files if path.read_text("utf-8") == "spoiled"]
    more = [str(p) for path in files[:-1] for p in path.parent.iterdir() if p.name != "toy.ipynb"]
    return [*wrong, *more, *(["the seed"] if (state_of(root) / "seeds" / "toy").read_text() != SEED else [])]
