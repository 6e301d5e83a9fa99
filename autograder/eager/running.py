"""A program of JAX, made ready once and computed step by step by NumPy, as often as it is called.

As in XLA's programs, numbers that are too small to be normal are zero. Whatever is not understood raises `Unknown`:
when the program is made ready where that can be seen, and otherwise when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograder.eager.algebra import ALGEBRA
from autograder.eager.arrays import entered, shape_of
from autograder.eager.indexing import INDEXING
from autograder.eager.keys import KEYS
from autograder.eager.loops import LOOPS
from autograder.eager.shapes import SHAPES
from autograder.eager.steps import STEPS, flushed
from autograder.eager.unknown import Step, Unknown

INNER = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}
"""Steps that are a program themselves, and the parameter that holds it."""
KNOWN: Mapping[str, Step] = {**STEPS, **SHAPES, **INDEXING, **ALGEBRA, **KEYS}
ROUNDING = frozenset({"add", "add_any", "sub", "mul", "sqrt", "square"})
"""Steps that round once, as the standard for floating-point numbers says. XLA may join two of them and round once; and
it divides by one number by multiplying with another."""
_MOVING = """
    abs bitcast_convert_type broadcast_in_dim concatenate copy copy_p dynamic_slice dynamic_update_slice gather iota neg
    pad reshape rev scatter select_n slice sort split squeeze stack stop_gradient tile transpose unstack
"""
_COMPARING = """
    and argmax argmin ceil clamp convert_element_type cummax cummin eq floor ge gt is_finite le lt max min ne not or
    reduce_and reduce_max reduce_min reduce_or round shift_left shift_right_arithmetic shift_right_logical sign xor
"""
MOVING = frozenset(_MOVING.split())
"""Steps whose answers have the numbers that they were given, the smallest ones included."""
EXACT = frozenset([*MOVING, *_COMPARING.split(), *KEYS])
"""Steps that round nothing."""

Array = np.ndarray[Any, Any]
Answer = tuple[int, tuple[int, ...], Any, bool]  # its place, shape and dtype, and whether it may be too small
Numbered = tuple[Callable[..., Sequence[Any]], tuple[int, ...], tuple[Answer, ...]]  # what computes, reads, answers


@dataclass(frozen=True)
class Program:
    """Steps that read and write numbered places. `cost` is how many steps one call takes, were it not for loops of
    which only running tells how long they are (`unbounded`)."""

    known: tuple[Array | None, ...]
    inputs: tuple[int, ...]
    steps: tuple[Numbered, ...]
    outputs: tuple[int, ...]
    cost: int
    loops: bool
    unbounded: bool
    exact: bool
    """Whether XLA's program answers the same to the last bit: it rounds nothing, or once."""
    roundings: int

    def run(self, args: Sequence[Array]) -> list[Array]:
        """The program's answers. Each step must answer in the shape and dtype that JAX expects of it."""
        values: list[Any] = list(self.known)
        for place, arg in zip(self.inputs, args, strict=True):
            values[place] = arg
        for function, places, wanted in self.steps:
            answers = function(*[values[place] for place in places])
            for (place, shape, dtype, small), answer in zip(wanted, answers, strict=True):
                array = np.asarray(answer)
                if array.dtype != dtype or array.shape != shape:
                    raise Unknown
                values[place] = flushed(array) if small else array
        return [values[place] for place in self.outputs]


def ready(jaxpr: Any) -> Program:
    """The program, ready to run; raises `Unknown` if it holds anything that is not understood."""
    return _Making().program(jaxpr.jaxpr, jaxpr.consts)


@dataclass
class _Making:
    """A program while it is made ready: which variable has which place."""

    known: list[Array | None] = field(default_factory=list)
    shapes: list[tuple[tuple[int, ...], Any]] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)
    normal: dict[int, int] = field(default_factory=dict)
    """For a place, that of the same numbers without those that are too small; itself where there are none."""
    steps: list[Numbered] = field(default_factory=list)

    def program(self, program: Any, consts: Sequence[Any]) -> Program:
        for const, var in zip(consts, program.constvars, strict=True):
            self.places[var] = self._place(var.aval, entered(const, var.aval))
        for var in program.invars:
            self.places[var] = self._place(var.aval)
        inputs = tuple(self.places[var] for var in program.invars)
        cost, roundings, loops, unbounded, exact = 0, 0, False, False, True
        for step in program.eqns:
            name = step.primitive.name
            function, inner = _function(step)
            self._add(step, function)
            rounds = name in ROUNDING or (name == "integer_pow" and step.params["y"] == 2)
            rounds &= any(getattr(var.aval.dtype, "kind", "u") not in "biu" for var in step.outvars)
            whole = not inner and all(getattr(var.aval.dtype, "kind", "u") in "biu" for var in step.outvars)
            cost += 1 + sum(p.cost for p in inner) * (step.params["length"] if name == "scan" else 1)
            loops |= name in LOOPS or any(p.loops for p in inner)
            unbounded |= name == "while" or any(p.unbounded for p in inner)
            roundings += rounds + sum(p.roundings for p in inner)
            exact &= rounds or name in EXACT or (whole and name in STEPS) or bool(inner and all(p.exact for p in inner))
        outputs = tuple(self._read(atom) for atom in program.outvars)
        exact = exact and not loops and roundings < 2
        known, steps = tuple(self.known), tuple(self.steps)
        return Program(known, inputs, steps, outputs, cost, loops, unbounded, exact, roundings)

    def _add(self, step: Any, function: Callable[..., Sequence[Any]]) -> None:
        moving = step.primitive.name in MOVING
        read = [self._read(atom) for atom in step.invars]
        if not moving:
            read = [self._without_the_smallest(place) for place in read]
        wanted = []
        for var in step.outvars:
            place = self.places[var] = self._place(var.aval)
            shape, dtype = self.shapes[place]
            small = dtype.kind == "f" and not moving
            if small or all(self.normal.get(p) == p for p in read):
                self.normal[place] = place
            wanted.append((place, shape, dtype, small))
        self.steps.append((function, tuple(read), tuple(wanted)))

    def _place(self, aval: Any, array: Array | None = None) -> int:
        """A new place for such an array."""
        shape, dtype = shape_of(aval)
        self.known.append(array)
        self.shapes.append((shape, dtype))
        if dtype.kind != "f":
            self.normal[len(self.known) - 1] = len(self.known) - 1
        return len(self.known) - 1

    def _read(self, atom: Any) -> int:
        if hasattr(atom, "val"):
            return self._place(atom.aval, entered(atom.val, atom.aval))
        return self.places[atom]

    def _without_the_smallest(self, place: int) -> int:
        if place not in self.normal:
            before, (shape, dtype) = self.known[place], self.shapes[place]
            self.known.append(None if before is None else flushed(before))
            self.shapes.append((shape, dtype))
            new = self.normal[place] = len(self.known) - 1
            self.normal[new] = new
            if before is None:
                self.steps.append((_normal, (place,), ((new, shape, dtype, False),)))
        return self.normal[place]


def _normal(array: Array) -> tuple[Array]:
    return (flushed(array),)


def _function(step: Any) -> tuple[Callable[..., Sequence[Any]], tuple[Program, ...]]:
    """What computes a step, and the programs of which it is made."""
    name, params = step.primitive.name, step.params
    if name in LOOPS:
        return LOOPS[name](params, ready)
    if name == "cond":
        return _branches(inner := tuple(map(ready, params["branches"]))), inner
    if name == "custom_linear_solve":
        inner = (ready(params["jaxprs"].solve),)
        return _solve(params["const_lengths"], *inner), inner
    if name in INNER:
        inner = (ready(params[INNER[name]]),)
        return (lambda *args: inner[0].run(args)), inner
    if name not in KNOWN:
        raise Unknown
    function = partial(KNOWN[name], params)
    return (function if step.primitive.multiple_results else lambda *args: (function(*args),)), ()


def _branches(programs: Sequence[Program]) -> Callable[..., Sequence[Any]]:
    def run(which: Array, *args: Array) -> Sequence[Any]:
        return programs[min(max(int(which), 0), len(programs) - 1)].run(args)

    return run


def _solve(lengths: Any, program: Program) -> Callable[..., Sequence[Any]]:
    """What a linear solve answers, whose arguments are those of four functions, and the right-hand sides."""
    begin = lengths.matvec + lengths.vecmat
    end = begin + lengths.solve

    def run(*args: Array) -> Sequence[Any]:
        return program.run([*args[begin:end], *args[end + lengths.transpose_solve :]])

    return run
