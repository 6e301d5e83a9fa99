"""What the demo prints at the end: the class, what was misunderstood, how long it took, and which pages to open."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from autograder.demo.expecting import differences
from autograder.demo.students import CLASS, Student, cut_off, sample_path
from autograder.show import listed, table


def show(
    root: Path, chapter: str, seconds: Mapping[str, float], changed: int, console: Console, report: Path | None = None
) -> int:
    """Prints everything. 1 if a sample did not get what its first line says, 0 otherwise.

    `report` is the page about the class, if there is one.
    """
    scores = _gradebook(root, chapter)
    title = f"{chapter}, as the gradebook has it; the points by hand wait for a person"
    made = table(console, "student", "handed in", "score", "by hand", "misconceptions", title=title)
    wrong: list[str] = []
    mistakes: Counter[str] = Counter()
    for student in CLASS:
        entry = _record(root, chapter, student)
        found = [f"{e['name']}: {e['diagnosis']}" for e in entry["exercises"] if e["diagnosis"]]
        mistakes.update(found)
        wrong += [f"{student.name}: {text}" for text in _unexpected(root, chapter, student, entry)]
        made.add_row(student.name, student.story, *scores.get(student.name, ("-", "")), listed(found))
    console.print(made)
    frequent = [(text, count) for text, count in mistakes.most_common(5) if count > 1]
    if frequent:
        console.print("[bold]Most frequent misconceptions[/]")
        for text, count in frequent:
            console.print(f"  {count} x {escape(text)}", highlight=False)
    steps = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    console.print(f"[bold]Took[/] {sum(seconds.values()):.0f} s: {steps}. New or changed submissions: {changed}.")
    console.print("[bold]Open[/]")
    if report:
        console.print(f"  {report.relative_to(root)}  (the class: scores, misconceptions, checks)", highlight=False)
    for student, why in ((CLASS[3], "a mistake and its hint"), (CLASS[15], "not readable, so not graded")):
        console.print(f"  feedback/{student.name}/{chapter}/{chapter}.html  ({why})", highlight=False)
    console.print("  `jupyter lab`, then Nbgrader > Formgrader: scores, comments, and the answers to grade by hand")
    for line in wrong:
        console.print(f"[red]Not as expected:[/] {escape(line)}")
    return 1 if wrong else 0


def _unexpected(root: Path, chapter: str, student: Student, entry: Mapping[str, Any]) -> list[str]:
    if student.accident is cut_off:
        return [] if entry["status"] == "unreadable" else ["a notebook that broke off was graded"]
    first = sample_path(root, chapter, student).read_text("utf-8").partition("\n")[0]
    return differences(first, entry)


def _record(root: Path, chapter: str, student: Student) -> dict[str, Any]:
    path = root / "reports" / chapter / f"{student.name}.json"
    (entry,) = json.loads(path.read_text("utf-8"))["submissions"]
    found: dict[str, Any] = entry
    return found


def _gradebook(root: Path, chapter: str) -> dict[str, tuple[str, str]]:
    """Score and what a person has to grade, of everyone, as nbgrader has it."""
    from nbgrader.api import Gradebook

    found: dict[str, tuple[str, str]] = {}
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        warnings.simplefilter("ignore")
        for submission in gradebook.assignment_submissions(chapter):
            grades = [g for notebook in submission.notebooks for g in notebook.grades]
            waiting = [g for g in grades if g.needs_manual_grade]
            most = sum(g.max_score for g in grades if g not in waiting)
            hand = f"{sum(g.max_score for g in waiting):g}" if waiting else ""
            score = f"{sum(g.score for g in grades if g not in waiting):g}/{most:g}" if most else "-"
            found[submission.student.id] = (score, hand)
    return found
