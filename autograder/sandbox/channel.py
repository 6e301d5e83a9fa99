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


def send(peer: socket.socket, head: bytes, blob: bytes = b"", *, deadline: Deadline = None) -> None:
    """Put one frame on the way by `deadline` (on the monotonic clock)."""
    start = LENGTHS.pack(len(head), len(blob)) + head
    pieces = [start + blob] if len(blob) < SMALL else [start, blob]
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                peer.settimeout(_left(deadline))
                try:
                    view = view[peer.send(view) :]
                except TimeoutError:
                    continue  # `_left` knows whether the deadline has moved
    except OSError:
        raise Ended from None


def receive(
    peer: socket.socket, *, deadline: Deadline = None, most_head: int = MAX_HEAD, most_blob: int = MAX_BLOB
) -> tuple[bytes, bytes]:
    """`head` and `blob` of the next frame. `Malformed` if it announces more than the caps."""
    head_size, blob_size = LENGTHS.unpack(_exactly(peer, LENGTHS.size, deadline))
    if head_size > most_head or blob_size > most_blob:
        raise Malformed(f"a frame of {head_size:,} + {blob_size:,} bytes was announced")
    frame = _exactly(peer, head_size + blob_size, deadline)
    return frame[:head_size], frame[head_size:]


def _exactly(peer: socket.socket, size: int, deadline: Deadline) -> bytes:
    buffer = bytearray(size)
    view = memoryview(buffer)
    try:
        while view:
            peer.settimeout(_left(deadline))
            try:
                count = peer.recv_into(view)
            except TimeoutError:
                continue
            if count == 0:
                raise Ended
            view = view[count:]
    except OSError:
        raise Ended from None
    return bytes(buffer)


def _left(deadline: Deadline) -> float | None:
    if deadline is None:
        return None
    left = (deadline() if callable(deadline) else deadline) - time.monotonic()
    if left <= 0:
        raise Expired
    return left
