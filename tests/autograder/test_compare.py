"""Comparing: the wording of every message, and that nothing wrong passes and nothing right fails."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.compare import close_entries, compare, equals
from autograder.records import Handle, Spec, Tolerance

LOOSE = Tolerance()
NM = Spec("float", ("n", "m"))
GRID = np.arange(24.0).reshape(4, 6)


def said(answer, expected, returns=Spec(), tolerance=LOOSE):
    wrong = compare(answer, expected, tolerance, returns=returns)
    return None if wrong is None else (wrong.kind, wrong.message)


@pytest.mark.parametrize(
    ("answer", "expected", "returns", "kind", "message"),
    [
        (GRID.T, GRID, NM, "shape", "your answer has shape (6, 4), but should be (4, 6): one axis each for n, m. "
         "The axes are there, in the opposite order."),
        (GRID[..., None], GRID, NM, "shape", "your answer has shape (4, 6, 1), but should be (4, 6): one axis each for "
         "n, m. There is an axis of length 1 too many at the end."),
        (np.ones(3), np.ones(4), Spec("float", ("n",)), "shape",
         "your answer has shape (3,), but should be (4,): one axis, n."),
        (np.ones(3), np.ones(4), Spec(), "shape", "your answer has shape (3,), but should be (4,)."),
        (np.float64(2), GRID, NM, "shape", "your answer has shape (), but should be (4, 6): one axis each for n, m. It "
         "is a single number: did a sum or mean run over too many axes?"),
        (np.ones(2), np.float64(1), Spec("float", ()), "shape",
         "your answer has shape (2,), but should be a single number."),
        (GRID > 3, GRID, NM, "dtype", "your answer is True or False, but should be a float array or number."),
        (GRID + 0.5, GRID.astype(int), NM, "dtype",
         "your answer is a float array or number, but should be an integer array or number."),
        (GRID + 1j, GRID, NM, "dtype",
         "your answer is a complex array or number, but should be a float array or number."),
        (np.array([1]), np.array([True]), Spec(), "dtype",
         "your answer is an integer array or number, but should be True or False."),
        (np.array([1.0, np.nan, np.nan]), np.ones(3), Spec(), "value",
         "your answer is NaN at entry [1] and 1 more, but should be finite."),
        (np.array([1.0, np.inf]), np.ones(2), Spec(), "value",
         "your answer is infinite at entry [1], but should be finite."),
        (np.array([1.0, 1.0]), np.array([1.0, np.nan]), Spec(), "value",
         "your answer is finite at entry [1], but should be NaN."),
        (float("nan"), 1.0, Spec(), "value", "your answer is NaN, but should be finite."),
        (float("inf"), 1, Spec(), "value", "your answer is infinite, but should be finite."),
        (GRID + 1, GRID, NM, "value", "your answer has the right shape, but 24 of 24 entries differ. Entry [0, 0] is "
         "1, but should be 0."),
        (np.array([0.0, 1.0]), np.zeros(2), Spec(), "value",
         "your answer has the right shape, but 1 of 2 entries differs. Entry [1] is 1, but should be 0."),
        (2.5, 2.0, Spec(), "value", "your answer is 2.5, but should be 2."),
        (False, np.bool_(True), Spec(), "value", "your answer is False, but should be True."),
        (1234567, 1234568, Spec(), "value", "your answer is 1234567, but should be 1234568."),
        (None, GRID, NM, "dtype", "your answer is None, but should be an array of shape (4, 6). Is there a `return`?"),
        (None, 1.0, Spec(), "dtype", "your answer is None, but should be one number. Is there a `return`?"),
        (None, True, Spec(), "dtype", "your answer is None, but should be True or False. Is there a `return`?"),
        (None, (1, 2), Spec(), "dtype", "your answer is None, but should be 2 values. Is there a `return`?"),
        (None, "CCO", Spec(), "dtype", "your answer is None, but should be text. Is there a `return`?"),
        (None, {"a": 1}, Spec(), "dtype", "your answer is None, but should be a dictionary. Is there a `return`?"),
        (Handle(0, "builtins.function"), GRID, NM, "dtype",
         "your answer is a builtins.function, but should be an array of shape (4, 6)."),
        ("CO", "CCO", Spec(), "value", "your answer is CO, but should be 'CCO'."),
        ("1", 1.0, Spec(), "dtype", "your answer is a str, but should be one number."),
        ({"a": 1}, GRID, NM, "dtype", "your answer is a dict, but should be an array of shape (4, 6)."),
        ([[1, 2], [3]], GRID, NM, "dtype", "your answer is a list, but should be an array of shape (4, 6)."),
        (GRID, (1, 2), Spec(), "shape", "your answer has 4 parts, but should have 2."),
        (1.0, (1, 2), Spec(), "dtype", "your answer is one number, but should be 2 values."),
        ((1, 3), (1, 2), Spec(), "value", "part 2 of your answer is 3, but should be 2."),
        ((1, np.ones(3)), (1, np.ones(2)), Spec("tuple", items=(Spec(), Spec("float", ("n",)))), "shape",
         "part 2 of your answer has shape (3,), but should be (2,): one axis, n."),
        (3, {"a": 1}, Spec(), "dtype", "your answer is one number, but should be a dictionary."),
        ({"b": 1}, {"a": 1}, Spec(), "shape",
         "your answer should have other keys: it lacks 'a' and has besides 'b'."),
        ({"a": 1, "b": 2}, {"a": 1}, Spec(), "shape", "your answer should have other keys: it has besides 'b'."),
        ({"a": 1}, {"a": 2}, Spec(), "value", "your answer['a'] is 1, but should be 2."),
        ({"w": np.ones(2)}, {"w": np.ones(3)}, Spec(), "shape",
         "your answer['w'] has shape (2,), but should be (3,)."),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(answer, expected, returns, kind, message):
    assert said(answer, expected, returns) == (kind, message)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GRID.astype(np.float32), GRID),
        (GRID.astype(int), GRID),
        (GRID, GRID.astype(int)),
        (GRID.tolist(), GRID),
        (tuple(GRID), GRID),
        (1, 1.0),
        (np.float32(0.1), 0.1),
        (GRID, GRID + 0j),
        ((1, 2.0), [1, 2]),
        (np.array([1.0, 2.0]), (1, 2)),
        (True, np.array(True)),
        (np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (None, None),
        ("CCO", "CCO"),
        ({"a": [1, 2]}, {"a": np.array([1.0, 2.0])}),
    ],
)
def test_the_same_answer_in_another_form_is_right(answer, expected):
    assert said(answer, expected) is None


def test_nothing_is_broadcast():
    assert said(np.ones((1, 6)), np.ones((4, 6)))[0] == "shape"
    assert said(1.0, np.ones(3))[0] == "shape"


def test_an_opposite_infinity_is_wrong():
    assert said(np.array([np.inf]), np.array([-np.inf]))[0] == "value"


def test_numbers_are_shown_with_as_many_digits_as_tell_them_apart():
    strict = Tolerance(rtol=1e-9, atol=0)
    assert said(0.33333333, 1 / 3, tolerance=strict)[1] == "your answer is 0.33333333, but should be 0.333333333."


def test_long_text_in_a_message_is_short():
    assert len(said("x" * 5000, "y")[1]) < 150
    assert len(said({"k" * 5000: 1}, {"a": 1})[1]) < 200


def test_a_mistake_that_answers_with_an_object_equals_nothing():
    assert not equals(1.0, Handle(0, "f"), LOOSE)
    assert not equals(Handle(0, "f"), Handle(0, "f"), LOOSE)


NUMBERS = st.one_of(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=4)),
    hnp.arrays(np.int64, hnp.array_shapes(max_dims=2, max_side=4)),
    hnp.arrays(np.bool_, hnp.array_shapes(max_dims=2, max_side=4)),
    hnp.arrays(np.complex128, hnp.array_shapes(max_dims=2, max_side=4)),
)
LEAVES = st.one_of(NUMBERS, st.none(), st.text(max_size=5), st.integers(-99, 99), st.floats(), st.booleans())
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(TREES)
def test_every_answer_equals_itself(tree):
    assert compare(tree, tree, LOOSE) is None


@given(TREES, TREES)
def test_comparing_never_fails_and_always_speaks(answer, expected):
    wrong = compare(answer, expected, LOOSE)
    assert wrong is None or (wrong.message.endswith((".", "?")) and wrong.kind in {"value", "shape", "dtype"})


FINITE = st.floats(-1e6, 1e6, width=64)
ARRAYS = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5), elements=FINITE)


@given(ARRAYS, st.data())
def test_a_perturbation_beyond_the_tolerance_is_found(expected, data):
    place = tuple(data.draw(st.integers(0, side - 1)) for side in expected.shape)
    allowed = LOOSE.atol + LOOSE.rtol * abs(expected[place])
    answer = expected.copy()
    answer[place] += data.draw(st.sampled_from([-1, 1])) * data.draw(st.floats(1.01, 1e6)) * allowed
    kind, message = said(answer, expected)
    assert kind == "value" and f"1 of {expected.size} entries differs. Entry [{', '.join(map(str, place))}]" in message


@given(ARRAYS, st.floats(-0.99, 0.99))
def test_a_perturbation_inside_the_tolerance_is_forgiven(expected, share):
    assert said(expected + share * (LOOSE.atol + LOOSE.rtol * np.abs(expected)), expected) is None


@given(ARRAYS, ARRAYS)
def test_every_wrong_shape_is_named(answer, expected):
    assume(answer.shape != expected.shape)
    kind, message = said(answer, expected)
    assert kind == "shape"
    assert message.startswith(f"your answer has shape {answer.shape}, but should be {expected.shape}.")


@given(NUMBERS, st.integers(0, 2))
def test_one_nan_is_always_found(expected, seed):
    assume(expected.dtype.kind in "f" and np.isfinite(expected).any())
    answer = expected.copy()
    places = np.argwhere(np.isfinite(expected))
    answer[tuple(places[seed % len(places)])] = np.nan
    assert "NaN" in said(answer, expected)[1]


ODD = st.sampled_from([0.0, -0.0, 1.0, 1.0 + 1e-6, 1e308, -1e308, 5e-324, np.inf, -np.inf, np.nan])
PAIRS = st.tuples(*[hnp.arrays(t, 4, elements=st.one_of(ODD, st.floats(width=64))) for t in (np.float64, np.float64)])


@given(PAIRS, st.sampled_from(["f8", "f4", "f2", "i8", "c16"]), st.sampled_from(["f8", "f4", "f2", "i8", "c16"]))
def test_close_is_what_numpy_calls_close(pair, one, other):
    with np.errstate(all="ignore"):
        a, b = pair[0].astype(one), pair[1].astype(other)
        ours, numpys = close_entries(a, b, LOOSE), np.isclose(a, b, LOOSE.rtol, LOOSE.atol, equal_nan=True)
        assert (ours == (numpys if "f" in one + other or "c" in one + other else a == b)).all()


def test_the_property_above_would_notice_a_blind_comparison():
    assert not close_entries(np.ones(2), np.array([1.0, 1.1]), LOOSE).all()
    assert close_entries(np.ones(2), np.array([1.0, 1.1]), Tolerance(rtol=0.2)).all()
