"""Many submissions: read, graded on a few workers, reported as they finish. One bad file never stops the others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.errors import OurError, UsageError
from autograder.grade import unreadable
from autograder.notebook.read import Unreadable, read
from autograder.records import Graded
from autograder.session import Session


def grade_all(
    session: Session,
    found: Sequence[tuple[str, Path]],
    *,
    workers: int = 2,
    done: Callable[[Graded], None] = lambda graded: None,
) -> list[Graded]:
    """Every submission graded, in the order of `found`; `done` hears of each as it finishes.

    On Ctrl-C the submissions at work are given up, and a KeyboardInterrupt follows once all workers have stopped.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="grade")
    futures: dict[Future[Graded], int] = {}
    results: dict[int, Graded] = {}
    try:
        futures = {pool.submit(grade_file, session, student, path): i for i, (student, path) in enumerate(found)}
        for future in as_completed(futures):
            results[futures[future]] = graded = future.result()
            done(graded)
    finally:
        pool.shutdown(wait=len(results) == len(futures), cancel_futures=True)
    return [results[i] for i in range(len(found))]


def grade_file(session: Session, student: str, path: Path) -> Graded:
    """One notebook file, graded, or the entry that says why it cannot be read."""
    try:
        submission = read(path, student)
    except Unreadable as error:
        return unreadable(student, str(path), session.max_score, str(error))
    return session.grade(submission)


@contextmanager
def report_file(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """A function that writes a JSON document to `path`, which is tried before hours of work depend on it."""
    if path is None:
        yield lambda document: None
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("{}\n", "utf-8")
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be written: {error.strerror}. Choose another --json file."
        ) from None

    def write(document: Any) -> None:
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(document, file, indent=2, ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            raise OurError(
                f"The report {path} could not be written: {error.strerror}. No grade is lost: {_again}"
            ) from None

    try:
        yield write
    finally:
        partial.unlink(missing_ok=True)


_again = "make room, then grade again."
