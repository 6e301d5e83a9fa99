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
from autograder.course import Course, entry_of, load_chapter, load_course
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
    settings = read_settings(root, trust=trust)
    entry_of(load_course(settings.root), chapter)
    found = [pair for path in paths for pair in find(path, chapter)]
    results: list[Graded] = []
    with (
        report_file(json_file) as write,
        open_session(settings, chapter, open_sandbox) as session,
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
    table = Table(header_style="bold")
    for name in ("student", "score", "exercises that lost points", "misconceptions", "seconds"):
        table.add_column(name, justify="right" if name in ("score", "seconds") else "left")
    for g in graded:
        if g.status != "graded":
            why = {"unreadable": "[yellow]unreadable[/]", "failed-ours": "[red]our fault, not graded[/]"}[g.status]
            table.add_row(escape(g.student), "-", f"{why}: {escape(g.message)}", "", "")
            continue
        lost = [f"{v.name} {v.score:g}/{v.max_score:g}" for v in g.verdicts if v.score < v.max_score]
        mistakes = [f"{v.name}: {v.diagnosis}" for v in g.verdicts if v.diagnosis]
        score = f"{g.score:g}/{g.max_score:g}"
        table.add_row(escape(g.student), score, ", ".join(lost), escape(", ".join(mistakes)), f"{g.seconds:.1f}")
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


def verify_chapters(course: Course, names: Sequence[str], *, seeds: int, state: Path, json_file: Path | None) -> bool:
    """Runs `verify` on chapters, with a table and findings that a person can read. True if all is well."""
    from autograder.notebook.leaks import leaks
    from autograder.verify import verify
    from autograder.verify.table import progress, show

    console = Console()
    reports = []
    with report_file(json_file) as write:
        for name in names:
            chapter = load_chapter(course, name)
            with progress(console) as tell:
                report = verify(
                    chapter, seeds=seeds, state=state, leaks=lambda c: leaks(c, course.root / "release"), progress=tell
                )
            show(console, report, root=course.root)
            reports.append(report)
        write([r.as_json() for r in reports])
    return all(r.ok for r in reports)
