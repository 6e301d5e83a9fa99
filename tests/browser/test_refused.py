"""What a student tries and does not get: the instructor's pages, others' work, the hub's API, the course's files."""

import json
import os
import re
import sys

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.hubs import Hub
from tests.browser.loop import COMMENT, Class
from tests.browser.pages import DOOR, Person, card, open_course

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
REFUSED = {401, 403, 404}
accounts = pytest.mark.skipif(os.geteuid() != 0, reason="accounts of their own need root")


@pytest.mark.parametrize(
    "page",
    [
        "manage_assignments",
        "manage_submissions/halves",
        "gradebook/halves/halves",
        "manage_students",
        "api/assignments",
        "api/submissions/halves",
        "api/submitted_notebooks/halves/halves",
        "../files/source/halves.py",
        "../api/contents/solutions",
        "..%2f..%2flab",
    ],
)
def test_the_instructor_s_pages(walked: Class, page: str) -> None:
    """They lead a student through the hub's login, which has no right to give."""
    ada = walked.students[0]
    answer = ada.page.request.get(f"{ada.hub.address}/services/{ada.hub.name}/formgrader/{page}")
    assert answer.status in REFUSED, answer.url
    assert "BEGIN SOLUTION" not in answer.text() and "submitted" not in answer.text()


def test_the_instructor_gets_them(walked: Class) -> None:
    """The same requests are not refused to whoever may, so that a refusal says something."""
    page, hub = walked.instructor.page, walked.instructor.hub
    answer = page.request.get(f"{hub.address}/services/{hub.name}/formgrader/api/submissions/halves")
    assert answer.status == 200 and hub.account("ada") in answer.text()


def test_a_refusal_is_a_page_that_says_so(walked: Class) -> None:
    ada = walked.students[0]
    page = ada.page.context.new_page()
    page.goto(f"{ada.hub.address}/services/{ada.hub.name}/formgrader/manage_assignments")
    expect(page.locator("body")).to_contain_text("403")
    page.screenshot(path=str(ada.pictures / "ada-refused.png"))
    page.close()


@pytest.mark.parametrize("path", ["lab", "api/contents", "files/halves/feedback", "api/kernels", "api/terminals"])
def test_another_student_s_server(walked: Class, path: str) -> None:
    ada, grace = walked.students
    answer = ada.page.request.get(f"{ada.hub.address}{grace.server}/{path}")
    assert answer.status in REFUSED, answer.url
    assert grace.contents("") is not None and ada.contents("") is not None


@pytest.mark.parametrize("up", ["../", "..%2f", "%2e%2e/", "..%252f", "/", "%2f"])
def test_paths_out_of_one_s_own_folder(walked: Class, up: str) -> None:
    ada, grace = walked.students
    feedback = walked.seen["grace feedback file"]
    for kind in ("files", "api/contents", "view", "lab/tree", "nbconvert/html"):
        for path in (f"{up * 6}etc/passwd", f"{up}{grace.hub.account('grace')}/{feedback}"):
            answer = ada.page.request.get(f"{ada.hub.address}{ada.server}/{kind}/{path}")
            text = answer.text()
            assert "root:x:0" not in text and "sums commute" not in text, answer.url


def test_forms_that_another_page_forged(walked: Class) -> None:
    """Cookies alone start nothing: neither for a student nor, from another page, for the instructor."""
    ada, instructor = walked.students[0], walked.instructor
    formgrader = f"/services/{ada.hub.name}/formgrader/api"
    for person in (ada, instructor):
        for method, path in (
            ("POST", f"{formgrader}/assignment/halves/assign"),
            ("POST", f"{formgrader}/submission/halves/{ada.hub.account('grace')}/autograde"),
            ("PUT", f"{formgrader}/grade/1"),
            ("POST", f"/hub/api/users/{ada.hub.account('grace')}/server"),
            ("DELETE", f"/hub/api/users/{ada.hub.account('grace')}"),
            ("POST", f"/hub/api/groups/formgrade-{ada.hub.name}/users"),
            ("POST", f"/hub/spawn/{ada.hub.account('grace')}"),
        ):
            forged = {"Origin": "http://elsewhere.example", "Content-Type": "text/plain"}
            status = person.status(path, method=method, data=json.dumps({"users": [person.who]}), headers=forged)
            assert status in {302, *REFUSED}, (person.who, path)
    listed = instructor.page.request.get(f"{ada.hub.address}{formgrader}/submissions/halves").json()
    assert {s["score"] for s in listed} == {4}


def token(person: Person) -> str:
    """What the forms of this person's course page carry."""
    page = person.page.request.get(person.hub.address + DOOR).text()
    found = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


ACTIONS = (
    "do/release/halves",
    "do/collect/halves",
    "do/grade/halves",
    "do/return/halves",
    "stop/halves",
    "rule/halves",
)


def test_the_class_page_of_the_front_door(walked: Class) -> None:
    """A student sees the course page there, and neither report nor scores nor buttons of the class, token or not."""
    ada = walked.students[0]
    shown = ada.page.request.get(ada.hub.address + DOOR).text()
    assert "Your assignments" in shown and "The class" not in shown
    assert ada.hub.account("grace") not in shown and "/do/" not in shown
    for path in ("report/halves", "report/halves?names=1", "export/halves.csv"):
        assert ada.status(DOOR + path) == 404, path
        assert walked.instructor.status(DOOR + path) == 200, path
    for path in ACTIONS:
        form = {"_xsrf": token(ada), "on": "1", "a_day": "1", "total": "1"}
        assert ada.status(DOOR + path, method="POST", form=form) == 404, path
    assert class_page(walked) == walked.seen["class page"]


def test_forged_forms_of_the_front_door(walked: Class) -> None:
    """No token, a guessed one, somebody else's, and one's own in a form of another site: nothing is begun."""
    ada, instructor = walked.students[0], walked.instructor
    elsewhere = (
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    )
    tries = [({}, {}), ({"_xsrf": "guessed"}, {}), ({"_xsrf": token(ada)}, {})]
    tries += [({"_xsrf": token(instructor)}, headers) for headers in elsewhere]
    for path in (*ACTIONS, "open/halves"):
        for form, headers in tries:
            assert instructor.status(DOOR + path, method="POST", form=form, headers=headers) == 403, (path, form)
        assert instructor.status(DOOR + path) == 405, path
    assert class_page(walked) == walked.seen["class page"]


def class_page(walked: Class) -> str:
    open_course(walked.instructor)
    return str(card(walked.instructor).inner_text())


def test_handing_in_by_a_forged_form(walked: Class) -> None:
    """It is the student's own server that hands in, for its own student and with its own token."""
    ada, grace = walked.students
    submit = f"course/submit/{ada.hub.name}/halves"
    for headers in ({}, {"Origin": "http://elsewhere.example"}):
        for form in ({}, {"_xsrf": "guessed"}, {"_xsrf": token(ada)}):
            status = ada.status(f"{ada.server}/{submit}", method="POST", form=form, headers=headers)
            assert status == 403, form
    for method in ("GET", "POST"):
        answer = ada.page.request.fetch(f"{ada.hub.address}{grace.server}/{submit}", method=method)
        assert answer.status in REFUSED and "halves.ipynb" not in answer.text(), answer.url
    assert "2" in class_page(walked).split("submitted")[1].split("not collected")[0]


def test_another_student_s_feedback(walked: Class) -> None:
    """The door serves whoever asks their own page, whatever the address says besides."""
    ada, grace = walked.students
    mine, hers = (p.page.request.get(f"{p.hub.address}{DOOR}feedback/halves").text() for p in (ada, grace))
    account = grace.hub.account("grace")
    assert COMMENT in mine and COMMENT in hers
    for query in (f"user={account}", f"student={account}", f"name={account}", f"id={account}"):
        assert ada.page.request.get(f"{ada.hub.address}{DOOR}feedback/halves?{query}").text() == mine
    for path in (
        f"{account}/halves",
        f"halves/{account}",
        f"../{account}/halves",
        f"..%2f..%2fsubmitted%2f{account}%2fhalves",
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "....//....//etc/passwd",
        "halves.html",
        "halves%00",
        "halves%0a",
        "*",
    ):
        answer = ada.page.request.get(f"{ada.hub.address}{DOOR}feedback/{path}")
        assert answer.status in {400, *REFUSED} and COMMENT not in answer.text(), answer.url
        assert "root:x:0" not in answer.text()


def test_the_front_door_runs_no_script_and_lets_nobody_frame_it(walked: Class) -> None:
    for person in (walked.students[0], walked.instructor):
        for path in ("", "feedback/halves", "report/halves"):
            answer = person.page.request.get(person.hub.address + DOOR + path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script-src" not in policy, path
            assert "frame-ancestors 'none'" in policy and "<script" not in answer.text().lower(), path


def test_another_s_name_with_one_s_own_password(hub: Hub, chromium: Browser) -> None:
    page = chromium.new_context().new_page()
    for name, password in (
        (hub.account("instructor"), hub.password("ada")),
        (hub.account("grader"), ""),
        (hub.account("grader"), hub.password("ada")),
        ("root", hub.password("ada")),
        ("", ""),
    ):
        page.goto(f"{hub.address}/hub/login")
        page.evaluate("document.querySelectorAll('[required]').forEach(field => field.removeAttribute('required'))")
        page.fill("#username_input", name)
        page.fill("#password_input", password)
        page.click("#login_submit")
        expect(page.locator(".login_error, #login-main .error, .text-danger").first).to_be_visible()
        assert "/login" in page.url
    page.context.close()


def test_the_hub_s_api_with_the_token_of_one_s_own_server(walked: Class, chromium: Browser) -> None:
    ada = walked.students[0]
    hub, token = ada.hub, own_tokens(ada.hub, "ada")
    assert len(token) == 1
    asked = {"Authorization": f"token {next(iter(token))}"}
    page = chromium.new_context().new_page()  # without cookies
    mine = page.request.get(f"{hub.address}/hub/api/users/{hub.account('ada')}", headers=asked)
    assert mine.ok and mine.json()["groups"] == [f"nbgrader-{hub.name}"]
    for method, path in (
        ("GET", "users"),
        ("GET", f"users/{hub.account('grace')}"),
        ("GET", f"users/{hub.account('ada')}/tokens"),
        ("POST", f"users/{hub.account('ada')}/tokens"),
        ("GET", "groups"),
        ("GET", f"groups/nbgrader-{hub.name}"),
        ("GET", "services"),
        ("GET", f"services/{hub.name}"),
        ("GET", "proxy"),
        ("GET", "info"),
        ("POST", f"groups/formgrade-{hub.name}/users"),
        ("POST", f"users/{hub.account('grace')}/server"),
        ("POST", "shutdown"),
    ):
        body = {"data": json.dumps({"users": [hub.account("ada")]})} if method == "POST" else {}
        answer = page.request.fetch(f"{hub.address}/hub/api/{path}", method=method, headers=asked, **body)
        allowed = answer.ok and answer.json() in ([], {})  # a list of what one may see, and one may see nothing
        assert answer.status in REFUSED or allowed, (method, path, answer.text())
    assert page.request.get(hub.address + DOOR, headers=asked).status == 403
    assert (
        page.request.get(f"{hub.address}/services/{hub.name}/formgrader/api/assignments", headers=asked).status == 403
    )
    page.context.close()


def own_tokens(hub: Hub, who: str) -> set[str]:
    """All tokens that a student's programs can find in the environment of any process."""
    found = hub.enter(who, "sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'").stdout
    assert not re.search(r"CONFIGPROXY|AUTOGRADER_STATE|JUPYTERHUB_CRYPT|PASSWORD", found)
    return set(re.findall(r"^JUPYTERHUB_API_TOKEN=(\w+)$", found, re.MULTILINE))


@accounts
def test_the_course_s_files(walked: Class) -> None:
    hub = walked.instructor.hub
    course, home = hub.facts["folder"], hub.top / "homes"
    for path in (
        course,
        f"{course}/solutions/halves.py",
        f"{course}/source/halves.py",
        f"{course}/source/halves/halves.ipynb",
        f"{course}/gradebook.db",
        f"{course}/submitted/{hub.account('grace')}/halves/halves.ipynb",
        f"{home}/{hub.account('grader')}/.local/state/autograder",
        f"{home}/{hub.account('grace')}",
        f"{home}/{hub.account('grace')}/{hub.name}/halves/halves.ipynb",
        f"{home}/{hub.account('instructor')}",
        f"{hub.top}/private",
        f"{hub.top}/private/passwords.json",
        f"{hub.top}/exchange/{hub.name}/inbound",
        f"{hub.top}/exchange/{hub.name}/feedback",
    ):
        assert os.path.exists(path), path
        for command in (["ls", path], ["cat", path]) if not os.path.isdir(path) else (["ls", path],):
            done = hub.enter("ada", *command)
            assert done.returncode and "denied" in done.stderr, (path, done.stdout)
    assert hub.enter("grader", "cat", f"{course}/solutions/halves.py").returncode == 0


@accounts
def test_where_the_course_came_from(walked: Class) -> None:
    """The folder that the hub was started on, and the clone that the engine lies in, are empty for a student."""
    hub = walked.instructor.hub
    code = "import os, autograder; print(os.path.dirname(os.path.dirname(autograder.__file__)))"
    clone = hub.enter("ada", sys.executable, "-c", code).stdout.strip()
    assert os.path.isdir(f"{clone}/solutions"), "the tests run in a clone"
    assert set(hub.enter("ada", "ls", "-A", clone).stdout.split()) <= {"autograder", ".venv"}


@accounts
def test_writing_where_others_read(walked: Class) -> None:
    hub = walked.instructor.hub
    exchange = f"{hub.top}/exchange"
    for command in (
        ["rm", "-rf", f"{exchange}/{hub.name}/outbound/halves"],
        ["mv", f"{exchange}/{hub.name}", f"{exchange}/mine"],
        ["touch", f"{exchange}/{hub.name}/outbound/halves/halves.ipynb"],
        ["touch", f"{exchange}/{hub.name}/feedback/mine.html"],
        ["touch", f"{hub.top}/jupyter/instructor/nbgrader_config.py"],
        ["touch", f"{hub.top}/jupyter/share/kernels/python3/kernel.json"],
    ):
        assert hub.enter("ada", *command).returncode, command
    assert os.path.exists(f"{exchange}/{hub.name}/outbound/halves/halves.ipynb")


@accounts
def test_other_people_s_programs(walked: Class) -> None:
    hub = walked.instructor.hub
    done = hub.enter("ada", "pkill", "-u", hub.account("grace"))
    assert done.returncode and walked.students[1].contents("") is not None


def test_a_student_is_no_administrator(walked: Class) -> None:
    for person in (*walked.students, walked.instructor):
        assert person.status("/hub/admin") in REFUSED
