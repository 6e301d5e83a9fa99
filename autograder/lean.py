"""Libraries without what nobody here uses of them, which would take a third of a command's start."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

LEFT_OUT = {
    # Checking addresses in other alphabets, for which 39 grammars are compiled; files of a running Jupyter server.
    "jupytext": ("rfc3987_syntax", "jupyter_server"),
    # It is imported and never used: a table is known by what its own module has loaded.
    "sklearn": ("pandas",),
    # Models for scikit-learn, pictures, and data that comes as tables.
    "keras": ("sklearn", "matplotlib", "pandas"),
}
"""What each library can do without: it imports these itself, and goes on where they are missing."""


@contextmanager
def lean(*libraries: str) -> Iterator[None]:
    """While inside, these libraries (all that are known, if none is named) are imported without what is `LEFT_OUT`.

    Whoever has loaded what is left out keeps it, and whoever imports it later gets it.
    """
    finder = _Finder(libraries or LEFT_OUT)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def _absent(names: Sequence[str]) -> Iterator[None]:
    """While inside, modules of these names that have not been imported cannot be."""
    known: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    missing = [name for name in names if name not in known]
    for name in missing:
        known[name] = None  # which is how Python says that there is none
    try:
        yield
    finally:
        for name in missing:
            del known[name]


class _Finder(MetaPathFinder):
    """Finds the libraries of these names where Python does, and has them loaded without what is left out."""

    def __init__(self, libraries: Collection[str]):
        self._libraries = libraries

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self._libraries else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, LEFT_OUT[fullname])
        return spec


class _Loader(Loader):
    """A library's own loader, which it gets back before its first line runs."""

    def __init__(self, own: Loader, left_out: Sequence[str]):
        self._own, self._left_out = own, left_out

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._own
        if module.__spec__ is not None:
            module.__spec__.loader = self._own
        with _absent(self._left_out):
            self._own.exec_module(module)
