"""The guards of the seam, each as something that a test may take away, and what an attack then comes to.

An attack's header says which one is its own: `README.md` has the words. `test_twins` asserts that it succeeds.
"""

import dataclasses
import json
import os
import pickle
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder import wire
from autograder.records import Limits
from autograder.sandbox import channel, exchange
from autograder.sandbox import student as grader_s_side
from autograder.sandbox.pool import WarmSandbox
from seam import CANARY, LIMITS, attacked, shortcoming, succeeded

HERE = Path(__file__).resolve().parent
LINE = re.compile(
    r"^# (without (?!namespaces)[^:\n]+|with \w+=\d+|in [^:\n]+'s \w+|on the released sheet|twin|no twin): (.+)$",
    re.MULTILINE,
)
MEMORY = 1 << 30
"""What the machine of a grader without caps is said to have: more is not really asked of this one."""
PATIENCE = 2.0
"""An answer that takes so many seconds never comes."""


class TooManyFiles(Exception):
    """The grader would hold open files that a student sent."""


def twin(text: str) -> tuple[str, str]:
    """The guard that an attack's header takes away, and what must then come of it."""
    (line,) = LINE.findall(text.partition("# %%")[0])
    return line


def came_to(said: str, sandbox: WarmSandbox, text: str, facts: dict[str, object], limits: Limits = LIMITS) -> str:
    """Nothing, if the attack now comes to what its header says of its twin; otherwise what it came to."""
    if said.startswith("the grader raises "):
        try:
            return repr(attacked(sandbox, text, facts, limits)[0])[:500]
        except Exception as error:
            return "" if type(error).__name__ == said.split()[-1] else repr(error)
    outcome, told = attacked(sandbox, text, facts, limits)
    match said:
        case "succeeds":
            return "" if succeeded(outcome) else told[:500]
        case "tells the canary":
            return "" if CANARY in told or CANARY in bytes_of(outcome) else told[:500]
    return shortcoming(f"# expect: {said}\n", outcome)


def bytes_of(outcome: Any) -> str:
    """The bytes of an answer that is an array, as text."""
    value = getattr(outcome, "value", None)
    return value.tobytes().decode("latin-1") if isinstance(value, np.ndarray) else ""


def with_more(setting: str, patch: pytest.MonkeyPatch) -> Limits:
    """The limits, with one of them or one of the grader's own caps raised."""
    name, value = setting.removeprefix("with ").split("=")
    if name in {field.name for field in dataclasses.fields(Limits)}:
        return dataclasses.replace(LIMITS, **{name: int(value)})
    for module in (wire, channel, exchange, grader_s_side):
        if hasattr(module, name):
            patch.setattr(module, name, int(value))
    return LIMITS


def in_its_process(attack: Path, said: str) -> str:
    """What an attack comes to in `naive.py`, in the words of its header, of which `said` is awaited."""
    command = [sys.executable, str(HERE / "naive.py"), str(attack)]
    environment = {"PYTHONPATH": str(HERE.parent.parent), "JAX_PLATFORMS": "cpu"}
    with subprocess.Popen(  # without a buffer, in which a line could stay that `communicate` does not find
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, env=environment, cwd=HERE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"begins\n"
        hanging = said == "never ends" and process.stdout.readline() == b"asks\n"
        try:
            told, _ = process.communicate(timeout=PATIENCE if hanging else 60)
        except subprocess.TimeoutExpired:
            process.kill()
            return "never ends"
    if not told.removeprefix(b"asks\n"):
        return "no verdict"
    found = json.loads(told.splitlines()[-1])
    return " and ".join(
        [w for w in ("succeeds", "told at length") if found[w] is True] + ["passed"] * (found["verdict"] == "passed")
    )


# ---- the guards ----------------------------------------------------------------------------------------------------


def secret_numbers(patch: pytest.MonkeyPatch) -> None:
    """Every request has the same number."""
    patch.setattr(exchange, "secrets", SimpleNamespace(randbits=lambda bits: 1))


def a_cap_on_lengths(patch: pytest.MonkeyPatch) -> None:
    """The grader makes room for whatever is announced."""
    announced = channel.Reader._sizes

    def sizes(self: channel.Reader) -> tuple[int, int, int]:
        if sum(found := announced(self)) > MEMORY:
            raise MemoryError
        return found

    patch.setattr(channel, "MAX_HEAD", 1 << 64)
    patch.setattr(channel, "MAX_BLOB", 1 << 64)
    patch.setattr(channel.Reader, "_sizes", sizes)


def strict_decoding(patch: pytest.MonkeyPatch) -> None:
    """Numbers are read wherever a frame says that they are, in a buffer that has held something before."""

    def decode(head: bytes, blob: bytes, **options: Any) -> Any:
        before = (CANARY * 1000).encode()[:8000]

        def node(tree: Any) -> Any:
            match tree:
                case {"$t": parts}:
                    return tuple(node(part) for part in parts)
                case {"$a": (name, shape, offset)}:
                    return np.frombuffer(before + blob, name, np.prod(shape), offset + len(before)).reshape(shape)
                case dict():
                    return {key: node(value) for key, value in tree.items()}
            return tree

        return node(json.loads(head))

    patch.setattr(exchange, "decode", decode)


def a_list_of_records(patch: pytest.MonkeyPatch) -> None:
    """A worker may send every record that there is."""
    patch.setattr(exchange, "decode", partial(wire.decode, allow=wire.TRUSTED))


def a_format_of_our_own(patch: pytest.MonkeyPatch) -> None:
    """What begins as a pickle is read as a pickle."""
    frame, decode = channel.Reader.frame, wire.decode

    def received(self: channel.Reader, **options: Any) -> tuple[bytes, bytes]:
        if not self._buffer:
            self._buffer += self._received(1 << 16, time.monotonic() + 20)
        if self._buffer[:1] == b"\x80":
            return bytes(self._buffer), b""
        return frame(self, **options)

    patch.setattr(channel.Reader, "frame", received)
    patch.setattr(exchange, "decode", lambda h, b: pickle.loads(h) if h[:1] == b"\x80" else decode(h, b))


def deafness_to_files(patch: pytest.MonkeyPatch) -> None:
    """The grader takes the open files that come with a frame."""

    def received(self: channel.Reader, most: int, deadline: Any) -> bytes:
        self._peer.settimeout(20)
        data, files, *_ = socket.recv_fds(self._peer, most, 200)
        for file in files:
            os.close(file)
        if len(files) > 50:
            raise TooManyFiles
        return data

    patch.setattr(channel.Reader, "_received", received)


def one_deadline_for_all(patch: pytest.MonkeyPatch) -> None:
    """The time begins anew with every byte."""
    received = channel.Reader._received
    patch.setattr(channel.Reader, "_received", lambda self, most, deadline: received(self, 1, time.monotonic() + 20))


def a_list_of_offers(patch: pytest.MonkeyPatch) -> None:
    """The grader answers whatever it is asked."""

    def call_back(self: exchange.Exchange, reply: Any, deadline: Any) -> None:
        channel.send(self._peer, channel.framed(*wire.encode({"answer": CANARY})))

    patch.setattr(exchange.Exchange, "_call_back", call_back)


GUARDS: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    guard.__name__.replace("_", " "): guard
    for guard in (
        secret_numbers,
        a_cap_on_lengths,
        strict_decoding,
        a_list_of_records,
        a_format_of_our_own,
        deafness_to_files,
        one_deadline_for_all,
        a_list_of_offers,
    )
}
