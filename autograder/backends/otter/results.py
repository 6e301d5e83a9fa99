"""Verdicts -> what Otter writes: the `results.json` of each submission, and `final_grades.csv`. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from autograder import report
from autograder.card import card_text, clean
from autograder.records import Graded

PUBLIC, REASON = "Public Tests", "Autograder Exception"
POSSIBLE = "points-per-question"
FORMULA = "=+-@\t\r"


def results(graded: Graded) -> dict[str, Any]:
    """The `results.json` of one submission: what its student sees of visible checks, then a score for each question.

    Questions are hidden from students there, as Otter hides those with hidden tests. What could not be graded has no
    score.
    """
    if graded.status != "graded":
        why = clean(graded.message)
        said = report.STATUS[graded.status] + (f" {why}" if graded.status == "unreadable" else "")
        shown = {"name": PUBLIC, "visibility": "visible", "output": said, "status": "failed"}
        return {"tests": [shown, {"name": REASON, "visibility": "hidden", "output": why, "status": "failed"}]}
    cards = [card for card in map(report.visible_card, graded.verdicts) if card is not None]
    passed = all(card.tone == "pass" for card in cards)
    summary = {
        "name": PUBLIC,
        "visibility": "visible",
        "output": "\n\n".join(map(card_text, cards)),
        "status": "passed" if passed else "failed",
    }
    questions = [
        {
            "name": verdict.name,
            "score": round(verdict.score, 5),
            "max_score": round(verdict.max_score, 5),
            "visibility": "hidden",
            "output": report.comment(verdict),
        }
        for verdict in graded.verdicts
    ]
    return {"tests": [summary, *questions]}


def final_grades(gradeds: Sequence[Graded], points: Mapping[str, float]) -> str:
    """The text of `final_grades.csv`: the points of each question, then a line for each submission.

    Columns and their order are Otter's. A submission without a score has empty cells where Otter would write zeros.
    """
    questions = sorted(points)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", *questions, "total_points_earned", "percent_correct", "grading_status"])
    most = sum(points.values())
    writer.writerow([POSSIBLE, *(points[q] for q in questions), most, 1, "--"])
    for graded in sorted(gradeds, key=lambda g: g.student):
        if graded.status != "graded":
            status = clean(f"{report.STATUS[graded.status]} {graded.message}", lines=1)
            writer.writerow([_plain(graded.student), *[""] * (len(questions) + 2), _plain(status)])
            continue
        earned = {v.name: v.score for v in graded.verdicts}
        share = round(graded.score / most, 4) if most else 0
        total = round(graded.score, 2)
        writer.writerow([_plain(graded.student), *(earned[q] for q in questions), total, share, "Completed"])
    return table.getvalue()


def _plain(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula."""
    said = clean(text, 200, 1)
    return f"'{said}" if said.startswith(tuple(FORMULA)) else said
