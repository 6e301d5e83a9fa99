"""What a submission's code answered to the checks of an exercise, kept so that it can be judged again without asking.

Answers are a stranger's data: they are written and read by `wire`, and what comes to life is no more than came from
the worker.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from autograder.judge import Result
from autograder.records import LawResult, Lost, Raised, Returned
from autograder.wire import Malformed, decode, encode

Way: TypeAlias = tuple[str, str]
"""An exercise, and `OWN` or `CARRIED`: with what it was asked."""

OWN, CARRIED = "own", "carried"
MOST = 1 << 20
"""Longer answers of one exercise are not kept, in characters."""


@dataclass(frozen=True)
class Answers:
    """How the checks of one exercise ended, in their order, and the seconds of the student's that this took."""

    results: tuple[Result, ...]
    seconds: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether the same checks would end alike in another worker, as far as limits are concerned.

        Memory is shared with what else a worker was asked; what ran out of it is asked again.
        """
        return not any(
            (isinstance(r, Lost) and r.why in ("memory", "unasked"))
            or (isinstance(r, Raised) and r.type == "MemoryError")
            for r in self.results
        )


@dataclass(frozen=True)
class Earlier:
    """What an earlier run was answered by the same cells, and what these put out."""

    answers: Mapping[Way, Answers]
    cells: Mapping[int, tuple[Mapping[str, Any], ...]]


def to_text(results: Sequence[Result]) -> str | None:
    """The results as text, or None where they are too long to be kept."""
    try:
        head, blob = encode([_node(r) for r in results])
    except Malformed:
        return None
    text = f"{head.decode()}\n{base64.b64encode(blob).decode()}"
    return text if len(text) <= MOST else None


def from_text(text: str) -> tuple[Result, ...]:
    """The results of `to_text`. Raises a ValueError for anything else."""
    head, _, blob = text.partition("\n")
    nodes = decode(head.encode(), base64.b64decode(blob))  # a ValueError, as Malformed is
    if not isinstance(nodes, list):
        raise Malformed("these are no results")
    return tuple(map(_result, nodes))


def _node(result: Result) -> tuple[Any, ...]:
    match result:
        case Returned(value, _, changed):
            return ("returned", value, changed)
        case Raised(type_, message):
            return ("raised", type_, message)
        case Lost(why, detail):
            return ("lost", why, detail)
        case LawResult(kept, kind, message):
            return ("law", kept, kind, message)
    raise TypeError(f"{result!r} is no result")


def _result(node: Any) -> Result:
    match node:
        case ("returned", value, tuple(changed)):
            return Returned(value, changed=changed)
        case ("raised", str(type_), str(message)):
            return Raised(type_, message)
        case ("lost", str(why), str(detail)):
            return Lost(why, detail)  # type: ignore[arg-type]
        case ("law", bool(kept), str(kind), str(message)):
            return LawResult(kept, kind, message)
    raise Malformed("this is no result")
