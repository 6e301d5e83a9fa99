"""Who and where: everything that a hub is made of, decided before anything is made. Opens no file."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError

SHARED = Path("/var/lib/autograder")
DOOR = "course"
SAMPLE = ("instructor", "ada", "grace")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,20}")


@dataclass(frozen=True)
class People:
    """The accounts of a hub. With accounts of their own, `grader` owns the course and runs what grades."""

    grader: str
    instructor: str
    students: tuple[str, ...]

    @property
    def users(self) -> tuple[str, ...]:
        """Those who log in."""
        return (self.instructor, *self.students)


@dataclass(frozen=True)
class Ports:
    """What listens on 127.0.0.1: people come to `public`, the rest is for the hub's own parts."""

    public: int
    hub: int
    proxy: int
    formgrader: int
    door: int


@dataclass(frozen=True)
class Plan:
    """A hub to be: the course's name, who, and which folders.

    `accounts` says whether everybody has a Unix account of their own; without, nothing keeps people apart. `made` says
    whether people and the course's folder are the demo's own, which it may make and remove.
    """

    name: str
    people: People
    top: Path
    course: Path
    state: Path
    accounts: bool
    made: bool

    @property
    def private(self) -> Path:
        """The hub's own: database, cookie secret, passwords, log."""
        return self.top / "private"

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange, where people hand each other files."""
        return self.top / "exchange"

    @property
    def jupyter(self) -> Path:
        """Jupyter's configuration for each role, and the kernels. Everybody reads it."""
        return self.top / "jupyter"

    @property
    def homes(self) -> Path:
        return self.top / "homes"


def sample(name: str, state: Path, *, accounts: bool) -> Plan:
    """The demo: a grader, an instructor and two students, named after the course; all of it in one folder."""
    _refuse_name(name)
    names = [f"{name}-{who}" for who in ("grader", *SAMPLE)]
    people = People(names[0], names[1], tuple(names[2:]))
    if not accounts:
        top = state / "hub" / name
        return Plan(name, people, top, top / "course", state, accounts=False, made=True)
    home = SHARED / name / "homes" / people.grader
    own_state = home / ".local" / "state" / "autograder"
    return Plan(name, people, SHARED / name, home / "course", own_state, accounts=True, made=True)


def real(name: str, root: Path, state: Path, grader: str, instructor: str, students: Sequence[str]) -> Plan:
    """A course with people who have accounts on this machine; `grader` owns its folder."""
    _refuse_name(name)
    people = People(grader, instructor, tuple(students))
    twice = {who for who in (grader, *people.users) if (grader, *people.users).count(who) > 1}
    if twice:
        raise UsageError(
            f"{', '.join(sorted(twice))} has two roles, but should have one: grading needs its own account."
        )
    return Plan(name, people, SHARED / name, root, state, accounts=True, made=False)


def ports(public: int) -> Ports:
    """Ports that are free now; `public` if it is not 0."""
    with ExitStack() as held:
        found = []
        for _ in range(5):
            listening = held.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            found.append(listening.getsockname()[1])
    return Ports(public or found[0], *found[1:])


def _refuse_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"The course's name is {name!r}, but for a hub it should be like a Unix account's: small letters, digits, "
            "- and _, at most 21. It is `name` in source/course.toml."
        )
    if name == DOOR:
        raise UsageError(f"A course cannot be called {DOOR!r}: that is the address of its page in the hub.")
