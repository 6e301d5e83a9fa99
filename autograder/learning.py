"""Learning which programs a chapter's students will need, by running what its author wrote, right and wrong, and what
anybody may do with arrays of such shapes.

Those that the reference and other right answers need come first, and every worker begins with them. The rest is rare:
it is compiled too, and loaded by the worker that asks for it.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from autograder.author import Exercise
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

LARGEST = 1 << 15
"""Entries of an array. Larger ones are rare, and XLA would use threads for them."""

CLASSES = 3
"""How many notebooks are run with alternates, and how many with mistakes."""
COMMON_SHAPES, UNPACKED = 25, 16

Function = Callable[..., Any]


def learn(chapter: Chapter, tell: Callable[[str], None] = lambda name: None) -> list[Program]:
    """The programs, those of references first. `tell` hears of every exercise."""
    found: dict[str, Program] = {}
    expected: list[str] = []
    given = {name: helper.function for name, helper in chapter.helpers.items()}
    exercises = list(chapter.exercises.values())
    with recording(found):
        tell("the notebook")
        _run_notebook(chapter, {})
        for rank in range(3):  # the reference first, then what else is right, then what is wrong
            for exercise in exercises:
                tell(exercise.name)
                calls = [call_of(exercise, question, PUBLIC) for question in exercise.questions]
                for function in _ranked(exercise)[rank]:
                    for call in calls:
                        answer(function, call, given, double=False)
                    for law in exercise.laws:
                        student = LocalStudent({"f": function}, given, "jax")
                        subject = Subject(student, "f", exercise.signatures, lambda: 0.0)
                        judge_law(law.function, subject, seed_of(PUBLIC, exercise.name, law.label))
            if rank == 1:
                expected += found
        for others in _instead(exercises):
            tell(f"the notebook with {', '.join(sorted({f.__name__ for f in others.values()}))[:60]}...")
            _run_notebook(chapter, others)
        tell("what is common")
        _do_common_things(_shapes(found[text] for text in expected))
    often = set(expected)
    return [p if text in often and _alone(p) else {**p, "rare": True} for text, p in found.items() if _small(p)]


def _ranked(exercise: Exercise) -> tuple[list[Function], list[Function], list[Function]]:
    return [exercise.target], [v.function for v in exercise.alternates], [v.function for v in exercise.mistakes]


def _instead(exercises: Sequence[Exercise]) -> Iterator[dict[str, Function]]:
    """Functions to put into the notebook in the place of the reference: all first alternates, all second ones, ..."""
    for rank in (1, 2):
        ranked = {e.name: _ranked(e)[rank] for e in exercises}
        for i in range(min(CLASSES, max(map(len, ranked.values()), default=0))):
            yield {name: functions[i] for name, functions in ranked.items() if i < len(functions)}


def _shapes(programs: Iterable[Program]) -> list[tuple[int, ...]]:
    """Of float32 arrays that programs take, those of many programs first."""
    counts = Counter[tuple[int, ...]]()
    for program in programs:
        for arg in program["args"]:
            match arg:
                case {"array": ["float32", shape, False]} if len(shape) <= 3 and np.prod(shape, dtype=int) <= LARGEST:
                    counts[tuple(shape)] += 1
    return [shape for shape, _ in counts.most_common(COMMON_SHAPES)]


def _do_common_things(shapes: Iterable[tuple[int, ...]]) -> None:
    """What anybody may do with one array, in the order in which JAX's own names are most often written."""
    import jax
    import jax.numpy as jnp

    elementwise = (jnp.abs, jnp.exp, jnp.sqrt, jnp.square, jnp.log, jnp.tanh, jnp.negative, jnp.sign)
    reductions = (jnp.sum, jnp.mean, jnp.max, jnp.min, jnp.std, jnp.argmax, jnp.linalg.norm)
    for shape in shapes:
        with suppress(Exception):
            x = jnp.asarray(np.ones(shape, np.float32))
            one = jnp.float32(1)
            for function in elementwise:
                function(x)
            for other in (x, one, 1.0, 2):
                _ = (x + other, x - other, x * other, x / other, other - x, other * x, other / x, x > other, x**2)
                _ = jnp.maximum(x, other), jnp.where(x > other, x, 0.0)
            for reduce in reductions if shape else ():
                reduce(x)
                for axis in (*range(len(shape)), -1) if len(shape) > 1 else (0, -1):
                    reduce(x, axis=axis)
            if shape:
                _ = x[0], x[-1], x[1:], x[:-1], x[::-1], jnp.sort(x), jnp.argsort(x), jnp.stack([x, x]), x[None]
                _ = (
                    jnp.cumsum(x, axis=0),
                    jnp.zeros_like(x),
                    jnp.ones_like(x),
                    jnp.zeros(shape),
                    jnp.concatenate([x, x]),
                )
            if len(shape) == 1:
                _ = x[:, None], x @ x, jnp.dot(x, x), jnp.outer(x, x), x.reshape(-1, 1)
                if shape[0] <= UNPACKED:
                    _ = jnp.array(list(x)), jnp.stack(list(x))
            if len(shape) == 2:
                _ = x.T, x @ x.T, x.T @ x, jnp.dot(x, x.T), x[:, 0], x[:, None, :], x[:, None] - x[None], x.ravel()
                _ = x @ x[0], jnp.dot(x, x[0])
                _ = jnp.sum((x[:, None] - x[None]) ** 2, axis=-1), jnp.mean((x[:, None] - x[None]) ** 2, axis=-1)
                if shape[0] == shape[1]:
                    _ = jnp.diag(x), jnp.trace(x), jnp.linalg.inv(x + jnp.eye(shape[0]))
                    _ = jnp.linalg.solve(x + jnp.eye(shape[0]), x[0]), jnp.linalg.eigvalsh(x)
                jax.vmap(lambda row: jnp.sqrt(jnp.mean(row**2)))(x)


def _run_notebook(chapter: Chapter, instead: Mapping[str, Function]) -> None:
    """Runs the solved notebook as a worker would: its checks, and what only follows a passed one, do nothing.

    Functions of `instead` take the places of references; then cells may fail, as students' do.
    """
    import matplotlib

    matplotlib.use("agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    student = LocalStudent(namespace, {}, "jax")
    undo = silence_client()
    try:
        with redirect_stdout(io.StringIO()):
            _run_cells(chapter, student, namespace, instead)
    finally:
        undo()


def _run_cells(
    chapter: Chapter, student: LocalStudent, namespace: dict[str, Any], instead: Mapping[str, Function]
) -> None:
    for piece in pieces(chapter):
        ran = student.run(piece.solved, seconds=0.0).outcome if piece.kind == "code" else None
        if piece.ident in instead:
            namespace[piece.ident] = instead[piece.ident]
        if isinstance(ran, Raised) and not instead:
            text = f"the cell {piece.ident} of the solved notebook ends in {ran.type}: {ran.message}"
            raise AuthorError(text, file=str(chapter.path))


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


def _alone(program: Program) -> bool:
    """Whether it runs in the thread that asks. What has many pieces waits for threads, which a fork server has not."""
    return program.get("primitive") not in ("unstack", "split")


def _small(program: Program) -> bool:
    def sizes(node: object) -> list[int]:
        if isinstance(node, dict):
            if "array" in node or "numpy" in node:
                shape = next(iter(node.values()))[1]
                size = 1
                for side in shape:
                    size *= side
                return [size]
            return [s for part in node.values() for s in sizes(part)]
        return [s for part in node for s in sizes(part)] if isinstance(node, list) else []

    return max(sizes(program["args"]), default=0) <= LARGEST
