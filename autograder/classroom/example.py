"""Cells of those who made a mistake -> one definition that shows it, without who wrote it. Pure; nothing is run.

Comments and texts are cut, since people write their names there. The names of variables stay: code that still holds a
part of its author's own name is not shown, and no more can be promised.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence

MAX_LINES, MAX_WIDTH = 40, 120
"""Longer code shows no single mistake."""

MAX_CELL = 20_000
"""Characters of a cell that is looked at."""

CUT = "'…'"
SUBSCRIPTS = re.compile(r"""["'][a-zA-Z.]{0,4}(, ?[a-zA-Z.]{0,4}){0,3} ?-> ?[a-zA-Z.]{0,4}["']""")
"""Of `einsum`: the one kind of text that is part of a computation, and often the mistake itself."""


def anonymous(cells: Mapping[str, Sequence[str]], exercise: str) -> str:
    """The shortest definition of `exercise` among the cells of several students; nothing where none can be shown."""
    found = (shown for student, theirs in cells.items() if (shown := _shown(theirs, exercise, student)))
    return min(found, key=lambda code: (len(code), code), default="")


def _shown(cells: Sequence[str], exercise: str, student: str) -> str:
    """A student's last definition of an exercise, if it is short and does not tell who wrote it."""
    begins = re.compile(rf"^(?:def|class)[ \t]+{re.escape(exercise)}\b", re.MULTILINE)
    defined = [source for source in cells if len(source) <= MAX_CELL and begins.search(source)]
    if not defined:
        return ""
    source = defined[-1]
    code = _without_texts(source[[m.start() for m in begins.finditer(source)][-1] :])
    lines = code.split("\n")
    if len(lines) < 2 or len(lines) > MAX_LINES or max(map(len, lines)) > MAX_WIDTH:
        return ""
    own = [part for part in re.split(r"[\W\d_]+", student.casefold()) if len(part) > 2]
    return "" if any(part in code.casefold() for part in own if part not in exercise.casefold()) else code


def _without_texts(source: str) -> str:
    """The definition at the beginning of `source`, without comments and texts. Nothing if it is no Python."""
    kept: list[tokenize.TokenInfo] = []
    depth = 0
    try:
        for token in _tokens(source):
            if token.start[1] == 0 and token.start[0] > 1 and depth == 0:
                break
            depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
            kept.append(token)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return ""
    rows = source.split("\n")
    lines: dict[int, str] = {}
    ends = {0: 0}
    for token in kept:
        (row, begin), (last, end) = token.start, token.end
        before = rows[row - 1][ends.get(row, 0) : begin] if row <= len(rows) else ""
        lines[row] = lines.get(row, "") + before + token.string.rstrip("\n")
        ends[last] = end
    return "\n".join(line.rstrip() for line in lines.values() if line.strip() not in ("", CUT))


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens that can be seen, with every text cut. A ValueError for what could hide one."""
    unseen = (tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and not SUBSCRIPTS.fullmatch(token.string):
            yield token._replace(string=CUT)
        elif tokenize.tok_name[token.type] == "ERRORTOKEN" or tokenize.tok_name[token.type].startswith("FSTRING"):
            raise ValueError("there may be text in here")
        elif token.type not in unseen:
            yield token
