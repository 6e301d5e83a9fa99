"""What this machine can and cannot promise, and the fix for each line."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator

from autograder.records import OurError, UsageError
from autograder.sandbox.layers import Fact, facts
from autograder.settings import Settings

NEEDED = {
    "nbgrader": "grades are written to nbgrader's gradebook",
    "jax": "references are computed",
    "IPython": "cells run",
}
MIN_FREE_MB = 500


def examine(settings: Settings) -> tuple[Fact, ...]:
    """Every fact that a promise rests on: the sandbox's layers first, then software, secrets and room."""
    return (*facts(), *_software(), *_course(settings))


def _software() -> Iterator[Fact]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Fact(f"Python {version}", sys.version_info >= (3, 11), "the engine runs", "Install Python 3.11 or newer.")
    for name, use in NEEDED.items():
        try:
            yield Fact(f"{name} {importlib.metadata.version(name)}", True, use, "")
        except importlib.metadata.PackageNotFoundError:
            yield Fact(name, False, use, "Run `make install`, or `pip install dmol-autograder[grader]`.")
    alembic = shutil.which("alembic", path=f"{sys.prefix}/bin:{_path()}") is not None
    yield Fact("alembic on the path", alembic, "a new gradebook can be made", "Activate the environment (.venv/bin).")


def _course(settings: Settings) -> Iterator[Fact]:
    from autograder.course import load_course
    from autograder.secret import secret_seed

    try:
        course = load_course(settings.root)
        yield Fact(f"course {course.name}", True, "there is something to grade", "")
        secret_seed(settings.state, course.name)
        inside = settings.state.is_relative_to(settings.root)
        fix = "Set AUTOGRADER_STATE to a folder outside the course's repository."
        yield Fact("secret seed", not inside, "hidden inputs cannot be guessed from the repository", fix)
    except (UsageError, OurError) as error:
        yield Fact("course", False, "there is something to grade", str(error))
    free = shutil.disk_usage(settings.root).free >> 20
    yield Fact(f"{free:,} MB free", free > MIN_FREE_MB, "reports and grades can be written", "Make room on this disk.")


def _path() -> str:
    import os

    return os.environ.get("PATH", "")
