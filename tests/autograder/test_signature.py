"""What annotations say."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Array, Bool, Float, Int, Num, PRNGKeyArray

from autograder.errors import AuthorError
from autograder.records import Parameter, Signature, Spec
from autograder.signature import signatures_of, spec_of


@pytest.mark.parametrize(
    ("annotation", "spec"),
    [
        (Float[Array, "n d"], Spec("float", ("n", "d"))),
        (Float[Array, ""], Spec("float", ())),
        (Num[Array, "3 n"], Spec("float", ("3", "n"))),
        (Int[Array, "n"], Spec("int", ("n",))),
        (Bool[Array, "n n"], Spec("bool", ("n", "n"))),
        (PRNGKeyArray, Spec("key")),
        (float, Spec("float")),
        (int, Spec("int")),
        (bool, Spec("bool")),
        (str, Spec("text")),
        (tuple[float, Float[Array, "n"]], Spec("tuple", items=(Spec("float"), Spec("float", ("n",))))),
        (Callable[[int], int], Spec("function")),
        (Callable, Spec("function")),
        (float | None, Spec("float")),
        (dict[str, int], Spec("any")),
        ("a forward reference", Spec("any")),
    ],
)
def test_specs(annotation, spec):
    assert spec_of(annotation) == spec


@pytest.mark.parametrize("axes", ["...", "*batch", "n+1", "n _"][:3])
def test_clever_axes_are_refused(axes):
    with pytest.raises(AuthorError, match=r"should be a plain name or a number"):
        spec_of(Float[Array, axes])


@given(st.lists(st.sampled_from(["n", "m", "d", "3", "12"]), max_size=5))
def test_axes_are_kept_in_order(axes):
    assert spec_of(Float[Array, " ".join(axes)]).axes == tuple(axes)


def test_a_function():
    def f(x: Float[Array, "n"], times: int = 1) -> float: ...

    parameters = (Parameter("x", Spec("float", ("n",))), Parameter("times", Spec("int"), optional=True))
    assert signatures_of(f) == {"": Signature(parameters, Spec("float"))}


def test_a_class_has_its_construction_and_its_methods():
    class Model:
        def __init__(self, lam: float): ...

        def fit(self, X: Float[Array, "n d"]) -> "Model": ...

        def _private(self): ...

    found = signatures_of(Model)
    assert found.keys() == {"", "fit"}
    assert found[""].parameters == (Parameter("lam", Spec("float")),)
    assert found["fit"] == Signature((Parameter("X", Spec("float", ("n", "d"))),), Spec("any"))


def test_a_class_without_its_own_construction_takes_nothing():
    class Empty:
        def answer(self) -> int: ...

    assert signatures_of(Empty)[""].parameters == ()


def test_a_dataclass_takes_its_fields():
    @dataclass
    class Point:
        x: float
        y: float = 0.0

    assert [(p.name, p.optional) for p in signatures_of(Point)[""].parameters] == [("x", False), ("y", True)]
