"""Builds what a chapter file promises: the instructor's notebook, the student's, and the visible sheet beside each.

    source/<chapter>/<chapter>.ipynb    solved, with rubrics; git-ignored
    release/<chapter>/<chapter>.ipynb   what nbgrader's generate_assignment would make of it, byte for byte
    <both>/<chapter>.json               the visible sheet, which the notebook's `check` reads
    release/course.md                   the course's front page (see `front`), and a copy of it in each of <both>

Nothing is written before everything is made, and each file is written whole or not at all.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.author import Exercise
from autograder.course import Chapter, Course, load_chapter
from autograder.notebook import front
from autograder.notebook.difference import first_line, notebook_difference, sheet_difference
from autograder.notebook.document import METADATA
from autograder.notebook.grading import checksum
from autograder.notebook.pieces import Piece, pieces
from autograder.notebook.setup import with_setup
from autograder.records import Sheet
from autograder.sheet import PUBLIC, visible
from autograder.wire import to_text


def build(course: Course, chapters: Sequence[str]) -> tuple[Path, ...]:
    """The files written for these chapters. Files that already say the same are left as they are."""
    made = _made(course, chapters)
    for path, text in made.items():
        if not path.is_file() or path.read_bytes() != text.encode():
            write(path, text)
    return tuple(made)


def check(course: Course, chapters: Sequence[str]) -> tuple[str, ...]:
    """The first difference of each file of `release/` that does not say what its chapter file says. Writes nothing."""
    release = course.root / "release"
    places = {release, *(release / name for name in chapters)}
    everything = _made(course, chapters)
    made = {p: t for p, t in everything.items() if p.parent in places}
    found = []
    for path, text in made.items():
        difference = _difference(path, text)
        if difference:
            found.append(f"{path.relative_to(course.root)}: {difference}")
    for folder in sorted({path.parent for path in made}):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path not in made and not path.name.startswith(".") and not (folder == release and path.is_dir()):
                found.append(f"{path.relative_to(course.root)}: is not built from any chapter file, and should go")
    page = course.root / front.README
    if page in everything and (difference := _difference(page, everything[page])):
        found.append(f"{front.README}: {difference}")
    return tuple(found)


def files(chapter: Chapter) -> Mapping[Path, str]:
    """What building this chapter writes: every file and its text."""
    root, name = chapter.course.root, chapter.name
    sheet = _as_released(root / "release" / name / f"{name}.json", to_text(visible_sheet(chapter)) + "\n")
    cells = with_setup(pieces(chapter), chapter.course, name, sheet, fetch=True)
    return {
        root / "source" / name / f"{name}.ipynb": notebook(cells, released=False),
        root / "source" / name / f"{name}.json": sheet,
        root / "release" / name / f"{name}.ipynb": notebook(cells, released=True),
        root / "release" / name / f"{name}.json": sheet,
    }


def visible_sheet(chapter: Chapter, secret: bytes = PUBLIC) -> Sheet:
    """`visible(chapter.sheet(secret))`, without computing the hidden checks, of which there are many more."""
    shown = {name: _without_hidden(exercise) for name, exercise in chapter.exercises.items()}
    sheet = visible(replace(chapter, exercises=shown).sheet(secret))
    counts = {name: len(e.questions) + len(e.laws) for name, e in chapter.exercises.items()}
    return replace(sheet, exercises=tuple(replace(e, after_submission=counts[e.name]) for e in sheet.exercises))


def notebook(cells: Sequence[Piece], *, released: bool) -> str:
    """The text of a notebook: the instructor's, or the one that is released to students."""
    document = {
        "cells": [_cell(piece, released) for piece in cells],
        "metadata": METADATA,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write(path: Path, text: str) -> None:
    """Writes a file all at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _cell(piece: Piece, released: bool) -> dict[str, Any]:
    source = piece.empty if released else piece.solved
    metadata: dict[str, Any] = {**piece.metadata, **({"tags": list(piece.tags)} if piece.tags else {})}
    if piece.grading:
        metadata["nbgrader"] = dict(piece.grading)
    if piece.grading and released:
        sums = {"checksum": checksum(source, piece.kind, piece.grading), "cell_type": piece.kind}
        metadata["nbgrader"] |= sums
        metadata |= {"deletable": False} if piece.grading["solution"] else {"deletable": False, "editable": False}
    cell = {"cell_type": piece.kind, "id": piece.ident, "metadata": metadata, "source": source.splitlines(True)}
    return cell | ({"execution_count": None, "outputs": []} if piece.kind == "code" else {})


def _without_hidden(exercise: Exercise) -> Exercise:
    """The exercise with its visible checks alone; as it is where it has none, because a sheet needs one."""
    questions = [q for q in exercise.questions if not q.hidden]
    laws = [law for law in exercise.laws if not law.hidden]
    if not questions and not laws:
        return exercise
    shown = copy.copy(exercise)
    shown.questions, shown.laws = questions, laws
    return shown


def _made(course: Course, chapters: Sequence[str]) -> Mapping[Path, str]:
    made: dict[Path, str] = {}
    for name in chapters:
        made |= files(load_chapter(course, name))
    return {**made, **_front_pages(course, made)}


def _as_released(path: Path, sheet: str) -> str:
    """The sheet, as the file on disk has it if the two differ by rounding alone: notebooks say its checksum."""
    try:
        released = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return sheet
    return sheet if sheet_difference(released, sheet) else released.replace("\r\n", "\n")


def _front_pages(course: Course, made: Mapping[Path, str]) -> Mapping[Path, str]:
    """The README's list of chapters, if it has one, and the course's front page and its copies, if `source/course.md`
    is there.

    Its table lists all that is released: what is made now, and other chapters as they were built before. Their copies
    are made anew too, but no folder is begun for the sake of a copy: nbgrader would take it for an assignment.
    """
    root, own = course.root, course.root / "source" / front.NAME
    built = {name: root / "release" / name / f"{name}.ipynb" for name in course.chapters}
    released = {n: made.get(p) or p.read_text("utf-8") for n, p in built.items() if p in made or p.is_file()}
    pages = _readme(course, released)
    if not own.is_file():
        return pages
    folders = [root / kind / name for name in released for kind in ("source", "release")]
    making = {path.parent for path in made}
    body = own.read_text("utf-8")
    neighbour = front.front_page(course, body, released, to_chapters="../")
    copies = {folder / front.NAME: neighbour for folder in folders if folder in making or folder.is_dir()}
    return {root / "release" / front.NAME: front.front_page(course, body, released), **copies, **pages}


def _readme(course: Course, released: Mapping[str, str]) -> Mapping[Path, str]:
    path = course.root / front.README
    text = path.read_text("utf-8") if path.is_file() else ""
    listed = front.with_list(course, text, released)
    return {path: listed} if listed else {}


def _difference(path: Path, text: str) -> str:
    """How the file on disk differs from what it should say, or nothing."""
    try:
        old = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return "is missing, but should be there"
    except UnicodeDecodeError:
        return "is not UTF-8 text, but should be"
    if old == text:
        return ""
    of_kind = {".json": sheet_difference, ".ipynb": notebook_difference}
    return of_kind.get(path.suffix, first_line)(old, text)
