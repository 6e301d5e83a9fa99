"""What a worker's machine is sent before it grades: a chapter's files and its hidden sheet, as text.

The secret seed stays where it is. What the sheet's answers depend on is compared, not assumed: the engine, Python and
all that is installed.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import autograder
from autograder.course import Chapter, load_chapter, load_course
from autograder.errors import OurError
from autograder.kept import distributions
from autograder.records import Sheet
from autograder.wire import from_text, to_text

OURS = "dmol_autograder-"
TOLD = 5
"""How many differences between two machines are named."""


@dataclass(frozen=True)
class Parcel:
    """A chapter to be graded elsewhere. `files` are texts by their place in the course's folder."""

    chapter: str
    files: Mapping[str, str]
    sheet: str
    engine: str
    python: str
    installed: frozenset[str]
    trust: bool


def pack(chapter: Chapter, sheet: Sheet, *, trust: bool) -> Parcel:
    """Everything that grading `chapter` needs elsewhere."""
    root = chapter.course.root
    wanted = [
        root / "source" / "course.toml",
        chapter.path,
        chapter.path.with_suffix(".programs.json"),
        *sorted((root / "solutions").rglob("*.py")),
    ]
    files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in wanted if path.is_file()}
    return Parcel(chapter.name, files, to_text(sheet), engine(), sys.version, _others(), trust)


def unpack(parcel: Parcel, folder: Path) -> tuple[Chapter, Sheet]:
    """The chapter and its sheet, where `folder` is ours alone. `OurError` if this machine could judge otherwise."""
    _refuse_another_machine(parcel)
    for name, text in parcel.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    sheet = from_text(parcel.sheet)
    if not isinstance(sheet, Sheet):
        raise OurError("what should be a sheet is none")
    return load_chapter(load_course(folder), parcel.chapter), sheet


def engine() -> str:
    """A hash of the engine's own files."""
    folder = Path(autograder.__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.rglob("*.py"), key=lambda p: p.relative_to(folder).as_posix()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _refuse_another_machine(parcel: Parcel) -> None:
    if parcel.engine != engine():
        raise OurError("its autograder is another one, but should be the same: install the same version there.")
    if parcel.python != sys.version:
        raise OurError(f"its Python is {sys.version}, but should be {parcel.python}.")
    there, here = parcel.installed, _others()
    if there != here:
        lacking, extra = sorted(there - here), sorted(here - there)
        told = [f"lacks {', '.join(lacking[:TOLD])}"] if lacking else []
        told += [f"has {', '.join(extra[:TOLD])}"] if extra else []
        more = len(lacking[TOLD:]) + len(extra[TOLD:])
        raise OurError(
            f"its libraries are others, but should be the same, because submissions use them: it {' and '.join(told)}"
            + (f" and {more} more." if more else ".")
        )


def _others() -> frozenset[str]:
    """What is installed beside the engine, which is compared by its files."""
    return frozenset(name for name in distributions() if not name.startswith(OURS))
