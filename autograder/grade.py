"""One submission, end to end: run its cells, ask its functions, judge the answers. The sandbox is passed in.

Visible checks are asked before hidden ones, and no cell runs in a worker that has seen a hidden check: what a student's
code puts out can therefore never hold a hidden input.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from autograder.attempt import Attempt, attempt_within
from autograder.carry import reference_spies, wants_carrying
from autograder.course import Chapter
from autograder.frameworks import frameworks_of
from autograder.judge import Result, judge
from autograder.laws import Subject, judge_law
from autograder.records import (
    Check,
    ExerciseSheet,
    Graded,
    Limits,
    Lost,
    Outcome,
    Raised,
    Sheet,
    Spy,
    Submission,
    Verdict,
)
from autograder.sandbox.seam import Sandbox, Student

WHOLLY = "to the end"
CARRIED = "again with correct versions of the functions it uses"
"""How an exercise could not be judged when the submission's time was used up, in words for a note."""


def grade(chapter: Chapter, sheet: Sheet, submission: Submission, sandbox: Sandbox) -> Graded:
    """The verdicts on one submission, in the order of the sheet."""
    limits = chapter.course.limits
    attempt = attempt_within(limits)
    results: dict[str, list[Result]] = {}
    for exercises in _sharing_a_worker(sheet.exercises, limits):
        results |= _ask(chapter, sheet, submission, sandbox, exercises, attempt, {}, WHOLLY)
    verdicts = {e.name: judge(e, results[e.name]) for e in sheet.exercises}
    for exercise in sheet.exercises:
        if wants_carrying(exercise, verdicts):
            spies = reference_spies(chapter, exercise.needs)
            again = _ask(chapter, sheet, submission, sandbox, (exercise,), attempt, spies, CARRIED)
            carried = judge(exercise, again[exercise.name])
            if carried.score > verdicts[exercise.name].score:
                verdicts[exercise.name] = replace(carried, carried_forward=True)
    return Graded(
        student=submission.student,
        path=submission.path,
        status="graded",
        verdicts=tuple(verdicts.values()),
        max_score=sum(e.points for e in sheet.exercises),
        seconds=time.monotonic() - attempt.begin,
        notes=submission.notes + attempt.notes(),
        cells={i: outcome.outputs for i, outcome in attempt.outputs.items()},
        hurried=bool(attempt.unasked),
    )


def _ask(
    chapter: Chapter,
    sheet: Sheet,
    submission: Submission,
    sandbox: Sandbox,
    exercises: Sequence[ExerciseSheet],
    attempt: Attempt,
    spies: Mapping[str, Spy],
    how: str,
) -> dict[str, list[Result]]:
    """The result of every check of `exercises`, from as few workers as the submission lets live."""
    limits = limits_of(exercises[0], chapter.course.limits)
    frameworks = frameworks_of(submission.cells.values())
    results: dict[tuple[str, str], Result] = {}
    gone: dict[str, Lost] = {}

    def todo() -> list[tuple[ExerciseSheet, Check]]:
        asked = [(e, c) for e in exercises if e.name not in gone for c in e.checks if (e.name, c.label) not in results]
        return sorted(asked, key=lambda pair: pair[1].hidden)  # stable: visible ones first

    while (queue := todo()) and attempt.goes_on():
        worker = sandbox.open(limits, given=sheet.given, arrays=sheet.arrays, frameworks=frameworks)
        with attempt.using(worker) as student:
            if not _run_cells(student, submission, limits, attempt):
                continue  # with a fresh worker, which skips that cell
            for name, spy in spies.items():
                student.bind(name, spy)
            for exercise, check in queue:
                if attempt.left() <= 0:
                    break
                result = _answer(chapter, exercise, check, student, attempt)
                if isinstance(result, Lost) and result.why == "time" and attempt.left() <= 0:
                    break  # it might have answered, had there been more time
                results[exercise.name, check.label] = result
                if isinstance(result, Lost) and result.why != "missing":
                    gone[exercise.name] = result
                    break
                if isinstance(result, Raised) and result.type == "MemoryError":
                    break  # what this exercise still holds would starve the others
    return {
        e.name: [
            results.get((e.name, c.label)) or gone.get(e.name) or attempt.not_reached(e.name, how) for c in e.checks
        ]
        for e in exercises
    }


def _run_cells(student: Student, submission: Submission, limits: Limits, attempt: Attempt) -> bool:
    """Runs the cells but those known to end a worker. False if one more of that kind was found, or time is up."""
    for position, source in submission.cells.items():
        if position in attempt.dead:
            continue
        if attempt.left() <= 0:
            return False
        ran = student.run(source, seconds=min(limits.cell_seconds, attempt.left()))
        attempt.keep(position, ran)
        if isinstance(ran.outcome, Lost):
            if ran.outcome.why != "time" or attempt.left() > 0:
                attempt.dead[position] = ran.outcome
            return False
    return True


def _answer(chapter: Chapter, exercise: ExerciseSheet, check: Check, student: Student, attempt: Attempt) -> Result:
    most = limits_of(exercise, chapter.course.limits).check_seconds
    seconds = _until(time.monotonic() + min(attempt.left(), most))
    if check.call is not None:
        outcome: Outcome = student.call(exercise.name, check.call, seconds=seconds())
        return outcome
    law = chapter.law(exercise.name, check.label)
    return judge_law(law.function, Subject(student, exercise.name, exercise.signatures, seconds), check.seed)


def _until(deadline: float) -> Callable[[], float]:
    return lambda: max(0.0, deadline - time.monotonic())


def limits_of(exercise: ExerciseSheet, limits: Limits) -> Limits:
    """The course's limits, but for those that the exercise sets itself."""
    return replace(limits, **exercise.limits)  # type: ignore[arg-type]


def _sharing_a_worker(exercises: Sequence[ExerciseSheet], limits: Limits) -> Iterator[tuple[ExerciseSheet, ...]]:
    """Exercises by what their worker may use; a check's seconds are on the grader's clock and need no other worker."""
    groups: dict[Limits, list[ExerciseSheet]] = {}
    for exercise in exercises:
        groups.setdefault(replace(limits_of(exercise, limits), check_seconds=0.0), []).append(exercise)
    yield from map(tuple, groups.values())


def report_failure(submission: Submission, max_score: float, error: Exception) -> Graded:
    """The entry of a submission that we failed to grade: no score comes of it."""
    text = f"{type(error).__name__}: {error}"
    return Graded(submission.student, submission.path, "failed-ours", max_score=max_score, message=text)


def unreadable(student: str, path: str, max_score: float, message: str) -> Graded:
    """The entry of a file that is no notebook."""
    return Graded(student, path, "unreadable", max_score=max_score, message=message)


__all__ = ["Verdict", "grade", "report_failure", "unreadable"]
