"""The visible sheet beside a notebook: finding it, reading it once, and running its checks in this very process.

Here the code and the machine are the student's own, so nothing is protected and nothing is worth protecting: the sheet
holds no hidden check. Opens no other file than sheets of the current folder.
"""

from __future__ import annotations
import __future__

import difflib
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autograder.estimators import conforms
from autograder.invoke import load_given
from autograder.judge import Result
from autograder.laws import Subject, close, judge_law, refusal
from autograder.records import ExerciseSheet, Sheet
from autograder.sandbox.local import LocalStudent
from autograder.wire import Malformed, from_text

START = '{"tree"'


class Trouble(LookupError):
    """The request cannot be met; the message tells the student what to do. IPython shows the message alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Loaded:
    """A sheet read from `path`, its helpers and laws brought to life."""

    path: Path
    sheet: Sheet
    given: Mapping[str, Callable[..., Any]]
    laws: Mapping[str, Callable[..., Any]]

    def exercise(self, name: str) -> ExerciseSheet:
        return next(e for e in self.sheet.exercises if e.name == name)

    def law_source(self, name: str, label: str) -> str:
        return self.sheet.laws[f"{name}/{label}"]


def sheets_here(folder: Path) -> tuple[Loaded, ...]:
    """Every visible sheet of the folder. A file that has not changed is not read again."""
    found = (_load(p, s.st_mtime_ns, s.st_size) for p in sorted(folder.glob("*.json")) for s in [p.stat()])
    return tuple(loaded for loaded in found if loaded is not None)


def find(name: str, folder: Path) -> Loaded:
    """The sheet that holds the exercise `name`, or Trouble that says how to get one."""
    sheets = sheets_here(folder)
    if not sheets:
        raise Trouble(
            "There is no sheet of checks beside this notebook. A chapter comes as two files, for example kernel.ipynb "
            f"and kernel.json: put the .json file into the notebook's folder ({folder.name or folder}/) and run this "
            "cell again."
        )
    holding = [s for s in sheets if name in names(s)]
    if len(holding) > 1:
        files = " and ".join(s.path.name for s in holding)
        raise Trouble(f"{files} both hold {name}. Keep the newest one in this folder, and move the others away.")
    if holding:
        return holding[0]
    known = [n for s in sheets for n in names(s)]
    close_ = difflib.get_close_matches(name, known, 1)
    guess = f" Did you mean {close_[0]}?" if close_ else ""
    raise Trouble(f"{name} is no exercise of this chapter.{guess} Its exercises are {', '.join(known)}.")


def names(loaded: Loaded) -> tuple[str, ...]:
    return tuple(e.name for e in loaded.sheet.exercises)


def resolve(target: Any, folder: Path) -> tuple[str, Any]:
    """The exercise's name and the object to check, for what a student wrote between the brackets of `check()`.

    An object is known by its own name, or by the name that it has in the notebook (`rbf_kernel = jax.jit(mine)`).
    """
    notebook = vars(sys.modules["__main__"])
    if isinstance(target, str):
        return target, notebook.get(target)
    known = [n for s in sheets_here(folder) for n in names(s)]
    bound = [n for n in known if notebook.get(n) is target]
    name = getattr(target, "__name__", None)
    if bound:
        return (name if name in bound else bound[0]), target
    if name in known:
        return name, target
    kind = type(target).__name__
    if kind in known:
        raise Trouble(f"This is an object made from {kind}. Pass the class itself: check({kind}).")
    if not callable(target):
        raise Trouble(
            f"This is {kind!r} and no function. Name the function itself, without brackets and arguments: "
            f"check({known[0] if known else 'rbf_kernel'})."
        )
    find(str(name), folder)  # says that there is no sheet, or which names there are
    raise AssertionError("a name that is unknown cannot be found")


def answers(loaded: Loaded, name: str, target: Any) -> list[Result]:
    """What came back for every visible check of the exercise, in the sheet's order."""
    exercise, sheet = loaded.exercise(name), loaded.sheet
    with quiet(), precise(sheet.arrays), LocalStudent({name: target}, loaded.given, sheet.arrays) as student:
        subject = Subject(student, name, exercise.signatures, lambda: math.inf)
        return [
            student.call(name, check.call, seconds=math.inf)
            if check.call is not None
            else judge_law(loaded.laws[f"{name}/{check.label}"], subject, check.seed)
            for check in exercise.checks
        ]


def quiet() -> AbstractContextManager[Any]:
    """While inside, a warning is only shown, even where the notebook turned warnings into errors."""
    return warnings.catch_warnings(action="default")


def precise(arrays: Literal["jax", "numpy"]) -> AbstractContextManager[Any]:
    """While inside, matrix products on an accelerator keep all of float32, as they do when the course is graded."""
    if arrays != "jax":
        return nullcontext()
    import jax

    if jax.default_backend() == "cpu":
        return nullcontext()
    highest: AbstractContextManager[Any] = jax.default_matmul_precision("highest")
    return highest


@lru_cache(maxsize=16)
def _load(path: Path, mtime: int, size: int) -> Loaded | None:
    """The sheet in this file as it is now, or None where the file is something else."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not text.lstrip("\ufeff \n").startswith(START):
        return None
    try:
        sheet = from_text(text.lstrip("\ufeff"))
    except (Malformed, TypeError):
        sheet = None
    if not isinstance(sheet, Sheet):
        raise Trouble(
            f"{path.name} cannot be read. Download it again; if that does not help, the chapter is newer than your "
            "installation: take the package autograder from where your course gives it, too."
        )
    return Loaded(path, sheet, load_given(sheet.given), dict(_laws(sheet)))


def _laws(sheet: Sheet) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The laws whose source the sheet carries. They see `_LAW_NAMES`, nothing else."""
    for title, source in sheet.laws.items():
        namespace: dict[str, Any] = {"np": np, "close": close, "conforms": conforms, "refusal": refusal}
        if "jax" in source or "jnp" in source:
            import jax
            import jax.numpy as jnp

            namespace.update(jax=jax, jnp=jnp)
        exec(compile(source, f"<law {title}>", "exec", __future__.annotations.compiler_flag), namespace)
        yield title, next(v for k, v in namespace.items() if k not in _LAW_NAMES and callable(v))


_LAW_NAMES = frozenset({"np", "jax", "jnp", "close", "conforms", "refusal", "__builtins__"})
