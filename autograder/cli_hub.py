"""The command that brings up a hub. As in `cli`, a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Adds the command to `autograder`."""
    app.command()(hub)


def hub(
    port: Annotated[int, typer.Option(help="Where people come; 0 is any free port.", min=0, max=65535)] = 0,
    demo: Annotated[bool, typer.Option("--demo", help="Make a sample instructor and two students.")] = False,
    instructor: Annotated[str | None, typer.Option(help="An account of this machine.")] = None,
    student: Annotated[list[str] | None, typer.Option(help="An account; may be repeated.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the demo's people and their work.")] = False,
    course: Annotated[Path | None, typer.Option("--course", "--root", help="The course's folder.")] = None,
) -> None:
    """Bring up a JupyterHub on this machine with the course in it, until Ctrl-C."""
    from rich.console import Console

    from autograder.hub import run as hubs
    from autograder.settings import read_settings

    if remove:
        hubs.remove(read_settings(course), Console())
        return
    hubs.run(read_settings(course), Console(), port=port, demo=demo, instructor=instructor, students=student or ())
