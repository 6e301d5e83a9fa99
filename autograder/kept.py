"""Graded submissions on disk, by what was graded: a run that was cut short, or repeated, does only what is left.

The key of a submission is a hash of what its student's cells say. What every verdict depends on (seed, engine, limits,
libraries, layers) is the `ground`, in whose folder it lies. If nothing at all has changed, the verdicts stand; else
what the code answered stands for those exercises whose `questions` are the same, and is judged again. Only the grader
writes there. What was graded in a hurry, or not at all, is not kept.
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
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from autograder.answers import (
    Answers,
    Earlier,
    Part,
    Question,
    Way,
    from_text,
    part_of,
    said_from_text,
    said_to_text,
    to_text,
)
from autograder.records import Finding, Graded, Looked, Submission, Verdict
from autograder.secret import write_private


@dataclass(frozen=True)
class Kept:
    """The graded submissions of one chapter on one ground. With `again`, earlier runs are not looked at. Where cells'
    outputs are to be `shown`, a run without them has left its answers and nothing else.

    `whole` changes with anything that a verdict depends on, `questions` with what each exercise asks.
    """

    folder: Path
    again: bool = False
    shown: bool = False
    whole: str = ""
    questions: Mapping[Way, Question] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _fresh: set[str] = field(default_factory=set)

    @contextmanager
    def of(self, submission: Submission) -> Iterator[Graded | Earlier | None]:
        """What was found out about the same cells, in whoever's notebook: the verdicts, or what is left of them. Nobody
        else grades them meanwhile."""
        key = key_of(submission)
        with self._locks.setdefault(key, threading.Lock()):
            found = None if self.again and key not in self._fresh else self._read(self._path(key))
            if isinstance(found, Graded):
                notes = submission.notes + found.notes
                found = replace(found, student=submission.student, path=submission.path, notes=notes, known=True)
            yield found

    def keep(self, submission: Submission, graded: Graded) -> None:
        """Writes it down, all at once or not at all. A full disk costs the next run time, and this one nothing."""
        if graded.status != "graded" or graded.hurried:
            return
        key = key_of(submission)
        own = replace(graded, student="", path="", notes=graded.notes[len(submission.notes) :], answers={})
        document = {"whole": self.whole, **vars(own), "answers": self._told(graded.answers)}
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self._path(key), json.dumps(document, default=vars))
            self._fresh.add(key)

    def apart(self, who: str, questions: Mapping[Way, Question]) -> Kept:
        """The same for somebody who is asked other things than the rest of the class. `who` is a name for a folder."""
        return replace(self, folder=self.folder / who, questions=questions, _locks={}, _fresh=set())

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _told(self, answers: Mapping[Way, Answers]) -> list[Any]:
        """What can be kept of the answers: the keys of each question, seconds, results, and what was said to laws."""
        settled = [(self.questions[way], a) for way, a in answers.items() if a.settled and way in self.questions]
        texts = [(question, a, to_text(a.results)) for question, a in settled]
        return [
            (question.frame, question.checks, a.seconds, text, said_to_text(a.said))
            for question, a, text in texts
            if text is not None
        ]

    def _read(self, path: Path) -> Graded | Earlier | None:
        """What is kept in `path`; None if there is nothing, or nothing that can be used."""
        try:
            document = json.loads(path.read_text("utf-8"))
            whole, told, looked = document.pop("whole"), document.pop("answers"), _looked(document.pop("looked"))
            cells = {int(place): tuple(outputs) for place, outputs in document.pop("cells").items()}
            if self.shown and not document["shown"]:
                return self._earlier(told, {}, looked)
            if whole != self.whole:
                return self._earlier(told, cells, looked)
            verdicts = tuple(_verdict(v) for v in document.pop("verdicts"))
            notes = tuple(document.pop("notes"))
            graded = Graded(**document, verdicts=verdicts, cells=cells, notes=notes)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None
        return graded if graded.status == "graded" else None

    def _earlier(self, told: Any, cells: Mapping[int, tuple[Any, ...]], looked: Looked | None) -> Earlier | None:
        known = {frame: (tuple(checks), *rest) for frame, checks, *rest in told}
        found, parts = dict[Way, Answers](), dict[Way, Part]()
        for way, question in self.questions.items():
            if question.frame in known:
                checks, seconds, text, said = known[question.frame]
                answers = Answers(from_text(text), float(seconds), said_from_text(said))
                if checks == question.checks:
                    found[way] = answers
                elif part := part_of(answers, checks, question.checks):
                    parts[way] = part
        return Earlier(found, cells, parts, looked) if found or parts else None


def open_kept(
    state: Path,
    chapter: str,
    ground: str,
    *,
    again: bool = False,
    shown: bool = False,
    whole: str = "",
    questions: Mapping[Way, Question] | None = None,
) -> Kept:
    """What is kept of a chapter, by a name that is its own, on this ground. That on other grounds is removed."""
    folder = state / "kept" / chapter / hashlib.blake2b(ground.encode(), digest_size=8).hexdigest()
    with suppress(OSError):
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return Kept(folder, again, shown, hashlib.blake2b(whole.encode(), digest_size=8).hexdigest(), questions or {})


def how_many(state: Path, chapter: str) -> int:
    """How many graded submissions of a chapter are kept, on whatever ground."""
    return sum(1 for _ in (state / "kept" / chapter).rglob("*.json"))


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


def record_to_text(graded: Graded) -> str:
    """A graded submission as JSON, in ASCII whatever its student wrote. What was answered stays behind."""
    return json.dumps(replace(graded, answers={}), default=vars)


def record_from_text(text: str) -> Graded:
    """What `record_to_text` wrote."""
    document = json.loads(text)
    verdicts = tuple(_verdict(v) for v in document.pop("verdicts"))
    cells = {int(place): tuple(outputs) for place, outputs in document.pop("cells").items()}
    notes = tuple(document.pop("notes"))
    return Graded(**document, verdicts=verdicts, cells=cells, notes=notes)


def _looked(found: Any) -> Looked | None:
    """What was read off a student's cells, as it was: JSON knows no tuples."""
    match found:
        case [str(digest), list(parts)]:
            return digest, tuple(tuple(part) if isinstance(part, list) else part for part in parts)
        case [str(digest), None]:
            return digest, None
    return None


def _verdict(document: Mapping[str, Any]) -> Verdict:
    findings = tuple(Finding(**f) for f in document["findings"])
    return Verdict(**{f.name: document[f.name] for f in fields(Verdict)} | {"findings": findings})
