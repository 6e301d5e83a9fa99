"""The scores of an assignment as CSV, for a spreadsheet. What waits for a person is empty, not zero."""

from __future__ import annotations

from autograder.backends.grades.plain import as_csv, defused
from autograder.hub.door.book import Assignment
from autograder.hub.door.pages import points

HEADER = ("student", "name", "assignment", "score", "out of", "note")


def scores(assignment: Assignment) -> bytes:
    """One line a student of the gradebook. No cell is a formula, whoever chose the name in it."""
    rows = [HEADER]
    for student, grade in sorted(assignment.grades.items()):
        score, note = ("", "not graded yet") if grade.open else (points(grade.score), "")
        told = (defused(student), defused(grade.name), assignment.name, score, points(grade.max_score), note)
        rows.append(told)
    return as_csv(rows)
