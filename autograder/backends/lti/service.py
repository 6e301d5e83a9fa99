"""Requests to a platform: signed for, patient with a busy one, and never to another place than was agreed on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from autograder.backends.grades.table import printable
from autograder.backends.lti.platform import Platform
from autograder.errors import OurError, UsageError

SCOPES = (
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
    "https://purl.imsglobal.org/spec/lti-ags/scope/score",
)
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BUSY = frozenset({429, 500, 502, 503, 504})
TRIES, LONGEST_WAIT, MAX_BYTES, MAX_PAGES = 6, 60.0, 16 << 20, 200
TIMEOUTS = (10, 60)


@dataclass(frozen=True)
class Reply:
    """What a platform answered: the status, the body and the address of a next page, if there is one."""

    status: int
    body: bytes
    next: str = ""
    tries: int = 1

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def said(self) -> str:
        """The beginning of the body, to be shown."""
        return printable(self.body[:200].decode("utf-8", "replace"))

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise OurError("The platform answered something that is not JSON.") from None


class Service:
    """A platform's services, for as long as one export takes. `wait` sleeps, and is another one in tests."""

    def __init__(self, platform: Platform, wait: Callable[[float], None] = time.sleep):
        self.platform, self._wait = platform, wait
        self._session = requests.Session()
        self._token, self._until = "", 0.0

    def close(self) -> None:
        self._session.close()

    def pages(self, address: str, kind: str) -> Iterator[Any]:
        """The JSON of a list's pages. Raises OurError where it does not end or leads to another server."""
        for _ in range(MAX_PAGES):
            reply = self.send("GET", address, accept=kind)
            if not reply.ok:
                raise OurError(f"The platform answers {reply.status} to GET {address}: {reply.said}")
            yield reply.json()
            if not reply.next:
                return
            address = self.ours(urljoin(address, reply.next))
        raise OurError(f"The platform's list at {address} has no end.")

    def send(
        self, method: str, address: str, *, accept: str = "", kind: str = "", body: Any = None, tries: int = TRIES
    ) -> Reply:
        """One request with our token; a second token where the platform no longer knows the first."""
        self.ours(address)
        headers = {"Accept": accept or kind} | ({"Content-Type": kind} if kind else {})
        data = None if body is None else json.dumps(body).encode()
        for again in (False, True):
            token = self._bearer()
            reply = self._patiently(
                lambda bearer=token: self._once(  # type: ignore[misc]
                    method, address, headers | {"Authorization": f"Bearer {bearer}"}, data
                ),
                tries,
            )
            if reply.status != 401 or again:
                break
            self._token = ""
        return reply

    def _bearer(self) -> str:
        if not self._token or time.monotonic() > self._until:
            reply = self._patiently(self._ask_for_token, TRIES)
            said = reply.json() if reply.ok else {}
            if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
                raise UsageError(
                    f"The platform gives no token: {reply.status}, {reply.said}. Look at client_id, key_id, audience, "
                    "and at the scopes that the platform allows this tool."
                )
            granted = str(said.get("scope", " ".join(self._scopes))).split()
            lacking = [scope for scope in self._scopes if scope not in granted]
            if lacking:
                raise UsageError(f"The platform does not grant {', '.join(lacking)}: allow it for this tool there.")
            lasts = said.get("expires_in", 600)
            self._token = said["access_token"]
            self._until = time.monotonic() + (0.8 * lasts if isinstance(lasts, int | float) else 0.0)
        return self._token

    @property
    def _scopes(self) -> tuple[str, ...]:
        return (*SCOPES, MEMBERS) if self.platform.memberships else SCOPES

    def _ask_for_token(self) -> tuple[Reply, Mapping[str, str]]:
        """Signed anew each time: a platform takes an assertion once."""
        p = self.platform
        try:
            header = {"kid": p.key_id} if p.key_id else {}
            assertion = private_key_jwt_sign(
                RSAKey.import_key(p.key), p.client_id, p.audience or p.token_url, header=header, expires_in=300
            )
        except (ValueError, TypeError, JoseError):
            raise UsageError("The private key cannot be used to sign, but should be an RSA key as PEM.") from None
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
            "scope": " ".join(self._scopes),
        }
        return self._once("POST", p.token_url, {"Accept": "application/json"}, form)

    def _once(
        self, method: str, address: str, headers: Mapping[str, str], data: Any
    ) -> tuple[Reply, Mapping[str, str]]:
        with self._session.request(
            method, address, headers=headers, data=data, timeout=TIMEOUTS, allow_redirects=False, stream=True
        ) as response:
            body = response.raw.read(MAX_BYTES + 1, decode_content=True)
            if len(body) > MAX_BYTES:
                raise OurError(f"The platform's answer to {method} {address} is longer than {MAX_BYTES >> 20} MB.")
            if response.is_redirect:
                raise UsageError(f"{address} leads elsewhere ({response.status_code}): write the address itself.")
            following = response.links.get("next", {}).get("url", "")
            return Reply(response.status_code, bytes(body), following), response.headers

    def _patiently(self, once: Callable[[], tuple[Reply, Mapping[str, str]]], tries: int) -> Reply:
        """Tries again where the platform is busy or not to be reached, later each time, or when it says."""
        for attempt in range(1, tries + 1):
            told = None
            try:
                reply, headers = once()
            except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
                if attempt == tries or isinstance(error, requests.exceptions.SSLError):
                    raise OurError(f"The platform cannot be reached: {type(error).__name__}.") from None
            else:
                if reply.status not in BUSY or attempt == tries:
                    return replace(reply, tries=attempt)
                told = headers.get("Retry-After")
            self._wait(_pause(attempt, told))
        raise AssertionError("the last try returns or raises")

    def ours(self, address: str) -> str:
        """The address, if it is on the platform's server: a token goes nowhere else."""
        if _origin(address) not in {_origin(self.platform.lineitems), _origin(self.platform.memberships)}:
            raise OurError(f"The platform names an address on another server: {printable(address)[:200]}")
        return address


def _pause(attempt: int, told: str | None) -> float:
    if told:
        try:
            return min(float(Retry().parse_retry_after(told)), LONGEST_WAIT)
        except Exception:  # urllib3's own exception for a header that says nothing
            pass
    return min(float(2**attempt) / 2, LONGEST_WAIT)


def _origin(address: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", address, None
