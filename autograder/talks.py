"""Checks that are being asked, several at a time: a call that waits for its answer, or a law in the middle of its own
code. A law is author's code that calls the student's as if that were here, so it runs as a greenlet: where it asks, it
stops until it is answered, and others go on.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from greenlet import GreenletExit, getcurrent, greenlet

from autograder.judge import Result
from autograder.laws import Subject, judge_law
from autograder.progress import Progress
from autograder.records import Check, Outcome
from autograder.said import Noting
from autograder.sandbox.seam import Query, Student


@dataclass
class Talk:
    """One check of an exercise that is in `progress`, and its `law`, if it is one. The student's code may take `most`
    seconds for it, and no more than are `left`. Over once there is a `result`."""

    progress: Progress
    check: Check
    law: Callable[..., Any] | None
    most: float
    left: Callable[[], float]
    result: Result | None = None
    _used: float = 0.0
    _running: greenlet | None = None
    _noting: Noting = field(init=False)

    def __post_init__(self) -> None:
        self._noting = Noting(self._ask)

    def begin(self) -> Query | None:
        """What is to be asked first; None if the check is over without."""
        if self.law is None:
            assert self.check.call is not None
            return Query(self.progress.exercise.name, self.check.call, self._seconds)
        self._running = greenlet(judge_law)
        exercise = self.progress.exercise
        subject = Subject(cast(Student, self._noting), exercise.name, exercise.signatures, self._seconds)
        return self._went_on(self.law, subject, self.check.seed)

    def hear(self, outcome: Outcome, seconds: float) -> Query | None:
        """What is to be asked next, after an answer that took so long; None if the check is over."""
        self._used += seconds
        self.progress.seconds += seconds
        if self._running is not None:
            return self._went_on(outcome)
        self.result = outcome
        return None

    def close(self) -> None:
        """Ends a law that will not be answered."""
        if self._running:
            self._running.throw(GreenletExit)

    def _went_on(self, *given: Any) -> Query | None:
        assert self._running is not None
        filters = warnings.filters
        try:
            said = self._running.switch(*given)
        finally:
            warnings.filters = filters
        if not self._running.dead:
            return cast(Query, said)
        self.result = said
        if self._noting.said is not None:
            self.progress.said[self.check.label] = self._noting.said
        return None

    def _ask(self, query: Query) -> Outcome:
        """What a law is answered, which goes on when the answer has come."""
        filters = warnings.filters  # scikit-learn's checks change them while they ask, and others must not see that
        mine = Query(query.target, query.call, self._seconds, query.written)
        outcome = cast(greenlet, getcurrent().parent).switch(mine)
        warnings.filters = filters
        return cast(Outcome, outcome)

    def _seconds(self) -> float:
        return max(0.0, min(self.most - self._used, self.left()))


def over(student: Student, talks: Iterable[Talk], since: float) -> Iterator[tuple[Talk, Result]]:
    """The talks with a student and their results, in the order in which they are over; fewer where the worker or the
    time has gone. Theirs is the student's time that was `spent` after `since`."""
    beginning, going_on = iter(talks), deque[tuple[Talk, Query]]()
    waiting, silent = deque[Talk](), deque[Talk]()

    def following() -> Query | None:
        while (talk := next(beginning, None)) is not None and talk.left() > 0:
            if (query := talk.begin()) is not None:
                waiting.append(talk)
                return query
            silent.append(talk)
        if not going_on or going_on[0][0].left() <= 0:
            return None
        talk, query = going_on.popleft()
        waiting.append(talk)
        return query

    try:
        for outcome in student.answers(following):
            talk, seconds, since = waiting.popleft(), student.spent - since, student.spent
            if (query := talk.hear(outcome, seconds)) is not None:
                going_on.append((talk, query))
            elif talk.result is not None:
                yield talk, talk.result
        yield from ((talk, talk.result) for talk in silent if talk.result is not None)
    finally:
        for talk in (*waiting, *(talk for talk, _ in going_on)):
            talk.close()
