"""Reports: the wording, the JSON and its schema, and that students see no more of a hidden check than its label."""

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder import __version__
from autograder.grade import grade
from autograder.judge import judge
from autograder.records import (
    Call,
    Check,
    ExerciseSheet,
    Finding,
    Graded,
    Handle,
    LawResult,
    Lost,
    Raised,
    Returned,
    Signature,
    Submission,
    Verdict,
)
from autograder.report import (
    CARRIED,
    HIDDEN,
    HIDDEN_NOTE,
    HOLDS,
    STATUS,
    class_table,
    comment,
    misconception,
    out_of,
    student_view,
    to_html_fragment,
    to_json,
    to_text,
)
from autograder.sandbox.local import LocalSandbox

SHOWN = Finding("four against six", False, False, "shape", "your answer has shape (6, 4).", "Swap them.", "swapped")
SECRET = Finding("seventeen", True, False, "raised", "f raised Leak: x = 3.14159", "Swap them.", "swapped")
FINE = Finding("a small one", True, True)
VERDICT = Verdict("f", 1.5, 3.0, (SHOWN, SECRET, FINE))
DIAGNOSED = Verdict("f", 0.0, 3.0, (SECRET, SECRET), diagnosis="swapped", hint="Swap them.")
SCHEMA = json.loads((files("autograder") / "schema" / "grade.schema.json").read_text("utf-8"))


def graded(*verdicts, **options):
    return Graded("ada", "ada/toy.ipynb", "graded", verdicts, sum(v.max_score for v in verdicts), 1.25, **options)


def test_a_comment_lists_every_check_and_hides_what_is_hidden():
    assert comment(VERDICT) == (
        "✗ f: 1.5 of 3 points\n"
        "  ✗ four against six\n"
        "  Your answer has shape (6, 4).\n"
        "  ✗ seventeen (hidden)\n"
        "  ✓ a small one (hidden)\n"
        "  Hint: Swap them.\n"
        "  Hidden checks show only whether they passed."
    )


def test_a_full_score_is_short():
    assert comment(Verdict("f", 3.0, 3.0, (FINE,))) == "✓ f: 3 of 3 points\n  ✓ a small one (hidden)"


def test_an_untouched_starter_is_not_called_wrong():
    verdict = Verdict(
        "f", 0.0, 1.0, (Finding("a", False, False, "missing", "f is still the starter."),), attempted=False
    )
    assert comment(verdict) == "… f: not attempted, 0 of 1 point\n  ✗ a\n  f is still the starter."
    assert "Hidden" not in comment(replace(verdict, findings=(replace(verdict.findings[0], hidden=True),)))


def test_hidden_checks_alone_cannot_say_that_nothing_was_attempted():
    missing = Finding("a", True, False, "missing", "f is still the starter.")
    assert not student_view(Verdict("f", 0.0, 1.0, (missing,), attempted=False)).attempted
    assert student_view(Verdict("f", 0.0, 1.0, (missing, SHOWN), attempted=False)).attempted


def test_what_was_carried_forward_is_said():
    verdict = Verdict("f", 3.0, 3.0, (FINE,), carried_forward=True)
    assert comment(verdict).endswith(CARRIED) and CARRIED in to_html_fragment(verdict)
    assert (
        CARRIED
        == "Judged with correct versions of the earlier functions it uses: a mistake there is not counted twice."
    )


def test_a_broken_law_is_not_said_twice():
    law = Finding("It is even.", False, False, "law", HOLDS.format("It is even."))
    assert comment(Verdict("f", 0.0, 1.0, (law,))) == "✗ f: 0 of 1 point\n  ✗ It is even."


def test_the_law_message_that_is_left_out_is_the_one_that_judge_writes():
    check = Check("It is even.", "law", False)
    exercise = ExerciseSheet("f", 1.0, {"": Signature()}, (check,))
    assert judge(exercise, [LawResult(False)]).findings[0].message == HOLDS.format("It is even.")


def test_a_hidden_finding_is_its_label_and_one_constant_sentence():
    view = student_view(VERDICT)
    assert view.findings[1] == Finding("seventeen", True, False, "value", HIDDEN)
    assert view.findings[2] == Finding("a small one", True, True)
    assert HIDDEN == "This hidden check did not pass."
    assert HIDDEN_NOTE == "Hidden checks show only whether they passed."


def test_a_hint_for_hidden_checks_needs_a_diagnosis():
    hidden_only = Verdict("f", 0.0, 3.0, (SECRET, SECRET))
    assert "Hint" not in comment(hidden_only)
    assert "Hint: Swap them." in comment(DIAGNOSED)
    assert student_view(Verdict("f", 0.0, 1.0, (SECRET,), hint="Swap them.")).hint == ""


def test_text_of_the_students_code_is_cleaned_and_cut():
    loud = Finding("a", False, False, "raised", "f raised E: \x1b[31m\u202e" + "x" * 9000)
    view = student_view(Verdict("f", 0.0, 1.0, (loud,)))
    assert "\x1b" not in view.findings[0].message and "\u202e" not in view.findings[0].message
    assert len(view.findings[0].message) < 700


def test_html_is_escaped():
    attack = "<script>alert(1)</script>"
    page = to_html_fragment(Verdict(attack, 0.0, 1.0, (Finding(attack, False, False, "raised", attack, attack),)))
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_submission_as_text_begins_with_its_score():
    text = to_text(graded(VERDICT, notes=("Cell 3 did not end in time; it was skipped.",)))
    assert text.splitlines()[:3] == [
        "ada: 1.5 of 3 points",
        "Cell 3 did not end in time; it was skipped.",
        "✗ f: 1.5 of 3 points",
    ]


def test_the_graders_text_has_everything():
    text = to_text(graded(VERDICT), view="grader")
    assert "f raised Leak: x = 3.14159" in text and HIDDEN_NOTE not in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("unreadable", "ada: This notebook could not be read, so there is no score yet."),
        ("failed-ours", "ada: Grading failed on our side, not on yours, so there is no score yet. Nothing you "
         "handed in is lost."),
    ],
)  # fmt: skip
def test_no_score_is_never_a_zero(status, said):
    entry = Graded("ada", "p", status, max_score=3.0, message="OSError: /secret/path")
    assert to_text(entry) == said
    assert to_text(entry, view="grader") == said + "\n  OSError: /secret/path"
    assert said.endswith(STATUS[status])
    assert to_json([entry], "c", "k", "1", [])["submissions"][0]["score"] is None
    assert class_table([entry])[0].score is None


@pytest.mark.parametrize(
    ("score", "most", "text"),
    [
        (3.0, 3.0, "3 of 3 points"),
        (0.75, 1.0, "0.75 of 1 point"),
        (2.5, 10.0, "2.5 of 10 points"),
        (0, 0, "0 of 0 points"),
    ],
)
def test_points_have_no_needless_zeros(score, most, text):
    assert out_of(score, most) == text


def test_a_class_is_one_row_a_submission():
    row = class_table([graded(DIAGNOSED, Verdict("g", 2.0, 2.0, (FINE,)))])[0]
    assert (row.student, row.score, row.max_score, row.status, row.seconds) == ("ada", 2.0, 5.0, "graded", 1.25)
    assert row.exercises == {"f": 0.0, "g": 2.0}
    assert row.misconception == "f: swapped"


def test_the_misconception_is_the_diagnosis_that_cost_most_or_else_the_most_frequent_mistake():
    costly = Verdict("g", 0.0, 9.0, (SECRET,), diagnosis="scaled")
    assert misconception((DIAGNOSED, costly)) == "g: scaled"
    assert misconception((VERDICT,)) == "f: swapped"
    assert misconception((Verdict("g", 2.0, 2.0, (FINE,)),)) == ""


# ---- JSON -------------------------------------------------------------------------------------------------------


def validate(document):
    jsonschema.validate(json.loads(json.dumps(document)), SCHEMA, cls=jsonschema.Draft202012Validator)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_of_the_schema_is_documented():
    for part in ("submission", "exercise", "finding"):
        for name, field in SCHEMA["$defs"][part]["properties"].items():
            assert "description" in field or name == "passed", f"{part}.{name}"


@pytest.mark.parametrize("source", ["", "def halfway(x, z): return x + z", "halfway = 3", "raise SystemExit"])
def test_real_reports_follow_the_schema(toy, toy_sheet, source):
    submission = Submission("ada", "ada/toy.ipynb", {0: source} if source != "raise SystemExit" else {})
    result = grade(toy, toy_sheet, submission, LocalSandbox())
    document = to_json([result], course="toy", chapter="toy", engine=__version__, isolation=["none"])
    validate(document)
    entry = document["submissions"][0]
    assert entry["exercises"][0]["attempted"] is (source not in ("", "raise SystemExit"))
    assert len(entry["exercises"]) == len(toy_sheet.exercises)
    took = [e["seconds"] for e in entry["exercises"]]
    assert None not in took and sum(took) <= entry["seconds"] + 0.01


def test_a_perfect_submission_follows_the_schema(toy, toy_sheet, toy_source):
    result = grade(toy, toy_sheet, Submission("ada", "p", {0: toy_source}), LocalSandbox())
    document = to_json([result], "toy", "toy", __version__, ("namespaces", "landlock"))
    validate(document)
    assert document["submissions"][0]["score"] == document["submissions"][0]["max_score"]


def test_entries_without_a_score_follow_the_schema():
    validate(to_json([Graded("a", "p", s, max_score=1.0, message="m") for s in STATUS], "c", "k", "1", []))


def test_a_score_for_an_ungraded_submission_would_break_the_schema():
    document = to_json([Graded("a", "p", "failed-ours", max_score=1.0)], "c", "k", "1", [])
    document["submissions"][0]["score"] = 0
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_hostile_names_cannot_break_the_file():
    entry = Graded("a\x1b[2J\ud800", "p\u202e" + "x" * 5000, "graded", (VERDICT,), 3.0)
    document = to_json([entry], "c", "k", "1", [])
    json.dumps(document, ensure_ascii=False).encode("utf-8")
    validate(document)
    assert document["submissions"][0]["student"] == "a"


def test_the_documentation_shows_a_valid_report():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "grade-json.md").read_text("utf-8")
    validate(json.loads(page.split("```json\n")[1].split("```")[0]))


# ---- nothing hidden reaches a student ---------------------------------------------------------------------------

MARK = "zqx"
"""Everything that belongs to a hidden check carries this mark; it may occur in no student's view."""
NUMBER = 731_946_258.0

MARKS = st.sampled_from(["", "a", "b"]).map(lambda end: MARK + end)
OUTCOMES = st.one_of(
    st.just(Returned(NUMBER)),
    st.just(Returned(np.full((3, 2), NUMBER))),
    st.just(Returned({MARK: NUMBER})),
    st.just(Returned(NUMBER, changed=(7319,))),
    st.builds(Returned, MARKS),
    st.builds(lambda t: Returned(Handle(0, t)), MARKS),
    st.builds(Raised, MARKS, MARKS, MARKS),
    st.builds(Raised, st.just("NotImplementedError"), MARKS),
    st.builds(Lost, st.sampled_from(["time", "memory", "exit", "protocol", "flood", "missing"]), MARKS),
)
LAWS = st.one_of(
    OUTCOMES.filter(lambda o: not isinstance(o, Returned)), st.builds(LawResult, st.booleans(), st.just("law"), MARKS)
)
EXPECTED = st.sampled_from([NUMBER, np.full((2, 2), NUMBER), MARK, {MARK: 1.0}, (NUMBER, MARK)])


@st.composite
def hidden_checks(draw):
    if draw(st.booleans()):
        check = Check("a law", "law", True, answers={"slip": draw(st.booleans())})
        return check, draw(LAWS)
    expected = draw(EXPECTED)
    call = Call((NUMBER, MARK))
    return Check("a check", "value", True, call=call, expected=expected, answers={"slip": NUMBER + 1}), draw(OUTCOMES)


@given(st.lists(hidden_checks(), min_size=1, max_size=4))
def test_nothing_of_a_hidden_check_reaches_a_student(pairs):
    exercise = ExerciseSheet("f", 3.0, {"": Signature()}, tuple(c for c, _ in pairs), {"slip": "the hint"})
    verdict = judge(exercise, [r for _, r in pairs])
    entry = graded(verdict)
    for view in (repr(student_view(verdict)), comment(verdict), to_html_fragment(verdict), to_text(entry)):
        assert MARK not in view
        assert "731" not in view.replace(",", "").replace("_", "")
        assert ("the hint" in view) == bool(verdict.diagnosis)
        for word in ("raised", "memory", "in time", "Python", "cannot be read", "printed"):
            assert word not in view


def test_the_guard_above_would_notice_a_leak():
    check = Check("a check", "value", True, call=Call((1.0,)), expected=NUMBER)
    verdict = judge(ExerciseSheet("f", 1.0, {"": Signature()}, (check,)), [Raised(MARK, MARK)])
    assert MARK in to_text(graded(verdict), view="grader")


@given(st.lists(st.sampled_from(["raised", "value", "lost", "shape", "missing"]), min_size=2, max_size=2))
def test_how_a_hidden_check_failed_makes_no_difference_to_what_is_shown(kinds):
    pages = {comment(Verdict("f", 0.0, 1.0, (Finding("a", True, False, k, f"because {k}"),))) for k in kinds}
    assert len(pages) == 1
