"""What of a notebook only shows something: functions decorated with `@reward`, as they were handed out.

They call what the student wrote, which takes more time than everything else in a notebook, and define nothing that
anything else uses. Where nobody looks at what a submission's cells put out, they need not run, unless the student's
code may remember that it was called (`remembering`). Of the student's cells nothing is parsed here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from autograder.remembering import REWARD, only_shows


@dataclass(frozen=True)
class Defining:
    """What is `left` of cells that show something, by position, without that: nothing may be. The others are the
    student's `own` cells, those that are `given` and unchanged, and of these the ones that would call the student's."""

    left: Mapping[int, str]
    own: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    calling: tuple[str, ...] = ()


def only_defining(cells: Mapping[int, str], released: Iterable[str]) -> Defining:
    """What a submission's cells are without what only shows something, where that is released and unchanged, and no
    other cell mentions it by its name, because it may need it."""
    handed_out = {source.strip() for source in released}
    unchanged = {place: source for place, source in cells.items() if source.strip() in handed_out}
    found = {place: parts for place, source in unchanged.items() if (parts := _parts(source))[1]}
    others = "\n".join(found[place][0] if place in found else source for place, source in cells.items())
    left = {
        place: rest
        for place, (rest, names) in found.items()
        if not any(re.search(rf"\b{re.escape(name)}\b", others) for name in names)
    }
    own = tuple(source for place, source in cells.items() if place not in unchanged)
    return Defining(left, own, tuple(unchanged.values()), tuple(unchanged[place] for place in left))


@cache
def _parts(source: str) -> tuple[str, tuple[str, ...]]:
    """A cell without its rewards, every line in its place, and the names of these."""
    if f"@{REWARD}" not in source:
        return source, ()
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return source, ()
    lines, names = source.splitlines(), []
    for node in body:
        if isinstance(node, ast.FunctionDef) and only_shows(node):
            begin, end = node.decorator_list[0].lineno - 1, node.end_lineno or node.lineno
            lines[begin:end] = [""] * (end - begin)
            names.append(node.name)
    rest = "\n".join(lines)
    return (rest if ast.parse(rest).body else ""), tuple(names)
