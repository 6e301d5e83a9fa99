"""Which names of a student's cells are tables: written down once, and only ever looked up in."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

LOOKS_UP = {"count", "get", "index", "items", "keys", "values"}


def tables(
    own: Sequence[ast.Module], objects: Collection[str], elsewhere: Collection[str], modules: Collection[str]
) -> set[str]:
    """The names that `own` cells bind once, to a list or a dictionary of constants and functions, and that are
    mentioned nowhere but where something is looked up. What stands in them can be changed as little as they.

    `objects` are the names that stand for anything but functions, classes, modules and constants; `elsewhere` are those
    that other cells mention.
    """
    found = {
        target.id: target
        for tree in own
        for target, parts in _written(tree.body)
        if target.id not in elsewhere and all(_lasting(part, objects, modules) for part in parts)
    }
    if not found:
        return set()
    looked_up = {id(node) for tree in own for node in _looked_up(tree)}
    for tree in own:
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) if found.get(name) is not node and id(node) not in looked_up:
                    found.pop(name, None)
                case ast.Global(names=names) | ast.Nonlocal(names=names):
                    for name in names:
                        found.pop(name, None)
    return set(found)


def _written(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.Name, Sequence[ast.expr | None]]]:
    """The names that are bound to a list or a dictionary as it stands there, and its parts."""
    for node in body:
        match node:
            case (
                ast.Assign(targets=[ast.Name() as target], value=value)
                | ast.AnnAssign(target=ast.Name() as target, value=value)
            ):
                match value:
                    case ast.List(elts=parts) | ast.Set(elts=parts) | ast.Tuple(elts=parts):
                        yield target, parts
                    case ast.Dict(keys=keys, values=parts):
                        yield target, (*keys, *parts)


def _lasting(part: ast.expr | None, objects: Collection[str], modules: Collection[str]) -> bool:
    """Whether this is a constant or a function."""
    match part:
        case ast.Constant() | ast.Lambda():
            return True
        case ast.Name(id=name):
            return name not in objects
        case ast.Attribute(value=ast.Name(id=name)) | ast.Attribute(value=ast.Attribute(value=ast.Name(id=name))):
            return name in modules and name not in objects
        case ast.UnaryOp(operand=operand):
            return _lasting(operand, objects, modules)
        case ast.Tuple(elts=parts):
            return all(_lasting(inner, objects, modules) for inner in parts)
    return False


def _looked_up(tree: ast.AST) -> Iterator[ast.expr]:
    """What stands where something is looked up in it."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=value, ctx=ast.Load()):
                yield value
            case ast.Attribute(value=value, attr=attr) if attr in LOOKS_UP:
                yield value
            case ast.Compare(ops=ops, comparators=others) if all(isinstance(op, ast.In | ast.NotIn) for op in ops):
                yield from others
            case ast.For(iter=value) | ast.comprehension(iter=value):
                yield value
