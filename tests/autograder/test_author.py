"""What an author can say wrongly, and what is answered."""

from pathlib import Path

import jax.numpy as jnp
import pytest
from jaxtyping import Array, Float

from autograder.author import exercise, given, written
from autograder.drawing import call_of
from autograder.errors import AuthorError
from autograder.records import Given, Tolerance, Transform


def scale(x: Float[Array, "n d"], by: float) -> Float[Array, "n d"]:
    """Every entry times `by`."""
    return x * by


class Model:
    """Adds what it was fitted to."""

    def fit(self, X: Float[Array, "n"]) -> "Model":
        self.X = X
        return self

    def predict(self, Z: Float[Array, "n"]) -> Float[Array, "n"]:
        return self.X + Z


def added(model, x):
    return model.predict(x)


def nothing():
    return 0


def fails(message, call, *args, **options):
    with pytest.raises(AuthorError) as caught:
        call(*args, **options)
    assert caught.value.message == message


@pytest.fixture
def ex():
    return exercise(scale, points=2)


def test_what_an_exercise_knows(ex):
    assert (ex.name, ex.points, ex.needs, ex.nudges, ex.limits) == ("scale", 2, (), (), {})
    later = exercise(Model, points=1, needs=[ex], hints=("One.",))
    assert (later.needs, later.nudges) == (("scale",), ("One.",))


def test_an_axis_that_does_not_exist(ex):
    fails(
        "'four' says m=4, but scale has no axis or argument of that name; it has by, d, n, x.",
        ex.probe,
        "four",
        n=1,
        d=2,
        by=1.0,
        m=4,
    )


def test_a_batch_only_where_vmap_is(ex):
    ex.probe("mapped", n=1, d=2, by=1.0, batch=3, vmap=(0, None))
    with pytest.raises(AuthorError, match=r"'plain' says batch=3, but scale has no axis"):
        ex.probe("plain", n=1, d=2, by=1.0, batch=3)


def test_a_method_that_does_not_exist():
    message = "'five' calls the method 'transform', but Model has none of that name."
    fails(message, exercise(Model, points=1).probe, "five", n=5, then=("fit", "transform"))


def test_a_helper_stands_for_a_method_and_its_arguments_are_drawn():
    model = exercise(Model, points=1)
    model.probe("five", k=2, then=(given(added, x=Float[Array, "k"], returns=Float[Array, "k"]),))
    assert [p.name for p in model.signatures["added"].parameters] == ["x"]
    method, (x,) = call_of(model, model.questions[0], b"secret").then[0]
    assert method == Given("added") and x.shape == (2,)


def test_what_is_said_of_a_helper_should_be_of_its_arguments():
    with pytest.raises(AuthorError, match="added has no argument z, so nothing should be said of it"):
        given(added, z=Float[Array, "k"])


def test_a_helper_without_arguments_cannot_stand_for_a_method():
    message = "nothing stands for a method, so its first argument should be the object."
    fails(message, exercise(Model, points=1).probe, "five", then=(given(nothing),))


def test_two_checks_with_one_label(ex):
    ex.probe("four", n=4, d=1, by=2.0)
    message = "scale has two checks labelled 'four'; labels should differ."
    fails(message, ex.probe, "four", n=5, d=1, by=2.0)
    fails(message, ex.case, "four", jnp.ones((1, 1)), 2.0)

    def law(f, rng):
        """four"""

    fails(message, ex.law, law)


def test_two_variants_of_one_name(ex):
    def wrong(x, by):
        """You added."""

    for what in ("mistake", "alternate", "oracle"):
        getattr(ex, what)(wrong)
        fails(f"Two {what}s are called wrong, but their names should differ.", getattr(ex, what), wrong)


def test_a_reference_without_a_prompt():
    def bare(x): ...

    with pytest.raises(AuthorError) as caught:
        exercise(bare, points=1)
    assert caught.value.message == "bare is an exercise, and its docstring should be the prompt that the student reads."
    assert caught.value.file == __file__
    assert Path(__file__).read_text().splitlines()[caught.value.line - 1].strip() == "def bare(x): ..."


def test_a_mistake_or_a_law_without_its_text(ex):
    def silent(x, by): ...

    fails("silent is a mistake, and its docstring should be the hint.", ex.mistake, silent)
    message = "silent is a law, and its docstring should be what must hold, as the student will read it."
    fails(message, ex.law, silent)


@pytest.mark.parametrize("points", [0, -1])
def test_points_are_positive(points):
    fails(f"scale has points={points}, but points should be positive.", exercise, scale, points=points)


def test_a_written_question_has_a_rubric():
    message = "The written question 'why' needs positive points and a rubric."
    fails(message, written, "why", "Why?", points=1, rubric=" ")
    fails(message, written, "why", "Why?", points=0, rubric="Because.")
    assert written("why", "\n    Why?\n", points=1, rubric="\n  Because.\n").rubric == "Because."


def test_one_transform_at_a_time(ex):
    message = "A check may ask for one of grad, jit and vmap, not for several at once."
    fails(message, ex.probe, "both", n=1, d=1, by=1.0, grad=0, jit=True)


def test_transforms_that_cannot_be(ex):
    fails(
        "'rows' has vmap=(1, None), but probes map over 0, a new leading axis, or None.",
        ex.probe,
        "rows",
        n=1,
        d=1,
        by=1.0,
        batch=2,
        vmap=(1, None),
    )
    fails("'slope' has grad=2, but scale has 2 arguments, from 0.", ex.probe, "slope", n=1, d=1, by=1.0, grad=2)


def test_a_weight_is_positive(ex):
    fails("'light' has weight=0, but a weight should be positive.", ex.probe, "light", n=1, d=1, by=1.0, weight=0)


def test_transforms_and_tolerances_are_kept(ex):
    ex.probe("slope", n=1, d=1, by=1.0, grad=0)
    ex.probe("compiled", n=1, d=1, by=1.0, jit=True)
    ex.case("mapped", jnp.ones((2, 1, 1)), 1.0, vmap=(0, None), tolerance=Tolerance(0.1))
    assert [q.transform for q in ex.questions] == [
        Transform("grad", (0,)),
        Transform("jit"),
        Transform("vmap", (0, None)),
    ]
    assert [q.tolerance.rtol for q in ex.questions] == [1e-4, 1e-4, 0.1]


def test_a_law_is_repeated_on_independent_draws(ex):
    @ex.law(draws=3, hidden=True)
    def law(f, rng):
        """It holds."""

    assert [law.label for law in ex.laws] == ["It holds.", "It holds. (draw 2)", "It holds. (draw 3)"]
    assert all(law.hidden for law in ex.laws)


def test_a_given_helper_keeps_its_source():
    @given
    def twice(x):
        return 2 * x

    assert twice.source == "def twice(x):\n    return 2 * x\n"
    assert twice(2) == 4
