"""What was sent, line by line in a private file: before a score goes out, and when the platform has it.

A score that was on its way when we were killed is sent again with the same time, which a platform takes for the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One score of one user, as it was or is to be sent."""

    user: str
    score: float
    most: float
    progress: str
    timestamp: str
    done: bool


@dataclass
class Ledger:
    """The entries of one line item; the latest of each user counts."""

    path: Path
    latest: dict[str, Entry]

    def write(self, entry: Entry) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="ascii") as file:
            file.write(json.dumps(asdict(entry)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.latest[entry.user] = entry


def open_ledger(state: Path, lineitem: str) -> Ledger:
    """What was sent to this line item."""
    path = state / "lti" / f"{hashlib.blake2b(lineitem.encode(), digest_size=12).hexdigest()}.jsonl"
    return Ledger(path, {entry.user: entry for entry in _entries(path)})


def _entries(path: Path) -> Iterator[Entry]:
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield Entry(**json.loads(line))
        except (ValueError, TypeError):
            continue  # the line at which a kill or a full disk cut it
