"""The commands between a course and the LMS it lives in: grades out, submissions in. As in `cli`, a few lines each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli_ending import FINDINGS
from autograder.errors import UsageError

if TYPE_CHECKING:
    from autograder.backends.grades.table import Choice
    from autograder.course import Course


Chapters = Annotated[
    list[str] | None, typer.Option("--chapter", help="The chapter; for csv it may be repeated, and is all by default.")
]
Sources = Annotated[
    list[Path] | None, typer.Option("--from", help="Reports of `autograder grade --json`, in place of the gradebook.")
]
Map = Annotated[
    Path | None, typer.Option("--map", help="A CSV with `student` and further names: email, username, idnumber, lms.")
]
File = Annotated[
    Path | None, typer.Option("--file", help="canvas, moodle: the file that the LMS exported, to be filled. It stays.")
]
Column = Annotated[str, typer.Option(help="canvas, moodle: the column to fill, by title or Canvas's number.")]
By = Annotated[str, typer.Option(help="moodle, without --file: students by email, username or id.")]
Scale = Annotated[bool, typer.Option("--scale", help="Proportional points where the LMS has another maximum.")]
Provisional = Annotated[bool, typer.Option("--provisional", help="Also grades that wait for a person, as they are.")]
OnlyGraded = Annotated[bool, typer.Option("--only-graded", help="Leave out grades that are not final.")]
MissingZero = Annotated[bool, typer.Option("--missing-zero", help="Zero, not an empty cell, where nothing came.")]
To = Annotated[Path | None, typer.Option("--to", help="Where to write; exports/CHAPTER-KIND.csv else.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file of that name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Platform = Annotated[Path | None, typer.Option("--platform", help="lti: the TOML file that describes the LMS.")]
Send = Annotated[bool, typer.Option("--send", help="lti: send; without it, only show what would be sent.")]
Again = Annotated[bool, typer.Option("--again", help="lti: send also what the LMS has by our books.")]
Root = Annotated[Path | None, typer.Option("--course", help="The course's folder; the current one by default.")]


class Format(StrEnum):
    """What grades are written as."""

    CSV = "csv"
    CANVAS = "canvas"
    MOODLE = "moodle"
    GRADESCOPE = "gradescope"
    LTI = "lti"


class Download(StrEnum):
    """Whose download submissions come in."""

    CANVAS = "canvas"
    MOODLE = "moodle"
    GRADESCOPE = "gradescope"


def export(
    kind: Annotated[
        Format, typer.Argument(help="csv is for a spreadsheet.", metavar="csv|canvas|moodle|gradescope|lti")
    ],
    chapters: Chapters = None,
    file: File = None,
    column: Column = "",
    by: By = "email",
    scale: Scale = False,
    provisional: Provisional = False,
    only_graded: OnlyGraded = False,
    missing_zero: MissingZero = False,
    sources: Sources = None,
    map_file: Map = None,
    to: To = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    platform: Platform = None,
    send: Send = False,
    again: Again = False,
    course: Root = None,
) -> None:
    """Write grades as the file that an LMS imports, or send them by LTI. Refuses grades that wait for a person."""
    from rich.console import Console

    from autograder.backends.grades.export import Order
    from autograder.backends.grades.export import export as exported
    from autograder.backends.grades.show import show_filled
    from autograder.backends.grades.table import Choice
    from autograder.course import load_course
    from autograder.settings import read_settings

    settings = read_settings(course)
    loaded = load_course(settings.root)
    choice = Choice(provisional, only_graded, missing_zero)
    if kind is Format.LTI:
        done = _passback(
            loaded, settings.state, tuple(chapters or ()), platform, choice,
            send=send and not dry_run, again=again, sources=tuple(sources or ()), map_file=map_file,
        )  # fmt: skip
        raise typer.Exit(0 if done else FINDINGS)
    if platform or send or again:
        raise UsageError(f"--platform, --send and --again are for `export lti`, and not for `export {kind}`.")
    order = Order(
        kind.value,
        tuple(chapters or ()),
        choice,
        file=file,
        to=to,
        sources=tuple(sources or ()),
        map_file=map_file,
        column=column,
        by=by,
        scale=scale,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    filled, path = exported(loaded, order)
    show_filled(Console(), filled, path, dry_run=dry_run)
    if filled.unplaced:
        raise typer.Exit(FINDINGS)


def _passback(
    course: Course,
    state: Path,
    chapters: tuple[str, ...],
    platform: Path | None,
    choice: Choice,
    *,
    send: bool,
    again: bool,
    sources: tuple[Path, ...],
    map_file: Path | None,
) -> bool:
    """Sends, or shows what would be sent. False if a score was left out or not taken."""
    from rich.console import Console

    try:
        from autograder.backends.lti.export import passback
    except ImportError as error:
        raise UsageError(
            f"`export lti` needs {error.name}: install it with `pip install 'dmol-autograder[lti]'`."
        ) from None
    from autograder.backends.lti.show import counted, show_sendings

    console = Console()
    with counted(console) as tell:
        column, sendings = passback(
            course,
            state,
            chapters,
            platform,
            choice,
            send=send,
            again=again,
            sources=sources,
            map_file=map_file,
            tell=tell,
        )
    show_sendings(console, column, sendings, send=send)
    return not any(s.action == "failed" or (s.action == "left out" and s.grade.score is not None) for s in sendings)


def collect(
    kind: Annotated[Download, typer.Argument(help="Who made the zip file.", metavar="canvas|moodle|gradescope")],
    path: Annotated[Path, typer.Argument(help="The download of all submissions, a zip file.", metavar="FILE.zip")],
    chapter: Annotated[str, typer.Option("--chapter", help="The chapter that they belong to.")],
    map_file: Map = None,
    place_unknown: Annotated[
        bool, typer.Option("--place-unknown", help="Also who is in no roster, under a name such as canvas-101.")
    ] = False,
    dry_run: DryRun = False,
    course: Root = None,
) -> None:
    """Put an LMS's download of submissions into submitted/. Lists what cannot be placed, and loses no older one."""
    from contextlib import nullcontext

    from rich.console import Console

    from autograder.backends.inbox.collect import collect as collected
    from autograder.backends.inbox.show import show_collected
    from autograder.course import entry_of, load_course
    from autograder.settings import read_settings
    from autograder.turn import take_turn

    settings = read_settings(course)
    entry_of(load_course(settings.root), chapter)
    with nullcontext() if dry_run else take_turn(settings, typer.echo):
        found = collected(
            settings.root, kind.value, path, chapter, map_file=map_file, place_unknown=place_unknown, dry_run=dry_run
        )
    show_collected(Console(), found, chapter, dry_run=dry_run)
    if not found.is_whole:
        raise typer.Exit(FINDINGS)


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    app.command()(export)
    app.command()(collect)
