"""A call's leaves come to life, transforms are applied, and changed arguments are noticed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autograder.invoke import Bench, invoke, load_given, unchanged
from autograder.records import Call, Given, Handle, Key, Parameter, Spec, Spy, Transform

OBJECTS = {1: [1, 2]}


def bench(arrays: Any = "numpy", **given: str) -> Bench:
    return Bench(load_given(given), lambda h: OBJECTS[h.ident], lambda s: s.function, arrays)


def test_arrays_arrive_in_the_library_of_the_course() -> None:
    assert type(invoke(lambda x: x, Call((np.ones(2),)), bench()).value) is np.ndarray
    assert isinstance(invoke(lambda x: x, Call((np.ones(2),)), bench("jax")).value, jax.Array)


def test_leaves_come_to_life_inside_containers() -> None:
    call = Call(([Key(3), {"a": Given("twice")}, (Handle(1),)],))
    key, functions, handles = invoke(lambda x: x, call, bench(twice="def twice(x): return 2 * x")).value
    assert jax.random.key_data(key).tolist() == jax.random.key_data(jax.random.key(3)).tolist()
    assert functions["a"](4) == 8 and handles[0] is OBJECTS[1]


def test_given_helpers_may_use_each_other_and_numpy() -> None:
    loaded = load_given({"one": "def one(): return np.float64(1)", "two": "def two(): return one() + 1"})
    assert loaded["two"]() == 2


@pytest.mark.parametrize(
    ("transform", "x", "expected"),
    [
        (Transform("grad", (0,)), 3.0, 6.0),
        (Transform("jit"), 3.0, 9.0),
        (Transform("vmap", (0,)), np.array([1.0, 2.0], np.float32), [1.0, 4.0]),
    ],
)
def test_transforms_apply_to_the_function(transform: Transform, x: Any, expected: Any) -> None:
    answer = invoke(lambda x: x * x, Call((x,), transform=transform), bench("jax"))
    assert np.asarray(answer.value).tolist() == expected


def test_changed_arguments_are_told_by_their_number() -> None:
    def careless(a: Any, b: Any, c: Any) -> None:
        b[0] = 7
        c.append(1)

    assert invoke(careless, Call((np.zeros(2), np.zeros(2), [])), bench()).changed == (1, 2)


def test_arguments_that_only_look_changed_are_not_told() -> None:
    nan = np.array([np.nan, 1.0])
    assert invoke(lambda *x: None, Call((nan, {"a": [float("nan")]}, "t", True)), bench()).changed == ()


def test_the_caller_s_arrays_stay_as_they_are() -> None:
    mine = np.zeros(2)
    invoke(lambda x: x.fill(1), Call((mine,)), bench())
    assert mine.tolist() == [0, 0]


def test_unchanged_compares_shape_and_type() -> None:
    assert not unchanged(np.zeros((1, 2)), np.zeros(2))
    assert not unchanged({"a": 1}, {})
    assert not unchanged([1], [1, 2])


class Model:
    def fit(self, x: float) -> None:
        self.x = x

    def predict(self, y: float) -> float:
        return self.x + y


def test_methods_follow_and_one_that_returns_nothing_keeps_the_object() -> None:
    assert invoke(Model, Call((), then=(("fit", (1.0,)), ("predict", (2.0,)))), bench()).value == 3.0


def test_a_helper_may_stand_for_a_method() -> None:
    fitted = bench(moved="def moved(model, x, by):\n    model.fit(x)\n    return model.predict(by)")
    assert invoke(Model, Call((), then=((Given("moved"), (1.0, 5.0)),)), fitted).value == 6.0


def test_without_arguments_the_object_itself_is_asked() -> None:
    model = Model()
    model.fit(1.0)
    assert invoke(model, Call(None, then=(("predict", (1.0,)),)), bench()).value == 2.0
    assert invoke(model, Call(None), bench()).value is model


def test_what_the_student_raises_passes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        invoke(lambda: 1 / 0, Call(()), bench())


def test_a_spy_that_says_what_it_returns_may_be_traced() -> None:
    spy = Spy("f", np.sin, (Parameter("x", Spec("float", ("n",))),), Spec("float", ("n",)))
    x = np.arange(3, dtype=np.float32)
    answer = invoke(lambda f, x: jax.jit(f)(x), Call((spy, x)), bench("jax"))
    assert np.allclose(answer.value, np.sin(x))


def test_a_spy_that_answers_a_pair_may_be_traced() -> None:
    returns = Spec("tuple", items=(Spec("float", ()), Spec("int", ("2",))))
    spy = Spy("f", lambda x: (x.sum(), np.arange(2)), (Parameter("x", Spec("float", ("n",))),), returns)
    total, two = invoke(lambda f, x: jax.jit(f)(x), Call((spy, np.ones(3, np.float32))), bench("jax")).value
    assert total == 3 and two.tolist() == [0, 1] and two.dtype == jnp.int32


def test_a_traced_spy_of_no_stated_shape_answers_what_is_as_large_as_its_first_argument() -> None:
    spy = Spy("f", np.cumsum, (Parameter("x", Spec()), Parameter("axis", Spec("int"))), Spec())
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    answer = invoke(lambda f, x: jax.vmap(lambda row: f(row, 0))(x), Call((spy, x)), bench("jax"))
    assert np.allclose(answer.value, np.cumsum(x, 1))


def test_a_spy_that_does_not_say_so_cannot_be_traced() -> None:
    spy = Spy("f", float)
    with pytest.raises(jax.errors.ConcretizationTypeError):
        invoke(lambda f, x: jax.jit(f)(x), Call((spy, 1.0)), bench("jax"))
