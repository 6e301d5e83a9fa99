"""Who sent which file, read from the names that Canvas, Moodle and Gradescope give. Pure.

A name in a download is partly the student's choice. What can be read in two ways is said to be unclear, never guessed:
with the right display name, one student's file would otherwise be another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autograder.backends.inbox.guard import Member
from autograder.errors import UsageError

METADATA = "submission_metadata.yml"
CANVAS = re.compile(
    r"^(?P<name>[^/]*?)_(?P<late>LATE_)?(?P<user>\d+)_(?:(?P<upload>\d+)_(?P<file>[^/]+)|(?P<kind>text|link)\.html)$"
)
CANVAS_ANONYMOUS = re.compile(
    r"^(?P<late>LATE_)?anon_(?P<user>[^/_]+)_(?:(?P<upload>\d+)_(?P<file>[^/]+)|(?P<kind>text|link)\.html)$"
)
MOODLE = re.compile(
    r"^(?P<name>[^/_]+)_(?P<user>\d+)_assignsubmission_(?P<kind>file|onlinetext)(?:_?/(?P<path>.+)|_(?P<flat>[^/]+))$"
)
GRADESCOPE = re.compile(r"^(?:(?P<outer>[^/]+)/)?(?P<folder>submission_\w+)/(?P<path>.+)$")


@dataclass(frozen=True)
class Sender:
    """Somebody as the download knows them. `key` is a name that is safe as a folder's, and theirs alone."""

    key: str
    name: str = ""
    lms: str = ""
    email: str = ""
    sid: str = ""


@dataclass(frozen=True)
class Sent:
    """One file of a sender's. `sent` is set where the download tells the time; `order` grows with later uploads."""

    sender: Sender
    file: str
    member: Member
    late: bool = False
    sent: datetime | None = None
    order: int = 0
    unclear: str = ""


def canvas(members: Iterable[Member]) -> tuple[list[Sent], list[Member]]:
    """`lovelaceada_LATE_101_5550_kernel.ipynb`: name, user, upload, the student's own file name."""
    found, others = [], []
    for member in members:
        base = member.name.rpartition("/")[2]
        match = CANVAS_ANONYMOUS.match(base) or CANVAS.match(base)
        if match is None:
            others.append(member)
            continue
        said = match.groupdict()
        name, anonymous = said.get("name") or "", "name" not in said
        sender = Sender(f"canvas-{_safe(said['user'])}", name, "" if anonymous else said["user"])
        file = said["file"] or f"{said['kind']}.html"
        unclear = ""
        if not anonymous and re.match(r"^\d+_", file):
            unclear = "the numbers in its name can be read in two ways"
        found.append(Sent(sender, file, member, bool(said["late"]), None, int(said["upload"] or 0), unclear))
    return found, others


def moodle(members: Iterable[Member]) -> tuple[list[Sent], list[Member]]:
    """`Ada Lovelace_657_assignsubmission_file_/kernel.ipynb`, or the same in one name without folders."""
    found, others = [], []
    for member in members:
        match = MOODLE.match(member.name) or MOODLE.match(member.name.partition("/")[2])
        if match is None:
            others.append(member)
            continue
        sender = Sender(f"moodle-{match['user']}", match["name"])
        file = match["flat"] or match["path"].rpartition("/")[2]
        found.append(Sent(sender, file, member))
    return found, others


def gradescope(members: Iterable[Member], metadata: Mapping[str, Any]) -> tuple[list[Sent], list[Member]]:
    """`submission_456/kernel.ipynb`, and in `submission_metadata.yml` who sent number 456, and when."""
    found, others = [], []
    for member in members:
        match = GRADESCOPE.match(member.name)
        entry = metadata.get(match["folder"]) if match else None
        if match is None or not isinstance(entry, dict):
            if not member.name.endswith(METADATA):
                others.append(member)
            continue
        told = entry.get(":submitters")
        people = told if isinstance(told, list) else []
        for person in people:
            if isinstance(person, dict):
                name, email, sid = (_text(person.get(k)) for k in (":name", ":email", ":sid"))
                key = f"gradescope-{_safe(match['folder'].removeprefix('submission_'))}"
                sender = Sender(
                    key if len(people) == 1 else f"{key}-{_safe(sid or email or name)}", name, "", email, sid
                )
                file = match["path"].rpartition("/")[2]
                found.append(Sent(sender, file, member, sent=_time(entry.get(":created_at"))))
    return found, others


def read_metadata(data: bytes) -> Mapping[str, Any]:
    """Gradescope's `submission_metadata.yml`. Only plain data is made of it, whatever it says."""
    import yaml

    try:
        document = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError, UnicodeError):
        document = None
    if not isinstance(document, dict):
        raise UsageError(f"{METADATA} cannot be read, but should list the submissions. Download the export again.")
    return {str(name): entry for name, entry in document.items()}


def _time(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _text(value: object) -> str:
    return str(value)[:200] if isinstance(value, str | int) else ""


def _safe(text: str) -> str:
    """Letters and digits of ASCII, and something for each other character."""
    return re.sub(r"[^A-Za-z0-9]", "-", text)[:60] or "x"
