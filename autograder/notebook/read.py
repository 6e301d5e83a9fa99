"""A submitted notebook from its file: what is graded of it, or `Unreadable`. Follows no link and runs nothing."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.errors import OurError
from autograder.notebook.document import AGAIN, METADATA, Document, Unreadable, parse
from autograder.notebook.submitted import find, printable
from autograder.records import Submission

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Unreadable", "find", "read", "read_notebook"]

MAX_BYTES = 20 << 20
_KINDS = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def read(path: Path, student: str) -> Submission:
    """The code cells of a notebook, by position. Raises Unreadable, with a message for student and teacher."""
    document = _document(path)
    cells = {place: cell["source"] for place, cell in enumerate(document.cells) if cell["cell_type"] == "code"}
    return Submission(student, printable(str(path)), cells, (*_renamed(path, student), *document.notes))


def read_notebook(path: Path) -> NotebookNode:
    """The same as valid nbformat 4.5: every cell in its place, ids and graded cells unique, no outputs."""
    import nbformat

    document = {"cells": list(_document(path).cells), "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    made: NotebookNode = nbformat.from_dict(document)  # type: ignore[no-untyped-call]
    return made


def _document(path: Path) -> Document:
    return parse(_bytes(path), printable(path.name))


def _bytes(path: Path) -> bytes:
    name = printable(path.name)
    try:
        _refuse_kind(name, os.lstat(path).st_mode)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise Unreadable(_missing(path)) from None
    except PermissionError:
        raise Unreadable(f"{name} is closed to the grader, but should be readable. Hand it in again.") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG):
            raise Unreadable(f"{name} is no ordinary file, but should be a notebook. {AGAIN}") from None
        raise OurError(f"{path} cannot be read: {error.strerror}.") from None
    with os.fdopen(handle, "rb") as file:  # what was opened may be another file than what was looked at
        found = os.fstat(handle)
        _refuse_kind(name, found.st_mode)
        size = found.st_size
        data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
    if size > MAX_BYTES or len(data) > MAX_BYTES:
        raise Unreadable(
            f"{name} has {size / (1 << 20):.0f} MB, but should have at most {MAX_BYTES >> 20}. Clear its outputs "
            "(Edit > Clear Outputs of All Cells), save, and hand it in again."
        )
    return data


def _refuse_kind(name: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = _KINDS.get(stat.S_IFMT(mode), "a device")
        raise Unreadable(f"{name} is {what}, but should be an ordinary file. Hand in the notebook itself.")


def _missing(path: Path) -> str:
    name, folder = printable(path.name), path.parent
    others = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".ipynb") if folder.is_dir() else []
    if not others:
        return f"{name} is missing, but should be there. Hand in the notebook again."
    listed = ", ".join(printable(other) for other in others[:5])
    return (
        f"{name} is missing, but should be there; the folder has {listed}. Rename the right one, and hand it in again."
    )


def _renamed(path: Path, student: str) -> tuple[str, ...]:
    """A note for a notebook that lies where its chapter's should, under another name."""
    chapter, whose = path.absolute().parent.name, path.absolute().parent.parent.name
    if path.stem == chapter or printable(whose) != student:
        return ()
    return (
        f"The notebook is named {printable(path.name)}, but should be {chapter}.ipynb; it was graded all the same.",
    )
