"""Random values, trees and bytes, each made from a generator of random numbers alone."""

import json
import random
from typing import Any

import numpy as np
from honest import PNG, Tree

from autograder import records
from autograder.arrays import DTYPES
from autograder.wire import TRUSTED

Rng = random.Random
CUT = 1 << 17

WORDS = ("$s", "$f", "$l", "$t", "$d", "$a", "$r", "x", "", "nan", "inf", "float64", "bool", "object", *DTYPES)
RECORDS = tuple(sorted(kind.__name__ for kind in TRUSTED))
FIELDS = ("name", "ident", "type", "callable", "args", "then", "transform", "seed", "function", "label", "kind")
GRADED = ("nbgrader", "grade_id", "points", "grade", "solution", "locked", "task", "schema_version", "checksum")
SAID = ("text", "data", "output_type", "ename", "evalue", "traceback", "execution_count", "image/png")
FACTS = ("metadata", "kernelspec", "language_info", "language", "name", "nbformat", "deletable", "editable", "tags")
PARTS = ("cells", "worksheets", "cell_type", "source", "input", "id", "outputs", "attachments", "level")
KEYS = (*GRADED, *SAID, *FACTS, *PARTS)
KINDS = (
    "code",
    "markdown",
    "raw",
    "heading",
    "html",
    "stream",
    "display_data",
    "error",
    "execute_result",
    "python",
    "R",
)


def integer(rng: Rng) -> int:
    return rng.choice((0, 1, -1, 2, 7, 255, 2**31, 2**32, 2**62, 2**63, -(2**63), 2**64, 10**30, rng.getrandbits(70)))


def word(rng: Rng) -> str:
    if rng.random() < 0.7:
        return rng.choice((*WORDS, *RECORDS, *FIELDS, *KEYS, *KINDS))
    return "".join(
        chr(rng.choice((rng.randrange(128), rng.randrange(0xD700, 0xE100), rng.randrange(0x110000))))
        for _ in range(rng.randrange(9))
    )


def scalar(rng: Rng) -> Any:
    return rng.choice(
        (None, True, False, integer(rng), rng.uniform(-1e300, 1e300), word(rng), float("inf"), float("nan"))
    )


def tree(rng: Rng, depth: int = 5) -> Any:
    """Anything that JSON can say."""
    if depth == 0 or rng.random() < 0.35:
        return scalar(rng)
    if rng.random() < 0.5:
        return [tree(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {word(rng): tree(rng, depth - 1) for _ in range(rng.randrange(4))}


def node(rng: Rng, depth: int = 5) -> Any:
    """Something close to a node of the wire format."""
    inner = lambda: node(rng, depth - 1) if depth else scalar(rng)  # noqa: E731
    match rng.randrange(9):
        case 0:
            return {rng.choice(("$s", "x")): word(rng)}
        case 1:
            return {rng.choice(("$l", "$t")): [inner() for _ in range(rng.randrange(4))]}
        case 2:
            return {"$d": [[inner(), inner()] for _ in range(rng.randrange(4))]}
        case 3:
            shape = [rng.choice((0, 1, 2, 3, integer(rng))) for _ in range(rng.randrange(5))]
            return {"$a": [rng.choice(tuple(DTYPES)), shape, rng.choice((0, 0, 8, integer(rng)))]}
        case 4:
            return {"$r": [rng.choice(RECORDS), {rng.choice(FIELDS): inner() for _ in range(rng.randrange(4))}]}
        case 5:
            return {rng.choice(WORDS): tree(rng, 2)}
        case 6:
            return tree(rng, 2)
    return scalar(rng)


def value(rng: Rng, depth: int = 4) -> Any:
    """A value that the wire carries."""
    if depth and rng.random() < 0.5:
        parts = [value(rng, depth - 1) for _ in range(rng.randrange(4))]
        return rng.choice((parts, tuple(parts), {str(i): p for i, p in enumerate(parts)}))
    array = np.zeros([rng.randrange(4) for _ in range(rng.randrange(4))], rng.choice(tuple(DTYPES)))
    handle, given = records.Handle(rng.randrange(9), "f", True), records.Given("g")
    return rng.choice((None, 1, 2.5, float("nan"), "text", array, np.float32(1), handle, given, records.Key(3)))


def damaged(rng: Rng, data: bytes) -> bytes:
    """The bytes with a few of them changed, doubled, dropped, exchanged, or all cut off somewhere."""
    made = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at, size = rng.randrange(len(made) + 1), rng.choice((1, 1, 2, 8, 64, 500))
        match rng.randrange(7):
            case 0:
                made[at : at + size] = rng.randbytes(min(size, 8))
            case 1:
                made[at:at] = made[at : at + size] * rng.choice((1, 2, 50))
            case 2:
                del made[at : at + size]
            case 3:
                made[at:at] = rng.choice(
                    (b'"', b"{", b"[", b"]", b"}", b",", b"\\", b"\\ud800", b"null", b"1e999", b"\x00")
                )
            case 4 if made:
                made[at % len(made)] ^= 1 << rng.randrange(8)
            case 5:
                del made[at:]
            case 6:
                other = rng.randrange(len(made) + 1)
                made[at : at + size], made[other : other + size] = made[other : other + size], made[at : at + size]
    return bytes(made[:CUT])


def changed(rng: Rng, whole: Any) -> Any:
    """The tree with one part, somewhere, changed for another."""
    match whole:
        case dict() if whole and rng.random() < 0.8:
            key = rng.choice(list(whole))
            return whole | {rng.choice((key, key, key, word(rng))): changed(rng, whole[key])}
        case list() if whole and rng.random() < 0.8:
            at = rng.randrange(len(whole))
            return [*whole[:at], changed(rng, whole[at]), *whole[at + rng.randrange(2) :]]
    return rng.choice((tree(rng, 3), node(rng, 2)))


def dumped(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=True).encode()


def output(rng: Rng) -> Tree:
    """What a worker says that a cell put out."""
    data = {"text/plain": word(rng), "image/png": PNG} if rng.random() < 0.5 else {"text/plain": word(rng)}
    said: tuple[Tree, ...] = (
        {"output_type": "stream", "name": rng.choice(("stdout", "stderr")), "text": word(rng)},
        {"output_type": "display_data", "data": data},
        {"output_type": "execute_result", "data": data},
        {"output_type": "error", "ename": word(rng), "evalue": word(rng), "traceback": [word(rng)]},
    )
    return rng.choice(said)
