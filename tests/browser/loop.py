"""The loop of a course, as people walk it: release, work, a failing check and its hint, submit, grade, feedback."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.hubs import Hub
from tests.browser.pages import (
    Person,
    fetch,
    formgrader,
    log_in,
    open_assignments,
    open_notebook,
    output_of,
    press,
    press_icon,
    run_all,
    save,
    submit,
    wait_for,
    wait_until_idle,
    write,
)

HINT = "You added the points, but half of that sum lies in the middle."
WRONG = "def halfway(x, z):\n    return x + z"
RIGHT = "def halfway(x, z):\n    return (x + z) / 2"
REASON = "A sum is the same in any order."
COMMENT = "Well said: sums commute."


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
    formgrader(loop.instructor, "manage_assignments")
    press_icon(loop.instructor, "halves", "assign", "Successfully created the student version")
    press_icon(loop.instructor, "halves", "release", "Successfully released")
    expect(loop.instructor.page.locator("td.status")).to_have_text("released")
    loop.instructor.picture("formgrader-released")


def work(loop: Class, student: Person) -> None:
    fetch(student)
    student.picture(f"{student.who}-assignments")
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
    wait_until_idle(student)
    expect(output).to_contain_text(re.compile("pass", re.IGNORECASE))
    loop.seen[f"{student.who} passing"] = output.inner_text()
    student.picture(f"{student.who}-passing-check")
    save(student, REASON)
    submit(student)
    student.picture(f"{student.who}-submitted")


def grade(loop: Class) -> None:
    page, name = loop.instructor.page, loop.instructor.hub.name
    formgrader(loop.instructor, "manage_assignments")
    press_icon(loop.instructor, "halves", "collect", "Successfully collected submissions")
    formgrader(loop.instructor, "manage_submissions/halves")
    for student in loop.students:
        press_icon(loop.instructor, student.hub.account(student.who), "autograde", "Successfully autograded")
    loop.instructor.picture("formgrader-autograded")
    for student in loop.students:
        formgrader(loop.instructor, "gradebook/halves/halves")
        expect(page.locator("#main-table tr")).to_have_count(len(loop.students))
        listed = loop.instructor.page.request.get(
            f"{loop.instructor.hub.address}/services/{name}/formgrader/api/submitted_notebooks/halves/halves"
        ).json()
        ident = next(n["id"] for n in listed if n["student"] == student.hub.account(student.who))
        formgrader(loop.instructor, f"submissions/{ident}/")
        mark_by_hand(loop.instructor)
    loop.instructor.picture("formgrader-by-hand")
    formgrader(loop.instructor, "manage_assignments")
    press_icon(loop.instructor, "halves", "generate-feedback", "Successfully generated feedback")
    press_icon(loop.instructor, "halves", "release-feedback", "Successfully released feedback")


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
    open_assignments(student)
    press(student, "submitted", "Fetch Feedback")
    folder = f"{student.hub.name}/halves/feedback"
    found = wait_for(student, lambda: (student.contents(folder) or {}).get("content"), "the feedback")
    student.go(f"{student.server}/files/{found[0]['path']}/halves.html")
    expect(student.page.locator("body")).to_contain_text(COMMENT)
    student.picture(f"{student.who}-feedback")
    loop.seen[f"{student.who} feedback file"] = found[0]["path"] + "/halves.html"
    loop.seen[f"{student.who} feedback"] = student.page.locator("body").inner_text()
