"""nbgrader's configuration for this course: run `nbgrader autograde kernel` in this folder, or its formgrader."""

from pathlib import Path

from autograder.backends.nbgrader import configure

configure(get_config(), Path(__file__).resolve().parent)  # type: ignore[name-defined]  # noqa: F821
