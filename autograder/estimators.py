"""scikit-learn's own estimator checks, on an estimator that lives on the student's side.

The checks run where laws are judged, on a stand-in: scikit-learn takes it for an estimator, and it asks the student's
object for every answer. So a submission that alters scikit-learn alters only its own copy.
"""

from __future__ import annotations

import inspect
import shutil
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from autograder.errors import OurError
from autograder.laws import STARTER_ERROR, Held, Stopped, Subject
from autograder.records import LawResult, Raised

ERRORS: Mapping[str, type[Exception]] = {
    e.__name__: e for e in (ValueError, TypeError, AttributeError, KeyError, IndexError)
}
"""What a student's exception is on this side, where some checks expect one. Any other is a `RuntimeError`."""

LONGEST = 300


def conforms(f: Subject, *checks: str) -> bool:
    """Whether the regressor class `f` passes these checks of `sklearn.utils.estimator_checks`, by name.

    The first that fails ends the law, with a message that names it and says what it says.
    """
    known = scikit_learn_checks()
    for name in checks:
        check = getattr(known, name, None)
        if check is None:
            raise OurError(f"this scikit-learn has no check {name}")
        said = _complaint(check, stand_in(f))
        if said:
            raise Stopped(LawResult(False, "law", f"scikit-learn's {name} says: {said}"))
    return True


@cache
def scikit_learn_checks() -> Any:
    """The module of these checks, which takes half a second to import, and here leaves no file behind."""
    from sklearn.utils import estimator_checks

    on_disk = estimator_checks.create_memmap_backed_data

    def create_memmap_backed_data(data: Any, mmap_mode: str = "r", return_folder: bool = False) -> Any:
        # It would lie there until the process ends: one for each submission. What is mapped stays.
        backed, folder = on_disk(data, mmap_mode=mmap_mode, return_folder=True)
        shutil.rmtree(folder, ignore_errors=True)
        return (backed, folder) if return_folder else backed

    estimator_checks.create_memmap_backed_data = create_memmap_backed_data
    return estimator_checks


def _complaint(check: Callable[..., None], estimator: type[Any]) -> str:
    """What a check finds wrong, on one line, or nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(estimator.__name__, estimator())
    except (Stopped, OurError, MemoryError):
        raise
    except Exception as error:  # an AssertionError, or whatever the student's own code raised
        return " ".join(str(error).split())[:LONGEST] or type(error).__name__
    return ""


def stand_in(f: Subject) -> type[Any]:
    """A class that scikit-learn takes for a regressor, and whose objects are objects of the student's class `f`."""
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.exceptions import NotFittedError

    errors = {**ERRORS, NotFittedError.__name__: NotFittedError}
    settings = [p.name for p in f.signatures[""].parameters]

    def asked(question: Callable[..., Any], *args: Any) -> Any:
        try:
            return question(*args)
        except Stopped as stopped:
            if isinstance(stopped.outcome, Raised) and stopped.outcome.type != STARTER_ERROR:
                raise errors.get(stopped.outcome.type, RuntimeError)(stopped.outcome.message) from None
            raise

    class StandIn(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        __slots__ = ("_held", "_seen")  # beside `__dict__`, which shows what the student's object keeps

        def __init__(self, *args: Any, **named: Any):
            given = dict(zip(settings, args, strict=False)) | named
            self._seen = dict(given)
            self._held = asked(f, *(given[name] for name in settings if name in given))
            if not isinstance(self._held, Held):
                raise Stopped(LawResult(False, "law", "calling your class should make an object."))

        @property
        def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
            return self._mapping(asked(self._held.attribute, "__dict__"))

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return self._same(name, asked(self._held.attribute, name))

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return self._mapping(asked(self._held.get_params, bool(deep)))

        def fit(self, X: Any, y: Any = None) -> Any:
            method = asked(self._held.attribute, "fit")  # called as it is: a `fit` that returns nothing answers None
            answer = asked(method, X, y)
            own = isinstance(answer, Held) and answer.handle.ident == self._held.handle.ident
            return self if own else answer

        def predict(self, X: Any) -> Any:
            return asked(self._held.predict, X)

        def _mapping(self, value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise TypeError(f"a {type(value).__name__} came back, but should be a dictionary")
            return {str(k): self._same(str(k), v) for k, v in value.items()}

        def _same(self, name: str, value: Any) -> Any:
            """What was seen under this name before, for as long as it still is the same: checks compare with `is`."""
            if name not in self._seen or not _equal(self._seen[name], value):
                self._seen[name] = value
            return self._seen[name]

    StandIn.__name__ = f.target if isinstance(f.target, str) else "Estimator"
    StandIn.__init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # scikit-learn reads settings here
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in ("self", *settings)]
    )
    return StandIn


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        return x.dtype == y.dtype and bool(np.array_equal(x, y, equal_nan=x.dtype.kind in "fc"))
    try:
        return type(a) is type(b) and bool(a == b)
    except ValueError:  # arrays inside containers
        return False
