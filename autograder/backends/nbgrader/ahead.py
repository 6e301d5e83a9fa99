"""Grades the next submissions of a batch while nbgrader writes down the last: it asks for one at a time, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from autograder.batch import grade_file
from autograder.records import Graded
from autograder.session import Session


class Ahead:
    """Submissions graded in the order in which they will be asked for, `workers` of them at once."""

    def __init__(self, session: Session, found: Sequence[tuple[str, Path]], *, workers: int):
        self._session, self._found, self._workers = session, dict(found), workers
        self._order = [student for student, _ in found]
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="grade")
        self._begun: dict[str, Future[Graded]] = {}

    def graded(self, student: str, path: Path, wanted: Callable[[str], bool]) -> Graded:
        """This submission, graded. Meanwhile others after it begin, if they are `wanted`."""
        self._begin(student, path)
        at = self._order.index(student) + 1 if student in self._found else len(self._order)
        for other in self._order[at:]:
            if sum(not f.done() for f in self._begun.values()) >= self._workers:
                break
            if other not in self._begun and wanted(other):
                self._begin(other, self._found[other])
        return self._begun.pop(student).result()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, student: str, path: Path) -> None:
        if student not in self._begun:
            self._begun[student] = self._pool.submit(grade_file, self._session, student, path)
