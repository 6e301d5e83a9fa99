"""Which assignments a student has opened through the door. Students' own folders are closed to the grader."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from autograder.secret import write_private


def opened(own: Path, student: str) -> frozenset[str]:
    """The names of the assignments."""
    try:
        return frozenset(json.loads(_place(own, student).read_text("utf-8")))
    except FileNotFoundError:
        return frozenset()


def remember_opened(own: Path, student: str, assignment: str) -> None:
    """Adds one."""
    path = _place(own, student)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, json.dumps(sorted(opened(own, student) | {assignment})))


def _place(own: Path, student: str) -> Path:
    return own / "opened" / f"by-{quote(student, safe='')}.json"
