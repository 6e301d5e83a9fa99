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

from autograder.bindings import DEFINES, bound_by, fixed, free_names, modules_in, names_in, names_of, objects, root
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

ANY_NAME = re.compile(r"_+|_\d+|_i{1,3}|_i\d+|_[dio]h|In|Out|get_ipython|builtins|gc|importlib|inspect|sys")
"""With these, a cell may read names that it does not tell."""

NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
"""What defines something that is called by its name, and does nothing else."""

HERE, ANYWHERE = "in it", "any where"
"""Where something may be kept that has no name of its own: neither is a name."""

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
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], bool] | None:
    """Which of `names` a student's cells mention, for others or read where others may have bound them; which of them
    stand for objects that they have made; under which of them something may be kept, or is reached that keeps
    something; and whether anything is. None where it may be kept anywhere."""
    trees = _all_parsed(own)
    kept = None if trees is None else keeping(trees, around)
    if trees is None or kept is None:
        return None
    try:
        found = frozenset().union(*map(mentioned, own))
    except SyntaxError:  # a cell that cannot run, or one with `await`
        found = frozenset(names)
    if any(map(_reaches_anything, found)):
        found = frozenset(names)
    held = {name for tree in trees for name in objects(tree.body)}
    of_names = (tuple(sorted(some.intersection(names))) for some in (found, held, kept))
    return *of_names, bool(kept)  # type: ignore[return-value]


def _all_parsed(own: Sequence[str]) -> list[ast.Module] | None:
    """The cells, or None if they are more than can be read, or may be something that is not read."""
    if sum(map(len, own)) > MOST:
        return None
    try:
        return [*map(_parsed, own)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested deeper than can be read
        return None


def keeping(own: Sequence[ast.Module], around: Around) -> frozenset[str] | None:
    """The names behind which what a student's `own` cells define may answer otherwise after it has been called: where
    something is kept, and whatever mentions that. None where it may be kept anywhere.

    The functions of given cells keep nothing, but what else these hold may be changed.
    """
    try:
        return _keeping(own, around)
    except RecursionError:  # nested deeper than can be read
        return None


def _keeping(own: Sequence[ast.Module], around: Around) -> frozenset[str] | None:
    made = {name for tree in own for name in objects(tree.body)}
    elsewhere, callers = set(around.objects), set(around.called)
    held = made - tables(own, made | elsewhere, {*around.mentioned, *callers}, {*around.modules, *modules_in(own)})
    kept = held | elsewhere | (set() if _dataclasses(own) else {FIELD})
    read, statements = names_in(own), [node for tree in own for node in tree.body]
    defined = kept | {node.name for node in statements if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found = held & callers
    for node in statements:
        # What was handed out to show something, and was changed, may look at what is given: nothing else asks it.
        alone = isinstance(node, ast.FunctionDef) and only_shows(node) and node.name not in read
        places = set[str]().union(*_places(node, held if alone else kept, ()))
        if not places:
            continue
        if not (isinstance(node, NAMED) and bound_by(node) and places <= defined | {HERE}):
            return None
        found |= (places - {HERE}) | bound_by(node)
    return frozenset(_reaching(found | held, statements)) if found else frozenset()


def _reaching(found: set[str], statements: Sequence[ast.stmt]) -> set[str]:
    """These names, and those of all statements that mention one of them, or might."""
    parts = [(bound_by(node), set(free_names(node))) for node in statements]
    while (
        new := {n for binds, read in parts if read & found or any(map(_reaches_anything, read)) for n in binds} - found
    ):
        found = found | new
    return found


def _reaches_anything(name: str) -> bool:
    return name in REACHES_ANYTHING or ANY_NAME.fullmatch(name) is not None


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


def _places(node: ast.AST, kept: set[str], scopes: Scopes) -> Iterator[set[str]]:
    """Where this part of a cell may keep something: names, `HERE` for its own functions and classes, or `ANYWHERE`.
    `scopes` are the names of the functions around it."""
    match node:
        case ast.Import(names=names) if any(alias.name == "random" for alias in names):
            yield {ANYWHERE}
        case ast.ImportFrom(module="random" | "numpy.random"):
            yield {ANYWHERE}
        case ast.ImportFrom(module=module, names=names):
            if any(a.name == "*" or (module, a.name) == ("numpy", "random") for a in names):
                yield {ANYWHERE}
        case ast.ClassDef(body=body) if any(objects(_shared(body, kept))):  # its objects share what stands in a class
            yield {HERE}
        case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args) | ast.Lambda(args=args):
            defaults = [*args.defaults, *filter(None, args.kw_defaults)]
            if not all(isinstance(value, ast.Name | ast.Attribute) or fixed(value) for value in defaults):
                yield {HERE}
            yield kept.intersection(map(root, defaults))  # whatever the argument is called
        case _ if scopes and (found := _outside(node, kept, scopes)):
            yield found
    inside = (*scopes, names_of(node)) if isinstance(node, DEFINES) else scopes
    for child in _without_annotations(node):
        yield from _places(child, kept, inside)


def _without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of this one but what a name or an answer is said to be: it is read when the cell runs, if ever."""
    for name, part in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            yield from (p for p in (part if isinstance(part, list) else [part]) if isinstance(p, ast.AST))


def _outside(node: ast.AST, kept: set[str], scopes: Scopes) -> set[str]:
    """What this part of a function reads or changes that is not its own."""
    *around, innermost = scopes
    match node:
        case ast.Global(names=names):
            return {HERE, *names} & ({HERE} | kept)
        case ast.Nonlocal():
            return {HERE}
        case ast.Name(id=name) if not any(name in scope for scope in scopes):
            return {ANYWHERE} if name in REACHES_ANYTHING else {name} & kept
        case ast.Attribute(attr=attr) if attr in INSIDES:
            return {ANYWHERE}
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random"), attr=attr):
            return set() if attr in OWN_DICE else {ANYWHERE}
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            if root(node) not in innermost - {"cls"}:
                return {root(node) or ANYWHERE} if not any(root(node) in scope for scope in scopes) else {HERE}
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in CHANGES_ITS_OBJECT:
            if root(value) in innermost:
                return set()
            if any(root(value) in scope for scope in around):
                return {HERE}
            if isinstance(value, ast.Attribute):  # `np.append(x, 1)` changes nothing
                return {root(value) or ANYWHERE}
    return set()


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
