"""What grading a class again costs: after nothing has changed, and after one exercise has.

    python benchmarks/again.py [--class 18] [--cached 500] [--workers 1] [--json again.json]

Everything happens in a copy of the course with a state folder of its own, through `autograder grade`, each run a
process of its own. The class are the sample submissions of the kernel chapter in the released notebook. Every change is
made to the same exercise, krr_loo, in the course as it was. The hidden sheet is drawn before the class is graded again,
and counted apart, because it costs the same for one student and for a thousand. Seconds of processor time are those of
the whole machine, so nothing else should be running: workers are killed, and no parent learns what they used.

The notebooks of the cached class differ from each other in a comment; what was found out about the class is put down
for each of them, as if they had been graded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rivals import busy

from autograder.demo.students import fill
from autograder.kept import key_of
from autograder.notebook.read import read

ROOT = Path(__file__).parents[1]
CHAPTER = "kernel"
GRADE = "from autograder.cli import main; main()"
LAW = "(np.abs(f(K, y, 0.5)) >= np.abs(fitted) - 1e-3).all()"
PROBE = 'krr_loo.probe("three molecules", hidden=True'
POINTS = "krr_loo = exercise(\n    kernel.krr_loo,\n    points=4"
ANSWER = "return krr_fit(K, y, lam) / jnp.diagonal(inverse)"
HINT = "The sign is reversed: a residual is observed minus predicted."
CHANGES: Mapping[str, tuple[str, str, str]] = {
    "points": ("source/kernel.py", POINTS, POINTS.replace("4", "5")),
    "a hint": ("source/kernel.py", HINT, HINT.replace("reversed", "turned around")),
    "the reference": ("solutions/kernel.py", ANSWER, "return krr_fit(K, y, lam) * (1 / jnp.diagonal(inverse))"),
    "a law": ("source/kernel.py", LAW, LAW.replace("1e-3", "2e-3")),
    "one probe more": ("source/kernel.py", PROBE, f'krr_loo.probe("four", hidden=True, n=4, lam=0.4)\n{PROBE}'),
}
"""What happens to the exercise: the file, what stands there, and what will."""


@dataclass(frozen=True)
class Cost:
    """One run of `autograder grade`, in seconds."""

    what: str
    wall: float
    processor: float
    submissions: int


@dataclass(frozen=True)
class Place:
    """A copy of the course, and a state folder."""

    root: Path
    state: Path

    def grade(self, what: str, folder: str, workers: int) -> Cost:
        """Grades every notebook of a folder."""
        environment = os.environ | {"AUTOGRADER_STATE": str(self.state), "COLUMNS": "120"}
        report = self.root / "report.json"
        words = ["grade", CHAPTER, folder, "--workers", str(workers), "--json", str(report)]
        begin, before = time.monotonic(), busy()
        with (self.root / "log").open("w+") as log:
            command = [sys.executable, "-c", GRADE, *words]
            done = subprocess.run(command, cwd=self.root, env=environment, stdout=log, stderr=log, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"grading ended with {done.returncode}: {(self.root / 'log').read_text()[-2000:]}")
        count = len(json.loads(report.read_text("utf-8"))["submissions"])
        cost = Cost(what, time.monotonic() - begin, busy() - before, count)
        print(f"  {what}: {cost.wall:.1f} s, {cost.processor:.1f} s of processor time", file=sys.stderr, flush=True)
        return cost

    def hand_in(self, folder: str, name: str, notebook: Any) -> Path:
        path = self.root / folder / name / CHAPTER / f"{CHAPTER}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf-8")
        return path


def place(folder: Path) -> Place:
    made = Place(folder / "course", folder / "state")
    for name in ("source", "solutions", "release"):
        shutil.copytree(ROOT / name, made.root / name)
    return made


def samples(size: int) -> Iterator[tuple[str, Any]]:
    """The class: name and notebook of every student, no two alike."""
    released = json.loads((ROOT / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_text("utf-8"))
    names = {
        c["metadata"]["nbgrader"]["grade_id"]: c["id"]
        for c in released["cells"]
        if c["cell_type"] == "code" and c["metadata"].get("nbgrader", {}).get("solution")
    }
    texts = [p.read_text("utf-8") for p in sorted((ROOT / "tests" / "verdicts" / CHAPTER).glob("*.py"))]
    for number in range(size):
        yield f"s{number:03}", commented(fill(released, texts[number % len(texts)], names), number)


def commented(notebook: Any, number: int) -> Any:
    """The same notebook with a comment of its own in the last cell that a student fills in."""
    cells = [dict(cell) for cell in notebook["cells"]]
    last = next(cell for cell in reversed(cells) if cell["metadata"].get("nbgrader", {}).get("solution"))
    last["source"] = f"{''.join(last['source'])}\n# {number}"
    return {**notebook, "cells": cells}


def cached(at: Place, size: int, workers: int) -> Cost:
    """A class of which everything is known."""
    known = {path.stem: path.read_text("utf-8") for path in (at.state / "kept").glob("*/*/*.json")}
    (folder,) = {path.parent for path in (at.state / "kept").glob("*/*/*.json")}
    graded = sorted((at.root / "submitted").glob("*/*/*.ipynb"))
    told = [known[key_of(read(path, path.parts[-3]))] for path in graded]
    for number in range(size):
        original = json.loads(graded[number % len(graded)].read_text("utf-8"))
        path = at.hand_in("many", f"t{number:04}", commented(original, 10_000 + number))
        (folder / f"{key_of(read(path, 'any'))}.json").write_text(told[number % len(told)], "utf-8")
    at.grade("drawing the first sheet once more", "nobody", workers)
    return at.grade(f"{size} known submissions", "many", workers)


def changed(at: Place, what: str, workers: int) -> tuple[Cost, Cost]:
    """The sheet drawn after a change, and the class graded again. The course and what is known are put back."""
    file, old, new = CHANGES[what]
    text = (at.root / file).read_text("utf-8")
    if text.count(old) != 1:
        raise SystemExit(f"{file} has {old!r} {text.count(old)} times, but should have it once")
    before = shutil.copytree(at.state / "kept", at.root.parent / "kept")
    (at.root / file).write_text(text.replace(old, new), "utf-8")
    drawn = at.grade(f"{what}: drawing the sheet", "nobody", workers)
    again = at.grade(f"{what}: the class again", "submitted", workers)
    (at.root / file).write_text(text, "utf-8")
    shutil.rmtree(at.state / "kept")
    before.rename(at.state / "kept")
    return drawn, again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--class", dest="size", type=int, default=18)
    parser.add_argument("--cached", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--changes", nargs="*", choices=sorted(CHANGES), default=list(CHANGES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--state", type=Path, help="A state folder whose compiled code may be used.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        at = place(Path(folder))
        if asked.state:
            shutil.copytree(asked.state / "compiled", at.state / "compiled")
        at.hand_in("nobody", "nobody", "cut off")
        for name, notebook in samples(asked.size):
            at.hand_in("submitted", name, notebook)
        first = at.grade("drawing the first sheet", "nobody", asked.workers)
        start = at.grade("a run that grades nobody", "nobody", asked.workers)
        full = at.grade("the whole class", "submitted", asked.workers)
        same = at.grade("nothing changed", "submitted", asked.workers)
        redone = {what: changed(at, what, asked.workers) for what in asked.changes}
        many = cached(at, asked.cached, asked.workers)
    costs = [first, start, full, same, many, *(cost for pair in redone.values() for cost in pair)]
    show(full, [start, same, many], redone)
    if asked.json:
        asked.json.write_text(
            json.dumps({"workers": asked.workers, "costs": [asdict(c) for c in costs]}, indent=2) + "\n"
        )


def show(full: Cost, others: list[Cost], redone: Mapping[str, tuple[Cost, Cost]]) -> None:
    """A table; shares are of the full run, in processor time."""

    def row(*cells: object) -> None:
        print("| " + " | ".join(map(str, cells)) + " |")

    row("run", "submissions", "wall s", "processor s", "share of the full run")
    row("---", "---:", "---:", "---:", "---:")
    for cost in (full, *others, *(again for _, again in redone.values())):
        share = f"{100 * cost.processor / full.processor:.1f} %" if cost.submissions == full.submissions else ""
        row(cost.what, cost.submissions, f"{cost.wall:.1f}", f"{cost.processor:.1f}", share)
    for drawn, _ in redone.values():
        row(drawn.what, "", f"{drawn.wall:.1f}", f"{drawn.processor:.1f}", "")


if __name__ == "__main__":
    main()
