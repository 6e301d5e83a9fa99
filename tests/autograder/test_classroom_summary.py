"""The figures of a class, against numbers found by hand, and what may never change them."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_class import FOUR, LABELS, class_of, graded, kept, not_graded, verdict

from autograder.attempt import Attempt
from autograder.classroom.facts import chance, facts, silent
from autograder.classroom.page import number, percent
from autograder.classroom.summary import Bin, Who, discrimination, histogram, summarise

PASSES = st.text("+-!tx", min_size=4, max_size=4)


def test_difficulty_and_discrimination_by_hand() -> None:
    report = summarise(class_of(FOUR))
    assert [(c.label, c.passed, c.tried, c.share) for c in report.checks] == [
        ("two atoms", 3, 4, 0.75), ("three atoms", 2, 4, 0.5), ("an empty set", 1, 4, 0.25),
    ]  # fmt: skip
    # r = (M1 - M0) / s * sqrt(n1 n0) / n; two atoms: (1 - 0) / sqrt(11/16) * sqrt(3) / 4
    assert [c.discrimination for c in report.checks] == pytest.approx([sqrt(3 / 11), sqrt(1 / 2), sqrt(3 / 11)])
    assert report.hardest is not None and report.hardest.label == "an empty set"


def test_the_least_discriminating_check_is_named() -> None:
    passes = FOUR | {"eve": "++-", "fay": "--+"}  # fay passes only the hardest
    report = summarise(class_of(passes))
    assert report.least_discriminating is not None
    assert report.least_discriminating.label == "an empty set"
    # passing: ada with 2 other checks, fay with 0; failing: bob 2, cyd 1, dan 0, eve 2. The mean is 7/6, so s² = 29/36.
    assert report.least_discriminating.discrimination == pytest.approx((1 - 5 / 4) / sqrt(29 / 36) * sqrt(8) / 6)


def test_where_everyone_or_nobody_passes_there_is_no_information() -> None:
    report = summarise(class_of({"ada": "++-", "bob": "+--", "cyd": "++-"}))
    assert [c.discrimination is None for c in report.checks] == [
        True,
        True,
        True,
    ]  # the rest scores of the second agree
    assert report.least_discriminating is None
    assert report.hardest is not None and report.hardest.label == "an empty set"
    assert summarise(class_of({"ada": "+++"})).hardest is None


def test_who_left_the_starter_alone_says_nothing_about_a_check() -> None:
    blank = graded("eve", verdict("---", attempted=False))
    with_blank = summarise(kept(*class_of(FOUR).submissions, blank))
    assert with_blank.checks == summarise(class_of(FOUR)).checks
    assert with_blank.exercises[0].blank == Who(1)
    assert with_blank.exercises[0].mean == pytest.approx((4 + 8 / 3 + 4 / 3 + 0 + 0) / 5)


def test_what_could_not_be_graded_is_no_zero() -> None:
    lost = [not_graded("eve", "unreadable"), not_graded("fay", "failed-ours")]
    report = summarise(kept(*class_of(FOUR).submissions, *lost))
    assert (report.submitted, report.graded, report.unreadable, report.failed) == (6, 4, Who(1), Who(1))
    assert report.scores == summarise(class_of(FOUR)).scores == (0, 1.33, 2.67, 4)
    assert report.median == 2.0
    nothing = summarise(kept(*lost))
    assert (nothing.median, nothing.scores, nothing.exercises, nothing.max_score) == (None, (), (), 4.0)


def test_stuck_students_are_counted_once_each() -> None:
    ways = {"ada": "+++!", "bob": "t-!!", "cyd": "xxxx", "dan": "--++", "eve": "++++"}
    submissions = [graded(student, verdict(how)) for student, how in ways.items()]
    (f,) = summarise(kept(*submissions, graded("fay", verdict("----", attempted=False))), names=True).exercises
    assert (f.late, f.failing) == (Who(1, ("bob",)), Who(2, ("ada", "cyd")))
    assert (f.unexplained, f.blank) == (Who(1, ("dan",)), Who(1, ("fay",)))
    assert (f.wrong, f.full, f.graded) == (4, 1, 6)


def test_misconceptions_are_sorted_by_how_often_they_were_made() -> None:
    wrong = {
        "ada": verdict("-+--", diagnosis="squared", hint="It is *squared*."),
        "bob": verdict("-+-+", diagnosis="squared", hint="It is *squared*."),
        "cyd": verdict("+--+", diagnosis="halved"),  # only laws show it, so that the entry does not hold the hint
        "dan": verdict("++++"),
    }
    submissions = [graded(student, v) for student, v in wrong.items()]
    report = summarise(kept(*submissions), names=True, hints={("f", "halved"): "It is halved."})
    first, second = report.misconceptions
    assert (first.mistake, first.who, first.hint) == ("squared", Who(2, ("ada", "bob")), "It is *squared*.")
    assert first.example == "two atoms"  # fails for both, and comes first
    assert (second.mistake, second.who.count, second.hint, second.example) == ("halved", 1, "It is halved.", LABELS[1])


def test_nobody_is_named_unless_names_are_asked_for() -> None:
    skipped = ("Cell 1 ended Python; it was skipped, and the other cells were graded.",)
    submissions = [
        graded("Who-1", verdict("-!--", diagnosis="squared"), notes=skipped),
        graded("Who-2", verdict("t---")),
        graded("Who-3", verdict("----", attempted=False)),
        not_graded("Who-4", "unreadable"),
        not_graded("Who-5", "failed-ours"),
    ]
    named, anonymous = (summarise(kept(*submissions), names=names) for names in (True, False))
    assert all(f"Who-{i}" in repr(named) for i in range(1, 6))
    assert "Who-" not in repr(anonymous)
    assert anonymous.skipped_cells == Who(1)


def test_who_used_up_the_time_may_have_met_a_busy_machine() -> None:
    attempt = Attempt(120.0, 0)
    attempt.not_reached("f", "to the end")
    submissions = kept(
        graded("ada", verdict("++++"), seconds=500.0), graded("bob", verdict("+++t"), notes=attempt.notes())
    )
    report = summarise(submissions, names=True)
    assert report.used_up == Who(1, ("bob",))
    assert facts(report)[0] == (
        "1 submission was stopped for lack of time before all checks were judged. If the machine was busy, grade it "
        "again."
    )


def test_reports_of_two_versions_of_a_chapter_are_not_compared_in_silence() -> None:
    assert not summarise(class_of(FOUR)).mixed
    report = summarise(class_of(FOUR | {"eve": "++++"}))
    assert report.mixed
    assert facts(report)[0].startswith("The entries come from different versions of the chapter.")
    assert [c.tried for c in report.checks] == [5, 5, 5, 1]


def test_the_histogram_has_round_bins() -> None:
    assert histogram([0, 4.99, 5, 36, 40], 40) == (
        Bin(0, 5, 2), Bin(5, 10, 1), Bin(10, 15, 0), Bin(15, 20, 0), Bin(20, 25, 0), Bin(25, 30, 0), Bin(30, 35, 0),
        Bin(35, 40, 2),
    )  # fmt: skip
    assert [b.high for b in histogram([], 3)] == [0.5, 1, 1.5, 2, 2.5, 3]
    assert histogram([1], 0) == ()


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 1e4))
def test_every_score_is_in_one_bin(shares: list[float], most: float) -> None:
    bins = histogram([share * most for share in shares], most)
    assert sum(b.count for b in bins) == len(shares)
    assert 1 <= len(bins) <= 10 and bins[0].low == 0 and bins[-1].high >= most * (1 - 1e-6)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), min_size=1, max_size=30))
def test_discrimination_is_the_correlation_and_lies_between_minus_one_and_one(pairs: list[tuple[bool, int]]) -> None:
    passed, rest = [p for p, _ in pairs], [float(r) for _, r in pairs]
    r = discrimination(passed, rest)
    if len(set(passed)) < 2 or len(set(rest)) < 2:
        assert r is None
    else:
        assert r == pytest.approx(np.corrcoef(passed, rest)[0, 1], abs=1e-9)
        assert -1 <= r <= 1


@given(st.lists(st.tuples(st.booleans(), st.floats(-1e150, 1e150)), min_size=1, max_size=9))
def test_discrimination_is_bounded_whatever_the_numbers(pairs: list[tuple[bool, float]]) -> None:
    r = discrimination([p for p, _ in pairs], [r for _, r in pairs])
    assert r is None or -1 <= r <= 1


@given(st.data(), st.lists(st.tuples(PASSES, PASSES), min_size=1, max_size=8))
def test_the_order_of_the_students_changes_nothing(data: st.DataObject, class_: Sequence[tuple[str, str]]) -> None:
    submissions = [
        graded(f"s{i}", verdict(f, diagnosis="d" if "-" in f else None), verdict(g, name="g"), seconds=i / 7)
        for i, (f, g) in enumerate(class_)
    ]
    report = summarise(kept(*submissions), names=True)
    assert summarise(kept(*data.draw(st.permutations(submissions))), names=True) == report
    assert all(c.discrimination is None or -1 <= c.discrimination <= 1 for c in report.checks)


# ---- the sentences ----------------------------------------------------------------------------------------------


def test_facts_are_plain_and_the_most_pressing_come_first() -> None:
    submissions = [graded(f"s{i}", verdict("-++-", diagnosis="squared")) for i in range(4)]
    submissions += [graded(f"t{i}", verdict("+++-")) for i in range(3)]
    submissions += [graded(f"u{i}", verdict("----", attempted=False)) for i in range(2)]
    report = summarise(kept(*submissions, not_graded("v", "unreadable"), not_graded("w", "failed-ours")))
    assert facts(report) == (
        "1 submission was not graded, through no fault of its student. Grade again; until then there is no score.",
        "1 submission was not readable, so there is no score. Ask for the file again.",
        "4 of 9 made the same mistake in f: squared.",
        "f: 2 of 9 did not begin it.",
        "f: nobody passes 'It is even.'. Look at the check, the prompt and what was taught.",
    )
    assert silent(report) == ("f: nobody fails 'three atoms', 'an empty set'.",)


def test_hidden_checks_that_everyone_passes_are_named_where_enough_tried_them() -> None:
    assert silent(summarise(kept(*(graded(f"s{i}", verdict("-+++")) for i in range(5))))) == (
        "f: nobody fails any hidden check.",
    )
    assert silent(summarise(kept(*(graded(f"s{i}", verdict("-+++")) for i in range(4))))) == ()


def test_wrong_answers_without_a_known_mistake_ask_for_one() -> None:
    submissions = [graded(f"s{i}", verdict("-+++")) for i in range(5)]
    report = summarise(kept(*submissions, graded("t", verdict("--++", diagnosis="squared"))))
    assert "f: 5 of 6 wrong answers match no known mistake. Read one, and add a mistake to the chapter." in facts(
        report
    )


def test_a_check_that_the_strong_fail_is_doubted_only_beyond_chance() -> None:
    strong, weak = (
        [graded(f"s{i}", verdict("++-")) for i in range(6)],
        [graded(f"w{i}", verdict("--+")) for i in range(6)],
    )
    report = summarise(kept(*strong, *weak))
    assert chance(report) == pytest.approx(2 / sqrt(12))
    assert "f: who fails 'an empty set' does better elsewhere than who passes it (-1.00). Is the check right?" in facts(
        report
    )
    few = replace(report, graded=3)  # then even that may be chance
    assert not [fact for fact in facts(few) if "Is the check right?" in fact]


def test_numbers_read_as_what_they_are() -> None:
    assert [number(v) for v in (3.0, 2.5, 36.239999, 0)] == ["3", "2.5", "36.24", "0"]
    assert [percent(s) for s in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]
