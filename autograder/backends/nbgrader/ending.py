"""What nbgrader tells nobody: when a batch ends, and whose fault it was if a submission was not graded.

nbgrader catches what goes wrong with one submission, goes on, and ends with status 1 whatever it was. A failure of the
machine or of ours ends with 3 here, as everywhere, and says that no score came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from nbgrader.converters.base import NbGraderException
from sqlalchemy.exc import SQLAlchemyError

from autograder.errors import OurError

FAILED_OURS = 3
STEPS = ("init_assignment", "convert_single_notebook", "set_permissions")
MESSAGE = (
    "Our fault, not the students': the submissions named above have no score. Mend what the messages say (a full disk, "
    "a gradebook that cannot be written), and run the same command again; it grades what is left."
)


def listen(converter: Any, closing: Callable[[], None]) -> None:
    """Calls `closing` when the batch of an nbgrader converter ends, and turns a failure of ours into SystemExit(3)."""
    ours: list[BaseException] = []
    for step in STEPS:
        setattr(converter, step, _noting(getattr(converter, step), ours))
    convert = converter.convert_notebooks

    def convert_and_close() -> None:
        try:
            convert()
        except (NbGraderException, OSError, SQLAlchemyError) as error:
            if not ours and isinstance(error, NbGraderException):
                raise
            converter.log.critical(MESSAGE)
            raise SystemExit(FAILED_OURS) from error
        finally:
            closing()

    converter.convert_notebooks = convert_and_close


def _noting(step: Callable[..., Any], ours: list[BaseException]) -> Callable[..., Any]:
    @wraps(step)
    def noted(*args: Any, **options: Any) -> Any:
        try:
            return step(*args, **options)
        except Exception as error:
            if _is_ours(error):
                ours.append(error)
            raise

    return noted


def _is_ours(error: BaseException | None) -> bool:
    """Whether the machine or the engine failed; nbgrader puts its own exceptions around those of the database."""
    while error is not None:
        if isinstance(error, OurError | OSError | SQLAlchemyError):
            return True
        error = error.__cause__ or error.__context__
    return False
