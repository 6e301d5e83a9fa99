"""Who is sent, who is entered, and who is sent again: the ledger, without a cluster."""

from pathlib import Path
from typing import Any

import pytest
from scaled import graded_as, ledgers

from autograder.errors import OurError
from autograder.records import Graded
from autograder.scale.ledger import MAX_TRIES, Job, Ledger


@pytest.fixture
def entered() -> list[Graded]:
    return []


@pytest.fixture
def ledger(toy, toy_sheet, tmp_path: Path, entered: list[Graded]) -> Any:
    return ledgers(toy, toy_sheet, tmp_path, entered.append)


def everyone(ledger: Ledger) -> list[Job]:
    return list(iter(ledger.take, None))


def test_everyone_is_sent_once_and_entered_once_in_order(ledger, entered) -> None:
    books = ledger("a", "b", "c")
    jobs = everyone(books)
    for job in reversed(jobs):
        books.commit(job, graded_as(), "there")
    assert [g.student for g in entered] == ["s2", "s1", "s0"]
    assert books.summary() == "3 of 3 were graded now, by 1 workers."
    assert [g.student for g in books.results()] == ["s0", "s1", "s2"]
    with pytest.raises(OurError, match="s0 was graded twice"):
        books.commit(jobs[0], graded_as(), "there")


def test_the_same_cells_are_sent_once_and_entered_for_each(ledger, entered) -> None:
    books = ledger("a", "b", "a", "a")
    first, other = everyone(books)
    books.commit(other, graded_as(2.0), "there")
    books.commit(first, graded_as(), "there")
    assert everyone(books) == []
    assert [(g.student, g.seconds) for g in books.results()] == [("s0", 1.0), ("s1", 2.0), ("s2", 1.0), ("s3", 1.0)]


def test_what_was_graded_in_a_hurry_is_entered_for_one_and_sent_again_for_the_next(ledger, entered) -> None:
    books = ledger("a", "a")
    (first,) = everyone(books)
    books.commit(first, graded_as(hurried=True), "there")
    (second,) = everyone(books)
    books.commit(second, graded_as(), "there")
    assert [g.hurried for g in books.results()] == [True, False]


def test_an_earlier_run_is_gone_on_with(ledger, entered) -> None:
    books = ledger("a", "b")
    books.commit(everyone(books)[0], graded_as(), "there")
    rest = ledger("a", "b")
    (job,) = everyone(rest)
    assert (job.submission.student, entered[-1].student) == ("s1", "s0")
    assert len(everyone(ledger("a", "b", again=True))) == 2


def test_a_file_that_is_no_notebook_is_entered_at_once(ledger, entered) -> None:
    books = ledger("a", "")
    (job,) = everyone(books)
    assert [(g.student, g.status) for g in entered] == [("s1", "unreadable")]
    books.commit(job, graded_as(), "there")
    assert [g.status for g in books.results()] == ["graded", "unreadable"]


def test_a_failure_of_ours_is_tried_again_and_then_is_no_score(ledger, entered) -> None:
    books = ledger("a")
    numbers = []
    for _ in range(MAX_TRIES):
        (job,) = everyone(books)
        numbers.append(job.number)
        books.failed(job, "the machine went up in smoke")
    assert everyone(books) == [] and len(set(numbers)) == MAX_TRIES
    (entry,) = books.results()
    assert (entry.status, entry.message) == ("failed-ours", "OurError: the machine went up in smoke")
    assert entry.max_score == 12


def test_one_that_was_refused_has_not_been_tried(ledger) -> None:
    books = ledger("a")
    for _ in range(2 * MAX_TRIES):
        (job,) = everyone(books)
        books.back(job)
    (job,) = everyone(books)
    assert job.failures == 0
