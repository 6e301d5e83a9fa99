"""The checks of a chapter for kernels of other graders: they run in the student's own process, as those graders do it.

Imported by the first cell of each notebook, so that `check(f)` does nothing there, as in our workers. Hidden laws are
left out, because their source does not travel: the others have less to do than we.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.judge import judge
from autograder.sandbox.quiet import silence_client

silence_client()


def points(folder: str, name: str, target: Any) -> float:
    """The score of `target` for the exercise `name`, by the sheet in `folder`."""
    from autograder.client_sheet import answers, find

    loaded = find(name, Path(folder))
    return judge(loaded.exercise(name), answers(loaded, name, target)).score
