"""The scores of an assignment as CSV, for a spreadsheet. What waits for a person is empty, not zero."""

from __future__ import annotations

import csv
import io

from autograder.hub.door.book import Assignment
from autograder.hub.door.pages import points

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def scores(assignment: Assignment) -> str:
    """One line a student of the gradebook. No cell is a formula, whoever chose the name in it."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["student", "name", "assignment", "score", "out of", "note"])
    for student, grade in sorted(assignment.grades.items()):
        score = "" if grade.open else points(grade.score)
        note = "not graded yet" if grade.open else ""
        writer.writerow([_plain(student), _plain(grade.name), assignment.name, score, points(grade.max_score), note])
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
