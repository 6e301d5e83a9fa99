"""What `autograder.client` is while a submission is graded: the same names, and nothing happens.

A notebook's cells `check(f)`, `hint()` and `example()` run on, so that grading does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator
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
