"""Judging a changed law by what it and the student's code have said to each other, without asking again.

A law is code that asks. If it has changed, and asks the same as before in the same order, the student's code would
answer what it has answered: so the law talks to what is kept. As soon as it asks anything else, that is of no use, and
the exercise is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.answers import Answers, Part, Way
from autograder.course import Chapter
from autograder.errors import AuthorError, OurError
from autograder.judge import Result
from autograder.laws import Subject, judge_law
from autograder.pairs import plain
from autograder.records import Call, ExerciseSheet, Handle, Outcome, Sheet, Spy
from autograder.said import FAILED, Said, asked, digest, each_spy
from autograder.wire import Malformed


def recalled(chapter: Chapter, sheet: Sheet, parts: Mapping[Way, Part]) -> tuple[dict[Way, Answers], dict[Way, Part]]:
    """The answers to those exercises of which all is known that is asked now, and what is known of the others."""
    exercises = {e.name: e for e in sheet.exercises}
    whole, left = dict[Way, Answers](), dict[Way, Part]()
    for way, part in parts.items():
        checks = exercises[way[0]].checks
        results = dict(_results(chapter, exercises[way[0]], part))
        if len(results) == len(checks):
            whole[way] = Answers(tuple(results[place] for place in range(len(checks))), part.seconds, part.said)
        elif results:
            left[way] = replace(part, results=results)
    return whole, left


def _results(chapter: Chapter, exercise: ExerciseSheet, part: Part) -> Iterator[tuple[int, Result]]:
    for place, check in enumerate(exercise.checks):
        if place in part.results:
            yield place, part.results[place]
        elif check.call is None and check.label in part.said:
            student: Any = Recalling(iter(part.said[check.label]))
            law = chapter.law(exercise.name, plain(check.label))
            subject = Subject(student, exercise.name, exercise.signatures, lambda: 0.0)
            with suppress(Otherwise):
                yield place, judge_law(law.function, subject, check.seed)


class Otherwise(BaseException):
    """The law asks or answers otherwise than before. No law should catch this."""


@dataclass
class Recalling:
    """A student who says what was said before, as long as the law does."""

    said: Iterator[Said]
    _functions: list[Callable[..., Any]] = field(default_factory=list)

    def call(self, target: str | Handle, call: Call, *, seconds: float) -> Outcome:
        """What was answered to this call. Raises `Otherwise` if something else was asked then."""
        each_spy(call, self._passed_on)
        said = next(self.said, None)
        try:
            if said is None or said.asked != asked(target, call):
                raise Otherwise
            for number, args, answered in said.called:
                if number >= len(self._functions) or digest(self._answer(number, args)) != answered:
                    raise Otherwise
        except Malformed:
            raise Otherwise from None
        return said.outcome

    def _passed_on(self, spy: Spy) -> Spy:
        self._functions.append(spy.function)
        return spy

    def _answer(self, number: int, args: tuple[Any, ...]) -> Any:
        try:
            return self._functions[number](*args)
        except (OurError, AuthorError):
            raise
        except Exception:
            return FAILED
