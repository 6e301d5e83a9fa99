"""The class report in a terminal: the figures that one asks for first, and where the page is."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.classroom.facts import facts, silent
from autograder.classroom.page import TOP, number, percent
from autograder.classroom.summary import CheckFigures, ClassReport

MOST_FACTS = 8


def show(console: Console, report: ClassReport, page: Path) -> None:
    """Prints one chapter's class."""
    console.print(f"[bold]{escape(report.chapter)}[/]: {', '.join(_counts(report))}", highlight=False)
    if report.median is not None:
        low, high = report.scores[0], report.scores[-1]
        spread = (
            f"median {number(report.median)} of {number(report.max_score)} points, from {number(low)} to {number(high)}"
        )
        console.print(f"  {spread}", highlight=False)
    if report.misconceptions:
        console.print("[bold]Most common misconceptions[/]")
    for m in report.misconceptions[:TOP]:
        console.print(f"  {m.who.count} x {escape(m.exercise)}: {escape(m.mistake)}", highlight=False)
    for title, check in (
        ("Most difficult check", report.hardest),
        ("Least discriminating check", report.least_discriminating),
    ):
        if check:
            console.print(f"[bold]{title}[/]: {escape(_check(check))}", highlight=False)
    found = facts(report)
    if found:
        console.print("[bold]What stands out[/]")
    for fact in found[:MOST_FACTS]:
        console.print(f"  - {escape(fact)}", highlight=False)
    if len(found) > MOST_FACTS:
        console.print(f"  and {len(found) - MOST_FACTS} more on the page")
    without = silent(report)
    if without:
        console.print(
            f"[bold]Hidden checks that everyone passes[/], in {len(without)} of {len(report.exercises)} exercises:"
        )
        console.print(f"  {escape(without[0])}" + (" More on the page." if without[1:] else ""), highlight=False)
    console.print(f"[bold]Page[/]: {escape(str(page))}", highlight=False, soft_wrap=True)


def _counts(report: ClassReport) -> list[str]:
    counts = [f"{report.submitted} submitted", f"{report.graded} graded"]
    more = ((report.unreadable, "unreadable"), (report.failed, "not graded through our fault"))
    return counts + [f"{who.count} {what}" for who, what in more if who.count]


def _check(check: CheckFigures) -> str:
    r = "no information" if check.discrimination is None else f"{check.discrimination:.2f}"
    return f"{check.exercise}, '{check.label}': {percent(check.share)} pass, discrimination {r}"
