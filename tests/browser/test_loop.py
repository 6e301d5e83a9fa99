"""A class in a real browser: what people saw on the way from release to feedback."""

import json

import pytest

from tests.browser.loop import COMMENT, HINT, REASON, Class

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_a_failing_check_names_the_mistake_and_a_right_answer_passes(walked: Class, who: str) -> None:
    assert HINT in walked.seen[f"{who} failing"]
    assert HINT not in walked.seen[f"{who} passing"]


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_students_read_their_score_and_what_a_person_wrote(walked: Class, who: str) -> None:
    feedback = walked.seen[f"{who} feedback"]
    assert COMMENT in feedback and REASON in feedback
    assert "4 of 4 points" in feedback


def test_the_gradebook_has_what_they_read(walked: Class) -> None:
    name, address = walked.instructor.hub.name, walked.instructor.hub.address
    listed = walked.instructor.page.request.get(f"{address}/services/{name}/formgrader/api/submissions/halves").json()
    assert [(s["score"], s["max_score"], s["needs_manual_grade"]) for s in listed] == [(4, 4, False)] * 2


def test_the_kernel_is_the_course_s(walked: Class) -> None:
    ada = walked.students[0]
    listed = ada.page.request.get(f"{ada.hub.address}{ada.server}/api/kernelspecs").json()
    assert listed["kernelspecs"]["python3"]["spec"]["display_name"] == "Course (CPU)"
    assert json.dumps(listed).count("Course (GPU)") <= 1
