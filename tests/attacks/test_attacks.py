"""Hostile submissions against the seam: each file here says in its first line what must come of `attack(facts)`.

`blocked` means that it raised, was lost, or came back empty-handed. All are tried on three kinds of machine: this one
as it is, as an ordinary user, and as an ordinary user to whom the kernel refuses namespaces. `test_twins` shows that
each succeeds once its guard is gone.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.records import Call, Lost, Raised, Returned
from autograder.sandbox.pool import WarmSandbox
from machines import KINDS, on_a_machine
from seam import (
    ATTACKS,
    CANARY,
    LIMITS,
    descendants,
    grader_s_things,
    lingering,
    promised,
    remains_at_first,
    shortcoming,
)
from seam import report as reported

HERE = Path(__file__).resolve().parent


def elsewhere(kind: str) -> Any:
    return [pytest.param(kind, name, marks=pytest.mark.xdist_group(f"attacks-{kind}")) for name in ATTACKS]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    with grader_s_things(tmp_path_factory.mktemp("grader")) as things:
        yield things


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_comes_to_nothing(name: str, warm: WarmSandbox, facts: dict[str, object]) -> None:
    if not promised(ATTACKS[name], warm.layers):
        pytest.skip("not promised without namespaces")
    assert reported(warm, {name: ATTACKS[name]}, facts) == {name: ""}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [*elsewhere("user"), *elsewhere("refused")])
def test_nor_does_it_for_an_ordinary_user(kind: str, name: str) -> None:
    found = on_a_machine(kind, "seam")["wrong"]
    assert found.get(name, "") == ""
    assert (name in found) == promised(ATTACKS[name], on_a_machine(kind, "seam")["layers"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.xdist_group(f"attacks-{k}")) for k in KINDS])
def test_the_machine_is_of_its_kind(kind: str) -> None:
    machine = on_a_machine(kind, "seam")
    assert machine["user"] != 0
    assert ("namespaces (bubblewrap)" in machine["layers"]) == (kind == "user")
    assert "seccomp" in machine["layers"] and "Landlock" in str(machine["layers"])
    assert machine["left"] == [] and machine["things"] == ["canary", "datagram", "socket"]


def test_the_next_submission_is_unharmed(warm: WarmSandbox) -> None:
    with warm.open(LIMITS) as attacker:
        attacker.run("open('left behind', 'w').close()", seconds=10)
        attacker.run("import threading; threading.Timer(0.1, lambda: open('late', 'w').close()).start()", seconds=10)
        with warm.open(LIMITS) as student:
            student.run("import os, sys\ndef f(): return os.listdir('.'), 'left' in globals()", seconds=10)
            attacker.run("left = 1; sys = None; import numpy; numpy.mean = None", seconds=10)
            assert student.call("f", Call(()), seconds=10) == Returned(([], False))


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) + len(list((HERE / "graded").glob("*.py"))) >= 70


def test_a_wrong_expectation_is_noticed(warm: WarmSandbox, facts: dict[str, object]) -> None:
    truth = "# expect: {}\n# %%\ndef attack(facts):\n    return {}\n"
    assert reported(warm, {"attack": truth.format("blocked", "True")}, facts)["attack"].startswith("Returned")
    assert shortcoming(truth.format("blocked", ""), Raised("ValueError", "", "")) == ""
    for announced in ("lost exit", "raised KeyError", "handle", "returned 2.0"):
        assert shortcoming(truth.format(announced, ""), Returned(1.0)) != ""
    assert shortcoming(truth.format("lost exit", ""), Lost("time")) != ""
    assert shortcoming("# expect: whatever", Lost("time")) == "its first line cannot be read"
    told = (
        truth.format("blocked", f"{CANARY[:4]!r} + {CANARY[4:]!r} and 0") + "\n# %%\nprint('the hidden' + ' answers')"
    )
    assert reported(warm, {"attack": told}, facts) == {"attack": "it told the canary"}


def test_a_process_that_stays_is_noticed(warm: WarmSandbox) -> None:
    before = remains_at_first(warm)
    with subprocess.Popen(["sleep", "60"]) as staying:
        assert lingering(warm, before, seconds=0.1) == [f"process {staying.pid}"] and staying.pid in descendants()
        staying.kill()
    assert lingering(warm, before) == []
