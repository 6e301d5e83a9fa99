"""Frames over a socket: two lengths, then `head` and `blob`. The deadline is for the whole frame, whatever trickles in.

Nothing is decoded here, and nothing is allocated before the lengths are known to be allowed.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

from autograder.wire import MAX_BLOB, MAX_HEAD, Malformed

LENGTHS = struct.Struct(">IQ")
SMALL = 1 << 16

Deadline = float | Callable[[], float] | None
"""A moment on the monotonic clock, or what tells it anew whenever it seems to have passed."""


class Ended(Exception):
    """The other side has gone."""


class Expired(Exception):
    """The deadline has passed before the frame was complete."""


def framed(head: bytes, blob: bytes = b"") -> bytes:
    """One frame as it travels."""
    return LENGTHS.pack(len(head), len(blob)) + head + blob


def send(peer: socket.socket, frames: bytes, *, deadline: Deadline = None) -> None:
    """Put frames on the way by `deadline` (on the monotonic clock)."""
    try:
        view = memoryview(frames)
        while view:
            peer.settimeout(_left(deadline))
            try:
                view = view[peer.send(view) :]
            except TimeoutError:
                continue  # `_left` knows whether the deadline has moved
    except OSError:
        raise Ended from None


class Reader:
    """Frames that arrive at a socket, as many at a time as have come. `Malformed` if one announces more than the caps,
    and it stays so: nobody knows where the next one begins."""

    def __init__(self, peer: socket.socket):
        self._peer, self._buffer = peer, bytearray()

    def ready(self) -> bool:
        """Whether a frame has come that nobody has taken."""
        return len(self._buffer) >= sum(self._sizes())

    def frame(self, *, deadline: Deadline = None) -> tuple[bytes, bytes]:
        """`head` and `blob` of the next frame."""
        while len(self._buffer) < sum(sizes := self._sizes()):
            self._buffer += self._received(max(sum(sizes) - len(self._buffer), SMALL), deadline)
        start, head, blob = sizes
        with memoryview(self._buffer) as view:
            frame = bytes(view[start : start + head]), bytes(view[start + head : start + head + blob])
        del self._buffer[: start + head + blob]
        return frame

    def _sizes(self) -> tuple[int, int, int]:
        """How long the next frame is, in three parts, as far as that can be told."""
        if len(self._buffer) < LENGTHS.size:
            return LENGTHS.size, 0, 0
        head, blob = LENGTHS.unpack_from(self._buffer)
        if head > MAX_HEAD or blob > MAX_BLOB:
            raise Malformed(f"a frame of {head:,} + {blob:,} bytes was announced")
        return LENGTHS.size, head, blob

    def _received(self, most: int, deadline: Deadline) -> bytes:
        while True:
            try:
                self._peer.settimeout(_left(deadline))
                data = self._peer.recv(min(most, MOST_AT_ONCE))
            except TimeoutError:
                continue  # `_left` knows whether the deadline has moved
            except OSError:
                raise Ended from None
            if not data:
                raise Ended
            return data


MOST_AT_ONCE = 1 << 20


def _left(deadline: Deadline) -> float | None:
    if deadline is None:
        return None
    left = (deadline() if callable(deadline) else deadline) - time.monotonic()
    if left <= 0:
        raise Expired
    return left
