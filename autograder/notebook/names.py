"""Which names a piece of notebook code defines, and which it needs from the cells before it. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

BUILTIN = frozenset(vars(builtins)) | {"__name__", "get_ipython", "display"}
EVERYTHING = "*"
"""Stands among the defined names once a cell has imported a module's names by a star."""


def defined(source: str) -> frozenset[str]:
    """The names that running this cell binds. Raises SyntaxError where it is neither Python nor IPython."""
    code = _python(source)
    top, *inner = _tables(symtable.symtable(code, "cell", "exec"))
    names = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    names |= {s.get_name() for t in inner for s in t.get_symbols() if s.is_declared_global() and s.is_assigned()}
    stars = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom) and n.names[0].name == "*")
    return frozenset(names | ({EVERYTHING} if any(stars) else set()))


def needed(source: str) -> frozenset[str]:
    """The names that this code takes from outside: all that its functions or itself use and do not bind."""
    top, *inner = _tables(symtable.symtable(source, "cell", "exec"))
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    used |= {s.get_name() for t in inner for s in t.get_symbols() if s.is_global() and s.is_referenced()}
    return frozenset(used - bound - BUILTIN)


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _python(source: str) -> str:
    """The cell as plain Python: magics and shell lines become calls."""
    try:
        ast.parse(source)
        return source
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
