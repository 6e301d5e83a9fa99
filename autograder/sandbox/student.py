"""One worker as the grader sees it. Everything the worker says is an attacker's data, and nothing it does raises here.

What raises is ours alone: `OurError` when the machine fails, and whatever of that kind a spy's function raises.
"""

from __future__ import annotations

import itertools
import json
import math
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.errors import AuthorError, OurError
from autograder.records import Call, CellOutcome, Handle, Limits, Lost, Outcome, Raised, Returned, Spy
from autograder.remembering import Around
from autograder.sandbox import channel
from autograder.sandbox.outputs import checked
from autograder.sandbox.patience import Patience
from autograder.sandbox.seam import FORGIVEN, forgiven
from autograder.sandbox.server import End, Process
from autograder.wire import MAX_BLOB, Malformed, decode, encode

MAX_TYPE, MAX_MESSAGE, MAX_TRACEBACK = 100, 2_000, 6_000
MAX_CALLBACKS = 20_000
MAX_CALLBACK_BYTES = 4 << 20
MAX_CALLBACKS_BYTES = 128 << 20  # of all callbacks of one request: a law may keep everything it is told
HELLO_SECONDS = 60.0
END_SECONDS = 2.0
LONG = 0.05  # seconds: in an answer that came faster, a worker cannot have stood in line for long
NEARLY_ALL = 0.8  # of the memory allowed: a process that dies abnormally with that much has run out of it


class WarmStudent:
    """A worker of `WarmSandbox`. Not for two threads at once."""

    def __init__(
        self, process: Process, peer: socket.socket, limits: Limits, *, given: Mapping[str, str], arrays: str
    ) -> None:
        self._process, self._peer, self._limits = process, peer, limits
        self._waited, self._spent = 0.0, 0.0
        self._lost: Lost | None = None
        self._spies: dict[int, Spy] = {}
        try:
            self._greet({"given": _text(json.dumps(dict(given))), "arrays": arrays, "output_kb": limits.output_kb})
        except BaseException:
            self.close()
            raise

    @property
    def spent(self) -> float:
        """Seconds that the submission's code has had, as far as they count."""
        return self._spent

    def run(self, source: str, *, seconds: float, drawn: bool = True) -> CellOutcome:
        """What a cell put out, and how it ended."""
        reply = self._ask({"op": "run", "source": _text(source), "drawn": drawn}, seconds)
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
        reply = self._ask({"op": "look", "cells": cells}, seconds)
        if isinstance(reply, Lost):
            return reply
        try:
            return self._outcome(reply, 0, valued=True)
        except (Malformed, KeyError) as error:
            return self._end(Lost("protocol", str(error)))

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        """What the object named `target`, or behind the handle, answers."""
        spies = self._numbered(_spies_in(call))
        begin = time.monotonic()
        reply = self._ask({"op": "call", "target": target, "call": call, "spies": spies}, seconds)
        if isinstance(reply, Lost):
            return reply
        try:
            answer = self._outcome(reply, len(call.args or ()), valued=True, most=time.monotonic() - begin)
        except (Malformed, KeyError) as error:
            return self._end(Lost("protocol", str(error)))
        return answer

    def bind(self, name: str, spy: Spy) -> None:
        """Put a function of the grader's behind a name. A worker lost meanwhile says so when it is next asked."""
        numbers = self._numbered([spy])
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
        deadline = time.monotonic() + HELLO_SECONDS
        try:
            channel.send(self._peer, *encode(dict(hello)), deadline=deadline)
            reply = decode(*channel.receive(self._peer, deadline=deadline))
        except (channel.Ended, channel.Expired, Malformed) as error:
            end = self._process.ended(seconds=END_SECONDS)
            raise OurError(f"a worker did not start: {type(error).__name__}, {end}") from None
        match reply:  # nobody's code has run yet, so this is still the engine speaking
            case {"kind": "failed", "message": str(message)}:
                raise OurError(f"a worker did not start: {message}")

    def _ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any] | Lost:
        """The reply to a request, after the callbacks that came in between; or how the worker was lost."""
        if self._lost is not None:
            return self._lost
        before, begin = self._waited, time.monotonic()
        deadline = Patience(min(seconds, self._limits.submission_seconds - self._spent), self._look, before).until
        number = secrets.randbits(62)  # a reply written before it was asked for cannot know it
        frame = encode({**request, "id": number})
        try:
            channel.send(self._peer, *frame, deadline=deadline)
            told = 0
            for callbacks in itertools.count():
                reply = decode(*channel.receive(self._peer, deadline=deadline, most_blob=MAX_BLOB))
                if not isinstance(reply, dict) or reply.get("id") != number:
                    raise Malformed("a reply that was not asked for")
                if reply.get("kind") != "callback":
                    return reply
                if callbacks == MAX_CALLBACKS:
                    raise Malformed(f"more than {MAX_CALLBACKS:,} callbacks")
                told += _size(reply.get("args"))
                if told > MAX_CALLBACKS_BYTES:
                    raise Malformed("callbacks with too much data")
                self._call_back(reply, deadline)
            raise AssertionError
        except channel.Expired:
            return self._end(Lost("time", f"no answer within {seconds:g} s"))
        except Malformed as error:
            return self._end(Lost("protocol", str(error)[:MAX_MESSAGE]))
        except channel.Ended:
            return self._end(self._how_it_ended())
        except BaseException:
            self.close()
            raise
        finally:
            self._count(time.monotonic() - begin, before)

    def _count(self, seconds: float, before: float) -> None:
        """A request took that long, and the worker had stood in line for `before` seconds until then."""
        waited = (self._look() if seconds > LONG else self._waited) - before
        self._spent += seconds - forgiven(waited, seconds / (1 + FORGIVEN))

    def _look(self) -> float:
        self._waited = max(self._waited, self._process.stood_in_line())
        return self._waited

    def _call_back(self, reply: Mapping[str, Any], deadline: Callable[[], float]) -> None:
        """Evaluate a spy for the student's code. What its function raises is a constant sentence over there."""
        spy, args = reply.get("spy"), reply.get("args")
        if type(spy) is not int or spy not in self._spies or not isinstance(args, tuple):
            raise Malformed("a callback to a function that was not offered")
        if _size(args) > MAX_CALLBACK_BYTES:
            raise Malformed("a callback with too much data")
        if time.monotonic() >= deadline():
            raise channel.Expired
        try:
            answer: dict[str, Any] = {"answer": self._spies[spy].function(*args)}
        except (OurError, AuthorError):
            raise
        except Exception:
            answer = {}
        try:
            frame = encode(answer)
        except Malformed as error:
            raise OurError(
                f"the function {self._spies[spy].name} answered something that cannot be sent: {error}"
            ) from None
        channel.send(self._peer, *frame, deadline=deadline)

    def _numbered(self, spies: list[Spy]) -> dict[str, int]:
        """A number for each spy, by name; an earlier number stays valid for objects that kept the function."""
        numbers: dict[str, int] = {}
        for spy in spies:
            known = next((n for n, s in self._spies.items() if s is spy), None)
            number = len(self._spies) + 1 if known is None else known
            if numbers.setdefault(spy.name, number) != number:
                raise OurError(f"two functions named {spy.name} are passed to one call")
            self._spies[number] = spy
        return numbers

    def _outcome(self, reply: Mapping[str, Any], arguments: int, *, valued: bool, most: float = 0.0) -> Outcome:
        """The outcome that a reply claims, each part checked and cut to size."""
        match reply:
            case {"kind": "returned"} if not valued:
                return Returned(None)
            case {"kind": "returned", "value": value, "seconds": float(seconds), "changed": tuple(changed)}:
                if not math.isfinite(seconds) or not all(type(i) is int and 0 <= i < arguments for i in changed):
                    raise Malformed("a reply with impossible facts")
                return Returned(value, min(max(seconds, 0.0), most), changed)
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


def _size(tree: Any) -> int:
    match tree:
        case np.ndarray():
            return tree.nbytes
        case list() | tuple():
            return 8 + sum(_size(part) for part in tree)
        case dict():
            return _size(list(tree.items()))
        case str():
            return len(tree)
    return 8


def _text(text: str) -> np.ndarray:
    """Text of any length, as bytes: strings of the wire format are short."""
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


def _most_output(limit_kb: int) -> int:
    return 8 * (limit_kb << 10) + (1 << 16)


def _used_up(end: End, limits: Limits) -> bool:
    return end.cpu >= 4 * limits.submission_seconds
