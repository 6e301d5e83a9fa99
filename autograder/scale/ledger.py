"""Who has been graded, who is on the way, and who is next. Each submission is entered once, by this process alone."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.errors import OurError
from autograder.grade import report_failure, unreadable
from autograder.kept import key_of
from autograder.notebook.read import Unreadable, read
from autograder.records import Graded, Submission
from autograder.session import Session

MAX_TRIES = 3
"""A failure of ours may be the machine's: this often a submission is tried, on whichever worker is free."""


@dataclass(frozen=True)
class Job:
    """A submission on its way to a worker. `number` is another each time that it is sent."""

    place: int
    submission: Submission
    key: str
    number: int = 0
    failures: int = 0


@dataclass
class Ledger:
    """The class in the order of `found`. `done` hears of each entry."""

    session: Session
    found: Sequence[tuple[str, Path]]
    done: Callable[[Graded], None]
    _entries: dict[int, Graded] = field(default_factory=dict)
    _away: set[str] = field(default_factory=set)
    _alike: dict[str, list[Job]] = field(default_factory=dict)  # whose cells are on the way for somebody else
    _again: deque[Job] = field(default_factory=deque)
    _workers: Counter[str] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._unread = iter(enumerate(self.found))

    def take(self) -> Job | None:
        """The next submission to send, if any. What is known of those before it is entered on the way."""
        while (job := self._again.popleft() if self._again else self._read_next()) is not None:
            if job.key in self._away:
                self._alike.setdefault(job.key, []).append(job)
            elif (known := self._known(job.submission)) is not None:
                self._enter(job.place, known)
            else:
                self._away.add(job.key)
                return replace(job, number=next(self._numbers))
        return None

    def commit(self, job: Job, record: Graded, worker: str) -> None:
        """Enters the record of a submission that `worker` has graded, and keeps it."""
        own = job.submission
        graded = replace(record, student=own.student, path=own.path, notes=own.notes + record.notes)
        if self.session.kept is not None:
            self.session.kept.keep(own, graded)
        self._enter(job.place, graded)
        self._workers[worker] += 1
        self._free(job)

    def failed(self, job: Job, why: str) -> None:
        """A failure of ours: tried again, and at last entered without a score."""
        self._free(job)
        if job.failures + 1 < MAX_TRIES:
            self._again.append(replace(job, failures=job.failures + 1))
        else:
            self._enter(job.place, report_failure(job.submission, self.session.max_score, OurError(why)))

    def back(self, job: Job) -> None:
        """It was not even tried."""
        self._free(job)
        self._again.append(job)

    def results(self) -> list[Graded]:
        """All entries, in order, without what cells put out: for a hundred thousand that is too much to hold."""
        return [self._entries[place] for place in range(len(self.found))]

    def summary(self) -> str:
        """How many were graded now, and by how many."""
        return f"{self._workers.total()} of {len(self.found)} were graded now, by {len(self._workers)} workers."

    def _read_next(self) -> Job | None:
        for place, (student, path) in self._unread:
            try:
                submission = read(path, student)
            except Unreadable as error:
                self._enter(place, unreadable(student, str(path), self.session.max_score, str(error)))
                continue
            return Job(place, submission, key_of(submission))
        return None

    def _known(self, submission: Submission) -> Graded | None:
        """The record of the same cells, if all else is the same; parts of one are of no use to a worker yet."""
        if self.session.kept is None:
            return None
        with self.session.kept.of(submission) as known:
            return known if isinstance(known, Graded) else None

    def _enter(self, place: int, graded: Graded) -> None:
        if place in self._entries:
            raise OurError(f"{graded.student} was graded twice")
        self._entries[place] = replace(graded, cells={})
        self.done(graded)

    def _free(self, job: Job) -> None:
        self._away.discard(job.key)
        self._again.extend(self._alike.pop(job.key, ()))
