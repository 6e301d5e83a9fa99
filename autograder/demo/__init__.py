"""The whole loop on a sample class: build, release, hand in, grade with nbgrader, give feedback, report, show it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from autograder.classroom.writing import class_reports, write_page
from autograder.course import load_course
from autograder.demo.handing_in import MARK, hand_in, refuse_real_work
from autograder.demo.showing import show
from autograder.demo.students import CLASS
from autograder.errors import OurError
from autograder.notebook.build import build
from autograder.settings import read_settings

CHAPTER = "kernel"


def run(root: Path, console: Console) -> int:
    """Runs the loop in the course at `root`, again only for what changed. 0 if every sample got what it should get."""
    load_course(root)  # says so if there is none, before anything begins
    refuse_real_work(root)
    state = read_settings(root).state
    seconds: dict[str, float] = {}
    with _bars(console) as bars:
        with _timed(seconds, "build"):
            task = bars.add_task("Building the chapter", total=None)
            if _is_stale(root):
                build(load_course(root), (CHAPTER,))
            bars.update(task, total=1, completed=1)
        with _timed(seconds, "release"):
            _release(root, bars)
        with _timed(seconds, "hand in"):
            task = bars.add_task("The class works and hands in", total=len(CLASS))
            changed = hand_in(root, CHAPTER, state / "demo", lambda student: bars.advance(task))
        with _timed(seconds, "autograde"):
            _nbgrader(root, bars, "autograde", "Autograding ", len(_waiting(root, "autograded", changed)))
        with _timed(seconds, "feedback"):
            _nbgrader(root, bars, "generate_feedback", "Converting notebook", len(_waiting(root, "feedback", changed)))
        with _timed(seconds, "report"):
            task = bars.add_task("Writing the class report", total=1)
            page = _class_page(root)
            bars.update(task, completed=1)
    return show(root, CHAPTER, seconds, len(changed), console, page)


def _class_page(root: Path) -> Path:
    course = load_course(root)
    (report,) = class_reports(course, (CHAPTER,))
    return write_page(course, report, root / "reports")


def _is_stale(root: Path) -> bool:
    """Whether anything that the built files are made of is newer than they are, as `make` would ask."""
    built = [
        root / folder / CHAPTER / f"{CHAPTER}{end}" for folder in ("source", "release") for end in (".ipynb", ".json")
    ]
    if not all(path.exists() for path in built):
        return True
    oldest = min(path.stat().st_mtime for path in built)
    engine = Path(__file__).parent.parent
    parts = [*(root / "source").glob("course.*"), root / "source" / f"{CHAPTER}.py", *(root / "solutions").glob("*.py")]
    parts += [*engine.glob("*.py"), *engine.glob("notebook/*.py")]
    return any(path.stat().st_mtime > oldest for path in parts)


def _release(root: Path, bars: Progress) -> None:
    """nbgrader's own release, byte for byte ours. A chapter that changed begins with a new gradebook."""
    source = root / "source" / CHAPTER / f"{CHAPTER}.ipynb"
    mark = root / MARK
    if mark.exists() and (root / "gradebook.db").exists() and mark.read_bytes() == source.read_bytes():
        return
    for old in ("autograded", "feedback", "reports"):
        shutil.rmtree(root / old, ignore_errors=True)
    (root / "gradebook.db").unlink(missing_ok=True)
    mark.parent.mkdir(exist_ok=True)
    mark.write_bytes(b"")
    _nbgrader(root, bars, "generate_assignment", "Writing", 1, "--force")
    mark.write_bytes(source.read_bytes())


def _waiting(root: Path, folder: str, changed: list[str]) -> list[str]:
    """The students whose notebooks nbgrader will take up: changed ones, and those not yet there."""
    return [s.name for s in CLASS if s.name in changed or not (root / folder / s.name / CHAPTER).exists()]


def _nbgrader(root: Path, bars: Progress, command: str, sign: str, total: int, *options: str) -> None:
    """Runs nbgrader as a user would, and moves the bar whenever a line of its log bears the sign."""
    task = bars.add_task(f"nbgrader {command} {CHAPTER}", total=total)
    here = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}
    log: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "nbgrader", command, CHAPTER, *options],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            if sign in line:
                bars.advance(task)
    if process.returncode:
        errors = [line for line in log if "ERROR" in line or "rror:" in line][:12]
        raise OurError(
            f"`nbgrader {command} {CHAPTER}` ended with {process.returncode}:\n" + "".join(errors or log[-12:])
        )
    bars.update(task, completed=total)


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    begin = time.monotonic()
    yield
    seconds[name] = time.monotonic() - begin
