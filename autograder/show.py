"""What the commands print: rich tables and progress. Decides nothing about grades."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder import __version__
from autograder.batch import grade_all, report_file
from autograder.course import Course, load_chapter
from autograder.records import Graded
from autograder.sandbox.layers import Fact

MARKS = {True: "[green]yes[/]", False: "[red]no[/]"}


def progress(console: Console) -> Progress:
    """A bar with counts and the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def grade_class(
    root: Path | None, chapter: str, paths: Sequence[Path], *, json_file: Path | None, workers: int, trust: bool
) -> set[str]:
    """Grades, prints the class and writes the report. The statuses met decide the exit code."""
    from autograder.notebook.read import find
    from autograder.report import to_json
    from autograder.sandbox.pool import open_sandbox
    from autograder.session import open_session
    from autograder.settings import read_settings

    console = Console()
    found = [pair for path in paths for pair in find(path, chapter)]
    results: list[Graded] = []
    with (
        report_file(json_file) as write,
        open_session(read_settings(root, trust=trust), chapter, open_sandbox) as session,
    ):
        layers = session.sandbox.layers
        console.print("Isolation: " + escape(", ".join(layers)), highlight=False)
        try:
            with progress(console) as bar:
                task = bar.add_task(f"Grading {chapter}", total=len(found))

                def done(graded: Graded) -> None:
                    results.append(graded)
                    bar.advance(task)

                results = grade_all(session, found, workers=workers, done=done)
        finally:
            write(
                to_json(
                    results, course=session.chapter.course.name, chapter=chapter, engine=__version__, isolation=layers
                )
            )
    show_class(console, results)
    return {g.status for g in results}


def show_class(console: Console, graded: Sequence[Graded]) -> None:
    """One line a submission: score, exercises that lost points, and what was misunderstood."""
    table = Table(title=None, header_style="bold")
    for name, justify in (("student", "left"), ("score", "right"), ("exercises that lost points", "left"),
                          ("misconceptions", "left"), ("seconds", "right")):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for g in graded:
        if g.status != "graded":
            why = {"unreadable": "[yellow]unreadable[/]: ", "failed-ours": "[red]our fault, not graded[/]: "}[g.status]
            table.add_row(escape(g.student), "-", why + escape(g.message), "", "")
            continue
        lost = [f"{v.name} {v.score:g}/{v.max_score:g}" for v in g.verdicts if v.score < v.max_score]
        mistakes = [v.diagnosis for v in g.verdicts if v.diagnosis]
        table.add_row(
            escape(g.student),
            f"{g.score:g}/{g.max_score:g}",
            ", ".join(lost),
            escape(", ".join(mistakes)),
            f"{g.seconds:.1f}",
        )
    console.print(table)


def show_facts(facts: Sequence[Fact]) -> None:
    """What this machine offers, and what to do about what is missing."""
    console = Console()
    table = Table(header_style="bold")
    for name in ("", "this machine", "why it matters", "fix"):
        table.add_column(name)
    for fact in facts:
        table.add_row(MARKS[fact.ok], escape(fact.name), escape(fact.meaning), "" if fact.ok else escape(fact.fix))
    console.print(table)


def verify_chapters(course: Course, names: Sequence[str], *, seeds: int, json_file: Path | None) -> bool:
    """Runs `verify` on chapters, with a table and findings a person can read. True if all is well."""
    from autograder.notebook.leaks import leaks
    from autograder.settings import read_settings
    from autograder.verify import Report, verify
    from autograder.verify.table import progress as steps
    from autograder.verify.table import show

    console = Console()
    reports: list[Report] = []
    with report_file(json_file) as write:
        for name in names:
            with steps(console) as told:
                reports.append(
                    verify(
                        load_chapter(course, name),
                        seeds=seeds,
                        state=read_settings(course.root).state,
                        leaks=lambda chapter: leaks(chapter, course.root / "release"),
                        progress=told,
                    )
                )
            show(console, reports[-1], root=course.root)
        write({"schema": 1, "chapters": [report.as_json() for report in reports]})
    return all(report.ok for report in reports)
