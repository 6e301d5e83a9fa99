"""What runs in Gradescope's container: one submission, graded by the same engine, and `results.json`.

The hidden sheet lies in the same container, so nothing is graded there unless the sandbox closes it off. The metadata
of a submission, earlier results among it, is never read: the same submission gets the same score whenever it comes.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder import report
from autograder.backends.gradescope.results import VISIBILITIES, results, ungraded
from autograder.batch import grade_file
from autograder.course import Chapter, load_chapter, load_course
from autograder.errors import OurError, UsageError
from autograder.notebook.build import write
from autograder.records import Sheet
from autograder.sandbox.pool import open_sandbox
from autograder.sandbox.seam import Sandbox
from autograder.session import Session
from autograder.wire import from_text

OURS, WHOSE = 3, "this submission"
FOR_US_MB = 1000
"""What the grader itself needs of the container's memory, beside the submission."""

CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def main(folder: Path, *, look: bool = False) -> int:
    """Grades what lies in `folder`/submission. The exit code is 3 where that could not be done.

    With `look`, only reads the chapter and its sheet, as `setup.sh` does.
    """
    if look:
        chapter, sheet, _ = _unpacked(folder / "source")
        print(f"{chapter.name}: {len(sheet.exercises)} exercises are ready to be graded.")
        return 0
    try:
        document = graded(folder)
    except (OurError, UsageError) as error:
        document = ungraded(report.STATUS["failed-ours"], str(error))
    except Exception:
        document = ungraded(report.STATUS["failed-ours"], traceback.format_exc())
    write(folder / "results" / "results.json", json.dumps(document, indent=2, ensure_ascii=True) + "\n")
    if "score" not in document:
        print(document["tests"][-1]["output"], file=sys.stderr)
    return 0 if "score" in document or document["output"] != report.STATUS["failed-ours"] else OURS


def graded(folder: Path, open_sandbox: Callable[[], Sandbox] = open_sandbox) -> dict[str, Any]:
    """The results of the submission in `folder`. Raises where this container cannot grade."""
    close_off(folder)
    chapter, sheet, settings = _unpacked(folder / "source")
    shortage = memory_shortage(memory_limit(), chapter.course.limits.memory_mb)
    if shortage:
        raise UsageError(shortage)
    with Session(chapter, sheet, open_sandbox()) as session:
        outcome = grade_file(session, WHOSE, handed_in(folder / "submission", chapter.name))
        isolation = session.sandbox.layers
    boards = {e.name: e.leaderboard for e in chapter.exercises.values() if e.leaderboard}
    return results(outcome, hidden=settings["hidden"], isolation=isolation, boards=boards)


def handed_in(folder: Path, chapter: str) -> Path:
    """The chapter's notebook among what was handed in, or the only one there is. `read` says what is wrong with it."""
    expected = folder / f"{chapter}.ipynb"
    if os.path.lexists(expected):
        return expected
    found = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() == ".ipynb" and not _skipped(p, folder)]
    named = [path for path in found if path.name == expected.name]
    return named[0] if len(named) == 1 else found[0] if len(found) == 1 else expected


def close_off(folder: Path) -> None:
    """Closes what is the grader's to all others, whatever the image's own rights are."""
    for name, mode in (("source", 0o700), ("results", 0o700), ("submission_metadata.json", 0o600)):
        if (folder / name).exists():
            (folder / name).chmod(mode)


def memory_limit() -> int | None:
    """How many bytes of memory this container has, if it says so."""
    for path in map(Path, CGROUPS):
        if path.is_file() and path.read_text().strip().isdigit():
            return int(path.read_text())
    return None


def memory_shortage(limit: int | None, memory_mb: int) -> str:
    """Why this container has too little memory for a submission that may use `memory_mb`, or nothing."""
    needed = memory_mb + FOR_US_MB
    if limit is None or limit >= needed << 20:
        return ""
    return (
        f"The container has {limit >> 20} MB of memory, but should have {needed}: a submission may use {memory_mb}. "
        "Choose a larger container in the autograder's settings, or lower memory_mb in source/course.toml and build "
        "the zip again."
    )


def _unpacked(source: Path) -> tuple[Chapter, Sheet, dict[str, Any]]:
    """The chapter, its hidden sheet, and what was set when the zip was built."""
    settings = json.loads((source / "settings.json").read_text("utf-8"))
    if settings.get("hidden") not in VISIBILITIES:
        raise OurError(f"settings.json has hidden = {settings.get('hidden')!r}: build the zip again.")
    sheet = from_text((source / "hidden.json").read_text("utf-8"))
    if not isinstance(sheet, Sheet):
        raise OurError("hidden.json holds no sheet: build the zip again.")
    return load_chapter(load_course(source / "course"), settings["chapter"]), sheet, settings


def _skipped(path: Path, folder: Path) -> bool:
    """Whether a system made this file, and not its student."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(folder).parts)
