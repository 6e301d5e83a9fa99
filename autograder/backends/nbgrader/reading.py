"""Reads submissions into nbgrader's two passes: whatever lies in the folder, the batch goes on.

nbgrader makes one exporter for a whole batch and new preprocessors for every notebook, so the exporter also holds what
the batch shares: the grading sessions.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from traitlets import Bool, Enum, Integer, Unicode
from traitlets.utils.importstring import import_item

from autograder.backends.nbgrader.ahead import Ahead
from autograder.backends.nbgrader.ending import FAILED_OURS, listen
from autograder.backends.nbgrader.unfinished import mend
from autograder.backends.nbgrader.zeros import without_zeros
from autograder.errors import OurError
from autograder.notebook.read import Unreadable, find, read_notebook
from autograder.records import Graded
from autograder.sandbox.seam import Sandbox
from autograder.session import Session, open_session
from autograder.settings import Settings, read_settings
from autograder.turn import take_turn


class Sessions:
    """The grading sessions of one batch, opened when first asked for."""

    def __init__(self, settings: Settings, open_sandbox: Callable[..., Sandbox], workers: int, **options: Any):
        self._settings, self._open_sandbox, self._workers = settings, open_sandbox, workers
        self._options = {"workers": workers, "shown": True, **options}
        self._open: dict[str, Session] = {}
        self._ahead: dict[str, Ahead] = {}

    def of(self, chapter: str, found: Sequence[Path] = ()) -> Session:
        if chapter not in self._open:
            options = {**self._options, "found": found}
            self._open[chapter] = open_session(self._settings, chapter, self._open_sandbox, **options)
        return self._open[chapter]

    def ahead(self, chapter: str, found: Sequence[tuple[str, Path]]) -> Ahead:
        if chapter not in self._ahead:
            self._ahead[chapter] = Ahead(self.of(chapter, [path for _, path in found]), found, workers=self._workers)
        return self._ahead[chapter]

    def close(self) -> None:
        while self._ahead:
            self._ahead.popitem()[1].close()
        while self._open:
            self._open.popitem()[1].close()


class Reader(NotebookExporter):
    """The exporter of `nbgrader autograde`. A file that is no notebook counts as an empty one."""

    open_sandbox = Unicode("autograder.sandbox.pool.open_sandbox", help="What opens the sandbox.").tag(config=True)
    trust_submissions = Bool(False, help="Grade although the sandbox lacks a layer. Every report says so.").tag(
        config=True
    )

    device = Enum(
        ["cpu", "gpu"], allow_none=True, help="Where students' code computes; what each exercise says by default."
    ).tag(config=True)

    reuse = Bool(False, help="With --force: what the chapter's change leaves as it was is not asked again.").tag(
        config=True
    )

    workers = Integer(2, min=1, help="How many submissions are graded at once.").tag(config=True)

    def __init__(self, **options: Any):
        super().__init__(**options)
        settings = read_settings(Path(self.coursedir.root), trust=self.trust_submissions)
        again = bool(self.parent.force) and not self.reuse  # `nbgrader autograde --force`, and the formgrader's button
        opened = import_item(self.open_sandbox)
        self.sessions = Sessions(settings, opened, self.workers, again=again, device=self.device)
        self._lock = self._take_turn(settings)  # before nbgrader opens the gradebook
        try:
            if self.coursedir.assignment_id:
                self.handed_in = self._find_notebooks()
                mend(self.parent, self.handed_in)
        except BaseException:
            self._lock.close()
            raise
        self.parent.init_assignment = without_zeros(self.parent.init_assignment)
        listen(self.parent, self._close)  # the server of nbgrader's formgrader lives on after a batch

    @property
    def coursedir(self) -> Any:
        return self.parent.coursedir

    def folder(self, kind: str, resources: Any) -> Path:
        """The folder `submitted`, `autograded` or `source` of the submission at hand."""
        facts = resources["nbgrader"]
        student = "." if kind == "source" else facts["student"]
        named = getattr(self.coursedir, f"{kind}_directory")
        return Path(self.coursedir.format_path(named, student, facts["assignment"]))

    def graded(self, resources: Any) -> Graded:
        """The submission at hand, graded, while the next ones already begin."""
        chapter, student = resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]
        found = sorted(self.handed_in.items())
        ahead = self.sessions.ahead(chapter, found)
        return ahead.graded(student, self.submitted(resources), lambda other: self._is_next(other, chapter))

    def _is_next(self, student: str, chapter: str) -> bool:
        """Whether nbgrader will take up this student's work, by the rule of its `init_destination`."""
        submitted = self.coursedir.format_path(self.coursedir.submitted_directory, student, chapter)
        autograded = self.coursedir.format_path(self.coursedir.autograded_directory, student, chapter)
        if self.parent.force or not os.path.exists(autograded):
            return True
        try:
            new, old = map(self.coursedir.get_existing_timestamp, (submitted, autograded))
        except Exception:  # a file that a student may have written; nbgrader will say so when it comes to it
            return False
        return new is not None and old is not None and new > old

    def submitted(self, resources: Any) -> Path:
        """The notebook that the student handed in, whatever its name."""
        expected = self.folder("submitted", resources) / f"{resources['nbgrader']['notebook']}.ipynb"
        return self.handed_in.get(resources["nbgrader"]["student"], expected)

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[str, ResourcesDict]:
        """Reads leniently in the first pass, from submitted/; strictly in the second, where the file is our own."""
        path = Path(filename)
        resources = ResourcesDict() if resources is None else resources
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        if os.path.abspath(path.parent) == os.path.abspath(self.folder("submitted", resources)):
            self._drop_what_links_brought(resources)
            notebook = _lenient(self.submitted(resources))
        else:
            notebook = nbformat.read(path, as_version=4)
        output: tuple[str, ResourcesDict] = self.from_notebook_node(notebook, resources, **options)
        return output

    def _find_notebooks(self) -> dict[str, Path]:
        """Who handed in what, as `autograder grade` sees it, and nbgrader told to expect a notebook from each of them.

        nbgrader alone would skip a notebook under another name, and not mention a folder that holds none.
        """
        chapter, students = self.coursedir.assignment_id, self.coursedir.student_id
        top = Path(self.coursedir.format_path(self.coursedir.submitted_directory, ".", ".")).resolve()
        found = {name: path for name, path in find(top, chapter) if students in ("*", name)}
        for student in found:
            folder = self.coursedir.format_path(self.coursedir.submitted_directory, student, chapter)
            if str(self.coursedir.notebook_id) in ("*", chapter):
                self.parent.assignments[folder] = [os.path.join(folder, f"{chapter}.ipynb")]
        return found

    def _take_turn(self, settings: Settings) -> IO[str]:
        try:
            return take_turn(settings, self.log.warning)
        except OurError as error:
            self.log.critical("%s", error)
            raise SystemExit(FAILED_OURS) from error

    def _close(self) -> None:
        self.sessions.close()
        self._lock.close()

    def _drop_what_links_brought(self, resources: Any) -> None:
        """nbgrader copies what a submitted link points to, anywhere on this machine, into the autograded folder."""
        submitted, autograded = self.folder("submitted", resources), self.folder("autograded", resources)
        for path in submitted.rglob("*"):
            if path.is_symlink() and path.suffix != ".ipynb":
                copied = autograded / path.relative_to(submitted)
                self.log.warning("Not copied, because it is a link: %s", path)
                if copied.is_dir():
                    shutil.rmtree(copied)
                else:
                    copied.unlink(missing_ok=True)


def _lenient(path: Path) -> NotebookNode:
    """The submitted notebook, or an empty one: `Judge` will say why it cannot be read."""
    try:
        return read_notebook(path)
    except Unreadable:
        return new_notebook()
