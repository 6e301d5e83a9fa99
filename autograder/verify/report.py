"""What `verify` tells: a row for each exercise, and a breach for each invariant that does not hold. Plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

INVARIANTS = {
    1: "the reference earns full points and agrees with its oracle",
    2: "the untouched starter earns nothing",
    3: "every mistake loses points through a hidden check and receives its own hint",
    4: "every alternate earns full points",
    5: "single precision stays within the tolerance",
    6: "nothing hidden is released",
    7: "mutated references are killed",
    8: "all seeds give the same verdicts",
}


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold, in one sentence that says what to change, and where."""

    exercise: str
    invariant: int
    message: str
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return place + self.message


@dataclass(frozen=True)
class Row:
    """What was seen of one exercise. `caught` and `hinted` count mistakes, `accepted` alternates, `worst` is the
    largest share of the tolerance that single precision used up, and `worst_at` the label of that check."""

    name: str
    visible: int = 0
    hidden: int = 0
    mistakes: int = 0
    caught: int = 0
    hinted: int = 0
    alternates: int = 0
    accepted: int = 0
    oracle: str = ""
    mutants: int = 0
    killed: int = 0
    survived: int = 0
    equivalent: int = 0
    worst: float | None = None
    worst_at: str = ""
    seeds: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far one exercise is: `done` of `total` steps; `stage` says what is being done, in a word or two."""

    exercise: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Report:
    """The invariants of one chapter."""

    chapter: str
    engine: str
    seeds: int
    rows: tuple[Row, ...]
    findings: tuple[Breach, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """The report as JSON data; its shape is in docs/verify.md."""
        rows = [asdict(row) for row in self.rows]
        for row in rows:
            if row["worst"] is not None and not math.isfinite(row["worst"]):
                row["worst"] = "infinite"
        return {
            "schema": 1,
            "chapter": self.chapter,
            "engine": self.engine,
            "ok": self.ok,
            "seeds": self.seeds,
            "seconds": round(self.seconds, 2),
            "exercises": rows,
            "findings": [asdict(f) for f in self.findings],
        }
