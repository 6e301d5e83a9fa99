"""What students use of `autograder` and `otter` while a submission is graded: the same names, and nothing happens.

A notebook's cells `check(f)`, `hint()`, `example()` and `grader.check("f")`, and the one that gets the sheet, run on,
so that grading does not depend on them.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any


class Nothing:
    """Stands for any answer: empty, and every attribute, item and call of it is nothing again."""

    def __call__(self, *args: Any, **keywords: Any) -> Nothing:
        return self

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("_"):  # the many hooks by which displays and copies ask what an object can do
            raise AttributeError(name)
        return self

    def __getitem__(self, index: Any) -> Nothing:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return ""

    def _ipython_display_(self) -> None:
        """A cell that ends in `check(f)` puts out nothing."""


def check(*args: Any, **keywords: Any) -> Nothing:
    """Nothing that has passed: the checks run after the notebook has, and `if check(f).passed:` skips its reward."""
    return Nothing()


def hint(*args: Any, **keywords: Any) -> Nothing:
    """Nothing."""
    return Nothing()


def example(*args: Any, **keywords: Any) -> Nothing:
    """Nothing that can be passed on."""
    return Nothing()


def get_sheet(*args: Any, **keywords: Any) -> None:
    """Fetches nothing and says nothing: no sheet is needed here."""


def silence_client() -> Callable[[], None]:
    """Puts what is here in the place of `autograder.client`, of `autograder.beside` and of Otter. What it returns
    undoes that."""
    import autograder

    undone = [
        _replace(autograder, "client", check=check, hint=hint, example=example),
        _replace(autograder, "beside", get_sheet=get_sheet),
        _replace(None, "otter", Notebook=Nothing()),
    ]

    def undo() -> None:
        for one in undone:
            one()

    return undo


def _replace(package: types.ModuleType | None, module: str, **names: Any) -> Callable[[], None]:
    name, missing = f"{package.__name__}.{module}" if package else module, object()
    shelf = vars(package) if package else {}
    before = sys.modules.get(name), shelf.get(module, missing)
    silent = types.ModuleType(name, __doc__)
    silent.__dict__.update(names)
    sys.modules[name] = shelf[module] = silent

    def undo() -> None:
        loaded, attribute = before
        if loaded is None:
            del sys.modules[name]
        else:
            sys.modules[name] = loaded
        if attribute is missing:
            del shelf[module]
        else:
            shelf[module] = attribute

    return undo
