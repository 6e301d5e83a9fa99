"""One submission, end to end: run its cells, ask its functions, judge the answers. The sandbox is passed in.

Visible checks are asked before hidden ones, and no cell runs in a worker that has seen a hidden check: what a student's
code puts out can therefore never hold a hidden input.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from autograder.answers import CARRIED, OWN, Answers, Earlier, Part, Way
from autograder.attempt import Attempt, attempt_within
from autograder.carry import reference_spies, wants_carrying
from autograder.course import Chapter
from autograder.frameworks import frameworks_of
from autograder.judge import Result, judge
from autograder.pairs import plain, settled
from autograder.progress import Progress, queue_of
from autograder.recall import recalled
from autograder.records import (
    Check,
    ExerciseSheet,
    Frameworks,
    Graded,
    Limits,
    Lost,
    Outcome,
    Returned,
    Sheet,
    Spy,
    Submission,
    Verdict,
)
from autograder.rewards import Defining, check_of, only_defining
from autograder.sandbox.seam import Cell, Sandbox, Student
from autograder.talks import Talk, over

HOW = {OWN: "to the end", CARRIED: "again with correct versions of the functions it uses"}
"""How an exercise could not be judged when the submission's time was used up, in words for a note."""


def grade(
    chapter: Chapter,
    sheet: Sheet,
    submission: Submission,
    sandbox: Sandbox,
    earlier: Earlier | None = None,
    *,
    shown: bool = False,
) -> Graded:
    """The verdicts on one submission, in the order of the sheet.

    What `earlier` answers is not asked again, and its seconds count as if it had been. If the time does not suffice
    then, or a cell ends a worker, or what is new does, everything is asked anew. Unless the cells' outputs are to be
    `shown` to somebody, no pictures are drawn, and what only shows something does not run.
    """
    attempt, known = attempt_within(chapter.course.limits), earlier or Earlier({}, {})
    attempt.looked = known.looked
    whole, parts = recalled(chapter, sheet, known.parts)
    answered = {**known.answers, **whole}
    asking = _Asking(chapter, sheet, submission, sandbox, attempt, frozenset(known.cells), shown, answered, parts)
    found = asking.own()
    verdicts = {e.name: judge(*settled(e, found[e.name].results)) for e in sheet.exercises}
    for place, exercise in enumerate(sheet.exercises):
        if wants_carrying(exercise, verdicts):
            later = (e for e in sheet.exercises[place + 1 :] if wants_carrying(e, verdicts))
            carried = judge(*settled(exercise, asking.carried(exercise, later).results))
            if carried.score > verdicts[exercise.name].score:
                verdicts[exercise.name] = replace(carried, carried_forward=True)
    if shown and not (known.cells or attempt.outputs):
        asking.show()
    if earlier and (attempt.unasked or attempt.dead or attempt.broken_off):
        return grade(chapter, sheet, submission, sandbox, shown=shown)
    return Graded(
        student=submission.student,
        path=submission.path,
        status="graded",
        verdicts=tuple(replace(v, seconds=asking.seconds(name)) for name, v in verdicts.items()),
        max_score=sum(e.points for e in sheet.exercises),
        seconds=time.monotonic() - attempt.begin,
        notes=submission.notes + attempt.notes(),
        cells=known.cells or {i: outcome.outputs for i, outcome in attempt.outputs.items()},
        shown=shown,
        hurried=bool(attempt.unasked),
        answers={} if attempt.unasked or attempt.dead else asking.known,
        looked=attempt.looked,
    )


@dataclass(frozen=True)
class _Asking:
    """One submission at work: what it is asked, and `known`, what it has answered so far or in an earlier run, of some
    exercises in `parts`; `before` are the cells of which is known from that run what they put out, which is to be
    `shown` or not."""

    chapter: Chapter
    sheet: Sheet
    submission: Submission
    sandbox: Sandbox
    attempt: Attempt
    before: frozenset[int]
    shown: bool
    known: dict[Way, Answers]
    parts: Mapping[Way, Part]
    carried_now: set[str] = field(default_factory=set)

    def own(self) -> Mapping[str, Answers]:
        """The answers to every exercise, with the submission's own functions."""
        limits = self.chapter.course.limits
        left = [e for e in self.sheet.exercises if (e.name, OWN) not in self.known]
        self.attempt.spent += sum(a.seconds for (_, way), a in self.known.items() if way == OWN)
        for exercises in _sharing_a_worker(left, limits):
            self.known.update(((name, OWN), a) for name, a in self._ask(exercises, {}, OWN).items())
        return {e.name: self.known[e.name, OWN] for e in self.sheet.exercises}

    def carried(self, exercise: ExerciseSheet, later: Iterable[ExerciseSheet] = ()) -> Answers:
        """The answers to one exercise, with the references behind the names it needs. Those of `later` ones that need
        the same names are found out with it, because running the cells once more costs more than asking."""
        way = exercise.name, CARRIED
        if exercise.name in self.carried_now:
            return self.known[way]
        if way in self.known:
            self.attempt.spent += self.known[way].seconds
            return self.known[way]
        alike = [e for e in later if set(e.needs) == set(exercise.needs) and (e.name, CARRIED) not in self.known]
        group = next(_sharing_a_worker((exercise, *alike), self.chapter.course.limits))
        spies = reference_spies(self.chapter, exercise.needs, exercises=len(group))
        for name, answers in self._ask(group, spies, CARRIED).items():
            self.known[name, CARRIED] = answers
            self.carried_now.add(name)
        return self.known[way]

    def show(self) -> None:
        """Runs the cells for what they put out, where all answers are known."""
        limits = self.chapter.course.limits
        while self.attempt.goes_on():
            worker = self.sandbox.open(limits, given=self.sheet.given, arrays=self.sheet.arrays, frameworks=self.needed)
            with self.attempt.using(worker) as student:
                if self._run_cells(student, limits):
                    return

    @cached_property
    def parted(self) -> Defining:
        """The cells, and what of them only shows something."""
        given = (c.source for c in self.chapter.cells if c.kind == "code")
        return only_defining(self.submission.cells, (*given, *(check_of(e.name) for e in self.sheet.exercises)))

    @cached_property
    def needed(self) -> Frameworks:
        """What the cells import that a fork server should have loaded."""
        left = {} if self.shown else self.parted.left
        return frameworks_of(left.get(place, source) for place, source in self.submission.cells.items())

    def seconds(self, exercise: str) -> float:
        """How long the submission's code took for one exercise. The first of a worker bears the cells' time as well."""
        return sum(a.seconds for (name, _), a in self.known.items() if name == exercise)

    def _ask(self, exercises: Sequence[ExerciseSheet], spies: Mapping[str, Spy], way: str) -> dict[str, Answers]:
        """How every check of `exercises` ended, in as few workers as the submission lets live."""
        attempt, limits = self.attempt, limits_of(exercises[0], self.chapter.course.limits)
        asked = [Progress(e, self.parts.get((e.name, way))) for e in exercises]
        while queue_of(asked) and attempt.goes_on():
            worker = self.sandbox.open(limits, given=self.sheet.given, arrays=self.sheet.arrays, frameworks=self.needed)
            with attempt.using(worker) as student:
                if not self._run_cells(student, limits):
                    continue  # with a fresh worker, which skips that cell
                for name, spy in spies.items():
                    student.bind(name, spy)
                counted = 0.0  # the cells count for the first that is asked
                if attempt.forgets and (known := sum(progress.recall() for progress in asked)):
                    attempt.spent, counted = attempt.spent + known, student.spent
                for talk, result in self._over(student, asked, counted):
                    if isinstance(result, Lost) and result.why == "time" and attempt.left() <= 0:
                        break  # it might have answered, had there been more time
                    if not talk.progress.put(talk.check, result):
                        attempt.broken_off |= talk.progress.recalled  # what is known comes after it, maybe
                        break
        return {progress.exercise.name: progress.answers(attempt, HOW[way]) for progress in asked}

    def _over(self, student: Student, asked: Sequence[Progress], since: float) -> Iterator[tuple[Talk, Result]]:
        """What is left to ask, as it is over. Code that forgets is asked many things at once, but hidden ones only when
        it has answered all visible ones."""
        limits = {p.exercise.name: limits_of(p.exercise, self.chapter.course.limits) for p in asked}
        talks = [self._talk(p, check, limits[p.exercise.name].check_seconds) for p, check in queue_of(asked)]
        together = groupby(talks, lambda talk: talk.check.hidden)
        for group in (list(some) for _, some in together) if self.attempt.forgets else ([talk] for talk in talks):
            yield from over(student, group, since)
            since = student.spent

    def _talk(self, progress: Progress, check: Check, most: float) -> Talk:
        law = None if check.call else self.chapter.law(progress.exercise.name, plain(check.label)).function
        return Talk(progress, check, law, most, self.attempt.left)

    def _run_cells(self, student: Student, limits: Limits) -> bool:
        """Runs the cells but those known to end a worker; of what only shows something, what is to be seen and has not
        been. False if one more of the first kind was found, or time is up."""
        attempt = self.attempt
        if not self._knows_what_is_left(student, limits):
            return False
        left, waiting = iter(self.submission.cells.items()), deque[int]()

        def following() -> Cell | None:
            while attempt.left() > 0 and (cell := next(left, None)):
                position, source = cell
                seen = not self.shown or position in attempt.outputs or position in self.before
                rest = (attempt.defining or {}).get(position, source) if seen else source
                if position not in attempt.dead and rest:
                    waiting.append(position)
                    # A picture costs as much as all that it shows, and would be thrown away the second time.
                    return Cell(rest, lambda: min(limits.cell_seconds, attempt.left()), drawn=not seen)
            return None

        for ran in student.runs(following):
            position = waiting.popleft()
            attempt.keep(position, ran)
            if isinstance(ran.outcome, Lost):
                if ran.outcome.why != "time" or attempt.left() > 0:
                    attempt.dead[position] = ran.outcome
                return False
        return next(left, None) is None

    def _knows_what_is_left(self, student: Student, limits: Limits) -> bool:
        """Finds out what need not run once it has been seen, and whether the code forgets what it was asked, before
        anything has run in this worker. False if that has ended it: then all runs."""
        attempt = self.attempt
        if attempt.defining is not None:
            return True
        found, names = self.parted, sorted(self.parted.names)
        answer: Outcome = Returned(None)
        if attempt.looked and attempt.looked[0] == found.digest:
            answer = Returned(attempt.looked[1])
        elif found.around:
            answer = student.look_through(found.own, found.around, names, seconds=limits.cell_seconds)
            attempt.looked = (found.digest, answer.value) if isinstance(answer, Returned) else None
        match answer:
            case Returned((tuple(mentioned), tuple(changed), tuple(keeping), bool(remembers))) if (
                found.told or not remembers
            ):
                attempt.defining = found.without(mentioned, changed, keeping if remembers else None)
                attempt.forgets = not remembers
            case _:  # what the student's code remembers may lie anywhere, or reading it has ended the worker
                attempt.defining = {}
        return not isinstance(answer, Lost)


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
