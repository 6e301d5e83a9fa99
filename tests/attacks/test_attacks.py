"""Hostile submissions against the seam: each file here says in its first line what must come of `attack(facts)`.

`blocked` means that it raised, was lost, or came back empty-handed.
"""

import ast
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from autograder.records import Call, Handle, Limits, Lost, Outcome, Raised, Returned
from autograder.sandbox.pool import WarmSandbox

ATTACKS = {path.stem: path.read_text() for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))}
ATTACKS = {name: text for name, text in ATTACKS.items() if "\ndef attack(facts)" in text}
WITHOUT_LAYERS = [name for name, text in ATTACKS.items() if "\n# without layers: succeeds" in text]
LIMITS = Limits(memory_mb=900, processes=48, disk_mb=32)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    with grader_s_things(tmp_path_factory.mktemp("grader")) as things:
        yield things


@contextmanager
def grader_s_things(folder: Path) -> Iterator[dict[str, object]]:
    """What an attacker could wish to know, and things worth reaching."""
    (folder / "canary").write_text("the hidden answers")
    name = f"autograder-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, listening(str(folder / "socket")), listening("\0" + name):
        yield {
            "canary": str(folder / "canary"),
            "pid": os.getpid(),
            "port": tcp.getsockname()[1],
            "socket": str(folder / "socket"),
            "abstract": name,
        }


def listening(address: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    return server


def attacked(sandbox: WarmSandbox, text: str, facts: dict[str, object]) -> Outcome:
    """How the attack ended: the first cell that was lost, or what the call came to."""
    seconds = 1.5 if "expect: lost time" in text else 20.0
    with sandbox.open(LIMITS) as student:
        for cell in re.split(r"^# %%.*\n", text, flags=re.MULTILINE)[1:]:
            outcome = student.run(cell, seconds=20).outcome
            if isinstance(outcome, Lost):
                return outcome
        return student.call("attack", Call((facts,)), seconds=seconds)


def succeeded(outcome: Outcome) -> bool:
    return isinstance(outcome, Returned) and bool(np.any(outcome.value))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_comes_to_nothing(name: str, warm: WarmSandbox, facts: dict[str, object]) -> None:
    outcome = attacked(warm, ATTACKS[name], facts)
    expectation = ATTACKS[name].splitlines()[0].removeprefix("# expect: ")
    match expectation.split():
        case ["blocked"]:
            assert not succeeded(outcome), outcome
        case ["lost", why]:
            assert isinstance(outcome, Lost) and outcome.why == why, outcome
        case ["raised", kind]:
            assert isinstance(outcome, Raised) and outcome.type == kind, outcome
            assert len(outcome.message) <= 2_000 and len(outcome.traceback) <= 6_000
        case ["handle"]:
            assert isinstance(outcome, Returned) and type(outcome.value) is Handle, outcome
        case ["returned", *value]:
            assert isinstance(outcome, Returned), outcome
            assert type(outcome.value) in (float, np.ndarray)
            assert np.array_equal(outcome.value, ast.literal_eval(" ".join(value)))
        case _:
            pytest.fail(f"unknown expectation: {expectation}")


@pytest.mark.parametrize("name", WITHOUT_LAYERS)
def test_without_layers_the_same_attack_succeeds(name: str, bare: WarmSandbox, facts: dict[str, object]) -> None:
    assert succeeded(attacked(bare, ATTACKS[name], facts))


def test_the_next_submission_is_unharmed(warm: WarmSandbox, facts: dict[str, object]) -> None:
    with warm.open(LIMITS) as attacker:
        attacker.run("open('left behind', 'w').close()", seconds=10)
        attacker.run("import threading; threading.Timer(0.1, lambda: open('late', 'w').close()).start()", seconds=10)
        with warm.open(LIMITS) as student:
            student.run("import os, sys\ndef f(): return os.listdir('.'), 'left' in globals()", seconds=10)
            attacker.run("left = 1; sys = None; import numpy; numpy.mean = None", seconds=10)
            assert student.call("f", Call(()), seconds=10) == Returned(([], False), pytest.approx(0, abs=5))
