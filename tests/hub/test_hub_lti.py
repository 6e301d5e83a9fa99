"""LTI 1.3 login against a toy platform: a real hub, signed launches, and every way to sign in as more than one is."""

import html
import json
import os
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from net import free_port

from autograder.hub.lti import CLAIM, MEMBERSHIP, CourseLogin, groups_after

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lti")]
CLIENT, DEPLOYMENT, CONTEXT, TOKEN = "tool-1", "1", "course-42", secrets.token_hex(16)
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}#Learner", f"{MEMBERSHIP}#Instructor"
ASSISTANT = f"{MEMBERSHIP}/Instructor#TeachingAssistant"
ELSEWHERE = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"
SECONDS = 120
CONFIG = """
from autograder.hub.lti import CourseLogin
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    async def add_route(self, routespec, target, data):
        pass
    async def delete_route(self, routespec):
        pass
    async def get_all_routes(self):
        return {{}}

c = get_config()
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.authenticator_class = CourseLogin
c.CourseLogin.issuer = "{platform}"
c.CourseLogin.authorize_url = "{platform}/authorize"
c.CourseLogin.jwks_endpoint = "{platform}/jwks"
c.CourseLogin.client_id = {{"{client}"}}
c.CourseLogin.deployment_ids = {{"{deployment}"}}
c.CourseLogin.courses = {{"{context}": "dmol", "course-43": "other"}}
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [{{"name": "test", "services": ["test"], "scopes": ["list:users", "read:users", "groups"]}}]
"""


@dataclass(frozen=True)
class Platform:
    """A learning platform that signs whatever it is asked to."""

    address: str
    key: Any
    other_key: Any

    def token(self, nonce: str, *, forged: bool = False, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}deployment_id": DEPLOYMENT,
            f"{CLAIM}target_link_uri": "http://hub.example/hub",
            f"{CLAIM}resource_link": {"id": "link"},
            f"{CLAIM}context": {"id": CONTEXT, "label": "CHEM 101"},
            f"{CLAIM}roles": [LEARNER],
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.other_key if forged else self.key, algorithm="RS256", headers={"kid": "k"})


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {
        "kid": "k",
        "use": "sig",
        "alg": "RS256",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [public]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Platform(f"http://127.0.0.1:{server.server_port}", key, other)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def hub(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real hub, started from a configuration file. Browsers reach it without a proxy."""
    folder, port = tmp_path_factory.mktemp("hub"), free_port()
    names = {"platform": platform.address, "client": CLIENT, "deployment": DEPLOYMENT, "context": CONTEXT}
    (folder / "jupyterhub_config.py").write_text(CONFIG.format(port=port, token=TOKEN, **names))
    environment = os.environ | {"CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16), "PYTHONPATH": ""}
    address = f"http://127.0.0.1:{port}/hub"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "jupyterhub"], cwd=folder, stdout=log, stderr=log, env=environment
        )
        try:
            wait_for(f"{address}/api", process, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(SECONDS)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            build_opener().open(address, timeout=5).close()
            return
        except URLError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Browser:
    """A person's browser: it keeps cookies, and goes from the platform to the hub and back."""

    def __init__(self, hub: str, platform: Platform):
        self.hub, self.platform = hub, platform
        self.cookies = CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies), NoRedirect())

    def send(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it leads and what it says."""
        data = urlencode(form).encode() if form is not None else None
        try:
            with self.opener.open(Request(f"{self.hub}{path}", data), timeout=SECONDS) as answer:
                return answer.status, "", answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", ""), error.read().decode(errors="replace")

    def begin(self) -> dict[str, str]:
        """The first step: the platform sends the browser to the hub, and the hub sends it back with a question."""
        form = {"iss": self.platform.address, "login_hint": "7", "target_link_uri": self.hub, "client_id": CLIENT}
        status, where, text = self.send("/lti13/oauth_login", form)
        assert status == 302 and where.startswith(f"{self.platform.address}/authorize?"), text
        return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}

    def launch(self, **changes: Any) -> tuple[int, str]:
        asked = self.begin()
        changes.setdefault("nonce", asked["nonce"])
        token = self.platform.token(**changes)
        return self.finish(token, asked["state"])

    def finish(self, token: str, state: str) -> tuple[int, str]:
        status, _, text = self.send("/lti13/oauth_callback", {"id_token": token, "state": state})
        return status, html.unescape(re.sub(r"<[^>]+>|\s+", " ", text))


@pytest.fixture
def browser(hub: str, platform: Platform) -> Browser:
    return Browser(hub, platform)


def user(hub: str, name: str) -> dict[str, Any] | None:
    request = Request(f"{hub}/api/users/{name}", headers={"Authorization": f"token {TOKEN}"})
    try:
        with build_opener().open(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        error.close()
        assert error.code == 404
        return None


def groups(hub: str, name: str) -> list[str]:
    found = user(hub, name)
    assert found is not None and found["admin"] is False
    return sorted(found["groups"])


def test_a_student_signs_in_and_is_in_the_course(browser: Browser, hub: str) -> None:
    status, _ = browser.launch(sub="student1")
    assert status == 302 and groups(hub, "student1") == ["nbgrader-dmol"]
    status, where, _ = browser.send("/home")
    assert (status, where) == (200, "")


@pytest.mark.parametrize(("name", "role"), [("prof", INSTRUCTOR), ("assistant", ASSISTANT)])
def test_who_teaches_may_grade(browser: Browser, hub: str, name: str, role: str) -> None:
    assert browser.launch(sub=name, **{f"{CLAIM}roles": [role]})[0] == 302
    assert groups(hub, name) == ["formgrade-dmol"]


def test_another_course_of_the_same_person_is_left_alone(hub: str, platform: Platform) -> None:
    both = {f"{CLAIM}roles": [INSTRUCTOR], f"{CLAIM}context": {"id": "course-43"}}
    assert Browser(hub, platform).launch(sub="both", **both)[0] == 302
    assert Browser(hub, platform).launch(sub="both")[0] == 302
    assert groups(hub, "both") == ["formgrade-other", "nbgrader-dmol"]


def test_who_no_longer_teaches_no_longer_grades(hub: str, platform: Platform) -> None:
    assert Browser(hub, platform).launch(sub="former", **{f"{CLAIM}roles": [INSTRUCTOR]})[0] == 302
    assert groups(hub, "former") == ["formgrade-dmol"]
    assert Browser(hub, platform).launch(sub="former")[0] == 302
    assert groups(hub, "former") == ["nbgrader-dmol"]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "a token for another tool": ({"aud": "tool-2"}, 401, "Audience doesn't match"),
    "a token of another platform": ({"iss": "https://evil.example"}, 400, "Invalid issuer"),
    "a token that has expired": ({"iat": 1_700_000_000, "exp": 1_700_000_300}, 400, "expired"),
    "a token that is old": ({"iat": 1_700_000_000}, 400, "issued too long ago"),
    "a token that another key signed": ({"forged": True}, 400, "Signature verification failed"),
    "a token that nobody asked for": ({"nonce": "0" * 64}, 400, "nonce mismatch"),
    "another deployment": ({f"{CLAIM}deployment_id": "9"}, 403, "The deployment '9' of this tool is not known here."),
    "a course that only has the same label": (
        {f"{CLAIM}context": {"id": "course-66", "label": "dmol"}, f"{CLAIM}roles": [INSTRUCTOR]},
        403,
        "This course is not set up here.",
    ),
    "no course at all": ({f"{CLAIM}context": None}, 403, "This course is not set up here."),
    "no role": ({f"{CLAIM}roles": []}, 403, "You are neither an instructor nor a student of this course"),
    "who teaches elsewhere in the institution": ({f"{CLAIM}roles": [ELSEWHERE]}, 403, "neither an instructor"),
    "a role that only looks like one": (
        {f"{CLAIM}roles": ["Instructor", f"{INSTRUCTOR}/x"]},
        403,
        "neither an instruct",
    ),
    "roles that are a word": ({f"{CLAIM}roles": INSTRUCTOR}, 403, "neither an instructor"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_is_refused(browser: Browser, hub: str, what: str) -> None:
    changes, expected, message = REFUSED[what]
    status, text = browser.launch(sub="mallory", **changes)
    assert (status, message in text) == (expected, True), text[-800:]
    assert user(hub, "mallory") is None


def test_a_student_who_teaches_elsewhere_stays_a_student(browser: Browser, hub: str) -> None:
    assert browser.launch(sub="elsewhere", **{f"{CLAIM}roles": [LEARNER, ELSEWHERE]})[0] == 302
    assert groups(hub, "elsewhere") == ["nbgrader-dmol"]


def test_an_address_that_can_be_changed_makes_nobody_somebody_else(browser: Browser, hub: str) -> None:
    assert browser.launch(sub="changer", email="prof", name="prof")[0] == 302
    assert groups(hub, "changer") == ["nbgrader-dmol"]


def test_a_launch_works_once(browser: Browser, platform: Platform) -> None:
    asked = browser.begin()
    kept = list(browser.cookies)
    token = platform.token(asked["nonce"], sub="once")
    assert browser.finish(token, asked["state"])[0] == 302
    assert browser.finish(token, asked["state"])[0] == 400  # the browser has thrown the cookies away
    thief = Browser(browser.hub, platform)
    for cookie in kept:
        thief.cookies.set_cookie(cookie)
    status, text = thief.finish(token, asked["state"])
    assert status == 400 and "This launch was used before." in text


def test_another_browser_cannot_finish_a_login(browser: Browser, hub: str, platform: Platform) -> None:
    asked = browser.begin()
    other = Browser(hub, platform)
    other.begin()
    assert other.finish(platform.token(asked["nonce"]), asked["state"])[0] == 400


@pytest.mark.parametrize("missing", ["issuer", "authorize_url", "jwks_endpoint", "client_id"])
def test_a_tool_that_is_not_set_up_does_not_start(missing: str) -> None:
    options: dict[str, Any] = dict.fromkeys(("issuer", "authorize_url", "jwks_endpoint"), "https://lms.example/x")
    options["client_id"] = {CLIENT}
    CourseLogin(**options)
    with pytest.raises(ValueError, match=f"CourseLogin.{missing} is empty, but should say what the platform gave"):
        CourseLogin(**{name: value for name, value in options.items() if name != missing})


def test_groups_of_other_courses_stay() -> None:
    held = ["formgrade-a", "nbgrader-b", "staff"]
    assert groups_after(held, "a", teaches=False) == ["nbgrader-a", "nbgrader-b", "staff"]
    assert groups_after([], "a", teaches=True) == ["formgrade-a"]
