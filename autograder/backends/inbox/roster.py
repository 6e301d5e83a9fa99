"""Which student a sender is. Pure.

An address or a number decides before a name does. A name counts only if one student has it, and if the LMS's number
does not say that it is somebody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from autograder.backends.grades.table import Person, key
from autograder.backends.inbox.senders import Sender

STUDENT = re.compile(r"^[^/\\\0.][^/\\\0]{0,127}$")


def student_of(sender: Sender, people: Sequence[Person]) -> tuple[Person | None, str]:
    """The student, or None and why not."""
    kind = sender.key.partition("-")[0]
    number = sender.lms or sender.key.removeprefix(f"{kind}-") if kind != "gradescope" else ""
    sure = [p for p in people if _surely(p, sender, kind, number)]
    if not sure:
        name = _letters(sender.name)
        alike = [p for p in people if name and name in (_letters(p.last + p.first), _letters(p.first + p.last))]
        sure = [p for p in alike if not (sender.lms and p.lms and p.lms != sender.lms)]
        if alike and not sure:
            return None, f"is called as {alike[0].id} is, but has another number"
    if len(sure) > 1:
        return None, f"could be {', '.join(sorted(p.id for p in sure))}"
    if not sure:
        return None, "is in no roster"
    if not is_folder(sure[0].id):
        return None, "has an id in the gradebook that cannot name a folder"
    return sure[0], ""


def is_folder(student: str) -> bool:
    """Whether a student's id can be a folder's name in submitted/, as nbgrader wants it."""
    return bool(STUDENT.match(student)) and student.isprintable() and student == student.strip()


def _surely(person: Person, sender: Sender, kind: str, number: str) -> bool:
    said = {key(person.others.get(kind, "")).removeprefix("participant ")}
    if kind == "canvas":
        said.add(key(person.lms))
    if number and key(number) in said - {""}:
        return True
    if sender.email and key(sender.email) in _known((person.email, person.others.get("email", ""))):
        return True
    return bool(sender.sid) and key(sender.sid) in _known(
        (person.id, person.others.get("sid", ""), person.others.get("idnumber", ""))
    )


def _known(names: Iterable[str]) -> set[str]:
    return {key(name) for name in names} - {""}


def _letters(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalnum())
