"""Verdicts -> text, HTML and JSON. Pure: no file, process or clock, and no decision about points.

There are two views. The grader's has everything. The student's says of a hidden check only its label and whether it
passed; everything shown to a student goes through `student_view`, and what a student's code may have written goes
through `clean` in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from autograder.card import Card, Part, card_html, card_text, clean, sentence
from autograder.records import Finding, Graded, Verdict

SCHEMA = 1
"""The version of the JSON of `to_json`: `schema/grade.schema.json` describes it."""

HIDDEN = "This hidden check did not pass."
"""All that a student reads about a hidden check that failed, besides its label."""

HOLDS = "This should hold: {}"
"""What `judge` writes of a broken law: beside the label it would say the same thing twice."""

FORFEIT = "This holds, but earns its points once a hidden check of your values passes too."
"""What `judge` writes of a law that is kept while its points hang on hidden checks. Among visible ones it passed."""

HIDDEN_NOTE = "Hidden checks show only whether they passed."
CARRIED = "Judged with correct versions of the earlier functions it uses: a mistake there is not counted twice."
NOT_ATTEMPTED = "not attempted"

STATUS: Mapping[str, str] = {
    "unreadable": "This notebook could not be read, so there is no score yet.",
    "failed-ours": "Grading failed on our side, not on yours, so there is no score yet. Nothing you handed in is lost.",
}


def student_view(verdict: Verdict) -> Verdict:
    """The verdict as its student may see it: hidden checks by label alone, a hint only for a diagnosed mistake.

    Whether the exercise was attempted is read off its visible checks, because code can choose what hidden ones say.
    """
    visible = [f for f in verdict.findings if not f.hidden]
    begun = any(f.kind != "missing" for f in visible) if visible else verdict.attempted
    return replace(
        verdict,
        findings=tuple(_student_finding(f) for f in verdict.findings),
        diagnosis=None,
        hint=verdict.hint if verdict.diagnosis else "",
        attempted=begun or verdict.score > 0,
    )


def verdict_card(verdict: Verdict, *, student: bool = True) -> Card:
    """The card of one exercise: every check, and the hint that explains what went wrong."""
    shown = student_view(verdict) if student else verdict
    hint = shown.hint or next((f.hint for f in shown.findings if f.hint), "")
    parts = [part for finding in shown.findings for part in _finding_parts(finding, student)]
    if hint:
        parts.append(Part("hint", hint))
    if shown.carried_forward:
        parts.append(Part("label", CARRIED))
    full = shown.score >= shown.max_score
    state = out_of(shown.score, shown.max_score)
    if not shown.attempted:
        return Card("wait", shown.name, f"{NOT_ATTEMPTED}, {state}", _untold(parts), _missing(shown.findings))
    secret = student and any(f.hidden and not f.passed for f in shown.findings)
    return Card("pass" if full else "fail", shown.name, state, tuple(parts), HIDDEN_NOTE if secret else "")


def visible_card(verdict: Verdict) -> Card | None:
    """The card of the visible checks alone, which tells nothing of hidden ones: no score, for they decide it too."""
    shown = student_view(replace(verdict, diagnosis=None, score=0.0, carried_forward=False))
    findings = [
        replace(f, passed=True, message="") if f.message == FORFEIT else f for f in shown.findings if not f.hidden
    ]
    if not findings:
        return None
    parts = [part for finding in findings for part in _finding_parts(finding, True)]
    hint = next((f.hint for f in findings if f.hint), "")
    passed = sum(f.passed for f in findings)
    state = f"{passed} of {len(findings)} visible check{'' if len(findings) == 1 else 's'} passed"
    if not shown.attempted:
        return Card("wait", shown.name, NOT_ATTEMPTED, _untold(parts), _missing(findings))
    return Card(
        "pass" if passed == len(findings) else "fail",
        shown.name,
        state,
        (*parts, *([Part("hint", hint)] if hint else [])),
    )


def to_html_fragment(verdict: Verdict) -> str:
    """The student's view of one exercise, as HTML with inline style."""
    return card_html(verdict_card(verdict))


def comment(verdict: Verdict) -> str:
    """The student's view of one exercise, as plain text: nbgrader's automatic comment."""
    return card_text(verdict_card(verdict))


def to_text(graded: Graded, *, view: Literal["student", "grader"] = "student") -> str:
    """One submission as plain text: its score, then a card for each exercise."""
    head = f"{clean(graded.student, 80, 1)}: "
    if graded.status != "graded":
        reason = f"\n  {clean(graded.message)}" if graded.message and view == "grader" else ""
        return head + STATUS[graded.status] + reason
    head += out_of(graded.score, graded.max_score)
    notes = [clean(note) for note in graded.notes]
    cards = [card_text(verdict_card(v, student=view == "student")) for v in graded.verdicts]
    return "\n".join([head, *notes, *cards])


def to_json(
    gradeds: Sequence[Graded], course: str, chapter: str, engine: str, isolation: Sequence[str]
) -> dict[str, Any]:
    """The grader's view of many submissions: the primary record, as `schema/grade.schema.json` describes it."""
    return {
        "schema": SCHEMA,
        "course": course,
        "chapter": chapter,
        "engine": engine,
        "isolation": list(isolation),
        "submissions": [_submission(g) for g in gradeds],
    }


@dataclass(frozen=True)
class Row:
    """One submission in the table of a class. `score` is None where nothing could be graded."""

    student: str
    score: float | None
    max_score: float
    exercises: Mapping[str, float]
    misconception: str
    seconds: float
    status: str


def class_table(gradeds: Sequence[Graded]) -> tuple[Row, ...]:
    """One row a submission, in their order."""
    return tuple(
        Row(
            student=clean(g.student, 80, 1),
            score=_score(g),
            max_score=g.max_score,
            exercises={v.name: v.score for v in g.verdicts},
            misconception=misconception(g.verdicts),
            seconds=g.seconds,
            status=g.status,
        )
        for g in gradeds
    )


def misconception(verdicts: Sequence[Verdict]) -> str:
    """The mistake that cost this submission most, as `exercise: mistake`, or nothing."""
    lost = {v: v.max_score - v.score for v in verdicts if v.score < v.max_score}
    for verdict in sorted(lost, key=lambda v: -lost[v]):
        if verdict.diagnosis:
            return f"{verdict.name}: {verdict.diagnosis}"
    for verdict in sorted(lost, key=lambda v: -lost[v]):
        seen = Counter(f.mistake for f in verdict.findings if f.mistake)
        if seen:
            return f"{verdict.name}: {seen.most_common(1)[0][0]}"
    return ""


def out_of(score: float, most: float) -> str:
    """Points in words, without needless zeros: 2.5 of 3 points."""
    return f"{_number(score)} of {_number(most)} point{'' if most == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _student_finding(finding: Finding) -> Finding:
    if finding.hidden:
        return Finding(finding.label, True, finding.passed, "value", "" if finding.passed else HIDDEN)
    return replace(finding, message=clean(finding.message))


def _finding_parts(finding: Finding, student: bool) -> tuple[Part, ...]:
    label = finding.label + (" (hidden)" if finding.hidden else "")
    row = Part("passed" if finding.passed else "failed", label)
    quiet = finding.passed or (finding.hidden and student) or finding.message in ("", HOLDS.format(finding.label))
    return (row,) if quiet else (row, Part("text", sentence(clean(finding.message))))


def _untold(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts without their text: where nothing was attempted, every check would say the same."""
    return tuple(p for p in parts if p.kind != "text")


def _missing(findings: Sequence[Finding]) -> str:
    """Why nothing was attempted, said once: it is still the starter, or there is no such function."""
    return next((clean(f.message) for f in findings if not f.hidden and f.kind == "missing"), "")


def _score(graded: Graded) -> float | None:
    return round(graded.score, 2) if graded.status == "graded" else None


def _submission(graded: Graded) -> dict[str, Any]:
    return {
        "student": clean(graded.student, 200, 1),
        "path": clean(graded.path, 1000, 1),
        "status": graded.status,
        "score": _score(graded),
        "max_score": graded.max_score,
        "seconds": round(graded.seconds, 3),
        "message": clean(graded.message),
        "notes": [clean(note) for note in graded.notes],
        "exercises": [_exercise(v) for v in graded.verdicts],
    }


def _exercise(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "score": verdict.score,
        "max_score": verdict.max_score,
        "carried_forward": verdict.carried_forward,
        "attempted": verdict.attempted,
        "seconds": None if verdict.seconds is None else round(verdict.seconds, 3),
        "diagnosis": verdict.diagnosis,
        "findings": [
            {
                "label": f.label,
                "hidden": f.hidden,
                "passed": f.passed,
                "kind": f.kind,
                "message": clean(f.message),
                "hint": f.hint,
                "mistake": f.mistake,
            }
            for f in verdict.findings
        ],
    }
