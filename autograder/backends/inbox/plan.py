"""What of a download goes where: which notebook of a sender's counts, whose it is, and when it was handed in. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autograder.backends.grades.table import Person, printable
from autograder.backends.inbox.roster import student_of
from autograder.backends.inbox.senders import Sender, Sent


@dataclass(frozen=True)
class Incoming:
    """A notebook on its way to a student's folder. `older` are earlier versions of it, which are kept elsewhere."""

    student: str
    sent: Sent
    when: datetime
    exact: bool
    older: tuple[Sent, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Held:
    """What was not placed, and why."""

    who: str
    file: str
    why: str


@dataclass(frozen=True)
class Rules:
    """What a plan depends on besides the files. `times` says for students when they handed in (UTC)."""

    chapter: str
    people: tuple[Person, ...]
    due: datetime | None = None
    times: Mapping[str, datetime] | None = None
    place_unknown: bool = False


def arrange(sent: Iterable[Sent], rules: Rules) -> tuple[tuple[Incoming, ...], tuple[Held, ...]]:
    """Everything that was sent, by student; and what a person has to decide."""
    held: list[Held] = []
    by_sender: dict[Sender, list[Sent]] = defaultdict(list)
    for one in sent:
        if one.unclear:
            held.append(Held(shown(one.sender), printable(one.file), one.unclear))
        else:
            by_sender[one.sender].append(one)
    by_student: dict[str, list[tuple[Sender, list[Sent]]]] = defaultdict(list)
    for sender, files in by_sender.items():
        chosen, why = newest_first(files, rules.chapter)
        if not chosen:
            held.append(Held(shown(sender), ", ".join(printable(f.file) for f in files), why))
            continue
        student, why = _student(sender, rules)
        if student:
            by_student[student].append((sender, chosen))
        else:
            held.append(Held(shown(sender), printable(chosen[0].file), why))
    incoming = []
    for student, senders in sorted(by_student.items()):
        if len(senders) > 1:
            names = ", ".join(shown(sender) for sender, _ in senders)
            held += [Held(shown(s), printable(c[0].file), f"{student} is claimed by {names}") for s, c in senders]
        else:
            incoming.append(_incoming(student, senders[0][1], rules))
    return tuple(incoming), tuple(held)


def newest_first(files: Sequence[Sent], chapter: str) -> tuple[list[Sent], str]:
    """The versions of the chapter's notebook among a sender's files, the newest first; or none, and why.

    An LMS calls further uploads of `kernel.ipynb` `kernel-1.ipynb`, `kernel-2.ipynb`; a browser `kernel (1).ipynb`.
    """
    notebooks = [f for f in files if f.file.lower().endswith(".ipynb")]
    named = re.compile(rf"^{re.escape(chapter)}(?:[-_ ]?\(?(\d{{1,4}})\)?)?\.ipynb$", re.IGNORECASE)
    versions = [(int(match[1] or 0), f.order, f) for f in notebooks if (match := named.match(f.file))]
    if versions:
        return [f for *_, f in sorted(versions, key=lambda v: v[:2], reverse=True)], ""
    if len(notebooks) == 1:
        return list(notebooks), ""
    if notebooks:
        return [], f"has {len(notebooks)} notebooks, and none is called {chapter}.ipynb"
    return [], "has no notebook"


def shown(sender: Sender) -> str:
    """A sender for a person to read."""
    return printable(f"{sender.name} ({sender.key})" if sender.name else sender.key)


def _student(sender: Sender, rules: Rules) -> tuple[str, str]:
    person, why = student_of(sender, rules.people)
    if person is not None:
        return person.id, ""
    unknown = why == "is in no roster" and sender.key not in {p.id for p in rules.people}
    return (sender.key, "") if unknown and rules.place_unknown else ("", why)


def _incoming(student: str, versions: list[Sent], rules: Rules) -> Incoming:
    newest, *older = versions
    told = newest.sent or (rules.times or {}).get(student)
    if told is not None:
        return Incoming(student, newest, told, True, tuple(older), "late" if newest.late else "")
    when, late = newest.member.dated, newest.late
    if not late and rules.due is not None and when > rules.due:
        when = rules.due  # the archive bears the time of the download; nobody is late by that
    return Incoming(student, newest, when, False, tuple(older), "late" if late else "")
