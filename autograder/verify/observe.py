"""Everything that is run for one exercise, once: its sheets, and how reference, alternates and mistakes fare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.author import Exercise
from autograder.course import Chapter
from autograder.invoke import load_given
from autograder.judge import Result, judge
from autograder.records import ExerciseSheet, Verdict
from autograder.sheet import draw_exercise
from autograder.verify.trial import Helpers, ask_all, secrets_of


@dataclass(frozen=True)
class Run:
    """One function on one sheet."""

    results: tuple[Result, ...]
    verdict: Verdict

    @property
    def lost_hidden(self) -> bool:
        return any(f.hidden and not f.passed for f in self.verdict.findings)


@dataclass(frozen=True)
class Observed:
    """One exercise and everything that was seen of it, seed by seed. `given` is as authors have it, `shipped` as
    students get it: made from the source that travels."""

    exercise: Exercise
    sheets: tuple[ExerciseSheet, ...]
    given: Helpers
    shipped: Helpers
    reference: tuple[Run, ...]
    alternates: Mapping[str, tuple[Run, ...]]
    mistakes: Mapping[str, tuple[Run, ...]]


def observe(chapter: Chapter, exercise: Exercise, seeds: int, tick: Callable[[bool], None]) -> Observed:
    """Draws the sheets and runs what there is on them. `tick` is called after each step, with True
    when it ends a seed."""
    given = {name: helper.function for name, helper in chapter.helpers.items()}
    shipped = load_given({name: helper.source for name, helper in chapter.helpers.items()})
    sheets: list[ExerciseSheet] = []
    reference: list[Run] = []
    alternates: dict[str, list[Run]] = {v.name: [] for v in exercise.alternates}
    mistakes: dict[str, list[Run]] = {v.name: [] for v in exercise.mistakes}
    for secret in secrets_of(seeds):
        sheet = draw_exercise(exercise, chapter.helpers, secret + chapter.name.encode())
        tick(False)
        sheets.append(sheet)
        reference.append(run(exercise.target, exercise, sheet, shipped))
        for variant in exercise.alternates:
            alternates[variant.name].append(run(variant.function, exercise, sheet, shipped))
            tick(False)
        for variant in exercise.mistakes:
            mistakes[variant.name].append(run(variant.function, exercise, sheet, shipped))
            tick(False)
        tick(True)
    runs = tuple(reference), _frozen(alternates), _frozen(mistakes)
    return Observed(exercise, tuple(sheets), given, shipped, *runs)


def run(function: Callable[..., Any], exercise: Exercise, sheet: ExerciseSheet, given: Helpers) -> Run:
    results = ask_all(function, exercise, sheet, given)
    return Run(tuple(results), judge(sheet, results))


def _frozen(runs: Mapping[str, Sequence[Run]]) -> dict[str, tuple[Run, ...]]:
    return {name: tuple(r) for name, r in runs.items()}
