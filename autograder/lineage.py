"""An author's function -> a digest of all of the course that its outcome can depend on, or None if that cannot be told.

The digest covers compiled code, defaults, closures, and whatever global names the code reads, through the functions,
classes and data of the course that these stand for. Comments and places in a file do not count. What a library or the
engine brings counts by its name: their versions are somebody else's to watch (`kept`). Nothing is run.
"""

from __future__ import annotations

import builtins
import dis
import functools
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from autograder import records
from autograder.arrays import as_array

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range)
BLIND = frozenset({"eval", "exec", "globals", "__import__", "compile"})
"""With these, a function may read names that its code does not tell."""

READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
WRITES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
HOUSEKEEPING = frozenset(
    {"__dict__", "__weakref__", "__module__", "__doc__", "__annotations__", "__firstlineno__", "__static_attributes__"}
)
RECORDS = tuple(r for r in vars(records).values() if isinstance(r, type) and hasattr(r, "__dataclass_fields__"))


class Untold(Exception):
    """What this depends on cannot be told from outside."""


@dataclass(frozen=True)
class _Walk:
    """What one digest has met so far, by identity. `own` says whether a file is the course's."""

    own: Callable[[str], bool]
    met: dict[int, tuple[int, Any]] = field(default_factory=dict)  # which keeps it alive, and so its id its own


def lineage(value: Any, own: Callable[[str], bool]) -> str | None:
    """The digest of `value`, where `own(file)` says which code is the course's; None if something cannot be told."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        for part in _parts(value, _Walk(own)):
            digest.update(f"{len(part)}:".encode() + part)
    except (Untold, RecursionError):
        return None
    return digest.hexdigest()


def own_files(root: Path) -> Callable[[str], bool]:
    """Whether a file belongs to the course at `root`: neither to an engine nor to libraries that lie in its folder."""
    course, real_course = str(root.absolute()), os.path.realpath(root)
    parts = [os.path.realpath(p) for p in (Path(__file__).parent, sys.prefix)]
    inside = [part for part in parts if _under(part, real_course)]
    folder = functools.cache(os.path.realpath)  # thousands of files lie in a few hundred folders

    @functools.cache
    def own(file: str) -> bool:
        path = os.path.abspath(file)
        place, name = os.path.split(path)
        real = os.path.join(folder(place), name)
        if os.path.islink(real):  # from the course, or into it
            real = os.path.realpath(real)
        if not (_under(path, course) or _under(real, real_course)):
            return False
        return "site-packages" not in real.split(os.sep) and not any(_under(real, part) for part in inside)

    return own


def _under(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _parts(value: Any, walk: _Walk) -> Iterator[bytes]:
    """What there is to know of a value, piece by piece."""
    if type(value) in PLAIN:
        yield f"{type(value).__name__} {value!r}".encode()
        return
    if id(value) in walk.met:
        yield f"met {walk.met[id(value)][0]}".encode()
        return
    walk.met[id(value)] = len(walk.met), value
    if (array := _array(value)) is not None:
        yield f"{type(value).__name__} {array.dtype.str} {array.shape}".encode()
        yield np.ascontiguousarray(array).tobytes()
    elif isinstance(value, CodeType):
        yield from _code(value, walk)
    elif isinstance(value, FunctionType) and walk.own(value.__code__.co_filename):
        yield from _function(value, walk)
    elif isinstance(value, ModuleType):
        if _in_course(value, walk):
            raise Untold  # which of its names are used cannot be seen
        yield f"module {value.__name__}".encode()
    elif (name := _library_name(value, walk)) is not None:
        yield f"named {name}".encode()
    elif isinstance(value, type) and _is_own(value, walk):
        yield from _class(value, walk)
    else:
        yield from _container(value, walk)


def _container(value: Any, walk: _Walk) -> Iterator[bytes]:
    kind = type(value)
    parts: tuple[Any, ...]
    if kind in (list, tuple):
        parts = tuple(value)
    elif kind is dict:
        parts = tuple(x for pair in value.items() for x in pair)
    elif kind in (set, frozenset):
        parts = tuple(sorted(str(lineage(x, walk.own)) if type(x) in PLAIN else _refuse() for x in value))
    elif kind in RECORDS:
        parts = tuple(getattr(value, f.name) for f in fields(value))
    elif kind is functools.partial:
        parts = (value.func, value.args, value.keywords)
    elif kind is MethodType:
        parts = (value.__func__, value.__self__)
    elif kind in (staticmethod, classmethod):
        parts = (value.__func__,)
    elif kind is property:
        parts = (value.fget, value.fset, value.fdel)
    else:
        raise Untold
    yield f"{kind.__name__} {len(parts)}".encode()
    for part in parts:
        yield from _parts(part, walk)


def _function(function: FunctionType, walk: _Walk) -> Iterator[bytes]:
    yield b"function"
    if function.__dict__:
        raise Untold  # a wrapper, or a function that remembers
    yield from _parts((function.__defaults__, function.__kwdefaults__), walk)
    for cell in function.__closure__ or ():
        try:
            yield from _parts(cell.cell_contents, walk)
        except ValueError:
            yield b"empty"
    yield from _parts(function.__code__, walk)
    for names in sorted(_reads(function.__code__)):
        yield " ".join(names).encode()
        yield from _read(names, function.__globals__, walk)


def _read(names: tuple[str, ...], known: dict[str, Any], walk: _Walk) -> Iterator[bytes]:
    """What a global name stands for, or, of a module of the course, the one attribute that is read."""
    name, *attribute = names
    if name not in known:
        if name in BLIND:
            raise Untold
        yield b"builtin" if hasattr(builtins, name) else b"unbound"
        return
    value = known[name]
    if isinstance(value, ModuleType) and _in_course(value, walk):
        if not attribute or not hasattr(value, attribute[0]):
            raise Untold
        value = getattr(value, attribute[0])
    yield from _parts(value, walk)


def _reads(code: CodeType) -> set[tuple[str, ...]]:
    """The global names that code reads, each with the attribute that follows, in the functions inside it too."""
    found: set[tuple[str, ...]] = set()
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.opname in WRITES or step.opname == "IMPORT_STAR":
            raise Untold
        if step.opname == "IMPORT_NAME" and step.argval.partition(".")[0] in ("solutions", "source", ""):
            raise Untold
        if step.opname in READS:
            attribute = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            found.add((step.argval, following.argval) if attribute and following else (step.argval,))
    return found.union(*(_reads(c) for c in code.co_consts if isinstance(c, CodeType)))


def _code(code: CodeType, walk: _Walk) -> Iterator[bytes]:
    yield code.co_code
    yield code.co_exceptiontable
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    yield repr((names, counts)).encode()
    for constant in code.co_consts:
        yield from _parts(constant, walk)


def _class(made: type, walk: _Walk) -> Iterator[bytes]:
    yield f"class {made.__qualname__}".encode()
    yield from _parts(type(made), walk)
    yield from _parts(made.__bases__, walk)
    for name, value in sorted(vars(made).items()):
        if name not in HOUSEKEEPING:
            yield name.encode()
            yield from _parts(value, walk)


def _is_own(value: Any, walk: _Walk) -> bool:
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    return module is None or _in_course(module, walk)


def _in_course(module: ModuleType, walk: _Walk) -> bool:
    """Whether a module is the course's. A package without a file of its own may lie in several folders."""
    file = getattr(module, "__file__", None)
    return any(walk.own(place) for place in ([file] if file else getattr(module, "__path__", ())))


def _library_name(value: Any, walk: _Walk) -> str | None:
    """Under which name a library or the engine offers this very object, if one does."""
    if isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType):
        return f"{value.__self__.__name__}.{value.__name__}"
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or _is_own(value, walk):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if found is value else None


def _array(value: Any) -> np.ndarray | None:
    return as_array(value) if type(value).__module__.partition(".")[0] in ("numpy", "jax", "jaxlib") else None


def _refuse() -> str:
    raise Untold
