"""The hostile submissions of the seam in workers that inherit traced programs: what they find there is no secret either.

One small list is traced for all of them (`inheriting`).
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

PROGRAMS = """
import gc

def programs():
    gc.unfreeze()
    found = [thing for thing in gc.get_objects() if type(thing).__name__ == "ClosedJaxpr"]
    return [(thing.jaxpr.debug_info.func_name, str(thing)) for thing in found]
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
        student.run(PROGRAMS, seconds=20)
        outcome = student.call("programs", Call(()), seconds=20)
    assert isinstance(outcome, Returned) and {"exp", "multiply", "_reduce_sum"} <= {name for name, _ in outcome.value}
    told = "".join(map(repr, outcome.value))
    assert [word for word in ("course", str(SECRET)[:6], ".py", str(launch.PACKAGE)) if word in told] == []


def test_rewriting_them_harms_only_who_does_it(inheriting: WarmSandbox, facts: dict[str, object]) -> None:
    found = []
    for _ in range(2):
        with inheriting.open(LIMITS) as student:
            student.run(ATTACKS["rewritten_programs"].partition("# %%\n")[2], seconds=20)
            found.append([student.call("attack", Call((facts,)), seconds=20) for _ in range(2)])
    assert [[isinstance(o, Returned) and o.value for o in outcomes] for outcomes in found] == [[False, True]] * 2


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.xdist_group(f"attacks-{k}")) for k in KINDS])
def test_nor_on_other_machines(kind: str) -> None:
    machine = on_a_machine(kind, "warm")
    assert machine["wrong"] == dict.fromkeys(ABOUT_IT, "")
    assert machine["left"] == []
