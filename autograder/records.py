"""Frozen data shared by every other module. Nothing here computes or opens a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from autograder.calls import Call, Given, Handle, Helper, Key, Kind, Parameter, Signature, Spec, Spy, Transform

# ---- what comes back --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returned:
    """A value came back. `changed` lists the numbers of arguments that the call altered (the worker's claim)."""

    value: Any
    changed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Raised:
    """The student's code raised. All three texts are the student's own, and hostile."""

    type: str
    message: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class Lost:
    """No answer: `missing` (the name is not defined), `time`, `memory`, `exit` (the process ended), `protocol` (bytes
    that are not an answer), `flood` (more output than allowed), `unasked` (the submission's time was used up)."""

    why: Literal["missing", "time", "memory", "exit", "protocol", "flood", "unasked"]
    detail: str = ""


Outcome: TypeAlias = Returned | Raised | Lost


@dataclass(frozen=True)
class LawResult:
    """How a law ended: kept, or broken with the kind and message of a finding."""

    kept: bool
    kind: str = "law"
    message: str = ""


@dataclass(frozen=True)
class Submission:
    """What is graded of a notebook: its code cells, by their position in the notebook."""

    student: str
    path: str
    cells: Mapping[int, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frameworks:
    """Libraries that take seconds to import, and Keras's backend if the submission sets one. `also` are modules that a
    fork server may as well load for whoever comes next: they make no other set of frameworks."""

    libraries: tuple[str, ...] = ()
    keras_backend: str = ""
    also: tuple[str, ...] = field(default=(), compare=False)


NO_FRAMEWORKS = Frameworks()


@dataclass(frozen=True)
class CellOutcome:
    """One cell run: its outputs as nbformat dictionaries (plain text and PNG only), and how it ended."""

    outputs: tuple[Mapping[str, Any], ...] = ()
    outcome: Outcome = Returned(None)


# ---- the sheet --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tolerance:
    """|answer - expected| <= atol + rtol * |expected|, entry by entry."""

    rtol: float = 1e-4
    atol: float = 1e-5


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Times are on the grader's clock; `device` is what its code computes on."""

    check_seconds: float = 10.0
    cell_seconds: float = 30.0
    submission_seconds: float = 120.0
    memory_mb: int = 3000
    processes: int = 64
    disk_mb: int = 64
    output_kb: int = 512
    device: Literal["cpu", "gpu"] = "cpu"


@dataclass(frozen=True)
class Check:
    """One question to the student's code, with everything that is needed to judge the answer.

    A value check has a `call`, what is `expected`, and what each mistake would `answers`. A law has a `seed` from which
    its inputs are drawn, and `answers` says how each mistake ends (`laws.ending`): True if it keeps the law.
    """

    label: str
    kind: Literal["value", "law"]
    hidden: bool = False
    weight: float = 1.0
    call: Call | None = None
    expected: Any = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    returns: Spec = field(default_factory=Spec)
    tolerance: Tolerance = Tolerance()
    seed: int = 0


@dataclass(frozen=True)
class ExerciseSheet:
    """The checks of one exercise. `hints` are the mistakes' hints; `nudges` are given one by one on `hint()`.

    `signatures` holds the function's own under "", and those of a class's methods under their names. `limits` are those
    that differ from the course's.
    """

    name: str
    points: float
    signatures: Mapping[str, Signature]
    checks: tuple[Check, ...]
    hints: Mapping[str, str] = field(default_factory=dict)
    nudges: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    limits: Mapping[str, float | str] = field(default_factory=dict)
    after_submission: int = 0  # how many checks run when graded, the visible ones included


@dataclass(frozen=True)
class Sheet:
    """The checks of one chapter, drawn from one seed.

    `given` holds the source of helpers by name, `laws` that of visible laws, by exercise and label as `exercise/label`.
    """

    course: str
    chapter: str
    title: str
    exercises: tuple[ExerciseSheet, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    laws: Mapping[str, str] = field(default_factory=dict)
    arrays: Literal["jax", "numpy"] = "jax"


# ---- the verdict ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """What one check taught us. `message` is empty when it passed. `mistake` names the mistake this answer equals."""

    label: str
    hidden: bool
    passed: bool
    kind: str = "value"
    message: str = ""
    hint: str = ""
    mistake: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Findings and points of one exercise. `diagnosis` is the mistake that explains the hidden checks too, if any;
    `seconds` is how long the student's code took for it (None: not known)."""

    name: str
    score: float
    max_score: float
    findings: tuple[Finding, ...]
    diagnosis: str | None = None
    hint: str = ""
    carried_forward: bool = False
    attempted: bool = True
    seconds: float | None = field(default=None, compare=False)


Looked: TypeAlias = tuple[str, Any]
"""A digest of what a student's cells were read for, and what was read (`remembering.look_through`)."""


@dataclass(frozen=True)
class Graded:
    """One submission, graded, or the reason why not. `cells` are the outputs of the student's cells, by position, all
    of them if they are to be `shown`; `hurried` says that its time was used up before all checks were asked; `answers`
    are what it was judged by (`answers.Answers`), for as long as somebody may keep them, and `looked` what was read off
    its cells; `known` says that nothing had to be graded."""

    student: str
    path: str
    status: Literal["graded", "unreadable", "failed-ours"]
    verdicts: tuple[Verdict, ...] = ()
    max_score: float = 0.0
    seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    cells: Mapping[int, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    shown: bool = True
    hurried: bool = False
    answers: Mapping[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    looked: Looked | None = field(default=None, compare=False, repr=False)
    known: bool = field(default=False, compare=False)

    @property
    def score(self) -> float:
        return sum(v.score for v in self.verdicts)


__all__ = [
    "NO_FRAMEWORKS",
    "Call",
    "CellOutcome",
    "Check",
    "ExerciseSheet",
    "Finding",
    "Frameworks",
    "Given",
    "Graded",
    "Handle",
    "Helper",
    "Key",
    "Kind",
    "LawResult",
    "Limits",
    "Looked",
    "Lost",
    "Outcome",
    "Parameter",
    "Raised",
    "Returned",
    "Sheet",
    "Signature",
    "Spec",
    "Spy",
    "Submission",
    "Tolerance",
    "Transform",
    "Verdict",
]
