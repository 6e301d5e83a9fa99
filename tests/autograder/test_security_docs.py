"""`docs/security.md` names every promise, tests that exist, and the layers that `doctor` and the reports name."""

import re
from pathlib import Path

import pytest

from autograder.sandbox.layers import Machine, facts, plan

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
PROMISES = [f"{kind}{n}" for kind, most in (("I", 15), ("S", 4), ("V", 7), ("F", 8)) for n in range(1, most + 1)]
ROW = re.compile(r"^\| ([ISVF]\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
BARE = Machine(
    root=False,
    uid=None,
    bwrap=None,
    bwrap_as_root="",
    bwrap_as_user="bubblewrap is not installed",
    landlock=0,
    landlock_held="no such system call",
    seccomp_held="no table of system calls",
    uid_switch="",
    cgroup=False,
)


def test_every_promise_has_one_line() -> None:
    assert [promise for promise, _, _ in ROW.findall(PAGE)] == PROMISES


@pytest.mark.parametrize(("promise", "tests"), [(promise, tests) for promise, _, tests in ROW.findall(PAGE)])
def test_its_tests_exist(promise: str, tests: str) -> None:
    paths = re.findall(r"`(tests/[^`]+\.py)`", tests)
    assert paths and len(paths) == tests.count("`") // 2
    for path in paths:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_attacked_or_tested_under_its_name(promise: str) -> None:
    """Hostile submissions name the promise they attack; the page may not call on one that attacks another."""
    tests = next(tests for found, _, tests in ROW.findall(PAGE) if found == promise)
    hostile = [p for p in re.findall(r"`(tests/attacks/[^`]+\.py)`", tests) if "test_" not in p]
    headers = [(ROOT / path).read_text("utf-8").partition("# %%")[0] for path in hostile]
    named = [promise in re.findall(r"\b[ISVF]\d+\b", header) for header in headers]
    assert all(named), [path for path, right in zip(hostile, named, strict=True) if not right]


def test_what_is_not_promised_without_namespaces_is_said() -> None:
    spared = [
        path.name
        for path in sorted((ROOT / "tests" / "attacks").glob("*.py"))
        if re.search(r"^# without namespaces: not promised", path.read_text("utf-8"), re.MULTILINE)
    ]
    said = PAGE.partition("Without namespaces, Landlock and seccomp")[2].partition("\n\n")[0]
    assert re.findall(r"tests/attacks/(\w+\.py)", said) == spared


def test_every_layer_of_a_report_is_on_the_page() -> None:
    strong = Machine(True, 61300, "/usr/bin/bwrap", "", "", 7, "", "", "", True)
    words = {"namespaces": "namespaces", "Landlock": "Landlock", "seccomp": "seccomp", "user": "another user"}
    for layer in plan(strong).layers[:4]:
        assert words[layer.split()[0]] in PAGE


def test_a_machine_without_layers_is_refused_with_every_reason() -> None:
    lacking = [fact for fact in facts(BARE) if fact.needed and not fact.ok]
    assert [fact.name for fact in lacking] == ["bubblewrap", "namespaces", "Landlock", "seccomp"]
    assert all(fact.meaning and fact.fix for fact in lacking)
