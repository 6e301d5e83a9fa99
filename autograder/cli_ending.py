"""How a command ends that could not do what it was asked: one line, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from autograder.errors import AuthorError, OurError, UsageError

FINDINGS, USAGE, OURS, INTERRUPTED = 1, 2, 3, 130


@contextmanager
def failures_shown() -> Iterator[None]:
    """What is raised inside becomes a line on the terminal and an exit code."""
    try:
        yield
    except AuthorError as error:
        _fail("The course", str(error), FINDINGS)
    except UsageError as error:
        _fail("autograder", str(error), USAGE)
    except SystemExit as stopped:
        if stopped.code == INTERRUPTED:  # Typer's own code for Ctrl-C
            typer.echo("Stopped: what had finished is kept.", err=True)
        raise
    except OurError as error:
        _fail("Our fault, no grade was written", str(error), OURS)
    except OSError as error:
        _fail("Our fault, no grade was written", f"{error.strerror}: {error.filename}", OURS)


def _fail(who: str, message: str, code: int) -> None:
    typer.echo(f"{who}: {message}", err=True)
    raise SystemExit(code)
