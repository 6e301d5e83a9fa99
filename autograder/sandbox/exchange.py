"""Requests to one worker and its replies, in order. Several requests may be on their way, so that a worker goes on
while its last answers are read, and these are read many at a time: whoever is woken for each pays for that each time.

Everything a worker says is an attacker's data. What raises is ours alone.
"""

from __future__ import annotations

import itertools
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar

from autograder.errors import AuthorError, OurError
from autograder.records import Lost, Spy
from autograder.sandbox import channel
from autograder.sandbox.patience import Patience
from autograder.sandbox.seam import FORGIVEN, forgiven
from autograder.wire import Malformed, around, decode, encode, size_of

MAX_MESSAGE = 2_000
MAX_CALLBACKS = 20_000
MAX_CALLBACK_BYTES = 4 << 20
MAX_CALLBACKS_BYTES = 128 << 20  # of all callbacks of one request: a law may keep everything it is told
MOST_ON_THE_WAY, MOST_BYTES_ON_THE_WAY = 64, 1 << 16
"""More than a socket holds must not be on its way, or both sides would wait for the other to read."""
FEW, PAUSE, LONGEST_PAUSE = 4, 2e-4, 5e-3
"""Where more than a few replies are awaited, so many seconds are slept for each, and at the most, instead of being
woken for the next one."""
LONG = 0.05  # seconds: in an answer that came faster, a worker cannot have stood in line for long


@dataclass(frozen=True)
class Request:
    """What a worker is asked, and how long it may take, which is read when its turn comes. What is `asked` is written
    already."""

    message: Mapping[str, Any]
    seconds: Callable[[], float]
    asked: tuple[bytes, bytes] | None = None
    number: int = field(default_factory=lambda: secrets.randbits(62))  # which a reply written beforehand cannot know


Requests: TypeAlias = Callable[[], Request | None]
"""What is to be asked next; None while that is nothing. It may be more once replies have been heard."""

Asked = TypeVar("Asked")


def once(asked: Asked) -> Callable[[], Asked | None]:
    """This, and then nothing."""
    return partial(next, iter([asked]), None)


class Exchange:
    """The grader's end of a worker's socket. `ended` tells how a worker that has hung up was lost, `stood_in_line` for
    how many seconds it was ready to run and did not."""

    def __init__(
        self,
        peer: socket.socket,
        seconds: float,
        *,
        ended: Callable[[], Lost],
        stood_in_line: Callable[[], float],
    ):
        self.spent = 0.0
        self._peer, self._seconds, self._ended, self._stood_in_line = peer, seconds, ended, stood_in_line
        self._reader = channel.Reader(peer)
        self._waited = 0.0
        self._spies: dict[int, Spy] = {}

    def greet(self, hello: Mapping[str, Any], deadline: float) -> Any:
        """What the engine over there answers to the first frame of all."""
        channel.send(self._peer, channel.framed(*encode(dict(hello))), deadline=deadline)
        return decode(*self._reader.frame(deadline=deadline))

    def replies(self, requests: Requests) -> Iterator[dict[str, Any] | Lost]:
        """The reply to each request, after the callbacks that came in between; or how the worker was lost, which is
        the last."""
        way = _Way(requests)
        while (reply := self._next(way)) is not None:
            yield reply
            if isinstance(reply, Lost):
                return

    def offer(self, spies: list[Spy]) -> dict[str, int]:
        """A number for each spy, by name; an earlier number stays valid for objects that kept the function."""
        numbers: dict[str, int] = {}
        for spy in spies:
            known = next((n for n, s in self._spies.items() if s is spy), None)
            number = len(self._spies) + 1 if known is None else known
            if numbers.setdefault(spy.name, number) != number:
                raise OurError(f"two functions named {spy.name} are passed to one call")
            self._spies[number] = spy
        return numbers

    def _next(self, way: _Way) -> dict[str, Any] | Lost | None:
        try:
            ready = bool(way.asked) and self._reader.ready()
        except Malformed as error:
            return Lost("protocol", str(error)[:MAX_MESSAGE])
        # What is to be asked is found out by authors' code, whose time is not the student's, nor are its errors.
        frames = b"" if ready else way.more()
        if not way.asked:
            return None
        request, before, begin = way.asked[0], self._waited, time.monotonic()
        seconds = min(request.seconds(), self._seconds - self.spent)
        deadline = Patience(seconds, self._look, before).until
        try:
            if frames:
                channel.send(self._peer, frames, deadline=deadline)
            if not self._reader.ready() and len(way.asked) > FEW:
                time.sleep(max(0.0, min(PAUSE * len(way.asked), LONGEST_PAUSE, seconds)))
            reply = self._reply(request.number, deadline)
            way.answered()
            return reply
        except channel.Expired:
            return Lost("time", f"no answer within {seconds:g} s")
        except Malformed as error:
            return Lost("protocol", str(error)[:MAX_MESSAGE])
        except channel.Ended:
            return self._ended()
        finally:
            self._count(time.monotonic() - begin, before)

    def _reply(self, number: int, deadline: Callable[[], float]) -> dict[str, Any]:
        told = 0
        for callbacks in itertools.count():
            reply = decode(*self._reader.frame(deadline=deadline))
            if not isinstance(reply, dict) or reply.get("id") != number:
                raise Malformed("a reply that was not asked for")
            if reply.get("kind") != "callback":
                return reply
            if callbacks == MAX_CALLBACKS:
                raise Malformed(f"more than {MAX_CALLBACKS:,} callbacks")
            told += size_of(reply.get("args"))
            if told > MAX_CALLBACKS_BYTES:
                raise Malformed("callbacks with too much data")
            self._call_back(reply, deadline)
        raise AssertionError

    def _call_back(self, reply: Mapping[str, Any], deadline: Callable[[], float]) -> None:
        """Evaluate a spy for the student's code. What its function raises is a constant sentence over there."""
        spy, args = reply.get("spy"), reply.get("args")
        if type(spy) is not int or spy not in self._spies or not isinstance(args, tuple):
            raise Malformed("a callback to a function that was not offered")
        if size_of(args) > MAX_CALLBACK_BYTES:
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
            frame = channel.framed(*encode(answer))
        except Malformed as error:
            raise OurError(
                f"the function {self._spies[spy].name} answered something that cannot be sent: {error}"
            ) from None
        channel.send(self._peer, frame, deadline=deadline)

    def _count(self, seconds: float, before: float) -> None:
        """A reply took that long, and the worker had stood in line for `before` seconds until then."""
        waited = (self._look() if seconds > LONG else self._waited) - before
        self.spent += seconds - forgiven(waited, seconds / (1 + FORGIVEN))

    def _look(self) -> float:
        self._waited = max(self._waited, self._stood_in_line())
        return self._waited


@dataclass
class _Way:
    """What is on its way to a worker: requests that were sent and not answered, oldest first."""

    requests: Requests
    asked: deque[Request] = field(default_factory=deque)
    _sizes: deque[int] = field(default_factory=deque)
    _next: tuple[Request, bytes] | None = None

    def more(self) -> bytes:
        """Frames of as many more requests as may be on their way; of one in any case, if nothing is."""
        frames, size = list[bytes](), sum(self._sizes)
        while len(self.asked) < MOST_ON_THE_WAY and (following := self._next or self._following()):
            request, frame = self._next = following
            if self.asked and size + len(frame) > MOST_BYTES_ON_THE_WAY:
                break
            self._next = None
            self.asked.append(request)
            self._sizes.append(len(frame))
            frames.append(frame)
            size += len(frame)
        return b"".join(frames)

    def answered(self) -> None:
        self.asked.popleft()
        self._sizes.popleft()

    def _following(self) -> tuple[Request, bytes] | None:
        if (request := self.requests()) is None:
            return None
        message = {**request.message, "id": request.number}
        frame = encode(message) if request.asked is None else around(message, "asked", request.asked)
        return request, channel.framed(*frame)
