"""Writes what `autograder build --for` makes of chapters, into `build/`, which is no part of a course's repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.course import Course, load_chapter
from autograder.notebook import build, front


def build_for_otter(course: Course, chapters: Sequence[str]) -> Iterator[Path]:
    """The folder of each chapter with the notebook for `otter assign`, and what Otter hands out with it."""
    from autograder.backends.otter.master import master

    build.build(course, chapters)
    for name in chapters:
        folder, released = _folder(course, "otter", name), course.root / "release" / name
        beside = [n for n in (f"{name}.json", front.NAME) if (released / n).is_file()]
        for file in beside:
            build.write(folder / file, (released / file).read_text("utf-8"))
        build.write(folder / f"{name}.ipynb", master(load_chapter(course, name), tuple(beside)))
        yield folder / f"{name}.ipynb"


def _folder(course: Course, kind: str, chapter: str) -> Path:
    """A folder below `build/`, in which git sees nothing whatever the course's own `.gitignore` says."""
    build.write(course.root / "build" / ".gitignore", "*\n")
    folder = course.root / "build" / kind / chapter
    folder.mkdir(parents=True, exist_ok=True)
    return folder
