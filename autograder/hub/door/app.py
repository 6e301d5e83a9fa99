"""The routes of the front door, and who may take them; `visit` knows who comes, everything else is done elsewhere.

Nothing that a request says becomes a path: assignments are looked up in the course, and the student is who signed in.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import Any

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, authenticated

from autograder.course import ChapterEntry, load_course
from autograder.errors import AuthorError, OurError, UsageError
from autograder.hub.door import classes, pages, students, tries
from autograder.hub.door.book import read_book, returned
from autograder.hub.door.export import scores
from autograder.hub.door.pages import FEEDBACK_POLICY
from autograder.hub.door.place import Place
from autograder.hub.door.remembered import opened, remember_opened
from autograder.hub.door.shown import with_way_back
from autograder.hub.door.tries import MOST, MOST_A_DAY, Rule
from autograder.hub.door.visit import Door, Page
from autograder.hub.door.work import WHAT

NAME = r"(?P<name>\w{1,100})"
MAX_BODY = 64_000


class Home(Page):
    """The course page of a student, the class page of an instructor."""

    @authenticated
    async def get(self) -> None:
        self.student()
        if not self.instructs:
            self.finish(await _mine(self))
            return
        rules, book = tries.read_rules(self.place.own), await self.book()
        jobs, now = self.door.work.jobs, time.monotonic()
        done = {name: job.progress(now) for name, job in jobs.items()}
        blocks = [classes.block(a, rule=rules.get(a.name, Rule()), progress=done.get(a.name)) for a in book]
        still = self.get_query_argument("still", "") == "1"
        at = self.named("at")
        more = {"at": at, "again": self.again(at=at)}
        self.finish(pages.class_page(self.frame(), blocks, formgrader=self.door.formgrader, still=still, **more))


class Mine(Page):
    """The course page, also for an instructor who wants to see one."""

    @authenticated
    async def get(self) -> None:
        self.student()
        self.finish(await _mine(self))


class Open(Page):
    """Notes that a student begins, and leads to the student's own server, which brings the notebook."""

    @authenticated
    async def post(self, name: str) -> None:
        self.student()
        self.chapter(name)
        if not (self.place.outbound / name).is_dir():
            raise HTTPError(404)
        await asyncio.to_thread(remember_opened, self.place.own, self.user, name)
        self.redirect(f"{self.hub}user-redirect/course/open/{self.place.course.name}/{name}", status=303)


class Feedback(Page):
    """The feedback that was released to whoever asks: their own, and nobody else's."""

    @authenticated
    async def get(self, name: str) -> None:
        self.student()
        self.chapter(name)
        page = await asyncio.to_thread(self._read, name)
        if page is None:
            raise HTTPError(404)
        self.set_header("Content-Security-Policy", FEEDBACK_POLICY)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(with_way_back(page, self.frame(), name))

    def _read(self, name: str) -> bytes | None:
        assignment = next(a for a in read_book(self.place) if a.name == name)
        found = returned(self.place, assignment, self.user)
        return found[1].read_bytes() if found else None


class Do(Page):
    """Begins one of the things that an instructor's buttons do."""

    @authenticated
    async def post(self, kind: str, name: str) -> None:
        self.instructor()
        self.chapter(name)
        self.door.work.begin(kind, name)
        self.back(name)


class Stop(Page):
    """Ends what is being done."""

    @authenticated
    async def post(self, name: str) -> None:
        self.instructor()
        self.chapter(name)
        self.door.work.stop(name)
        self.back(name)


class SetRule(Page):
    """Switches grading on submission on or off."""

    @authenticated
    async def post(self, name: str) -> None:
        self.instructor()
        self.chapter(name)
        rule = Rule(
            self.get_body_argument("on", "") == "1",
            _whole(self.get_body_argument("a_day", ""), MOST_A_DAY),
            _whole(self.get_body_argument("total", ""), MOST),
        )
        rules = tries.read_rules(self.place.own)
        tries.write_rules(self.place.own, {**rules, name: rule})
        self.back(name)


class Report(Page):
    """The class report."""

    @authenticated
    async def get(self, name: str) -> None:
        self.instructor()
        entry = self.chapter(name)
        names = self.get_query_argument("names", "") == "1"
        try:
            page = await asyncio.to_thread(_report, self.place, entry, names)
        except (UsageError, AuthorError, OurError) as error:
            self.set_status(404)
            self.finish(pages.message_page(self.frame(), "No class report yet", str(error)))
            return
        self.set_header("Content-Security-Policy", FEEDBACK_POLICY)
        self.finish(with_way_back(page.encode(), self.frame(), name))


class Export(Page):
    """The scores of one assignment as CSV."""

    @authenticated
    async def get(self, name: str) -> None:
        self.instructor()
        self.chapter(name)
        book = await self.book()
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{self.place.course.name}-{name}.csv"')
        self.finish(scores(next(a for a in book if a.name == name)))


class Style(Page):
    """The style of our pages; it is no secret."""

    async def prepare(self) -> None:
        """Asks for nobody."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=300")
        self.finish(pages.style())


class Callback(Page, HubOAuthCallbackHandler):
    """The end of signing in."""


class Missing(Page):
    """Every other address."""

    async def prepare(self) -> None:
        raise HTTPError(404)


def routes(prefix: str) -> list[tuple[Any, ...]]:
    """Every address, and what answers there. Names of assignments are words, so that no path is hidden in them."""
    at = re.escape(prefix)
    kinds = "|".join(WHAT)
    return [
        (f"{at}", Home),
        (f"{at}mine", Mine),
        (f"{at}oauth_callback", Callback),
        (f"{at}door\\.css", Style),
        (f"{at}open/{NAME}", Open),
        (f"{at}feedback/{NAME}", Feedback),
        (f"{at}do/(?P<kind>{kinds})/{NAME}", Do),
        (f"{at}stop/{NAME}", Stop),
        (f"{at}rule/{NAME}", SetRule),
        (f"{at}report/{NAME}", Report),
        (f"{at}export/{NAME}\\.csv", Export),
        (".*", Missing),
    ]


def make_app(door: Door, *, cookie_secret: bytes) -> Application:
    """The application; all forms are checked by the hub's own token."""
    return Application(
        routes(door.prefix), door=door, cookie_secret=cookie_secret, xsrf_cookies=True, default_handler_class=Missing
    )


def make_server(app: Application) -> HTTPServer:
    """What answers for it behind the hub's proxy; no form of ours is large."""
    return HTTPServer(app, xheaders=True, max_body_size=MAX_BODY, max_buffer_size=10 * MAX_BODY)


async def _mine(page: Page) -> str:
    place, user = page.place, page.user

    def read() -> list[students.Row]:
        now = datetime.now(UTC).replace(tzinfo=None)
        begun, rules = opened(place.own, user), tries.read_rules(place.own)
        rows = []
        for a in read_book(place):
            found, last = returned(place, a, user), a.last(user)
            look = students.outlook(
                rules.get(a.name, Rule()),
                tries.read_tries(place.own, a.name, user),
                handed=tries.handed_name(last.at) if last else None,
                now=time.time(),
            )
            feedback = (found[0],) if found else None
            rows.append(students.row(a, user, now=now, opened=a.name in begun, feedback=feedback, outlook=look))
        return rows

    rows = await asyncio.to_thread(read)
    handed = page.named("handed-in")
    said = f"“{place.course.chapters[handed].title}” was handed in." if handed else ""
    again = page.again(**{"handed-in": handed})
    return pages.student_page(page.frame(), rows, course=place.course.name, said=said, again=again)


def _report(place: Place, entry: ChapterEntry, names: bool) -> str:
    from autograder.classroom.page import to_html
    from autograder.classroom.writing import class_reports

    course = load_course(place.root)
    (report,) = class_reports(course, (entry.name,), names=names)
    return to_html(report, course=course.title, chapter=entry.title)


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise HTTPError(400)
    return int(text)
