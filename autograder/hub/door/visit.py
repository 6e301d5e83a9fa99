"""Who comes to the door, and what every answer has: its headers, its frame, and its words when something failed.

Whoever comes is known by the hub's OAuth, and is a student or an instructor by the groups that the hub tells. Forms
carry the hub's token against forgery, and come from this very site.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from tornado.escape import utf8
from tornado.web import HTTPError, RequestHandler

from autograder.course import ChapterEntry
from autograder.hub.door import pages
from autograder.hub.door.book import Assignment, read_book
from autograder.hub.door.pages import Frame
from autograder.hub.door.place import Place, current
from autograder.hub.door.work import Work

GONE = "There is no such page for you here."


@dataclass(frozen=True)
class Door:
    """What all handlers share."""

    place: Place
    work: Work
    prefix: str
    formgrader: str


class Page(HubOAuthenticated, RequestHandler):
    """What all pages have in common: who is there, what may run, and how it is said that something failed."""

    @property
    def door(self) -> Door:
        door: Door = self.settings["door"]
        return door

    @property
    def place(self) -> Place:
        return current(self.door.place)

    @property
    def hub(self) -> str:
        """The address of the hub's own pages."""
        return str(self.hub_auth.hub_host + self.hub_auth.hub_prefix)

    @property
    def user(self) -> str:
        return str(self.current_user["name"])

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(self.current_user.get("groups") or ())

    @property
    def instructs(self) -> bool:
        return self.place.instructors in self.groups

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", pages.policy(self.hub_auth.hub_host))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    async def prepare(self) -> None:
        """Refuses forms of other sites and tokens of programs, and asks the hub who is there."""
        if self.request.method not in ("GET", "HEAD"):
            self._same_site()
        if "Authorization" in self.request.headers:
            raise HTTPError(403, "this is for people; a program that holds somebody's token is not one")
        model = await self.hub_auth.get_user(self, sync=False)
        try:
            self.current_user = self.check_hub_user(model) if model else None
        except UserNotAllowed:
            raise HTTPError(403) from None

    def get_current_user(self) -> None:
        """Nobody, until the hub has answered: its own way of asking would keep everybody else waiting."""

    def _same_site(self) -> None:
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = self.request.headers.get("Origin")
        if site != "same-origin" or (origin is not None and urlsplit(origin).netloc != self.request.host):
            raise HTTPError(403, "a form of another site")

    def student(self) -> None:
        """Refuses whoever is not of the course."""
        if self.current_user.get("kind", "user") != "user" or not self.groups & {
            self.place.students,
            self.place.instructors,
        }:
            raise HTTPError(403)

    def instructor(self) -> None:
        """Refuses whoever does not instruct it. To students the page does not exist."""
        self.student()
        if not self.instructs:
            raise HTTPError(404)

    def chapter(self, name: str) -> ChapterEntry:
        found = self.place.course.chapters.get(name)
        if found is None:
            raise HTTPError(404)
        return found

    async def book(self) -> tuple[Assignment, ...]:
        return await asyncio.to_thread(read_book, self.place)

    def frame(self) -> Frame:
        """What a page for whoever is there begins with."""
        now = datetime.now(UTC).replace(tzinfo=None)
        return self._frame(self.user, xsrf=utf8(self.xsrf_token).decode(), now=now, instructor=self.instructs)

    def back(self, name: str) -> None:
        """To the page on which the button was."""
        self.redirect(f"{self.door.prefix}?at={name}", status=303)

    def named(self, argument: str) -> str:
        """The assignment that an address tells of, if it is one of the course."""
        name = self.get_query_argument(argument, "")
        return name if name in self.place.course.chapters else ""

    def again(self, **query: str) -> str:
        """Where this page asks anew: an address in full, since one that ends in a fragment is not loaded again."""
        asked = urlencode({name: value for name, value in query.items() if value})
        return f"{self.request.path}?{asked}" if asked else str(self.request.path)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        title, text = {
            403: (
                "Not allowed",
                "You are not in this course, or the form was not from this page. Go back and try again.",
            ),
            404: ("Nothing here", GONE),
            405: ("Nothing here", GONE),
        }.get(status_code, ("Something failed on our side", "Nothing was changed. Try again, or tell your instructor."))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(pages.message_page(self._frame("you"), title, text))

    def _frame(self, user: str, **facts: Any) -> Frame:
        return Frame(self.place.course.title, user, self.door.prefix, self.hub, self.door.prefix, **facts)
