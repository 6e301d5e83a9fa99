"""What a fork server traces beforehand: functions of JAX as data, which JAX then knows as if they had been called."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src import pjit

from autograder import programs
from autograder.eager import first_calls
from autograder.records import Call, Limits, Returned
from autograder.sandbox import beforehand, traced
from autograder.sandbox.pool import open_sandbox
from tests.attacks.inheriting import SECRET, course_function, inheriting_sandbox, list_of_programs

Trace = Callable[[list[programs.Program]], None]


def recorded(run: Callable[[], Any]) -> list[programs.Program]:
    """What is recorded of a run, gone through JSON, in a JAX that has forgotten everything."""
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        run()
    jax.clear_caches()
    return list(json.loads(json.dumps(list(found.values()))))


@pytest.fixture
def trace() -> Iterator[Trace]:
    """Traces programs, every one of which must be possible."""

    def all_of(wanted: list[programs.Program]) -> None:
        known, kinds = traced.primitives(), dict[str, Any]()
        for program in wanted:
            assert traced.traced(program, known, kinds).jaxpr is not None

    yield all_of
    jax.clear_caches()


def test_what_is_recorded_is_jax_s_own_and_holds_no_value() -> None:
    learnt = recorded(lambda: (course_function(jnp.ones((2, 3))), jax.jit(course_function)(jnp.ones((4, 3)))))
    assert len(learnt) >= 3
    assert all(p.get("primitive") or p["function"][0].startswith("jax.") for p in learnt)
    text = json.dumps(learnt)
    assert "course_function" not in text and str(SECRET)[:6] not in text


PLAIN: dict[str, Callable[[], Any]] = {
    "functions": lambda: (jnp.exp(jnp.ones(3)), jnp.add(jnp.ones((2, 3)), 1.0), jnp.ones(3) * 2, 1 - jnp.ones(2)),
    "settings": lambda: (
        jnp.eye(5)[:, None],
        jnp.arange(6)[::2].astype(jnp.float32),
        jnp.sum(jnp.ones((2, 2)), axis=1),
    ),
    "pieces": lambda: (
        jnp.concatenate([jnp.ones(2), jnp.zeros(3)]),
        jnp.stack([jnp.ones(2)] * 2),
        jnp.where(True, 1, 2),
    ),
    "NumPy's": lambda: (jnp.asarray(np.ones((3, 2), np.float32)) @ np.ones((2, 4), np.float32), jnp.maximum(1, 2.5)),
    "solving": lambda: (jnp.linalg.solve(jnp.eye(3), jnp.ones(3)), jnp.linalg.eigh(jnp.eye(4))),
    "random": lambda: (
        jax.random.permutation(jax.random.key(0), 5),
        jax.random.normal(jax.random.split(jax.random.key(1), 3)[0], (2, 2)),
    ),
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_was_traced_beforehand_is_not_traced_again(
    what: str, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = recorded(PLAIN[what])
    assert learnt
    trace(learnt)
    seen: list[str] = []
    real = pjit._trace_for_jit

    def counted(function: Any, *rest: Any) -> Any:
        seen.append(getattr(function, "__qualname__", repr(function)))
        return real(function, *rest)

    monkeypatch.setattr(pjit, "_trace_for_jit", counted)
    PLAIN[what]()
    assert seen == []
    jnp.cosh(jnp.ones((7, 1, 2)))
    assert "cosh" in seen  # so the test would notice


def test_nothing_is_computed_and_what_was_traced_is_made_ready() -> None:
    made: list[Any] = []
    learnt = recorded(PLAIN["functions"])
    for _ in traced.trace(learnt, made.append):
        pass
    assert len(made) == len(learnt)
    assert all(first_calls.plan(jaxpr, jax.__path__[0])[0] > 0 for jaxpr in made)


def test_what_cannot_be_traced_is_left_to_the_workers(tmp_path: Path) -> None:
    broken = [{}, {"function": ["jax.nowhere", "f"], "args": [], "kwargs": {}}, {"primitive": "none", "args": []}]
    made: list[Any] = []
    assert len(list(traced.trace([*broken, *recorded(PLAIN["functions"])[:1]], made.append))) == 4
    assert len(made) == 1
    for text in ("no list", "[]", '{"programs": 3}', '{"source": ""}'):
        (tmp_path / "list.json").write_text(text)
        with open_sandbox(programs=tmp_path / "list.json") as sandbox, sandbox.open(Limits()) as student:
            assert student.run("x = 1", seconds=20).outcome == Returned(None), text
    with open_sandbox(programs=tmp_path / "missing.json") as sandbox, sandbox.open(Limits()) as student:
        assert student.run("x = 1", seconds=20).outcome == Returned(None)


def test_a_file_is_read_once_and_closed(tmp_path: Path) -> None:
    with list_of_programs(tmp_path).open() as file:
        number = os.dup(file.fileno())
        assert list(beforehand.foreseen([number], computing=False)) == []
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def test_nothing_is_recorded_of_what_is_compiled_as_a_whole_mapped_or_differentiated() -> None:
    def similarity(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.exp(-0.5 * jnp.sum((a - b) ** 2)) + jnp.mean(b)

    ones = jnp.ones((3, 7))
    assert recorded(lambda: jax.jit(jax.vmap(similarity))(ones, ones)) == []
    for program in recorded(lambda: (jax.vmap(similarity)(ones, ones), jax.grad(similarity)(ones[0], ones[1]))):
        assert "Tracer" not in json.dumps(program)


def test_what_is_no_data_is_not_recorded() -> None:
    with pytest.raises(programs.Unwritable):
        programs.value(object())
    with pytest.raises(programs.Unwritable):
        programs.setting(SimpleNamespace())
    with pytest.raises(programs.Unwritable):
        programs.described(course_function, (), {})


CELLS = """
import jax
import jax.numpy as jnp
import numpy as np

def learnt(x): return jnp.exp(jnp.sum(x * x, axis=1))
def new(x): return jnp.tanh(jnp.cumsum(x, axis=0))
def solved(x): return jnp.linalg.solve(jnp.eye(4) * 2.0, jnp.ones(4))
def slope(x): return jax.grad(lambda a: jnp.sum(jnp.sin(a)))(x)
def mapped(x): return jax.vmap(lambda row: jnp.exp(jnp.sum(row * row)))(x)
def compiled(x): return jax.jit(learnt)(x)
"""
x = np.arange(6, dtype=np.float32).reshape(2, 3)
ANSWERS = {
    "learnt": np.exp((x * x).sum(1)),
    "new": np.tanh(np.cumsum(x, axis=0)),
    "solved": np.full(4, 0.5),
    "slope": np.cos(x),
    "mapped": np.exp((x * x).sum(1)),
    "compiled": np.exp((x * x).sum(1)),
}


def test_everything_works_in_workers_that_inherit_programs(tmp_path: Path) -> None:
    with inheriting_sandbox(tmp_path) as sandbox:
        for _ in range(10):
            with sandbox.open(Limits()) as student:
                assert student.run(CELLS, seconds=20).outcome == Returned(None)
                for name, expected in ANSWERS.items():
                    outcome = student.call(name, Call((x,)), seconds=30)
                    assert isinstance(outcome, Returned), (name, outcome)
                    np.testing.assert_allclose(outcome.value, expected, rtol=1e-5, err_msg=name)
