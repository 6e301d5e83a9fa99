"""A small list of programs that workers begin with, learnt from a course function as for a real chapter."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp

from autograder import programs
from autograder.records import Call, Limits, Returned
from autograder.sandbox.pool import WarmSandbox, open_sandbox

SECRET = 0.123456789
ABOUT_IT = ("inherited_programs", "rewritten_programs")
"""The attacks that are about what a worker inherits."""
SECONDS = 20.0
TRACED = """
def traced():
    from jax._src import pjit
    return pjit._infer_params_cached.cache_info().currsize
"""


def course_function(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.sum(x * x, axis=1)) * SECRET


def list_of_programs(folder: Path) -> Path:
    """The list, in a new file in `folder`."""
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        course_function(jnp.ones((2, 3)))
        jnp.exp(jnp.zeros(5))
        jax.jit(course_function)(jnp.ones((3, 2)))
    path = folder / "list.json"
    path.write_text(json.dumps({"programs": list(found.values())}))
    return path


def wait_until_traced(sandbox: WarmSandbox, path: Path) -> None:
    """A fork server traces while nobody asks, so each look at it leaves it some time."""
    wanted, until = len(json.loads(path.read_text())["programs"]), time.monotonic() + SECONDS
    while time.monotonic() < until:
        with sandbox.open(Limits()) as student:
            student.run(TRACED, seconds=SECONDS)
            told = student.call("traced", Call(()), seconds=SECONDS)
        if isinstance(told, Returned) and told.value >= wanted:
            return
        time.sleep(0.2)
    raise AssertionError(f"after {SECONDS:g} s fewer than {wanted} programs are traced: {told}")


@contextmanager
def inheriting_sandbox(folder: Path) -> Iterator[WarmSandbox]:
    """A sandbox whose workers inherit these programs, traced."""
    path = list_of_programs(folder)
    with open_sandbox(programs=path) as sandbox:
        sandbox.start()
        wait_until_traced(sandbox, path)
        yield sandbox
