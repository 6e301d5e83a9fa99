"""All invariants of one exercise."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection, Iterator

from autograder.author import Exercise
from autograder.course import Chapter
from autograder.errors import AuthorError
from autograder.verify import invariants
from autograder.verify.agree import evidence
from autograder.verify.kill import code_of, mutants_of, notices
from autograder.verify.mutate import Mutant
from autograder.verify.observe import Observed, observe
from autograder.verify.report import Breach, Progress, Row

SECOND_LOOK = 3
"""On how many more seeds a mutant that survived the first one is tried."""

Tell = Callable[[Progress], None]


def verify_exercise(
    chapter: Chapter, name: str, *, seeds: int, tell: Tell, stuck: Collection[str] = ()
) -> tuple[Row, tuple[Breach, ...]]:
    """What was seen of one exercise. `stuck` are mutants known never to end; they count as killed and are not run."""
    begin = time.perf_counter()
    exercise = chapter.exercises[name]
    references = [e.target for e in chapter.exercises.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            mutants = mutants_of(exercise, references)
            steps = Steps(tell, name, seeds + len(mutants))
            with chapter.placing():
                seen = observe(chapter, exercise, seeds, steps.seed)
        except AuthorError as error:
            return Row(name), (Breach(name, 1, error.message, error.file or str(chapter.path), error.line),)
        found = list(_judged(seen))
        survivors = tuple(_survivors(seen, mutants, steps, stuck))
        found += _mutant_breaches(exercise, survivors)
    row = _row(seen, found, len(mutants), survivors, time.perf_counter() - begin)
    return row, tuple(sorted(found, key=lambda b: b.invariant))


class Steps:
    """Counts steps and tells of each."""

    def __init__(self, tell: Tell, name: str, total: int):
        self._tell, self._name, self._total, self._done = tell, name, total, 0

    def step(self, stage: str) -> None:
        self._done += 1
        self._tell(Progress(self._name, stage, self._done, self._total))

    def seed(self, whole: bool) -> None:
        if whole:
            self.step("seeds")
        else:
            self.about("seeds")

    def about(self, stage: str) -> None:
        self._tell(Progress(self._name, stage, self._done, self._total))


def _judged(seen: Observed) -> Iterator[Breach]:
    yield from invariants.reference(seen)
    yield from invariants.untouched(seen)
    yield from invariants.mistakes(seen)
    yield from invariants.alternates(seen)
    yield from invariants.precision(seen)
    yield from invariants.steady(seen)


def _survivors(seen: Observed, mutants: tuple[Mutant, ...], steps: Steps, stuck: Collection[str]) -> Iterator[Mutant]:
    """The mutants that no check noticed, on the first sheet and then on some more."""
    sheets = seen.sheets[: 1 + SECOND_LOOK]
    for mutant in mutants:
        steps.about(f"mutant {mutant.text}")
        if mutant.text not in stuck and not notices(mutant, seen.exercise, sheets, seen.shipped):
            yield mutant
        steps.step("mutants")


def _mutant_breaches(exercise: Exercise, survivors: tuple[Mutant, ...]) -> list[Breach]:
    file, line = code_of(exercise.target).co_filename, code_of(exercise.target).co_firstlineno
    marked = exercise.equivalents
    found = [
        Breach(
            exercise.name,
            7,
            f"This change goes unnoticed: {mutant.text}. It should lose points: add a hidden probe or case on which "
            "the two differ. If it is just as right, say so: "
            f'{exercise.name}.equivalent({mutant.text!r}, because="...")',
            file,
            mutant.line,
        )
        for mutant in survivors
        if mutant.text not in marked
    ]
    alive = {mutant.text for mutant in survivors}
    for text in marked:
        if text not in alive:
            message = (
                f"{exercise.name}.equivalent({text!r}) matches no surviving mutant, but should be the text of one: the "
                "reference or its checks changed since. Take the marking out, or copy the text anew."
            )
            found.append(Breach(exercise.name, 7, message, file, line))
    return found


def _row(seen: Observed, found: list[Breach], mutants: int, survivors: tuple[Mutant, ...], seconds: float) -> Row:
    exercise, checks = seen.exercise, seen.sheets[0].checks
    ratios = invariants.ratios(seen)
    worst_at = max(ratios, key=lambda label: ratios[label]) if ratios else ""
    equivalent = sum(m.text in exercise.equivalents for m in survivors)
    runs = seen.mistakes
    return Row(
        name=exercise.name,
        visible=sum(not c.hidden for c in checks),
        hidden=sum(c.hidden for c in checks),
        mistakes=len(runs),
        caught=sum(all(r.lost_hidden for r in rs) for rs in runs.values()),
        hinted=sum(all(r.verdict.diagnosis == name for r in rs) for name, rs in runs.items()),
        alternates=len(seen.alternates),
        accepted=sum(all(r.verdict.score == r.verdict.max_score for r in rs) for rs in seen.alternates.values()),
        oracle="disagrees" if any(b.invariant == 1 for b in found) else evidence(exercise),
        mutants=mutants,
        killed=mutants - len(survivors),
        survived=len(survivors) - equivalent,
        equivalent=equivalent,
        worst=ratios[worst_at] if ratios else None,
        worst_at=worst_at,
        seeds=len(seen.sheets),
        seconds=round(seconds, 2),
    )
