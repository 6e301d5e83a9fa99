"""What a call is made of: arguments, what they should look like, and what travels in their place. Frozen data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["float", "int", "bool", "complex", "key", "function", "text", "tuple", "any"]


@dataclass(frozen=True)
class Spec:
    """What a value should look like.

    `axes` names the axes of an array; `None` means a plain Python value. A tuple's parts are in `items`.
    """

    kind: Kind = "any"
    axes: tuple[str, ...] | None = None
    items: tuple[Spec, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """One argument: its name, what it should look like, and whether it may be left out."""

    name: str
    spec: Spec
    optional: bool = False


@dataclass(frozen=True)
class Signature:
    """What a function takes and what it answers."""

    parameters: tuple[Parameter, ...] = ()
    returns: Spec = Spec()


@dataclass(frozen=True)
class Transform:
    """`grad` (axes = the argument's number), `vmap` (axes = in_axes) or `jit` of the student's function."""

    name: Literal["grad", "jit", "vmap"]
    axes: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Call:
    """Arguments for one use of an exercise. Pure data, but for `Spy` leaves.

    `args=None` leaves the object itself uncalled and goes straight to `then`: methods and their arguments, each applied
    to what the step before returned (a method that returns None, as `fit` often does, keeps the object). A `Given` in
    a method's place is a helper that takes the object first.
    """

    args: tuple[Any, ...] | None
    then: tuple[tuple[str | Given, tuple[Any, ...]], ...] = ()
    transform: Transform | None = None

    @property
    def given(self) -> frozenset[str]:
        """The names of the helpers that it hands to the student's code."""
        return frozenset(_given((self.args, self.then)))


@dataclass(frozen=True)
class Given:
    """A function known to both sides by its name: a helper whose source the sheet carries (`Sheet.given`), or, in an
    answer, a function that `bind` put on the student's side."""

    name: str


@dataclass(frozen=True)
class Helper:
    """The author's side of a `Given`: the function itself, the source that travels, and what the author says of its
    arguments."""

    name: str
    source: str
    function: Callable[..., Any] = field(compare=False)
    signature: Signature = Signature()

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


@dataclass(frozen=True)
class Key:
    """A JAX random key, made on the side that uses it."""

    seed: int


@dataclass(frozen=True)
class Handle:
    """An object that stays on the student's side and can be called again. `type` is only a claim."""

    ident: int
    type: str = ""
    callable: bool = False


@dataclass(frozen=True)
class Spy:
    """A function that stays on the grader's side; the student's code calls it back. Its arguments are hostile data.

    With `parameters`, it may be called by keyword; with `returns`, also while JAX traces the caller (the axes of the
    answer are bound through `parameters`).
    """

    name: str
    function: Callable[..., Any] = field(compare=False)
    parameters: tuple[Parameter, ...] = ()
    returns: Spec | None = None


def _given(tree: Any) -> Iterator[str]:
    if isinstance(tree, Given):
        yield tree.name
    elif isinstance(tree, list | tuple | Mapping):
        for part in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _given(part)
