"""What is known -> HTML. No script; all text escaped; the style comes from one file of ours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.hub.door.book import local
from autograder.hub.door.classes import Block
from autograder.hub.door.students import Row
from autograder.hub.door.tries import MOST, MOST_A_DAY

HERE = Path(__file__).parent / "templates"
REFRESH = 5
"""Seconds until a page on which something is at work asks anew."""

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
"""What a page of ours may do: show itself, and send its forms back."""

SHOWN_ONLY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
FEEDBACK_POLICY = SHOWN_ONLY + "form-action 'none'; sandbox allow-popups"
"""What feedback and reports may do, which bring their own style: be read."""


@dataclass(frozen=True)
class Frame:
    """What every page has: whose it is, where it, the hub and the door answer, and the token of its forms."""

    course: str
    user: str
    prefix: str
    hub: str
    door: str
    xsrf: str = ""
    now: datetime = datetime(1970, 1, 1)
    instructor: bool = False


def policy(hub: str = "") -> str:
    """The same where the hub and people's servers have hosts of their own: a form may lead there."""
    if not hub:
        return POLICY
    scheme, _, host = hub.partition("://")
    return f"{POLICY} {hub} {scheme}://*.{host}"


def student_page(frame: Frame, rows: Sequence[Row], *, course: str, said: str = "", again: str = "") -> str:
    """The course as one student sees it. `course` is its name in addresses, `again` where a waiting page asks anew."""
    waiting = any(row.outlook and row.outlook.waiting for row in rows)
    return _page(
        "course", frame, rows=rows, course=course, said=said, again=again, refresh=REFRESH if waiting else None
    )


def class_page(
    frame: Frame, blocks: Sequence[Block], *, formgrader: str, still: bool = False, at: str = "", again: str = ""
) -> str:
    """The class as its instructor sees it, who comes from the buttons of the assignment `at`; it asks anew, at `again`,
    while something is at work, unless it is to stay `still`."""
    alive = any(b.progress and b.progress.alive for b in blocks)
    return _page(
        "class",
        frame,
        blocks=blocks,
        formgrader=formgrader,
        alive=alive,
        still=still,
        at=at,
        again=again,
        most=MOST,
        most_a_day=MOST_A_DAY,
        refresh=REFRESH if alive and not still else None,
    )


def hand_in_page(frame: Frame, *, title: str, saved: datetime | None, files: Sequence[str], missing: str) -> str:
    """The question before handing in, shown by the student's own server."""
    return _page("hand_in", frame, title=title, saved=saved, files=files, missing=missing, refresh=None)


def message_page(frame: Frame, title: str, text: str) -> str:
    """A page that says one thing, and leads back."""
    return _page("message", frame, title=title, text=text, refresh=None)


def way_back(frame: Frame, name: str) -> str:
    """A link to the assignment `name` in the course, for a page that has a style of its own."""
    return _page("back", frame, name=name)


def style() -> str:
    """The style of all pages."""
    return (HERE / "door.css").read_text("utf-8")


def _page(kind: str, frame: Frame, **facts: Any) -> str:
    html: str = _environment().get_template(f"{kind}.html.j2").render(frame=frame, **facts)
    return html


def points(value: float) -> str:
    """Points without needless zeros: 3, 2.5, 0.75."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def when(at: datetime, now: datetime) -> str:
    """A time as people write it, in the zone of this machine; with the year where it is another."""
    here = local(at)
    return f"{here:%a} {here.day} {here:%b}{'' if here.year == now.year else f' {here.year}'}, {here:%H:%M}"


def machine(at: datetime) -> str:
    """The same for programs."""
    return at.replace(tzinfo=UTC).isoformat(timespec="seconds")


def distance(at: datetime, now: datetime) -> str:
    """How far away a time is, in words."""
    seconds = (at - now).total_seconds()
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        n = int(abs(seconds) // unit)
        if n:
            many = f"{n} {name}{'' if n == 1 else 's'}"
            return f"in {many}" if seconds > 0 else f"{many} ago"
    return "now"


def by_hand(formgrader: str, name: str) -> str:
    """Where the formgrader lists the answers of an assignment, for whoever grades by hand."""
    first = "manage_assignments"
    return f"{formgrader.removesuffix(first)}gradebook/{name}/{name}" if formgrader.endswith(first) else formgrader


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": points,
        "when": when,
        "machine": machine,
        "distance": distance,
        "by_hand": by_hand,
    }
    environment.globals["zone"] = lambda: f"{datetime.now().astimezone():%Z}"
    return environment
