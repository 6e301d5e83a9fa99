"""A sheet's checks and what came back -> findings, points and a diagnosis. Pure: no file, process or clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.compare import compare, equals
from autograder.laws import STARTER_ERROR, changed_argument, ending
from autograder.records import (
    Check,
    ExerciseSheet,
    Finding,
    LawResult,
    Lost,
    Outcome,
    Raised,
    Returned,
    Verdict,
)

Result = Outcome | LawResult

ENOUGH = 2
"""How many hidden checks a mistake must explain before its hint is shown for hidden ones (see `diagnose`)."""

UNWRITTEN = frozenset({"", "Yours to write."})
"""What a starter's NotImplementedError says. JAX raises the same exception, with other words, for what it cannot do."""

LOST = {
    "missing": "{name} is not defined after all cells have run.",
    "time": "{name} gave no answer in time. Is there a loop that never ends?",
    "memory": "{name} needs more memory than there is.",
    "exit": "{name} ended Python before it gave an answer.",
    "protocol": "{name} gave an answer that cannot be read.",
    "flood": "{name} printed too much.",
    "unasked": "{name} was not asked: the submission's time was used up.",
}


def unwritten(result: Result) -> bool:
    """Whether a function is still its starter: it raises what a starter does, in a starter's words."""
    return isinstance(result, Raised) and result.type == STARTER_ERROR and result.message in UNWRITTEN


def judge(exercise: ExerciseSheet, results: Sequence[Result]) -> Verdict:
    """The verdict on one exercise. `results` are in the order of `exercise.checks`."""
    pairs = list(zip(exercise.checks, results, strict=True))
    findings = [_finding(exercise, check, result) for check, result in pairs]
    if any(c.kind == "value" and c.hidden for c in exercise.checks) and not any(
        f.passed for f, (c, _) in zip(findings, pairs, strict=True) if c.kind == "value" and c.hidden
    ):
        findings = [_forfeit(f) if c.kind == "law" else f for f, (c, _) in zip(findings, pairs, strict=True)]
    score = points(exercise, findings)
    mistake = diagnose(exercise, results) if score < exercise.points else None
    attempted = any(f.kind != "missing" for f in findings)
    return Verdict(
        name=exercise.name,
        score=score,
        max_score=exercise.points,
        findings=tuple(findings),
        diagnosis=mistake,
        hint=exercise.hints[mistake] if mistake else "",
        attempted=attempted,
    )


def points(exercise: ExerciseSheet, findings: Sequence[Finding]) -> float:
    """The share of the weights whose checks passed, in points rounded to hundredths; all of them give exactly all."""
    if all(f.passed for f in findings):
        return exercise.points
    total = sum(c.weight for c in exercise.checks)
    earned = sum(c.weight for c, f in zip(exercise.checks, findings, strict=True) if f.passed)
    return max(0.0, min(round(exercise.points * earned / total, 2), exercise.points - 0.01)) if total else 0.0


def diagnose(exercise: ExerciseSheet, results: Sequence[Result]) -> str | None:
    """The one mistake that explains what went wrong, or None.

    It must explain at least two hidden checks (fewer would let a student ask about single hidden answers), and no check
    may contradict it. On the visible sheet, which has no hidden checks, one wrong value that it explains is enough; a
    broken law says less than a value, so there it takes two of them.
    """
    hidden = any(c.hidden for c in exercise.checks)
    explained: dict[str, int] = {}
    for mistake in exercise.hints:
        counted = []
        for check, result in zip(exercise.checks, results, strict=True):
            said = sign(check, result, mistake)
            if said == "contradicts":
                break
            if said == "explains" and check.hidden == hidden:
                counted.append(check)
        else:
            needed = ENOUGH if hidden or all(c.kind == "law" for c in counted) else 1
            if len(counted) >= needed:
                explained[mistake] = len(counted)
    if not explained:
        return None
    best = max(explained.values())
    first, *others = [m for m, n in explained.items() if n == best]
    return None if others else first


def sign(check: Check, result: Result, mistake: str) -> str:
    """Whether this check speaks for the mistake, against it, or says nothing."""
    if mistake not in check.answers:
        return "silent"
    wrong = check.answers[mistake]
    if check.kind == "law":
        if ending(result) != wrong:
            return "contradicts"
        return "silent" if wrong is True else "explains"
    alike = _same(result, wrong, check)
    if not alike:
        return "contradicts"
    right = not isinstance(wrong, Raised) and equals(wrong, check.expected, check.tolerance)
    return "silent" if right else "explains"


def _same(result: Result, wrong: Any, check: Check) -> bool:
    if isinstance(wrong, Raised):
        return isinstance(result, Raised) and result.type == wrong.type
    return isinstance(result, Returned) and equals(result.value, wrong, check.tolerance)


def _finding(exercise: ExerciseSheet, check: Check, result: Result) -> Finding:
    kind, message = _verdict(exercise, check, result)
    if not message:
        return Finding(check.label, check.hidden, True, kind)
    mistake = None
    if check.kind == "value":
        alike = [m for m, wrong in check.answers.items() if _same(result, wrong, check)]
        mistake = alike[0] if len(alike) == 1 else None
    hint = exercise.hints.get(mistake, "") if mistake else ""
    return Finding(check.label, check.hidden, False, kind, message, hint, mistake)


def _verdict(exercise: ExerciseSheet, check: Check, result: Result) -> tuple[str, str]:
    """The kind of finding, and a message unless the check passed."""
    match result:
        case LawResult(kept, kind, message):
            return ("law", "") if kept else (kind, message or f"This should hold: {check.label}")
        case Lost(why):
            return "missing" if why == "missing" else "lost", LOST[why].format(name=exercise.name)
        case Raised() if unwritten(result):
            return "missing", f"{exercise.name} is still the starter: nothing is written there yet."
        case Raised(type_, message):
            return "raised", f"{exercise.name} raised {type_}" + (f": {message}" if message else ".")
        case Returned(value, changed):
            if changed:
                return "value", changed_argument(changed)
            wrong = compare(value, check.expected, check.tolerance, returns=check.returns)
            kind = check.call.transform.name if check.call and check.call.transform else "value"
            kind = {"grad": "gradient", "jit": "transform", "vmap": "transform"}.get(kind, "value")
            if wrong is None:
                return kind, ""
            return (kind if wrong.kind == "value" else wrong.kind), wrong.message
    raise TypeError(f"{result!r} is no outcome")


def _forfeit(finding: Finding) -> Finding:
    """A law earns nothing while every hidden value check of its exercise fails: a constant keeps many laws."""
    if not finding.passed:
        return finding
    message = "This holds, but earns its points once a hidden check of your values passes too."
    return Finding(finding.label, finding.hidden, False, "law", message)
