"""What the front door's buttons lead to: an extension of the student's own server, which acts as the student.

The door runs as whoever grades, and may neither read a student's folder nor write there. Bringing an assignment and
handing it in are nbgrader's own doing here, with the student's rights. "Open" only ever adds what is not there, so a
plain link may do it; handing in asks first, by a form that carries this server's token.

Enable it with `c.ServerApp.jpserver_extensions = {"autograder.hub.student_server": True}`. It knows chapters' titles
from `c.CourseTitles = {course: {name: title}}`, and calls others by their names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.escape import utf8
from tornado.web import HTTPError, authenticated

from autograder.hub.door import pages
from autograder.hub.door.pages import POLICY, Frame
from autograder.settings import hub_base

WHICH = r"(?P<course>\w[\w.-]{0,99})/(?P<name>\w{1,100})"
KEY = "autograder_assignments"
TITLES = "CourseTitles"
DOOR = "services/course/"
NOT_THERE = "This assignment is not released, or you are not in the course."


class Handler(JupyterHandler):
    """What both pages have in common."""

    @property
    def content_security_policy(self) -> str:
        return POLICY

    @property
    def assignments(self) -> Any:
        return self.settings[KEY]

    def found(self, course: str, name: str) -> dict[str, Any]:
        """The assignment, as nbgrader lists it. What it does not list is not there."""
        listed = self.assignments.list_released_assignments(course_id=course)
        if listed["success"]:
            for assignment in listed["value"]:
                if (assignment["course_id"], assignment["assignment_id"]) == (course, name):
                    return dict(assignment)
        raise HTTPError(404)

    def frame(self) -> Frame:
        base, user = hub_base(), self.current_user
        return Frame(
            "Your server",
            str(getattr(user, "username", "you")),
            url_path_join(self.base_url, "course/"),
            url_path_join(base, "hub/"),
            url_path_join(base, DOOR),
            xsrf=utf8(self.xsrf_token).decode(),
            now=datetime.now(UTC).replace(tzinfo=None),
        )

    def say(self, title: str, text: str, status: int = 200) -> None:
        self.set_status(status)
        self.html(pages.message_page(self.frame(), title, text))

    def html(self, page: str) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(page)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        text = NOT_THERE if status_code == 404 else "Go back to the course and try again."
        self.say("Nothing here" if status_code == 404 else "That did not work", text, status_code)


class OpenHandler(Handler):
    """Brings the assignment if it is not there yet, and opens its notebook."""

    @authenticated
    def get(self, course: str, name: str) -> None:
        assignment = self.found(course, name)
        if assignment["status"] != "fetched":
            done = self.assignments.fetch_assignment(course, name)
            if not done["success"]:
                self.say("It could not be opened", "The assignment could not be copied into your folder.", 500)
                return
            assignment = self.found(course, name)
        if not assignment["notebooks"]:
            self.say(
                "There is no notebook",
                f"Your folder {assignment['path']} is there, but holds no notebook. Rename the folder, and open the "
                "assignment again for a fresh copy.",
            )
            return
        path = _relative(self.assignments.root_dir, assignment["notebooks"][0]["path"])
        self.redirect(url_path_join(self.base_url, "lab/tree", quote(path)))


class SubmitHandler(Handler):
    """Asks, and hands in."""

    @authenticated
    def get(self, course: str, name: str) -> None:
        assignment = self.found(course, name)
        if assignment["status"] != "fetched":
            self.say("Nothing to hand in", "You have not opened this assignment yet. Open it from the course page.")
            return
        folder = Path(self.assignments.root_dir, assignment["path"])
        notebook = folder / f"{name}.ipynb"
        missing = "" if notebook.is_file() else f"{name}.ipynb is missing in your folder {assignment['path']}."
        saved = datetime.fromtimestamp(notebook.stat().st_mtime, UTC).replace(tzinfo=None) if not missing else None
        files = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
        title = str(self.settings[TITLES].get(course, {}).get(name, name))
        self.html(pages.hand_in_page(self.frame(), title=title, saved=saved, files=files, missing=missing))

    @authenticated
    def post(self, course: str, name: str) -> None:
        if self.found(course, name)["status"] != "fetched":
            raise HTTPError(404)
        done = self.assignments.submit_assignment(course, name)
        if not done["success"]:
            self.log.error("Handing in failed: %s", done["value"])
            self.say("It was not handed in", "Nothing was handed in. Try again, or tell your instructor.", 500)
            return
        self.redirect(url_path_join(hub_base(), DOOR) + f"?handed-in={quote(name)}", status=303)


class StyleHandler(Handler):
    """The style of these pages."""

    @authenticated
    def get(self) -> None:
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish(pages.style())


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "autograder.hub.student_server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Adds the pages to a server. Called by Jupyter."""
    from nbgrader.server_extensions.assignment_list.handlers import AssignmentList

    assignments = AssignmentList(parent=server)
    assignments.root_dir = server.root_dir
    server.web_app.settings |= {KEY: assignments, TITLES: server.config.get(TITLES, {})}
    base = url_path_join(server.web_app.settings["base_url"], "course")
    server.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "open", WHICH), OpenHandler),
            (url_path_join(base, "submit", WHICH), SubmitHandler),
            (url_path_join(base, "door.css"), StyleHandler),
        ],
    )


def _relative(root: str, path: str) -> str:
    """Where a file is below the server's root, with `/` between folders."""
    whole = Path(root, path).resolve()
    return whole.relative_to(Path(root).resolve()).as_posix()
