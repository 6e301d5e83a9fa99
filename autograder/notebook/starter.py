"""A reference solution as the cell a student starts from.

The signature and the docstring stay, with shapes in words instead of annotations, because students have no jaxtyping.
The body lies between nbgrader's solution marks in the instructor's notebook, and is a stub in the student's.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import AuthorError
from autograder.notebook.names import needed
from autograder.notebook.shapes import line_of, shapes_of

STUB = '# YOUR CODE HERE\nraise NotImplementedError("Yours to write.")'
"""What stands for a body. nbgrader's `ClearSolutions.code_stub` should be the same for Python."""

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
INTERFACE = frozenset({"property", "staticmethod", "classmethod"})
"""Decorators of methods that say how a method is used; all others belong to the answer."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Starter:
    """The cell of an exercise, solved, and where its solution was written."""

    name: str
    solved: str
    file: str
    node: Function | ast.ClassDef

    @property
    def empty(self) -> str:
        return cleared(self.solved)

    @property
    def needs(self) -> dict[str, int]:
        """Names that the solution takes from earlier cells, with the line of `file` where each is used."""
        lines = {n.id: n.lineno for n in reversed(list(ast.walk(self.node))) if isinstance(n, ast.Name)}
        return {name: lines.get(name, self.node.lineno) for name in sorted(needed(self.solved))}


def starter(target: Callable[..., Any]) -> Starter:
    """The starter of a function or class of `solutions/`. AuthorErrors name the line of the solution."""
    file, node, lines = _found(target)
    if not ast.get_docstring(node):
        text = f"{node.name} has no docstring, but should have one: it is the prompt that the student reads."
        raise AuthorError(text, file=file, line=node.lineno)
    if isinstance(node, ast.ClassDef):
        solved = _class(inspect.unwrap(target), node, lines, file)
    else:
        solved = _function(node, lines, shapes_of(inspect.unwrap(target)), file)
    return Starter(node.name, "\n".join(solved), file, node)


def cleared(source: str) -> str:
    """The cell with every solution replaced by the stub, exactly as nbgrader's ClearSolutions does it."""
    kept, inside = list[str](), False
    for line in source.split("\n"):
        if BEGIN in line:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + stub for stub in STUB.split("\n")]
            inside = True
        elif END in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def _found(target: Callable[..., Any]) -> tuple[str, Function | ast.ClassDef, list[str]]:
    """The file, the syntax tree and the file's lines of a function or class at the top level of a module."""
    plain = inspect.unwrap(target)
    file = _file_of(plain)
    if file is None:
        raise AuthorError(f"{plain.__name__} has no source file, but should be written in a module of solutions/.")
    text = Path(file).read_text("utf-8")
    for node in reversed(ast.parse(text).body):
        if isinstance(node, Function | ast.ClassDef) and node.name == plain.__qualname__:
            return file, node, text.splitlines()
    raise AuthorError(
        f"{plain.__qualname__} is made inside something else, but an exercise should be a function or class at the top "
        "level of a module of solutions/.",
        file=file,
    )


def _file_of(target: Callable[..., Any]) -> str | None:
    """Where a function or class was written. Code knows it of itself, while `inspect` looks for a class in
    `sys.modules`, where another course may have taken its module's place since."""
    made = vars(target).values() if isinstance(target, type) else [target]
    codes = (getattr(inspect.unwrap(getattr(m, "__func__", m)), "__code__", None) for m in made)
    names = [code.co_filename for code in codes if code is not None]
    return next((name for name in names if Path(name).is_file()), None)


def _class(target: Callable[..., Any], node: ast.ClassDef, lines: list[str], file: str) -> list[str]:
    methods: list[Function] = []
    for statement in node.body[1:]:
        if not isinstance(statement, Function):
            text = f"{node.name} holds more than methods; move this statement into one, so that no answer is shown."
            raise AuthorError(text, file=file, line=statement.lineno)
        methods.append(statement)
    shown = [m for m in methods if not _private(m.name)]
    if not shown:
        raise AuthorError(f"{node.name} has no method for the student to write.", file=file, line=node.lineno)
    header = ast.ClassDef(node.name, node.bases, node.keywords, [ast.Pass()], [])
    out = ast.unparse(header).splitlines()[:-1]
    out += _docstring(ast.get_docstring(node) or "", " " * node.body[0].col_offset)
    for method in shown:
        say = shapes_of if ast.get_docstring(method) else line_of
        shapes = say(inspect.unwrap(_plain_method(target, method.name)), method=not _static(method))
        out += ["", *_function(method, lines, shapes, file)]
    hidden = [line for m in methods if _private(m.name) for line in ("", *_helper(m, lines))]
    # A private method is part of the answer: it goes before the end of the last solution, so that one stub covers both.
    return out[:-1] + hidden + out[-1:]


def _function(node: Function, lines: list[str], shapes: str, file: str) -> list[str]:
    indent = " " * (node.col_offset + 4)
    prompt = "\n\n".join(part for part in (ast.get_docstring(node), shapes) if part)
    body = _body(node, lines)
    if not body:
        raise AuthorError(f"{node.name} has a docstring but no body.", file=file, line=node.lineno)
    return [*_header(node), *_docstring(prompt, indent), indent + BEGIN, *body, indent + END]


def _helper(node: Function, lines: list[str]) -> list[str]:
    indent = " " * (node.col_offset + 4)
    return [*_header(node), *_docstring(ast.get_docstring(node) or "", indent), *_body(node, lines)]


def _header(node: Function) -> list[str]:
    """`def name(arguments):` without annotations."""
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    kept = [d for d in node.decorator_list if _word(d) in INTERFACE or getattr(d, "attr", "") == "setter"]
    bare = type(node)(name=node.name, args=node.args, body=[ast.Pass()], decorator_list=kept, lineno=node.lineno)
    return [" " * node.col_offset + line for line in ast.unparse(bare).splitlines()[:-1]]


def _body(node: Function, lines: list[str]) -> list[str]:
    """The lines after the signature and the docstring, comments included, as they stand in the file."""
    documented = ast.get_docstring(node) is not None
    statements = node.body[1:] if documented else node.body
    if not statements:
        return []
    first, last = statements[0], node.end_lineno or node.lineno
    if first.lineno == node.lineno:
        return [" " * (node.col_offset + 4) + lines[first.lineno - 1][first.col_offset :], *lines[first.lineno : last]]
    start = first.lineno
    while lines[start - 2].lstrip().startswith("#"):
        start -= 1
    return lines[start - 1 : last]


def _docstring(text: str, indent: str) -> list[str]:
    if not text:
        return []
    raw = "\\" in text and '"""' not in text and not text.endswith("\\")
    if not raw:
        text = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    first, *rest = text.split("\n")
    opening = indent + ('r"""' if raw else '"""') + first
    if not rest and not first.endswith('"'):
        return [opening + '"""']
    return [opening, *(indent + line if line.strip() else "" for line in rest), indent + '"""']


def _private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _static(node: Function) -> bool:
    return any(_word(d) == "staticmethod" for d in node.decorator_list)


def _word(decorator: ast.expr) -> str:
    return decorator.id if isinstance(decorator, ast.Name) else ""


def _plain_method(target: Any, name: str) -> Callable[..., Any]:
    found = inspect.getattr_static(target, name)
    found = getattr(found, "__func__", found)
    return found.fget if isinstance(found, property) else found  # type: ignore[return-value]
