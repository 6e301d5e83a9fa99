"""Does anything built give an answer away? Looks for lines of solutions, hidden labels and hidden cases in what ships.

Lines are compared without their spaces, and short ones say nothing: `return x` is nobody's secret.
"""

from __future__ import annotations

import ast
import base64
import inspect
import json
import re
import textwrap
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograder.author import Exercise
from autograder.course import Chapter
from autograder.drawing import call_of
from autograder.records import Call
from autograder.sheet import PUBLIC

MIN_LINE = 15  # characters without spaces
MIN_LABEL = 20  # shorter ones are found only where they stand alone: prose may say "one molecule" too
MIN_BYTES = 16  # of an array: four numbers
OURS = frozenset({"source", "solutions"})


def leaks(chapter: Chapter, release_dir: Path) -> tuple[str, ...]:
    """What the files under `release_dir` tell of this chapter's secrets, one sentence each.

    Lines and numbers are looked for everywhere, labels in the chapter's own folder: chapters may share words.
    """
    if not any(p.is_file() for p in release_dir.rglob("*")):
        return (f"{release_dir.name}/ is empty, so nothing could be searched: run `autograder build`.",)
    found: list[str] = []
    lines, labels, arrays = secret_lines(chapter), _hidden_labels(chapter), _hidden_arrays(chapter)
    shown = {label for label, hidden, _ in _labels(chapter) if not hidden}
    for path in sorted(p for p in release_dir.rglob("*") if p.is_file()):
        name, data = str(path.relative_to(release_dir)), path.read_bytes()
        strings = _strings(data)
        text = _bare("\n".join(strings))
        found += [f"{name} holds a line of {whose}: {line}" for line, whose in lines.items() if _bare(line) in text]
        for label, whose in labels.items() if _own(path, release_dir, chapter) else ():
            if any(label == s or (len(label) >= MIN_LABEL and label in s) for s in strings if s not in shown):
                found.append(f"{name} holds the label of a hidden check of {whose}: {label}")
        blobs = _blobs(data)
        for label, secrets in arrays.items():
            if any(secret in blob for secret in secrets for blob in blobs):
                found.append(f"{name} holds the numbers of a hidden case: {label}")
    return tuple(found)


def _own(path: Path, release_dir: Path, chapter: Chapter) -> bool:
    folder = release_dir / chapter.name
    return path.is_relative_to(folder) or not folder.is_dir()


def wheel_leaks(chapters: Sequence[Chapter], wheel: Path) -> tuple[str, ...]:
    """What a built wheel holds of source/ and solutions/: whole files, and lines of solutions."""
    found: list[str] = []
    lines = {line: whose for chapter in chapters for line, whose in secret_lines(chapter).items()}
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            ours = OURS.intersection(Path(name).parts)
            if ours:
                found.append(f"{wheel.name} holds {name}, which comes from {min(ours)}/")
            text = _bare("\n".join(_strings(archive.read(name))))
            found += [f"{name} holds a line of {whose}: {line}" for line, whose in lines.items() if _bare(line) in text]
    return tuple(found)


def secret_lines(chapter: Chapter) -> Mapping[str, str]:
    """The telling lines of references, mistakes, alternates, oracles and hidden cases, and whose they are."""
    found: dict[str, str] = {}
    for exercise in chapter.exercises.values():
        owners = [(exercise.target, f"the reference {exercise.name}")]
        for what in ("mistake", "alternate", "oracle"):
            owners += [(v.function, f"the {what} {v.name}") for v in getattr(exercise, f"{what}s")]
        for function, whose in owners:
            for line in _body_lines(function):
                found.setdefault(line, whose)
    for line in _case_sources(chapter):
        found.setdefault(line, "a hidden case")
    return found


def _body_lines(function: Callable[..., Any]) -> Iterator[str]:
    """The lines of a body that say something: no signatures, docstrings, imports or trivialities."""
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return  # a builtin, or a lambda amid a statement: it has no lines of its own
    skipped = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min((d.lineno for d in node.decorator_list), default=node.lineno)
            skipped |= set(range(first, max(node.lineno + 1, node.body[0].lineno)))
            if ast.get_docstring(node) is not None:
                skipped |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    for number, line in enumerate(source.splitlines(), 1):
        if number not in skipped and _telling(line):
            yield line.strip()


def _telling(line: str) -> bool:
    return len(_bare(line)) >= MIN_LINE and bool(re.search(r"[-+*/@(\[<>]", line))


def _hidden_labels(chapter: Chapter) -> Mapping[str, str]:
    return {label: name for label, hidden, name in _labels(chapter) if hidden}


def _labels(chapter: Chapter) -> Iterator[tuple[str, bool, str]]:
    """Every check's label, whether it is hidden, and its exercise."""
    for exercise in chapter.exercises.values():
        yield from ((q.label, q.hidden, exercise.name) for q in exercise.questions)
        yield from ((law.label, law.hidden, exercise.name) for law in exercise.laws)


def _hidden_arrays(chapter: Chapter) -> Mapping[str, list[bytes]]:
    """The arrays of hidden cases, which are the same for every seed, unless a visible case shows them too."""
    hidden: dict[str, list[bytes]] = {}
    shown = set[bytes]()
    for exercise in chapter.exercises.values():
        for label, is_hidden, call in _cases(exercise):
            if is_hidden:
                hidden[label] = list(_buffers((call.args, call.then)))
            else:
                shown |= set(_buffers((call.args, call.then)))
    return {label: [b for b in buffers if b not in shown] for label, buffers in hidden.items()}


def _cases(exercise: Exercise) -> Iterator[tuple[str, bool, Call]]:
    for question in exercise.questions:
        if question.args is not None:
            yield question.label, question.hidden, call_of(exercise, question, PUBLIC)


def _case_sources(chapter: Chapter) -> Iterator[str]:
    """How the chapter file writes the arguments of hidden cases."""
    for node in ast.walk(ast.parse(chapter.path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "case":
            options = {k.arg: k.value for k in node.keywords}
            hidden = options.get("hidden")
            if isinstance(hidden, ast.Constant) and hidden.value:
                # A bare name says nothing: what it stands for may be public, such as a helper.
                written = (ast.unparse(a) for a in node.args[1:] if not isinstance(a, ast.Name))
                yield from (text for text in written if len(_bare(text)) > MIN_LINE)


def _buffers(tree: Any) -> Iterator[bytes]:
    if isinstance(tree, np.ndarray) and tree.nbytes >= MIN_BYTES and len(np.unique(tree)) > 2:
        yield np.ascontiguousarray(tree).tobytes()
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from _buffers(part)
    elif isinstance(tree, dict):
        yield from _buffers(list(tree.values()))


def _strings(data: bytes) -> list[str]:
    """The texts in a file: those of a JSON document, or the file as one."""
    try:
        return list(_leaves(json.loads(data)))
    except (ValueError, RecursionError):
        return [data.decode("utf-8", "replace")]


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _leaves(value)
    elif isinstance(tree, list):
        if tree and all(isinstance(part, str) for part in tree):
            yield "".join(tree)
        else:
            for part in tree:
                yield from _leaves(part)


def _blobs(data: bytes) -> list[bytes]:
    """The raw arrays of a file: those of a sheet, else the file itself."""
    try:
        return [base64.b64decode(json.loads(data)["arrays"])]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [data]


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)
