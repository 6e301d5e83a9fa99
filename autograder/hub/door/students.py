"""What a student's page says: one row an assignment, from what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autograder.hub.door import tries
from autograder.hub.door.book import Assignment
from autograder.hub.door.tries import Rule, Try


@dataclass(frozen=True)
class Outlook:
    """What grading on submission has to say to this student: the last result, and how many are left."""

    today: int
    total: int
    waiting: bool = False
    last: Try | None = None
    nth: int = 0
    refused: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Row:
    """One assignment of one student. Times are in UTC, without a zone."""

    name: str
    title: str
    cites: str
    status: str
    kind: str
    due: datetime | None = None
    late: bool = False
    points: float | None = None
    score: float | None = None
    max_score: float | None = None
    open: bool = False
    handed: datetime | None = None
    feedback: bool = False
    feedback_of: datetime | None = None
    may_open: bool = False
    outlook: Outlook | None = None


def row(
    assignment: Assignment,
    student: str,
    *,
    now: datetime,
    opened: bool = False,
    feedback: tuple[datetime | None] | None = None,
    outlook: Outlook | None = None,
) -> Row:
    """The row. `feedback` is the time of the submission that feedback was returned on, where it was."""
    last, grade = assignment.last(student), assignment.grades.get(student)
    handed = last.at if last else assignment.collected.get(student)
    at = feedback[0] if feedback else None
    current = bool(feedback) and (handed is None or at is None or at >= handed)
    graded = bool(grade and handed and grade.at and grade.at >= handed)
    if current:
        kind, status = "returned", "Feedback is ready"
    elif graded:
        kind, status = "graded", "Graded; your instructor has not returned it yet"
    elif handed:
        again = ", again" if feedback else ""
        kind, status = "handed", f"Handed in{again}"
    elif not assignment.released:
        kind, status = "closed", "Not released yet"
    elif opened:
        kind, status = "begun", "Begun, not handed in"
    else:
        kind, status = "new", "Not begun"
    shown = grade if current and grade and (grade.at is None or at is None or grade.at == at) else None
    return Row(
        assignment.name,
        assignment.title,
        assignment.cites,
        status,
        kind,
        due=assignment.due,
        late=bool(assignment.due and (handed > assignment.due if handed else now > assignment.due)),
        points=assignment.points,
        score=shown.score if shown and not shown.open else None,
        max_score=shown.max_score if shown else None,
        open=bool(shown and shown.open),
        handed=handed,
        feedback=bool(feedback),
        feedback_of=at,
        may_open=assignment.released,
        outlook=outlook if assignment.released else None,
    )


def outlook(rule: Rule, done: Sequence[Try], *, handed: str | None, now: float) -> Outlook | None:
    """What to say of grading on submission; nothing where it is off and there never was a result."""
    ready = [t for t in done if t.shown_from <= now]
    last = next((t for t in reversed(ready) if t.status in ("graded", "unreadable")), None)
    if not rule.on and last is None:
        return None
    today, total = tries.left(rule, ready, now) if rule.on else (0, 0)
    newest = next((t for t in reversed(done) if t.handed == handed), None)
    waiting = rule.on and handed is not None and (newest is None or newest.shown_from > now)
    refused = newest.message if newest and newest.status == "refused" else ""
    nth = sum(t.status == "graded" and not t.again for t in ready if last and t.at <= last.at)
    failed = bool(newest and newest.status == "failed-ours" and not waiting)
    return Outlook(today, total, waiting, last, nth, refused, failed)
