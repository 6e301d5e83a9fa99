"""A law that asks what was asked before is judged by what was answered then, and by nothing else."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.answers import OWN, Answers, Part, part_of, said_from_text, said_to_text
from autograder.laws import Subject, close, judge_law, refusal
from autograder.recall import Otherwise, Recalling, recalled
from autograder.records import Call, Handle, LawResult, Lost, Parameter, Raised, Returned, Signature, Spec, Spy
from autograder.said import MOST, Noting, Said, asked
from autograder.sandbox.local import LocalStudent

SIGNATURE = {"": Signature((Parameter("x", Spec()),), Spec())}
ASKED: list[Any] = []


class Box:
    def __init__(self, x):
        self.x = x

    def doubled(self):
        return 2 * self.x


def student() -> LocalStudent:
    def each(function, x):
        ASKED.append(x)
        return [function(i, np.float64(x)) for i in range(3)]

    def refuse(x):
        raise ValueError("no")

    code = {"square": lambda x: ASKED.append(x) or x * x, "each": each, "Box": Box, "refuse": refuse}
    return LocalStudent(code, {}, "numpy")


def squares(f, rng):
    x = rng.normal(size=4)
    return close(f(x), x**2) and f(2) == 4


def sums(f, rng):
    seen = []
    answers = f(lambda i, x: seen.append(i) or i + x, 2.0)
    return seen == [0, 1, 2] and answers == [2.0, 3.0, 4.0]


def boxed(f, rng):
    return f(3).doubled() == 6


def refuses(f, rng):
    return refusal(lambda: f(1)) == "ValueError"


LAWS: Mapping[str, Callable[..., Any]] = {"square": squares, "each": sums, "Box": boxed, "refuse": refuses}


def asking(student: Any) -> Noting:
    return Noting(lambda query: student.call(query.target, query.call, seconds=query.seconds()))


def noted(name: str, law: Callable[..., Any]) -> list[Said]:
    noting: Any = asking(student())
    judge_law(law, Subject(noting, name, SIGNATURE, lambda: 1.0), 5)
    assert noting.said is not None
    return noting.said


def again(name: str, law: Callable[..., Any], said: Any) -> Any:
    back = said_from_text(said_to_text({"law": said}))["law"]
    subject: Any = Subject(Recalling(iter(back)), name, SIGNATURE, lambda: 0.0)
    return judge_law(law, subject, 5)


@pytest.mark.parametrize("name", LAWS)
def test_the_same_questions_get_the_same_answers_and_nobody_is_asked(name: str) -> None:
    said = noted(name, LAWS[name])
    ASKED.clear()
    assert again(name, LAWS[name], said) == LawResult(True)
    assert ASKED == []


CHANGED: Mapping[str, tuple[str, Callable[..., Any], Any]] = {
    "stricter": ("square", lambda f, rng: squares(f, rng) and False, LawResult(False)),
    "asks less": ("square", lambda f, rng: f(rng.normal(size=4)).shape == (4,), LawResult(True)),
    "asks something else": ("square", lambda f, rng: f(rng.normal(size=5)) is not None, Otherwise),
    "asks more": ("square", lambda f, rng: squares(f, rng) and f(3) == 9, Otherwise),
    "asks in another order": ("square", lambda f, rng: f(2) == 4 and squares(f, rng), Otherwise),
    "asks for a gradient": ("square", lambda f, rng: f.jit()(rng.normal(size=4)) is not None, Otherwise),
    "answers otherwise": ("each", lambda f, rng: f(lambda i, x: 2 * i + x, 2.0) is not None, Otherwise),
    "raises where it is called": ("each", lambda f, rng: f(lambda i, x: 1 / i, 2.0) is not None, Otherwise),
    "another method": ("Box", lambda f, rng: f(3).halved() is not None, Otherwise),
    "looks at what it refused": ("refuse", lambda f, rng: refusal(lambda: f(1)) == "TypeError", LawResult(False)),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_changed_law_is_judged_by_what_was_said_or_not_at_all(what: str) -> None:
    name, law, expected = CHANGED[what]
    said = noted(name, LAWS[name])
    if expected is Otherwise:
        with pytest.raises(Otherwise):
            again(name, law, said)
    else:
        assert again(name, law, said) == expected


def test_no_law_catches_that_something_else_is_asked() -> None:
    def careless(f, rng):
        try:
            return f(99) == 1
        except Exception:
            return True

    with pytest.raises(Otherwise):
        again("square", careless, noted("square", squares))


def test_a_law_that_changes_what_it_is_given_is_given_it_again() -> None:
    def spoils(f, rng):
        seen = []
        answers = f(lambda i, x: seen.append(i) or [i], 2.0)
        right = answers == [[0], [1], [2]]
        answers.clear()
        return right

    assert again("each", spoils, noted("each", spoils)) == LawResult(True)


def test_what_is_long_or_no_data_is_not_noted() -> None:
    class Telling:
        def __init__(self, answer: Any, args: tuple[Any, ...] = ()) -> None:
            self.answer, self.args = answer, args

        def call(self, target: Any, call: Call, *, seconds: float) -> Any:
            for function in (leaf.function for leaf in call.args or () if isinstance(leaf, Spy)):
                for _ in range(100):
                    function(*self.args)
            return Returned(self.answer)

    def kept(answer: Any, *args: Any) -> Any:
        noting = asking(Telling(answer, args))
        noting.call("f", Call((Spy("g", lambda *a: 1),)), seconds=1)
        noting.call("f", Call((1,)), seconds=1)
        assert len(noting._called) < 2
        return noting.said and len(noting.said)

    assert kept(3) == kept("x", 1) == 2
    assert kept(np.zeros(MOST)) is None
    assert kept(object()) is None
    assert kept(3, np.zeros(MOST // 100)) is None
    assert kept(3, object()) is None


ENDED = st.sampled_from([Returned(3), Returned(Handle(1, "f", True)), Raised("ValueError", "no"), Lost("missing")])
CALLED = st.tuples(st.integers(0, 5), st.tuples(st.integers(-9, 9), st.text(max_size=5)), st.text(max_size=5))
SAID = st.builds(Said, st.text(max_size=9), ENDED, st.lists(CALLED, max_size=3).map(tuple))


@given(st.dictionaries(st.text(max_size=9), st.lists(SAID, max_size=4).map(tuple), max_size=3))
def test_what_was_said_comes_back_as_it_was(said: Mapping[str, tuple[Said, ...]]) -> None:
    assert said_from_text(said_to_text(said)) == said


@pytest.mark.parametrize("text", ["{", "5\n", "[5]\n", '[{"$t":["a",[{"$t":["a","b",5]}]]}]\n'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        said_from_text(text)


def test_of_an_exercise_is_known_what_has_stayed_and_what_asks_the_same() -> None:
    answers = Answers((Returned(1), LawResult(False)), 2.0, {"small": [Said(asked("f", Call((1,))), Returned(1))]})
    checks = [SimpleNamespace(label="one", call=Call((0,))), SimpleNamespace(label="small", call=None, seed=1)]
    law = SimpleNamespace(function=lambda f, rng: f(1) == 1)
    exercise = SimpleNamespace(name="f", checks=checks, signatures=SIGNATURE)
    chapter: Any = SimpleNamespace(law=lambda name, label: law)
    sheet: Any = SimpleNamespace(exercises=(exercise,))

    def known(now: tuple[str, ...]) -> Any:
        part = part_of(answers, ("a", "b"), now)
        assert isinstance(part, Part)
        whole, left = recalled(chapter, sheet, {("f", OWN): part})
        return whole.get(("f", OWN)) or left.get(("f", OWN))

    assert known(("a", "b")).results == answers.results
    assert known(("a", "changed")) == Answers((Returned(1), LawResult(True)), 2.0, answers.said)
    assert known(("changed", "b")).results == {1: LawResult(False)}  # the first is not a law's
    law.function = lambda f, rng: f(2) == 1
    assert known(("a", "changed")).results == {0: Returned(1)}
    assert known(("changed", "too")) is None
    assert part_of(Answers((Lost("time"), LawResult(False))), ("a", "b"), ("a", "c")) is None
