"""Judging a law: a property of the student's function, found by calling it through the seam.

The law's own code is the author's, and runs on the side that judges. It sees only answers whose shape, dtype and
finiteness have been checked, so that no law can be kept by an empty, broadcast or NaN answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograder.compare import dtype_mismatch, shape_mismatch
from autograder.errors import OurError
from autograder.records import (
    Call,
    Given,
    Handle,
    Helper,
    Key,
    LawResult,
    Lost,
    Outcome,
    Raised,
    Returned,
    Signature,
    Spec,
    Spy,
    Transform,
)
from autograder.sandbox.seam import Student

_EXAMPLES = {"float": np.zeros(0, float), "int": np.zeros(0, int), "bool": np.zeros(0, bool)}


def close(a: Any, b: Any, *, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Whether all entries agree. Empty or non-finite values, and shapes that would have to be broadcast, do not;
    a single number may stand for `b`."""
    x, y = np.asarray(a), np.asarray(b)
    if x.size == 0 or (y.ndim and x.shape != y.shape):
        return False
    return bool(np.isfinite(x).all() and np.isfinite(y).all() and np.allclose(x, y, rtol=rtol, atol=atol))


STARTER_ERROR = "NotImplementedError"
"""What a starter raises: nobody has refused anything there, and the law ends as unwritten."""


def refusal(call: Callable[[], Any]) -> str:
    """The name of the exception in which a law's `call` to the student's code ends; "" if it answers."""
    try:
        call()
    except Stopped as stopped:
        if isinstance(stopped.outcome, Raised) and stopped.outcome.type != STARTER_ERROR:
            return stopped.outcome.type
        raise
    return ""


class Stopped(Exception):
    """The student's code gave no answer that the law could go on with."""

    def __init__(self, outcome: Outcome | LawResult):
        self.outcome = outcome


@dataclass(frozen=True)
class Subject:
    """The student's function, as a law calls it. `seconds` tells how long the next call may take."""

    student: Student
    target: str | Handle
    signatures: Mapping[str, Signature]
    seconds: Callable[[], float]
    transform: Transform | None = None

    def __call__(self, *args: Any) -> Any:
        leaves = tuple(_leaf(a, i) for i, a in enumerate(args))
        signature = Signature(self.signatures[""].parameters, self._returns(leaves))
        return self._answer(Call(leaves, transform=self.transform), signature, leaves)

    def grad(self, argnum: int = 0) -> Subject:
        return replace(self, transform=Transform("grad", (argnum,)))

    def vmap(self, *in_axes: int | None) -> Subject:
        return replace(self, transform=Transform("vmap", in_axes))

    def jit(self) -> Subject:
        return replace(self, transform=Transform("jit"))

    def _returns(self, leaves: tuple[Any, ...]) -> Spec:
        if self.transform is None or self.transform.name == "jit":
            return self.signatures[""].returns
        if self.transform.name == "grad":
            argnum = self.transform.axes[0] or 0
            return Spec("float", tuple(str(s) for s in np.shape(leaves[argnum])))
        return batched(self.signatures[""].returns)

    def _answer(self, call: Call, signature: Signature, leaves: tuple[Any, ...]) -> Any:
        outcome = self.student.call(self.target, call, seconds=self.seconds())
        if not isinstance(outcome, Returned):
            raise Stopped(outcome)
        if outcome.changed:
            raise Stopped(LawResult(False, "value", changed_argument(outcome.changed)))
        if isinstance(outcome.value, Handle):
            return Held(self, outcome.value)
        return checked(outcome.value, signature.returns, sizes_of(signature, leaves))


@dataclass(frozen=True)
class Held:
    """An object that stays with the student: call it, or its methods."""

    subject: Subject
    handle: Handle

    def __call__(self, *args: Any) -> Any:
        return replace(self.subject, target=self.handle, signatures={"": Signature()})(*args)

    def attribute(self, name: str) -> Any:
        """What the object keeps under this name."""
        return self._method("__getattribute__")(name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return self._method(method)

    def _method(self, method: str) -> Callable[..., Any]:
        signature = self.subject.signatures.get(method, Signature())
        held = replace(self.subject, target=self.handle)

        def call(*args: Any) -> Any:
            leaves = tuple(_leaf(a, i) for i, a in enumerate(args))
            return held._answer(Call(None, ((method, leaves),)), signature, leaves)

        return call


def judge_law(law: Callable[..., Any], subject: Subject, seed: int) -> LawResult | Raised | Lost:
    """How the law ended for this student. Laws draw their inputs from `seed` alone."""
    try:
        return LawResult(bool(law(subject, np.random.default_rng(seed))))
    except Stopped as stopped:
        assert not isinstance(stopped.outcome, Returned)
        return stopped.outcome
    except (OurError, MemoryError):
        raise
    except Exception as error:  # an answer of a form that the law cannot read: its own reference is read in `verify`
        return LawResult(False, "law", f"your answer has a form that this check cannot use ({type(error).__name__}).")


def ending(result: LawResult | Outcome) -> bool | str:
    """How a law ended, in one word: kept (True), plainly broken (False), or what came between."""
    match result:
        case LawResult(kept, kind, message):
            return kind if message and not kept else kept
        case Raised(type_):
            return f"raised {type_}"
        case Lost(why):
            return why
    raise TypeError(f"{result!r} is no result of a law")


def batched(returns: Spec) -> Spec:
    """What `jax.vmap` makes of an answer: every array has one more axis in front."""
    if returns.kind == "tuple":
        return replace(returns, items=tuple(batched(item) for item in returns.items))
    return returns if returns.axes is None else replace(returns, axes=("batch", *returns.axes))


def checked(value: Any, returns: Spec, sizes: dict[str, int]) -> Any:
    """The answer, if it has the shape and dtype of its spec and holds no NaN; otherwise the law stops here."""
    if returns.kind == "tuple":
        if not isinstance(value, tuple | list) or len(value) != len(returns.items):
            raise Stopped(LawResult(False, "shape", f"your answer should be {len(returns.items)} values."))
        return tuple(checked(v, s, sizes) for v, s in zip(value, returns.items, strict=True))
    if returns.axes is None and returns.kind not in ("float", "int", "bool"):
        return value
    array = np.asarray(value) if isinstance(value, bool | int | float | np.ndarray) else np.zeros(0, object)
    if isinstance(value, list | tuple):
        with suppress(ValueError):
            array = np.array(value)
    if array.dtype.kind not in "biufc":
        raise Stopped(LawResult(False, "dtype", f"your answer is a {type(value).__name__}, but should be an array."))
    expected = tuple(int(a) if a.isdigit() else sizes.get(a, -1) for a in returns.axes or ())
    if -1 in expected and array.ndim != len(expected):
        text = f"your answer has {array.ndim} axes, but should have {len(expected)}: {', '.join(returns.axes or ())}."
        raise Stopped(LawResult(False, "shape", text))
    known = tuple(got if want == -1 else want for got, want in zip(array.shape, expected, strict=False))
    wrong = shape_mismatch(array.shape, known if array.ndim == len(expected) else expected, returns.axes)
    wrong = wrong or (dtype_mismatch(array, _EXAMPLES[returns.kind]) if returns.kind in _EXAMPLES else None)
    if wrong:
        raise Stopped(LawResult(False, wrong.kind, wrong.message))
    if array.dtype.kind in "fc" and np.isnan(array).any():
        raise Stopped(LawResult(False, "value", "your answer contains NaN."))
    return array if array.ndim else array[()]


def sizes_of(signature: Signature, leaves: tuple[Any, ...]) -> dict[str, int]:
    """The size of every named axis, read off the arguments."""
    sizes: dict[str, int] = {}
    for parameter, leaf in zip(signature.parameters, leaves, strict=False):
        if parameter.spec.axes and isinstance(leaf, np.ndarray) and leaf.ndim == len(parameter.spec.axes):
            sizes |= dict(zip(parameter.spec.axes, leaf.shape, strict=True))
    return sizes


def changed_argument(numbers: tuple[int, ...]) -> str:
    """The message for a function that altered what it was given."""
    which = ", ".join(str(i + 1) for i in numbers)
    return f"your function changes its argument {which}, but should leave its arguments as they were: copy it first."


def _leaf(value: Any, position: int) -> Any:
    """The data that crosses for a value which a law passes to the student's function."""
    if isinstance(value, Held):
        return value.handle
    if isinstance(value, Given | Key | Handle | Spy):
        return value
    if isinstance(value, Helper):  # its source is on the other side already
        return Given(value.name)
    if callable(value):
        return Spy(f"{getattr(value, '__name__', 'function')}-{position}", value)
    if type(value).__module__.startswith("jax"):
        import jax

        if jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
            return Key(int(np.asarray(jax.random.key_data(value)).ravel()[-1]))
        return np.asarray(value)
    if isinstance(value, np.bool_ | np.integer | np.floating):
        return value.item()  # a plain number, as it would be without NumPy
    if isinstance(value, list | tuple):
        return type(value)(_leaf(v, position) for v in value)
    return value
