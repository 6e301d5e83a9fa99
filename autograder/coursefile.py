"""What `source/course.toml` says: a course, its chapters, what a submission may use, and where it is published."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from autograder.errors import AuthorError, UsageError
from autograder.records import Limits

_ADDRESS = re.compile(r"(https://[\w.-]+|http://(localhost|127\.0\.0\.1))(:\d+)?(/[\w.~-]+)*/?", re.ASCII)
"""Without anything that a link, a cell of code or a command could take for more than an address."""


@dataclass(frozen=True)
class ChapterEntry:
    """What `course.toml` says of a chapter. `personal`: every student's visible checks have numbers of their own."""

    name: str
    title: str
    cites: str = ""
    personal: bool = False


@dataclass(frozen=True)
class Course:
    """A course folder and what its `source/course.toml` says. `published` is the address of its `release/`, if any."""

    root: Path
    name: str
    title: str
    limits: Limits
    chapters: Mapping[str, ChapterEntry]
    published: str = ""
    gradescope: Mapping[str, Any] = field(default_factory=dict)


def load_course(root: Path) -> Course:
    """The course whose folder is `root`, or a UsageError that says what is missing."""
    path = root / "source" / "course.toml"
    try:
        text = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{root} is no course: it has no source/course.toml. Run this in a course's folder.") from None
    except tomllib.TOMLDecodeError as error:
        raise AuthorError(f"this is not TOML: {error}", file=str(path)) from None
    limits, listed, gradescope = (text.get(name, {}) for name in ("limits", "chapters", "gradescope"))
    for table in (limits, listed, gradescope, *(listed.values() if isinstance(listed, dict) else ())):
        if not isinstance(table, dict):
            raise AuthorError(f"{table!r} stands where a table should: write [chapters.NAME].", file=str(path))
    known = {f.name for f in fields(Limits)}
    if limits.keys() - known:
        extra = ", ".join(sorted(limits.keys() - known))
        raise AuthorError(f"[limits] has {extra}, but may have {', '.join(sorted(known))}.", file=str(path))
    if limits.get("device", "cpu") not in ("cpu", "gpu"):
        raise AuthorError(f"[limits] has device = {limits['device']!r}, but it should be cpu or gpu.", file=str(path))
    for name, value in limits.items():
        if name == "device":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise AuthorError(f"[limits] has {name} = {value!r}, but it should be a positive number.", file=str(path))
    published = text.get("published", "")
    if not isinstance(published, str) or (published and not _ADDRESS.fullmatch(published)):
        raise AuthorError(
            f'published is {published!r}, but should be an address such as "https://github.com/OWNER/REPO".',
            file=str(path),
        )
    chapters = {name: _entry(name, entry, path) for name, entry in listed.items()}
    name, title = text.get("name", root.name), text.get("title", root.name)
    return Course(root, name, title, Limits(**limits), chapters, published.rstrip("/"), gradescope)


def entry_of(course: Course, name: str) -> ChapterEntry:
    """What the course says of a chapter, or a UsageError that lists those it has."""
    if name not in course.chapters:
        raise UsageError(
            f"{name!r} is no chapter of this course; it has {', '.join(course.chapters) or 'none'}. "
            f"`autograder new {name}` begins one."
        )
    return course.chapters[name]


def _entry(name: str, said: Mapping[str, Any], path: Path) -> ChapterEntry:
    personal = said.get("personal", False)
    if not isinstance(personal, bool):
        raise AuthorError(
            f"[chapters.{name}] has personal = {personal!r}, but should be true or false.", file=str(path)
        )
    return ChapterEntry(name, said.get("title", name), said.get("cites", ""), personal)
