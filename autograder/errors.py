"""What can go wrong, by whose fault it is.

the student's   never an exception: an `Outcome` (returned, raised, lost)
the author's    AuthorError       a chapter file says something impossible; carries file and line; exit code 1
the user's      UsageError        a wrong path, name or option on the command line; exit code 2
ours            OurError          the machine or the engine failed; exit code 3, never a zero nor a full mark
"""

from __future__ import annotations


class AuthorError(Exception):
    """The chapter file asks for something impossible. The message says what to change."""

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None):
        super().__init__(message)
        self.message, self.file, self.line = message, file, line

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        place = f"{place}: " if place else ""
        return place + self.message


class UsageError(Exception):
    """The command cannot be carried out as it was typed; nothing was changed."""


class OurError(Exception):
    """The machine or the engine failed, not the student: no score may come of it."""
