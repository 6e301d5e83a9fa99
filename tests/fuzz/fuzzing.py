"""Random and damaged input for everything that reads a stranger's bytes: `make fuzz MINUTES=10`.

An input is made from one number, so a crash is reported as `target seed` and `python tests/fuzz/fuzzing.py TARGET SEED`
shows it again. Whatever the bytes are, a reader answers, or refuses with the one exception that is its own; it takes no
longer than `MAX_SECONDS`, and no more memory than `MAX_MB` on top of what was there.
"""

import base64
import json
import random
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.notebook.document import METADATA, Unreadable, parse
from autograder.sandbox import channel
from autograder.sandbox.outputs import checked
from autograder.wire import HOSTILE, TRUSTED, Malformed, decode, encode, from_text, to_text

sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks"))
from honest import CELLS, HONEST
from making import CUT, KEYS, KINDS, Rng, changed, damaged, dumped, node, output, scalar, tree, value

MAX_SECONDS = 5.0
MAX_MB = 600

# ---- what is read -----------------------------------------------------------------------------------------------


def frame(rng: Rng) -> tuple[bytes, bytes]:
    blob = rng.randbytes(rng.choice((0, 8, 64)))
    match rng.randrange(6):
        case 0:
            return rng.randbytes(rng.randrange(80)), blob
        case 4:
            return encode(value(rng))
        case 5:
            head, blob = encode(value(rng))
            return dumped(changed(rng, json.loads(head))), blob
        case 1:
            return dumped(node(rng)), blob
        case 2:
            head, blob = encode(value(rng))
            return damaged(rng, head), damaged(rng, blob) if rng.random() < 0.5 else blob
    return damaged(rng, dumped(node(rng))), blob


def read_frame(data: tuple[bytes, bytes]) -> None:
    for allow in (HOSTILE, TRUSTED):
        with suppress(Malformed):
            found = decode(*data, allow=allow)
            repr(found)


def stream(rng: Rng) -> bytes:
    head, blob = frame(rng)
    whole = channel.framed(head, blob)
    return damaged(rng, whole) if rng.random() < 0.7 else whole


def read_stream(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        with suppress(Malformed, channel.Ended, channel.Expired):
            reader = channel.Reader(theirs)
            while True:
                decode(*reader.frame(deadline=time.monotonic() + 1))


def sheet(rng: Rng) -> str:
    arrays = base64.b64encode(rng.randbytes(rng.choice((0, 8, 64)))).decode()
    match rng.randrange(3):
        case 0:
            return damaged(rng, to_text(value(rng)).encode()).decode("utf-8", "replace")
        case 1:
            return dumped(changed(rng, json.loads(to_text(value(rng))))).decode()
    return dumped({"tree": node(rng), "arrays": arrays}).decode()


def read_sheet(text: str) -> None:
    with suppress(Malformed):
        from_text(text)


def outputs(rng: Rng) -> bytes:
    said = [output(rng) for _ in range(rng.randrange(4))]
    match rng.randrange(4):
        case 0:
            return dumped(tree(rng))
        case 1:
            return dumped(said)
        case 2:
            return dumped(changed(rng, said))
    return damaged(rng, dumped(said))


def read_outputs(data: bytes) -> None:
    with suppress(Malformed):
        json.dumps(checked(data, limit_kb=64), allow_nan=False).encode()


SAVED = [t if isinstance(t, bytes) else dumped(t) for t in (make(CELLS) for make in HONEST.values())]
SAVED = [data for data in SAVED if len(data) < CUT]


def notebook(rng: Rng) -> bytes:
    match rng.randrange(6):
        case 0:
            return rng.randbytes(rng.randrange(300))
        case 1:
            return dumped(tree(rng))
        case 2:
            cells = [
                {rng.choice(KEYS): rng.choice((tree(rng, 3), rng.choice(KINDS))) for _ in range(6)} for _ in range(4)
            ]
            where = {"worksheets": [{"cells": cells}]} if rng.random() < 0.3 else {"cells": cells}
            return dumped({**where, "metadata": tree(rng), "nbformat": scalar(rng)})
    whole = rng.choice(SAVED)
    if rng.random() < 0.5 and whole.startswith(b"{"):
        return dumped(changed(rng, json.loads(whole.decode("utf-8", "replace"))))
    return damaged(rng, whole)


def read_notebook(data: bytes) -> None:
    try:
        found = parse(data, "toy.ipynb")
    except Unreadable as error:
        assert str(error).isprintable()
        return
    cells = list(found.cells)
    json.dumps({"cells": cells, "metadata": METADATA}, ensure_ascii=False, allow_nan=False).encode()
    assert len({c["id"] for c in cells}) == len(cells)
    assert all(isinstance(c["source"], str) for c in cells)


@dataclass(frozen=True)
class Target:
    """Something that reads a stranger's data: what makes an input from random numbers, and what reads it."""

    make: Callable[[Rng], Any]
    read: Callable[[Any], None]


TARGETS: Mapping[str, Target] = {
    "frame": Target(frame, read_frame),
    "stream": Target(stream, read_stream),
    "sheet": Target(sheet, read_sheet),
    "outputs": Target(outputs, read_outputs),
    "notebook": Target(notebook, read_notebook),
}


def try_one(name: str, seed: int) -> str:
    """What went wrong with one input, or nothing."""
    target = TARGETS[name]
    made = target.make(Rng(seed))
    begin = time.perf_counter()
    try:
        target.read(made)
    except Exception:
        return traceback.format_exc(limit=-4)
    seconds = time.perf_counter() - begin
    return f"took {seconds:.1f} s, but should take less than {MAX_SECONDS:g} s" if seconds > MAX_SECONDS else ""


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main(minutes: float) -> int:
    """Tries inputs for so long; prints how many, and every crash once. The number of crashes."""
    first, before, until = random.SystemRandom().getrandbits(40), peak_mb(), time.monotonic() + 60 * minutes
    tried, crashes = dict.fromkeys(TARGETS, 0), dict.fromkeys(TARGETS, 0)
    known: set[str] = set()
    for seed in range(first, first + 10**12):
        for name in TARGETS:
            wrong = try_one(name, seed)
            tried[name] += 1
            if wrong:
                crashes[name] += 1
                what = wrong.strip().splitlines()[-1][:80]
                if what not in known:
                    print(f"{name} {seed}\n{wrong}", flush=True)
                known.add(what)
        if time.monotonic() > until:
            break
    more = peak_mb() - before
    for name in TARGETS:
        print(f"{name:10}{tried[name]:>12,} tried{crashes[name]:>8,} crashes")
    print(
        f"{'all':10}{sum(tried.values()):>12,} tried{sum(crashes.values()):>8,} crashes; {more} MB more memory at most"
    )
    return sum(crashes.values()) + (more > MAX_MB)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(try_one(sys.argv[1], int(sys.argv[2])) or "nothing wrong")
    else:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0) > 0)
