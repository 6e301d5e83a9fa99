"""Chapters in which every student has numbers of their own (`personal = true` in course.toml): seeds, sheets, releases.

    personal/<student>/<chapter>/    what one student is handed: notebook, sheet and course page; git-ignored

A student's numbers follow from the course's secret, the chapter and the student's id, by a keyed hash: the same each
time, and nobody can tell the secret from them. Who a student is, the grader says; nothing in a notebook is believed.
"""

from __future__ import annotations

import csv
import hashlib
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.answers import OWN
from autograder.course import Chapter, Course, load_chapter
from autograder.errors import OurError, UsageError
from autograder.notebook.build import notebook, visible_sheet, write
from autograder.notebook.front import NAME
from autograder.notebook.pieces import pieces
from autograder.notebook.setup import MADE_FOR, with_setup
from autograder.pairs import BORROWED, MADE_FOR_SOMEBODY, borrowed, paired
from autograder.records import Graded, Sheet, Submission
from autograder.secret import fingerprint, secret_seed, write_private
from autograder.wire import Malformed, from_text, to_text

FOLDER = "personal"
MAX_ID = 200
_MADE_FOR = re.compile(re.escape(MADE_FOR) + r"([0-9a-f]{16})\b")


def seed_of_student(secret: bytes, chapter: str, student: str) -> bytes:
    """What this student's numbers are drawn from. It tells nothing of the secret, nor of another student's seed."""
    said = "\0".join((chapter, unicodedata.normalize("NFC", student))).encode("utf-8", "surrogatepass")
    key = hashlib.blake2b(secret, digest_size=32).digest()
    return hashlib.blake2b(said, key=key, person=b"autograder own", digest_size=32).digest()


def mark_of(seed: bytes) -> str:
    """What a notebook made from this seed carries, so that a swapped one is noticed."""
    return hashlib.blake2b(b"mark", key=seed, digest_size=8).hexdigest()


@dataclass(frozen=True)
class Personal:
    """The students' own sheets of one chapter, drawn when they are first asked for, then kept in the state folder."""

    chapter: Chapter
    state: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _theirs: dict[str, Sheet] = field(default_factory=dict)

    def seed(self, student: str) -> bytes:
        return seed_of_student(secret_seed(self.state, self.chapter.course.name), self.chapter.name, student)

    def own(self, student: str) -> Sheet:
        """The visible sheet of this student."""
        with self._lock:
            seed = self.seed(student)
            path = self._folder() / f"{mark_of(seed)}.json"
            found = _read(path)
            if found is None:
                found = visible_sheet(self.chapter, seed)
                self._keep(path, found)
            return found

    def others(self, student: str) -> Iterator[Sheet]:
        """The sheets of all others that have been drawn, reduced to what is right on their numbers."""
        own = mark_of(self.seed(student))
        with self._lock:
            for path in sorted(self._folder().glob("*.json")):
                if path.stem not in self._theirs and (sheet := _read(path)) is not None:
                    self._theirs[path.stem] = _right(sheet)
            theirs = dict(self._theirs)
        yield from (sheet for mark, sheet in theirs.items() if mark != own)

    def noticed(self, submission: Submission, sheet: Sheet, graded: Graded) -> Graded:
        """The same with notes on what points to somebody else's numbers. No score changes."""
        told = [MADE_FOR_SOMEBODY] if self._made_for_another(submission) else []
        names = [
            e.name
            for e in sheet.exercises
            if (found := graded.answers.get((e.name, OWN)))
            and borrowed(e, found.results, self.others(submission.student))
        ]
        told += [BORROWED.format(names=", ".join(names))] if names else []
        return replace(graded, notes=(*graded.notes, *told))

    def _made_for_another(self, submission: Submission) -> bool:
        marks = {mark for cell in submission.cells.values() for mark in _MADE_FOR.findall(cell)}
        return bool(marks) and mark_of(self.seed(submission.student)) not in marks

    def _folder(self) -> Path:
        name = f"{self.chapter.course.name}-{self.chapter.name}"
        return self.state / FOLDER / name / fingerprint(self.chapter, self.state)

    def _keep(self, path: Path, sheet: Sheet) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for old in path.parent.parent.iterdir():
                if old != path.parent:
                    shutil.rmtree(old, ignore_errors=True)
            write_private(path, to_text(sheet))
        except OSError as error:
            raise OurError(f"A student's sheet cannot be kept in {path.parent}: {error.strerror}.") from None


def sheet_for(personal: Personal, anew: Sheet, student: str) -> Sheet:
    """What this student's submission is asked: the whole sheet, and the visible checks on their own numbers too."""
    return paired(anew, personal.own(student))


def release(course: Course, chapters: Sequence[str], students: Sequence[str], state: Path) -> Iterator[Path]:
    """Writes what each of these students is handed, and tells of each file. Refuses chapters that are not personal."""
    named = [_student(student) for student in dict.fromkeys(students)]
    for name in chapters:
        if not course.chapters[name].personal:
            raise UsageError(
                f"{name} is the same for every student: to give each their own numbers, write personal = true under "
                f"[chapters.{name}] in source/course.toml."
            )
    for name in chapters:
        chapter = load_chapter(course, name)
        personal, cells = Personal(chapter, state), pieces(chapter)
        page = course.root / "release" / name / NAME
        for student in named:
            sheet = to_text(personal.own(student)) + "\n"
            mark = mark_of(personal.seed(student))
            own = with_setup(cells, course, name, sheet, fetch=False, made_for=mark)
            texts = {f"{name}.ipynb": notebook(own, released=True), f"{name}.json": sheet}
            texts |= {NAME: page.read_text("utf-8")} if page.is_file() else {}
            for file, text in texts.items():
                path = course.root / FOLDER / student / name / file
                write(path, text)
                yield path


def read_students(path: Path) -> tuple[str, ...]:
    """The ids in a file: one a line, or the column `id` of a table such as nbgrader's or an LMS's."""
    try:
        rows = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The students in {path} cannot be read: {error}.") from None
    heads = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((heads.index(head) for head in ("id", "student_id", "student id") if head in heads), None)
    if column is None and any(len(row) > 1 for row in rows):
        raise UsageError(f"{path} has several columns, but none is called id. Give it one, or write one id a line.")
    ids = [row[column or 0].strip() for row in rows[0 if column is None else 1 :] if len(row) > (column or 0)]
    if not ids:
        raise UsageError(f"{path} names no student. Write one id a line.")
    return tuple(ids)


def _student(student: str) -> str:
    """The id, if it can name a folder as nbgrader has one for each student."""
    if not student or student.startswith(".") or len(student) > MAX_ID or re.search(r"[/\\]", student):
        raise UsageError(f"The student {student!r} should be an id as in submitted/: without '/' and no dot in front.")
    if not student.isprintable() or student != student.strip():
        raise UsageError(f"The student {student!r} should be an id as in submitted/: printable, no space at its ends.")
    return student


def _read(path: Path) -> Sheet | None:
    try:
        found = from_text(path.read_text("utf-8"))
    except (FileNotFoundError, Malformed):
        return None
    return found if isinstance(found, Sheet) else None


def _right(sheet: Sheet) -> Sheet:
    exercises = (
        replace(e, checks=tuple(replace(c, call=None, answers={}) for c in e.checks if c.kind == "value"))
        for e in sheet.exercises
    )
    return replace(sheet, exercises=tuple(exercises), given={}, laws={})
