"""The loop of a course, as people walk it: release, work, a failing check and its hint, submit, grade, feedback."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.hubs import Hub
from tests.browser.pages import (
    Person,
    card,
    do,
    formgrader,
    hand_in,
    log_in,
    number,
    open_assignments,
    open_course,
    open_notebook,
    output_of,
    press,
    press_icon,
    run_all,
    save,
    set_due,
    wait_for,
    write,
)

HINT = "You added the points, but half of that sum lies in the middle."
WRONG = "def halfway(x, z):\n    return x + z"
RIGHT = "def halfway(x, z):\n    return (x + z) / 2"
REASON = "A sum is the same in any order."
COMMENT = "Well said: sums commute."
DUE = (datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT%H:00")


@dataclass(frozen=True)
class Class:
    """What came of the loop: who is logged in, and what each of them saw."""

    instructor: Person
    students: tuple[Person, ...]
    seen: dict[str, str] = field(default_factory=dict)


def walk(hub: Hub, chromium: Browser, pictures: Path) -> Iterator[Class]:
    """The whole loop, once; ends with everybody still logged in."""
    instructor = log_in(chromium, hub, "instructor", pictures)
    students = tuple(log_in(chromium, hub, who, pictures) for who in ("ada", "grace"))
    loop = Class(instructor, students)
    release(loop)
    for student in students:
        work(loop, student)
    grade(loop)
    for student in students:
        read(loop, student)
    yield loop
    for person in (instructor, *students):
        person.page.context.close()


def release(loop: Class) -> None:
    """The instructor lands on the class page, dates the assignment and releases it."""
    instructor = loop.instructor
    expect(instructor.page.get_by_role("heading", name="The class")).to_be_visible()
    expect(card(instructor).locator(".state")).to_have_text("Not released")
    set_due(instructor, DUE)
    do(instructor, "Release")
    expect(card(instructor).locator(".state")).to_have_text("Released")


def work(loop: Class, student: Person) -> None:
    """A student lands on the course page, works, and hands in."""
    expect(student.page.get_by_role("heading", name="Your assignments")).to_be_visible()
    open_course(student)
    loop.seen[f"{student.who} before"] = card(student).inner_text()
    open_notebook(student)
    write(student, "def halfway", WRONG)
    run_all(student)
    output = output_of(student, "check(halfway)")
    expect(output).to_contain_text(HINT)
    output.locator("summary", has_text="A hint").click()
    expect(output.get_by_text(HINT)).to_be_visible()
    student.picture(f"{student.who}-failing-check")
    loop.seen[f"{student.who} failing"] = output.inner_text()
    write(student, "def halfway", RIGHT)
    write(student, "YOUR ANSWER HERE", REASON)
    run_all(student)
    expect(output).not_to_contain_text(HINT)
    expect(output).to_contain_text(re.compile("pass", re.IGNORECASE))
    loop.seen[f"{student.who} passing"] = output.inner_text()
    student.picture(f"{student.who}-passing-check")
    save(student, REASON)
    hand_in(student)
    loop.seen[f"{student.who} handed in"] = card(student).inner_text()
    student.pictures_of(f"{student.who}-handed-in")


def grade(loop: Class) -> None:
    """The instructor collects and grades all, grades the written answers by hand, and releases the feedback."""
    instructor, page, name = loop.instructor, loop.instructor.page, loop.instructor.hub.name
    open_course(instructor)
    expect(number(instructor, "submitted")).to_have_text("2")
    expect(number(instructor, "not collected")).to_have_text("2")
    do(instructor, "Collect")
    expect(number(instructor, "not collected")).to_have_text("0")
    do(instructor, "Grade all")
    expect(number(instructor, "graded")).to_have_text("2")
    expect(number(instructor, "to grade by hand")).to_have_text("2")
    instructor.pictures_of("class-page-graded")
    card(instructor).get_by_role("link", name="Grade by hand").click()
    page.wait_for_url("**/gradebook/halves/halves")
    for student in loop.students:
        formgrader(instructor, "gradebook/halves/halves")
        expect(page.locator("#main-table tr")).to_have_count(len(loop.students))
        listed = page.request.get(
            f"{instructor.hub.address}/services/{name}/formgrader/api/submitted_notebooks/halves/halves"
        ).json()
        ident = next(n["id"] for n in listed if n["student"] == student.hub.account(student.who))
        formgrader(instructor, f"submissions/{ident}/")
        mark_by_hand(instructor)
    instructor.picture("formgrader-by-hand")
    formgrader(instructor, "manage_assignments")  # whose own buttons work as well
    press_icon(instructor, "halves", "generate-feedback", "Successfully generated feedback")
    do(instructor, "Release feedback")
    expect(number(instructor, "to grade by hand")).to_have_text("0")
    expect(number(instructor, "feedback released")).to_have_text("2")
    loop.seen["class page"] = card(instructor).inner_text()
    instructor.pictures_of("class-page")
    with page.expect_download() as exported:
        card(instructor).get_by_role("link", name="Export scores").click()
    loop.seen["export"] = Path(exported.value.path()).read_text("utf-8")
    card(instructor).get_by_role("link", name="Class report: Halves", exact=True).click()
    page.wait_for_url("**/report/halves")
    instructor.pictures_of("class-report")
    loop.seen["report"] = page.locator("body").inner_text()
    page.get_by_role("link", name="The class").click()
    expect(card(instructor)).to_be_visible()


def mark_by_hand(instructor: Person) -> None:
    """Gives the written answer its points and a comment; both save themselves when left."""
    page = instructor.page
    loaded = "formgrader.grades?.loaded && formgrader.comments?.loaded"  # asked from outside: the page forbids eval
    wait_for(instructor, lambda: page.evaluate(loaded), "the grades")
    cell = page.locator(".nbgrader_cell", has_text=REASON)
    with page.expect_response(lambda r: "/api/grade/" in r.url and r.request.method == "PUT" and r.ok):
        cell.locator("input.score").fill("2")
        cell.locator("input.score").press("Tab")
    with page.expect_response(lambda r: "/api/comment/" in r.url and r.request.method == "PUT" and r.ok):
        cell.locator("textarea.comment").fill(COMMENT)
        cell.locator("textarea.comment").press("Tab")


def read(loop: Class, student: Person) -> None:
    """A student reads the feedback on the course page; one of them also fetches nbgrader's copy of it."""
    open_course(student)
    loop.seen[f"{student.who} after"] = card(student).inner_text()
    student.picture(f"{student.who}-returned")
    card(student).get_by_role("link", name="Feedback on Halves").click()
    expect(student.page.locator("body")).to_contain_text(COMMENT)
    student.pictures_of(f"{student.who}-feedback")
    loop.seen[f"{student.who} feedback"] = student.page.locator("body").inner_text()
    student.page.get_by_role("link", name="Your assignments").click()
    expect(card(student)).to_be_visible()
    if student is loop.students[-1]:
        open_assignments(student)
        student.picture(f"{student.who}-assignments")
        press(student, "submitted", "Fetch Feedback")
        folder = f"{student.hub.name}/halves/feedback"
        found = wait_for(student, lambda: (student.contents(folder) or {}).get("content"), "the feedback")
        loop.seen[f"{student.who} feedback file"] = found[0]["path"] + "/halves.html"
