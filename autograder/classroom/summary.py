"""Entries of a class -> its figures. Pure: the order of the students changes nothing, and nobody is named by default.

A check is judged by those who attempted its exercise: who left the starter alone says nothing about the check.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from autograder.judge import LOST
from autograder.pairs import SOMEBODY
from autograder.records import Finding, Graded, Verdict


@dataclass(frozen=True)
class Kept:
    """What is kept about a class: one entry a student, and under which protections it came about."""

    course: str
    chapter: str
    engines: tuple[str, ...]
    isolation: tuple[str, ...]
    submissions: tuple[Graded, ...]


@dataclass(frozen=True)
class Who:
    """Some of the class: how many, and who, where names were asked for."""

    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bin:
    """Scores from `low` to below `high` points; the last bin holds the full score too."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class CheckFigures:
    """One check: how many of those who attempted its exercise pass it, and `discrimination` (None: no information)."""

    exercise: str
    label: str
    hidden: bool
    tried: int
    passed: int
    discrimination: float | None

    @property
    def share(self) -> float:
        return self.passed / self.tried if self.tried else 0.0


@dataclass(frozen=True)
class ExerciseFigures:
    """One exercise: mean points of all who were graded, full marks, and who is stuck how.

    `late`: a check got no answer in time. `failing`: a check ended in an exception, or ended Python. `unexplained`: a
    wrong answer which is neither of the two, and equals no known mistake. Seconds are those of the code of whoever
    attempted it; None if they were not kept.
    """

    name: str
    max_score: float
    graded: int
    mean: float
    full: int
    wrong: int
    blank: Who
    failing: Who
    late: Who
    unexplained: Who
    seconds_median: float | None
    seconds_most: float | None


@dataclass(frozen=True)
class Misconception:
    """A known mistake, who made it, the label of a check that fails by it, and `code` of somebody who made it."""

    exercise: str
    mistake: str
    hint: str
    who: Who
    example: str
    code: str = ""


@dataclass(frozen=True)
class ClassReport:
    """All figures of a class in one chapter.

    `mixed`: the entries come from different versions of the chapter. `used_up`: who had no time left, so that
    some checks may not have been judged, though the fault may be a busy machine's. `borrowed`: where something points
    to the numbers of somebody else's notebook (see `pairs`).
    """

    course: str
    chapter: str
    engines: tuple[str, ...]
    isolation: tuple[str, ...]
    submitted: int
    graded: int
    unreadable: Who
    failed: Who
    skipped_cells: Who
    used_up: Who
    borrowed: Who
    max_score: float
    scores: tuple[float, ...]
    median: float | None
    bins: tuple[Bin, ...]
    exercises: tuple[ExerciseFigures, ...]
    checks: tuple[CheckFigures, ...]
    misconceptions: tuple[Misconception, ...]
    hardest: CheckFigures | None
    least_discriminating: CheckFigures | None
    seconds: float
    seconds_median: float
    seconds_most: float
    mixed: bool


def summarise(
    kept: Kept,
    *,
    names: bool = False,
    hints: Mapping[tuple[str, str], str] = {},
    codes: Mapping[tuple[str, str], str] = {},
) -> ClassReport:
    """The figures of a class. `hints`, by exercise and mistake, stand in where an entry does not hold them; `codes` are
    anonymous examples."""
    graded = [g for g in kept.submissions if g.status == "graded"]
    verdicts = {name: _by_student(graded, name) for name in _ordered([v.name for v in g.verdicts] for g in graded)}
    most = max((g.max_score for g in kept.submissions), default=0.0)
    scores = tuple(sorted(round(g.score, 2) for g in graded))
    checks = tuple(_checks(graded, verdicts))
    telling = [c for c in checks if c.discrimination is not None]
    failed_by_some = [c for c in checks if c.passed < c.tried]
    seconds = sorted(g.seconds for g in graded)
    return ClassReport(
        course=kept.course,
        chapter=kept.chapter,
        engines=kept.engines,
        isolation=kept.isolation,
        submitted=len(kept.submissions),
        graded=len(graded),
        unreadable=_who([g.student for g in kept.submissions if g.status == "unreadable"], names),
        failed=_who([g.student for g in kept.submissions if g.status == "failed-ours"], names),
        skipped_cells=_who([g.student for g in graded if any("it was skipped" in note for note in g.notes)], names),
        used_up=_who([g.student for g in graded if any("was used up" in note for note in g.notes)], names),
        borrowed=_who([g.student for g in graded if any(SOMEBODY in note for note in g.notes)], names),
        max_score=most,
        scores=scores,
        median=round(median(scores), 2) if scores else None,
        bins=histogram(scores, most),
        exercises=tuple(_exercise(name, found, names) for name, found in verdicts.items()),
        checks=checks,
        misconceptions=_misconceptions(verdicts, names, hints, codes),
        hardest=min(failed_by_some, key=lambda c: c.share, default=None),
        least_discriminating=min(telling, key=lambda c: c.discrimination or 0.0, default=None),
        seconds=math.fsum(seconds),
        seconds_median=median(seconds) if seconds else 0.0,
        seconds_most=max(seconds, default=0.0),
        mixed=any(len({_version(v) for v in found.values()}) > 1 for found in verdicts.values())
        or len({tuple(v.name for v in g.verdicts) for g in graded}) > 1,
    )


def discrimination(passed: Sequence[bool], rest: Sequence[float]) -> float | None:
    """How well one check tells strong submissions from weak ones: the point-biserial correlation with the rest score.

        r = (M1 - M0) / s * sqrt(n1 n0 / n²)

    M1 and M0 are the mean rest scores of the n1 who pass and the n0 who fail, s is the standard deviation of all n rest
    scores (ddof=0). The rest score leaves out the check itself, which would agree with itself (J. P. Guilford, Educ.
    Psychol. Meas. 13, 87, 1953). None, for no information, if everyone or nobody passes, or if all rest scores agree.
    """
    yes = [r for r, p in zip(rest, passed, strict=True) if p]
    no = [r for r, p in zip(rest, passed, strict=True) if not p]
    if not yes or not no or min(rest) == max(rest):
        return None
    n, mean = len(rest), math.fsum(rest) / len(rest)
    spread = math.sqrt(math.fsum((r - mean) ** 2 for r in rest) / n)
    if spread == 0:  # the differences are too small to be squared
        return None
    r = (math.fsum(yes) / len(yes) - math.fsum(no) / len(no)) / spread * math.sqrt(len(yes) * len(no)) / n
    return max(-1.0, min(1.0, r))


def histogram(scores: Sequence[float], most: float) -> tuple[Bin, ...]:
    """At most ten bins of a round width, from 0 to at least `most` points."""
    if most <= 0:
        return ()
    power = 10.0 ** math.floor(math.log10(most / 10))
    width = next(step * power for step in (1, 2, 5, 10) if step * power * 10 >= most * (1 - 1e-9))
    number = max(1, math.ceil(most / width - 1e-9))
    counts = Counter(min(int(score / width), number - 1) for score in scores)
    return tuple(Bin(round(i * width, 9), round((i + 1) * width, 9), counts[i]) for i in range(number))


def _checks(graded: Sequence[Graded], verdicts: Mapping[str, Mapping[str, Verdict]]) -> list[CheckFigures]:
    total = {g.student: sum(f.passed for v in g.verdicts for f in v.findings) for g in graded}
    figures = []
    for name, found in verdicts.items():
        begun = {student: v for student, v in found.items() if v.attempted}
        labels = _ordered([f.label for f in v.findings] for v in found.values())
        for label in labels:
            answers = {s: f for s, v in begun.items() for f in v.findings if f.label == label}
            hidden = any(f.hidden for v in found.values() for f in v.findings if f.label == label)
            passed = [f.passed for f in answers.values()]
            rest = [total[s] - f.passed for s, f in answers.items()]
            figures.append(CheckFigures(name, label, hidden, len(passed), sum(passed), discrimination(passed, rest)))
    return figures


def _exercise(name: str, found: Mapping[str, Verdict], names: bool) -> ExerciseFigures:
    wrong = {s: v for s, v in found.items() if v.attempted and v.score < v.max_score}
    late = {s for s, v in wrong.items() if any(_is_late(f, name) for f in v.findings)}
    failing = {s for s, v in wrong.items() if any(f.kind in ("raised", "lost") for f in v.findings)} - late
    unexplained = [s for s, v in wrong.items() if v.diagnosis is None and s not in late | failing]
    seconds = sorted(v.seconds for v in found.values() if v.attempted and v.seconds is not None)
    return ExerciseFigures(
        name=name,
        max_score=max(v.max_score for v in found.values()),
        graded=len(found),
        mean=math.fsum(v.score for v in found.values()) / len(found),
        full=sum(v.score >= v.max_score for v in found.values()),
        wrong=len(wrong),
        blank=_who([s for s, v in found.items() if not v.attempted], names),
        failing=_who(failing, names),
        late=_who(late, names),
        unexplained=_who(unexplained, names),
        seconds_median=median(seconds) if seconds else None,
        seconds_most=max(seconds, default=None),
    )


def _misconceptions(
    verdicts: Mapping[str, Mapping[str, Verdict]],
    names: bool,
    hints: Mapping[tuple[str, str], str],
    codes: Mapping[tuple[str, str], str],
) -> tuple[Misconception, ...]:
    """The diagnosed mistakes, the most frequent first; ties in the order of the chapter, then of the alphabet."""
    found = []
    for exercise, by_student in verdicts.items():
        for mistake in sorted({v.diagnosis for v in by_student.values() if v.diagnosis}):
            made = {s: v for s, v in by_student.items() if v.diagnosis == mistake}
            told = sorted({v.hint for v in made.values()} - {""}) or [hints.get((exercise, mistake), "")]
            failing = Counter(f.label for v in made.values() for f in v.findings if not f.passed)
            labels = _ordered([f.label for f in v.findings] for v in made.values())
            example = max(labels, key=lambda label: failing[label], default="")
            code = codes.get((exercise, mistake), "")
            found.append(Misconception(exercise, mistake, told[0], _who(made, names), example, code))
    return tuple(sorted(found, key=lambda m: -m.who.count))


def _is_late(finding: Finding, exercise: str) -> bool:
    return finding.kind == "lost" and finding.message.startswith(LOST["time"].format(name=exercise).partition(".")[0])


def _by_student(graded: Sequence[Graded], exercise: str) -> dict[str, Verdict]:
    return {g.student: v for g in graded for v in g.verdicts if v.name == exercise}


def _version(verdict: Verdict) -> tuple[object, ...]:
    return verdict.max_score, tuple(f.label for f in verdict.findings)


def _who(students: Collection[str], names: bool) -> Who:
    return Who(len(students), tuple(sorted(students)) if names else ())


def _ordered(lists: Iterable[Sequence[str]]) -> list[str]:
    """All that the lists name, by the earliest place that one of them gives it."""
    places: dict[str, int] = {}
    for one in lists:
        for place, name in enumerate(one):
            places[name] = min(place, places.get(name, place))
    return sorted(places, key=lambda name: (places[name], name))
