"""Which cells of a chapter only demonstrate something, and which of these a submission needs.

Between the tasks a notebook has little experiments: they compute, print, and bind names that nothing else may read.
What is handed out is the author's, so it is parsed here. A cell has an effect if it changes what is not its own, or
does something that can have no other purpose, `jax.config.update(...)`; one without is needed for its names alone, and
for the modules that it loads, of which other cells may use more than it does.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from autograder.bindings import DEFINES, here, names_in, names_of, objects, root
from autograder.remembering import CHANGES_ITS_OBJECT, INSIDES, OWN_DICE, REACHES_ANYTHING
from autograder.scopes import bound, deferred

LOOKS = {"display", "print", "plt", "check"}
"""What only shows something. The last is the student's own check, which is silent while a submission is graded."""
ARRAYS = {"jnp", "np"}
"""What changes an object by its name is here a function that gives another one: `np.append(x, 1)`."""
ONLY_ANSWERS = {
    *("all", "any", "astype", "copy", "count", "format", "get", "index", "items", "join", "keys", "max", "mean", "min"),
    *("reshape", "round", "split", "splitlines", "std", "strip", "sum", "tolist", "values"),
}
"""Methods that change no object of any kind."""
RANDOM = "random"
USED_UP = OWN_DICE | {"enumerate", "filter", "iter", "map", "open", "reversed", "zip"}
"""What these make is no longer the same once it has been asked."""
DECORATE_ONLY = {"dataclass", "functools", "jax", "jit", "partial"}


@dataclass(frozen=True)
class Part:
    """What a cell binds outside of functions, what it reads that other cells may have bound, whether it has an effect
    besides, and its `imports`, as a cell of their own."""

    binds: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    effect: bool = True
    imports: str = ""


def needed(parts: Mapping[int, Part], mentioned: Collection[str], changed: Collection[str]) -> set[int]:
    """The cells that run: those with an effect, those that bind what the student's cells have `mentioned` or read what
    these have `changed`, and those that bind what such cells read in turn."""
    names, found = set(mentioned), set[int]()
    while new := {
        place
        for place, part in parts.items()
        if place not in found and (part.effect or part.binds & names or not part.reads.isdisjoint(changed))
    }:
        found |= new
        names = names.union(*(parts[place].reads for place in new))
    return found


@cache
def parts_of(cells: tuple[str, ...]) -> tuple[Part, ...]:
    """What there is to know of the cells of a chapter, each of which may use what another one binds."""
    trees, shared, tainted = _known(cells)
    if tainted is None:
        return (Part(),) * len(cells)
    return tuple(_part(cell, tree, shared, tainted) for cell, tree in zip(cells, trees, strict=True))


@cache
def changes_given(showing: str, cells: tuple[str, ...]) -> bool:
    """Whether a function of a cell that is `showing` something may change what other `cells` have made."""
    _, shared, tainted = _known(cells)
    functions = [node for node in ast.parse(showing).body if isinstance(node, ast.FunctionDef)]
    bodies = [part for function in functions for part in function.body]
    return tainted is None or any(_changes(f, shared) for f in functions) or not tainted.isdisjoint(names_in(bodies))


@cache
def _known(cells: tuple[str, ...]) -> tuple[list[ast.Module], frozenset[str], frozenset[str] | None]:
    """The cells' trees; the objects that all of them share; and which names stand for what may change something, if
    that can be told."""
    trees = [_parsed(cell) for cell in cells]
    shared = frozenset(name for tree in trees for name in objects(tree.body))
    functions = [node for tree in trees for node in here(tree.body) if isinstance(node, DEFINES)]
    if any(isinstance(node, ast.Lambda) and _changes(node, shared) for node in functions):
        return trees, shared, None  # under which names it may be called cannot be told
    used_up = frozenset(name for tree in trees for name in _used_up(tree))
    return trees, shared, used_up | _tainted(functions, shared, used_up)


def _parsed(cell: str) -> ast.Module:
    try:
        compile(cell, "cell", "exec", dont_inherit=True)
        return ast.parse(cell)
    except SyntaxError:  # a magic, or `await`
        return ast.Module([], [])


def _part(cell: str, tree: ast.Module, shared: frozenset[str], tainted: frozenset[str]) -> Part:
    if not tree.body:
        return Part()
    binds = bound(cell)
    reads = frozenset(_exposed(tree.body, set())) | deferred(cell)
    made = binds - {name for node in here(tree.body) for name in _imported(node)}
    effect = bool(reads & tainted) or any(
        _effect(node, made, shared - made) or (isinstance(node, ast.ClassDef) and _changes(node, shared))
        for node in here(tree.body)  # a class runs where it stands, a function where it is called
    )
    return Part(binds, reads, effect, _imports(tree))


def _imports(tree: ast.Module) -> str:
    """The modules that a cell loads when it runs, of which none need be there."""
    found = (ast.unparse(node) for node in here(tree.body) if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(f"try:\n    {line}\nexcept ImportError:\n    pass" for line in found)


def _used_up(tree: ast.Module) -> Iterator[str]:
    """The names of what the next who asks finds changed: random numbers, files, what can be gone through once."""
    for node in here(tree.body):
        match node:
            case ast.Assign(targets=[*targets], value=ast.GeneratorExp()):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.Assign(targets=[*targets], value=ast.Call(func=ast.Name(id=maker) | ast.Attribute(attr=maker))):
                if maker in USED_UP:
                    yield from (target.id for target in targets if isinstance(target, ast.Name))


def _tainted(functions: Sequence[ast.AST], shared: frozenset[str], used_up: frozenset[str]) -> frozenset[str]:
    """The names of functions and classes that may change what is not their own, or call such a function."""
    found: set[str] = set()
    while new := {
        name
        for function in functions
        if (name := getattr(function, "name", "")) not in found
        and (_changes(function, shared) or not (found | used_up).isdisjoint(_names_in(function) - names_of(function)))
    }:
        found |= new
    return frozenset(found)


def _changes(function: ast.AST, shared: frozenset[str]) -> bool:
    """Whether a function, or one inside of it, may change what it has not made: its arguments, or what is outside."""
    match function:
        case ast.ClassDef(body=body):
            taken, made, inside = set[str](), frozenset[str](), list(here(body))
        case ast.FunctionDef(args=args, body=body) | ast.AsyncFunctionDef(args=args, body=body):
            taken = {arg.arg for arg in ast.walk(args) if isinstance(arg, ast.arg)} - {"self"}
            inside = list(here(body))
            made = names_of(function) - taken - {name for node in inside for name in _imported(node)}
        case ast.Lambda(args=args, body=value):
            taken = {arg.arg for arg in ast.walk(args) if isinstance(arg, ast.arg)}
            made, inside = frozenset[str](), list(here([value]))
        case _:
            return True
    others = (shared | taken) - made
    return any(_effect(node, made, others) or (isinstance(node, DEFINES) and _changes(node, others)) for node in inside)


def _effect(node: ast.AST, own: frozenset[str], shared: frozenset[str]) -> bool:
    """Whether this part may change anything but what is its `own`. `shared` are objects of other cells, which may
    change when they are asked something."""
    match node:
        case ast.FunctionDef(decorator_list=decorators) | ast.ClassDef(decorator_list=decorators):
            return any(root(d.func if isinstance(d, ast.Call) else d) not in DECORATE_ONLY for d in decorators)
        case ast.Expr(value=ast.Call(func=func)):
            return root(func) not in own | LOOKS
        case ast.Call(func=ast.Attribute(attr=attr) as func):
            changes = attr in CHANGES_ITS_OBJECT and root(func) not in own | ARRAYS
            return changes or (root(func) in shared and attr not in ONLY_ANSWERS) or root(func) == RANDOM
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"), attr=attr):
            return attr not in OWN_DICE
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return root(node) not in own
        case ast.Attribute(attr=attr):
            return attr in INSIDES
        case ast.Name(id=name):
            return name in REACHES_ANYTHING - own
    return isinstance(node, ast.Global | ast.Nonlocal | ast.Await | ast.Yield | ast.YieldFrom | ast.Delete)


def _exposed(body: Iterable[ast.AST], known: set[str]) -> Iterator[str]:
    """The names that these statements may read before they have bound them. Adds those to `known` that they bind."""
    for node in body:
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from _names_in(value) - known
                for target in targets:
                    yield from (_names_in(target) - known if not _plain(target) else ())
                    known |= _names_in(target) if _plain(target) else set()
            case ast.For(target=target, iter=values, body=inner, orelse=otherwise) if _plain(target):
                yield from _names_in(values) - known
                known |= _names_in(target)
                yield from _exposed([*inner, *otherwise], set(known))
            case ast.If(test=test, body=inner, orelse=otherwise):
                yield from _names_in(test) - known
                yield from _exposed(inner, set(known))
                yield from _exposed(otherwise, set(known))
            case ast.Import() | ast.ImportFrom():
                known |= _imported(node)
            case _:
                yield from _names_in(node) - known


def _plain(target: ast.expr) -> bool:
    """Whether an assignment to this binds names and changes nothing."""
    return all(isinstance(part, ast.Name | ast.Tuple | ast.List | ast.expr_context) for part in ast.walk(target))


def _imported(node: ast.AST) -> set[str]:
    """The names that an import binds: what they stand for is everybody's."""
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {(alias.asname or alias.name).partition(".")[0] for alias in names}


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
