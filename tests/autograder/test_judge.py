"""Judging: wording, points and diagnoses, on sheets made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.judge import LOST, UNWRITTEN, diagnose, judge, points, sign
from autograder.notebook.starter import STUB
from autograder.records import (
    Call,
    Check,
    ExerciseSheet,
    Finding,
    LawResult,
    Lost,
    Raised,
    Returned,
    Signature,
    Spec,
    Transform,
)

HINTS = {"doubled": "You doubled it.", "negated": "You changed its sign."}
RIGHT, DOUBLED, NEGATED, OTHER = 1.0, 2.0, -1.0, 7.0


def value(label, *, hidden=True, weight=1.0, transform=None, answers=None):
    wrong = {"doubled": DOUBLED, "negated": NEGATED} if answers is None else answers
    call = Call((1.0,), transform=transform)
    return Check(label, "value", hidden, weight, call, RIGHT, wrong, Spec("float", ()))


def law(label, *, hidden=True, answers=None):
    return Check(label, "law", hidden, answers={} if answers is None else answers, seed=1)


def sheet(*checks, points=4.0, hints=HINTS):
    return ExerciseSheet("f", points, {"": Signature()}, checks, hints)


def returned(*values):
    return [Returned(np.float64(v)) for v in values]


KEPT, BROKEN = LawResult(True), LawResult(False)


@pytest.mark.parametrize(
    ("result", "kind", "message"),
    [
        (Returned(np.float64(3)), "value", "your answer is 3, but should be 1."),
        (Returned(np.ones(2)), "shape", "your answer has shape (2,), but should be a single number."),
        (Returned(np.float64(1), changed=(0, 2)), "value",
         "your function changes its argument 1, 3, but should leave its arguments as they were: copy it first."),
        (Raised("TypeError", "no"), "raised", "f raised TypeError: no"),
        (Raised("ValueError"), "raised", "f raised ValueError."),
        (Raised("NotImplementedError", "Yours to write."), "missing",
         "f is still the starter: nothing is written there yet."),
        (Raised("NotImplementedError", "no batching rule"), "raised", "f raised NotImplementedError: no batching rule"),
        (Lost("missing"), "missing", "f is not defined after all cells have run."),
        (Lost("time"), "lost", "f gave no answer in time. Is there a loop that never ends?"),
        (Lost("memory"), "lost", "f needs more memory than there is."),
        (Lost("exit"), "lost", "f ended Python before it gave an answer."),
        (Lost("protocol"), "lost", "f gave an answer that cannot be read."),
        (Lost("flood"), "lost", "f printed too much."),
    ],
)  # fmt: skip
def test_every_outcome_has_its_words(result, kind, message):
    finding = judge(sheet(value("a")), [result]).findings[0]
    assert (finding.passed, finding.kind, finding.message) == (False, kind, message)


def test_every_way_to_be_lost_has_words():
    assert set(LOST) == {"missing", "time", "memory", "exit", "protocol", "flood", "unasked"}


def test_the_starter_that_is_built_counts_as_unwritten():
    with pytest.raises(NotImplementedError) as error:
        exec(STUB)
    assert str(error.value) in UNWRITTEN


@pytest.mark.parametrize(("transform", "kind"), [("grad", "gradient"), ("jit", "transform"), ("vmap", "transform")])
def test_a_transform_is_named_where_the_values_differ(transform, kind):
    exercise = sheet(value("a", transform=Transform(transform, (0,))))
    assert judge(exercise, returned(OTHER)).findings[0].kind == kind
    assert judge(exercise, returned(RIGHT)).findings[0].kind == kind
    assert judge(exercise, [Returned(np.ones(2))]).findings[0].kind == "shape"


def test_a_broken_law_says_what_should_hold_or_what_stopped_it():
    exercise = sheet(law("It is even.", hidden=False), law("It is odd.", hidden=False))
    first, second = judge(exercise, [BROKEN, LawResult(False, "shape", "your answer has 2 axes.")]).findings
    assert (first.kind, first.message) == ("law", "This should hold: It is even.")
    assert (second.kind, second.message) == ("shape", "your answer has 2 axes.")


def test_what_is_no_outcome_is_our_fault():
    with pytest.raises(TypeError, match="is no outcome"):
        judge(sheet(value("a")), ["passed"])


def test_results_must_match_the_checks():
    with pytest.raises(ValueError):
        judge(sheet(value("a"), value("b")), returned(RIGHT))


# ---- points -----------------------------------------------------------------------------------------------------


def test_all_checks_passed_is_exactly_all_points():
    verdict = judge(sheet(value("a"), value("b"), law("c"), points=3.0), [*returned(RIGHT, RIGHT), KEPT])
    assert (verdict.score, verdict.max_score, verdict.attempted, verdict.diagnosis) == (3.0, 3.0, True, None)


def test_weights_share_the_points():
    exercise = sheet(value("a", weight=3), value("b", weight=1))
    assert judge(exercise, returned(RIGHT, OTHER)).score == 3.0
    assert judge(exercise, returned(OTHER, RIGHT)).score == 1.0


def test_rounding_never_gives_away_the_last_hundredth():
    checks = [value(str(i)) for i in range(2000)]
    results = returned(*[RIGHT] * 1999, OTHER)
    assert judge(sheet(*checks, points=1.0), results).score == 0.99


def test_nothing_written_is_not_attempted():
    exercise = sheet(value("a"), law("b"))
    assert not judge(exercise, [Raised("NotImplementedError", "Yours to write.")] * 2).attempted
    assert not judge(exercise, [Lost("missing")] * 2).attempted
    assert judge(exercise, [Lost("missing"), BROKEN]).attempted


def findings(passed):
    return [Finding(str(i), True, p) for i, p in enumerate(passed)]


WEIGHTED = st.lists(st.tuples(st.floats(0.1, 9), st.booleans()), min_size=1, max_size=12)


@given(WEIGHTED, st.floats(0.25, 20), st.data())
def test_points_never_fall_when_one_more_check_passes(pairs, most, data):
    exercise = sheet(*(value(str(i), weight=w) for i, (w, _) in enumerate(pairs)), points=most)
    passed = [p for _, p in pairs]
    more = list(passed)
    more[data.draw(st.integers(0, len(pairs) - 1))] = True
    fewer_points, more_points = points(exercise, findings(passed)), points(exercise, findings(more))
    assert 0 <= fewer_points <= more_points <= most
    assert (more_points == most) == all(more)
    assert any(passed) or fewer_points == 0


def test_checks_without_any_weight_earn_nothing_until_all_pass():
    exercise = sheet(value("a", weight=0), value("b", weight=0))
    assert points(exercise, findings([True, False])) == 0
    assert points(exercise, findings([True, True])) == 4.0


# ---- laws earn points only beside a value -----------------------------------------------------------------------


def test_laws_earn_nothing_while_every_hidden_value_is_wrong():
    exercise = sheet(value("shown", hidden=False), value("a"), law("b"), law("c", hidden=False))
    verdict = judge(exercise, [*returned(RIGHT, OTHER), KEPT, KEPT])
    assert [f.passed for f in verdict.findings] == [True, False, False, False]
    assert (
        verdict.findings[2].message == "This holds, but earns its points once a hidden check of your values passes too."
    )
    assert verdict.score == 1.0


def test_laws_earn_their_points_beside_one_right_value():
    exercise = sheet(value("a"), value("b"), law("c"))
    assert judge(exercise, [*returned(RIGHT, OTHER), KEPT]).findings[2].passed


def test_laws_alone_earn_their_points():
    assert judge(sheet(law("a"), law("b")), [KEPT, BROKEN]).score == 2.0
    assert judge(sheet(value("shown", hidden=False), law("a")), [*returned(OTHER), KEPT]).findings[1].passed


# ---- diagnosis --------------------------------------------------------------------------------------------------


def test_one_mistake_behind_two_hidden_checks_is_diagnosed():
    verdict = judge(sheet(value("a"), value("b")), returned(DOUBLED, DOUBLED))
    assert (verdict.diagnosis, verdict.hint) == ("doubled", "You doubled it.")
    assert [f.mistake for f in verdict.findings] == ["doubled", "doubled"]


def test_one_hidden_check_alone_is_not_enough():
    verdict = judge(sheet(value("a"), value("shown", hidden=False)), returned(DOUBLED, DOUBLED))
    assert (verdict.diagnosis, verdict.hint) == (None, "")


def test_on_the_visible_sheet_one_check_is_enough():
    assert judge(sheet(value("shown", hidden=False)), returned(NEGATED)).diagnosis == "negated"


def test_one_contradiction_forbids_the_diagnosis():
    three = sheet(value("a"), value("b"), value("c"))
    assert judge(three, returned(DOUBLED, DOUBLED, OTHER)).diagnosis is None
    assert judge(three, returned(DOUBLED, DOUBLED, RIGHT)).diagnosis is None
    assert judge(three, [*returned(DOUBLED, DOUBLED), Raised("TypeError")]).diagnosis is None
    assert judge(three, [*returned(DOUBLED, DOUBLED), Lost("time")]).diagnosis is None


def test_a_visible_check_can_contradict_too():
    exercise = sheet(value("a"), value("b"), value("shown", hidden=False))
    assert judge(exercise, returned(DOUBLED, DOUBLED, OTHER)).diagnosis is None


def test_a_check_that_the_mistake_passes_says_nothing():
    exercise = sheet(value("a"), value("b"), value("c", answers={"doubled": RIGHT}))
    assert judge(exercise, returned(DOUBLED, DOUBLED, RIGHT)).diagnosis == "doubled"


def test_two_mistakes_that_explain_as_much_are_ambiguous():
    same = {"doubled": DOUBLED, "negated": DOUBLED}
    verdict = judge(sheet(value("a", answers=same), value("b", answers=same)), returned(DOUBLED, DOUBLED))
    assert verdict.diagnosis is None
    assert verdict.findings[0].mistake is None


def test_the_mistake_that_explains_more_is_diagnosed():
    alike, apart = {"doubled": DOUBLED, "negated": DOUBLED}, {"doubled": DOUBLED, "negated": RIGHT}
    exercise = sheet(value("a", answers=alike), value("b", answers=alike), value("c", answers={"doubled": DOUBLED}))
    assert diagnose(exercise, returned(DOUBLED, DOUBLED, DOUBLED)) == "doubled"
    assert sign(value("c", answers=apart), returned(DOUBLED)[0], "negated") == "contradicts"


def test_laws_recognise_a_mistake_by_what_it_breaks():
    exercise = sheet(*(law(x, answers={"doubled": False, "negated": True}) for x in "ab"))
    assert diagnose(exercise, [BROKEN, BROKEN]) == "doubled"
    assert diagnose(exercise, [BROKEN, KEPT]) is None


def test_one_broken_visible_law_is_too_little_for_a_hint():
    visible = [law(x, hidden=False, answers={"doubled": False}) for x in "ab"]
    assert diagnose(sheet(visible[0]), [BROKEN]) is None
    assert diagnose(sheet(*visible), [BROKEN, BROKEN]) == "doubled"
    assert diagnose(sheet(visible[0], value("c", hidden=False)), [BROKEN, *returned(DOUBLED)]) == "doubled"


def test_an_answer_that_a_law_cannot_use_is_no_sign_of_a_mistake_that_breaks_it():
    exercise = sheet(*(law(x, answers={"doubled": False, "negated": "shape"}) for x in "ab"))
    assert diagnose(exercise, [LawResult(False, "dtype", "your answer is a str, but should be an array.")] * 2) is None
    assert diagnose(exercise, [LawResult(False, "shape", "your answer has 2 axes.")] * 2) == "negated"


def test_an_exception_in_a_law_is_no_sign_of_a_mistake_that_gives_answers():
    exercise = sheet(*(law(x, answers={"doubled": False}) for x in "ab"))
    assert diagnose(exercise, [Raised("NotImplementedError"), Raised("NotImplementedError")]) is None
    assert diagnose(exercise, [Lost("missing"), Lost("missing")]) is None


def test_a_mistake_that_raises_is_recognised_by_the_type():
    exercise = sheet(
        value("a", answers={"doubled": Raised("TypeError")}), law("b", answers={"doubled": "raised TypeError"})
    )
    assert diagnose(exercise, [Raised("TypeError", "anything")] * 2) == "doubled"
    assert diagnose(exercise, [Raised("ValueError")] * 2) is None
    assert diagnose(exercise, [Raised("TypeError"), BROKEN]) is None


def test_a_full_score_has_no_diagnosis():
    exercise = sheet(value("a", answers={"doubled": RIGHT}), value("b", answers={"doubled": RIGHT}))
    assert judge(exercise, returned(RIGHT, RIGHT)).diagnosis is None


ANSWERS = st.sampled_from([RIGHT, DOUBLED, NEGATED, OTHER])


@given(st.lists(st.tuples(st.booleans(), ANSWERS), min_size=1, max_size=8))
def test_a_diagnosis_never_contradicts_any_answer(pairs):
    exercise = sheet(*(value(str(i), hidden=hidden) for i, (hidden, _) in enumerate(pairs)))
    results = returned(*(answer for _, answer in pairs))
    verdict = judge(exercise, results)
    if verdict.diagnosis:
        wrong = {"doubled": DOUBLED, "negated": NEGATED}[verdict.diagnosis]
        assert all(answer == wrong for _, answer in pairs)
        hidden = [h for h, _ in pairs if h]
        assert len(hidden) >= 2 or not hidden
