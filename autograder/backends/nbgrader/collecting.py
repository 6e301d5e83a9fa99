"""`nbgrader collect`, and the formgrader's button, without what `inbound` tells of nbgrader's own."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange.default import ExchangeCollect

from autograder.backends.nbgrader.inbound import STAMP, Handed, Refused, handed_in, take


class Collect(ExchangeCollect):
    """Takes the last submission of every student who owns it, and says which it does not take."""

    def init_src(self) -> None:
        if self.coursedir.course_id == "":
            self.fail("No course id specified. Re-run with --course flag.")
        inbound, assignment = Path(self.root, self.coursedir.course_id, "inbound"), self.coursedir.assignment_id
        if not os.access(inbound, os.R_OK | os.X_OK):
            self.fail(f"Course not found, or not to be read: {inbound}")
        found = handed_in(inbound, (assignment,), check_owner=self.check_owner)
        for forged in set(handed_in(inbound, (assignment,), check_owner=False)) - set(found):
            self.log.warning("Not collected, because it does not belong to %s: %s", forged.student, forged.folder)
        due = self._due() if self.before_duedate else None
        students: dict[str, list[Handed]] = {}
        for handed in found:  # the newest comes first
            if self.coursedir.student_id in ("*", "", handed.student):
                students.setdefault(handed.student, []).append(handed)
        self.chosen = [next((h for h in all_ if due is None or h.at <= due), all_[0]) for all_ in students.values()]

    def copy_files(self) -> None:
        if not self.chosen:
            self.log.warning("No submissions of '%s' to collect", self.coursedir.assignment_id)
        for handed in self.chosen:
            folder = self.coursedir.format_path(self.coursedir.submitted_directory, handed.student, handed.assignment)
            try:
                self._collect(handed, Path(folder))
            except Refused as error:
                self.log.error("Not collected: %s", error)

    def _collect(self, handed: Handed, to: Path) -> None:
        """Brings one submission, whole, and only then takes an older one away."""
        there = to.is_dir()
        if there:
            old = self.coursedir.get_existing_timestamp(str(to))
            newer = self.update and (old is None or handed.at > old)
            if not newer and not (self.before_duedate and old != handed.at):
                self.log.info("Already collected: %s %s", handed.student, handed.assignment)
                return
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".collecting-", dir=to.parent) as folder:
            took = Path(folder) / to.name
            take(
                handed,
                took,
                check_owner=self.check_owner,
                ignore=self.coursedir.ignore,
                max_bytes=1000 * self.coursedir.max_dir_size,
            )
            (took / STAMP).write_text(
                f"{handed.at:%Y-%m-%d %H:%M:%S.%f} UTC", "utf-8"
            )  # the student's may say anything
            if self.coursedir.groupshared:
                for path in (took, *took.rglob("*")):
                    path.chmod(0o2770 if path.is_dir() else 0o660)
            if there:
                to.rename(Path(folder) / "old")
            took.rename(to)
        self.log.info("%s: %s %s", "Updated" if there else "Collected", handed.student, handed.assignment)

    def _due(self) -> datetime | None:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                due: datetime | None = gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                return None
        return due
