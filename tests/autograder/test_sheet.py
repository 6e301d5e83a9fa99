"""Drawing sheets: what they hold, what changes them, and what an author is told."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given as anything
from hypothesis import settings
from hypothesis import strategies as st
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from autograder.author import close, exercise, given
from autograder.drawing import call_of, seed_of
from autograder.errors import AuthorError
from autograder.records import Given, Key, Raised, Spec
from autograder.sheet import PUBLIC, draw, draw_exercise, source_of, visible
from autograder.wire import to_text

FOREIGN = 3.0


def scale(x: Float[Array, "n d"], by: float) -> Float[Array, "n d"]:
    """Every entry times `by`."""
    return x * by


def mixed(
    x: Float[Array, "n"], i: Int[Array, "n 2"], b: Bool[Array, "n"], key: PRNGKeyArray, times: int = 1
) -> tuple[Float[Array, "n"], float]:
    """All kinds of arguments."""
    return x, 1.0


def apply(f, x: Float[Array, "n"]) -> Float[Array, "n"]:
    """`f` of `x`."""
    return f(x)


@given
def plus_one(x):
    return x + 1


@given
def plus_two(x):
    return plus_one(plus_one(x))


@given
def unused(x):
    return x


HELPERS = {h.name: h for h in (plus_one, plus_two, unused)}


def scaled(*, extra=False, target=scale):
    made = exercise(target, points=2)
    made.probe("shown", n=2, d=3, by=2.0)
    if extra:
        made.probe("added", n=1, d=1, by=1.0)
    made.probe("held back", n=4, d=2, by=3.0, hidden=True)

    @made.mistake
    def added(x, by):
        """You added."""
        return x + by

    @made.mistake
    def raising(x, by):
        """You raised."""
        raise KeyError

    @made.law
    def linear(f, rng):
        """Twice in, twice out."""
        x = rng.normal(size=(2, 2))
        return close(f(2 * x, 3.0), 2 * f(x, 3.0))

    @made.law(hidden=True)
    def secret_law(f, rng):
        """It is three times as much."""
        x = rng.normal(size=(2, 2))
        return close(f(x, 3.0), FOREIGN * x)

    return made


def fails(message, made, helpers={}):
    with pytest.raises(AuthorError) as caught:
        draw_exercise(made, helpers, b"s")
    assert caught.value.message == message


def probed(**options):
    made = exercise(scale, points=1)
    made.probe("one", **options)
    return made


# ---- what a sheet holds -----------------------------------------------------------------------------------------


def test_answers_of_references_and_mistakes():
    sheet = draw_exercise(scaled(), {}, b"s")
    shown, held, law, secret = sheet.checks
    x, by = shown.call.args
    assert (x.shape, x.dtype, by) == ((2, 3), np.float32, 2.0)
    np.testing.assert_array_equal(shown.expected, x.astype(float) * 2)
    assert shown.expected.dtype == np.float64
    np.testing.assert_array_equal(shown.answers["added"], x.astype(float) + 2)
    assert shown.answers["raising"] == Raised("KeyError")
    assert (shown.hidden, held.hidden, law.hidden, secret.hidden) == (False, True, False, True)
    assert law.answers == {"added": False, "raising": "raised KeyError"}
    assert shown.returns == Spec("float", ("n", "d"))
    assert sheet.hints == {"added": "You added.", "raising": "You raised."}
    assert sheet.after_submission == 4


def test_arguments_are_drawn_by_their_kind():
    made = exercise(mixed, points=1)
    made.probe("all", n=5)
    x, i, b, key = call_of(made, made.questions[0], b"s").args
    assert (x.dtype, i.dtype, b.dtype) == (np.float32, np.int32, np.bool_)
    assert i.shape == (5, 2)
    assert isinstance(key, Key)
    made.probe("optional", n=5, times=3)
    assert call_of(made, made.questions[1], b"s").args[4] == 3


def test_arguments_may_have_drawers():
    made = exercise(scale, points=1, draw={"x": lambda rng, d, n: np.full((n, d), d)})
    made.probe("of the exercise", n=2, d=3, by=1.0)
    made.probe("of the check", n=2, d=3, by=1.0, x=lambda rng, n: np.full((n, 3), 7.0))
    first, second = (call_of(made, q, b"s").args[0] for q in made.questions)
    assert (first[0, 0], second[0, 0], second.dtype) == (3, 7, np.float32)


def test_mapped_arguments_have_a_leading_axis():
    made = probed(n=2, d=3, by=1.0, batch=4, vmap=(0, None))
    check = draw_exercise(made, {}, b"s").checks[0]
    assert check.call.args[0].shape == check.expected.shape == (4, 2, 3)
    assert check.returns.axes == ("batch", "n", "d")


def test_mapped_tuples_are_batched_part_by_part():
    def both(x: Float[Array, "n"]) -> tuple[Float[Array, "n"], Float[Array, ""]]:
        """Two."""
        return x, x.sum()

    made = exercise(both, points=1)
    made.probe("mapped", n=3, batch=2, vmap=(0,))
    returns = draw_exercise(made, {}, b"s").checks[0].returns
    assert [part.axes for part in returns.items] == [("batch", "n"), ("batch",)]


def test_a_gradient_has_the_spec_of_its_argument():
    made = exercise(lambda_sum, points=1)
    made.probe("slope", n=3, grad=0)
    assert draw_exercise(made, {}, b"s").checks[0].returns == Spec("float", ("n",))


def lambda_sum(x: Float[Array, "n"]) -> Float[Array, ""]:
    """The sum."""
    return jnp.sum(x)


# ---- determinism ------------------------------------------------------------------------------------------------


def test_the_same_secret_gives_the_same_sheet():
    assert to_text(draw([scaled()], HELPERS, b"s")) == to_text(draw([scaled()], HELPERS, b"s"))


def test_another_secret_gives_other_numbers():
    one, other = (draw_exercise(scaled(), {}, s).checks[0].call.args[0] for s in (b"s", b"t"))
    assert not (one == other).any()


def test_adding_a_check_changes_no_other():
    before, after = draw_exercise(scaled(), {}, b"s"), draw_exercise(scaled(extra=True), {}, b"s")
    kept = tuple(c for c in after.checks if c.label != "added")
    assert to_text(replace(before, after_submission=0)) == to_text(replace(after, checks=kept, after_submission=0))


@settings(max_examples=50)
@anything(st.binary(max_size=40), st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1, max_size=3))
def test_seeds_depend_on_every_name(secret, names):
    seed = seed_of(secret, *names)
    assert seed == seed_of(secret, *names)
    assert 0 <= seed < 2**64
    assert seed != seed_of(secret, *names, "more")
    assert seed != seed_of(secret + b"x", *names)


@settings(max_examples=25, deadline=None)
@anything(st.integers(0, 6), st.integers(0, 6), st.integers(0, 2**32))
def test_drawn_shapes_are_the_sizes_asked_for(n, d, number):
    made = probed(n=n, d=d, by=1.0)
    x = call_of(made, made.questions[0], str(number).encode()).args[0]
    assert x.shape == (n, d)
    assert np.isfinite(x).all()


# ---- the visible sheet ------------------------------------------------------------------------------------------


def test_the_visible_sheet_has_nothing_hidden():
    text = to_text(visible(draw([scaled()], HELPERS, PUBLIC)))
    assert "shown" in text
    assert "Twice in, twice out." in text
    for secret in ("held back", "secret_law", "three times", "FOREIGN", "plus_one", "unused"):
        assert secret not in text
    sheet = visible(draw([scaled()], HELPERS, PUBLIC))
    assert [c.label for c in sheet.exercises[0].checks] == ["shown", "Twice in, twice out."]
    assert sheet.laws.keys() == {"scale/Twice in, twice out."}
    assert sheet.exercises[0].after_submission == 4


def test_the_visible_sheet_has_the_helpers_of_its_helpers():
    made = exercise(apply, points=1)
    made.probe("two more", f=plus_two, n=3)
    sheet = visible(draw([made], HELPERS, PUBLIC))
    assert sheet.exercises[0].checks[0].call.args[0] == Given("plus_two")
    assert list(sheet.given) == ["plus_one", "plus_two"]


def test_helpers_inside_dictionaries_are_found():
    def in_a_dict(parts: dict) -> float:
        """Calls a part."""
        return parts["f"](1.0)

    made = exercise(in_a_dict, points=1)
    made.case("in a dictionary", {"f": Given("plus_one")})
    assert list(visible(draw([made], HELPERS, PUBLIC)).given) == ["plus_one"]


# ---- visible laws -----------------------------------------------------------------------------------------------


def test_a_visible_law_uses_no_foreign_names():
    with pytest.raises(AuthorError) as caught:
        source_of(foreign)
    assert caught.value.message == (
        "The visible law foreign uses FOREIGN, but it also runs in the student's notebook, where only close, "
        "conforms, jax, jnp, np, refusal exist. Hide the law, or move the names into it."
    )
    assert (caught.value.file, caught.value.line) == (__file__, foreign.__code__.co_firstlineno)


def foreign(f, rng):
    """It is three."""
    return f(1.0) == FOREIGN


def test_the_source_of_a_visible_law():
    (law, _) = scaled().laws
    assert source_of(law.function).startswith("def linear(f, rng):\n")


# ---- an author's errors -----------------------------------------------------------------------------------------


def test_no_checks():
    fails("scale has no check: give it a probe, a case or a law.", exercise(scale, points=1))


def test_a_missing_value():
    fails("'one' gives no value for by, which is no array: write by=...", probed(n=1, d=2))


def test_a_missing_size():
    fails("'one' gives no size for the axis d of scale: write d=...", probed(n=1, by=1.0))


@pytest.mark.parametrize("size", [2.5, "2", -1])
def test_a_size_that_is_none(size):
    fails(f"'one' has n={size!r}, but the size of an axis should be a whole number.", probed(n=size, d=1, by=1.0))


def test_a_vmap_with_too_few_entries():
    fails(
        "'one' has vmap=(0,), but should have one entry for each of the 2 arguments: 0 for those with a row for every "
        "call, None for the others.",
        probed(n=1, d=1, by=1.0, batch=2, vmap=(0,)),
    )


def test_a_reference_that_raises():
    def broken(x: Float[Array, "n"]) -> float:
        """It raises."""
        raise ValueError("oh")

    made = exercise(broken, points=1)
    made.probe("one", n=1)
    fails("The reference broken fails on 'one': ValueError: oh", made)


def test_an_answer_that_is_no_data():
    def maker() -> object:
        """It makes an object."""
        return object()

    made = exercise(maker, points=1)
    made.case("one")
    fails(
        "The reference maker answers 'one' with a builtins.object, which is no data: name the methods to call with "
        "`then=`, or judge it by a law.",
        made,
    )


def test_an_argument_that_is_no_data():
    made = exercise(scale, points=1)
    made.case("one", object(), 1.0)
    fails(
        "'one' has an argument of type object, but arguments should be data, or helpers marked with @given. "
        "To watch how a function is called, write a law and pass the function there.",
        made,
    )
