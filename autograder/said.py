"""What a law and a student's code say to each other, noted so that it can be said again (`recall`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograder.records import Call, Given, Handle, Outcome, Returned, Spy
from autograder.sandbox.seam import Query
from autograder.wire import Malformed, decode, encode, may_hold, size_of

FAILED = "\0failed"  # what a function of the law answered that raised
LASTING = frozenset({type(None), bool, int, float, str, Handle, Given})
MOST = 1 << 18
"""Bytes of answers and of calls that are noted of one law: what a student's code says is its own affair."""


@dataclass(frozen=True)
class Said:
    """One question of a law: a digest of what was `asked`, its `outcome`, and what the student's code `called` in the
    meantime: which of the law's functions, in the order in which it passed them on, with what, and a digest of what
    that answered."""

    asked: str
    outcome: Outcome
    called: tuple[tuple[int, tuple[Any, ...], str], ...] = ()


@dataclass
class Noting:
    """A student who is asked by a law, and what they said to each other: None once that is too much, or no data."""

    ask: Callable[[Query], Outcome]
    said: list[Said] | None = field(default_factory=list)
    _room: int = MOST
    _functions: int = 0
    _called: list[tuple[int, tuple[Any, ...], str]] = field(default_factory=list)

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        """What the student's object answers to the call. Raises `Malformed` if the call cannot be sent."""
        self._called, written = [], encode((target, call))
        noted = each_spy(call, self._noted) if may_hold(written, Spy) else call
        outcome = self.ask(Query(target, noted, lambda: seconds, written))
        with self._keeping() as said:
            same = Returned(self._copy(outcome.value), outcome.changed) if isinstance(outcome, Returned) else outcome
            said.append(Said(_digest(*written), same, tuple(self._called)))
        return outcome

    def _noted(self, spy: Spy) -> Spy:
        number, self._functions = self._functions, self._functions + 1

        def function(*args: Any) -> Any:
            answer: Any = FAILED
            given: Any = ()
            with self._keeping():
                given = self._copy(args)
            try:
                answer = spy.function(*args)
                return answer
            finally:
                with self._keeping():
                    self._called.append((number, given, digest(answer)))

        return replace(spy, function=function)

    @contextmanager
    def _keeping(self) -> Iterator[list[Said]]:
        """While inside, what cannot be kept ends all keeping."""
        try:
            yield [] if self.said is None else self.said
        except Malformed:
            self._room = -1
        if self._room < 0:
            self.said, self._called = None, []

    def _copy(self, value: Any) -> Any:
        """The value as it is now: a law may change what it is given. Nothing once there is no room."""
        if self._room < 0:
            return None
        if _lasting(value):
            self._room -= size_of(value)
            return value
        frame = encode(value)
        self._room -= sum(map(len, frame))
        return decode(*frame)


def asked(target: str | Handle, call: Call) -> str:
    """A digest of a question. Raises `Malformed` if it is no data."""
    return digest((target, call))


def digest(value: Any) -> str:
    """A digest of data. Raises `Malformed` if it is none."""
    return _digest(*encode(value))


def _digest(head: bytes, blob: bytes) -> str:
    return hashlib.blake2b(head + b"\0" + blob, digest_size=12).hexdigest()


def _lasting(value: Any) -> bool:
    """Whether nobody can change this: it has come from a student as data."""
    kind = type(value)
    if kind is np.ndarray:
        return not value.flags.writeable and value.dtype.kind in "biufc"
    return kind in LASTING or (kind is tuple and all(map(_lasting, value)))


def each_spy(tree: Any, change: Callable[[Spy], Spy]) -> Any:
    """The tree with every spy in it changed."""
    match tree:
        case Spy():
            return change(tree)
        case Call(args, then, transform):
            return Call(each_spy(args, change), each_spy(then, change), transform)
        case list() | tuple():
            return type(tree)(each_spy(part, change) for part in tree)
        case dict():
            return {name: each_spy(part, change) for name, part in tree.items()}
    return tree
