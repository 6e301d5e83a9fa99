"""Where submissions are graded on a worker's machine: a chapter, its hidden sheet and one warm sandbox. Knows no Dask.

It opens in a thread of its own, because that may take minutes and a worker must go on answering its scheduler. What
goes wrong here is an answer, too: a refusal, or a record without a score.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from autograder.compiled import keep_compiled
from autograder.grade import report_failure
from autograder.kept import record_to_text
from autograder.records import Submission
from autograder.sandbox.pool import open_sandbox
from autograder.scale.parcel import Parcel, unpack
from autograder.session import Session

MAX_FAILURES = 3
"""After so many failures of ours in a row a worker grades no more: it would be the first to ask for the next one."""


class Desk:
    """Opens at once, in the background. `answer` and `greeting` wait for that, from any thread; both are JSON, and say
    whose they are."""

    def __init__(self, name: str, parcel: Parcel, folder: Path, state: Path):
        self._name = name
        self._folder = Path(tempfile.mkdtemp(prefix="chapter-", dir=folder))  # its owner's alone
        self._opened: Future[Session] = Future()
        self._lock = threading.Lock()
        self._closed = False
        self._failures = 0
        threading.Thread(target=self._open, args=(parcel, state), name="autograder-desk", daemon=True).start()

    def greeting(self) -> str:
        """The layers that enclose submissions here, or why none is graded here."""
        try:
            return self._say(layers=self._opened.result().sandbox.layers)
        except Exception as error:
            return self._refuse(error)

    def answer(self, layers: tuple[str, ...], cells: str) -> str:
        """The record of the submission with these cells (JSON: pairs of place and source), or a refusal."""
        try:
            session = self._opened.result()
        except Exception as error:
            return self._refuse(error)
        if session.sandbox.layers != layers:
            there, here = ", ".join(layers), ", ".join(session.sandbox.layers)
            return self._say(refused=f"submissions are enclosed by {here}, but should be by {there}.")
        with self._lock:
            if self._failures >= MAX_FAILURES:
                return self._say(refused=f"it has failed {MAX_FAILURES} times in a row.")
        submission = Submission("", "", {int(place): source for place, source in json.loads(cells)})
        try:
            graded = session.grade(submission)
        except Exception as error:
            graded = report_failure(submission, session.max_score, error)
        with self._lock:
            self._failures = self._failures + 1 if graded.status == "failed-ours" else 0
        return self._say(graded=record_to_text(graded))

    def close(self) -> None:
        """Ends every submission that is at work, and removes what was sent here."""
        with self._lock:
            self._closed = True
            opened = self._opened.done()
        if opened:
            self._clear()

    def _open(self, parcel: Parcel, state: Path) -> None:
        try:
            keep_compiled(state)
            chapter, sheet = unpack(parcel, self._folder)
            programs = self._folder / "source" / f"{chapter.name}.programs.json"
            sandbox = open_sandbox(trust=parcel.trust, programs=programs)
            sandbox.start()
        except BaseException as error:
            self._opened.set_exception(error)
        else:
            self._opened.set_result(Session(chapter, sheet, sandbox))
        with self._lock:
            closed = self._closed
        if closed:
            self._clear()

    def _say(self, **facts: Any) -> str:
        return json.dumps({"worker": self._name, **facts})

    def _refuse(self, error: BaseException) -> str:
        return self._say(refused=str(error) or type(error).__name__)

    def _clear(self) -> None:
        if self._opened.exception() is None:
            self._opened.result().close()
        shutil.rmtree(self._folder, ignore_errors=True)


def cells_of(submission: Submission) -> str:
    """A submission's cells as `answer` reads them. Its student's name stays behind."""
    return json.dumps(sorted(submission.cells.items()))
