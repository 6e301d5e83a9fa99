"""Frames arrive whole, by the deadline, within the caps; or the reason why not is told."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from autograder.sandbox.channel import LENGTHS, Ended, Expired, Reader, framed, send
from autograder.wire import MAX_BLOB, MAX_HEAD, Malformed

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    a, b = socket.socketpair()
    with a, b:
        yield a, b


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_frame_arrives_as_it_was_sent(pair: Pair, size: int) -> None:
    sender = threading.Thread(target=send, args=(pair[0], framed(b"head", b"b" * size)))
    sender.start()
    assert Reader(pair[1]).frame(deadline=time.monotonic() + 10) == (b"head", b"b" * size)
    sender.join()


def test_frames_that_have_come_together_are_told_apart(pair: Pair) -> None:
    reader = Reader(pair[1])
    assert not reader.ready()
    frames = [(b"", b""), (b"one", b""), (b"", b"two"), (b"three", b"3" * 70_000), (b"four", b"4")]
    send(pair[0], b"".join(framed(*frame) for frame in frames) + LENGTHS.pack(3, 0))
    for number, frame in enumerate(frames):
        assert reader.frame(deadline=time.monotonic() + 10) == frame
        assert reader.ready() or number > 1  # the fourth is longer than what is read at once
    assert not reader.ready()
    send(pair[0], b"end")
    assert reader.frame(deadline=time.monotonic() + 10) == (b"end", b"")


@pytest.mark.parametrize(("head", "blob"), [(MAX_HEAD + 1, 0), (0, MAX_BLOB + 1), (2**32 - 1, 2**64 - 1)])
def test_a_frame_over_the_caps_is_refused_before_it_is_read(pair: Pair, head: int, blob: int) -> None:
    pair[0].sendall(LENGTHS.pack(head, blob))
    reader = Reader(pair[1])
    for _ in range(2):  # nobody knows where the next one would begin
        with pytest.raises(Malformed, match="was announced"):
            reader.frame()


def test_bytes_that_trickle_in_do_not_move_the_deadline(pair: Pair) -> None:
    pair[0].sendall(LENGTHS.pack(1000, 0))
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.01):
            pair[0].sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    begin = time.monotonic()
    with pytest.raises(Expired):
        Reader(pair[1]).frame(deadline=begin + 0.2)
    assert 0.15 < time.monotonic() - begin < 30
    stop.set()
    thread.join()


def test_a_reader_that_does_not_read_cannot_hold_the_sender(pair: Pair) -> None:
    with pytest.raises(Expired):
        send(pair[0], b"x" * 10_000_000, deadline=time.monotonic() + 0.2)


def test_a_deadline_in_the_past_reads_nothing(pair: Pair) -> None:
    pair[0].sendall(LENGTHS.pack(0, 0))
    with pytest.raises(Expired):
        Reader(pair[1]).frame(deadline=time.monotonic() - 1)


def test_an_end_in_the_middle_of_a_frame_is_an_end(pair: Pair) -> None:
    pair[0].sendall(LENGTHS.pack(10, 0) + b"123")
    pair[0].close()
    with pytest.raises(Ended):
        Reader(pair[1]).frame()
    with pytest.raises(Ended):
        send(pair[1], b"x")
