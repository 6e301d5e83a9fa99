"""Laws: what they may see of an answer, and what stops them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autograder.author import given
from autograder.errors import OurError
from autograder.laws import Subject, batched, changed_argument, checked, close, ending, judge_law, refusal
from autograder.records import Key, LawResult, Lost, Raised, Returned, Signature, Spec
from autograder.sandbox.local import LocalStudent
from autograder.signature import signatures_of

NM = Spec("float", ("n", "m"))


def subject(function, *, signature=None, given={}, arrays="numpy"):
    student = LocalStudent({"f": function}, given, arrays)
    signatures = signature or {"": Signature()}
    return Subject(student, "f", signatures, lambda: math.inf)


def ended(law, function, **options):
    return judge_law(law, subject(function, **options), 7)


RETURNS = {
    "vector": {"": Signature(returns=Spec("float", ("n",)))},
    "number": {"": Signature(returns=Spec("float", ()))},
    "pair": {"": Signature(returns=Spec("tuple", items=(Spec("float", ("n",)), Spec("int", ()))))},
}


@pytest.mark.parametrize(
    ("a", "b", "agree"),
    [
        (np.ones(3), np.ones(3), True),
        (np.ones(3), np.ones(3) + 1e-7, True),
        (np.ones(3), 1.0, True),
        (1.0, np.float32(1), True),
        ([1, 2], (1, 2), True),
        (np.ones(3), np.ones(3) + 1e-2, False),
        (np.zeros(0), np.zeros(0), False),
        (np.zeros(0), 1.0, False),
        (1.0, np.ones(3), False),
        (np.ones((3, 1)), np.ones(3), False),
        (np.array([np.nan]), np.array([np.nan]), False),
        (np.array([np.inf]), np.array([np.inf]), False),
        (np.ones(2), np.nan, False),
    ],
)
def test_close_refuses_what_is_empty_broadcast_or_not_finite(a, b, agree):
    assert close(a, b) is agree


def test_close_takes_a_tolerance():
    assert close(1.0, 1.05, rtol=0.1)
    assert not close(1.0, 1.05, rtol=0.01)


def test_a_law_is_kept_or_broken():
    def even(f, rng):
        x = rng.normal(size=3)
        return close(f(x), f(-x))

    assert ended(even, np.abs) == LawResult(True)
    assert ended(even, np.exp) == LawResult(False)


def test_a_law_draws_from_its_seed_alone():
    drawn = []

    def law(f, rng):
        drawn.append(rng.normal())
        return True

    for _ in range(2):
        ended(law, abs)
    assert drawn[0] == drawn[1]


def ask(f, rng):
    f(np.ones(4))
    return True


@pytest.mark.parametrize(
    ("function", "returns", "kind", "message"),
    [
        (lambda x: np.array([np.nan]), "vector", "value", "your answer contains NaN."),
        (lambda x: float("nan"), "number", "value", "your answer contains NaN."),
        (lambda x: 1.0, "vector", "shape", "your answer has 0 axes, but should have 1: n."),
        (lambda x: x, "number", "shape", "your answer has shape (4,), but should be a single number."),
        (lambda x: x > 0, "vector", "dtype", "your answer is True or False, but should be a float array or number."),
        (lambda x: "four", "vector", "dtype", "your answer is a str, but should be an array."),
        (lambda x: None, "vector", "dtype", "your answer is a NoneType, but should be an array."),
        (lambda x: [[1], [2, 3]], "vector", "dtype", "your answer is a list, but should be an array."),
        (lambda x: x, "pair", "shape", "your answer should be 2 values."),
        (lambda x: (x, 0.5), "pair", "dtype",
         "your answer is a float array or number, but should be an integer array or number."),
    ],
)  # fmt: skip
def test_an_answer_of_the_wrong_form_stops_the_law(function, returns, kind, message):
    assert ended(ask, function, signature=RETURNS[returns]) == LawResult(False, kind, message)


@pytest.mark.parametrize(
    ("function", "returns"),
    [(abs, "vector"), (sum, "number"), (lambda x: x.tolist(), "vector"), (lambda x: (x, 3), "pair")],
)
def test_an_answer_of_the_right_form_does_not(function, returns):
    assert ended(ask, function, signature=RETURNS[returns]) == LawResult(True)


def test_named_axes_are_read_off_the_arguments():
    from autograder.records import Parameter

    signature = {"": Signature((Parameter("x", Spec("float", ("n",))),), Spec("float", ("n", "n")))}
    wrong = ended(ask, lambda x: np.ones((4, 3)), signature=signature)
    assert wrong.message == "your answer has shape (4, 3), but should be (4, 4): one axis each for n, n."
    assert ended(ask, lambda x: np.ones((4, 4)), signature=signature).kept


def test_exceptions_and_losses_are_outcomes():
    def broken(x):
        raise ValueError("no")

    result = ended(ask, broken)
    assert isinstance(result, Raised) and (result.type, result.message) == ("ValueError", "no")
    gone = Subject(LocalStudent({}, {}, "numpy"), "f", {"": Signature()}, lambda: math.inf)
    assert judge_law(ask, gone, 1) == Lost("missing")


def test_a_changed_argument_is_named():
    def grabs(x):
        x += 1
        return x

    assert ended(ask, grabs) == LawResult(False, "value", changed_argument((0,)))
    assert changed_argument((0,)) == (
        "your function changes its argument 1, but should leave its arguments as they were: copy it first."
    )


def test_an_answer_that_the_law_cannot_use_breaks_it():
    def law(f, rng):
        return f(np.ones(2))["loss"] > 0

    message = "your answer has a form that this check cannot use (IndexError)."
    assert ended(law, abs) == LawResult(False, "law", message)


def test_a_law_that_gets_many_answers_to_a_yes_or_no_question_is_broken():
    def law(f, rng):
        return f(np.ones(3)) > 0

    message = "your answer has a form that this check cannot use (ValueError)."
    assert ended(law, lambda x: x) == LawResult(False, "law", message)


def test_our_failure_passes_through():
    class Failing:
        def call(self, *_, **__):
            raise OurError("the worker cannot be started")

    with pytest.raises(OurError, match="cannot be started"):
        judge_law(ask, Subject(Failing(), "f", {"": Signature()}, lambda: 1.0), 1)


def test_a_function_passed_to_the_student_stays_a_spy():
    def law(f, rng):
        seen = []
        f(lambda x: seen.append(x) or 1.0)
        return seen == [3]

    assert ended(law, lambda g: g(3)).kept


def test_a_given_helper_travels_by_name():
    @given
    def double(x):
        return 2 * x

    def law(f, rng):
        return f(double) == 4

    assert ended(law, lambda g: g(2), given={"double": double.function}).kept


def test_keys_and_jax_arrays_become_data():
    def law(f, rng):
        return f(jax.random.key(3), jnp.ones(2), [jnp.ones(1)]) == 3

    assert ended(law, lambda k, x, y: int(jax.random.key_data(k)[-1]), arrays="jax").kept
    assert Key(3) == Key(3)


def half_square(x):
    return jnp.sum(x**2) / 2


NUMBER = {"": Signature(returns=Spec("float", ()))}


def test_gradients_maps_and_compiled_functions_can_be_asked_for():
    def law(f, rng):
        x = rng.normal(size=3).astype(np.float32)
        rows = np.stack([x, 2 * x])
        return close(f.grad(0)(x), x) and close(f.jit()(x), f(x)) and close(f.vmap(0)(rows), [f(x), f(2 * x)])

    assert ended(law, half_square, signature=NUMBER, arrays="jax").kept


def test_a_mapped_answer_is_checked_as_well():
    def law(f, rng):
        f.vmap(0)(np.ones((2, 3), np.float32))
        return True

    def nan(x):
        return jnp.sum(x) * jnp.nan

    wrong = ended(law, lambda x: x, signature=NUMBER, arrays="jax")
    assert (wrong.kind, wrong.message) == ("shape", "your answer has 2 axes, but should have 1: batch.")
    assert ended(law, nan, signature=NUMBER, arrays="jax").message == "your answer contains NaN."
    assert batched(Spec("tuple", items=(NM, Spec("float", ())))).items[1].axes == ("batch",)
    assert batched(Spec()) == Spec()


class Counter:
    """Counts."""

    def __init__(self, start: int):
        self.start = start

    def fit(self, x: int) -> "Counter":
        self.start += x
        return self

    def total(self) -> float:
        return float(self.start)


def test_objects_stay_with_the_student_and_their_methods_can_be_called():
    def law(f, rng):
        counter = f(1)
        return counter.fit(2).total() == 3.0 and counter.total() == 3.0

    assert ended(law, Counter, signature=signatures_of(Counter)).kept


def test_private_names_of_a_held_object_are_out_of_reach():
    def law(f, rng):
        return f(1)._secret

    assert ended(law, Counter, signature=signatures_of(Counter)).message.endswith("(AttributeError).")


def test_an_ending_is_one_word():
    results = (
        LawResult(True),
        LawResult(False),
        LawResult(False, "shape", "m"),
        Raised("TypeError", "m"),
        Lost("time"),
    )
    assert [ending(r) for r in results] == [True, False, "shape", "raised TypeError", "time"]
    with pytest.raises(TypeError, match="no result of a law"):
        ending(Returned(1))


def test_an_unknown_axis_may_have_any_length():
    assert checked(np.ones((2, 3)), NM, {"n": 2}).shape == (2, 3)
    assert checked(np.float64(2), Spec("float", ()), {}) == 2


def test_a_law_may_ask_for_an_exception():
    def picky(x):
        if x < 0:
            raise ValueError("negative")
        return x

    def law(f, rng):
        return refusal(lambda: f(-1.0)) == "ValueError" and refusal(lambda: f(1.0)) == ""

    assert ended(law, picky) == LawResult(True)
    assert not ended(law, abs).kept
    gone = Subject(LocalStudent({}, {}, "numpy"), "f", {"": Signature()}, lambda: math.inf)
    assert judge_law(law, gone, 1) == Lost("missing")
