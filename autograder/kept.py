"""Graded submissions on disk, by what was graded: a run that was cut short, or repeated, does only what is left.

The key of a submission is a hash of what its student's cells say. All else that a verdict depends on (sheet, limits,
engine, libraries, layers) is the `context`, in whose folder it lies. Only the grader writes there. What was graded in a
hurry, or not at all, is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from autograder.records import Finding, Graded, Submission, Verdict
from autograder.secret import write_private

UNUSABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a damaged record may raise."""


@dataclass(frozen=True)
class Kept:
    """The graded submissions of one chapter in one context. With `again`, earlier runs are not looked at."""

    folder: Path
    again: bool = False
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _fresh: set[str] = field(default_factory=set)

    @contextmanager
    def of(self, submission: Submission) -> Iterator[Graded | None]:
        """What was found out about the same cells, in whoever's notebook. Nobody else grades them meanwhile."""
        key = key_of(submission)
        with self._locks.setdefault(key, threading.Lock()):
            found = None if self.again and key not in self._fresh else _read(self._path(key))
            yield (
                replace(found, student=submission.student, path=submission.path, notes=submission.notes + found.notes)
                if found
                else None
            )

    def keep(self, submission: Submission, graded: Graded) -> None:
        """Writes it down, all at once or not at all. A full disk costs the next run time, and this one nothing."""
        if graded.status != "graded" or graded.hurried:
            return
        key = key_of(submission)
        own = replace(graded, student="", path="", notes=graded.notes[len(submission.notes) :])
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self._path(key), to_text(own))
            self._fresh.add(key)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def open_kept(state: Path, chapter: str, context: str, *, again: bool = False) -> Kept:
    """What is kept of a chapter, by a name that is its own, in this context. That of other contexts is removed."""
    folder = state / "kept" / chapter / hashlib.blake2b(context.encode(), digest_size=8).hexdigest()
    with suppress(OSError):
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return Kept(folder, again)


def key_of(submission: Submission) -> str:
    """A hash of the cells, in their places."""
    cells = json.dumps(sorted(submission.cells.items()))
    return hashlib.blake2b(cells.encode(), digest_size=16).hexdigest()


def installed() -> str:
    """Python and what is installed beside it, by names and versions: students' code may use all of it."""
    return sys.version + repr(sorted(distributions()))


def distributions() -> frozenset[str]:
    """The names and versions of what is installed, as the folders that say so are called."""
    found: set[str] = set()
    for folder in sys.path:
        with suppress(OSError):
            found |= {name for name in os.listdir(folder or ".") if name.endswith((".dist-info", ".egg-info"))}
    return frozenset(found)


def to_text(graded: Graded) -> str:
    """A graded submission as JSON, in ASCII whatever its student wrote."""
    return json.dumps(asdict(graded))


def from_text(text: str) -> Graded:
    """What `to_text` wrote. Raises UNUSABLE for anything else."""
    document = json.loads(text)
    verdicts = tuple(_verdict(v) for v in document.pop("verdicts"))
    cells = {int(place): tuple(outputs) for place, outputs in document.pop("cells").items()}
    notes = tuple(document.pop("notes"))
    return Graded(**document, verdicts=verdicts, cells=cells, notes=notes)


def _read(path: Path) -> Graded | None:
    """What is kept in `path`; None if there is nothing, or nothing that can be used."""
    try:
        graded = from_text(path.read_text("utf-8"))
    except (OSError, *UNUSABLE):
        return None
    return graded if graded.status == "graded" else None


def _verdict(document: Mapping[str, Any]) -> Verdict:
    findings = tuple(Finding(**f) for f in document["findings"])
    return Verdict(**{f.name: document[f.name] for f in fields(Verdict)} | {"findings": findings})
