"""What a law is told is noted for later: a student's code that talks endlessly fills nothing of the grader's with it."""

import json
from typing import Any

import numpy as np
import pytest

from autograder import said
from autograder.answers import said_to_text
from autograder.laws import Subject, judge_law
from autograder.records import LawResult, Limits, Parameter, Signature, Spec
from autograder.sandbox.pool import WarmSandbox

TIMES, ENTRIES = 60, 20_000
TELLS = f"""
import numpy as np

def calls(function):
    return [function(np.full({ENTRIES}, i, np.float32)) for i in range({TIMES})][-1]

def answers(number):
    return np.zeros(1_000_000, np.float32)

def nested(number):
    inner = []
    for _ in range(25):
        inner = [inner]
    return inner
"""
SIGNATURE = {"": Signature((Parameter("x", Spec()),), Spec())}


def calls(f, rng):
    return f(lambda array: float(array[0])) == TIMES - 1


def answers(f, rng):
    return all(f(number).shape == (1_000_000,) for number in range(8))


def nested(f, rng):
    return all(f(number) != number for number in range(8_000))


def told(name: str, law: Any, warm: WarmSandbox) -> Any:
    """What is noted of a law that holds all the same."""
    with warm.open(Limits()) as student:
        student.run(TELLS, seconds=20)
        noting: Any = said.Noting(lambda query: student.call(query.target, query.call, seconds=query.seconds()))
        assert judge_law(law, Subject(noting, name, SIGNATURE, lambda: 20.0), 1) == LawResult(True)
    return noting.said


@pytest.mark.parametrize("law", [calls, answers, nested])
def test_endless_talk_is_not_noted_and_costs_no_point(law: Any, warm: WarmSandbox) -> None:
    assert told(law.__name__, law, warm) is None


@pytest.mark.parametrize("law", [calls, answers])
def test_without_the_limit_it_is_noted(law: Any, warm: WarmSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Boundless(said.Noting):
        def __init__(self, ask: Any) -> None:
            super().__init__(ask, _room=1 << 40)

    monkeypatch.setattr(said, "Noting", Boundless)
    noted = told(law.__name__, law, warm)
    kept = [a for s in noted for a in (getattr(s.outcome, "value", None), *(x for c in s.called for x in c[1]))]
    assert sum(a.nbytes for a in kept if isinstance(a, np.ndarray)) > 10 * said.MOST


def test_notes_are_read_as_data_and_nothing_else() -> None:
    text = said_to_text({"law": []})
    assert json.loads(text.partition("\n")[0]) == [{"$t": ["law", []]}]
