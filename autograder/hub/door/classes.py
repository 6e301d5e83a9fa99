"""What the class page says: one block of numbers an assignment, and what may be done with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autograder.hub.door.book import Assignment
from autograder.hub.door.tries import Rule

ALIVE = ("waiting", "running", "stopping")


@dataclass(frozen=True)
class Progress:
    """What is being done with an assignment, or was done last. `words` are for the instructor, `log` the last lines."""

    what: str
    state: str
    words: str = ""
    share: float | None = None
    log: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        return self.state in ALIVE


@dataclass(frozen=True)
class Block:
    """One assignment of the class."""

    name: str
    title: str
    released: bool
    due: datetime | None
    points: float | None
    submitted: int
    new: int
    graded: int
    by_hand: int
    returned: int
    to_grade: int
    rule: Rule
    progress: Progress | None = None


def block(assignment: Assignment, *, rule: Rule, progress: Progress | None = None) -> Block:
    """Who handed in, what was not collected yet, and how far grading is. A student counts once."""
    last = {h.student: h.at for h in reversed(assignment.handed)}
    collected, grades = assignment.collected, assignment.grades
    new = [s for s, at in last.items() if s not in collected or _older(collected[s], at)]
    graded = [s for s, g in grades.items() if not _older(g.at, collected.get(s))]
    return Block(
        assignment.name,
        assignment.title,
        assignment.released,
        assignment.due,
        assignment.points,
        submitted=len(last.keys() | collected.keys()),
        new=len(new),
        graded=len(graded),
        by_hand=sum(grades[s].open for s in graded),
        returned=len(assignment.returned & set(graded)),
        to_grade=len((last.keys() | collected.keys()) - (set(graded) - set(new))),
        rule=rule,
        progress=progress,
    )


def _older(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one < other)
