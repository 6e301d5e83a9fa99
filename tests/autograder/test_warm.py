"""Workers that begin with an XLA client: its programs are generic, everything works, and cold workers replace them."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autograder import programs
from autograder.records import Call, Limits, Returned, Spy
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.warming import PAYS, PAYS_WHEN_FILLED, warm_folder

SECRET = 0.123456789
CELLS = """
import jax
import jax.numpy as jnp
import numpy as np

def learnt(x): return jnp.exp(jnp.sum(x * x, axis=1))
def new(x): return jnp.tanh(jnp.cumsum(x, axis=0))
def product(x): return jnp.asarray(np.ones((400, 300), np.float32)) @ jnp.asarray(np.ones((300, 200), np.float32))
def solved(x): return jnp.linalg.solve(jnp.eye(4) * 2.0, jnp.ones(4))
def looped(x): return jax.lax.fori_loop(0, 5, lambda i, c: c * 2.0, 1.0)
def called(x):
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.jit(lambda a: jax.pure_callback(lambda b: np.asarray(b) + 1, shape, a))(x)
def slope(x): return jax.grad(lambda a: jnp.sum(jnp.sin(a)))(x)
def random(x): return jax.random.normal(jax.random.key(3), (3,))
def many(x):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda n: float(jnp.sum(jnp.sqrt(jnp.ones(n)))), range(1, 9)))
def asks(f, x): return f(x) + 1
"""
COUNTS = """
from jax._src import compiler, pjit
pjit._pjit_call_impl_python = pjit._pjit_call_impl_python.__wrapped__  # even small programs are compiled, or loaded
real, made = compiler.backend_compile_and_load, []
def counted(*a, **k):
    made.append(1)
    return real(*a, **k)
compiler.backend_compile_and_load = counted
def old(x): return learnt(x), len(made)
def newer(x): return jnp.cosh(x), len(made)
"""
x = np.arange(6, dtype=np.float32).reshape(2, 3)
ANSWERS = {
    "learnt": np.exp((x * x).sum(1)),
    "new": np.tanh(np.cumsum(x, axis=0)),
    "product": np.full((400, 200), 300.0),
    "solved": np.full(4, 0.5),
    "looped": 32.0,
    "called": x + 1,
    "slope": np.cos(x),
    "random": np.asarray(jax.random.normal(jax.random.key(3), (3,))),
    "many": [float(n) for n in range(1, 9)],
}


def course_function(a: jax.Array) -> jax.Array:
    return jnp.exp(jnp.sum(a * a, axis=1)) * SECRET


@pytest.fixture(scope="module")
def learnt() -> list[programs.Program]:
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        course_function(jnp.asarray(x))
        jax.jit(course_function)(jnp.asarray(x) + 1)
    return list(found.values())


@pytest.fixture(scope="module")
def sandbox(learnt: list[programs.Program], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    folder = tmp_path_factory.mktemp("warm")
    (folder / "list.json").write_text(json.dumps({"programs": learnt}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # beginning cold is a warning
        with open_sandbox(warm=warm_folder(folder / "list.json", folder)) as opened:
            opened.start()
            yield opened


def test_what_is_recorded_is_jax_s_own_and_holds_no_value(learnt: list[programs.Program]) -> None:
    assert len(learnt) >= 3
    assert all(p.get("primitive") or p["function"][0].startswith("jax.") for p in learnt)
    text = json.dumps(learnt)
    assert "course_function" not in text and str(SECRET)[:6] not in text


def test_a_program_runs_again_from_its_description(learnt: list[programs.Program]) -> None:
    known = programs.primitives()
    assert all(programs.run(json.loads(json.dumps(p)), known) is not None for p in learnt)


def similarity(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.exp(-0.5 * jnp.sum((a - b) ** 2)) + jnp.mean(b)


PLAIN = {
    "settings": lambda: (jnp.eye(5)[:, None], jnp.arange(6)[::2].astype(jnp.float32)),
    "mapped": lambda: (
        jax.vmap(jnp.sqrt)(jnp.ones((3, 2))) + jax.vmap(jnp.subtract, (None, 0))(jnp.ones(2), jnp.ones(3))
    ),
    "random": lambda: (
        jax.random.permutation(jax.random.key(0), 5),
        jax.vmap(jax.random.normal)(jax.random.split(jax.random.key(1), 3)),
    ),
    "gradients": lambda: jax.grad(lambda w, b: jnp.mean((jnp.eye(4) @ w + b) ** 2) + 0.1 * jnp.sum(w * w), (0, 1))(
        jnp.ones(4), jnp.float32(2)
    ),
    "mapped twice": lambda: jax.vmap(jax.vmap(similarity, (None, 0)), (0, None))(jnp.ones((4, 3)), jnp.ones((6, 3))),
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_was_run_again_needs_no_compiling(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list, having gone through JSON, leaves JAX as it was left by the code that it was learned from."""
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        PLAIN[what]()
    assert found
    jax.clear_caches()
    known = programs.primitives()
    for program in json.loads(json.dumps(list(found.values()))):
        programs.run(program, known)

    def compile(*args: object, **options: object) -> None:
        raise AssertionError("something is compiled")

    monkeypatch.setattr("jax._src.compiler.backend_compile_and_load", compile)
    PLAIN[what]()


def test_nothing_is_recorded_of_what_is_compiled_as_a_whole() -> None:
    found: dict[str, programs.Program] = {}
    with programs.recording(found):
        jax.jit(jax.vmap(similarity))(jnp.ones((3, 7)), jnp.ones((3, 7)))
    assert not any("mapped" in text for text in found)


def test_what_is_no_data_is_not_recorded() -> None:
    with pytest.raises(programs.Unwritable):
        programs.value(object())
    with pytest.raises(programs.Unwritable):
        programs.setting(SimpleNamespace())
    with pytest.raises(programs.Unwritable):
        programs.described(course_function, (), {})


def test_everything_works_in_a_worker_that_inherits_the_client(sandbox: WarmSandbox) -> None:
    for _ in range(3):
        with sandbox.open(Limits()) as student:
            assert student.run(CELLS, seconds=20).outcome == Returned(None)
            for name, expected in ANSWERS.items():
                outcome = student.call(name, Call((x,)), seconds=30)
                assert isinstance(outcome, Returned), (name, outcome)
                np.testing.assert_allclose(outcome.value, expected, rtol=1e-4, err_msg=name)
            spy = Spy("double", lambda a: 2 * np.asarray(a))
            outcome = student.call("asks", Call((spy, x)), seconds=30)
            assert isinstance(outcome, Returned) and np.array_equal(outcome.value, 2 * x + 1)


def test_a_learnt_program_is_in_memory_and_another_is_compiled(sandbox: WarmSandbox) -> None:
    with sandbox.open(Limits()) as student:
        student.run(CELLS, seconds=20)
        student.run(COUNTS, seconds=20)
        for name, compiled in {"old": 0, "newer": 1}.items():
            outcome = student.call(name, Call((x,)), seconds=30)
            assert isinstance(outcome, Returned) and outcome.value[1] == compiled, (name, outcome)


def test_a_small_class_does_not_wait_for_programs(learnt: list[programs.Program], tmp_path: Path) -> None:
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps({"programs": learnt}))
    assert warm_folder(listed, tmp_path, PAYS - 1) is None
    filled = warm_folder(listed, tmp_path, PAYS)
    assert filled is not None
    assert warm_folder(listed, tmp_path, PAYS_WHEN_FILLED) == filled
    assert warm_folder(listed, tmp_path, PAYS_WHEN_FILLED - 1) is None


def test_workers_are_many_and_short(sandbox: WarmSandbox) -> None:
    for _ in range(60):
        with sandbox.open(Limits()) as student:
            student.run(CELLS, seconds=20)
            assert isinstance(student.call("learnt", Call((x,)), seconds=20), Returned)


def test_a_folder_that_cannot_be_used_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "programs.json").write_text("no list")
    with (
        pytest.warns(UserWarning, match="Workers begin cold"),
        open_sandbox(warm=tmp_path) as opened,
        opened.open(Limits()) as student,
    ):
        student.run(CELLS, seconds=20)
        assert isinstance(student.call("learnt", Call((x,)), seconds=30), Returned)


def test_without_a_list_there_is_no_folder(tmp_path: Path) -> None:
    assert warm_folder(tmp_path / "kernel.programs.json", tmp_path) is None
