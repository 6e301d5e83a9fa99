"""What this machine can and cannot promise, and the fix for each line."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator

from autograder.errors import OurError, UsageError
from autograder.records import Limits
from autograder.sandbox.device import Device, find_gpu
from autograder.sandbox.layers import Fact, facts
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.sandbox.proof import prove
from autograder.settings import Settings

PACKAGES = {
    "nbgrader": ("Grades can be written to nbgrader's gradebook.", "No grade can be written to nbgrader's gradebook."),
    "jax": ("Reference solutions can be computed.", "No reference solution can be computed."),
    "IPython": ("Notebooks can be run.", "No notebook can be run."),
}
MIN_FREE_MB = 500


def examine(settings: Settings) -> tuple[Fact, ...]:
    """Every fact that a promise rests on: the sandbox's layers first, then software, secrets and room."""
    return (*facts(), _gpu(), *_software(), *_course(settings))


def _gpu(find: Callable[[], Device] = find_gpu, open_sandbox: Callable[..., WarmSandbox] = open_sandbox) -> Fact:
    """Whether a GPU can be graded on: found, and then tried by an enclosed worker."""
    promise = "`autograder grade --device gpu` can grade on it."
    fix = "Nothing to do unless exercises need a GPU; docs/gpu.md says what one needs."
    try:
        device = find()
        with open_sandbox(gpu=device) as sandbox:
            prove(sandbox, device, Limits(device="gpu"))
    except (UsageError, OurError) as error:
        return Fact("GPU", False, promise, str(error), fix, needed=False)
    return Fact(f"GPU {device.name}", True, promise, "", "", needed=False)


def _software() -> Iterator[Fact]:
    version = ".".join(map(str, sys.version_info[:3]))
    recent = sys.version_info >= (3, 11)
    yield Fact(
        f"Python {version}", recent, "The engine runs.", "This Python is too old.", "Install Python 3.11 or newer."
    )
    install = "Run `make install`, or `pip install 'dmol-autograder[grader]'`."
    for name, (promise, meaning) in PACKAGES.items():
        try:
            yield Fact(f"{name} {importlib.metadata.version(name)}", True, promise, meaning, install)
        except importlib.metadata.PackageNotFoundError:
            yield Fact(name, False, promise, meaning, install)
    yield Fact(
        "alembic",
        shutil.which("alembic", path=f"{sys.prefix}/bin:{_path()}") is not None,
        "nbgrader can make a new gradebook.",
        "The program alembic is not there, and nbgrader cannot make a new gradebook without it.",
        install,
    )


def _course(settings: Settings) -> Iterator[Fact]:
    from autograder.course import load_course
    from autograder.secret import secret_seed

    try:
        course = load_course(settings.root)
        chapters = f"{len(course.chapters)} chapter{'s' * (len(course.chapters) != 1)}"
        yield Fact(f"course {course.name}", True, f"There is something to grade: {chapters}.", "", "")
        secret_seed(settings.state, course.name)
        yield Fact(
            "secret seed",
            not settings.state.is_relative_to(settings.root),
            "Hidden inputs cannot be guessed from the repository.",
            "The seed of the hidden inputs lies in the course's own folder, and would be published with it.",
            "Set AUTOGRADER_STATE to a folder outside the course's repository.",
        )
    except (UsageError, OurError) as error:
        yield Fact("course", False, "There is something to grade.", str(error), "Or name its folder with --course.")
    free = shutil.disk_usage(settings.root).free >> 20
    yield Fact(
        f"{free / 1024:,.1f} GB free",
        free > MIN_FREE_MB,
        "Grades and reports can be written.",
        "The disk of this course is nearly full; grades and reports may not fit.",
        f"Make room: {MIN_FREE_MB} MB at least.",
    )


def _path() -> str:
    import os

    return os.environ.get("PATH", "")
