"""The hostile submissions of the seam in workers that inherit an XLA client: what they find there is no secret either.

One small list is filled for all of them (`inheriting`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.records import Call, Returned
from autograder.sandbox import launch
from autograder.sandbox.pool import WarmSandbox
from inheriting import ABOUT_IT, SECRET, inheriting_sandbox
from machines import KINDS, on_a_machine
from seam import ATTACKS, LIMITS, grader_s_things, promised
from seam import report as reported

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("warm attacks")]

MODULES = """
import jax

def modules():
    found = [m for program in jax.devices()[0].client.live_executables() for m in program.hlo_modules()]
    return [text for module in found for text in (module.name, module.to_string())]
"""


@pytest.fixture(scope="module")
def inheriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    with inheriting_sandbox(tmp_path_factory.mktemp("warm")) as sandbox:
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


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.xdist_group(f"attacks-{k}")) for k in KINDS])
def test_nor_on_other_machines(kind: str) -> None:
    machine = on_a_machine(kind, "warm")
    assert machine["wrong"] == dict.fromkeys(ABOUT_IT, "")
    assert machine["left"] == []
