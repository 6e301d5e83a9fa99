"""Notebooks out of the zips that students export with Otter. Nothing else is unpacked, and nothing is unpickled."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.notebook.read import MAX_BYTES
from autograder.notebook.submitted import distinct, find

MAX_MEMBERS, MAX_ZIP = 1000, 4 * MAX_BYTES


@contextmanager
def handed_in(paths: Sequence[Path], chapter: str) -> Iterator[list[tuple[str, Path]]]:
    """Students and their notebooks among `paths`: zips of Otter's, folders of them, or whatever `find` knows.

    While inside, the notebook of a zip lies in a temporary folder. A zip that holds none, or a broken one, stands for
    itself, so that reading it says what is wrong.
    """
    with TemporaryDirectory() as folder:
        yield list(_notebooks(paths, chapter, Path(folder)))


def _notebooks(paths: Sequence[Path], chapter: str, folder: Path) -> Iterator[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for path in paths:
        zips = [p for p in (sorted(path.iterdir()) if path.is_dir() else [path]) if p.suffix.lower() == ".zip"]
        found += [(zip_.stem, zip_) for zip_ in zips] or find(path, chapter)
    for number, (student, path) in enumerate(distinct(found)):
        inside = _notebook(path, chapter) if path.suffix.lower() == ".zip" else None
        if inside is None:
            yield student, path
            continue
        written = folder / str(number) / path.name / f"{chapter}.ipynb"
        written.parent.mkdir(parents=True)
        written.write_bytes(inside)
        yield student, written


def _notebook(path: Path, chapter: str) -> bytes | None:
    """The bytes of the chapter's notebook in a zip, or of the only one there; at most as many as can be read."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_ZIP:
            return None
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()[:MAX_MEMBERS]
            found = [m for m in members if m.filename.lower().endswith(".ipynb") and not m.is_dir()]
            named = [m for m in found if m.filename.rpartition("/")[2] == f"{chapter}.ipynb"]
            wanted = named or found
            if len(wanted) != 1 or wanted[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return None
            with archive.open(wanted[0]) as file:
                return file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError, ValueError):
        return None
