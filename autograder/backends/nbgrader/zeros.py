"""nbgrader's zero for a notebook that is not there under its own name, which is not given here.

Whoever handed in gets a verdict: `notebook.read.find` takes the file whatever its name, and what cannot be read is told
as that. Taking the zero back later would not do: a run may be killed in between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from nbgrader.api import Gradebook

PLACE = "nbgrader.converters.autograde.Gradebook"


class _WithoutGrades(Gradebook):
    """The gradebook as `init_assignment` sees it: the only grades it looks for are those that it would make zero."""

    def find_submission_notebook(self, notebook: str, assignment: str, student: str) -> Any:
        return SimpleNamespace(grades=())


def without_zeros(init_assignment: Callable[..., None]) -> Callable[..., None]:
    """nbgrader's `init_assignment`, and no zeros."""

    @wraps(init_assignment)
    def initialised(*args: Any, **options: Any) -> None:
        with patch(PLACE, _WithoutGrades):
            init_assignment(*args, **options)

    return initialised
