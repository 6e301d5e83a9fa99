"""Errors carried forward through the real sandbox, and the limits of what may be asked of a reference."""

from types import SimpleNamespace

import numpy as np
import pytest
from jaxtyping import Array, Float

from autograder.author import exercise
from autograder.carry import MAX_CALLS, MAX_ENTRIES, Refused, reference_spies
from autograder.grade import grade
from autograder.records import Call, Given, Limits, Raised, Returned, Submission
from autograder.sandbox.local import LocalSandbox


def test_bound_references_work_under_vmap_and_as_arguments_of_each_other(toy, warm):
    spies = reference_spies(toy, ["sqdist", "table"])
    with warm.open(Limits()) as student:
        student.run(
            "import jax.numpy as jnp\ndef nearest(A, B): return jnp.min(table(sqdist, A, B), axis=1)", seconds=20
        )
        for name, spy in spies.items():
            student.bind(name, spy)
        a, b = np.zeros((3, 2), np.float32), np.ones((4, 2), np.float32)
        answer = student.call("nearest", Call((a, b)), seconds=20)
        assert isinstance(answer, Returned)
        np.testing.assert_allclose(answer.value, [2.0, 2.0, 2.0])
        student.run("import jax\nmapped = jax.vmap(jax.vmap(sqdist, (None, 0)), (0, None))", seconds=20)
        mapped = student.call("mapped", Call((a, b)), seconds=20)
        assert isinstance(mapped, Returned)
        assert mapped.value.shape == (3, 4)


def test_an_early_slip_is_not_charged_twice_in_the_sandbox(toy, toy_sheet, toy_source, warm):
    cells = {0: toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")}
    result = grade(toy, toy_sheet, Submission("ada", "ada.ipynb", cells), warm)
    found = {v.name: v for v in result.verdicts}
    assert found["sqdist"].score < 1
    assert (found["nearest"].score, found["nearest"].carried_forward) == (2, True)
    assert result.score == 12 - 3 + found["sqdist"].score


@pytest.mark.parametrize(
    "argument",
    [np.zeros(MAX_ENTRIES + 1), np.zeros((1, 500)), "text", Given("unknown"), {"a": 1}, None, [1.0] * 500],
)
def test_a_reference_refuses_what_no_honest_solution_passes(toy, argument):
    spy = reference_spies(toy, ["sqdist"])["sqdist"]
    with pytest.raises(Refused):
        spy.function(argument, np.zeros(3))


def test_text_passes_where_a_reference_asks_for_it():
    def scaled(x: Float[Array, "n"], how: str) -> Float[Array, "n"]:
        """Twice x if `how` says so."""
        return 2 * x if how == "twice" else x

    chapter = SimpleNamespace(exercises={"scaled": exercise(scaled, points=1)}, helpers={})
    spy = reference_spies(chapter, ["scaled"])["scaled"]
    assert spy.function(np.ones(2), "twice").tolist() == [2.0, 2.0]
    for arguments in (("twice", "twice"), (np.ones(2), "x" * 500)):
        with pytest.raises(Refused):
            spy.function(*arguments)


def test_a_reference_answers_only_so_many_calls(toy):
    spy = reference_spies(toy, ["visits"])["visits"]
    with pytest.raises(Refused, match="too many"):
        for _ in range(MAX_CALLS + 1):
            spy.function([], Given("first"))


def test_a_bound_reference_may_be_called_by_keyword(toy, warm):
    spies = reference_spies(toy, ["sqdist"])
    with warm.open(Limits()) as student:
        student.run(
            "import jax\ndef f(x, y): return sqdist(x, z=y)\ng = jax.jit(f)\ndef h(x, y): return sqdist(y=x)",
            seconds=20,
        )
        student.bind("sqdist", spies["sqdist"])
        x, y = np.zeros(3, np.float32), np.ones(3, np.float32)
        for name in ("f", "g"):
            answer = student.call(name, Call((x, y)), seconds=20)
            assert isinstance(answer, Returned), name
            assert answer.value == 3.0
        wrong = student.call("h", Call((x, y)), seconds=20)
        assert isinstance(wrong, Raised)
        assert wrong.message == "sqdist takes x, z, not y"


def test_a_dependency_that_is_still_the_starter_costs_only_its_own_points(toy, toy_sheet, toy_source):
    untouched = "def sqdist(x, z): raise NotImplementedError('Yours to write.')"
    result = grade(toy, toy_sheet, Submission("ada", "ada.ipynb", {0: toy_source, 1: untouched}), LocalSandbox())
    found = {v.name: v for v in result.verdicts}
    assert (found["sqdist"].score, found["nearest"].score) == (0, 2)
    assert result.score == 9
