"""Who may take which route of the front door, with the hub's own sign-in: anonymous, outsider, student, instructor."""

import asyncio
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import requests
from toy_hub import Hub, place_of, running

from autograder.hub.door import tries
from autograder.hub.door.app import routes
from autograder.hub.door.book import Assignment, Grade
from autograder.hub.door.export import scores
from autograder.hub.door.work import WHAT

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("door")]
TOY = Path(__file__).parent.parent / "toy"
PEOPLE = {
    "prof": ["formgrade-toy"],
    "ada": ["nbgrader-toy"],
    "bob": ["nbgrader-toy"],
    "guest": [],
    "other": ["formgrade-another", "nbgrader-another"],
    "<b>eve</b>'\"": ["nbgrader-toy"],
}
GETS = ["", "mine", "feedback/toy", "report/toy", "export/toy.csv"]
POSTS = ["open/toy", "stop/toy", "rule/toy", *(f"do/{kind}/toy" for kind in WHAT)]
FOR_INSTRUCTORS = {"report/toy", "export/toy.csv", "stop/toy", "rule/toy", *(f"do/{kind}/toy" for kind in WHAT)}
FEEDBACK = "<!DOCTYPE html>\n<title>x</title>\n<body>\n<p>feedback for {student}</p><pre>&lt;body></pre>"
RULE = {"on": "1", "a_day": "3", "total": "10"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    root = Path(shutil.copytree(TOY, folder / "course"))
    made = place_of(root, folder / "state", folder / "exchange")
    (made.outbound / "toy").mkdir(parents=True)
    made.inbound.mkdir()
    made.returned.mkdir()
    for student in ("ada", "bob"):
        hand_in(made, student, f"secret of {student}", "2026-11-20 10:00:00.000000 UTC")
        page = hashlib.md5(f"secret of {student}toy".encode()).hexdigest()
        (made.returned / f"{page}.html").write_text(FEEDBACK.format(student=student))
    return made


def hand_in(place, student: str, secret: str, at: str) -> Path:
    folder = place.inbound / f"{student}+toy+{at}+abc"
    folder.mkdir(parents=True)
    (folder / "submission_secret.txt").write_text(secret)
    return folder


@pytest.fixture(scope="module")
def hub(place) -> Iterator[Hub]:
    program = lambda: {"program": (sys.executable, "-c", "pass")}  # noqa: E731
    with running(place, PEOPLE, program) as made:
        yield made


def test_every_route_is_in_the_matrix():
    patterns = {pattern for pattern, _ in routes("/")}
    named = {"/", "/mine", "/oauth_callback", r"/door\.css", ".*"}
    assert len(patterns - named) == len({p.partition("/")[0] for p in [*GETS[2:], *POSTS]})


@pytest.mark.parametrize("path", GETS)
def test_nobody_reads_without_signing_in(hub, path):
    answer = hub.get(None, path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?client_id=service-course")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("forged", [True, False])
def test_nobody_acts_without_signing_in(hub, path, forged):
    assert hub.post(None, path, forged=forged, data=RULE).status_code == 403


@pytest.mark.parametrize("who", ["guest", "other"])
@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_whoever_is_not_of_the_course_is_refused(hub, who, path):
    answer = hub.get(who, path) if path in GETS else hub.post(who, path, data=RULE)
    assert answer.status_code == 403
    assert "Toys" not in answer.text


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_students_and_instructors(hub, path):
    for who in ("ada", "prof"):
        answer = hub.get(who, path) if path in GETS else hub.post(who, path, data=RULE)
        if who == "ada" and path in FOR_INSTRUCTORS:
            assert answer.status_code == 404
        elif who == "prof" and path in ("feedback/toy", "report/toy"):
            assert answer.status_code == 404  # there is none
        else:
            assert answer.status_code == (303 if path in POSTS else 200)


def test_home_is_the_class_for_those_who_teach_it_and_the_course_for_students(hub):
    assert "<h1>The class</h1>" in hub.get("prof", "").text
    assert "<h1>Your assignments</h1>" in hub.get("ada", "").text
    assert "<h1>Your assignments</h1>" in hub.get("prof", "mine").text


def test_feedback_is_ones_own_whatever_is_asked(hub):
    mine = hub.get("ada", "feedback/toy").text
    assert "<p>feedback for ada</p>" in mine and "bob" not in mine
    for query in ("?student=bob", "?user=bob", "?name=bob&student_id=bob"):
        assert hub.get("ada", f"feedback/toy{query}").text == mine
    assert "<p>feedback for bob</p>" in hub.get("bob", "feedback/toy").text
    assert hub.get("<b>eve</b>'\"", "feedback/toy").status_code == 404


def test_feedback_leads_back_to_the_course(hub):
    """By a link at its top; apart from it the page is the file that was released."""
    page = hub.get("ada", "feedback/toy").text
    link = re.search(r"\n<nav.*?</nav>", page, re.DOTALL)[0]
    assert 'href="/services/course/#toy"' in link and "Your assignments" in link
    assert page.index(link) == page.index("<body>") + len("<body>")
    assert page.replace(link, "").split() == FEEDBACK.format(student="ada").split()


def test_feedback_may_only_be_read(hub):
    policy = hub.get("ada", "feedback/toy").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "feedback/../toy",
        "feedback/..%2f..%2fetc%2fpasswd",
        "feedback/toy%00",
        "feedback/toy/../../bob",
        "feedback/nope",
        "feedback/",
        "report/..%2ftoy",
        "export/toy.csv%2f..",
        "export/nope.csv",
        "door.css/..%2f..%2fdoor%2fapp.py",
        "templates/door.css",
        "do/grade/toy",
        "open/toy",
        "nope",
    ],
)
@pytest.mark.parametrize("who", ["ada", "prof"])
def test_tricks_with_paths_find_nothing(hub, path, who):
    """Sent as they are written: `requests` would tidy them up."""
    session = hub.sessions.get(who) or hub.session(who)
    hub.sessions[who] = session
    request = urllib.request.Request(hub.at(path))
    request.add_header("Cookie", "; ".join(f"{c.name}={c.value}" for c in session.cookies))
    with pytest.raises(urllib.error.HTTPError) as failed:
        urllib.request.urlopen(request, timeout=30)
    assert failed.value.code in (404, 405)
    failed.value.close()


@pytest.mark.parametrize("path", [p for p in POSTS if p.startswith(("do/", "stop", "rule"))])
@pytest.mark.parametrize(
    "forgery",
    [
        {"forged": True},
        {"forged": True, "data": {"_xsrf": "guessed", **RULE}},
        {"headers": {"Origin": "https://evil.example"}},
        {"headers": {"Origin": "null"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
        {"headers": {"Sec-Fetch-Site": "same-site"}},
    ],
)
def test_forged_forms_do_nothing(hub, place, path, forgery):
    before = tries.read_rules(place.own), dict(hub.work.jobs)
    assert hub.post("prof", path, **{"data": RULE, **forgery}).status_code == 403
    assert (tries.read_rules(place.own), dict(hub.work.jobs)) == before


def test_one_persons_token_is_no_good_for_another(hub):
    hub.get("bob", "")
    stolen = hub.sessions["bob"].cookies["_xsrf"]
    hub.get("prof", "")
    assert hub.post("prof", "do/collect/toy", forged=True, data={"_xsrf": stolen}).status_code == 403


def test_every_answer_says_what_may_run_in_it(hub):
    for path in ("", "mine", "nope", "feedback/nope", "door.css", "oauth_callback"):
        for who in (None, "ada", "prof"):
            headers = hub.get(who, path).headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff" and "Server" not in headers
            assert headers["Cache-Control"] == ("max-age=300" if path == "door.css" else "no-store")


def test_a_program_with_somebodys_token_is_nobody(hub):
    for path in ("", "mine", "feedback/toy"):
        answer = hub.get(None, path, headers={"Authorization": "token token-ada"})
        assert answer.status_code == 403 and "Toys" not in answer.text
    assert hub.get(None, "?token=token-ada").status_code == 302


def test_a_name_that_is_html_is_text(hub):
    page = hub.get("<b>eve</b>'\"", "").text
    assert "&lt;b&gt;eve&lt;/b&gt;" in page and "<b>eve</b>" not in page
    assert hub.post("<b>eve</b>'\"", "open/toy").status_code == 303
    assert "Begun, not handed in" in hub.get("<b>eve</b>'\"", "").text


def test_open_leads_to_the_students_own_server_and_is_remembered(hub):
    assert "Begun" not in hub.get("bob", "").text
    assert hub.post("bob", "open/toy").headers["Location"] == "/hub/user-redirect/course/open/toy/toy"
    assert hub.post("bob", "open/nope").status_code == 404


def test_a_rule_is_kept_and_shown(hub, place):
    assert hub.post("prof", "rule/toy", data={"on": "1", "a_day": "2", "total": "5"}).status_code == 303
    assert tries.read_rules(place.own)["toy"] == tries.Rule(True, 2, 5)
    assert "on, 2 a day, 5 in all" in hub.get("prof", "").text
    assert "2 results left today, 5 in all" in hub.get("ada", "").text
    assert hub.post("prof", "rule/toy", data={"a_day": "2", "total": "5"}).status_code == 303
    assert "results left" not in hub.get("ada", "").text


@pytest.mark.parametrize("wrong", ["0", "-1", "101", "1e9", "", "٣", "3x", "9" * 400])
def test_a_rule_that_is_no_rule_is_refused(hub, place, wrong):
    before = tries.read_rules(place.own)
    assert hub.post("prof", "rule/toy", data={"on": "1", "a_day": "3", "total": wrong}).status_code == 400
    assert tries.read_rules(place.own) == before


def test_a_large_form_is_refused(hub, place):
    before = tries.read_rules(place.own)
    try:
        status = hub.post("prof", "rule/toy", data={**RULE, "total": "77", "more": "x" * 200_000}).status_code
    except requests.exceptions.RequestException:  # it hangs up before all of it was sent
        status = 400
    assert status == 400 and tries.read_rules(place.own) == before


def test_the_export_holds_no_formula(hub):
    rows = {
        "=cmd|x": Grade("=cmd|x", '@SUM("1")', None, 1.0, 5.0, False),
        "ada": Grade("ada", "Ada", datetime(2026, 1, 1), 3.5, 5.0, True),
    }
    text = scores(Assignment("toy", "Toys", grades=rows)).decode("utf-8-sig")
    assert text.splitlines() == [
        "student,name,assignment,score,out of,note",
        "'=cmd|x,'@SUM('1'),toy,1,5,",
        "ada,Ada,toy,,5,not graded yet",
    ]


def test_a_chapter_that_is_new_is_there_and_a_broken_file_takes_nothing_away(hub, place):
    toml = place.root / "source" / "course.toml"
    before = toml.read_text()
    try:
        toml.write_text(before + '[chapters.later]\ntitle = "Later <i>on</i>"\n')
        assert "Later &lt;i&gt;on&lt;/i&gt;" in hub.get("ada", "").text
        toml.write_text("no = toml = at all")
        assert "Toys" in hub.get("ada", "").text
    finally:
        toml.write_text(before)


@pytest.mark.slow
def test_the_service_begins_as_the_hub_starts_it_and_ends_when_told(place):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "autograder.hub.door", "--course", str(place.root)]
    hub = {"SERVICE_URL": at, "SERVICE_PREFIX": "/services/course/", "API_TOKEN": "t", "CLIENT_ID": "service-course"}
    environment = os.environ | {f"JUPYTERHUB_{name}": value for name, value in hub.items()}
    with subprocess.Popen([*command, "--state", str(place.settings.state)], env=environment) as process:
        try:
            until(lambda: process.poll() is not None or _answers(f"{at}/services/course/door.css"), 300)
            login = requests.get(f"{at}/services/course/", allow_redirects=False, timeout=60)
            assert login.status_code == 302 and "oauth2/authorize" in login.headers["Location"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        finally:
            process.kill()


def test_a_folder_that_is_no_course_is_said(tmp_path):
    command = [sys.executable, "-m", "autograder.hub.door", "--course", str(tmp_path), "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 2 and done.stderr.startswith("autograder: ") and "course.toml" in done.stderr


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=10).ok
    except requests.exceptions.ConnectionError:
        return False


def until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


FAKE = """
import os, sys, time
print("[AutogradeApp | INFO] nbgrader", *sys.argv[1:], flush=True)
print("TOKEN", [n for n in os.environ if n.startswith("JUPYTERHUB_")], os.environ["AUTOGRADER_STATE"], flush=True)
kind = sys.argv[1]
if kind == "autograde":
    for n in range(3):
        print("[AutogradeApp | INFO] Autograding submitted", n, flush=True)
    open("reached", "w").close()
    time.sleep(120)
if kind == "release_feedback":
    print("[ReleaseFeedbackApp | ERROR] <b>no room</b>", flush=True)
    sys.exit(1)
"""


@pytest.fixture
def busy(place) -> Iterator[Hub]:
    (place.root / "reached").unlink(missing_ok=True)
    for student in ("ada", "bob", "cy"):
        (place.root / "submitted" / student / "toy").mkdir(parents=True, exist_ok=True)
    with running(place, PEOPLE, lambda: {"program": (sys.executable, "-c", FAKE)}) as made:
        yield made


def test_grading_is_shown_is_not_begun_twice_and_can_be_stopped(busy, place):
    assert busy.post("prof", "do/grade/toy").headers["Location"] == "/services/course/?at=toy"
    until((place.root / "reached").exists)
    until(lambda: "2 of 3" in busy.get("prof", "").text)
    job = busy.work.jobs["toy"]
    busy.post("prof", "do/release/toy")
    assert busy.work.jobs["toy"] is job
    assert busy.post("ada", "stop/toy").status_code == 404 and job.state == "running"
    page = busy.get("prof", "?at=toy").text
    assert '<progress value="0.667" max="1"' in page and "disabled" in page
    assert 'content="5; url=/services/course/?at=toy"' in page and page.count("autofocus") == 1
    evil = busy.get("prof", "?at=toy%23%22%3E").text
    assert 'content="5; url=/services/course/"' in evil and "autofocus" not in evil
    busy.post("prof", "stop/toy")
    until(lambda: job.state == "stopped")
    assert "was stopped. What had finished is kept" in busy.get("prof", "").text
    assert any(line.startswith(f"TOKEN [] {place.settings.state}") for line in job.log)


def test_what_waits_for_its_turn_can_be_stopped_and_never_begins(busy, place):
    async def held() -> None:
        await busy.work.busy.acquire()

    asyncio.run_coroutine_threadsafe(held(), busy.loop).result(30)
    busy.post("prof", "do/grade/toy")
    assert "waits for its turn" in busy.get("prof", "").text
    busy.post("prof", "stop/toy")
    busy.loop.call_soon_threadsafe(busy.work.busy.release)
    busy.post("prof", "do/collect/toy")
    until(lambda: busy.work.jobs["toy"].state == "done")
    assert not (place.root / "reached").exists()


def test_a_failure_is_told_with_what_nbgrader_said(busy):
    busy.post("prof", "do/return/toy")
    until(lambda: busy.work.jobs["toy"].state == "failed")
    page = busy.get("prof", "").text
    assert "did not finish" in page and "&lt;b&gt;no room&lt;/b&gt;" in page and "<b>no room</b>" not in page


def test_one_job_after_the_other(busy):
    assert busy.post("prof", "do/collect/toy").status_code == 303
    until(lambda: busy.work.jobs["toy"].state == "done")
    assert "Collect</b>: done." in busy.get("prof", "").text
