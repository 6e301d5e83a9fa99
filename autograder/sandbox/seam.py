"""The seam between grader and student: everything the grader may do with a submission's code.

Implemented by the sandboxed pool (`sandbox.pool`), and, without any protection, by `sandbox.local` for the student's
own notebook, for `verify` and for tests. Nothing else in the engine may run code of a submission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from autograder.records import NO_FRAMEWORKS, Call, CellOutcome, Frameworks, Handle, Limits, Outcome, Spy
from autograder.remembering import Around

FORGIVEN = 1.0
"""How much of a deadline may be given back to a worker that stood in line for a processor, as a share of it.

On a busy machine a correct submission takes longer, through no fault of its student's. There is a cap, because a
student's code can make threads that stand in each other's way.
"""


def forgiven(waited: float, seconds: float) -> float:
    """What is given back of a deadline of `seconds` in which a worker stood in line for `waited`."""
    return min(max(waited, 0.0), FORGIVEN * max(seconds, 0.0))


@dataclass(frozen=True)
class Query:
    """A call of the object named `target` (in the submission's namespace, or a handle), and how many `seconds` it may
    take, which is read when it begins. It may have been `written` by `wire.encode` already, with its target."""

    target: str | Handle
    call: Call
    seconds: Callable[[], float]
    written: tuple[bytes, bytes] | None = None


@dataclass(frozen=True)
class Cell:
    """A notebook cell, and how many `seconds` it may take, which is read when it begins. Pictures are put out only if
    they are to be `drawn`."""

    source: str
    seconds: Callable[[], float]
    drawn: bool = True


Queries: TypeAlias = Callable[[], Query | None]
"""What is to be asked next; None while that is nothing. It may be more once answers have been heard."""

Cells: TypeAlias = Callable[[], Cell | None]
"""The cell that is to run next; None if that is none."""


class Student(Protocol):
    """One worker that holds one submission's code. After a `Lost` outcome other than `missing` the worker is gone."""

    @property
    def spent(self) -> float:
        """Seconds in which the submission's code has run so far, less what is `forgiven`."""
        ...

    def run(self, source: str, *, seconds: float, drawn: bool = True) -> CellOutcome:
        """What a notebook cell put out, and how it ended: `Returned(None)`, `Raised` or `Lost`. Pictures are put out
        only if they are to be `drawn`."""
        ...

    def runs(self, cells: Cells) -> Iterator[CellOutcome]:
        """The same for each of `cells`, in their order, until there are none or the worker is gone. A worker may have
        the next ones before one has run."""
        ...

    def look_through(self, own: Sequence[str], around: Around, names: Sequence[str], *, seconds: float) -> Outcome:
        """What `remembering.look_through` says of the student's `own` cells, as `Returned`. Cells are read and not run;
        asked before any has run, or what it says is the student's to say."""
        ...

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        """What the object named `target` (in the submission's namespace, or a handle) answers to `call`."""
        ...

    def answers(self, queries: Queries) -> Iterator[Outcome]:
        """What is answered to each of `queries`, in their order, until there are none or the worker is gone. A worker
        may have the next ones before it has answered, so whoever stops listening has done with this worker."""
        ...

    def bind(self, name: str, spy: Spy) -> None:
        """Put a function of the grader's behind a name: the reference that carries an error forward."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Student: ...

    def __exit__(self, *exc: object) -> None: ...


class Sandbox(Protocol):
    """Opens workers. `layers` names the protections in force, for the report."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    def open(
        self,
        limits: Limits,
        *,
        given: Mapping[str, str] = {},
        arrays: Literal["jax", "numpy"] = "jax",
        frameworks: Frameworks = NO_FRAMEWORKS,
    ) -> Student:
        """A fresh worker with an empty namespace, where the helpers of `given` (name -> source) can be arguments.
        Its code will import `frameworks`."""
        ...

    def expect(self, frameworks: Frameworks) -> None:
        """Workers whose code imports these will be opened soon: what they need may begin to start."""
        ...

    def close(self) -> None: ...
