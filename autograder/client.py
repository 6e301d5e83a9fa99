"""What a student's notebook uses: `check(f)`, `example(f, 0)` and `hint()`.

Checks run in the notebook's own process, against the visible sheet that lies beside the notebook. They grade nothing
and send nothing: what counts is decided after submission, by hidden checks too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.card import Card, Part, card_html, card_text, clean, sentence
from autograder.client_example import Example, Property, make, reproduction
from autograder.client_sheet import Trouble, answers, find, quiet, resolve
from autograder.judge import Result, judge, unwritten
from autograder.laws import STARTER_ERROR
from autograder.records import ExerciseSheet, Finding, Raised, Verdict
from autograder.report import HOLDS

__all__ = ["Example", "Hint", "Property", "Report", "check", "example", "hint"]

Target = Callable[..., Any] | str

BROKEN = "This property does not hold yet. The line above shows it, written as code."
_FRAME = re.compile(r'File "(?P<file>[^"\n]*)", line (?P<line>\d+), in (?P<name>\S+)\n(?:    (?P<code>.*))?')
_LIBRARY = re.compile(r"[/\\](site-packages|dist-packages|python3\.\d+|Lib)[/\\]|^<(frozen|given|law)")


@dataclass
class Session:
    """What one student has seen so far in this notebook.

    This is the one mutable thing of the client, because "the next hint" means nothing without what came before. It is
    made anew with each kernel, holds nothing that a grade depends on, and is never written to a file.
    """

    last: str = ""
    recognised: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[str]] = field(default_factory=dict)


_session = Session()


@dataclass(frozen=True, repr=False)
class Report:
    """What `check` found. Jupyter shows it as a card; `print` shows the same words."""

    exercise: str
    passed: bool
    card: Card

    def __repr__(self) -> str:
        return card_text(self.card)

    def _repr_html_(self) -> str:
        return card_html(self.card)


@dataclass(frozen=True, repr=False)
class Hint:
    """One hint. Jupyter shows it as a card."""

    card: Card

    def __repr__(self) -> str:
        return card_text(self.card)

    def _repr_html_(self) -> str:
        return card_html(self.card)


def check(target: Target) -> Report:
    """Runs the visible checks of an exercise on your function or class, and says what to look at first."""
    folder = Path.cwd()
    try:
        name, function = resolve(target, folder)
        loaded = find(name, folder)
        if function is None:
            raise Trouble(f"{name} is not defined yet. Run the cell where you write it, then this one.")
    except Trouble as trouble:
        return Report(str(target) if isinstance(target, str) else "", False, Card("note", "", str(trouble)))
    exercise = loaded.exercise(name)
    results = answers(loaded, name, function)
    with quiet():
        verdict = judge(exercise, results)
    card = checked_card(exercise, verdict, results)
    _session.last = name
    recognised = next((p.text for p in card.parts if p.kind == "hint"), "")
    if recognised:
        _session.recognised[name] = recognised
    else:
        _session.recognised.pop(name, None)
    return Report(name, card.tone == "pass", card)


def example(target: Target, index: int = 0) -> Example | Property:
    """The arguments of the visible check with this number: `x, y, gamma = example("rbf_kernel", 0)`."""
    folder = Path.cwd()
    name, _ = resolve(target, folder)
    return make(find(name, folder), name, index)


def hint(target: Target | None = None) -> Hint:
    """The next hint for an exercise, or for the one checked last: first about your mistake, then one nudge a time."""
    folder = Path.cwd()
    if target is None and not _session.last:
        return Hint(Card("note", "", "Run check(...) on your function first, or name it here: hint(rbf_kernel)."))
    try:
        name = _session.last if target is None else resolve(target, folder)[0]
        exercise = find(name, folder).exercise(name)
    except Trouble as trouble:
        return Hint(Card("note", "", str(trouble)))
    own = _session.recognised.get(name, "")
    hints = ([own] if own else []) + list(exercise.nudges)
    seen = _session.shown.setdefault(name, [])
    text = next((h for h in hints if h not in seen), None)
    if text is None:
        more = "There are no more hints" if hints else "There is no hint"
        advice = f'example("{name}", 0) shows a call and its answer; your instructor is glad to help, too.'
        return Hint(Card("note", name, f"{more} for this exercise.", (Part("text", advice),)))
    seen.append(text)
    left = sum(h not in seen for h in hints)
    footer = f"{left} more: run hint({name}) again." if left else "This was the last one."
    return Hint(Card("note", name, "a hint", (Part("advice", text),), footer))


def checked_card(exercise: ExerciseSheet, verdict: Verdict, results: Sequence[Result]) -> Card:
    """One lesson at a time: the first check that fails, or how many pass."""
    name, findings = exercise.name, verdict.findings
    footer = counted(sum(f.passed for f in findings), len(findings), exercise.after_submission)
    index = next((i for i, f in enumerate(findings) if not f.passed), None)
    if index is None:
        return Card("pass" if findings else "note", name, footer)
    finding, result = findings[index], results[index]
    unwritten = starter(result)
    if unwritten in {"", name, "__init__"} | exercise.signatures.keys():
        return Card("wait", name, "nothing is written there yet", (), waiting(exercise))
    if unwritten:
        text = f"{name} calls {unwritten}, and nothing is written there yet. Write {unwritten} first."
        return Card("wait", name, "waits for another function", (Part("text", text),), footer)
    parts = [Part("label", finding.label), Part("code", reproduction(exercise, index))]
    parts.append(Part("text", lesson(finding)))
    parts += place(result)
    said = finding.hint or verdict.hint
    if said:
        parts.append(Part("hint", said))
    return Card("fail", name, "not right yet", tuple(parts), footer)


def counted(passed: int, visible: int, after_submission: int) -> str:
    """How many visible checks pass, and how many more there are."""
    more = after_submission - visible
    later = f"check{' runs' if more == 1 else 's run'} after you submit."
    if not visible:
        return f"there is no check to run here. {more} {later}"
    noun, verb = "check" if visible == passed == 1 else "checks", "passes" if passed == 1 else "pass"
    return f"{passed} of {visible} visible {noun} {verb}." + (f" {more} more {later}" if more > 0 else "")


def waiting(exercise: ExerciseSheet) -> str:
    """How many checks wait for an exercise that is not begun."""
    n = len(exercise.checks)
    return f"{n} visible check{' waits' if n == 1 else 's wait'} for your code. Run this cell again once it is written."


def lesson(finding: Finding) -> str:
    """What went wrong, as one sentence."""
    if finding.message == HOLDS.format(finding.label):
        return BROKEN
    return sentence(clean(finding.message))


def starter(result: Result) -> str | None:
    """The function that is still its starter, if that is why there is no answer; "" where its name is not known.

    JAX raises the same exception for what it cannot do, with a message; a starter's own line says `raise`.
    """
    if not isinstance(result, Raised) or result.type != STARTER_ERROR:
        return None
    last = next(reversed(own_frames(result.traceback)), {"name": "", "code": ""})
    raised_here = "raise NotImplementedError" in last["code"] if last["code"] else unwritten(result)
    return last["name"] if raised_here else None


def place(result: Result) -> list[Part]:
    """Where in the student's own code an exception was raised."""
    frames = own_frames(result.traceback) if isinstance(result, Raised) else []
    if not frames:
        return []
    last = frames[-1]
    parts = [Part("text", f"It happened on line {last['line']} of the cell, in {clean(last['name'], 80)}:")]
    if last["code"]:
        parts.append(Part("code", clean(last["code"].strip(), 200, 1)))
    return parts


def own_frames(traceback: str) -> list[dict[str, str]]:
    """The frames of a traceback that are in cells or files of the student, and not in a library."""
    frames = [match.groupdict(default="") for match in _FRAME.finditer(traceback)]
    return [f for f in frames if not _LIBRARY.search(f["file"])]
