"""The classes of `graded/` and `kinds/` on other kinds of machines: everyone's points, and what everyone is told."""

from typing import Any

import pytest

import graded_class
import kinds_class
from machines import KINDS, on_a_machine

pytestmark = pytest.mark.slow
CLASSES = {"graded": graded_class.EVERYONE, "kinds": kinds_class.EVERYONE}


def on_each(*rest: tuple[Any, ...]) -> list[Any]:
    return [pytest.param(k, *r, marks=pytest.mark.xdist_group(f"attacks-{k}")) for k in KINDS for r in rest]


@pytest.mark.parametrize(("kind", "job", "student"), on_each(*((job, s) for job in CLASSES for s in CLASSES[job])))
def test_a_trick_earns_what_it_earns_here_and_tells_nothing(kind: str, job: str, student: str) -> None:
    assert on_a_machine(kind, job)["wrong"][student] == []


@pytest.mark.parametrize(("kind", "job"), on_each(*((job,) for job in CLASSES)))
def test_nothing_is_spoiled_or_left_behind(kind: str, job: str) -> None:
    machine = on_a_machine(kind, job)
    assert ("namespaces (bubblewrap)" in machine["layers"]) == (kind == "user") and machine["user"] != 0
    assert machine["wrong"].get("afterwards", []) == []
    assert machine["left"] == []
