"""Learning what JAX can trace for a chapter's students beforehand, by running the references and the solved notebook.
What only other answers need, a worker traces itself.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

from autograder.course import Chapter
from autograder.drawing import call_of, seed_of
from autograder.errors import AuthorError
from autograder.laws import Subject, judge_law
from autograder.lineage import lineage, own_files
from autograder.notebook.pieces import pieces
from autograder.programs import Program, recording
from autograder.records import Raised
from autograder.sandbox.local import LocalStudent
from autograder.sandbox.quiet import silence_client
from autograder.sheet import PUBLIC, answer


def learn(chapter: Chapter, tell: Callable[[str], None] = lambda name: None) -> list[Program]:
    """The programs, those of references first. `tell` hears of every exercise."""
    import jax

    # What JAX has run before, it does not run for the first time.
    jax.clear_caches()  # type: ignore[no-untyped-call]
    found: dict[str, Program] = {}
    given = {name: helper.function for name, helper in chapter.helpers.items()}
    with recording(found):
        for exercise in chapter.exercises.values():
            tell(exercise.name)
            for question in exercise.questions:
                answer(exercise.target, call_of(exercise, question, PUBLIC), given, double=False)
            for law in exercise.laws:
                subject = Subject(
                    LocalStudent({"f": exercise.target}, given, "jax"), "f", exercise.signatures, lambda: 0.0
                )
                judge_law(law.function, subject, seed_of(PUBLIC, exercise.name, law.label))
        tell("the notebook")
        _run_notebook(chapter)
    return list(found.values())


def _run_notebook(chapter: Chapter) -> None:
    """Runs the solved notebook as a worker would: its checks, and what only follows a passed one, do nothing."""
    import matplotlib

    matplotlib.use("agg")
    student = LocalStudent({"__name__": "__main__"}, {}, "jax")
    undo = silence_client()
    try:
        with redirect_stdout(io.StringIO()):
            for piece in pieces(chapter):
                ran = student.run(piece.solved, seconds=0.0).outcome if piece.kind == "code" else None
                if isinstance(ran, Raised):
                    text = f"the cell {piece.ident} of the solved notebook ends in {ran.type}: {ran.message}"
                    raise AuthorError(text, file=str(chapter.path))
    finally:
        undo()


def write(programs: list[Program], path: Path, source: str = "") -> None:
    """One program a line, so that differences are easy to read. `source` is what `source_of` tells of the chapter."""
    lines = ",\n".join(json.dumps(program, separators=(",", ":")) for program in programs)
    path.write_text(f'{{"source": "{source}", "programs": [\n{lines}\n]}}\n')


def is_fresh(chapter: Chapter, path: Path) -> bool:
    """Whether the list in `path` was learned from this chapter as it is. False also where there is none."""
    try:
        return bool(json.loads(path.read_text())["source"] == source_of(chapter))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def source_of(chapter: Chapter) -> str:
    """Changes with whatever a list is learned from: the chapter's code and cells, JAX, and the way of learning."""
    own = own_files(chapter.course.root)
    digest = hashlib.blake2b(digest_size=16)

    def add(text: str) -> None:
        digest.update(f"{len(text)}:{text}".encode())

    for part in (version("jax"), *(Path(f).read_text() for f in (__file__, recording.__code__.co_filename))):
        add(part)
    for cell in chapter.cells:
        if cell.kind != "markdown":
            add(cell.source)
    for exercise in chapter.exercises.values():
        add(lineage(exercise.target, own) or Path(inspect.getfile(exercise.target)).read_text())
    return digest.hexdigest()
