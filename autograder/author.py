"""What a chapter file uses: `exercise`, `written`, `given`, and `close`, `conforms` and `refusal` for laws.

An exercise collects what its author says about it. It draws nothing and runs nothing: `sheet` does that, from a seed.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.errors import AuthorError
from autograder.estimators import conforms
from autograder.laws import close, refusal
from autograder.records import Helper, Key, Signature, Tolerance, Transform
from autograder.signature import signature_of, signatures_of

__all__ = ["Key", "Tolerance", "close", "conforms", "exercise", "given", "refusal", "written"]

LIMITS = frozenset({"check_seconds", "memory_mb", "processes", "disk_mb", "output_kb", "device"})
"""What an exercise may set for itself; the other limits belong to the submission."""


@dataclass(frozen=True)
class Question:
    """A value check before it is drawn: a probe (values by name) or a case (arguments as they are)."""

    label: str
    hidden: bool
    weight: float
    tolerance: Tolerance
    transform: Transform | None
    methods: tuple[str, ...]
    values: Mapping[str, Any]
    args: tuple[Any, ...] | None = None
    then: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    expect: Any = None


@dataclass(frozen=True)
class Law:
    """A property that must hold, judged on the grader's side by calling the student's function."""

    label: str
    hidden: bool
    weight: float
    function: Callable[..., Any]


@dataclass(frozen=True)
class Variant:
    """A named function beside the reference: a mistake (`text` is its hint), an alternate or an oracle."""

    name: str
    function: Callable[..., Any]
    text: str


class Exercise:
    """One function or class to write, and all that is known about right and wrong answers to it."""

    def __init__(self, target: Callable[..., Any], points: float, **options: Any):
        self.target, self.points = target, points
        self.name: str = target.__name__
        self.nudges: tuple[str, ...] = tuple(options["hints"])
        self.needs: tuple[str, ...] = tuple(options["needs"])
        self.drawers: Mapping[str, Callable[..., Any]] = options["draw"]
        self.tolerance: Tolerance = options["tolerance"]
        self.limits: Mapping[str, float | str] = options["limits"]
        self.leaderboard: str = options["leaderboard"]
        self.questions: list[Question] = []
        self.laws: list[Law] = []
        self.mistakes: list[Variant] = []
        self.alternates: list[Variant] = []
        self.oracles: list[Variant] = []
        self.equivalents: dict[str, str] = {}
        self.signatures: dict[str, Signature] = dict(signatures_of(target))
        self.helpers: dict[str, Helper] = {}

    def probe(
        self,
        label: str,
        *,
        hidden: bool = False,
        weight: float = 1.0,
        tolerance: Tolerance | None = None,
        grad: int | None = None,
        jit: bool = False,
        vmap: Sequence[int | None] | None = None,
        then: Sequence[str | Helper] = (),
        **values: Any,
    ) -> None:
        """A call on drawn inputs. `values` give every axis a size, and every argument that is no array a value.

        An array may be given as a drawer, `f(rng, <axes by name>)`. `grad=0` asks for the gradient in the first
        argument, `vmap=(0, None)` maps over a new leading axis whose size is `batch`. For a class, `then` names the
        methods to call after construction, or helpers that take the object first; their arguments are drawn as well.
        """
        known = {"batch"} if vmap else set[str]()
        methods = tuple(self._method(step) for step in then)
        for method in ("", *methods):
            if method not in self.signatures:
                raise AuthorError(f"{label!r} calls the method {method!r}, but {self.name} has none of that name.")
            for parameter in self.signatures[method].parameters:
                known |= {parameter.name, *(parameter.spec.axes or ())}
        for name in values.keys() - known:
            raise AuthorError(
                f"{label!r} says {name}={values[name]!r}, but {self.name} has no axis or argument of that name; "
                f"it has {', '.join(sorted(known))}."
            )
        if vmap and any(axis not in (0, None) for axis in vmap):
            raise AuthorError(f"{label!r} has vmap={tuple(vmap)}, but probes map over 0, a new leading axis, or None.")
        self._ask(label, hidden, weight, tolerance, _transform(grad, jit, vmap), methods, values)

    def case(
        self,
        label: str,
        *args: Any,
        hidden: bool = False,
        weight: float = 1.0,
        tolerance: Tolerance | None = None,
        grad: int | None = None,
        jit: bool = False,
        vmap: Sequence[int | None] | None = None,
        then: Sequence[tuple[Any, ...]] = (),
        expect: Any = None,
    ) -> None:
        """A call on inputs made by hand. `expect` is an answer found by hand, with which the reference must agree.

        For a class, `then` lists methods, or helpers, with their arguments: `then=[("fit", X, y), ("predict", X_new)]`.
        """
        steps = tuple((self._method(step), tuple(rest)) for step, *rest in then)
        transform = _transform(grad, jit, vmap)
        self._ask(label, hidden, weight, tolerance, transform, tuple(s for s, _ in steps), {}, args, steps, expect)

    def law(
        self, function: Callable[..., Any] | None = None, *, hidden: bool = False, weight: float = 1.0, draws: int = 1
    ) -> Any:
        """A property `law(f, rng) -> bool` of the student's `f`; its docstring is what the student reads.

        `f` checks shape and dtype of every answer and refuses NaN before the law sees it; `f.grad(0)`, `f.jit()` and
        `f.vmap(0, None)` are its transforms; a function passed to `f` is a spy that stays on the grader's side.
        `draws` repeats the law on that many independent draws, each a check of its own.
        """

        def register(law: Callable[..., Any]) -> Callable[..., Any]:
            text = described(law, "a law", "what must hold, as the student will read it")
            for i in range(draws):
                label = text if i == 0 else f"{text} (draw {i + 1})"
                self._new(label)
                self.laws.append(Law(label, hidden, weight, law))
            return law

        return register if function is None else register(function)

    def mistake(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A wrong solution. Its docstring is the hint for those who made it."""
        _add(self.mistakes, "mistakes", function, described(function, "a mistake", "the hint"))
        return function

    def alternate(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A correct solution that looks different, and must earn everything."""
        _add(self.alternates, "alternates", function, inspect.getdoc(function) or "")
        return function

    def oracle(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """An independent way to the same answers: another library or another algorithm."""
        _add(self.oracles, "oracles", function, inspect.getdoc(function) or "")
        return function

    def equivalent(self, mutant: str, *, because: str) -> None:
        """Marks an automatic mutant of the reference, as `verify` prints it, as correct, with the reason."""
        self.equivalents[mutant] = because

    def _method(self, step: str | Helper) -> str:
        """The name of a method, or of a helper used like one."""
        if not isinstance(step, Helper):
            return step
        takes = step.signature.parameters
        if not takes:
            raise AuthorError(f"{step.name} stands for a method, so its first argument should be the object.")
        self.helpers[step.name] = step
        self.signatures[step.name] = Signature(takes[1:], step.signature.returns)
        return step.name

    def _ask(
        self,
        label: str,
        hidden: bool,
        weight: float,
        tolerance: Tolerance | None,
        transform: Transform | None,
        methods: tuple[str, ...],
        values: Mapping[str, Any],
        args: tuple[Any, ...] | None = None,
        then: tuple[tuple[str, tuple[Any, ...]], ...] = (),
        expect: Any = None,
    ) -> None:
        self._new(label)
        if weight <= 0:
            raise AuthorError(f"{label!r} has weight={weight}, but a weight should be positive.")
        count = len(self.signatures[""].parameters)
        if transform and transform.name == "grad" and (transform.axes[0] or 0) >= count:
            raise AuthorError(f"{label!r} has grad={transform.axes[0]}, but {self.name} has {count} arguments, from 0.")
        kept = tolerance or self.tolerance
        self.questions.append(Question(label, hidden, weight, kept, transform, methods, values, args, then, expect))

    def _new(self, label: str) -> None:
        if label in {q.label for q in self.questions} | {law.label for law in self.laws}:
            raise AuthorError(f"{self.name} has two checks labelled {label!r}; labels should differ.")


@dataclass(frozen=True)
class Written:
    """A question answered in words and graded by a person, with the rubric to grade it by."""

    name: str
    prompt: str
    points: float
    rubric: str


def exercise(
    target: Callable[..., Any],
    *,
    points: float,
    hints: Sequence[str] = (),
    needs: Sequence[Exercise] = (),
    draw: Mapping[str, Callable[..., Any]] = {},
    tolerance: Tolerance = Tolerance(),
    limits: Mapping[str, float | str] = {},
    leaderboard: str = "",
) -> Exercise:
    """An exercise whose reference solution is `target`, a function or class of `solutions/`.

    `hints` are given one by one when a student asks; `needs` are earlier exercises that the student's answer may call
    (a mistake there is not charged twice); `draw` says how an argument is drawn, `f(rng, <axes by name>)`; `limits`
    differ from the course's: `limits={"check_seconds": 20}`; with `limits={"device": "gpu"}` it is graded on a GPU;
    `leaderboard` names a board of the points earned here.
    """
    if points <= 0:
        raise AuthorError(f"{target.__name__} has points={points}, but points should be positive.")
    if limits.keys() - LIMITS:
        extra, known = ", ".join(sorted(limits.keys() - LIMITS)), ", ".join(sorted(LIMITS))
        raise AuthorError(f"{target.__name__} sets the limits {extra}, but an exercise may set {known}.")
    if limits.get("device", "cpu") not in ("cpu", "gpu"):
        raise AuthorError(f"{target.__name__} has the device {limits['device']!r}, but it should be 'cpu' or 'gpu'.")
    described(target, "an exercise", "the prompt that the student reads")
    names = tuple(e.name for e in needs)
    how = {"draw": draw, "tolerance": tolerance, "limits": limits, "leaderboard": leaderboard}
    return Exercise(target, points, hints=hints, needs=names, **how)


def written(name: str, prompt: str, *, points: float, rubric: str) -> Written:
    """A question graded by a person. The rubric is for graders: it is never released."""
    if points <= 0 or not rubric.strip():
        raise AuthorError(f"The written question {name!r} needs positive points and a rubric.")
    return Written(name, textwrap.dedent(prompt).strip(), points, textwrap.dedent(rubric).strip())


def given(function: Callable[..., Any], **annotations: Any) -> Helper:
    """A helper whose source is shipped to the student's side. It may use `np`, `jax`, `jnp` and other helpers.

    Where a helper stands for a method (`then=`), its arguments are drawn from `annotations` by name, and `returns` says
    what it answers. They are no part of its source, because students have no jaxtyping.
    """
    source = textwrap.dedent(inspect.getsource(function))
    lines = source.splitlines()
    while lines and lines[0].lstrip().startswith("@"):
        lines.pop(0)
    return Helper(function.__name__, "\n".join(lines) + "\n", function, signature_of(function, annotations))


def described(function: Callable[..., Any], what: str, text: str) -> str:
    """The docstring of `function` on one line or more, or an AuthorError that asks for it."""
    doc = inspect.getdoc(function)
    if not doc:
        code = getattr(function, "__code__", None)
        where: Any = {"file": code.co_filename, "line": code.co_firstlineno} if code else {}
        raise AuthorError(f"{function.__name__} is {what}, and its docstring should be {text}.", **where)
    return doc


def _add(variants: list[Variant], what: str, function: Callable[..., Any], text: str) -> None:
    if function.__name__ in {v.name for v in variants}:
        raise AuthorError(f"Two {what} are called {function.__name__}, but their names should differ.")
    variants.append(Variant(function.__name__, function, text))


def _transform(grad: int | None, jit: bool, vmap: Sequence[int | None] | None) -> Transform | None:
    asked = (grad is not None) + jit + (vmap is not None)
    if asked > 1:
        raise AuthorError("A check may ask for one of grad, jit and vmap, not for several at once.")
    if grad is not None:
        return Transform("grad", (grad,))
    if vmap is not None:
        return Transform("vmap", tuple(vmap))
    return Transform("jit") if jit else None
