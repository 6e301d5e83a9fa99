"""A class in a real browser: what people saw on the way from release to feedback."""

import csv
import io
import json

import pytest

from tests.browser.loop import COMMENT, HINT, REASON, Class

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_a_failing_check_names_the_mistake_and_a_right_answer_passes(walked: Class, who: str) -> None:
    assert HINT in walked.seen[f"{who} failing"]
    assert HINT not in walked.seen[f"{who} passing"]


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_the_course_page_says_where_a_student_stands(walked: Class, who: str) -> None:
    before, handed_in, after = (walked.seen[f"{who} {when}"] for when in ("before", "handed in", "after"))
    assert "Not begun" in before and "in 6 days" in before and "4" in before.split("Points")[1]
    assert "Handed in" in handed_in and "late" not in handed_in and "Score" not in handed_in
    assert "Feedback is ready" in after and "4 of 4" in after.split("Score")[1]


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_students_read_their_score_and_what_a_person_wrote(walked: Class, who: str) -> None:
    feedback = walked.seen[f"{who} feedback"]
    assert COMMENT in feedback and REASON in feedback
    assert "4 of 4 points" in feedback


def test_the_gradebook_has_what_they_read(walked: Class) -> None:
    name, address = walked.instructor.hub.name, walked.instructor.hub.address
    listed = walked.instructor.page.request.get(f"{address}/services/{name}/formgrader/api/submissions/halves").json()
    assert [(s["score"], s["max_score"], s["needs_manual_grade"]) for s in listed] == [(4, 4, False)] * 2


def test_the_export_has_it_too(walked: Class) -> None:
    hub = walked.instructor.hub
    _, *rows = csv.reader(io.StringIO(walked.seen["export"]))
    assert {(row[0], *row[2:]) for row in rows} == {
        (hub.account(who), "halves", "4", "4", "") for who in ("ada", "grace")
    }


def test_the_class_report_tells_of_the_class_and_not_of_anybody(walked: Class) -> None:
    report = walked.seen["report"]
    assert "Halves" in report and "2" in report
    assert walked.instructor.hub.account("ada") not in report


def test_the_kernel_is_the_course_s(walked: Class) -> None:
    ada = walked.students[0]
    listed = ada.page.request.get(f"{ada.hub.address}{ada.server}/api/kernelspecs").json()
    assert listed["kernelspecs"]["python3"]["spec"]["display_name"] == "Course (CPU)"
    assert json.dumps(listed).count("Course (GPU)") <= 1
