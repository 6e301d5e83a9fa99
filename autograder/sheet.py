"""Exercises and a secret -> a `Sheet`: arguments, expected answers, and the answer each known mistake would give.

Expected answers are computed in double precision on the very numbers that the student's code receives.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any

import numpy as np

from autograder.author import Exercise, Law, Question
from autograder.drawing import call_of, seed_of
from autograder.errors import AuthorError
from autograder.laws import Subject, batched, ending, judge_law
from autograder.records import Call, Check, ExerciseSheet, Handle, Helper, Outcome, Raised, Returned, Sheet, Spec
from autograder.sandbox.local import LocalStudent

LAW_NAMES = frozenset({"np", "jax", "jnp", "close", "conforms", "refusal"})
"""What a visible law may use besides its arguments and builtins: it runs in the student's notebook as well."""

PUBLIC = b"public"
"""The seed of the visible sheet, which everybody may know."""

Given_ = Mapping[str, Callable[..., Any]]


def draw(
    exercises: Sequence[Exercise],
    helpers: Mapping[str, Helper],
    secret: bytes,
    *,
    course: str = "",
    chapter: str = "",
    title: str = "",
) -> Sheet:
    """The whole sheet of a chapter, hidden checks included."""
    drawn = tuple(draw_exercise(e, helpers, secret + chapter.encode()) for e in exercises)
    sources = {name: helper.source for name, helper in helpers.items()}
    laws = {f"{e.name}/{law.label}": source_of(law.function) for e in exercises for law in e.laws if not law.hidden}
    return Sheet(course, chapter, title, drawn, sources, laws)


def visible(sheet: Sheet) -> Sheet:
    """The sheet that ships with the student's notebook: no hidden check, and only the helpers that visible ones use."""
    exercises = tuple(replace(e, checks=tuple(c for c in e.checks if not c.hidden)) for e in sheet.exercises)
    used = {name for e in exercises for c in e.checks if c.call for name in c.call.given}
    sources = {name: sheet.given[name] for name in _with_their_own(used, sheet.given)}
    return replace(sheet, exercises=exercises, given=sources)


def draw_exercise(exercise: Exercise, helpers: Mapping[str, Helper], secret: bytes) -> ExerciseSheet:
    """The checks of one exercise."""
    given = {name: helper.function for name, helper in helpers.items()}
    checks = [_value_check(exercise, q, given, secret) for q in exercise.questions]
    checks += [_law_check(exercise, law, given, secret) for law in exercise.laws]
    if not checks:
        raise AuthorError(f"{exercise.name} has no check: give it a probe, a case or a law.")
    return ExerciseSheet(
        name=exercise.name,
        points=exercise.points,
        signatures=exercise.signatures,
        checks=tuple(checks),
        hints={m.name: m.text for m in exercise.mistakes},
        nudges=exercise.nudges,
        needs=exercise.needs,
        limits=dict(exercise.limits),
        after_submission=len(checks),
    )


def answer(function: Callable[..., Any], call: Call, given: Given_, *, double: bool = True) -> Outcome:
    """What an author's function answers to `call`, in double or in single precision."""
    import jax

    with jax.enable_x64(double), jax.default_matmul_precision("highest"):
        student = LocalStudent({"f": function}, given, "jax")
        return student.call("f", widened(call) if double else call, seconds=0)


def widened(call: Call) -> Call:
    """The same call with every floating-point array in double precision."""

    def widen(tree: Any) -> Any:
        if isinstance(tree, np.ndarray) and tree.dtype.kind == "f":
            return tree.astype(np.float64)
        if isinstance(tree, list | tuple):
            return type(tree)(widen(x) for x in tree)
        return tree

    return replace(call, args=widen(call.args), then=widen(call.then))


def source_of(function: Callable[..., Any]) -> str:
    """The source of a visible law, which may use nothing but `LAW_NAMES`."""
    foreign = globals_used(function.__code__) - LAW_NAMES - vars(builtins).keys()
    if foreign:
        raise AuthorError(
            f"The visible law {function.__name__} uses {', '.join(sorted(foreign))}, but it also runs in the student's "
            f"notebook, where only {', '.join(sorted(LAW_NAMES))} exist. Hide the law, or move the names into it.",
            file=function.__code__.co_filename,
            line=function.__code__.co_firstlineno,
        )
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[start:]) + "\n"


def globals_used(code: CodeType) -> set[str]:
    """The global names that a function reads, in the functions inside it too."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return names.union(*(globals_used(c) for c in code.co_consts if isinstance(c, CodeType)))


def _value_check(exercise: Exercise, question: Question, given: Given_, secret: bytes) -> Check:
    call = call_of(exercise, question, secret)
    outcome = answer(exercise.target, call, given)
    if not isinstance(outcome, Returned):
        raise AuthorError(f"The reference {exercise.name} fails on {question.label!r}: {_why(outcome)}")
    if isinstance(outcome.value, Handle):
        raise AuthorError(
            f"The reference {exercise.name} answers {question.label!r} with a {outcome.value.type}, which is no data: "
            "name the methods to call with `then=`, or judge it by a law."
        )
    return Check(
        label=question.label,
        kind="value",
        hidden=question.hidden,
        weight=question.weight,
        call=call,
        expected=outcome.value,
        answers={m.name: _settled(answer(m.function, call, given)) for m in exercise.mistakes},
        returns=_returns(exercise, question),
        tolerance=question.tolerance,
    )


def _law_check(exercise: Exercise, law: Law, given: Given_, secret: bytes) -> Check:
    seed = seed_of(secret, exercise.name, law.label)

    def ended(function: Callable[..., Any]) -> bool | str:
        student = LocalStudent({"f": function}, given, "jax")
        return ending(judge_law(law.function, Subject(student, "f", exercise.signatures, lambda: 0.0), seed))

    return Check(
        label=law.label,
        kind="law",
        hidden=law.hidden,
        weight=law.weight,
        answers={m.name: ended(m.function) for m in exercise.mistakes},
        seed=seed,
    )


def _returns(exercise: Exercise, question: Question) -> Spec:
    if question.methods:
        return exercise.signatures[question.methods[-1]].returns
    own, transform = exercise.signatures[""], question.transform
    if transform is None or transform.name == "jit":
        return own.returns
    if transform.name == "grad":
        return own.parameters[transform.axes[0] or 0].spec
    return batched(own.returns)


def _settled(outcome: Outcome) -> Any:
    """What a mistake gives: its value, or the bare fact that it raises."""
    return outcome.value if isinstance(outcome, Returned) else Raised(getattr(outcome, "type", "lost"))


def _why(outcome: Outcome) -> str:
    return f"{outcome.type}: {outcome.message}" if isinstance(outcome, Raised) else str(outcome)


def _with_their_own(names: set[str], sources: Mapping[str, str]) -> list[str]:
    """`names` and the helpers that they call, in the order of `sources`."""
    found, queue = set(names), list(names)
    while queue:
        tree = ast.parse(sources[queue.pop()])
        new = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in sources} - found
        found |= new
        queue += new
    return [name for name in sources if name in found]
