"""The hostile submissions of the seam in workers that are opened to a card: no more of them succeed than one that is
said to. JAX's CPU backend takes the card's place, and /dev/zero that of its driver."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from autograder.sandbox.device import Device
from autograder.sandbox.pool import WarmSandbox, open_sandbox
from seam import ATTACKS, grader_s_things, promised
from seam import report as reported

pytestmark = [pytest.mark.long, pytest.mark.slow]

NOT_PROMISED = {"shared_memory_bomb": "shared memory escapes RLIMIT_DATA, and NVIDIA's driver needs it"}


class OnTheCard:
    """Opens every worker on the card."""

    def __init__(self, sandbox: WarmSandbox):
        self.layers, self._sandbox = sandbox.layers, sandbox
        self.start, self._servers = sandbox._gpu.start, sandbox._gpu._servers

    def open(self, limits: Any, **options: Any) -> Any:
        return self._sandbox.open(replace(limits, device="gpu"), **options)


@pytest.fixture(scope="module")
def card() -> Iterator[OnTheCard]:
    with open_sandbox(gpu=Device("gpu", "stand-in", nodes=("/dev/zero",), share=0.45)) as sandbox:
        yield OnTheCard(sandbox)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    with grader_s_things(tmp_path_factory.mktemp("grader")) as things:
        yield things


@pytest.mark.parametrize("name", sorted(ATTACKS.keys() - NOT_PROMISED.keys()))
def test_an_attack_comes_to_nothing(name: str, card: OnTheCard, facts: dict[str, object]) -> None:
    if not promised(ATTACKS[name], card.layers):
        pytest.skip("not promised without namespaces")
    assert reported(card, {name: ATTACKS[name]}, facts) == {name: ""}
