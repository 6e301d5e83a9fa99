"""Cells of a notebook that only show something: functions decorated with `@reward`, as they were handed out.

They call what the student wrote, which takes time, and define nothing that anything else uses. Where a submission's
cells run once more, only to define its functions again, they need not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

REWARD = "reward"


def only_shown(cells: Mapping[int, str], released: Iterable[str]) -> frozenset[int]:
    """The positions of a submission's cells that are released ones, unchanged, and only show something.

    A cell of the student's that mentions such a function, by its name, may need it.
    """
    known = {source.strip(): name for source in released if (name := _shown(source))}
    found = {position: known[source.strip()] for position, source in cells.items() if source.strip() in known}
    others = "\n".join(source for position, source in cells.items() if position not in found)
    return frozenset(p for p, name in found.items() if not re.search(rf"\b{re.escape(name)}\b", others))


def _shown(source: str) -> str | None:
    """The name of the function that is all there is in this cell, if `@reward` decorates it and nothing else."""
    if f"@{REWARD}" not in source:
        return None
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return None
    match body:
        case [ast.FunctionDef(name=str(name), decorator_list=[ast.Name(id=decorator)])] if decorator == REWARD:
            return name
    return None
