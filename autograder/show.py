"""What the commands print: rich tables. Decides nothing about grades."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from autograder import __version__
from autograder.batch import grade_all, report_file
from autograder.course import Course, entry_of, load_chapter, load_course
from autograder.errors import UsageError
from autograder.records import Graded
from autograder.sandbox.layers import Fact, Machine
from autograder.watching import watched

if TYPE_CHECKING:
    from autograder.scale.where import Where
    from autograder.session import Place, Session
    from autograder.settings import Settings

GradeAll: TypeAlias = Callable[[Sequence[tuple[str, Path]], Callable[[Graded], None]], list[Graded]]
"""Grades the submissions found, and tells of each as it finishes."""

YES, NO, OPTIONAL = "[green]yes[/]", "[red]no[/]", "[yellow]optional[/]"
NARROW, ROOM_FOR_NAMES = range(78, 100), 24


def grade_class(
    root: Path | None,
    chapter: str,
    paths: Sequence[Path],
    *,
    json_file: Path | None,
    workers: int,
    trust: bool,
    again: bool = False,
    where: Where | None = None,
    otter: Path | None = None,
    device: Place | None = None,
    machine: Machine | None = None,
) -> set[str]:
    """Grades, prints the class and writes the report, and Otter's results if a folder for them is named. The statuses
    met decide the exit code. What this `machine` offers is found out unless it is known."""
    from autograder.backends.otter.handed_in import handed_in
    from autograder.backends.otter.writing import write_results
    from autograder.report import to_json
    from autograder.settings import read_settings
    from autograder.turn import take_turn

    console = Console()
    settings = read_settings(root, trust=trust)
    entry_of(load_course(settings.root), chapter)
    results: list[Graded] = []

    def say(text: str) -> None:
        console.print(escape(text), style="yellow")

    with (
        handed_in(paths, chapter) as found,
        take_turn(settings, say),
        report_file(json_file) as write,
        _grader(
            settings,
            chapter,
            found,
            workers=workers,
            again=again,
            where=where,
            device=device,
            machine=machine,
            tell=say,
        ) as (session, grade),
    ):
        layers = session.sandbox.layers
        console.print("Isolation: " + escape(", ".join(layers)), highlight=False)
        try:
            with watched(console, f"Grading {chapter}", len(found)) as tell:

                def done(graded: Graded) -> None:
                    results.append(replace(graded, cells={}))  # no report has them, and a large class is in memory
                    tell(graded)

                results = grade(found, done)
        finally:
            write(
                to_json(
                    results, course=session.chapter.course.name, chapter=chapter, engine=__version__, isolation=layers
                )
            )
    if otter is not None:
        write_results(otter, results, {name: e.points for name, e in session.chapter.exercises.items()})
    show_class(console, results)
    return {g.status for g in results}


@contextmanager
def _grader(
    settings: Settings,
    chapter: str,
    found: Sequence[tuple[str, Path]],
    *,
    workers: int,
    again: bool,
    where: Where | None,
    device: Place | None,
    machine: Machine | None,
    tell: Callable[[str], None],
) -> Iterator[tuple[Session, GradeAll]]:
    """A chapter ready to grade, and what grades a class of it: threads of this process, or a cluster."""
    if where is not None:
        from autograder.scale.remote import open_remote

        with open_remote(settings, chapter, where, again=again, device=device, tell=tell) as remote:
            yield remote.session, remote.grade_all
        return
    from autograder.sandbox.pool import open_sandbox
    from autograder.session import open_session

    opened = partial(
        open_session, settings, chapter, partial(open_sandbox, machine=machine), again=again, device=device
    )
    with opened(workers=workers, found=[path for _, path in found]) as session:
        yield session, lambda found, done: grade_all(session, found, workers=workers, done=done)


def show_class(console: Console, graded: Sequence[Graded]) -> None:
    """One line a submission: score, exercises that lost points, and what was misunderstood."""
    made = table(console, "student", "score", "exercises that lost points", "misconceptions", "seconds")
    for g in graded:
        if g.status != "graded":
            why = {"unreadable": "[yellow]unreadable[/]", "failed-ours": "[red]our fault, not graded[/]"}[g.status]
            made.add_row(escape(g.student), "-", f"{why}: {escape(g.message)}", "", "")
            continue
        lost = [f"{v.name} {v.score:g}/{v.max_score:g}" for v in g.verdicts if v.score < v.max_score]
        mistakes = [f"{v.name}: {v.diagnosis}" for v in g.verdicts if v.diagnosis]
        score = f"{g.score:g}/{g.max_score:g}"
        made.add_row(escape(g.student), score, listed(lost), listed(mistakes), f"{g.seconds:.1f}")
    console.print(made)


def report_classes(
    root: Path | None,
    chapters: Sequence[str],
    *,
    sources: Sequence[Path],
    names: bool,
    folder: Path | None,
    json_file: Path | None,
) -> None:
    """Writes the class page of every chapter, and prints what one asks for first."""
    from autograder.classroom.page import to_json
    from autograder.classroom.terminal import show
    from autograder.classroom.writing import class_reports, write_page
    from autograder.settings import read_settings

    course = load_course(read_settings(root).root)
    reports = class_reports(course, chapters, sources=sources, names=names)
    with report_file(json_file) as write:
        for report in reports:
            show(Console(), report, write_page(course, report, folder or course.root / "reports"))
        write([to_json(report) for report in reports])


def table(console: Console, *names: str, title: str | None = None) -> Table:
    """A table that a narrow terminal folds, and never cuts. Numbers are aligned on the right; long names get room."""
    made = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        numbers = name in ("score", "seconds", "by hand")
        room = ROOM_FOR_NAMES if name == "misconceptions" and console.width in NARROW else None
        side: JustifyMethod = "right" if numbers else "left"
        made.add_column(name, justify=side, no_wrap=numbers, overflow="fold", width=room)
    return made


def listed(items: Sequence[str]) -> str:
    """One item a line."""
    return escape("\n".join(items))


def show_facts(facts: Sequence[Fact]) -> None:
    """What this machine offers, and what to do about what is missing."""
    console = Console()
    made = table(console, "", "this machine", "what that means")
    for fact in facts:
        mark = YES if fact.ok else NO if fact.needed else OPTIONAL
        fix = f"{escape(fact.meaning)}\n[bold]Fix:[/] {escape(fact.fix)}"
        made.add_row(mark, escape(fact.name), escape(fact.promise) if fact.ok else fix)
    console.print(made)
    lacking = [f.name for f in facts if not f.ok and f.needed]
    verdict = f"[red]To be mended:[/] {escape(', '.join(lacking))}." if lacking else "[green]Ready to grade.[/]"
    console.print(verdict, highlight=False)


def build_for_students(
    course: Course, chapters: Sequence[str] | None, *, ids: Sequence[str], file: Path | None, check: bool
) -> None:
    """Writes what each student is handed of the personal chapters, and prints what was written."""
    from autograder.personal import FOLDER, read_students, release
    from autograder.settings import read_settings

    if check:
        raise UsageError(
            "--check looks at release/, which is the same for all students: leave it away, or the students."
        )
    names = chapters or [name for name, entry in course.chapters.items() if entry.personal]
    if not names:
        raise UsageError("No chapter has personal = true in source/course.toml, so all students get the same release/.")
    students = [*ids, *(read_students(file) if file else ())]
    made = 0
    for path in release(course, names, students, read_settings(course.root).state):
        made += 1
        print(f"wrote {path}")
    print(f"{made} files: hand each student their folder {FOLDER}/<student>/<chapter>/.")


def verify_chapters(
    course: Course,
    names: Sequence[str],
    *,
    seeds: int,
    state: Path,
    json_file: Path | None,
    only: Sequence[str] = (),
) -> bool:
    """Runs `verify` on chapters, or on the exercises of `only`, with a table and findings that a person can read. True
    if all is well."""
    from autograder.notebook.leaks import leaks
    from autograder.verify import verify
    from autograder.verify.table import progress, show

    console = Console()
    reports = []
    with report_file(json_file) as write:
        for name in names:
            chapter = load_chapter(course, name)
            for exercise in only:
                if exercise not in chapter.exercises:
                    raise UsageError(f"{exercise} is no exercise of {name}; it has {', '.join(chapter.exercises)}.")
            with progress(console) as tell:
                report = verify(
                    chapter,
                    seeds=seeds,
                    exercises=only,
                    state=state,
                    leaks=lambda c: leaks(c, course.root / "release"),
                    progress=tell,
                )
            show(console, report, root=course.root)
            reports.append(report)
        write([r.as_json() for r in reports])
    return all(r.ok for r in reports)
