"""What of a notebook only shows something: functions decorated with `@reward`, as they were handed out.

They call what the student wrote, which takes more time than everything else in a notebook, and define nothing that
anything else uses. Where nobody looks at what a submission's cells put out, they need not run, unless the student's
code may remember that it was called (`remembering`). Of the student's cells nothing is parsed here.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from autograder.demonstrations import Part, changes_given, needed, parts_of
from autograder.remembering import REWARD, Around, around, only_shows


@dataclass(frozen=True)
class Defining:
    """A submission's cells: what is `left` of those that show something, by their positions, without that: nothing may
    be, the names that such a cell `mentions`, and those that may be `changing` what is given. The others are the
    student's `own`, and those that are given and unchanged, with what there is to know of each as `parts`, and of all
    of them `around` the student's: None if they cannot be read."""

    left: Mapping[int, str]
    own: tuple[str, ...] = ()
    around: Around | None = None
    parts: Mapping[int, Part] = field(default_factory=dict)
    mentions: Mapping[int, frozenset[str]] = field(default_factory=dict)
    changing: frozenset[int] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Of these it matters what the student's cells do with them."""
        return frozenset().union(*(part.binds | part.reads for part in self.parts.values()), *self.mentions.values())

    def without(
        self, mentioned: Collection[str], changed: Collection[str], keeping: Collection[str] | None = None
    ) -> Mapping[int, str]:
        """What is left of cells without demonstrations either, where the student's cells have `mentioned` and `changed`
        these names. If something may be kept behind those that are `keeping`, what reaches one of these runs, and what
        changes anything given, because what is kept may be that under another name."""
        reached = self._reaching(frozenset(keeping or ()))
        showing = (
            set() if keeping is None else {p for p in self.left if p in self.changing or self.mentions[p] & reached}
        )
        names = frozenset(mentioned).union(*(self.mentions[place] for place in showing))
        runs = needed(self.parts, names, reached.union(changed))
        left = {**self.left, **{place: part.imports for place, part in self.parts.items() if place not in runs}}
        return {place: rest for place, rest in left.items() if place not in showing}

    @property
    def digest(self) -> str:
        """Of all that the student's cells are read for: while it stays, so does what was read."""
        asked = json.dumps([self.own, self.around and vars(self.around), sorted(self.names)])
        return hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()

    @property
    def told(self) -> bool:
        """Whether it can be told of all given cells which names they mention."""
        return Part() not in (part for place, part in self.parts.items() if self.left.get(place) != "")

    def _reaching(self, found: frozenset[str]) -> frozenset[str]:
        """These names, and those of given functions that mention one of them."""
        while new := {name for p in self.parts.values() if p.reads & found for name in p.binds} - found:
            found |= new
        return found


def check_of(exercise: str) -> str:
    """The cell after each task, with which students check what they have written."""
    return f"check({exercise})"


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
    given = tuple(left.get(place, source) for place, source in unchanged.items())
    return Defining(
        left,
        own=tuple(source for place, source in cells.items() if place not in unchanged),
        around=around(tuple(unchanged.values()), tuple(unchanged[place] for place in left)),
        parts=dict(zip(unchanged, parts_of(given), strict=True)),
        mentions={place: _mentioned(unchanged[place]) for place in left},
        changing=frozenset(place for place in left if changes_given(unchanged[place], given)),
    )


@cache
def _mentioned(source: str) -> frozenset[str]:
    nodes = [*ast.walk(ast.parse(source))]
    shared = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
    return frozenset(shared | {node.id for node in nodes if isinstance(node, ast.Name)})


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
