"""jupytext without what a grader never uses of it, which would take a second of every command."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

LEFT_OUT = ("rfc3987_syntax", "jupyter_server")
"""Checking addresses in other alphabets, for which 39 grammars are compiled; and files of a running Jupyter server."""


def jupytext() -> Any:
    """The library, and nbformat with it. Whoever has loaded what is left out here keeps it."""
    known: dict[str, ModuleType] = sys.modules
    missing: list[str] = [name for name in LEFT_OUT if name not in known] if "jupytext" not in known else []
    for name in missing:
        sys.modules[name] = None  # type: ignore[assignment]  # which is how Python says that there is none
    try:
        import jupytext as library
    finally:
        for name in missing:
            del sys.modules[name]
    return library
