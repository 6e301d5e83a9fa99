"""Where everything of a course is, from nbgrader's own configuration."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import Course, load_course
from autograder.errors import AuthorError, UsageError
from autograder.settings import Settings


@dataclass(frozen=True)
class Place:
    """A course, its exchange and its gradebook. `own` is the folder in which the door keeps what it must remember."""

    course: Course
    settings: Settings
    exchange: Path
    database: str
    check_owner: bool
    ignore: Sequence[str] = ()
    max_bytes: int = 100_000_000

    @property
    def root(self) -> Path:
        return self.settings.root

    @property
    def own(self) -> Path:
        return self.settings.state / "door" / self.course.name

    @property
    def inbound(self) -> Path:
        return self.exchange / self.course.name / "inbound"

    @property
    def outbound(self) -> Path:
        return self.exchange / self.course.name / "outbound"

    @property
    def returned(self) -> Path:
        return self.exchange / self.course.name / "feedback"

    @property
    def instructors(self) -> str:
        return f"formgrade-{self.course.name}"

    @property
    def students(self) -> str:
        return f"nbgrader-{self.course.name}"


def current(place: Place) -> Place:
    """The same with `course.toml` as it is now, or as it was where it cannot be read at the moment."""
    with suppress(AuthorError, UsageError):
        return replace(place, course=load_course(place.root))
    return place


def find_place(settings: Settings) -> Place:
    """Reads what `nbgrader` would read in the course's folder. Raises UsageError where there is no course."""
    course = load_course(settings.root)
    from jupyter_core.paths import jupyter_config_path
    from nbgrader.apps import NbGrader
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeCollect
    from traitlets.config import Application

    app = NbGrader()
    Application.load_config_file(app, "nbgrader_config", [str(settings.root), *jupyter_config_path()])
    folder = CourseDirectory(config=app.config)
    exchange = ExchangeCollect(coursedir=folder, config=app.config)
    return Place(
        course,
        settings,
        Path(exchange.root),
        folder.db_url,
        exchange.check_owner,
        tuple(folder.ignore),
        1000 * folder.max_dir_size,
    )
