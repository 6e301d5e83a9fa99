"""How far an exercise has been asked: how its checks ended so far, in however many workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograder.answers import Answers, Part
from autograder.attempt import Attempt
from autograder.judge import Result
from autograder.records import Check, ExerciseSheet, Lost, Raised
from autograder.said import Said


@dataclass
class Progress:
    """One exercise that is being asked, and the `part` of it of which an earlier run knows how it ends.

    `gone` is how a worker was lost over it, which is how the checks after that one end. Those before it that were still
    being asked are asked again.
    """

    exercise: ExerciseSheet
    part: Part | None = None
    seconds: float = 0.0
    said: dict[str, Sequence[Said]] = field(default_factory=dict)
    gone: Lost | None = None
    recalled: bool = False
    _results: dict[str, Result] = field(default_factory=dict)
    _reach: int | None = None

    def recall(self) -> float:
        """Takes the part that is known for asked. The seconds that it took."""
        if self.part is None or self.recalled:
            return 0.0
        labels = [check.label for check in self.exercise.checks]
        self._results |= {labels[place]: result for place, result in self.part.results.items()}
        self.said |= {label: said for label, said in self.part.said.items() if label in labels}
        self.seconds += self.part.seconds
        self.recalled = True
        return self.part.seconds

    def left(self) -> list[Check]:
        """The checks that have not been asked, but could be, visible ones first."""
        return [c for c in self._in_order()[: self._reach] if c.label not in self._results]

    def _in_order(self) -> list[Check]:
        return sorted(self.exercise.checks, key=lambda check: check.hidden)  # stable

    def put(self, check: Check, result: Result) -> bool:
        """Puts down how a check ended. Whether its worker may be asked more."""
        self._results[check.label] = result
        if isinstance(result, Lost) and result.why != "missing":
            self.gone, self._reach = result, [c.label for c in self._in_order()].index(check.label)
            return False
        # What an exercise that ran out of memory still holds would starve the others.
        return not (isinstance(result, Raised) and result.type == "MemoryError")

    def answers(self, attempt: Attempt, how: str) -> Answers:
        """How the checks ended. Those that could not be asked, because time was up, are noted in the attempt."""
        name = self.exercise.name
        ended = (
            self._results.get(c.label) or self.gone or attempt.not_reached(name, how) for c in self.exercise.checks
        )
        return Answers(tuple(ended), self.seconds, self.said)


def queue_of(asked: Iterable[Progress]) -> list[tuple[Progress, Check]]:
    """What is left to ask, visible checks first."""
    left = [(progress, check) for progress in asked for check in progress.left()]
    return sorted(left, key=lambda pair: pair[1].hidden)  # stable
