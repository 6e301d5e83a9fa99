"""A few hundred inputs of each kind in every run of the tests, and proof that a crash would be noticed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fuzzing
import pytest
from fuzzing import TARGETS, try_one
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**64)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_the_bytes_they_are_read_or_refused(name: str) -> None:
    @settings(max_examples=400, deadline=None)
    @given(SEEDS)
    def refused_or_read(seed: int) -> None:
        wrong = try_one(name, seed)
        assert not wrong, f"python tests/fuzz/fuzzing.py {name} {seed}\n{wrong}"

    refused_or_read()


def found(name: str, seeds: int = 400) -> int:
    return sum(bool(try_one(name, seed)) for seed in range(seeds))


@pytest.mark.parametrize(
    ("name", "place", "broken"),
    [
        ("frame", "autograder.wire._Reader.array", lambda self, name, shape, offset: 1 / len(shape)),
        ("stream", "autograder.wire._Reader.record", lambda self, *parts, depth: 1 / 0),
        ("sheet", "autograder.wire._plain", lambda text: 1 / 0),
        ("outputs", "autograder.sandbox.outputs._plain", lambda text: 1 / 0),
        ("notebook", "autograder.notebook.document._mapping", dict),
    ],
)
def test_a_slip_in_a_reader_would_be_noticed(name: str, place: str, broken, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(name) == 0
    monkeypatch.setattr(place, broken)
    assert found(name) > 0


def test_slowness_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "MAX_SECONDS", 0.0)
    assert "but should take less" in try_one("frame", 1)


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_get_past_the_door(name: str) -> None:
    """A good part of them is refused, and a good part is not: else only one half of a reader would be tried."""
    read = sum(accepted(name, TARGETS[name].make(fuzzing.Rng(seed))) for seed in range(400))
    assert 20 < read < 380


def accepted(name: str, made) -> bool:
    from autograder.notebook.document import Unreadable, parse
    from autograder.sandbox.outputs import checked
    from autograder.wire import TRUSTED, Malformed, decode, from_text

    try:
        match name:
            case "frame":
                decode(*made, allow=TRUSTED)
            case "stream":
                size, _ = fuzzing.channel.LENGTHS.unpack(made[:12])
                decode(made[12 : 12 + size], made[12 + size :], allow=TRUSTED)
            case "sheet":
                from_text(made)
            case "outputs":
                checked(made, limit_kb=64)
            case "notebook":
                parse(made, "toy.ipynb")
    except (Malformed, Unreadable, fuzzing.channel.struct.error):
        return False
    return True


def test_the_long_run_says_how_many_it_tried() -> None:
    program = Path(fuzzing.__file__)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, str(program), "0.01"], capture_output=True, text=True, check=True, env=environment
    )
    assert re.search(r"all +[\d,]+ tried +0 crashes; \d+ MB more memory", done.stdout)
