"""One passback, from the gradebook to the platform: what the command does, without the command."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from autograder.backends.grades.export import read_table
from autograder.backends.grades.table import Choice, exportable
from autograder.backends.lti.platform import read_platform
from autograder.backends.lti.send import Column, Sending, send_grades
from autograder.backends.lti.service import Service
from autograder.course import Course, entry_of
from autograder.errors import UsageError


def passback(
    course: Course,
    state: Path,
    chapters: tuple[str, ...],
    platform_file: Path | None,
    choice: Choice,
    *,
    send: bool,
    again: bool = False,
    sources: tuple[Path, ...] = (),
    map_file: Path | None = None,
    wait: Callable[[float], None] = time.sleep,
    tell: Callable[[Sending], None] = lambda sending: None,
) -> tuple[Column, tuple[Sending, ...]]:
    """Sends the grades of one chapter, or with `send` off says what it would send."""
    if len(chapters) != 1:
        raise UsageError("`export lti` takes one chapter: it is one line item of the platform.")
    if platform_file is None:
        raise UsageError(
            "`export lti` needs --platform, a TOML file that says where the LMS's services are (docs/lms.md)."
        )
    entry = entry_of(course, chapters[0])
    grades = exportable(read_table(course, chapters, sources, map_file), choice)
    service = Service(read_platform(platform_file), wait)
    try:
        column = Column(entry.title, f"autograder:{course.name}:{entry.name}")
        return send_grades(service, state, column, grades, send=send, again=again, tell=tell)
    finally:
        service.close()
