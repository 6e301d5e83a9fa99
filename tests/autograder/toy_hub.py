"""A hub for tests: it signs in whoever asks, and tells the groups of each. And the door, as this hub would start it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from autograder.hub.door.app import make_app, make_server
from autograder.hub.door.place import Place
from autograder.hub.door.visit import Door
from autograder.hub.door.work import Work

PREFIX = "/services/course/"
SCOPE = "access:services!service=course"


class Token(RequestHandler):
    """Gives a token for a code; both are the user's name here."""

    def post(self) -> None:
        self.finish({"access_token": f"token-{self.get_body_argument('code')}", "token_type": "Bearer"})


class User(RequestHandler):
    """Who a token belongs to."""

    def get(self) -> None:
        name = self.request.headers.get("Authorization", "").rpartition("token-")[2]
        if name not in self.settings["people"]:
            self.set_status(403)
            self.finish({})
            return
        groups = self.settings["people"][name]
        self.finish({"kind": "user", "name": name, "admin": False, "groups": groups, "scopes": [SCOPE]})


@dataclass
class Hub:
    """The toy hub and the door. `work` is the door's."""

    address: str
    work: Work
    loop: asyncio.AbstractEventLoop
    sessions: dict[str, requests.Session] = field(default_factory=dict)

    def at(self, path: str) -> str:
        return f"{self.address}{PREFIX}{path}"

    def session(self, name: str | None) -> requests.Session:
        """A browser in which somebody has signed in; None has not."""
        session = requests.Session()
        session.headers["Sec-Fetch-Mode"] = "navigate"
        if name is not None:
            begun = session.get(self.at(""), allow_redirects=False)
            assert begun.status_code == 302
            state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
            ended = session.get(self.at("oauth_callback"), params={"code": name, "state": state}, allow_redirects=False)
            assert ended.status_code == 302, ended.text
        return session

    def get(self, name: str | None, path: str, **options: Any) -> requests.Response:
        session = self.sessions.get(name or "") or self.sessions.setdefault(name or "", self.session(name))
        return session.get(self.at(path), allow_redirects=False, **options)

    def post(self, name: str | None, path: str, *, forged: bool = False, **options: Any) -> requests.Response:
        """Sends the form as the page would, with its token unless it is `forged`."""
        session = self.sessions.get(name or "") or self.sessions.setdefault(name or "", self.session(name))
        data = dict(options.pop("data", {}))
        if not forged:
            session.get(self.at("mine"))
            data["_xsrf"] = session.cookies.get("_xsrf") or ""
        return session.post(self.at(path), data=data, allow_redirects=False, **options)


@contextmanager
def running(place: Place, people: Mapping[str, list[str]], program: Callable[[], Any] = lambda: None) -> Iterator[Hub]:
    """The hub and the door, answering until the end."""
    loop, made, started = asyncio.new_event_loop(), {}, threading.Event()
    hub_socket, door_socket = (bind_sockets(0, "127.0.0.1")[0] for _ in range(2))
    hub_at, door_at = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (hub_socket, door_socket))
    environment = {
        "JUPYTERHUB_API_TOKEN": "the door's own",
        "JUPYTERHUB_API_URL": f"{hub_at}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "service-course",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
    }

    async def serve() -> None:
        stop = made["stop"] = asyncio.Event()
        work = made["work"] = Work(place, **(program() or {}))
        hub = HTTPServer(Application([("/hub/api/oauth2/token", Token), ("/hub/api/user", User)], people=people))
        hub.add_socket(hub_socket)
        door = make_server(
            make_app(Door(place, work, PREFIX, "/services/toy/formgrader/x"), cookie_secret=os.urandom(32))
        )
        door.add_socket(door_socket)
        jobs = asyncio.create_task(work.run())
        started.set()
        await stop.wait()
        jobs.cancel()
        await asyncio.gather(jobs, return_exceptions=True)
        for server in (hub, door):
            server.stop()
            await server.close_all_connections()

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        HubOAuth.clear_instance()
        thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
        thread.start()
        assert started.wait(30)
        hub = Hub(door_at, made["work"], loop)
        try:
            yield hub
        finally:
            for session in hub.sessions.values():
                session.close()
            loop.call_soon_threadsafe(made["stop"].set)
            thread.join(30)
            loop.close()
            HubOAuth.clear_instance()


def place_of(root: Path, state: Path, exchange: Path) -> Place:
    """A toy course without real users."""
    from autograder.course import load_course
    from autograder.settings import Settings

    return Place(load_course(root), Settings(root, state), exchange, f"sqlite:///{root}/gradebook.db", False)
