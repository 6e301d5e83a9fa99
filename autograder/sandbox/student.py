"""One worker as the grader sees it. Everything the worker says is an attacker's data, and nothing it does raises here.

What raises is ours alone: `OurError` when the machine fails, and whatever of that kind a spy's function raises.
"""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.errors import OurError
from autograder.records import Call, CellOutcome, Handle, Limits, Lost, Outcome, Raised, Returned, Spy
from autograder.remembering import Around
from autograder.sandbox import channel
from autograder.sandbox.exchange import MAX_MESSAGE, Exchange, Request, Requests, once
from autograder.sandbox.outputs import checked
from autograder.sandbox.seam import Cell, Cells, Queries, Query
from autograder.sandbox.server import End, Process
from autograder.wire import Malformed, encode, may_hold

MAX_TYPE, MAX_TRACEBACK = 100, 6_000
HELLO_SECONDS = 60.0
END_SECONDS = 2.0
NEARLY_ALL = 0.8  # of the memory allowed: a process that dies abnormally with that much has run out of it


class WarmStudent:
    """A worker of `WarmSandbox`. Not for two threads at once."""

    def __init__(
        self, process: Process, peer: socket.socket, limits: Limits, *, given: Mapping[str, str], arrays: str
    ) -> None:
        self._process, self._peer, self._limits = process, peer, limits
        self._lost: Lost | None = None
        self._exchange = Exchange(
            peer, limits.submission_seconds, ended=self._how_it_ended, stood_in_line=process.stood_in_line
        )
        try:
            self._greet({"given": _text(json.dumps(dict(given))), "arrays": arrays, "output_kb": limits.output_kb})
        except BaseException:
            self.close()
            raise

    @property
    def spent(self) -> float:
        """Seconds that the submission's code has had, as far as they count."""
        return self._exchange.spent

    def run(self, source: str, *, seconds: float, drawn: bool = True) -> CellOutcome:
        """What a cell put out, and how it ended."""
        return next(self.runs(once(Cell(source, lambda: seconds, drawn))))

    def runs(self, cells: Cells) -> Iterator[CellOutcome]:
        """What each cell put out, and how it ended; several may be on their way."""

        def requests() -> Request | None:
            if (cell := cells()) is None:
                return None
            return Request({"op": "run", "source": _text(cell.source), "drawn": cell.drawn}, cell.seconds)

        for reply in self._replies(requests):
            yield self._ran(reply)
            if self._lost is not None:
                return

    def _ran(self, reply: dict[str, Any] | Lost) -> CellOutcome:
        if isinstance(reply, Lost):
            return CellOutcome((), reply)
        try:
            outputs = reply["outputs"]
            if not isinstance(outputs, np.ndarray) or outputs.dtype != np.uint8:
                raise Malformed("the outputs are not bytes")
            limit = self._limits.output_kb
            if outputs.size > _most_output(limit):
                return CellOutcome((), self._end(Lost("flood", f"a cell put out more than {limit:,} KB")))
            return CellOutcome(checked(outputs.tobytes(), limit_kb=limit), self._outcome(reply, 0, valued=False))
        except (Malformed, KeyError) as error:
            return CellOutcome((), self._end(Lost("protocol", str(error))))

    def look_through(self, own: Sequence[str], around: Around, names: Sequence[str], *, seconds: float) -> Outcome:
        """What the engine says of the student's own cells. None has run yet, so nobody else speaks."""
        cells = _text(json.dumps([list(own), vars(around), list(names)]))
        return self._told(self._ask({"op": "look", "cells": cells}, seconds), 0)

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        """What the object named `target`, or behind the handle, answers."""
        return next(self.answers(once(Query(target, call, lambda: seconds))))

    def answers(self, queries: Queries) -> Iterator[Outcome]:
        """What is answered to each query, in their order; several may be on their way."""
        arguments = deque[int]()

        def requests() -> Request | None:
            if (query := queries()) is None:
                return None
            arguments.append(len(query.call.args or ()))
            written = query.written or encode((query.target, query.call))
            spies = self._exchange.offer(_spies_in(query.call)) if may_hold(written, Spy) else {}
            return Request({"op": "call", "spies": spies}, query.seconds, written)

        for reply in self._replies(requests):
            yield self._told(reply, arguments.popleft())
            if self._lost is not None:
                return

    def bind(self, name: str, spy: Spy) -> None:
        """Put a function of the grader's behind a name. A worker lost meanwhile says so when it is next asked."""
        numbers = self._exchange.offer([spy])
        reply = self._ask({"op": "bind", "name": name, "spy": spy, "spies": numbers}, HELLO_SECONDS)
        if not isinstance(reply, Lost) and reply.get("kind") != "returned":
            self._end(Lost("protocol", "a name could not be bound"))

    def close(self) -> None:
        """End the worker's process and everything it started."""
        self._lost = self._lost or Lost("exit", "closed")
        self._process.kill()
        self._peer.close()

    def __enter__(self) -> WarmStudent:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _greet(self, hello: Mapping[str, Any]) -> None:
        try:
            reply = self._exchange.greet(hello, time.monotonic() + HELLO_SECONDS)
        except (channel.Ended, channel.Expired, Malformed) as error:
            end = self._process.ended(seconds=END_SECONDS)
            raise OurError(f"a worker did not start: {type(error).__name__}, {end}") from None
        match reply:  # nobody's code has run yet, so this is still the engine speaking
            case {"kind": "failed", "message": str(message)}:
                raise OurError(f"a worker did not start: {message}")

    def _ask(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any] | Lost:
        """The reply to one request."""
        return next(self._replies(once(Request(message, lambda: seconds))))

    def _replies(self, requests: Requests) -> Iterator[dict[str, Any] | Lost]:
        """The replies to requests. A worker that is lost is ended, and stays lost."""
        if self._lost is not None:
            if requests() is not None:
                yield self._lost
            return
        try:
            for reply in self._exchange.replies(requests):
                yield self._end(reply) if isinstance(reply, Lost) else reply
        except GeneratorExit:  # nobody asks any more
            raise
        except BaseException:
            self.close()
            raise

    def _told(self, reply: dict[str, Any] | Lost, arguments: int) -> Outcome:
        """The outcome of a reply that may hold a value."""
        if isinstance(reply, Lost):
            return reply
        try:
            return self._outcome(reply, arguments, valued=True)
        except (Malformed, KeyError) as error:
            return self._end(Lost("protocol", str(error)))

    def _outcome(self, reply: Mapping[str, Any], arguments: int, *, valued: bool) -> Outcome:
        """The outcome that a reply claims, each part checked and cut to size."""
        match reply:
            case {"kind": "returned"} if not valued:
                return Returned(None)
            case {"kind": "returned", "value": value, "changed": tuple(changed)}:
                if not all(type(i) is int and 0 <= i < arguments for i in changed):
                    raise Malformed("a reply with impossible facts")
                return Returned(value, changed)
            case {"kind": "raised", "type": str(kind), "message": str(message), "traceback": str(trace)}:
                return Raised(kind[:MAX_TYPE], message[:MAX_MESSAGE], trace[-MAX_TRACEBACK:])
            case {"kind": "lost", "why": "missing"} if valued:
                return Lost("missing")
            case {"kind": "lost", "detail": str(detail)}:
                raise Malformed(detail[:MAX_MESSAGE])
        raise Malformed("a reply of an unknown kind")

    def _how_it_ended(self) -> Lost:
        end = self._process.ended(seconds=END_SECONDS)
        if end is None:
            return Lost("exit", "the worker hung up")
        if end.signal and end.peak_mb >= NEARLY_ALL * self._limits.memory_mb:
            return Lost("memory", f"the process ended when it used {end.peak_mb:,} MB of {self._limits.memory_mb:,} MB")
        if end.signal == signal.SIGKILL and not _used_up(end, self._limits):
            # A worker cannot send itself this signal: someone outside did, or the machine ran out of memory.
            raise OurError("a worker was killed from outside")
        if end.signal:
            return Lost("exit", f"the process was ended by signal {signal.Signals(end.signal).name}")
        return Lost("exit", "the process ended itself")

    def _end(self, lost: Lost) -> Lost:
        self._lost = lost
        self.close()
        return lost


def _spies_in(tree: Any) -> list[Spy]:
    """The spies among a call's arguments."""
    return list(_leaves(tree))


def _leaves(tree: Any) -> Iterator[Spy]:
    match tree:
        case Spy():
            yield tree
        case Call(args, then):
            yield from _leaves(args)
            yield from _leaves(then)
        case list() | tuple():
            for part in tree:
                yield from _leaves(part)
        case dict():
            yield from _leaves(list(tree.values()))


def _text(text: str) -> np.ndarray:
    """Text of any length, as bytes: strings of the wire format are short."""
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


def _most_output(limit_kb: int) -> int:
    return 8 * (limit_kb << 10) + (1 << 16)


def _used_up(end: End, limits: Limits) -> bool:
    return end.cpu >= 4 * limits.submission_seconds
