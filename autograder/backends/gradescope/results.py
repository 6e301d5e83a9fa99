"""Verdicts -> Gradescope's `results.json`, which students and staff read in parts. Pure.

Each part says who may see it. Students read their view of the report and nothing else: what they see at once tells of
visible checks alone, and what tells of hidden ones appears when the instructor chose. Staff read the grader's view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograder import report
from autograder.card import card_text, clean
from autograder.records import Graded, Verdict

VISIBILITIES = ("hidden", "after_due_date", "after_published", "visible")
"""Gradescope's words for when students see something."""

VISIBLE = "{} (visible checks)"
"""What students see at once of an exercise whose score is shown later."""

STAFF = "For staff"
"""The part that no student ever sees."""

DETAILS = (6000, 80)
"""How many characters and lines staff read of a failure."""


def results(
    graded: Graded, *, hidden: str, isolation: Sequence[str] = (), boards: Mapping[str, str] = {}
) -> dict[str, Any]:
    """What Gradescope shows of a submission. `hidden` says when students see scores that hidden checks decide.

    `boards` names the leaderboard of each exercise that has one. What could not be graded has no score at all.
    """
    if graded.status != "graded":
        said = report.STATUS[graded.status]
        said += f" {clean(graded.message)}" if graded.status == "unreadable" else ""
        return ungraded(said, clean(graded.message, *DETAILS))
    tests = [part for verdict in graded.verdicts for part in _parts(verdict, hidden)]
    staff = f"Isolation: {', '.join(isolation)}\n{report.to_text(graded, view='grader')}"
    lead = [
        {"name": boards[v.name], "value": round(v.score, 2), "order": "desc"}
        for v in graded.verdicts
        if v.name in boards
    ]
    return {
        **_overall("\n".join(clean(note) for note in graded.notes)),
        "score": round(graded.score, 2),
        "tests": [*tests, _text(STAFF, staff, "hidden")],
        **({"leaderboard": lead} if lead else {}),
    }


def ungraded(said: str, details: str) -> dict[str, Any]:
    """A plain sentence for the student, the details for staff, and no score."""
    return {**_overall(said), "tests": [{**_text(STAFF, details, "hidden"), "status": "failed"}]}


def _parts(verdict: Verdict, hidden: str) -> Iterator[dict[str, Any]]:
    """One part with score and all findings; where students see it later only, another without, for them to see now."""
    secret = any(f.hidden for f in verdict.findings)
    now = report.visible_card(verdict) if secret and hidden != "visible" else None
    if now is not None:
        part = _text(VISIBLE.format(verdict.name), card_text(now), "visible")
        yield {**part, "status": "passed" if now.tone == "pass" else "failed"}
    full = verdict.score >= verdict.max_score
    yield {
        **_text(verdict.name, report.comment(verdict), hidden if secret else "visible"),
        "score": round(verdict.score, 2),
        "max_score": verdict.max_score,
        "status": "passed" if full else "failed",
    }


def _text(name: str, output: str, visibility: str) -> dict[str, Any]:
    return {
        "name": name,
        "name_format": "text",
        "output": output,
        "output_format": "text",
        "visibility": visibility,
    }


def _overall(said: str) -> dict[str, Any]:
    return {"output": said, "output_format": "text", "stdout_visibility": "hidden"}
