"""A chapter as the notebook that `otter assign` takes. Pure: decides what the files say, and writes none.

What Otter hands to students has the same cells as our own release, with `grader.check("name")` where ours says
`check(name)`. Otter's test of an exercise calls our client, so students see the same findings; it holds no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.course import Chapter
from autograder.errors import AuthorError
from autograder.notebook.document import METADATA
from autograder.notebook.pieces import Piece, pieces
from autograder.notebook.setup import with_setup
from autograder.notebook.starter import BEGIN, END, STUB

MARKS = re.compile(
    r"# ?SOLUTION|# (BEGIN|END) SOLUTION|# (BEGIN|END) PROMPT[ \t]*$|# (IGNORE|SEED)[ \t]*$|^```otter"
    r"|(?i:#[ \t]*(BEGIN|END)[ \t]*IGNORE|\A#+[ \t]*ignore)",
    re.MULTILINE,
)
"""Words by which Otter cuts cells, or drops them; only we may write them."""

CONFIG = """\
# ASSIGNMENT CONFIG
name: {name}
files: {files}
generate: false
run_tests: false
export_cell:
  pdf: false
  run_tests: false
  ignore_log: true
tests:
  files: true
  ok_format: false
"""
"""Otter grades nothing (no autograder zip of its own), and the zip that students hand in holds no pickled log."""

TEST = """\
def visible_checks(env):
    from IPython.display import display
    from autograder import check
    report = check({name!r})
    display(report)
    assert report.passed, "the card above says what to look at first."
"""
"""Otter's test of an exercise. `check` finds the student's function by its name in the notebook."""


def master(chapter: Chapter, files: tuple[str, ...], sheet: str) -> str:
    """The text of the notebook for `otter assign`. `files` lie beside it, and Otter hands them out with it; `sheet` is
    the text of the visible sheet, which is one of them.

    Raises AuthorError where a cell says something by which Otter would cut it.
    """
    config = CONFIG.format(name=json.dumps(chapter.name), files=json.dumps(list(files)))
    cells = [_raw("config", config), *_cells(chapter, sheet)]
    document = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cells(chapter: Chapter, sheet: str) -> Iterator[dict[str, Any]]:
    ours = with_setup(pieces(chapter), chapter.course, chapter.name, sheet, fetch=True)
    for piece in ours:
        _refuse_marks(piece, chapter)
    for piece, after in zip(ours, (*ours[1:], None), strict=True):
        known = piece.grading
        if not known:
            yield _cell(piece.ident, piece.kind, piece.solved)
        elif piece.kind == "code" and known["solution"]:
            assert after is not None, "a starter is followed by its check"
            yield from _exercise(piece, after.grading["points"])
        elif piece.kind == "markdown" and known["locked"]:
            assert after is not None, "a prompt is followed by its answer"
            yield from _written(piece, after, chapter.written[after.ident].rubric)


def _exercise(piece: Piece, points: float) -> Iterator[dict[str, Any]]:
    name = piece.ident
    yield _raw(f"{name}-question", f"# BEGIN QUESTION\nname: {name}\npoints: {points}")
    yield _raw(f"{name}-solution", "# BEGIN SOLUTION")
    yield _cell(name, "code", cut_for_otter(piece.solved))
    yield _raw(f"{name}-solution-end", "# END SOLUTION")
    yield _raw(f"{name}-tests", "# BEGIN TESTS")
    yield _cell(f"{name}-test", "code", TEST.format(name=name).rstrip("\n"))
    yield _raw(f"{name}-tests-end", "# END TESTS")
    yield _raw(f"{name}-question-end", "# END QUESTION")


def _written(prompt: Piece, answer: Piece, rubric: str) -> Iterator[dict[str, Any]]:
    name = answer.ident
    yield _raw(f"{name}-question", f"# BEGIN QUESTION\nname: {name}\npoints: {answer.grading['points']}\nmanual: true")
    yield _cell(prompt.ident, "markdown", prompt.solved)
    yield _raw(f"{name}-prompt", "# BEGIN PROMPT")
    yield _cell(name, "markdown", answer.empty)
    yield _raw(f"{name}-prompt-end", "# END PROMPT")
    yield _raw(f"{name}-solution", "# BEGIN SOLUTION")
    yield _cell(f"{name}-rubric", "markdown", rubric)
    yield _raw(f"{name}-solution-end", "# END SOLUTION")
    yield _raw(f"{name}-question-end", "# END QUESTION")


def cut_for_otter(solved: str) -> str:
    """The solved cell with Otter's marks in the place of nbgrader's, and the stub as the prompt that stands for it."""
    lines = list[str]()
    for line in solved.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip() == BEGIN:
            lines.append(f"{indent}# BEGIN SOLUTION NO PROMPT")
        elif line.strip() == END:
            stub = [indent + text for text in STUB.split("\n")]
            lines += [f"{indent}# END SOLUTION", f"{indent}''' # BEGIN PROMPT", *stub, f"{indent}''' # END PROMPT"]
        else:
            lines.append(line)
    return "\n".join(lines)


def _refuse_marks(piece: Piece, chapter: Chapter) -> None:
    said = "\n".join(line for line in piece.solved.split("\n") if line.strip() not in (BEGIN, END))
    found = MARKS.search(said)
    if found:
        raise AuthorError(
            f"the cell {piece.ident} says {found[0].strip()!r}, by which Otter cuts cells; put it in other words.",
            file=str(chapter.path),
        )


def _raw(ident: str, source: str) -> dict[str, Any]:
    return _cell(f"otter-{ident}", "raw", source)


def _cell(ident: str, kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": ident[:64], "metadata": {}, "source": source.rstrip("\n").splitlines(True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
