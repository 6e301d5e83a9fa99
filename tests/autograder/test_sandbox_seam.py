"""What `Student` promises, of the sandbox that grades and of the one without protection alike."""

import textwrap
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from autograder.errors import AuthorError, OurError
from autograder.records import Call, Given, Handle, Key, Limits, Lost, Parameter, Raised, Returned, Spec, Spy, Transform
from autograder.sandbox.local import LocalSandbox
from autograder.sandbox.pool import WarmSandbox
from autograder.sandbox.seam import Sandbox, Student

SECONDS = 20.0
FLOAT = Spec("float", ())


@pytest.fixture(params=["local", "warm"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return LocalSandbox() if request.param == "local" else request.getfixturevalue("warm")


@pytest.fixture
def student(sandbox: Sandbox) -> Iterator[Student]:
    with sandbox.open(Limits(), given={"twice": "def twice(x): return 2 * x"}) as student:
        yield student


def value(student: Student, target: str | Handle, *args: Any, **parts: Any) -> Any:
    outcome = student.call(target, Call(args, **parts), seconds=SECONDS)
    assert isinstance(outcome, Returned), outcome
    return outcome.value


def define(student: Student, source: str) -> None:
    outcome = student.run(source, seconds=SECONDS).outcome
    assert outcome == Returned(None)


def test_a_function_defined_in_a_cell_can_be_called(student: Student) -> None:
    define(student, "def f(x): return x + 1")
    assert value(student, "f", 2.0) == 3.0


def test_cells_share_one_namespace(student: Student) -> None:
    define(student, "a = 1")
    define(student, "def f(): return a")
    define(student, "a = 2")
    assert value(student, "f") == 2


def test_a_name_that_is_not_defined_is_missing_and_the_worker_goes_on(student: Student) -> None:
    assert student.call("f", Call(()), seconds=SECONDS) == Lost("missing")
    define(student, "def f(): return 1")
    assert value(student, "f") == 1


def test_an_exception_is_data(student: Student) -> None:
    define(student, "def f(): raise ValueError('no')")
    outcome = student.call("f", Call(()), seconds=SECONDS)
    assert isinstance(outcome, Raised) and (outcome.type, outcome.message) == ("ValueError", "no")
    assert (
        "autograder" not in outcome.traceback and "raise ValueError('no')" in outcome.traceback
    ) or "in f" in outcome.traceback
    define(student, "def g(): return 1")
    assert value(student, "g") == 1


def test_an_exception_in_a_cell_is_its_outcome(student: Student) -> None:
    outcome = student.run("a = 1\n1 / 0", seconds=SECONDS).outcome
    assert isinstance(outcome, Raised) and outcome.type == "ZeroDivisionError"
    define(student, "def f(): return a")
    assert value(student, "f") == 1


def test_a_cell_that_does_not_compile_is_raised(student: Student) -> None:
    outcome = student.run("def f(:", seconds=SECONDS).outcome
    assert isinstance(outcome, Raised) and outcome.type == "SyntaxError"


def test_arrays_arrive_as_jax_arrays_and_return_as_numpy(student: Student) -> None:
    define(student, "import jax\ndef f(x): return isinstance(x, jax.Array), x + 1")
    is_jax, array = value(student, "f", np.ones(2, np.float32))
    assert is_jax and array.tolist() == [2.0, 2.0] and type(array) is np.ndarray


def test_a_course_of_numpy_gets_numpy_arrays(sandbox: Sandbox) -> None:
    with sandbox.open(Limits(), arrays="numpy") as student:
        define(student, "def f(x):\n    x[0] = 5\n    return type(x).__name__")
        outcome = student.call("f", Call((np.zeros(2),)), seconds=SECONDS)
        assert isinstance(outcome, Returned) and (outcome.value, outcome.changed) == ("ndarray", (0,))


def test_an_object_stays_and_can_be_called_again(student: Student) -> None:
    define(student, "class Model:\n    def fit(self, x): self.x = x\n    def predict(self, y): return self.x + y")
    model = value(student, "Model", then=(("fit", (1.0,)),))
    assert isinstance(model, Handle) and model.type.endswith("Model") and not model.callable
    method = student.call(model, Call(None, then=(("predict", (2.0,)),)), seconds=SECONDS)
    assert isinstance(method, Returned) and method.value == 3.0


def test_a_returned_function_can_be_called_and_passed_on(student: Student) -> None:
    define(student, "def make(a): return lambda x: a * x\ndef use(f, x): return f(x)")
    function = value(student, "make", 3.0)
    assert isinstance(function, Handle) and function.callable
    assert value(student, function, 2.0) == 6.0
    assert value(student, "use", function, 5.0) == 15.0


@pytest.mark.parametrize(
    ("transform", "argument", "expected"),
    [
        (Transform("grad", (0,)), 3.0, 6.0),
        (Transform("jit"), 3.0, 9.0),
        (Transform("vmap", (0,)), np.array([1.0, 2.0], np.float32), [1.0, 4.0]),
    ],
    ids=["grad", "jit", "vmap"],
)
def test_transforms_are_applied_on_the_student_s_side(
    student: Student, transform: Transform, argument: Any, expected: Any
) -> None:
    define(student, "def f(x): return x * x")
    assert np.asarray(value(student, "f", argument, transform=transform)).tolist() == expected


def test_a_given_helper_is_passed_as_a_function(student: Student) -> None:
    define(student, "def f(g, x): return g(x)")
    assert value(student, "f", Given("twice"), 2.0) == 4.0


def test_a_key_is_made_where_it_is_used(student: Student) -> None:
    define(student, "import jax\ndef f(key): return jax.random.key_data(key)")
    assert value(student, "f", Key(7)).tolist() == [0, 7]


def test_a_spy_is_called_back_with_plain_data(student: Student) -> None:
    seen = []
    define(student, "def f(g): return g(1.0, [2]) + g(3.0, (4,))")
    assert value(student, "f", Spy("g", lambda *args: seen.append(args) or 10.0)) == 20.0
    assert seen == [(1.0, [2]), (3.0, (4,))]


def test_a_spy_works_under_vmap_and_jit(student: Student) -> None:
    seen = []

    def function(x: Any) -> Any:
        seen.append(np.shape(x))
        return np.sin(x)

    spy = Spy("g", function, (Parameter("x", FLOAT),), FLOAT)
    define(student, "import jax\ndef f(g, x): return jax.jit(jax.vmap(g))(x)")
    x = np.arange(4, dtype=np.float32)
    assert np.allclose(value(student, "f", spy, x), np.sin(x), atol=1e-6)
    assert seen == [()] * 4


def test_an_object_may_keep_a_spy_for_later(student: Student) -> None:
    define(student, "def make(g): return lambda x: g(x)")
    function = value(student, "make", Spy("g", lambda x: x + 1))
    assert value(student, "make", Spy("g", lambda x: x + 2)) != function
    assert value(student, function, 1.0) == 2.0


def test_a_bound_name_is_the_grader_s_function(student: Student) -> None:
    define(student, "def kernel(x): return 0.0\ndef f(x): return kernel(x)")
    student.bind("kernel", Spy("kernel", lambda x: 2 * x))
    assert value(student, "f", 4.0) == 8.0
    assert value(student, "kernel", 1.0) == 2.0


def test_an_answer_that_cannot_be_sent_is_lost(student: Student) -> None:
    define(student, "def f():\n    x = []\n    x.append(x)\n    return x")
    outcome = student.call("f", Call(()), seconds=SECONDS)
    assert isinstance(outcome, Lost) and outcome.why == "protocol"


def test_workers_know_nothing_of_each_other(sandbox: Sandbox) -> None:
    with sandbox.open(Limits()) as one, sandbox.open(Limits()) as other:
        define(one, "def f(): return 1")
        assert other.call("f", Call(()), seconds=SECONDS) == Lost("missing")


@pytest.fixture
def enclosed(warm: WarmSandbox) -> Iterator[Student]:
    with warm.open(Limits()) as student:
        yield student


def test_what_a_spy_raises_is_one_constant_sentence_over_there(enclosed: Student) -> None:
    def refuse(x: float) -> float:
        raise ValueError("the answer is 42")

    define(enclosed, "def f(g):\n    try: g(1.0)\n    except RuntimeError as e: return str(e)")
    assert value(enclosed, "f", Spy("g", refuse)) == "the function could not be evaluated with these arguments"


@pytest.mark.parametrize("kind", [OurError, AuthorError])
def test_our_own_failure_in_a_spy_stays_ours(enclosed: Student, kind: type[Exception]) -> None:
    def fail(x: float) -> float:
        raise kind("the engine broke")

    define(enclosed, "def f(g): return g(1.0)")
    with pytest.raises(kind, match="the engine broke"):
        value(enclosed, "f", Spy("g", fail))


def test_a_spy_that_answers_no_data_is_our_failure(enclosed: Student) -> None:
    define(enclosed, "def f(g): return g(1.0)")
    with pytest.raises(OurError, match="cannot be sent"):
        value(enclosed, "f", Spy("g", lambda x: print))


def test_a_flood_of_callbacks_is_stopped(enclosed: Student) -> None:
    calls = []
    define(enclosed, "def f(g):\n    while True: g(1.0)")
    outcome = enclosed.call("f", Call((Spy("g", calls.append),)), seconds=60)
    assert isinstance(outcome, Lost) and "20,000 callbacks" in outcome.detail
    assert len(calls) == 20_000


def test_a_callback_with_too_much_data_is_never_evaluated(enclosed: Student) -> None:
    calls = []
    define(enclosed, "import numpy\ndef f(g): return g(numpy.zeros(10**6))")
    outcome = enclosed.call("f", Call((Spy("g", calls.append),)), seconds=SECONDS)
    assert isinstance(outcome, Lost) and outcome.why == "protocol" and not calls


def test_a_thread_that_calls_back_between_two_calls_waits_for_the_next(enclosed: Student) -> None:
    source = """
    import threading, time
    answers = []
    def f(g):
        threading.Thread(target=lambda: (time.sleep(0.1), answers.append(g(5.0)))).start()
    def wait():
        time.sleep(0.1)
        return list(answers)
    """
    define(enclosed, textwrap.dedent(source))
    value(enclosed, "f", Spy("g", lambda x: x + 1))
    time.sleep(0.3)
    assert value(enclosed, "wait") == [6.0]


def test_an_unknown_handle_is_lost(enclosed: Student) -> None:
    outcome = enclosed.call(Handle(99), Call(()), seconds=SECONDS)
    assert isinstance(outcome, Lost) and outcome.why == "protocol"


def test_a_given_helper_that_does_not_load_is_our_failure(warm: WarmSandbox) -> None:
    with pytest.raises(OurError, match="ZeroDivisionError"):
        warm.open(Limits(), given={"f": "1 / 0"})


def test_a_lost_worker_says_so_again(enclosed: Student) -> None:
    lost = enclosed.run("import os; os._exit(0)", seconds=SECONDS).outcome
    assert isinstance(lost, Lost) and lost.why == "exit"
    assert enclosed.call("f", Call(()), seconds=SECONDS) == lost
    assert enclosed.run("1", seconds=SECONDS).outcome == lost
    enclosed.bind("f", Spy("f", abs))


def test_an_exception_whose_class_has_an_odd_name_is_data(enclosed: Student) -> None:
    source = """
    class Odd(type):
        __name__ = property(lambda self: 1 / 0)
    class Strange(Exception, metaclass=Odd):
        pass
    def f(): raise Strange
    """
    define(enclosed, textwrap.dedent(source))
    assert isinstance(enclosed.call("f", Call(()), seconds=SECONDS), Raised)
