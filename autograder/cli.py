"""The command line. A command is a few lines: it reads settings, calls the engine, prints and picks the exit code.

Exit codes: 0 fine, 1 findings, 2 the command was wrong, 3 our fault.
"""

from __future__ import annotations

import atexit
import gc
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli_ending import FINDINGS, OURS, failures_shown
from autograder.cli_hub import add_to as add_hub_commands
from autograder.cli_lms import add_to as add_lms_commands

if TYPE_CHECKING:
    from autograder.course import Course

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes around the help would double the time until it is there
    help="Assignments that grade themselves: build, verify and grade the chapters of a course.",
)
Root = Annotated[Path | None, typer.Option("--course", help="The course's folder; the current one by default.")]
Chapters = Annotated[list[str] | None, typer.Argument(help="Chapters; all of them by default.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the result to this file.")]
TlsFile = Annotated[Path | None, typer.Option(help="For tls://, if Dask's configuration does not name it.")]
Trust = Annotated[
    bool, typer.Option("--trust-submissions", help="Grade although the sandbox lacks a layer. Every report says so.")
]


add_lms_commands(app)
add_hub_commands(app)


class Device(StrEnum):
    cpu = "cpu"
    gpu = "gpu"


def main() -> None:
    """The entry point: commands raise, and this turns what they raise into a line and an exit code."""
    gc.set_threshold(50_000, 20, 50)  # importing makes a million objects that stay: looking at them takes half a second
    atexit.register(gc.freeze)  # and as long again at the end
    with failures_shown():
        app()


@app.command()
def new(chapter: Annotated[str, typer.Argument(help="Its name, a Python identifier.")], course: Root = None) -> None:
    """Begin a chapter: a chapter file, its solution module and a test, small and complete."""
    from autograder.course import load_course
    from autograder.notebook.new import new as scaffold
    from autograder.settings import read_settings

    for path in scaffold(load_course(read_settings(course).root), chapter):
        typer.echo(f"wrote {path}")
    typer.echo(f"Next: `autograder build {chapter}` and `autograder verify {chapter}`.")


@app.command()
def build(
    chapters: Chapters = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if anything built is stale.")] = False,
    for_student: Annotated[
        list[str] | None, typer.Option("--for-student", help="Write personal/ID/ instead; may be repeated.")
    ] = None,
    students: Annotated[
        Path | None, typer.Option("--students", help="The same for all ids of this file: one a line, or a column id.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--for", help="Write what another system takes, into build/: otter or gradescope.")
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(help="Gradescope: when students see hidden checks; course.toml's choice, or after_published."),
    ] = None,
    course: Root = None,
) -> None:
    """Write the notebooks and visible sheets of source/ and release/ from the chapter files."""
    from autograder.notebook import build as building

    loaded, names = _course(course, chapters)
    if for_student or students:
        from autograder.show import build_for_students

        build_for_students(loaded, chapters, ids=for_student or (), file=students, check=check)
        return
    if target is not None:
        from autograder.backends.building import build_for
        from autograder.settings import read_settings

        for path in build_for(target, loaded, names, check=check, hidden=hidden, state=read_settings(course).state):
            typer.echo(f"wrote {path}")
        return
    if not check:
        for path in building.build(loaded, names):
            typer.echo(f"wrote {path}")
        return
    differences = building.check(loaded, names)
    for line in differences:
        typer.echo(line)
    if differences:
        typer.echo("Built files are stale: run `autograder build` and commit release/.")
        raise typer.Exit(FINDINGS)
    typer.echo("Everything built is up to date.")


@app.command()
def verify(
    chapters: Chapters = None,
    seeds: Annotated[int, typer.Option(help="How many secrets to draw.", min=1)] = 20,
    only: Annotated[list[str] | None, typer.Option(help="This exercise alone; may be repeated.")] = None,
    json_file: Json = None,
    course: Root = None,
) -> None:
    """Prove what a chapter promises: its checks catch every known mistake and reject no correct answer."""
    from autograder.settings import read_settings
    from autograder.show import verify_chapters

    loaded, names = _course(course, chapters)
    state = read_settings(course).state
    if not verify_chapters(loaded, names, seeds=seeds, only=only or (), state=state, json_file=json_file):
        raise typer.Exit(FINDINGS)


@app.command()
def learn(
    chapters: Chapters = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which lists are stale. Exit status 1 if any is.")
    ] = False,
    course: Root = None,
) -> None:
    """Learn which small programs students' code needs, so that workers begin with them traced."""
    from autograder.course import load_chapter
    from autograder.learning import is_fresh, source_of, write
    from autograder.learning import learn as learnt

    loaded, names = _course(course, chapters)
    stale = False
    for name in names:
        path, chapter = loaded.root / "source" / f"{name}.programs.json", load_chapter(loaded, name)
        if not check:
            write(learnt(chapter, typer.echo), path, source_of(chapter))
            typer.echo(f"wrote {path}")
        elif not is_fresh(chapter, path):
            stale = True
            typer.echo(f"{path} is stale: run `autograder learn {name}`.")
    if stale:
        raise typer.Exit(1)


@app.command()
def grade(
    chapter: Annotated[str, typer.Argument(help="The chapter the submissions belong to.")],
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, or folders laid out as nbgrader's submitted/.")],
    json_file: Json = None,
    workers: Annotated[int, typer.Option(help="Submissions at work at once.", min=1)] = 2,
    again: Annotated[bool, typer.Option("--again", help="Grade also what an earlier run has graded.")] = False,
    trust: Trust = False,
    otter: Annotated[
        Path | None, typer.Option(help="Also write Otter's final_grades.csv and results into this folder.")
    ] = None,
    course: Root = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Grade on a Dask cluster: tls://HOST:PORT, or local for processes of this machine."),
    ] = None,
    tls_ca: TlsFile = None,
    tls_cert: TlsFile = None,
    tls_key: TlsFile = None,
    device: Annotated[
        Device | None,
        typer.Option(help="Where students' code computes; by default on the CPU, unless an exercise says gpu."),
    ] = None,
    trust_network: Annotated[
        bool, typer.Option("--trust-network", help="Let tcp:// carry hidden checks to other machines, unprotected.")
    ] = False,
) -> None:
    """Grade notebooks in the sandbox, and print the class. What an earlier run has graded is not graded again."""
    from concurrent.futures import ThreadPoolExecutor

    from autograder.sandbox.layers import probe

    with ThreadPoolExecutor(1) as beside:
        machine = beside.submit(probe)  # takes as long as importing the rest
        from autograder.scale.where import Where, checked
        from autograder.show import grade_class

    files = {"ca": tls_ca, "cert": tls_cert, "key": tls_key}
    where = checked(Where(scheduler, workers, **files, trust_network=trust_network)) if scheduler else None
    statuses = grade_class(
        course,
        chapter,
        paths,
        json_file=json_file,
        workers=workers,
        trust=trust,
        again=again,
        where=where,
        device=device.value if device else None,
        otter=otter,
        machine=machine.result(),
    )
    if "failed-ours" in statuses:
        raise typer.Exit(OURS)
    if "unreadable" in statuses:
        raise typer.Exit(FINDINGS)


@app.command()
def report(
    chapters: Chapters = None,
    sources: Annotated[
        list[Path] | None, typer.Option("--from", help="Reports of grading, or folders of them; reports/CHAPTER/ else.")
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Say who, too. By default nobody is named.")] = False,
    folder: Annotated[Path | None, typer.Option("--to", help="Where the pages go; reports/ else.")] = None,
    json_file: Json = None,
    course: Root = None,
) -> None:
    """Tell how a class did: scores, misconceptions, who is stuck, and which checks tell nothing. One page a chapter."""
    from autograder.show import report_classes

    report_classes(course, chapters or (), sources=sources or (), names=names, folder=folder, json_file=json_file)


@app.command()
def demo(course: Root = None) -> None:
    """Run the whole loop on a sample class: release, submit, grade with nbgrader, give feedback."""
    from rich.console import Console

    from autograder.demo import run
    from autograder.settings import read_settings

    raise typer.Exit(run(read_settings(course).root, Console()))


@app.command()
def doctor(json_file: Json = None, course: Root = None) -> None:
    """What this machine can and cannot promise, and the fix for each line."""
    from dataclasses import asdict

    from autograder.batch import report_file
    from autograder.doctor import examine
    from autograder.settings import read_settings
    from autograder.show import show_facts

    with report_file(json_file) as write:
        facts = examine(read_settings(course))
        show_facts(facts)
        write([asdict(f) for f in facts])
    if not all(f.ok for f in facts if f.needed):
        raise typer.Exit(FINDINGS)


def _course(root: Path | None, chapters: list[str] | None) -> tuple[Course, tuple[str, ...]]:
    """The course and the chapters asked for, with what JAX compiled before at hand."""
    from autograder.compiled import keep_compiled
    from autograder.course import entry_of, load_course
    from autograder.settings import read_settings

    settings = read_settings(root)
    loaded = load_course(settings.root)
    names = tuple(entry_of(loaded, name).name for name in chapters or loaded.chapters)
    keep_compiled(settings.state)
    return loaded, names
