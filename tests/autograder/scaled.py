"""A class of the toy chapter in a ledger, and records that are as good as graded, for tests of grading elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.course import Chapter
from autograder.kept import open_kept
from autograder.records import Graded, Sheet
from autograder.sandbox.local import LocalSandbox
from autograder.scale.ledger import Ledger
from autograder.session import Session
from tests.notebooks.honest import CELLS, plain


class Open(LocalSandbox):
    layers = ("none",)

    def start(self) -> None:
        pass


def graded_as(score: float = 1.0, **more: Any) -> Graded:
    return Graded("", "", "graded", max_score=12.0, seconds=score, **more)


def ledgers(toy: Chapter, sheet: Sheet, folder: Path, done: Callable[[Graded], None]) -> Callable[..., Ledger]:
    """What makes a ledger of students who differ as the given words do; an empty one hands in no notebook."""

    def of(*classes: str, again: bool = False) -> Ledger:
        found = []
        for number, extra in enumerate(classes):
            path = folder / f"s{number}.ipynb"
            path.write_text(json.dumps(plain([*CELLS, f"extra = {extra!r}"])) if extra else "{")
            found.append((f"s{number}", path))
        session = Session(toy, sheet, Open(), open_kept(folder / "state", "toy", "context", again=again))
        return Ledger(session, found, done)

    return of
