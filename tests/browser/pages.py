"""What people do in a browser: log in, work in JupyterLab, press the formgrader's buttons."""

import json
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.hubs import Hub

PATIENCE = 120_000
"""Milliseconds for anything to appear; nothing waits longer than it must."""
BEGUN = 15_000
"""Milliseconds after which a cell that was run should bear a star or a number."""
NOTEBOOK = "halves/halves.ipynb"
NUMBER, RUNS = re.compile(r"\[\d+\]"), re.compile(r"\[\*\]")
DOOR = "/services/course/"


@dataclass(frozen=True)
class Person:
    """Somebody with a browser of their own, logged in."""

    hub: Hub
    who: str
    page: Page
    pictures: Path

    @property
    def server(self) -> str:
        return f"/user/{self.hub.account(self.who)}"

    def go(self, path: str) -> None:
        self.page.goto(self.hub.address + path, wait_until="domcontentloaded")

    def picture(self, name: str) -> None:
        self.page.screenshot(path=str(self.pictures / f"{name}.png"))

    def pictures_of(self, name: str) -> None:
        """The same page by day and by night, and as wide as a phone."""
        assert self.page.viewport_size is not None
        wide = self.page.viewport_size
        self.page.screenshot(path=str(self.pictures / f"{name}.png"), full_page=True)
        self.page.emulate_media(color_scheme="dark")
        self.page.screenshot(path=str(self.pictures / f"{name}-dark.png"), full_page=True)
        self.page.set_viewport_size({"width": 360, "height": 780})
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 360
        self.page.screenshot(path=str(self.pictures / f"{name}-phone.png"), full_page=True)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(wide)

    def status(self, path: str, **options: Any) -> int:
        """The status of a request with this person's cookies, without following where it sends them."""
        answer = self.page.request.fetch(self.hub.address + path, max_redirects=0, timeout=PATIENCE, **options)
        return int(answer.status)

    def contents(self, path: str) -> Any:
        """What their own server says of a file or folder of theirs; None if there is none."""
        answer = self.page.request.get(f"{self.hub.address}{self.server}/api/contents/{path}", timeout=PATIENCE)
        return answer.json() if answer.ok else None


def log_in(browser: Browser, hub: Hub, who: str, pictures: Path, **looks: Any) -> Person:
    page = browser.new_context(viewport={"width": 1280, "height": 1000}, **looks).new_page()
    page.set_default_timeout(PATIENCE)
    page.set_default_navigation_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.add_locator_handler(page.locator("dialog.jp-Dialog"), accept)
    person = Person(hub, who, page, pictures)
    person.go("/hub/login")
    page.fill("#username_input", hub.account(who))
    page.fill("#password_input", hub.password(who))
    page.click("#login_submit")
    page.wait_for_url(re.compile(r"/(user|services|hub/(home|spawn))"), wait_until="commit")
    return person


def accept(dialog: Locator) -> None:
    """What people do when JupyterLab has something to say of a kernel or a connection: they press the button.

    The warning is for whoever reads how the tests went: no step of these tests opens such a dialog.
    """
    warnings.warn(f"JupyterLab said: {' '.join(dialog.last.inner_text().split())}", stacklevel=1)
    dialog.last.locator("button.jp-mod-accept").click()


def wait_for(person: Person, found: Callable[[], Any], what: str) -> Any:
    """Asks again and again until there is an answer that is true."""
    for _ in range(PATIENCE // 500):
        answer = found()
        if answer:
            return answer
        person.page.wait_for_timeout(500)
    raise AssertionError(f"{what} did not come")


# A student, in JupyterLab.


def open_lab(person: Person) -> None:
    """JupyterLab with nothing open from before; their server starts if it does not run."""
    person.go(f"/hub/spawn/{person.hub.account(person.who)}")
    person.page.wait_for_url(f"**{person.server}/lab**", wait_until="commit")
    person.go(f"{person.server}/lab?reset")
    expect(person.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Nbgrader$"))).to_be_visible()


def open_assignments(person: Person) -> None:
    """nbgrader's list of assignments, anew."""
    open_lab(person)
    person.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Nbgrader$")).click()
    person.page.locator(".lm-Menu-itemLabel", has_text="Assignment List").click()
    expect(person.page.locator("#course_list_default")).to_have_text(person.hub.name)
    for kind in ("released", "fetched", "submitted"):
        expect(person.page.locator(f"#{kind}_assignments_list_loading")).to_be_hidden()


def press(person: Person, kind: str, button: str) -> None:
    person.page.locator(f"#{kind}_assignments_list button", has_text=re.compile(f"^{button}$")).click()


def wait_until_idle(person: Person) -> None:
    expect(person.page.locator(".jp-Notebook-ExecutionIndicator").first).to_have_attribute("data-status", "idle")


def write(person: Person, holding: str, text: str) -> None:
    """Replaces the source of the cell that holds some text, as it is shown."""
    cells = person.page.locator(".jp-Notebook .jp-Cell")
    expect(cells.filter(has_text=holding)).not_to_have_count(0)
    cell = cells.nth(next(i for i, shown in enumerate(cells.all_inner_texts()) if holding in shown))
    if "jp-MarkdownCell" in (cell.get_attribute("class") or ""):
        cell.locator(".jp-MarkdownOutput").dblclick()
    editor = cell.locator(".cm-content")
    editor.click()
    person.page.keyboard.press("Control+a")
    person.page.keyboard.insert_text(text)
    expect(editor).to_contain_text(text.splitlines()[-1].strip())


def run_all(person: Person) -> None:
    """Runs all cells once the kernel is there, and again where JupyterLab drops it or the kernel has to begin anew."""
    wait_until_idle(person)
    prompt = person.page.locator(".jp-CodeCell .jp-InputPrompt").locator("visible=true").last  # others are folded away
    before = prompt.inner_text()
    for _ in range(PATIENCE // BEGUN):
        person.page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        person.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        with suppress(AssertionError):
            expect(prompt).not_to_have_text(before, timeout=BEGUN)
        expect(prompt).not_to_have_text(RUNS)
        wait_until_idle(person)
        if NUMBER.search(prompt.inner_text()) and prompt.inner_text() != before:
            return
    raise AssertionError("the cells did not run")


def output_of(person: Person, source: str) -> Any:
    """Where the output of the cell with this source is."""
    return person.page.locator(".jp-CodeCell", has_text=source).first.locator(".jp-Cell-outputArea")


def save(person: Person, holds: str) -> None:
    """Saves, and waits until the file on the server holds a text."""
    person.page.keyboard.press("Control+s")
    wait_for(
        person, lambda: holds in json.dumps(person.contents(f"{person.hub.name}/{NOTEBOOK}")), "the saved notebook"
    )


# On the course's own pages.


def card(person: Person, title: str = "Halves") -> Any:
    """What the page says of one assignment."""
    return person.page.locator("article.card", has=person.page.get_by_role("heading", name=title, exact=True))


def open_course(person: Person) -> None:
    """The course page of a student, the class page of an instructor."""
    person.go(DOOR)
    expect(card(person)).to_be_visible()


def open_notebook(person: Person) -> None:
    """By the button of the course page, which starts their server and brings the notebook."""
    open_course(person)
    card(person).get_by_role("button", name="Open Halves").click()
    person.page.wait_for_url(f"**{person.server}/lab/**", wait_until="commit")
    wait_until_idle(person)


def hand_in(person: Person) -> None:
    """By the button of the course page, which asks on the student's own server."""
    open_course(person)
    card(person).get_by_role("link", name="Hand in: Halves").click()
    asked = person.page.get_by_role("button", name="Hand in", exact=True)
    expect(asked).to_be_visible()
    expect(person.page.get_by_role("heading", name="Hand in “Halves”?")).to_be_visible()
    person.picture(f"{person.who}-hand-in")
    asked.click()
    expect(person.page.get_by_role("status").first).to_contain_text("was handed in")


def do(person: Person, button: str) -> None:
    """Presses a button of the class page, and waits for what it began to be done."""
    open_course(person)
    card(person).get_by_role("button", name=f"{button}: Halves", exact=True).click()
    said = card(person).get_by_role("status")
    expect(said).to_be_visible()
    person.picture(f"class-page-{button.lower().replace(' ', '-')}")
    expect(said).to_contain_text(re.compile(rf"{button}.*(done|did not finish|was stopped)"))
    expect(said).to_contain_text(f"{button}: done.")


def number(person: Person, name: str) -> Any:
    """One of the numbers of the class page."""
    return card(person).locator("dl.numbers div", has=person.page.get_by_text(name, exact=True)).locator("dd")


# An instructor, in nbgrader's formgrader.


def formgrader(person: Person, page: str) -> None:
    person.go(f"/services/{person.hub.name}/formgrader/{page}")


def press_icon(person: Person, row: str, column: str, says: str) -> None:
    """Presses an icon of a row, and closes the message that tells of success."""
    person.page.locator("#main-table tr", has_text=row).locator(f"td.{column} a").click()
    message = person.page.locator(".modal.in")
    expect(message).to_contain_text(says)
    message.locator(".btn-primary").click()
    expect(person.page.locator(".modal-backdrop")).to_have_count(0)


def set_due(person: Person, at: str) -> None:
    """The due date of the assignment, in the formgrader's dialog. The time is in UTC."""
    formgrader(person, "manage_assignments")
    person.page.locator("#main-table tr", has_text="halves").locator("td.edit a").click()
    dialog = person.page.locator(".modal.in")
    dialog.locator(".modal-duedate").fill(at)
    dialog.locator(".modal-timezone").fill("+0000")
    dialog.locator(".save").click()
    expect(person.page.locator("#main-table td.duedate")).to_contain_text(at[:4])
    expect(person.page.locator(".modal-backdrop")).to_have_count(0)
