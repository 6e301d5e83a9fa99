"""Running mutants of a reference until a check notices them."""

from __future__ import annotations

import ast
import inspect
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from autograder.author import Exercise
from autograder.errors import AuthorError
from autograder.records import ExerciseSheet
from autograder.verify.mutate import Mutant, mutants
from autograder.verify.trial import Helpers, ask, passes

SECONDS = 5.0
"""How long a mutant may take for one check. What takes longer is killed."""


class OutOfTime(BaseException):
    """The alarm rang. No `except Exception` of a mutant's catches it."""


def mutants_of(exercise: Exercise, references: Collection[Any]) -> tuple[Mutant, ...]:
    """The mutants of a reference and of the functions of its module that it uses, other references excepted."""
    names = namespace_of(exercise.target)
    tree = ast.parse(Path(code_of(exercise.target).co_filename).read_text("utf-8"))
    wanted = _used(tree, names, exercise.name, references)
    kept: list[ast.stmt] = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name in wanted]
    if not kept:
        return ()
    modules = {name for name, value in names.items() if isinstance(value, ModuleType)}
    return tuple(mutants(ast.Module(kept, []), modules))


def notices(mutant: Mutant, exercise: Exercise, sheets: Sequence[ExerciseSheet], given: Helpers) -> bool:
    """Whether some check of `sheets` fails for the mutant."""
    seconds = SECONDS
    try:
        with alarm(seconds):
            namespace = dict(namespace_of(exercise.target))
            exec(compile(mutant.source, "<mutant>", "exec"), namespace)
        function = namespace[exercise.name]
        return any(_fails(function, exercise, sheet, given, seconds) for sheet in sheets)
    except (Exception, OutOfTime):
        return True


def _fails(
    function: Callable[..., Any], exercise: Exercise, sheet: ExerciseSheet, given: Helpers, seconds: float
) -> bool:
    for check in sheet.checks:
        with alarm(seconds), redirect_stdout(StringIO()):
            result = ask(function, exercise, sheet, check, given)
        if not passes(sheet, check, result):
            return True
    return False


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ends Python code after `seconds`. Native code that never returns is ended by `pool`, with its process."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, should a bare `except:` have caught it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def namespace_of(target: Callable[..., Any]) -> Mapping[str, Any]:
    """The globals of the module that a function or class was written in."""
    return _function_of(target).__globals__


def code_of(target: Callable[..., Any]) -> CodeType:
    """The code of a function, or of the first method of a class: where its file and line are told."""
    return _function_of(target).__code__


def _function_of(target: Any) -> FunctionType:
    inner = inspect.unwrap(target)
    if isinstance(inner, type):
        return next(v for v in vars(inner).values() if isinstance(v, FunctionType))
    if not isinstance(inner, FunctionType):
        raise AuthorError(f"{getattr(target, '__name__', target)} should be a Python function or class.")
    return inner


def _used(tree: ast.Module, names: Mapping[str, Any], name: str, references: Collection[Any]) -> set[str]:
    """`name`, and what it uses of its own module, again and again."""
    definitions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    others = {id(r) for r in references}
    found, queue = {name} & definitions.keys(), [name]
    while queue:
        for node in ast.walk(definitions.get(queue.pop(), ast.Pass())):
            used = getattr(node, "id", "")
            value = names.get(used)
            own = isinstance(value, FunctionType | type) and used in definitions
            if own and used not in found and id(value) not in others:
                found.add(used)
                queue.append(used)
    return found
