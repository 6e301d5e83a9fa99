"""nbgrader's formgrader over HTTP, with the requests that its web pages make: its buttons work, and our scores show."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPCookieProcessor, Request, build_opener

import nbformat
import pytest

from autograder.course import load_course
from autograder.notebook.build import build
from tests.headless import opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("nbgrader")]
ROOT = Path(__file__).parent.parent.parent
TOY = ROOT / "tests" / "toy"
TOKEN = "a-token-for-the-tests"
EVIL = "document.documentElement.id='ran'"
SCRIPT = f"<script>{EVIL}</script><img src=x onerror={EVIL}><svg onload={EVIL}></svg>[a](javascript:{EVIL})"
RAN = re.compile(r"<html[^>]* id=\"ran\"")
SHOWN = f"""from IPython.display import HTML, SVG, display
display(HTML({SCRIPT!r}))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="{EVIL}"/>'))
HTML({SCRIPT!r})"""
REMOTE = "![seen](https://tracker.example/pixel.png) <link rel=stylesheet href=https://tracker.example/x.css>"


class Browser:
    """What a page of the formgrader does: a login with the token, cookies, and a token against forged requests."""

    def __init__(self, address: str):
        self.address, self.cookies = address, CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))

    def log_in(self) -> None:
        self.page(f"formgrader/manage_assignments?token={TOKEN}")

    def page(self, path: str) -> str:
        with self.opener.open(f"{self.address}/{path}", timeout=60) as answer:
            return str(answer.read().decode("utf-8"))

    def api(self, path: str, method: str = "GET", body: Any = None, *, protected: bool = True) -> Any:
        data = json.dumps(body).encode() if method != "GET" else None
        request = Request(f"{self.address}/formgrader/api/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        if protected:
            request.add_header("X-CSRFToken", next(str(c.value) for c in self.cookies if c.name == "_xsrf"))
        with self.opener.open(request, timeout=60) as answer:
            return json.loads(answer.read())


class Elements(HTMLParser):
    """What a page loads, and everything on it that would run."""

    def __init__(self, html: str):
        super().__init__()
        self.loaded: list[str] = []
        self.runs: list[str] = []
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_script = tag == "script"
        self.loaded += [v for n, v in values.items() if n in ("src", "srcset", "data", "poster")]
        self.loaded += [values.get("href", "")] if tag in ("link", "base", "image", "use") else []
        self.runs += [v for n, v in values.items() if n.startswith("on") or v.lower().strip().startswith("javascript:")]
        self.loaded += re.findall(r"url\(([^)]*)\)", values.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.runs.append(data)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy course as an instructor has it before pressing a button."""
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("formgrader") / "course"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    build(load_course(root), ("toy",))
    released = nbformat.read(root / "release" / "toy" / "toy.ipynb", 4)
    solved = nbformat.read(root / "source" / "toy" / "toy.ipynb", 4)
    for cell, answer in zip(released.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answer.source.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
    hand_in(root, "perfect", released)
    for cell in released.cells:
        cell.source = cell.source.replace("return (x + z) / 2", "return x + z")
    hand_in(root, "mistaken", released)
    for cell in released.cells:
        if cell.cell_type == "markdown":
            cell.source = f"{SCRIPT} {REMOTE}"
    released.metadata["title"] = f"</title>{SCRIPT}"
    released.cells.append(nbformat.v4.new_raw_cell(SCRIPT))
    html = nbformat.v4.new_output("display_data", {"text/html": SCRIPT, "image/svg+xml": SCRIPT})
    released.cells.append(nbformat.v4.new_code_cell(SHOWN, outputs=[html]))
    hand_in(root, "scripted", released)
    shutil.rmtree(root / "release")
    return root


def hand_in(root: Path, student: str, notebook: Any) -> None:
    path = root / "submitted" / student / "toy" / "toy.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def browser(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Logged in at a server that was started in the course's folder, with no configuration but the course's own."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here = {name: str(home) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    options = ["--ip=127.0.0.1", f"--port={port}", "--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}"]
    log = (home / "log").open("w")
    command = [sys.executable, "-m", "jupyter_server", *options, "--ServerApp.port_retries=0"]
    with subprocess.Popen(command, cwd=course, env=os.environ | here, stdout=log, stderr=log) as server:
        try:
            found = Browser(f"http://127.0.0.1:{port}")
            wait_for(found, server, home / "log")
            found.api("assignment/toy/assign", "POST")
            for student in ("perfect", "mistaken", "scripted"):
                said = found.api(f"submission/toy/{student}/autograde", "POST")
                assert said["success"], said
            yield found
        finally:
            server.terminate()
            server.wait(timeout=20)
            log.close()


def wait_for(browser: Browser, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return browser.log_in()
        except HTTPError:
            break
        except (URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def submission(browser: Browser, student: str) -> str:
    """The id of a student's notebook, as the gradebook page looks it up."""
    return str(next(n["id"] for n in browser.api("submitted_notebooks/toy/toy") if n["student"] == student))


def named(entries: Any, name: str) -> Any:
    return next(e for e in entries if e["name"] == name)


def test_the_lists_show_assignment_and_submissions(browser: Browser, course: Path) -> None:
    (assignment,) = browser.api("assignments")
    assert (assignment["name"], assignment["num_submissions"], assignment["max_score"]) == ("toy", 3, 14)
    assert (course / "release" / "toy" / "toy.json").exists()
    entries = {s["student"]: s for s in browser.api("submissions/toy")}
    assert {name: entry["score"] for name, entry in entries.items()} == {"perfect": 12, "mistaken": 10, "scripted": 10}
    assert {entry["autograded"] for entry in entries.values()} == {True}
    assert all(entry["needs_manual_grade"] for entry in entries.values())
    for page in ("manage_assignments", "manage_submissions/toy", "gradebook", "gradebook/toy/toy", "manage_students"):
        assert "nbgrader" in browser.page(f"formgrader/{page}")


def test_a_forged_request_is_refused(browser: Browser) -> None:
    with pytest.raises(HTTPError) as refused:
        browser.api("submission/toy/perfect/autograde", "POST", protected=False)
    assert refused.value.code == 403
    refused.value.close()


def test_findings_are_on_the_submission_s_page(browser: Browser) -> None:
    page = browser.page(f"formgrader/submissions/{submission(browser, 'mistaken')}/")
    assert "half of that sum lies in the middle" in page
    assert "halfway" in page and "check-halfway" in page


def test_nothing_of_a_student_runs_on_the_page_and_nothing_is_loaded_from_outside(browser: Browser) -> None:
    page = browser.page(f"formgrader/submissions/{submission(browser, 'scripted')}/")
    assert EVIL in page  # shown, as text
    found = Elements(page)
    assert not [text for text in found.runs if EVIL in text]
    assert not [address for address in found.loaded if re.match(r"\s*['\"]?(?:https?:)?//", address)]
    assert not re.search(r"@import|tracker\.example/\w+\.css\)", page)
    for address in set(found.loaded):
        if address.startswith("/"):
            browser.page(quote(address.lstrip("/"), safe="/?=%"))  # nbgrader's own files are all there


def test_nothing_of_a_student_runs_in_a_browser_and_nbgrader_s_own_scripts_do(browser: Browser) -> None:
    shown = opened(f"{browser.address}/formgrader/submissions/{submission(browser, 'scripted')}/?token={TOKEN}")
    assert EVIL in shown and not RAN.search(shown)
    assert 'href="/notebooks/./autograded/scripted/toy/toy.ipynb"' in shown  # a script in the head wrote it
    assert re.search(r'onclick="toggle_name\(true\);" data-original-title', shown)  # the script in the page's body


@pytest.mark.parametrize(("guarded", "runs"), [(True, False), (False, True)])
def test_the_policy_alone_would_stop_a_script(browser: Browser, tmp_path: Path, guarded: bool, runs: bool) -> None:
    page = browser.page(f"formgrader/submissions/{submission(browser, 'perfect')}/")
    page = page.replace("<body>", f"<body>{SCRIPT}", 1)
    assert page.count(EVIL) == 4 and page.count("Content-Security-Policy") == 1
    if not guarded:
        page = page.replace("Content-Security-Policy", "Nothing")
    (tmp_path / "page.html").write_text(page, "utf-8")
    assert bool(RAN.search(opened(tmp_path / "page.html"))) == runs


def test_nbgrader_s_script_finds_all_that_it_asks_of_mathjax(browser: Browser) -> None:
    asked = set(re.findall(r"MathJax\.[\w.]+", browser.page("formgrader/static/js/formgrade.js")))
    assert asked == {"MathJax.loaded", "MathJax.Hub.Startup.signal.Interest"}
    page = browser.page(f"formgrader/submissions/{submission(browser, 'perfect')}/")
    assert "var MathJax = {Hub: {Startup: {signal: {Interest: function" in page


def test_the_check_for_outside_addresses_can_fail() -> None:
    found = Elements(
        f"<script src=https://cdn.example/x.js></script><img src=//a/b onerror={EVIL}><script>{EVIL}</script>"
    )
    assert found.loaded == ["https://cdn.example/x.js", "//a/b"]
    assert found.runs == [EVIL, EVIL]


def test_a_manual_score_and_a_comment_survive_and_count(browser: Browser) -> None:
    ident = submission(browser, "mistaken")
    halfway = named(browser.api(f"grades?submission_id={ident}"), "check-halfway")
    assert (halfway["auto_score"], halfway["manual_score"]) == (0, None)
    browser.api(f"grade/{halfway['id']}", "PUT", halfway | {"manual_score": 1.5})
    why = named(browser.api(f"grades?submission_id={ident}"), "why")
    browser.api(f"grade/{why['id']}", "PUT", why | {"manual_score": 2})
    comment = named(browser.api(f"comments?submission_id={ident}"), "halfway")
    assert "half of that sum" in comment["auto_comment"]
    browser.api(f"comment/{comment['id']}", "PUT", comment | {"manual_comment": "Nearly. See me."})
    assert browser.api("submission/toy/mistaken/autograde", "POST")["success"]
    entry = browser.api("submission/toy/mistaken")
    assert (entry["score"], entry["max_score"], entry["needs_manual_grade"]) == (13.5, 14, True)
    assert named(browser.api(f"grades?submission_id={ident}"), "check-halfway")["manual_score"] == 1.5
    assert named(browser.api(f"comments?submission_id={ident}"), "halfway")["manual_comment"] == "Nearly. See me."


def test_the_feedback_button_writes_our_page(browser: Browser, course: Path) -> None:
    for student in ("mistaken", "scripted"):
        assert browser.api(f"assignment/toy/{student}/generate_feedback", "POST")["success"]
    page = (course / "feedback" / "mistaken" / "toy" / "toy.html").read_text("utf-8")
    assert "13.5 of 14 points" in page and "Nearly. See me." in page
    found = Elements((course / "feedback" / "scripted" / "toy" / "toy.html").read_text("utf-8"))
    assert found.runs == []
    assert not [a for a in found.loaded if not a.startswith("data:image/png;base64,")]
