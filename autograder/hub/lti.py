"""Login from a learning platform (LTI 1.3): who may teach or take which course here is what the platform says of them.

    from autograder.hub.lti import CourseLogin
    c.JupyterHub.authenticator_class = CourseLogin
    c.CourseLogin.courses = {"the platform's id of the course": "dmol"}

nbgrader knows a course's people by two groups, `formgrade-<course>` and `nbgrader-<course>`. Each launch settles the
groups of its own course, and of no other. Whoever signs in is what a launch says and never more: a course is known by
the platform's id, because labels are chosen by teachers of other courses too; only a role in that very course
counts, and not that somebody teaches elsewhere in the institution; people are known by `sub`, because an address can
often be changed by its owner. No launch makes anybody an administrator.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from jupyterhub.utils import maybe_future
from ltiauthenticator.lti13.auth import LTI13Authenticator
from ltiauthenticator.lti13.handlers import LTI13CallbackHandler
from tornado.web import HTTPError
from traitlets import Dict, List, Set, Unicode, default

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
TEACHING = (f"{MEMBERSHIP}#Instructor", f"{MEMBERSHIP}/Instructor#TeachingAssistant")
TAKING = (f"{MEMBERSHIP}#Learner",)
LEEWAY = 60.0
"""Seconds for which a token is remembered after it has expired, for clocks that differ."""


def groups_after(held: Iterable[str], course: str, *, teaches: bool) -> list[str]:
    """The groups of somebody who had `held`, after a launch of `course`: one of its two, and those of other courses."""
    ours = {f"formgrade-{course}", f"nbgrader-{course}"}
    return sorted({*held} - ours | {f"formgrade-{course}" if teaches else f"nbgrader-{course}"})


class Launch(LTI13CallbackHandler):
    """The end of a login: a signed token from the platform, by way of the user's browser."""

    def check_nonce(self, id_token: Mapping[str, Any]) -> None:
        """Refuses a token that was not asked for by this browser, or that has been used before."""
        super().check_nonce(id_token)
        if not self.authenticator.is_first_use(id_token["nonce"], id_token["exp"]):
            self.log.warning("A launch was sent twice")
            raise HTTPError(400, "This launch was used before. Open the course from your learning platform again.")


class CourseLogin(LTI13Authenticator):
    """An LTI 1.3 tool whose launches put people into the groups of the course that they come from."""

    callback_handler = Launch

    courses = Dict(
        key_trait=Unicode(), value_trait=Unicode(), config=True, help="The course here, by the platform's context id."
    )
    deployment_ids = Set(
        Unicode(),
        config=True,
        help="The deployments that may sign people in; all of the platform's if empty.",
    )
    teaching_roles = List(Unicode(), list(TEACHING), config=True, help="Roles in a course that may grade it.")
    learning_roles = List(Unicode(), list(TAKING), config=True, help="Roles in a course that may hand in work.")

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._used: dict[str, float] = {}
        missing = [
            name for name in ("issuer", "authorize_url", "jwks_endpoint", "client_id") if not getattr(self, name)
        ]
        if missing:
            raise ValueError(f"CourseLogin.{missing[0]} is empty, but should say what the platform gave for this tool.")

    @default("username_key")
    def _username_key(self) -> str:
        return "sub"

    @default("manage_groups")
    def _manage_groups(self) -> bool:
        return True

    @default("allow_all")
    def _allow_all(self) -> bool:
        """Those whom `authenticate` lets pass; the hub's list of blocked users still holds."""
        return True

    def is_first_use(self, nonce: str, expires: float) -> bool:
        """Whether a token has not been seen. One that has expired is refused before, so it need not be remembered."""
        now = time.time()
        self._used = {known: until for known, until in self._used.items() if until > now - LEEWAY}
        first = nonce not in self._used
        self._used.setdefault(nonce, expires)
        return first

    async def authenticate(self, handler: Any, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Name and groups of whoever a validated token speaks of. 403 if it is not somebody of a course of this hub."""
        token = data or {}
        deployment = token.get(f"{CLAIM}deployment_id")
        if self.deployment_ids and deployment not in self.deployment_ids:
            raise HTTPError(403, f"The deployment {deployment!r} of this tool is not known here.")
        context = token.get(f"{CLAIM}context") or {}
        course = self.courses.get(str(context.get("id")))
        if course is None:
            self.log.warning("A launch from a course that is not listed: id %r", context.get("id"))
            raise HTTPError(403, "This course is not set up here. Ask your instructor, who can tell its administrator.")
        roles = set(token.get(f"{CLAIM}roles") or ())
        teaches = bool(roles & set(self.teaching_roles))
        if not teaches and not roles & set(self.learning_roles):
            raise HTTPError(403, "You are neither an instructor nor a student of this course on your platform.")
        found = await maybe_future(super().authenticate(handler, dict(token)))
        user = handler.find_user(self.normalize_username(found["name"]))
        held = [group.name for group in user.groups] if user else []
        return {**found, "groups": groups_after(held, course, teaches=teaches)}
