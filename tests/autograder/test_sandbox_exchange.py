"""Many requests on their way to a worker: answered in order, each in its own time, and none lost or mixed up."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from autograder.records import Call, Limits, Lost, Outcome, Raised, Returned, Spy
from autograder.sandbox.exchange import MOST_ON_THE_WAY
from autograder.sandbox.pool import WarmSandbox
from autograder.sandbox.seam import Cell, Query
from autograder.sandbox.student import WarmStudent

CODE = """
import os, time
import numpy as np
def same(x): return x
def fail(x): raise ValueError(x)
def wait(x): time.sleep(x)
def leave(x): os._exit(1)
def ask(f, x): return f(x)
def grow(n): return np.ones(n, np.float32)
"""


@pytest.fixture
def student(warm: WarmSandbox) -> Iterator[WarmStudent]:
    with warm.open(Limits(), arrays="numpy") as student:
        assert student.run(CODE, seconds=20).outcome == Returned(None)
        yield student


def asked(student: WarmStudent, calls: Iterable[tuple[Any, ...]], seconds: float = 20.0) -> list[Outcome]:
    """What is answered to these calls, each a name and its arguments."""
    return list(student.answers(each([Query(name, Call(tuple(args)), lambda: seconds) for name, *args in calls])))


def each(things: list[Any]) -> Callable[[], Any]:
    left = iter(things)
    return lambda: next(left, None)


def test_each_answer_is_that_to_its_own_question(student: WarmStudent) -> None:
    answers = asked(student, [("same", n) if n % 7 else ("fail", n) for n in range(3 * MOST_ON_THE_WAY)])
    assert len(answers) == 3 * MOST_ON_THE_WAY
    for number, answer in enumerate(answers):
        if number % 7:
            assert answer == Returned(number)
        else:
            assert isinstance(answer, Raised) and answer.message == str(number)


def test_what_is_large_goes_alone_and_comes_whole(student: WarmStudent) -> None:
    large = np.arange(2_000_000, dtype=np.float32)
    calls = [("same", 1), ("same", large), ("same", 2), ("grow", 3_000_000), ("same", large), ("same", 3)]
    answers = asked(student, calls)
    assert [answers[i] for i in (0, 2, 5)] == [Returned(1), Returned(2), Returned(3)]
    assert np.array_equal(answers[1].value, large) and np.array_equal(answers[4].value, large)  # type: ignore[union-attr]
    assert answers[3].value.size == 3_000_000  # type: ignore[union-attr]


def test_the_one_that_ends_the_worker_is_told_and_those_after_it_are_not(student: WarmStudent) -> None:
    answers = asked(student, [("same", 1), ("leave", 2), ("same", 3)])
    assert answers == [Returned(1), Lost("exit", "the process ended itself")]
    assert asked(student, [("same", 4), ("same", 5)]) == answers[1:]  # it stays lost
    assert asked(student, []) == []


def test_what_is_announced_behind_an_answer_ends_the_worker_and_not_the_grader(student: WarmStudent) -> None:
    spoil = (
        "from autograder.sandbox import channel\n"
        "real = channel.send\n"
        "def spoil(x):\n"
        "    channel.send = lambda peer, frames, **deadline: real(peer, frames + b'\\xff' * 12)\n"
        "    return x\n"
    )
    assert student.run(spoil, seconds=20).outcome == Returned(None)
    answers = asked(student, [("spoil", 1), ("same", 2), ("same", 3)])
    assert answers == [
        Returned(1),
        Lost("protocol", "a frame of 4,294,967,295 + 18,446,744,073,709,551,615 bytes was announced"),
    ]


def test_time_is_that_of_each_answer(student: WarmStudent) -> None:
    assert asked(student, [("wait", 0.3)] * 3, seconds=0.8) == [Returned(None)] * 3
    begin = time.monotonic()
    assert asked(student, [("wait", 0.1), ("wait", 60.0), ("same", 1)], seconds=0.8)[1:] == [
        Lost("time", "no answer within 0.8 s")
    ]
    assert time.monotonic() - begin < 20
    assert 0.9 + 0.1 + 0.7 < student.spent < 10


def test_a_function_of_ours_is_answered_while_others_wait(student: WarmStudent) -> None:
    told: list[Any] = []

    def double(x: Any) -> Any:
        told.append(x)
        return 2 * x

    queries = [q for n in range(40) for q in (("ask", Spy("double", double), n), ("same", n))]
    assert asked(student, queries) == [Returned(x) for n in range(40) for x in (2 * n, n)]
    assert told == list(range(40))


def test_what_an_answer_leads_to_is_asked_as_well(student: WarmStudent) -> None:
    heard: list[Any] = []

    def next_query() -> Query | None:
        last = heard[-1] if heard else 1
        return Query("same", Call((last + 1,)), lambda: 20.0) if last < 10 else None

    for answer in student.answers(next_query):
        heard.append(answer.value)  # type: ignore[union-attr]
    assert heard[-1] == 10


def test_nothing_is_asked_of_a_worker_whose_answer_nobody_hears(student: WarmStudent) -> None:
    for answer in student.answers(each([Query("same", Call((n,)), lambda: 20.0) for n in range(5)])):
        assert answer == Returned(0)
        break
    # The other four are on their way, and their replies have numbers of their own.
    assert isinstance(student.call("same", Call((9,)), seconds=20), Lost)


def test_cells_run_in_their_order_until_one_ends_the_worker(student: WarmStudent) -> None:
    cells = ["x = 1", "x += 1; print(x)", "1 / 0", "print(x)", "os._exit(0)", "print(x)"]
    ran = list(student.runs(each([Cell(source, lambda: 20.0) for source in cells])))
    assert [[o.get("text") for o in one.outputs] for one in (ran[1], ran[3])] == [["2\n"], ["2\n"]]
    assert [type(one.outcome).__name__ for one in ran] == ["Returned", "Returned", "Raised", "Returned", "Lost"]
