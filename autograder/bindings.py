"""What the names of a cell stand for, read off its tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

WRAPS_A_FUNCTION = {"checkpoint", "grad", "hessian", "jacfwd", "jacrev", "jit", "partial", "value_and_grad", "vmap"}
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def names_in(trees: Iterable[ast.AST]) -> set[str]:
    return {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}


def free_names(node: ast.AST, own: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names in this part of a cell, and those of modules that it imports, but what functions in it bind, or what is
    their `own` around it."""
    match node:
        case ast.Name(id=name) if name not in own:
            yield name
        case ast.Import(names=found):
            yield from (alias.name.partition(".")[0] for alias in found)
        case ast.ImportFrom(module=str(module)):
            yield module.partition(".")[0]
    inside = own | names_of(node) if isinstance(node, DEFINES) else own
    for child in ast.iter_child_nodes(node):
        yield from free_names(child, inside)


def modules_in(trees: Iterable[ast.AST]) -> set[str]:
    """The names under which modules are imported."""
    imports = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Import))
    return {(alias.asname or alias.name).partition(".")[0] for node in imports for alias in node.names}


def objects(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that these statements, outside of functions, bind to anything but functions, classes, modules and
    constants."""
    for node in here(body):
        match node:
            case ast.Assign(targets=targets, value=value) if not fixed(value):
                yield from (name for target in targets for name in _bound(target))
            case ast.AnnAssign(target=target, value=ast.expr() as value) if not fixed(value):
                yield from _bound(target)
            case ast.AugAssign(target=target) | ast.For(target=target) | ast.NamedExpr(target=target):
                yield from _bound(target)
            case ast.withitem(optional_vars=ast.expr() as target):
                yield from _bound(target)


def bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement binds outside of functions, or those of objects of which it changes a part."""
    names = set[str]()
    for part in here([node]):
        match part:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                names.add(root(part))
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in found}
    return names - {""}


def fixed(value: ast.expr) -> bool:
    """Whether this is a constant, or a function made of functions."""
    match value:
        case ast.Constant() | ast.Lambda():
            return True
        case ast.UnaryOp(operand=operand):
            return fixed(operand)
        case ast.BinOp(left=left, right=right):
            return fixed(left) and fixed(right)
        case ast.Tuple(elts=parts):
            return all(map(fixed, parts))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=named):
            parts = [*args, *(keyword.value for keyword in named)]
            return name in WRAPS_A_FUNCTION and all(isinstance(part, ast.Name) or fixed(part) for part in parts)
    return False


def names_of(node: ast.AST) -> frozenset[str]:
    """The names that a function binds, its arguments among them. A class binds none for the functions in it."""
    match node:
        case ast.Lambda(args=args, body=body):
            parts: list[ast.AST] = [body]
        case ast.FunctionDef(args=args, body=statements) | ast.AsyncFunctionDef(args=args, body=statements):
            parts = list(statements)
        case _:
            return frozenset()
    names = {arg.arg for arg in ast.walk(args) if isinstance(arg, ast.arg)}
    for part in here(parts):
        match part:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in found}
    return frozenset(names)


def here(parts: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All of these, but not what is inside of functions and classes."""
    for part in parts:
        yield part
        if not isinstance(part, DEFINES):
            yield from here(ast.iter_child_nodes(part))


def _bound(target: ast.AST) -> Iterator[str]:
    """The names in what is assigned to: also that of an object of which only a part is."""
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def root(node: ast.AST) -> str:
    """What a chain like `a.b[c].d` begins with, if it is a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
