"""The hostile submissions of the seam in workers that inherit an XLA client: what they find there is no secret either.

One small list is filled for all of them. What a course function made of it is recorded as for a real chapter.
"""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from autograder import programs
from autograder.records import Call, Returned
from autograder.sandbox import launch
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from autograder.warming import warm_folder
from seam import ATTACKS, LIMITS, grader_s_things, promised
from seam import report as reported

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("warm attacks")]

SECRET = 0.123456789
MODULES = """
import jax

def modules():
    programs = jax.devices()[0].client.live_executables()
    return [text for program in programs for module in program.hlo_modules() for text in (module.name, module.to_string())]
"""


def course_function(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.sum(x * x, axis=1)) * SECRET


@pytest.fixture(scope="module")
def inheriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    found: dict[str, programs.Program] = {}
    jax.clear_caches()
    with programs.recording(found):
        course_function(jnp.ones((2, 3)))
        jnp.exp(jnp.zeros(5))
        jax.jit(course_function)(jnp.ones((3, 2)))
    folder = tmp_path_factory.mktemp("warm")
    (folder / "list.json").write_text(json.dumps(list(found.values())))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # beginning cold is a warning
        with open_sandbox(warm=warm_folder(folder / "list.json", folder)) as sandbox:
            sandbox.start()
            yield sandbox


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    with grader_s_things(tmp_path_factory.mktemp("grader")) as things:
        yield things


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_comes_to_nothing(name: str, inheriting: WarmSandbox, facts: dict[str, object]) -> None:
    if not promised(ATTACKS[name], inheriting.layers):
        pytest.skip("not promised without namespaces")
    assert reported(inheriting, {name: ATTACKS[name]}, facts) == {name: ""}


def test_the_programs_can_be_read_and_none_of_them_is_the_course_s(inheriting: WarmSandbox) -> None:
    with inheriting.open(LIMITS) as student:
        student.run(MODULES, seconds=20)
        outcome = student.call("modules", Call(()), seconds=20)
    assert isinstance(outcome, Returned) and {"jit_exp", "jit_multiply", "jit__reduce_sum"} <= set(outcome.value)
    told = "".join(outcome.value)
    assert "HloModule jit_exp" in told
    assert [word for word in ("course", str(SECRET)[:6], ".py", str(launch.PACKAGE)) if word in told] == []


def test_overwriting_them_harms_only_who_does_it(inheriting: WarmSandbox, facts: dict[str, object]) -> None:
    found = []
    for _ in range(2):
        with inheriting.open(LIMITS) as student:
            student.run(ATTACKS["left_in_the_client"].partition("# %%\n")[2], seconds=20)
            found.append([student.call("attack", Call((facts,)), seconds=20) for _ in range(2)])
    assert [[isinstance(o, Returned) and o.value for o in outcomes] for outcomes in found] == [[False, True]] * 2
