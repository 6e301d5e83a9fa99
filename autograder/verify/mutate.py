"""Small changes to a reference's source, each of which a good sheet should notice. Works on syntax; runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_PAIRS = ("sum mean", "max min", "argmax argmin", "maximum minimum", "any all", "zeros ones", "sin cos", "floor ceil",
          "zeros_like ones_like", "triu tril", "cumsum cumprod", "hstack vstack")  # fmt: skip
RENAMED = {a: b for pair in _PAIRS for a, b in (pair.split(), pair.split()[::-1])}
CONVERSIONS = frozenset({"asarray", "array", "float", "bool", "list", "tuple", "astype", "block_until_ready", "jit"})
"""Calls that may be left out without any difference that a student could be blamed for."""
COMMUTATIVE = frozenset({"maximum", "minimum", "max", "min", "hypot", "add", "multiply", "logical_and", "logical_or"})
KEPT_KEYWORDS = frozenset({"dtype", "precision", "preferred_element_type", "static_argnames", "static_argnums"})


@dataclass(frozen=True)
class Mutant:
    """A changed reference. `text` is "statement -> changed statement", `line` that of the statement in its file."""

    text: str
    line: int
    source: str = field(repr=False)


def mutants(tree: ast.Module, modules: Collection[str]) -> Iterator[Mutant]:
    """Every mutant of the functions and classes in `tree`, in the order of the source, each once.

    `modules` are names that stand for modules, so that `jnp.sum(x)` is told from `x.sum()`.
    """
    seen = {ast.unparse(tree)}
    for statement, parent, name, index in list(_places(tree, tree.body[0])):
        node = getattr(parent, name) if index is None else getattr(parent, name)[index]
        before = _line_of(statement)
        for changed in _changes(node, modules):
            _put(parent, name, index, changed)
            source = ast.unparse(tree)
            after = "pass" if isinstance(changed, ast.Pass) else _line_of(changed if node is statement else statement)
            if source not in seen:
                seen.add(source)
                yield Mutant(f"{before} -> {after}", statement.lineno, source)
        _put(parent, name, index, node)


def _places(node: ast.AST, statement: ast.stmt) -> Iterator[tuple[ast.stmt, ast.AST, str, int | None]]:
    """Every part that may be changed: the statement it is in, and how its parent holds it."""
    if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue
        if name in ("targets", "target", "ctx", "bases") and not isinstance(value, ast.Subscript):
            continue
        if name == "func" and isinstance(value, ast.Name):
            continue
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_docstring(child):
                continue
            inside = child if isinstance(child, ast.stmt) else statement
            yield inside, node, name, index
            if not _is_first_side(child):
                yield from _places(child, inside)


def _changes(node: ast.AST, modules: Collection[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left, ast.MatMult(), right):
            yield ast.BinOp(right, ast.MatMult(), left)
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.AugAssign(target, op, value):
            if type(op) in OPERATORS:
                yield ast.AugAssign(target, OPERATORS[type(op)](), value)
            yield ast.Pass()
        case ast.Compare(left, [op, *rest], comparators):
            for other in COMPARISONS.get(type(op), ()):
                yield ast.Compare(left, [other(), *rest], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)):
            yield from (ast.Constant(-value + 1), ast.Constant(-value - 1))
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Subscript(ast.Attribute(_, "shape"), ast.Constant(0), context):
            yield ast.Subscript(node.value, ast.Constant(1), context)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Attribute(value, "T" | "mT"):
            yield value
        case ast.Call():
            yield from _changed_calls(node, modules)
        case ast.Tuple(elements, ast.Load()) if len(elements) == 2 and not any(_is_index(e) for e in elements):
            yield ast.Tuple(elements[::-1], ast.Load())
        case ast.Slice(lower, upper, step):
            if lower and upper is None:
                yield ast.Slice(None, lower, step)
            if upper and lower is None:
                yield ast.Slice(upper, None, step)
            if lower or upper:
                yield ast.Slice(None, None, step)
            if step:
                yield ast.Slice(lower, upper, None)
        case ast.If(test, body, orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Assign() | ast.Expr():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()


def _changed_calls(call: ast.Call, modules: Collection[str]) -> Iterator[ast.AST]:
    function, args, keywords = call.func, call.args, call.keywords
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    of_object = isinstance(function, ast.Attribute) and _root(function) not in modules
    if name not in CONVERSIONS:
        if of_object and isinstance(function, ast.Attribute):
            yield function.value
        elif args and not isinstance(args[0], ast.Starred):
            yield args[0]
    for i in range(len(args) - 1 if name not in COMMUTATIVE else 0):
        yield ast.Call(function, [*args[:i], args[i + 1], args[i], *args[i + 2 :]], keywords)
    for i, keyword in enumerate(keywords):
        if keyword.arg not in KEPT_KEYWORDS:
            yield ast.Call(function, args, [*keywords[:i], *keywords[i + 1 :]])
    if name in RENAMED and isinstance(function, ast.Attribute):
        yield ast.Call(ast.Attribute(function.value, RENAMED[name], ast.Load()), args, keywords)
    elif name in RENAMED:
        yield ast.Call(ast.Name(RENAMED[name], ast.Load()), args, keywords)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_index(node: ast.AST) -> bool:
    return isinstance(node, ast.Slice) or (isinstance(node, ast.Constant) and node.value in (None, ...))


def _is_first_side(node: ast.AST) -> bool:
    """`x.shape[0]`, where another index than 1 would be no change for a vector."""
    return isinstance(node, ast.Subscript) and any(True for _ in _changes(node, ()))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _line_of(statement: ast.AST) -> str:
    """A statement on one line: of `if`, `for` and the like, the head."""
    return ast.unparse(ast.fix_missing_locations(statement)).splitlines()[0]


def _put(parent: Any, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node
