"""Which notebooks to grade: a file, or a folder laid out as nbgrader's `submitted/`. Looks at names, opens no file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import UsageError


def find(path: Path, chapter: str) -> list[tuple[str, Path]]:
    """Students and their notebooks of `chapter`, in the order of their names.

    A student who handed in something else than a notebook is listed with what there is, so that `read` can say so; one
    without a folder for the chapter handed in nothing and is left out.
    """
    if not os.path.lexists(path):
        raise UsageError(f"{path} does not exist. Name a notebook, or a folder laid out as <student>/{chapter}/.")
    if not path.is_dir():
        return [(_whose(path, chapter), path)]
    found = list(_students(path, chapter)) or _own(path, chapter)
    if not found:
        raise UsageError(
            f"{path} holds no submission of {chapter}: there is no <student>/{chapter}/{chapter}.ipynb in it."
        )
    return distinct(found)


def printable(name: str) -> str:
    """A name chosen by a student, as it may be shown: one line, no control characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _students(folder: Path, chapter: str) -> Iterator[tuple[str, Path]]:
    for home in sorted(folder.iterdir()):
        own = home / chapter
        if home.name.startswith(".") or not _there(own):
            continue
        yield home.name, home if home.is_symlink() else _notebook(own, chapter)  # `read` refuses links


def _there(folder: Path) -> bool:
    """Whether this is a folder. One that is closed to us counts: its student should hear of it."""
    try:
        return folder.is_dir()
    except PermissionError:
        return True


def _own(folder: Path, chapter: str) -> list[tuple[str, Path]]:
    """The folder as one student's, or as a flat pile of notebooks named after their students."""
    if (folder / chapter).is_dir():
        return [(folder.absolute().name, _notebook(folder / chapter, chapter))]
    if folder.absolute().name == chapter and os.path.lexists(folder / f"{chapter}.ipynb"):
        return [(folder.absolute().parent.name, folder / f"{chapter}.ipynb")]
    return [(path.stem, path) for path in _notebooks(folder)]


def _notebook(folder: Path, chapter: str) -> Path:
    """The chapter's notebook, or the only other one there is; a folder that is a link is left to `read` to refuse."""
    if folder.is_symlink():
        return folder
    expected = folder / f"{chapter}.ipynb"
    others = _notebooks(folder)
    return others[0] if not os.path.lexists(expected) and len(others) == 1 else expected


def _notebooks(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() == ".ipynb" and not p.name.startswith("."))
    except PermissionError:
        return []


def _whose(path: Path, chapter: str) -> str:
    folder = path.absolute().parent
    return printable(folder.parent.name if folder.name == chapter and folder.parent.name else path.stem)


def distinct(found: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """The same with names that may be shown, no two alike."""
    named: dict[str, Path] = {}
    for name, path in found:
        shown, number = printable(name), 2
        while shown in named:
            shown, number = f"{printable(name)} ({number})", number + 1
        named[shown] = path
    return list(named.items())
