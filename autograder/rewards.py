"""What of a notebook only shows something: functions decorated with `@reward`, as they were handed out.

They call what the student wrote, which takes more time than everything else in a notebook, and define nothing that
anything else uses. Where nobody looks at what a submission's cells put out, they need not run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache

from autograder.remembering import remembers

REWARD = "reward"


def only_defining(cells: Mapping[int, str], released: Iterable[str]) -> Mapping[int, str]:
    """What is left of those cells of a submission, by position, that are released ones, unchanged, and show something:
    the same without that, as far as it can be left out. Nothing may be left.

    A cell that mentions such a function by its name may need it. And code that keeps something from one call to the
    next (`remembers`) may answer otherwise when it has not been called, so that all must run.
    """
    handed_out = {source.strip() for source in released}
    unchanged = {place: source for place, source in cells.items() if source.strip() in handed_out}
    found = {place: parts for place, source in unchanged.items() if (parts := _parts(source))[1]}
    if not found:
        return {}
    others = "\n".join(found[place][0] if place in found else source for place, source in cells.items())
    left = {
        place: rest
        for place, (rest, names) in found.items()
        if not any(re.search(rf"\b{re.escape(name)}\b", others) for name in names)
    }
    own = [source for place, source in cells.items() if place not in unchanged]
    shown = [unchanged[place] for place in left]
    return {} if remembers(own, unchanged.values(), called_by=shown) else left


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
        match node:
            case ast.FunctionDef(name=str(name), decorator_list=[ast.Name(id=decorator)]) if decorator == REWARD:
                begin, end = node.decorator_list[0].lineno - 1, node.end_lineno or node.lineno
                lines[begin:end] = [""] * (end - begin)
                names.append(name)
    rest = "\n".join(lines)
    return (rest if ast.parse(rest).body else ""), tuple(names)
