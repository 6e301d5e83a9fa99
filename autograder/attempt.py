"""What is known about one submission while it is being graded: its time, its outputs, the cells that end workers.

The time is that of the student's code alone: starting workers, drawing and judging cost a submission nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.records import CellOutcome, Limits, Looked, Lost
from autograder.sandbox.seam import Student

MAX_DEAD_CELLS = 3
"""How many cells may end their worker before the submission is taken as it stands."""

MAX_FULL_CELLS = 16
"""How many cells may put out as much as one cell may; what comes after that is not kept."""

NOT_KEPT = {"output_type": "stream", "name": "stderr", "text": "[Not kept: the cells before put out too much.]\n"}
HURRIED = "The time of this submission ({seconds:g} s) was used up before {names} could be judged {how}. {advice}"
ADVICE = "If the machine was busy, grade it again."


@dataclass
class Attempt:
    """One submission's budget of seconds and of characters of output, and what has become of it."""

    seconds: float
    room: int  # for outputs, in characters
    outputs: dict[int, CellOutcome] = field(default_factory=dict)
    dead: dict[int, Lost] = field(default_factory=dict)
    unasked: dict[str, str] = field(default_factory=dict)  # exercises, and how they could not be judged any more
    begin: float = field(default_factory=time.monotonic)
    defining: Mapping[int, str] | None = None  # what is left of cells where nobody looks, once that is known
    looked: Looked | None = None  # what was read off the student's cells
    forgets: bool = False  # whether the code is known not to remember what it was asked
    broken_off: bool = False  # whether something new ended a worker, and with it what an earlier run has asked
    spent: float = 0.0  # by workers that have gone
    student: Student | None = None

    @contextmanager
    def using(self, student: Student) -> Iterator[Student]:
        """A worker whose time counts as this submission's."""
        self.student = student
        try:
            with student:
                yield student
        finally:
            self.spent, self.student = self.spent + student.spent, None

    def keep(self, position: int, ran: CellOutcome) -> None:
        """Keeps what a cell put out when it first ran, while there is room."""
        if position not in self.outputs:
            size = _length(ran.outputs)
            self.outputs[position] = ran if size <= self.room else replace(ran, outputs=(NOT_KEPT,))
            self.room -= min(size, self.room)

    def goes_on(self) -> bool:
        return not self.given_up() and self.left() > 0

    def given_up(self) -> bool:
        """Whether so many cells ended their worker that no more are opened."""
        return len(self.dead) > MAX_DEAD_CELLS

    def left(self) -> float:
        """The seconds that remain."""
        return max(0.0, self.seconds - self.spent - (self.student.spent if self.student else 0.0))

    def not_reached(self, exercise: str, how: str) -> Lost:
        """The outcome of a check that could not be asked."""
        if self.given_up():
            return next(iter(self.dead.values()))
        self.unasked.setdefault(exercise, how)
        return Lost("unasked")

    def notes(self) -> tuple[str, ...]:
        """What a person should know of this attempt."""
        cells = (_cell_note(i, lost) for i, lost in sorted(self.dead.items()))
        by_how: dict[str, list[str]] = {}
        for name, how in self.unasked.items():
            by_how.setdefault(how, []).append(name)
        hurried = (
            HURRIED.format(seconds=self.seconds, names=", ".join(names), how=how, advice=ADVICE)
            for how, names in by_how.items()
        )
        return (*cells, *hurried)


def attempt_within(limits: Limits) -> Attempt:
    """An attempt that begins now."""
    return Attempt(limits.submission_seconds, MAX_FULL_CELLS * limits.output_kb << 10)


def _length(tree: Any) -> int:
    """How many characters an output has."""
    match tree:
        case str():
            return len(tree)
        case list() | tuple():
            return sum(map(_length, tree))
        case dict():
            return sum(map(_length, tree.values()))
    return 0


def _cell_note(position: int, lost: Lost) -> str:
    text = {"time": "did not end in time", "flood": "printed too much", "memory": "needed too much memory"}
    return f"Cell {position + 1} {text.get(lost.why, 'ended Python')}; it was skipped, and the other cells were graded."
