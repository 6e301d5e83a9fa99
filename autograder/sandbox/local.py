"""The seam without a sandbox: calls in this very process.

For the student's own notebook, where the code is theirs and the machine too, for `verify`, where all code is the
author's, and for fast tests. Never for grading: there is no deadline and no protection here.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from autograder.invoke import Bench, invoke, load_given, traceable
from autograder.records import (
    NO_FRAMEWORKS,
    Call,
    CellOutcome,
    Frameworks,
    Given,
    Handle,
    Limits,
    Lost,
    Outcome,
    Raised,
    Returned,
    Spy,
)
from autograder.remembering import Around, look_through
from autograder.sandbox.seam import Cells, Queries
from autograder.wire import Malformed, decode, encode


class LocalStudent:
    """Calls functions of `namespace`; answers make the same trip through the wire format as a worker's."""

    def __init__(
        self, namespace: dict[str, Any], given: Mapping[str, Callable[..., Any]], arrays: Literal["jax", "numpy"]
    ):
        self._namespace = namespace
        self._handles: dict[int, Any] = {}
        self._idents: dict[int, int] = {}
        self._bound: dict[int, str] = {}
        self._bench = Bench(given, lambda h: self._handles[h.ident], self._spy, arrays)

    @property
    def spent(self) -> float:
        return 0.0

    def run(self, source: str, *, seconds: float, drawn: bool = True) -> CellOutcome:
        try:
            exec(compile(source, "<cell>", "exec"), self._namespace)
        except Exception as error:
            return CellOutcome((), raised(error))
        return CellOutcome()

    def runs(self, cells: Cells) -> Iterator[CellOutcome]:
        while (cell := cells()) is not None:
            yield self.run(cell.source, seconds=cell.seconds(), drawn=cell.drawn)

    def look_through(self, own: Sequence[str], around: Around, names: Sequence[str], *, seconds: float) -> Outcome:
        return Returned(look_through(own, around, names))

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        if isinstance(target, str) and target not in self._namespace:
            return Lost("missing")
        if isinstance(target, Handle) and target.ident not in self._handles:
            return Lost("protocol", "an unknown handle")
        found = self._namespace[target] if isinstance(target, str) else self._handles[target.ident]
        try:
            answer = invoke(found, call, self._bench)
        except Exception as error:
            return raised(error)
        try:
            return Returned(self._across(answer.value), answer.changed)
        except Malformed as error:
            return Lost("protocol", str(error))

    def answers(self, queries: Queries) -> Iterator[Outcome]:
        while (query := queries()) is not None:
            yield self.call(query.target, query.call, seconds=query.seconds())

    def bind(self, name: str, spy: Spy) -> None:
        function = traceable(self._spy(spy), spy)
        self._namespace[name] = function
        self._bound[id(function)] = name

    def close(self) -> None:
        self._handles.clear()
        self._idents.clear()

    def __enter__(self) -> LocalStudent:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _across(self, value: Any) -> Any:
        return decode(*encode(value, leaf=self._keep))

    def _keep(self, value: Any) -> Handle | Given:
        if id(value) in self._bound:
            return Given(self._bound[id(value)])
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        handle = Handle(self._idents.setdefault(id(value), len(self._idents)), kind, callable(value))
        self._handles[handle.ident] = value  # which keeps it alive, so that its id stays its own
        return handle

    def _spy(self, spy: Spy) -> Callable[..., Any]:
        return lambda *args: spy.function(*(self._across(a) for a in args))


class LocalSandbox:
    """Opens students in this process, each with a copy of `namespace` to begin with."""

    layers: tuple[str, ...] = ()

    def __init__(self, namespace: Mapping[str, Any] | None = None):
        self._namespace = namespace or {}

    def open(
        self,
        limits: Limits,
        *,
        given: Mapping[str, str] = {},
        arrays: Literal["jax", "numpy"] = "jax",
        frameworks: Frameworks = NO_FRAMEWORKS,
    ) -> LocalStudent:
        return LocalStudent(dict(self._namespace), load_given(given), arrays)

    def expect(self, frameworks: Frameworks) -> None:
        pass

    def close(self) -> None:
        pass


def raised(error: BaseException) -> Raised:
    """The outcome of an exception of the student's, without the engine's own frames."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/autograder/" not in f.filename]
    text = "".join(traceback.format_list(frames) + traceback.format_exception_only(error))
    return Raised(type(error).__name__, str(error), text)
