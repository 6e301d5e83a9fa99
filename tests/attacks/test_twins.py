"""Every attack also runs with its guard taken away, and then succeeds: none comes to nothing by accident.

Each header says how, in one line (`README.md`), or why there is no safe way. Those of `graded/` and `kinds/` are tried
by `test_graded_twins` and `test_kinds`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox.pool import WarmSandbox
from seam import ATTACKS, attacked, grader_s_things, succeeded
from twins import GUARDS, HERE, LINE, came_to, in_its_process, twin, with_more

GRADED = {
    f"{folder}/{path.stem}": path.read_text("utf-8")
    for folder in ("graded", "kinds")
    for path in sorted((HERE / folder).glob("*.py"))
}
ALL = ATTACKS | GRADED
TESTS = {
    node.name
    for path in HERE.glob("test_*.py")
    for node in ast.parse(path.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}
LAYERS, PROCESS = "without layers", "in the grader's process"
KERNEL, RELEASED = "in the student's kernel", "on the released sheet"


def by(*begins: str) -> list[str]:
    """The attacks on the seam whose twin is of this sort."""
    return [name for name, text in ATTACKS.items() if len(LINE.findall(text)) == 1 and twin(text)[0].startswith(begins)]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    with grader_s_things(tmp_path_factory.mktemp("grader")) as things:
        yield things


@pytest.mark.parametrize("name", ALL)
def test_every_attack_has_one_twin_or_a_reason(name: str) -> None:
    header = ALL[name].partition("# %%")[0]
    assert len(LINE.findall(header)) == 1, f"{name} should have one line of those that README.md lists"
    how, said = twin(ALL[name])
    if how == "twin":
        assert said in TESTS or said in ALL, said
        assert said in TESTS or twin(ALL[said])[0] not in ("twin", "no twin"), said
    elif how == "no twin":
        assert len(said) > 20
    elif name in ATTACKS:
        assert how in (LAYERS, PROCESS) or how.startswith("with ") or how.removeprefix("without ") in GUARDS
    else:
        assert how == KERNEL or (how == RELEASED and name.startswith("graded/"))


@pytest.mark.parametrize(
    "header",
    [
        "# I1: a trick\n",
        "# without layers: succeeds\n# twin: os_exit\n",
        "# without a guard that nobody knows: succeeds\n",
        "# twin: test_of_nothing\n",
        "# twin: rewritten_cells\n",
        "# no twin: later\n",
    ],
)
def test_a_header_without_its_line_is_noticed(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for attacks in (ALL, ATTACKS):
        monkeypatch.setitem(attacks, "new", f"# expect: blocked\n{header}# %%\n# twin: os_exit\n")
    with pytest.raises(AssertionError):
        test_every_attack_has_one_twin_or_a_reason("new")


@pytest.mark.parametrize("name", by(LAYERS))
def test_without_layers_the_same_attack_succeeds(name: str, bare: WarmSandbox, facts: dict[str, object]) -> None:
    outcome, said = attacked(bare, ATTACKS[name], facts)
    assert succeeded(outcome), said


@pytest.mark.parametrize("name", by(PROCESS))
def test_in_the_grader_s_process_the_same_attack_succeeds(name: str) -> None:
    said = twin(ATTACKS[name])[1]
    assert said in in_its_process(HERE / f"{name}.py", said)


@pytest.mark.parametrize("name", by("with "))
def test_with_a_higher_limit_the_same_attack_succeeds(
    name: str, warm: WarmSandbox, facts: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    how, said = twin(ATTACKS[name])
    limits = with_more(how, monkeypatch)
    assert came_to(said, warm, ATTACKS[name], facts, limits) == ""


@pytest.mark.parametrize("name", [n for n in by("without ") if n not in by(LAYERS)])
def test_without_its_guard_the_same_attack_succeeds(
    name: str, warm: WarmSandbox, facts: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    how, said = twin(ATTACKS[name])
    GUARDS[how.removeprefix("without ")](monkeypatch)
    assert came_to(said, warm, ATTACKS[name], facts) == ""


HONEST = "# expect: returned 3.0\n# %%\ndef attack(facts):\n    return {}\n"


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_honest_work_is_as_before(
    guard: str, warm: WarmSandbox, facts: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    GUARDS[guard](monkeypatch)
    assert came_to("returned 3.0", warm, HONEST.format("3.0"), facts) == ""


def test_a_twin_that_comes_to_nothing_is_noticed(warm: WarmSandbox, facts: dict[str, object], tmp_path: Path) -> None:
    for said in ("succeeds", "tells the canary", "the grader raises ValueError", "returned 1.0"):
        assert came_to(said, warm, HONEST.format("0.0"), facts) != ""
    for answer, found in (("3.0", "succeeds and passed"), ("0.0", "")):
        (tmp_path / "honest.py").write_text(HONEST.format(answer))
        assert (
            in_its_process(tmp_path / "honest.py", "never ends") == in_its_process(tmp_path / "honest.py", "") == found
        )
