"""The invariants of one exercise, each a function from what was observed to the breaches of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograder.author import Exercise
from autograder.compare import compare
from autograder.judge import ENOUGH, judge, sign
from autograder.records import ExerciseSheet, Raised, Returned
from autograder.verify.agree import disagreements, evidence
from autograder.verify.kill import code_of
from autograder.verify.observe import Observed, Run
from autograder.verify.report import Breach
from autograder.verify.trial import ask_all, counted, free, ratio, starter

DIFFERENCES = 3
"""On how many seeds gradients are checked by finite differences."""


def breach(exercise: Exercise, invariant: int, message: str, function: Callable[..., Any] | None = None) -> Breach:
    """A breach at the place where `function` is written; by default where the reference is."""
    code = code_of(function or exercise.target)
    return Breach(exercise.name, invariant, message, code.co_filename, code.co_firstlineno)


def reference(seen: Observed) -> Iterator[Breach]:
    """1: full points as a student would run it, and agreement with the oracle. Numbers that only rounding spoils are
    invariant 5's."""
    exercise = seen.exercise
    told: set[str] = set()
    doubted: set[str] = set()
    for run, sheet in zip(seen.reference, seen.sheets, strict=True):
        for check, result, finding in zip(sheet.checks, run.results, run.verdict.findings, strict=True):
            if finding.passed or check.label in told or _is_rounding(check, result):
                continue
            told.add(check.label)
            text = f"The reference loses the points of {check.label!r}, but should pass it: {finding.message}"
            yield breach(exercise, 1, text, _law(exercise, check.label))
    for number, sheet in enumerate(seen.sheets):
        found = disagreements(exercise, sheet, seen.given, differences=number < DIFFERENCES)
        for check, message, oracle in found:
            what = oracle.__name__ if oracle else check.label  # one oracle that disagrees does so again and again
            if what not in doubted:
                doubted.add(what)
                yield breach(exercise, 1, message, oracle)
    if exercise.questions and not evidence(exercise):
        text = (
            f"{exercise.name} has value checks but nothing to check the reference against, but should have an oracle: "
            f"write an independent way to the answer under @{exercise.name}.oracle, or give a case `expect=`."
        )
        yield breach(exercise, 1, text)


def untouched(seen: Observed) -> Iterator[Breach]:
    """2: the starter earns nothing, and answers that cost no thought at most half."""
    exercise, sheet = seen.exercise, seen.sheets[0]
    score = judge(sheet, ask_all(starter, exercise, sheet, seen.shipped)).score
    if score:
        yield breach(exercise, 2, f"The untouched starter earns {score:g} points, but should earn none.")
    for what, verdict in free(exercise, sheet, seen.shipped).items():
        if verdict.score > exercise.points / 2:
            labels = ", ".join(repr(f.label) for f in verdict.findings if f.passed)
            text = (
                f"Free points: a function that {what} earns {verdict.score:g} of {exercise.points:g} points, but "
                f"should earn at most half. It passes {labels}: give the other checks more weight, or add some."
            )
            yield breach(exercise, 2, text)


def mistakes(seen: Observed) -> Iterator[Breach]:
    """3: every mistake loses points through a hidden check and receives its own hint."""
    for variant in seen.exercise.mistakes:
        runs = seen.mistakes[variant.name]
        if _differ(runs):
            continue  # invariant 8 tells of it
        message = _uncaught(seen.exercise, variant.name, runs[0]) or _unhinted(variant.name, seen.sheets[0], runs[0])
        if message:
            yield breach(seen.exercise, 3, message, variant.function)


def alternates(seen: Observed) -> Iterator[Breach]:
    """4: every alternate earns full points, on every seed."""
    for variant in seen.exercise.alternates:
        failed = [(i, run) for i, run in enumerate(seen.alternates[variant.name]) if not _full(run)]
        if failed:
            number, run = failed[0]
            first = next(f for f in run.verdict.findings if not f.passed)
            text = (
                f"The alternate {variant.name} earns {run.verdict.score:g} of {run.verdict.max_score:g} points on "
                f"{len(failed)} of {len(seen.sheets)} seeds, but should earn all. On seed {number}, {first.label!r}: "
                f"{first.message}"
            )
            yield breach(seen.exercise, 4, text, variant.function)


def precision(seen: Observed) -> Iterator[Breach]:
    """5: what single precision makes of the reference stays within the tolerance."""
    for label, share in ratios(seen).items():
        if share > 1:
            how = f"{share:.2g} times" if share < 1e6 else "far more than"
            text = (
                f"On {label!r}, the reference in single precision is off by {how} the tolerance, but should stay "
                "within it: a correct answer would lose points. Draw better-conditioned inputs, or give this check a "
                "wider tolerance=Tolerance(rtol=..., atol=...)."
            )
            yield breach(seen.exercise, 5, text)


def ratios(seen: Observed) -> dict[str, float]:
    """For each value check, the largest share of its tolerance that single precision used up on any seed."""
    worst: dict[str, float] = {}
    for run, sheet in zip(seen.reference, seen.sheets, strict=True):
        for check, result in zip(sheet.checks, run.results, strict=True):
            if check.kind == "value" and isinstance(result, Returned):
                share = ratio(result.value, check.expected, check.tolerance)
                worst[check.label] = max(worst.get(check.label, 0.0), share)
    return worst


def steady(seen: Observed) -> Iterator[Breach]:
    """8: every seed gives the same verdicts. Alternates and the reference should earn everything on each, which is
    invariant 4's, 1's and 5's."""
    for variant in seen.exercise.mistakes:
        runs = seen.mistakes[variant.name]
        if not _differ(runs):
            continue
        odd = next(i for i, run in enumerate(runs) if _verdict(run) != _verdict(runs[0]))
        text = (
            f"The mistake {variant.name} {_tally(runs)}, but should fare the same on all: seed {odd} differs from "
            f"seed 0 in {_difference(runs[0], runs[odd])}. Draw inputs on which it is always wrong, or always right, "
            "by more than the tolerance; a law may be drawn several times with draws=."
        )
        yield breach(seen.exercise, 8, text, variant.function)


def _uncaught(exercise: Exercise, name: str, run: Run) -> str:
    earned = f"{run.verdict.score:g} of {run.verdict.max_score:g} points"
    if _full(run):
        return (
            f"The mistake {name} earns {earned}, but should lose some: no check tells it from the reference. "
            "Add a hidden probe on which it is wrong."
        )
    if not run.lost_hidden:
        return (
            f"The mistake {name} earns {earned}, but should lose points through a hidden check too: visible checks "
            "alone catch it, whose answers ship with the notebook. Add a hidden probe on which it is wrong."
        )
    return ""


def _unhinted(name: str, sheet: ExerciseSheet, run: Run) -> str:
    if run.verdict.diagnosis == name:
        return ""
    got = f"the hint of {run.verdict.diagnosis}" if run.verdict.diagnosis else "no hint"
    return f"The mistake {name} receives {got}, but should receive its own: {_reason(name, sheet, run)}"


def _reason(name: str, sheet: ExerciseSheet, run: Run) -> str:
    pairs = list(zip(sheet.checks, run.results, strict=True))
    signs = {mistake: [sign(c, r, mistake) for c, r in pairs] for mistake in sheet.hints}
    for check, how in zip(sheet.checks, signs[name], strict=True):
        if how == "contradicts":
            return (
                f"in single precision it answers {check.label!r} differently from what the sheet expects of it. Choose "
                "inputs on which it is well conditioned, or widen that check's tolerance."
            )
    hidden = any(c.hidden for c in sheet.checks)
    counts = {
        mistake: sum(s == "explains" for s, c in zip(found, sheet.checks, strict=True) if c.hidden or not hidden)
        for mistake, found in signs.items()
        if "contradicts" not in found
    }
    if counts[name] < ENOUGH and hidden:
        return (
            f"{counts[name]} hidden check shows it, and a hint needs {ENOUGH}. Add a hidden probe on which it is wrong."
        )
    rivals = [m for m, n in counts.items() if m != name and n >= counts[name]]
    return (
        f"{' and '.join(rivals)} would give the same answers. Add a hidden probe on which they differ, or make them "
        "one mistake."
    )


def _differ(runs: Sequence[Run]) -> bool:
    return len({_verdict(run) for run in runs}) > 1


def _verdict(run: Run) -> tuple[float, str | None, bool]:
    return run.verdict.score, run.verdict.diagnosis, run.lost_hidden


def _tally(runs: Sequence[Run]) -> str:
    """How the mistake fares, in the order of how often: scores, and hints where they differ too."""
    same_hint = len({run.verdict.diagnosis for run in runs}) == 1

    def words(run: Run) -> str:
        score, hint = f"{run.verdict.score:g} points", run.verdict.diagnosis
        return score if same_hint else f"{score} and {f'the hint of {hint}' if hint else 'no hint'}"

    parts = [f"{what} on {n}" for what, n in counted([words(run) for run in runs]).items()]
    return f"earns {', '.join(parts)} of {len(runs)} seeds"


def _difference(one: Run, other: Run) -> str:
    pairs = zip(one.verdict.findings, other.verdict.findings, strict=True)
    labels = [repr(a.label) for a, b in pairs if a.passed != b.passed]
    return ", ".join(labels) if labels else "what explains its answers"


def _full(run: Run) -> bool:
    return run.verdict.score == run.verdict.max_score


def _is_rounding(check: Any, result: Any) -> bool:
    if check.kind != "value" or not isinstance(result, Returned) or result.changed:
        return False
    wrong = compare(result.value, check.expected, check.tolerance, returns=check.returns)
    return wrong is not None and wrong.kind == "value" and not isinstance(result, Raised)


def _law(exercise: Exercise, label: str) -> Callable[..., Any] | None:
    return next((law.function for law in exercise.laws if law.label == label), None)
