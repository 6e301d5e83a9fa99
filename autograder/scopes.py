"""The names of a cell that it shares with other cells, as Python itself tells them."""

from __future__ import annotations

import symtable
from collections.abc import Iterator

IMMEDIATE = {"dictcomp", "genexpr", "listcomp", "setcomp"}
"""Scopes that are no functions which somebody calls later."""


def bound(cell: str) -> frozenset[str]:
    """The names that a cell binds for others. Raises a SyntaxError where it is no Python."""
    return frozenset(
        symbol.get_name()
        for table in _tables(_module(cell))
        for symbol in table.get_symbols()
        if (symbol.is_assigned() or symbol.is_imported()) and _shared(table, symbol)
    )


def mentioned(cell: str) -> frozenset[str]:
    """The names that a cell binds for others, or reads where another one may have bound them."""
    tables = _tables(_module(cell))
    return frozenset(s.get_name() for table in tables for s in table.get_symbols() if _shared(table, s))


def deferred(cell: str) -> frozenset[str]:
    """The names that a cell's functions read or change when somebody calls them."""
    tables = [t for t in _tables(_module(cell)) if t.get_type() != "module" and t.get_name() not in IMMEDIATE]
    return frozenset(s.get_name() for table in tables for s in table.get_symbols() if _shared(table, s))


def _module(cell: str) -> symtable.SymbolTable:
    return symtable.symtable(cell, "cell", "exec")


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _shared(table: symtable.SymbolTable, symbol: symtable.Symbol) -> bool:
    return table.get_type() == "module" or symbol.is_global()
