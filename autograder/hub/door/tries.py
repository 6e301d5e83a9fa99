"""Grading on submission: who may have a result now, and what it says. Decides; knows no clock and runs nothing.

A student could use it as an oracle, so a result says little, comes seldom, and tells of other numbers than those that
count: it is judged on hidden checks drawn from a secret of its own. What is left is written down in
`docs/design/front-door.md`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from autograder.hub.door.book import local
from autograder.records import Graded
from autograder.secret import write_private

Status = Literal["graded", "unreadable", "failed-ours", "refused"]

STEP = 20
"""Seconds: a result is shown at the next multiple, so that the time at which it comes tells next to nothing."""

FREE_FAILURES, KEPT_OTHERS = 2, 20

MOST_A_DAY, MOST = 24, 100
"""How much an instructor may allow."""


@dataclass(frozen=True)
class Rule:
    """Whether an assignment is graded on submission, and how many results a student may have: a day, and in all."""

    on: bool = False
    a_day: int = 3
    total: int = 10


@dataclass(frozen=True)
class Try:
    """One submission that was tried, and what it showed: how many of the visible and of the hidden checks passed."""

    handed: str
    at: float
    key: str
    status: Status
    shown_from: float = 0.0
    visible: tuple[int, int] = (0, 0)
    hidden: tuple[int, int] = (0, 0)
    message: str = ""
    again: bool = False


def counted(graded: Graded, *, handed: str, at: float, key: str, now: float) -> Try:
    """A graded submission as a try: two counts, and nothing else that came of hidden checks."""
    checks = [f for v in graded.verdicts for f in v.findings]
    sides = [[f.passed for f in checks if f.hidden is hidden] for hidden in (False, True)]
    (visible, hidden) = [(sum(side), len(side)) for side in sides]
    message = graded.message if graded.status == "unreadable" else ""
    return Try(handed, at, key, graded.status, shown(now), visible, hidden, message)


def shown(now: float) -> float:
    return math.ceil(now / STEP) * STEP


def spent(tries: Sequence[Try]) -> list[Try]:
    """The tries that count: each different code that was graded, once, and failures of ours beyond the first few, since
    a student's code might bring them about when it likes what it sees."""
    failed = [t for t in tries if t.status == "failed-ours"]
    free = {id(t) for t in failed[:FREE_FAILURES]}
    return [t for t in tries if t.status in ("graded", "failed-ours") and not t.again and id(t) not in free]


def known(tries: Sequence[Try], key: str) -> Try | None:
    """The earlier result for the same cells: it is told again, and costs nothing."""
    return next((t for t in spent(tries) if t.key == key and t.status == "graded"), None)


def trimmed(tries: Sequence[Try]) -> list[Try]:
    """All that count, and of the others the last few, so that a flood of submissions fills no disk."""
    counting = {id(t) for t in tries if t.status in ("graded", "failed-ours") and not t.again}
    last = {id(t) for t in tries[-KEPT_OTHERS:]}
    return [t for t in tries if id(t) in counting | last]


def left(rule: Rule, tries: Sequence[Try], now: float) -> tuple[int, int]:
    """How many results are left today, and in all. A day begins at midnight, where the grader is."""
    today = datetime.fromtimestamp(now).date()
    begun = sum(datetime.fromtimestamp(t.at).date() == today for t in spent(tries))
    total = max(0, rule.total - len(spent(tries)))
    return min(total, max(0, rule.a_day - begun)), total


def refusal(rule: Rule, tries: Sequence[Try], now: float) -> str:
    """Why there is no result for a further submission, in a sentence for its student; empty if there is one."""
    today, total = left(rule, tries, now)
    if not total:
        return f"All {rule.total} results for this assignment are used. It will be graded with the class."
    if not today:
        tomorrow = datetime.fromtimestamp(now) + timedelta(days=1)
        return (
            f"All results for today are used. Hand in again from {tomorrow:%A} on for another; the last one that you "
            "hand in is graded with the class."
        )
    return ""


def handed_name(at: datetime) -> str:
    return local(at).isoformat()


# ---- kept on disk ------------------------------------------------------------------------------------------------


def read_rules(own: Path) -> dict[str, Rule]:
    """The rule of each assignment that has one."""
    return {name: Rule(**rule) for name, rule in _read(own / "rules.json", {}).items()}


def write_rules(own: Path, rules: Mapping[str, Rule]) -> None:
    _write(own / "rules.json", {name: asdict(rule) for name, rule in rules.items()})


def read_tries(own: Path, assignment: str, student: str) -> tuple[Try, ...]:
    """All tries of a student, the oldest first."""
    return tuple(
        Try(**{**t, "visible": tuple(t["visible"]), "hidden": tuple(t["hidden"])})
        for t in _read(_place(own, assignment, student), [])
    )


def write_tries(own: Path, assignment: str, student: str, tries: Sequence[Try]) -> None:
    _write(_place(own, assignment, student), [asdict(t) for t in trimmed(tries)])


def _place(own: Path, assignment: str, student: str) -> Path:
    """A file for this student, whatever is in the name."""
    return own / "tries" / assignment / f"of-{quote(student, safe='')}.json"


def _read(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return otherwise


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, json.dumps(document, indent=1))
