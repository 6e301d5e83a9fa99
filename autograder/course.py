"""Reading a course: chapter files with their exercises, and through `coursefile` its `source/course.toml`.

A chapter file is run once, cell by cell: its cells tagged `author` and those that create an exercise or a written
question. All other cells are the student's, are copied to the notebooks, and never run here.
"""

from __future__ import annotations

import ast
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from autograder.author import Exercise, Law, Variant, Written
from autograder.coursefile import ChapterEntry, Course, entry_of, load_course
from autograder.errors import AuthorError, UsageError
from autograder.lean import lean
from autograder.records import Helper, Sheet
from autograder.sheet import draw

__all__ = [
    "Cell",
    "Chapter",
    "ChapterEntry",
    "Course",
    "entry_of",
    "importable",
    "load_chapter",
    "load_course",
    "located",
    "split",
]

_TASK = re.compile(r"^\w+ *= *(\w+\.)?(exercise|written)\(", re.MULTILINE)
_SPEAKS = re.compile(r"\b(\w+)\.(probe|case|law|mistake|alternate|oracle|equivalent)\b")


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter file. `task` is the exercise or written question that it creates."""

    kind: Literal["markdown", "code", "author", "task"]
    source: str
    line: int
    task: Exercise | Written | None = None


@dataclass(frozen=True)
class Chapter:
    """A chapter file after it ran."""

    course: Course
    entry: ChapterEntry
    path: Path
    cells: tuple[Cell, ...]
    exercises: Mapping[str, Exercise]
    written: Mapping[str, Written]
    helpers: Mapping[str, Helper]

    @property
    def name(self) -> str:
        return self.entry.name

    def sheet(self, secret: bytes) -> Sheet:
        """The whole sheet for this secret. An author's error names the line of the check."""
        with self.placing():
            return draw(
                tuple(self.exercises.values()),
                self.helpers,
                secret,
                course=self.course.name,
                chapter=self.name,
                title=self.entry.title,
            )

    @contextmanager
    def placing(self) -> Iterator[None]:
        """An author's error that leaves here names the chapter file and the line of the check it speaks of."""
        with located(self.path):
            try:
                yield
            except AuthorError as error:
                raise _at_label(error, self.path) from None

    def law(self, exercise: str, label: str) -> Law:
        return next(law for law in self.exercises[exercise].laws if law.label == label)

    def variant(self, exercise: str, name: str) -> Variant:
        found = self.exercises[exercise]
        return next(v for v in (*found.mistakes, *found.alternates, *found.oracles) if v.name == name)


def load_chapter(course: Course, name: str) -> Chapter:
    """The chapter `name`, its exercises created. Exceptions of the file become AuthorErrors with its line."""
    entry = entry_of(course, name)
    path = course.root / "source" / f"{name}.py"
    if not path.is_file():
        raise AuthorError(f"course.toml lists {name}, but there is no such chapter file.", file=str(path))
    module = ModuleType(f"source.{name}")
    module.__file__ = str(path)
    with importable(course.root), located(path), lean():
        cells = tuple(_run(cell, module, path) for cell in split(path))
    tasks = [c.task for c in cells if c.task is not None]
    _nothing_stray(cells, path)
    names = [t.name for t in tasks]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise AuthorError(f"{', '.join(sorted(twice))} is created twice, but names should differ.", file=str(path))
    return Chapter(
        course=course,
        entry=entry,
        path=path,
        cells=cells,
        exercises={t.name: t for t in tasks if isinstance(t, Exercise)},
        written={t.name: t for t in tasks if isinstance(t, Written)},
        helpers={v.name: v for v in list(vars(module).values()) if isinstance(v, Helper)},
    )


def split(path: Path) -> Iterator[Cell]:
    """The cells of a percent-format file, in order, before any has run."""
    with lean("jupytext"):
        import jupytext

    lines = path.read_text("utf-8").splitlines()
    starts = [i for i, line in enumerate(lines, 1) if line.startswith("# %%")]
    cells = jupytext.reads("\n".join(lines) + "\n", fmt="py:percent").cells
    if len(cells) != len(starts):
        raise AuthorError("every cell should begin with a line `# %%`.", file=str(path), line=1)
    for cell, line in zip(cells, starts, strict=True):
        if cell.cell_type == "markdown":
            yield Cell("markdown", cell.source, line)
        elif "author" in cell.metadata.get("tags", []):
            yield Cell("author", cell.source, line)
        else:
            yield Cell("task" if _creates_task(cell.source, path, line) else "code", cell.source, line)


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """While inside, `solutions` is that of the course at `root`, also where another course was loaded before.

    Modules of the other course stay known where this one has none of their name: `inspect` finds classes through them.
    """
    for name, module in list(sys.modules.items()):
        package, _, rest = name.partition(".")
        ours = root / "solutions" / rest.replace(".", "/")
        taken = not rest or ours.is_dir() or ours.with_suffix(".py").is_file()
        if package == "solutions" and taken and not _lies_in(module, root / "solutions"):
            del sys.modules[name]
    folder = root / "solutions"
    if folder.is_dir() and not (folder / "__init__.py").is_file():  # or else a package elsewhere on the path would win
        sys.modules.setdefault("solutions", ModuleType("solutions")).__path__ = [str(folder)]
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


@contextmanager
def located(path: Path) -> Iterator[None]:
    """Exceptions that pass through the chapter file leave as AuthorErrors with its file and line."""
    try:
        yield
    except AuthorError as error:
        if error.line is None:
            raise AuthorError(error.message, file=str(path), line=_line(error, path)) from None
        raise
    except (UsageError, KeyboardInterrupt):
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if isinstance(error, SyntaxError) and error.filename:  # of this file, or of a module that it imports
            raise AuthorError(f"SyntaxError: {error.msg}", file=error.filename, line=error.lineno) from error
        line = _line(error, path)
        if line is None:
            raise
        raise AuthorError(text, file=str(path), line=line) from error


def _lies_in(module: ModuleType, folder: Path) -> bool:
    places = [module.__file__] if getattr(module, "__file__", None) else list(getattr(module, "__path__", []))
    return all(Path(place).resolve().is_relative_to(folder.resolve()) for place in places if place)


def _run(cell: Cell, module: ModuleType, path: Path) -> Cell:
    if cell.kind not in ("author", "task"):
        return cell
    before = dict(vars(module))
    source = "\n" * cell.line + cell.source
    exec(compile(source, str(path), "exec"), vars(module))
    new = {k: v for k, v in list(vars(module).items()) if before.get(k) is not v}
    tasks = {k: v for k, v in new.items() if isinstance(v, Exercise | Written)}
    if cell.kind == "author" and not tasks:
        return cell
    if len(tasks) != 1:
        raise AuthorError("a cell should create one exercise or one written question.", file=str(path), line=cell.line)
    (name, task), *_ = tasks.items()
    if isinstance(task, Exercise) and name != task.name:
        text = f"{name} holds the exercise {task.name}, but the two should have the same name."
        raise AuthorError(text, file=str(path), line=cell.line)
    return Cell("task", cell.source, cell.line, task)


def _creates_task(source: str, path: Path, line: int) -> bool:
    """Whether a top-level statement of the cell is `name = exercise(...)` or `name = written(...)`."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        if _TASK.search(source):
            raise AuthorError(f"SyntaxError: {error.msg}", file=str(path), line=line + (error.lineno or 1)) from None
        return False  # a student's cell may hold magics, which are no Python
    return any(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", getattr(node.value.func, "attr", "")) in ("exercise", "written")
        for node in tree.body
    )


def _nothing_stray(cells: tuple[Cell, ...], path: Path) -> None:
    """What an author says of an exercise is in its cell or in one tagged `author`: all others go to students as is."""
    names = {c.task.name for c in cells if isinstance(c.task, Exercise)}
    for cell in cells:
        if cell.kind != "code":
            continue
        for number, text in enumerate(cell.source.splitlines(), cell.line + 1):
            found = _SPEAKS.search(text)
            if found and found[1] in names:
                message = (
                    f"this cell would go to students as it is, but {found[0]} is for authors: put it into the cell "
                    f"that creates {found[1]}, or into one tagged author."
                )
                raise AuthorError(message, file=str(path), line=number)


def _line(error: BaseException, path: Path) -> int | None:
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return lines[-1] if lines else None


def _at_label(error: AuthorError, path: Path) -> AuthorError:
    """The error with the line of the check whose label its message quotes."""
    if error.line is not None:
        return error
    lines: dict[Any, int] = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            lines[node.args[0].value] = node.lineno
    line = next((n for label, n in lines.items() if isinstance(label, str) and repr(label) in error.message), 1)
    return AuthorError(error.message, file=str(path), line=line)
