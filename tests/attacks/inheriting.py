"""A small list of programs with which workers begin, learnt from a course function as for a real chapter."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp

from autograder import programs
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.warming import warm_folder

SECRET = 0.123456789
ABOUT_IT = ("inherited_programs", "left_in_the_client", "programs_on_disk", "threads_never_begin")
"""The attacks that are about what a worker inherits."""


def course_function(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.sum(x * x, axis=1)) * SECRET


def folder_of_programs(folder: Path) -> Path:
    """The compiled programs, in a new folder below `folder`."""
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        course_function(jnp.ones((2, 3)))
        jnp.exp(jnp.zeros(5))
        jax.jit(course_function)(jnp.ones((3, 2)))
    (folder / "list.json").write_text(json.dumps({"programs": list(found.values())}))
    filled = warm_folder(folder / "list.json", folder)
    assert filled is not None
    return filled


@contextmanager
def inheriting_sandbox(folder: Path) -> Iterator[WarmSandbox]:
    """A sandbox whose workers inherit a client with these programs. It is an error if any of them begins cold."""
    with open_sandbox(warm=folder_of_programs(folder)) as sandbox:
        sandbox.start()
        yield sandbox
        assert sandbox._warm is not None, "workers began cold"
