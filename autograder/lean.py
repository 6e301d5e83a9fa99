"""Libraries without what nobody here uses of them, which would take a third of a command's start."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

LEFT_OUT = {
    # Checking addresses in other alphabets, for which 39 grammars are compiled; files of a running Jupyter server.
    "jupytext": ("rfc3987_syntax", "jupyter_server"),
    # It is imported and never used: a table is known by what its own module has loaded.
    "sklearn": ("pandas",),
    # Pictures of models, and data that comes as tables.
    "keras": ("matplotlib", "pandas"),
}
"""What each library can do without: it imports these itself, and goes on where they are missing."""

PUT_OFF = (
    *("keras._tf_keras.keras.wrappers", "keras.wrappers", "scipy.stats"),
    *("keras.src.trainers.data_adapters.array_slicing", "tensorflow._api.v2.compat"),
    *("tensorflow._api.v2.lite", "tensorflow._api.v2.tpu", "matplotlib.pyplot"),
)
"""What libraries import for the few who need it. Keras's wrappers need scikit-learn, which needs SciPy's statistics;
its cutting of data needs pandas. TensorFlow has all of its earlier self, and what is for telephones and for TPUs. What
plots is imported by every notebook, and used where somebody looks."""


@contextmanager
def lean(*names: str) -> Iterator[None]:
    """While inside, of these modules (all that are known, if none is named) libraries are imported without what is
    `LEFT_OUT`, and those of `PUT_OFF` when somebody first reads a name of theirs.

    Whoever has loaded what is left out keeps it, and whoever imports it later gets it.
    """
    finder = _Finder(names or (*LEFT_OUT, *PUT_OFF))
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
    """Finds modules of these names where Python does, and has them loaded leanly."""

    def __init__(self, names: Collection[str]):
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Stands before a library's own loader, which the module has back before its first line runs."""

    def __init__(self, own: Loader):
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._own
        if module.__spec__ is not None:
            module.__spec__.loader = self._own
        if module.__name__ in PUT_OFF:
            module.__class__ = _Later
            return
        with _absent(LEFT_OUT[module.__name__]):
            self._own.exec_module(module)


class _Later(ModuleType):
    """A module that is loaded when a name of it is first read, or set."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # which importing itself asks for
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None and self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__") and not isinstance(value, ModuleType):  # a part of it that has been imported
            getattr(self, "__all__", None)
        ModuleType.__setattr__(self, name, value)  # it may be no `_Later` any more
