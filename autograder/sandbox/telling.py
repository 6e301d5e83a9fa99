"""A student's exception as an outcome, whatever its class does when it is asked about itself."""

from __future__ import annotations

import itertools
import traceback
from pathlib import Path

from autograder.records import Raised

MAX_TYPE, MAX_MESSAGE, MAX_TRACEBACK = 100, 2_000, 6_000
SHELL = "IPython/core/interactiveshell.py"
ENGINE = str(Path(__file__).resolve().parent.parent)


def told(error: BaseException) -> Raised:
    """The outcome for `error`, without the frames of the engine and of the shell around it."""
    try:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ENGINE)]
        frames = list(itertools.dropwhile(lambda f: f.filename.endswith(SHELL), frames))
        text = "".join(traceback.format_list(frames)) + "".join(traceback.format_exception_only(error))
    except BaseException:  # the student's own __str__, or worse
        text = ""
    # The end of a traceback says most.
    return Raised(named(error), message(error), text[-MAX_TRACEBACK:])


def named(error: BaseException) -> str:
    """The name of the exception's class."""
    try:
        return str(type(error).__name__)[:MAX_TYPE]
    except BaseException:  # a metaclass may have made the name a surprise
        return "Exception"


def message(error: BaseException | None) -> str:
    """What the exception says, if it can say it."""
    try:
        return str(error)[:MAX_MESSAGE]
    except BaseException:
        return ""
