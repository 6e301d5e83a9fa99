"""What students' accounts can reach of the machine: enough to run Python, and nothing of where the course came from.

In a mount namespace of its own, the hub sees an empty folder in place of the course's, in which only the engine and the
installed libraries are left; the same for a home that is closed to others, where they lie in one. Nothing changes for
the rest of the machine, and with the hub's last process it is gone.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.errors import UsageError
from autograder.sandbox.syscalls import CLONE_NEWNS, LIBC, MS_PRIVATE, MS_REC, checked, mount, unshare

MS_BIND, MNT_DETACH = 4096, 2
ENTER = 0o001


ENGINE = Path(__file__).parent.parent


def needed(*more: Path) -> tuple[Path, ...]:
    """What everybody's Python reads: the environment, its interpreter, installed libraries and the engine."""
    libraries = {path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages")}
    paths = {ENGINE, Path(sys.prefix), Path(sys.base_prefix), *libraries, *more}
    return tuple(sorted({path.absolute() for path in paths} | {path.resolve() for path in paths}))


def closed(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The outermost folders on the way to these that others may not enter."""
    return tuple(sorted({shut for path in paths for shut in _first_shut(path)}))


def enclose(root: Path, open_paths: Iterable[Path]) -> None:
    """Hides folders from this process and its children, all but `open_paths`: the course at `root`, a clone that the
    engine lies in, and what others may not enter.

    Raises `OSError` where this process may not; then nothing is hidden.
    """
    open_paths = tuple(open_paths)
    clone = [ENGINE.parent] if (ENGINE.parent / "pyproject.toml").exists() else []
    covers = _outermost({root, *clone, *closed(open_paths)})
    os.chdir("/")
    unshare(CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for cover in covers:
        _cover(cover, [path for path in _outermost(open_paths) if path.is_relative_to(cover)])


def refuse_closed(paths: Iterable[Path]) -> None:
    """Where nothing can be enclosed, Python must lie where everybody may go."""
    for shut in closed(paths):
        raise UsageError(
            f"Students' accounts cannot run {sys.executable}: {shut} is closed to others. "
            "Make the virtual environment elsewhere, such as in /opt, with a Python that lies outside any home."
        )


def refuse_readable(root: Path) -> None:
    """A course that others can read would give them its solutions."""
    for name in ("solutions", "source", "gradebook.db"):
        path = root / name
        if path.exists() and not closed((path,)) and path.stat().st_mode & 0o004:
            raise UsageError(f"Others can read {path}: students would find the answers. Run `chmod -R go= {root}`.")


def _cover(cover: Path, inside: list[Path]) -> None:
    """Puts an empty folder over `cover`, and what is to be left of it in there again."""
    stage = Path(tempfile.mkdtemp(prefix="hub-"))
    kept = []
    for number, path in enumerate(inside):
        place = stage / str(number)
        place.mkdir() if path.is_dir() else place.touch()
        mount(str(path), str(place), None, MS_BIND | MS_REC)
        kept.append((place, path))
    mount("none", str(cover), "tmpfs", 0, "mode=0755,size=1m")
    for place, path in kept:
        (path if place.is_dir() else path.parent).mkdir(parents=True, exist_ok=True)
        if place.is_file():
            path.touch()
        mount(str(place), str(path), None, MS_BIND | MS_REC)
        checked(LIBC.umount2(str(place).encode(), MNT_DETACH), f"umount {place}")
    shutil.rmtree(stage)


def _first_shut(path: Path) -> Iterator[Path]:
    for parent in reversed((path, *path.parents)):
        if parent.is_dir() and not parent.stat().st_mode & ENTER:
            yield parent
            return


def _outermost(paths: Iterable[Path]) -> list[Path]:
    every = sorted(set(paths))
    return [path for path in every if not any(other != path and path.is_relative_to(other) for other in every)]
