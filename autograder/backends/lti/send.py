"""Grades to the platform: whose is which, which line item, and only what it does not have yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from autograder.backends.grades.table import Grade, Person, key
from autograder.backends.lti.ledger import Entry, Ledger, open_ledger
from autograder.backends.lti.service import Service
from autograder.errors import OurError, UsageError

ITEM, ITEMS = "application/vnd.ims.lis.v2.lineitem+json", "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
MEMBERSHIP = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
PROGRESS = {"graded": "FullyGraded", "waits": "PendingManual", "missing": "FullyGraded"}
Action = Literal["sent", "would send", "already there", "left out", "failed"]


@dataclass(frozen=True)
class Sending:
    """What became of one grade."""

    grade: Grade
    user: str
    action: Action
    note: str = ""


@dataclass(frozen=True)
class Column:
    """The chapter at the platform. `address` is empty where nothing was created, because nothing is sent."""

    label: str
    resource: str
    address: str = ""
    created: bool = False


def send_grades(
    service: Service,
    state: Path,
    column: Column,
    grades: Sequence[Grade],
    *,
    send: bool,
    again: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    tell: Callable[[Sending], None] = lambda sending: None,
) -> tuple[Column, tuple[Sending, ...]]:
    """Sends every grade that has a score and that the platform does not have, one after the other.

    Without `send` it only reads: who is who, and whether the line item is there. Interrupted, it goes on where it was.
    """
    members = read_members(service)
    users = users_of(grades, members)
    found = find_item(service, column, grades, create=send)
    ledger = open_ledger(state, found.address) if found.address else Ledger(Path(), {})
    done, unreachable = [], False
    for grade, (user, why) in zip(grades, users, strict=True):
        if grade.score is None or not user:
            done.append(Sending(grade, user, "left out", why if grade.score is not None else grade.state))
        elif not again and _is_there(ledger.latest.get(user), grade):
            done.append(Sending(grade, user, "already there"))
        elif not send:
            done.append(Sending(grade, user, "would send"))
        elif unreachable:
            done.append(Sending(grade, user, "failed", "not tried"))
        else:
            try:
                done.append(_send(service, ledger, found.address, grade, user, again, now))
            except OurError as error:  # what was sent is sent, and told
                unreachable = True
                done.append(Sending(grade, user, "failed", str(error)))
        tell(done[-1])
    return found, tuple(done)


def read_members(service: Service) -> Mapping[str, str] | None:
    """The users of the course by their id, with their addresses; None where the platform does not say."""
    if not service.platform.memberships:
        return None
    found: dict[str, str] = {}
    for page in service.pages(service.platform.memberships, MEMBERSHIP):
        for member in _dicts(page.get("members") if isinstance(page, dict) else None):
            if isinstance(member.get("user_id"), str) and member.get("status", "Active") == "Active":
                found[member["user_id"]] = str(member.get("email") or "")
    return found


def users_of(grades: Sequence[Grade], members: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """For each grade the platform's user, or "" and why there is none. Nobody is two students' user."""
    by_email: dict[str, list[str]] = defaultdict(list)
    for user, email in (members or {}).items():
        if key(email):
            by_email[key(email)].append(user)
    users = [_user(grade.person, members, by_email) for grade in grades]
    taken: dict[str, int] = defaultdict(int)
    for user, _ in users:
        taken[user] += 1
    return [("", f"{u} would be two students") if u and taken[u] > 1 else (u, why) for u, why in users]


def find_item(service: Service, column: Column, grades: Iterable[Grade], *, create: bool) -> Column:
    """The line item of the chapter: the one that was chosen, else ours, else a new one. Never two."""
    chosen = service.platform.chosen.get(column.resource.rpartition(":")[2])
    if chosen:
        return replace(column, address=service.ours(chosen))
    found = _ours(service, column)
    if found or not create:
        return replace(column, address=found and service.ours(found))
    most = max((g.max_score for g in grades), default=0.0)
    body = {"scoreMaximum": most, "label": column.label, "resourceId": column.resource, "tag": "autograder"}
    reply = service.send("POST", service.platform.lineitems, kind=ITEM, body=body, tries=1)
    said = reply.json() if reply.ok else {}
    made = said.get("id") if isinstance(said, dict) else None
    address = made if isinstance(made, str) else _ours(service, column)  # it may have been made, and the answer lost
    if not address:
        raise OurError(f"The platform made no line item: {reply.status}, {reply.said}. Repeat the command.")
    return replace(column, address=service.ours(address), created=True)


def _ours(service: Service, column: Column) -> str:
    address = _with(service.platform.lineitems, query={"resource_id": column.resource})
    items = [item for page in service.pages(address, ITEMS) for item in _dicts(page)]
    found = [str(item["id"]) for item in items if item.get("resourceId") == column.resource and "id" in item]
    if len(found) > 1:
        raise UsageError(
            f"The platform has {len(found)} line items for {column.label}: {', '.join(found)}. Choose one in the "
            "platform's file, under [lineitems]."
        )
    return found[0] if found else ""


def _user(person: Person, members: Mapping[str, str] | None, by_email: Mapping[str, list[str]]) -> tuple[str, str]:
    named = person.others.get("lti", "")
    if named:
        return (named, "") if members is None or named in members else ("", f"{named} is not in the course")
    if members is None:
        return (person.lms, "") if person.lms else ("", "no user: add `lti` to a --map file")
    if person.lms in members:
        return person.lms, ""
    found = by_email.get(key(person.email), []) if key(person.email) else []
    if len(found) == 1:
        return found[0], ""
    return "", "two users have that address" if found else "nobody in the course has that address"


def _is_there(latest: Entry | None, grade: Grade) -> bool:
    return latest is not None and latest.done and _same(latest, grade)


def _same(entry: Entry, grade: Grade) -> bool:
    return (entry.score, entry.most, entry.progress) == (grade.score, grade.max_score, PROGRESS[grade.state])


def _send(
    service: Service,
    ledger: Ledger,
    item: str,
    grade: Grade,
    user: str,
    again: bool,
    now: Callable[[], datetime],
) -> Sending:
    """One score. It is noted before, and as done once the platform has it."""
    latest, score = ledger.latest.get(user), grade.score or 0.0
    progress = PROGRESS[grade.state]
    resumed = latest is not None and not latest.done and _same(latest, grade) and not again
    if latest is not None and resumed:
        entry = latest  # cut short: the same time makes it the same score
    else:
        stamp = _timestamp(now(), latest)
        entry = Entry(user, score, grade.max_score, progress, stamp, False)
        ledger.write(entry)
    body = {
        "userId": user,
        "scoreGiven": entry.score,
        "scoreMaximum": entry.most,
        "activityProgress": "Completed",
        "gradingProgress": progress,
        "timestamp": entry.timestamp,
    }
    reply = service.send("POST", _with(item, path="/scores"), kind=SCORE, body=body)
    if reply.ok or (reply.status == 409 and (resumed or reply.tries > 1)):  # it arrived, and its answer was lost
        ledger.write(replace(entry, done=True))
        return Sending(grade, user, "sent")
    if reply.status == 409:
        return Sending(grade, user, "failed", "the platform has a newer score: look at it there, or say --again")
    return Sending(grade, user, "failed", f"the platform answers {reply.status}: {reply.said}")


def _timestamp(now: datetime, latest: Entry | None) -> str:
    """Now in milliseconds, and later than the last one: by that a platform knows which score is newer."""
    if latest is not None:
        now = max(now, datetime.fromisoformat(latest.timestamp) + timedelta(milliseconds=1))
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with(address: str, *, path: str = "", query: Mapping[str, str] | None = None) -> str:
    """The address with more path or query; what it asks already stays."""
    parts = urlsplit(address)
    asked = "&".join(text for text in (parts.query, urlencode(query or {})) if text)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path if path else parts.path, asked, ""))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
