"""Whether a student's functions may keep something from one call to the next.

Read off their source, and said in doubt: a function that reads nothing but its arguments, other functions, modules and
constants, and changes nothing but what is its own, answers the same however often it and others were called before.
A stranger's source can be such that reading it takes for ever, so it is read in the worker that will run it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autograder.bindings import DEFINES, fixed, modules_in, names_in, names_of, objects, root
from autograder.scopes import mentioned
from autograder.tables import tables

REACHES_ANYTHING = {"__import__", "delattr", "eval", "exec", "globals", "locals", "next", "open", "setattr", "vars"}
INSIDES = {
    "__annotations__",
    "__class__",
    "__closure__",
    "__code__",
    "__defaults__",
    "__dict__",
    "__globals__",
    "__kwdefaults__",
}
CHANGES_ITS_OBJECT = {
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove"),
    *("reverse", "send", "setdefault", "sort", "update", "write"),
}
OWN_DICE = {"default_rng", "Generator", "RandomState", "SeedSequence"}
"""What of `numpy.random` is not NumPy's common generator, which goes on from where the last call left it."""
MAY_BE_RUN = re.compile(r"\A\s|[%!?]|>>>|In \[")
"""What is no Python may be IPython's: magics, questions, pasted prompts, a cell that is indented as a whole."""

MOST = 400_000
"""Characters of code that are read."""

ANY_NAME = re.compile(r"_+|_\d+|_?_?_?i\d*|_[dio]h|In|Out|get_ipython|builtins|gc|importlib|inspect|sys")
"""With these, a cell may read names that it does not tell."""

FIELD = "field"
"""What makes a default of a dataclass anew for each of its objects."""

REWARD = "reward"
"""What decorates a function that only shows something."""

Scopes = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Around:
    """What matters of the cells that a student was given and that are unchanged, as names: those of `objects`, which
    are anything but functions, classes, modules and constants; all that are `mentioned`; imported `modules`; and those
    mentioned where what the student wrote is `called` to show something."""

    objects: Sequence[str] = ()
    mentioned: Sequence[str] = ()
    modules: Sequence[str] = ()
    called: Sequence[str] = ()


@lru_cache(64)
def around(given: tuple[str, ...], calling: tuple[str, ...]) -> Around | None:
    """What matters of `given` cells, and of those that would be `calling` the student's. None if one is no Python."""
    try:
        trees, callers = ([*map(ast.parse, cells)] for cells in (given, calling))
    except SyntaxError:
        return None
    made = {name for tree in trees for name in objects(tree.body)}
    return Around(*(tuple(sorted(names)) for names in (made, names_in(trees), modules_in(trees), names_in(callers))))


def look_through(
    own: Sequence[str], around: Around, names: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """None where a student's code `remembers`; otherwise which of `names` their own cells mention, for others or read
    where others may have bound them, and which of them stand for objects that they have made."""
    trees = _all_parsed(own)
    if trees is None or remembers(trees, around):
        return None
    try:
        found = frozenset().union(*map(mentioned, own))
    except SyntaxError:  # a cell that cannot run, or one with `await`
        found = frozenset(names)
    if any(name in REACHES_ANYTHING or ANY_NAME.fullmatch(name) for name in found):
        found = frozenset(names)
    held = {name for tree in trees for name in objects(tree.body)}
    return tuple(sorted(found.intersection(names))), tuple(sorted(held.intersection(names)))


def _all_parsed(own: Sequence[str]) -> list[ast.Module] | None:
    """The cells, or None if they are more than can be read, or may be something that is not read."""
    if sum(map(len, own)) > MOST:
        return None
    try:
        return [*map(_parsed, own)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested deeper than can be read
        return None


def remembers(own: Sequence[ast.Module], around: Around) -> bool:
    """Whether what is defined in a student's `own` cells may answer otherwise after it has been called.

    The functions of given cells keep nothing, but what else these hold may be changed.
    """
    try:
        return _remember(own, around)
    except RecursionError:  # nested deeper than can be read
        return True


def _remember(own: Sequence[ast.Module], around: Around) -> bool:
    made = {name for tree in own for name in objects(tree.body)}
    elsewhere, callers = set(around.objects), set(around.called)
    held = made - tables(own, made | elsewhere, {*around.mentioned, *callers}, {*around.modules, *modules_in(own)})
    kept = held | elsewhere | (set() if _dataclasses(own) else {FIELD})
    mentioned = names_in(own)

    def may_keep(node: ast.stmt) -> bool:
        # What was handed out to show something, and was changed, may look at what is given: nothing else asks it.
        alone = isinstance(node, ast.FunctionDef) and only_shows(node) and node.name not in mentioned
        return _may_keep(node, held if alone else kept, ())

    return bool(held & callers) or any(may_keep(node) for tree in own for node in tree.body)


def only_shows(node: ast.stmt) -> bool:
    """Whether this is a function that `@reward` decorates, and nothing else does."""
    match node:
        case ast.FunctionDef(decorator_list=[ast.Name(id=decorator)]):
            return decorator == REWARD
    return False


def _parsed(cell: str) -> ast.Module:
    """The cell, or nothing where it has no effect. Raises a SyntaxError where it may have one that is not Python's."""
    try:
        return ast.parse(cell)
    except SyntaxError:
        if MAY_BE_RUN.search(cell):
            raise
        return ast.Module([], [])


def _may_keep(node: ast.AST, kept: set[str], scopes: Scopes) -> bool:
    """Whether this part of a cell may keep something. `scopes` are the names of the functions around it."""
    match node:
        case ast.Import(names=names) if any(alias.name == "random" for alias in names):
            return True
        case ast.ImportFrom(module="random" | "numpy.random"):
            return True
        case ast.ImportFrom(module=module, names=names):
            return any(a.name == "*" or (module, a.name) == ("numpy", "random") for a in names)
        case ast.ClassDef(body=body) if any(objects(_shared(body, kept))):  # its objects share what stands in a class
            return True
        case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args) | ast.Lambda(args=args):
            defaults = [*args.defaults, *filter(None, args.kw_defaults)]
            if not all(isinstance(value, ast.Name | ast.Attribute) or fixed(value) for value in defaults):
                return True
        case _ if scopes and _reaches_out(node, kept, scopes):
            return True
    inside = (*scopes, names_of(node)) if isinstance(node, DEFINES) else scopes
    return any(_may_keep(child, kept, inside) for child in _without_annotations(node))


def _without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of this one but what a name or an answer is said to be: it is read when the cell runs, if ever."""
    for name, part in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            yield from (p for p in (part if isinstance(part, list) else [part]) if isinstance(p, ast.AST))


def _reaches_out(node: ast.AST, kept: set[str], scopes: Scopes) -> bool:
    """Whether this part of a function reads or changes what is not its own."""
    *around, innermost = scopes
    match node:
        case ast.Global() | ast.Nonlocal():
            return True
        case ast.Name(id=name):
            return not any(name in scope for scope in scopes) and (name in kept or name in REACHES_ANYTHING)
        case ast.Attribute(attr=attr) if attr in INSIDES:
            return True
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"), attr=attr):
            return attr not in OWN_DICE
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return root(node) not in innermost - {"cls"}
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CHANGES_ITS_OBJECT:
            elsewhere = isinstance(value, ast.Attribute) or any(root(value) in scope for scope in around)
            return root(value) not in innermost and elsewhere  # `np.append(x, 1)` changes nothing
    return False


def _shared(body: Sequence[ast.stmt], kept: Collection[str]) -> Iterator[ast.stmt]:
    """These statements of a class but for fields of which each object has its own."""
    for node in body:
        match node:
            case ast.AnnAssign(value=ast.Call(func=ast.Name(id="field"), args=[], keywords=named)):
                own = FIELD not in kept and all(
                    isinstance(k.value, ast.Name | ast.Constant | ast.Lambda) for k in named
                )
                if own and not any(k.arg == "default" and isinstance(k.value, ast.Name) for k in named):
                    continue
        yield node


def _dataclasses(own: Sequence[ast.Module]) -> bool:
    """Whether `field` is that of `dataclasses`, and nothing else."""
    nodes = [node for tree in own for node in ast.walk(tree)]
    bound = any(isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == FIELD for n in nodes)
    bound |= any(isinstance(n, ast.Name) and n.id == FIELD and not isinstance(n.ctx, ast.Load) for n in nodes)
    imported = [(n.module, a) for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]
    ours = [module for module, a in imported if (a.asname or a.name) in (FIELD, "*")]
    return ours != [] and set(ours) == {"dataclasses"} and not bound
