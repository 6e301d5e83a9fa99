"""How far grading a class has come: counts, a rate and the time that is left, in words. Knows no clock of its own."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from autograder.records import Graded

RECENT = 30
"""By how many submissions the rate is measured."""


@dataclass
class Tally:
    """Counts submissions as they finish. Those that an earlier run has graded take no time, and count for no rate."""

    total: int
    begin: float
    finished: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT + 1))

    def __post_init__(self) -> None:
        self.recent.append(self.begin)

    def add(self, graded: Graded, now: float) -> None:
        """One more has finished."""
        self.finished += 1
        if graded.known:
            self.counts["known"] += 1
        elif graded.status != "unreadable":
            self.recent.append(now)
        if graded.status != "graded":
            self.counts[graded.status] += 1

    def rate(self, now: float) -> float | None:
        """Submissions a minute, by the last ones; it falls while nothing finishes. None before the first."""
        measured, seconds = len(self.recent) - 1, now - self.recent[0]
        return 60 * measured / seconds if measured and seconds > 0 else None

    def left(self, now: float) -> float | None:
        """Seconds until all have finished, if none of them is known already. None before that can be told."""
        if self.finished >= self.total:
            return 0.0
        rate = self.rate(now)
        return (self.total - self.finished) / rate * 60 if rate else None

    def words(self, now: float) -> str:
        """All of it on a line, what matters most first."""
        rate, left = self.rate(now), self.left(now)
        parts = [f"{self.finished} of {self.total}"]
        parts += [f"{clock(left)} left"] if left else []
        parts += [f"{self.counts[status]} {what}" for status, what in FAILURES.items() if self.counts[status]]
        parts += [f"{rate:.3g} a minute"] if rate else []
        parts += [f"{self.counts['known']} already known"] if self.counts["known"] else []
        return ", ".join(parts)


FAILURES = {"unreadable": "unreadable", "failed-ours": "failed on our side"}


def clock(seconds: float) -> str:
    """Hours, minutes and seconds, as a clock shows them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
