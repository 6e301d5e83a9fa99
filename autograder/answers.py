"""What a submission's code answered to the checks of an exercise, kept so that it can be judged again without asking.

Answers are a stranger's data: they are written and read by `wire`, and what comes to life is no more than came from
the worker.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from autograder.judge import Result
from autograder.records import LawResult, Looked, Lost, Raised, Returned
from autograder.said import Said
from autograder.wire import Malformed, decode, encode

Way: TypeAlias = tuple[str, str]
"""An exercise, and `OWN` or `CARRIED`: with what it was asked."""

OWN, CARRIED = "own", "carried"
MOST = 1 << 20
"""Longer answers of one exercise are not kept, in characters."""


@dataclass(frozen=True)
class Answers:
    """How the checks of one exercise ended, in their order, the seconds of the student's that this took, and what laws,
    by their labels, and the student's code `said` to each other."""

    results: tuple[Result, ...]
    seconds: float = 0.0
    said: Mapping[str, Sequence[Said]] = field(default_factory=dict)

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
class Question:
    """What an exercise asks of a submission, as keys that stay while it does: one for each of its `checks`, in order,
    and one for the `frame`, which is whatever else an answer can depend on."""

    frame: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """What is known of an exercise some of whose checks are no longer what they were: how the others ended, by their
    places, what was `said` to laws, by their labels, and the seconds of all."""

    results: Mapping[int, Result]
    said: Mapping[str, Sequence[Said]]
    seconds: float = 0.0


@dataclass(frozen=True)
class Earlier:
    """What an earlier run was answered by the same cells, what these put out, and what it read off them. `parts` are of
    exercises that are no longer asked the same."""

    answers: Mapping[Way, Answers]
    cells: Mapping[int, tuple[Mapping[str, Any], ...]]
    parts: Mapping[Way, Part] = field(default_factory=dict)
    looked: Looked | None = None


def part_of(answers: Answers, before: Sequence[str], now: Sequence[str]) -> Part | None:
    """What answers to the checks `before` say of those that are asked `now`; None if one ended the worker, and with it
    what came after."""
    if any(isinstance(r, Lost) and r.why != "missing" for r in answers.results):
        return None
    ended = dict(zip(before, answers.results, strict=True))
    results = {place: ended[key] for place, key in enumerate(now) if key in ended}
    return Part(results, answers.said, answers.seconds)


def to_text(results: Sequence[Result]) -> str | None:
    """The results as text, or None where they are too long to be kept."""
    return _text([_node(r) for r in results])


def from_text(text: str) -> tuple[Result, ...]:
    """The results of `to_text`. Raises a ValueError for anything else."""
    return tuple(map(_result, _nodes(text)))


def said_to_text(said: Mapping[str, Sequence[Said]]) -> str:
    """What was said as text; nothing where it is too long to be kept."""
    nodes = [(label, [(s.asked, _node(s.outcome), list(s.called)) for s in all_]) for label, all_ in said.items()]
    return _text(nodes) or ""


def said_from_text(text: str) -> Mapping[str, Sequence[Said]]:
    """What `said_to_text` wrote. Raises a ValueError for anything else."""
    return dict(map(_law, _nodes(text))) if text else {}


def _text(nodes: list[Any]) -> str | None:
    try:
        head, blob = encode(nodes)
    except Malformed:
        return None
    text = f"{head.decode()}\n{base64.b64encode(blob).decode()}"
    return text if len(text) <= MOST else None


def _nodes(text: str) -> list[Any]:
    head, _, blob = text.partition("\n")
    nodes = decode(head.encode(), base64.b64decode(blob))  # a ValueError, as Malformed is
    if not isinstance(nodes, list):
        raise Malformed("these are no results")
    return nodes


def _law(node: Any) -> tuple[str, Sequence[Said]]:
    match node:
        case (str(label), list(nodes)):
            return label, tuple(map(_said, nodes))
    raise Malformed("this is no law")


def _said(node: Any) -> Said:
    match node:
        case (str(asked), outcome, list(called)):
            result = _result(outcome)
            if not isinstance(result, LawResult):
                return Said(asked, result, tuple(map(_call_back, called)))
    raise Malformed("this is nothing that was said")


def _call_back(node: Any) -> tuple[int, tuple[Any, ...], str]:
    match node:
        case (int(number), tuple(args), str(answered)):
            return number, args, answered
    raise Malformed("this is no call")


def _node(result: Result) -> tuple[Any, ...]:
    match result:
        case Returned(value, changed):
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
            return Returned(value, changed)
        case ("raised", str(type_), str(message)):
            return Raised(type_, message)
        case ("lost", str(why), str(detail)):
            return Lost(why, detail)  # type: ignore[arg-type]
        case ("law", bool(kept), str(kind), str(message)):
            return LawResult(kept, kind, message)
    raise Malformed("this is no result")
