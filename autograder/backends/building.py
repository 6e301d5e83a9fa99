"""Writes what `autograder build --for` makes of chapters, into `build/`, which is no part of a course's repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.backends.gradescope.results import VISIBILITIES
from autograder.course import Course, load_chapter
from autograder.errors import AuthorError, UsageError
from autograder.notebook import build, front
from autograder.secret import hidden_sheet, write_private

TARGETS = ("otter", "gradescope")


def build_for(
    target: str, course: Course, chapters: Sequence[str], *, check: bool, hidden: str | None, state: Path
) -> Iterator[Path]:
    """What `target` takes of each chapter: `otter` or `gradescope`. Raises UsageError for options that say nothing."""
    if target not in TARGETS:
        raise UsageError(f"--for is {target!r}, but should be {' or '.join(TARGETS)}.")
    if check:
        raise UsageError("--check compares what is committed, and what --for writes never is. Leave one of them out.")
    if hidden is not None and (target != "gradescope" or hidden not in VISIBILITIES):
        raise UsageError(f"--hidden is {hidden!r}, but should be {', '.join(VISIBILITIES)}, with --for gradescope.")
    if target == "otter":
        return build_for_otter(course, chapters)
    return build_for_gradescope(course, chapters, hidden=hidden or _chosen(course), state=state)


def build_for_otter(course: Course, chapters: Sequence[str]) -> Iterator[Path]:
    """The folder of each chapter with the notebook for `otter assign`, and what Otter hands out with it."""
    from autograder.backends.otter.master import master

    build.build(course, chapters)
    for name in chapters:
        folder, released = _folder(course, "otter", name), course.root / "release" / name
        beside = [n for n in (f"{name}.json", front.NAME) if (released / n).is_file()]
        for file in beside:
            build.write(folder / file, (released / file).read_text("utf-8"))
        sheet = (released / f"{name}.json").read_text("utf-8")
        build.write(folder / f"{name}.ipynb", master(load_chapter(course, name), tuple(beside), sheet))
        yield folder / f"{name}.ipynb"


def build_for_gradescope(course: Course, chapters: Sequence[str], *, hidden: str, state: Path) -> Iterator[Path]:
    """The `autograder.zip` of each chapter, readable by its owner alone: it holds the chapter's hidden checks."""
    from autograder.backends.gradescope.bundle import bundle

    for name in chapters:
        chapter = load_chapter(course, name)
        data = bundle(chapter, hidden_sheet(chapter, state), hidden)
        path = _folder(course, "gradescope", name) / "autograder.zip"
        write_private(path, data)
        yield path


def _chosen(course: Course) -> str:
    """What `course.toml` says of when students see hidden checks."""
    chosen = course.gradescope.get("hidden", "after_published")
    if chosen not in VISIBILITIES or course.gradescope.keys() - {"hidden"}:
        said = ", ".join(f"{name} = {value!r}" for name, value in course.gradescope.items())
        raise AuthorError(
            f"[gradescope] has {said}, but may have hidden = one of {', '.join(VISIBILITIES)}.",
            file=str(course.root / "source" / "course.toml"),
        )
    return str(chosen)


def _folder(course: Course, kind: str, chapter: str) -> Path:
    """A folder below `build/`, in which git sees nothing whatever the course's own `.gitignore` says."""
    build.write(course.root / "build" / ".gitignore", "*\n")
    folder = course.root / "build" / kind / chapter
    folder.mkdir(parents=True, exist_ok=True)
    return folder
