"""What `autograder.client` and `otter` are while a submission is graded: the same names, and nothing happens.

A notebook's cells `check(f)`, `hint()`, `example()` and `grader.check("f")` run on, so that grading does not depend on
them.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, cast


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


def silence_client() -> Callable[[], None]:
    """Puts what is here in the place of `autograder.client` and of Otter. What it returns undoes that."""
    import autograder

    names = {"check": check, "hint": hint, "example": example}
    client, otter = types.ModuleType("autograder.client", __doc__), types.ModuleType("otter", __doc__)
    client.__dict__.update(names)
    otter.__dict__.update(Notebook=Nothing())
    missing = object()
    before = {name: sys.modules.get(name, missing) for name in ("autograder.client", "otter")}
    attribute = vars(autograder).get("client", missing)
    sys.modules["autograder.client"] = vars(autograder)["client"] = client
    sys.modules["otter"] = otter

    def undo() -> None:
        for name, module in before.items():
            if module is missing:
                del sys.modules[name]
            else:
                sys.modules[name] = cast(types.ModuleType, module)
        if attribute is missing:
            del vars(autograder)["client"]
        else:
            vars(autograder)["client"] = attribute

    return undo
