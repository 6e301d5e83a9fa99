"""nbgrader's metadata of a cell: made for a chapter, and checked where it comes back from a student.

Knows nbgrader's format (schema 3) but does not import it: that alone would take three seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

SCHEMA = 3


def grading(
    ident: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None
) -> Mapping[str, Any]:
    """The metadata of a cell as an author's notebook has it."""
    known = {"grade": grade, "solution": solution, "locked": locked, "task": False, "grade_id": ident}
    worth = {} if points is None else {"points": int(points) if points == int(points) else points}
    return known | worth | {"schema_version": SCHEMA}


def checksum(source: str, kind: str, known: Mapping[str, Any]) -> str:
    """nbgrader's checksum of a graded cell, by which it sees that a cell was changed."""
    locked = not known["solution"] and (known["grade"] or known["locked"])
    said = [source, kind, str(known["grade"]), str(known["solution"]), str(locked), known["grade_id"]]
    if known["grade"]:
        said.append(str(float(known["points"])))
    return hashlib.md5("".join(said).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def trusted(claim: Any, kind: str) -> dict[str, Any] | None:
    """A returned cell's metadata without what nbgrader could stumble over, or None where nothing can be kept."""
    if not isinstance(claim, dict) or claim.get("schema_version") != SCHEMA:
        return None
    flags = {name: claim.get(name, False) for name in ("grade", "solution", "locked", "task")}
    ident, points = claim.get("grade_id"), claim.get("points")
    if not all(isinstance(flag, bool) for flag in flags.values()) or not isinstance(ident, str) or not ident:
        return None
    if kind not in ("code", "markdown") or (kind == "markdown" and flags["grade"] != flags["solution"]):
        return None  # such as a check cell that was turned into text
    if flags["task"] and kind != "markdown":
        return None
    kept: dict[str, Any] = flags | {"grade_id": ident[:200], "schema_version": SCHEMA, "cell_type": kind}
    if flags["grade"] or flags["task"]:
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points <= 1e6:
            return None
        kept["points"] = points
    if isinstance(claim.get("checksum"), str):
        kept["checksum"] = claim["checksum"][:64]
    return kept
