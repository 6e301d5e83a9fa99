"""Runs the attacks of this folder against the seam and says how each fell short. What `test_attacks` asserts."""

import ast
import os
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from autograder.records import Call, Handle, Limits, Lost, Outcome, Raised, Returned
from autograder.sandbox.launch import FOLDER
from autograder.sandbox.pool import WarmSandbox

TEXTS = {path.stem: path.read_text() for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))}
ATTACKS = {name: text for name, text in TEXTS.items() if text.startswith("# expect: ")}
LIMITS = Limits(memory_mb=900, processes=48, disk_mb=32)
CANARY = "the hidden answers"


@contextmanager
def grader_s_things(folder: Path) -> Iterator[dict[str, object]]:
    """What an attacker could wish to know, and things worth reaching."""
    (folder / "canary").write_text(CANARY)
    name = f"autograder-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        bound(str(folder / "socket")) as stream,
        bound("\0" + name) as abstract,
        bound(str(folder / "datagram"), socket.SOCK_DGRAM),
    ):
        stream.listen()
        abstract.listen()
        yield {
            "canary": str(folder / "canary"),
            "pid": os.getpid(),
            "port": tcp.getsockname()[1],
            "socket": str(folder / "socket"),
            "datagram": str(folder / "datagram"),
            "abstract": name,
        }


def bound(address: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, kind)
    server.bind(address)
    return server


def attacked(sandbox: WarmSandbox, text: str, facts: dict[str, object], limits: Limits = LIMITS) -> tuple[Outcome, str]:
    """How the attack ended (the first cell that was lost, or what the call came to), and all that it could say."""
    outcome, said = _once(sandbox, text, facts, limits)
    return _once(sandbox, text, facts, limits) if "\n# twice" in text else (outcome, said)


def _once(sandbox: WarmSandbox, text: str, facts: dict[str, object], limits: Limits) -> tuple[Outcome, str]:
    seconds = 1.5 if "expect: lost time" in text else 20.0
    outputs: list[Any] = []
    with sandbox.open(limits) as student:
        for cell in re.split(r"^# %%.*\n", text, flags=re.MULTILINE)[1:]:
            ran = student.run(cell, seconds=20)
            outputs.append(ran)
            if isinstance(ran.outcome, Lost):
                return ran.outcome, repr(outputs)
        outcome = student.call("attack", Call((facts,)), seconds=seconds)
    return outcome, repr([*outputs, outcome])


def succeeded(outcome: Outcome) -> bool:
    return isinstance(outcome, Returned) and type(outcome.value) is not Handle and bool(np.any(outcome.value))


def shortcoming(text: str, outcome: Outcome) -> str:
    """Nothing, if the attack came to what its first line announces; otherwise what it came to."""
    match text.splitlines()[0].removeprefix("# expect: ").split():
        case ["blocked"]:
            right = not succeeded(outcome)
        case ["lost", why]:
            right = isinstance(outcome, Lost) and outcome.why == why
        case ["raised", kind]:
            right = isinstance(outcome, Raised) and outcome.type == kind
            right = right and len(outcome.message) <= 2_000 and len(outcome.traceback) <= 6_000
        case ["handle"]:
            right = isinstance(outcome, Returned) and type(outcome.value) is Handle
        case ["returned", *value]:
            right = isinstance(outcome, Returned) and type(outcome.value) in (float, np.ndarray)
            right = right and np.array_equal(outcome.value, ast.literal_eval(" ".join(value)))
        case _:
            return "its first line cannot be read"
    return "" if right else repr(outcome)[:500]


def promised(text: str, layers: tuple[str, ...]) -> bool:
    """Whether these layers are to stop it; `docs/security.md` lists what they are not."""
    return "\n# without namespaces: not promised" not in text or any("namespaces" in layer for layer in layers)


def report(sandbox: WarmSandbox, texts: dict[str, str], facts: dict[str, object]) -> dict[str, str]:
    """What went wrong with each attack: it came to something, it told a secret, or it left a process or a file."""
    before, wrong = remains_at_first(sandbox), {}
    for name, text in texts.items():
        if promised(text, sandbox.layers):
            outcome, said = attacked(sandbox, text, facts)
            left = lingering(sandbox, before)
            told = "it told the canary" if CANARY in said else ""
            wrong[name] = shortcoming(text, outcome) or told or (f"it left {left}" if left else "")
    return wrong


def lingering(sandbox: WarmSandbox, before: set[str], seconds: float = 3.0) -> list[str]:
    """The processes and files that there were not before; the kernel may take a moment to end a process."""
    until = time.monotonic() + seconds
    while (left := remains(sandbox) - before) and time.monotonic() < until:
        time.sleep(0.02)
    return sorted(left)


def remains_at_first(sandbox: WarmSandbox, seconds: float = 60.0) -> set[str]:
    """The same once the fork server has loaded plotting, which it does while nobody asks: fonts are listed then."""
    sandbox.start()
    until = time.monotonic() + seconds
    for home in homes(sandbox):
        while not any(home.glob(".matplotlib/fontlist*")):
            assert time.monotonic() < until, "the fork server has not loaded plotting"
            time.sleep(0.02)
    return remains(sandbox)


def homes(sandbox: WarmSandbox) -> list[Path]:
    """The sandbox's own folder, where it has one that others could see."""
    return [server._home for server in sandbox._servers.values() if server._home is not None][:1]


def remains(sandbox: WarmSandbox) -> set[str]:
    """The living processes below this one, and what lies in the sandbox's own folder and beside the canary."""
    files = {str(path) for home in homes(sandbox) for path in home.rglob("*")}
    shared = {str(p) for place in ("/tmp", "/var/tmp", "/dev/shm") for p in Path(place).glob("autograder-left*")}
    forged = {str(p) for p in Path(tempfile.gettempdir()).glob("forged*")}
    return {f"process {pid}" for pid in descendants()} | files | shared | forged


def descendants() -> set[int]:
    """All living processes that this one started, and those that they started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = {os.getpid()}
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def temporary() -> set[str]:
    """The sandboxes' temporary folders."""
    return {path.name for path in Path(tempfile.gettempdir()).glob(f"{FOLDER}*")}
