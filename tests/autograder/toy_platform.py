"""A small LTI 1.3 platform on the loopback interface: tokens for signed assertions, line items, scores and members.

It is as strict as a real one: an assertion is taken once, a score only if it is newer than what is on record, and each
service only with its scope.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

CLIENT, KEY_ID = "10000000000042", "2026"
LINEITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_key() -> bytes:
    """A private key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class ToyPlatform:
    """What the platform knows. `failures` are statuses that it answers before it does anything, one a request;
    `lost` are statuses that it answers after it did."""

    def __init__(self, key: bytes):
        self.public = RSAKey.import_key(key)
        self.scopes = {LINEITEM, SCORE, MEMBERS}
        self.members = [
            {"user_id": "u-ada", "email": "Ada@uni.edu", "status": "Active", "roles": ["Learner"]},
            {"user_id": "u-bob", "email": "bob@uni.edu", "status": "Active", "roles": ["Learner"]},
            {"user_id": "u-old", "email": "cyd@uni.edu", "status": "Inactive", "roles": ["Learner"]},
        ]
        self.items: list[dict[str, Any]] = []
        self.scores: dict[str, dict[str, Any]] = {}
        self.posted: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.jtis: set[str] = set()
        self.tokens: dict[str, set[str]] = {}
        self.failures: list[int] = []
        self.lost: list[int] = []
        self.refused: list[str] = []
        self.elsewhere = ""
        self.dead = False
        self.url = ""

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        """A token for an assertion that is ours, fresh, meant for this address, and not seen before."""
        try:
            claims = jwt.decode(form["client_assertion"], self.public, algorithms=["RS256"])
        except (JoseError, KeyError, ValueError):
            return self._no("signature")
        said, now = claims.claims, time.time()
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != JWT_BEARER:
            return self._no("grant")
        if claims.header.get("kid") != KEY_ID or said["iss"] != CLIENT or said["sub"] != CLIENT:
            return self._no("client")
        if said["aud"] != f"{self.url}/token" or not now - 60 < said["exp"] < now + 600 or said["jti"] in self.jtis:
            return self._no("audience, time or replay")
        self.jtis.add(said["jti"])
        granted = set(form["scope"].split()) & self.scopes
        name = f"token-{len(self.tokens)}"
        self.tokens[name] = granted
        return 200, {"access_token": name, "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(granted)}

    def _no(self, why: str) -> tuple[int, Any]:
        self.refused.append(why)
        return 400, {"error": "invalid_client"}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, str]:
        """The status, the document, and the address of a next page."""
        match method, path:
            case "GET", "/members":
                page = int(query.get("page", ["0"])[0])
                following = f"/members?page={page + 1}" if page < 1 else ""
                return 200, {"members": self.members[page * 2 : page * 2 + 2]}, self.elsewhere or following
            case "GET", "/items":
                return 200, self.items, ""
            case "POST", "/items":
                self.items.append(body | {"id": f"{self.url}/items/{len(self.items)}?type=lti"})
                return 201, self.items[-1], ""
            case "POST", _ if path.endswith("/scores"):
                on_record = self.scores.get(body["userId"])
                if on_record and body["timestamp"] <= on_record["timestamp"]:
                    return 409, {"error": "not newer"}, ""
                self.posted.append(body)
                self.scores[body["userId"]] = body
                return 200, {}, ""
        return 404, {}, ""


def scope_of(method: str, path: str) -> str:
    return MEMBERS if path == "/members" else SCORE if path.endswith("/scores") else LINEITEM


class _Handler(BaseHTTPRequestHandler):
    platform: ToyPlatform

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        p = self.platform
        p.asked.append(f"{method} {url.path}")
        if p.dead:
            self.close_connection = True
            return
        following = ""
        status, document = 0, {}
        if p.failures:
            status, document = p.failures.pop(0), {"error": "busy"}
        elif url.path == "/token":
            status, document = p.token({k: v[0] for k, v in parse_qs(raw.decode()).items()})
        else:
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if bearer not in p.tokens:
                status = 401
            elif scope_of(method, url.path) not in p.tokens[bearer]:
                status = 403
            else:
                body = json.loads(raw) if raw else None
                status, document, following = p.answer(method, url.path, parse_qs(url.query), body)
                if p.lost and method == "POST":
                    status = p.lost.pop(0)
        self.send_response(status)
        if following:
            self.send_header("Link", f'<{following}>; rel="next"')
        if status in (429, 503):
            self.send_header("Retry-After", "7")
        if status in (301, 302):
            self.send_header("Location", "https://elsewhere.example/")
        data = json.dumps(document).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running(key: bytes) -> Iterator[ToyPlatform]:
    """The platform at a free port of this machine."""
    platform = ToyPlatform(key)
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def described(folder: Path, platform: ToyPlatform, key: bytes, **changes: str) -> Path:
    """The file that describes the platform to us, and the key beside it."""
    (folder / "lti.pem").write_bytes(key)
    (folder / "lti.pem").chmod(0o600)
    said = {
        "client_id": CLIENT,
        "token_url": f"{platform.url}/token",
        "key_id": KEY_ID,
        "private_key": "lti.pem",
        "lineitems": f"{platform.url}/items?course=7",
        "memberships": f"{platform.url}/members",
    } | changes
    path = folder / "platform.toml"
    path.write_text(
        "[platform]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items() if value)
    )
    return path
