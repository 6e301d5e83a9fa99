"""What a run that was killed left behind, so that the same command again finishes its work.

nbgrader takes a folder that is there for a submission that is graded. Ours is finished once its notebook says so, which
is written after the scores are in the gradebook. All else is removed, and begins again from what is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.backends.nbgrader.cells import OURS

TIMESTAMP = "timestamp.txt"


def mark_finished(notebook: NotebookNode) -> None:
    """Marks a notebook whose scores are in the gradebook."""
    notebook.metadata.setdefault(OURS, {})["finished"] = True


def mend(converter: Any, students: Iterable[str]) -> None:
    """Removes what is half done of the assignment of an `Autograde`; `students` are those who handed in."""
    course = converter.coursedir
    chapter, autograded = course.assignment_id, course.autograded_directory
    root = Path(course.root)
    pattern = Path(course.format_path(autograded, course.student_id, chapter)).relative_to(root)
    for folder in root.glob(str(pattern)):
        if not _is_finished(folder):
            _begin_again(converter, folder)
    for student in students:
        folder = Path(course.format_path(autograded, student, chapter))
        if folder.exists() and _was_being_replaced(
            folder, Path(course.format_path(course.submitted_directory, student, chapter))
        ):
            _begin_again(converter, folder)
        elif any(path.stat().st_mode & 0o777 != int(str(converter.permissions), 8) for path in folder.glob("*.ipynb")):
            with suppress(OSError):  # another's files, and theirs to mend
                converter.set_permissions(chapter, student)
    for partial in (root / "reports" / chapter).glob(".*.json.*"):
        partial.unlink(missing_ok=True)


def _begin_again(converter: Any, folder: Path) -> None:
    converter.log.warning("Grading was cut short here, and begins again: %s", folder)
    shutil.rmtree(folder)


def _is_finished(folder: Path) -> bool:
    """Whether all of its notebooks are; there is none if the run ended before the first was written."""
    notebooks = list(folder.glob("*.ipynb"))
    return bool(notebooks) and all(map(_says_so, notebooks))


def _says_so(path: Path) -> bool:
    try:
        finished = json.loads(path.read_text("utf-8"))["metadata"][OURS]["finished"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
    return finished is True


def _was_being_replaced(folder: Path, submitted: Path) -> bool:
    """Whether nbgrader was killed while it removed the folder of an earlier submission, in whatever order: without the
    time in it, nbgrader would not see that the submission is newer."""
    given = submitted / TIMESTAMP
    return given.is_file() and not given.is_symlink() and not (folder / TIMESTAMP).exists()
