"""What single things cost: imports, one submission and where its time goes, a worker's memory, exercises and checks.

    python benchmarks/costs.py [--chapter kernel] [--only imports,one,where,own,memory,size,class] [--state FOLDER]

Seconds are processor time of the whole machine, so nothing else should be running. Two other scripts belong to this
one: `client.py` (what `check()` costs a student) and `again.py` (a class graded again, and 500 that are known).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import rivals_class
from rivals import busy

from autograder.grade import grade
from autograder.notebook.read import read
from autograder.records import Limits
from autograder.sandbox.pool import open_sandbox
from autograder.session import Session, open_session
from autograder.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "from autograder.cli import main; main()"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import autograder": ["-c", "import autograder"],
    "import autograder.client": ["-c", "import autograder.client"],
    "autograder --help": ["-c", PROGRAM, "--help"],
}
USED = "import jax.numpy as jnp\njnp.sum(jnp.exp(jnp.ones((5, 3))), axis=1).block_until_ready()"
SEAM = {
    "open": "a worker begins",
    "look_through": "reading what remembers",
    "runs": "cells",
    "bind": "references put in",
    "answers": "questions",
    "close": "a worker ends",
}
LOOKED_INTO = ("perfect", "python_loops")
IDLE = 2.0  # seconds in which the fork server does what it leaves until nobody asks
Row = tuple[str, float, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chapter", default="kernel")
    parser.add_argument("--only", default="imports,one,where,own,memory,size,class")
    parser.add_argument("--sizes", default="10,100,1000", help="of the classes")
    parser.add_argument("--state", type=Path, help="a state folder in which the chapter's sheet may be ready")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(ROOT, options.state or Path(folder) / "state")
        sizes = [int(number) for number in options.sizes.split(",")]
        parts = {**PARTS, "class": partial(class_, sizes=sizes)}
        for part in options.only.split(","):
            for row in parts[part](Path(folder), options.chapter, settings):
                print(f"{row[0]:44} {row[1]:9.3f} {row[2]}", flush=True)
                rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def imports(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    for name, words in COMMANDS.items():
        yield name, min(spent(lambda words=words: run(words)) for _ in range(5)), "s"


def one(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    """A command for one submission, as a button starts it."""
    (path,) = rivals_class.hand_in(folder / "one", chapter, "plain", [perfect(chapter)])
    words = ["-c", PROGRAM, "grade", chapter, str(path), "--workers", "1", "--again"]
    environment = {**os.environ, "AUTOGRADER_STATE": str(settings.state)}
    yield "one submission, sheet and programs made", spent(lambda: run(words, environment)), "s"
    yield "one submission", spent(lambda: run(words, environment)), "s"


def where(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    """Where the time of single submissions goes, wall time at the seam, each in fresh workers after another one."""
    paths = {path.stem: path for path in rivals_class.samples(chapter) if path.stem in ("half_finished", *LOOKED_INTO)}
    handed_in = rivals_class.hand_in(folder / "where", chapter, "plain", list(paths.values()))
    submissions = dict(zip(paths, map(read, handed_in, paths), strict=True))
    with session_of(chapter, settings) as session:
        grade(session.chapter, session.sheet, submissions.pop("half_finished"), session.sandbox)
        time.sleep(IDLE)
        for name, submission in submissions.items():
            clock = Clock(session.sandbox)
            begin, own = time.perf_counter(), time.thread_time()
            grade(session.chapter, session.sheet, submission, clock)  # type: ignore[arg-type]
            yield f"{name}, in all", 1e3 * (time.perf_counter() - begin), "ms"
            yield f"{name}, the grader's own processor time", 1e3 * (time.thread_time() - own), "ms"
            for part, (times, seconds) in clock.parts.items():
                yield f"{name}, {part} x {times}", 1e3 * seconds, "ms"


def own(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    """The grader's own processor time of a submission, in the mean of the chapter's samples, once all were graded."""
    paths = rivals_class.hand_in(folder / "own", chapter, "plain", rivals_class.samples(chapter))
    submissions = [read(path, path.parts[-3]) for path in paths]
    with session_of(chapter, settings) as session:
        for _ in range(2):
            begin = time.thread_time()
            for submission in submissions:
                grade(session.chapter, session.sheet, submission, session.sandbox)
            seconds = time.thread_time() - begin
    yield f"the grader's own, of {len(paths)} samples each", 1e3 * seconds / len(paths), "ms"


def memory(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    """What belongs to one worker alone."""
    with session_of(chapter, settings) as session:
        for name, cells in {"a worker that has run nothing": "", "a worker that has used JAX": USED}.items():
            with session.sandbox.open(Limits(), given=session.sheet.given) as student:
                student.run(cells, seconds=60)
                yield name, private_mb(student._process._pidfd), "MB private"  # type: ignore[attr-defined]


def size(folder: Path, chapter: str, settings: Settings) -> Iterator[Row]:
    """One submission asked for some exercises, and for some checks of each."""
    (path,) = rivals_class.hand_in(folder / "size", chapter, "plain", [perfect(chapter)])
    submission = read(path, "perfect")
    with session_of(chapter, settings) as session:
        sheet = session.sheet
        few = {f"{n} exercises": replace(sheet, exercises=sheet.exercises[:n]) for n in (0, 1, 4, len(sheet.exercises))}
        few |= {
            f"{n} checks an exercise": replace(
                sheet, exercises=tuple(replace(e, checks=e.checks[:n]) for e in sheet.exercises)
            )
            for n in (1, 2, 4, 8)
        }
        for name, asked in few.items():
            yield name, spent(lambda asked=asked: grade(session.chapter, asked, submission, session.sandbox)), "s"


def class_(folder: Path, chapter: str, settings: Settings, sizes: Sequence[int]) -> Iterator[Row]:
    """Classes of some size, no two submissions alike, two at a time."""
    environment = {**os.environ, "AUTOGRADER_STATE": str(settings.state)}
    for number in sizes:
        place = folder / f"class{number}"
        rivals_class.hand_in_mixed(place, chapter, number)
        words = ["-c", PROGRAM, "grade", chapter, str(place / "ours" / "submitted"), "--again"]
        begin = time.monotonic()
        total = spent(lambda words=words: run(words, environment))
        yield f"a class of {number}, each", total / number, "s"
        yield f"a class of {number}, wall", time.monotonic() - begin, "s"


PARTS: dict[str, Callable[[Path, str, Settings], Iterator[Row]]] = {
    "imports": imports,
    "one": one,
    "where": where,
    "own": own,
    "memory": memory,
    "size": size,
}


class Clock:
    """A sandbox or one of its workers that counts how often each part of the seam is used, and for how long."""

    def __init__(self, thing: Any, parts: dict[str, tuple[int, float]] | None = None):
        self._thing, self.parts = thing, {} if parts is None else parts

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name not in SEAM:
            return found

        def timed(*args: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                answer = found(*args, **options)
            finally:
                self._add(name, time.perf_counter() - begin)
            return Clock(answer, self.parts) if name == "open" else answer

        def each_timed(following: Callable[[], Any]) -> Iterator[Any]:
            """Outcomes, less the time in which the grader finds out what it asks next."""
            ours = 0.0

            def asked() -> Any:
                nonlocal ours
                begin = time.perf_counter()
                try:
                    return following()
                finally:
                    ours += time.perf_counter() - begin

            outcomes = found(asked)
            while True:
                ours, begin = 0.0, time.perf_counter()
                if (outcome := next(outcomes, None)) is None:
                    return
                self._add(name, time.perf_counter() - begin - ours)
                yield outcome

        return each_timed if name in ("runs", "answers") else timed

    def _add(self, name: str, seconds: float) -> None:
        times, before = self.parts.get(SEAM[name], (0, 0.0))
        self.parts[SEAM[name]] = times + 1, before + seconds

    def __enter__(self) -> Clock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def perfect(chapter: str) -> Path:
    return next(path for path in rivals_class.samples(chapter) if path.stem == "perfect")


def session_of(chapter: str, settings: Settings) -> Session:
    """A session whose fork server has loaded its programs."""

    def opened(**options: object) -> object:
        sandbox = open_sandbox(**options)  # type: ignore[arg-type]
        sandbox.start()
        return sandbox

    return open_session(settings, chapter, opened, again=True)  # type: ignore[arg-type]


def run(words: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time of the whole machine, which workers that are killed tell nobody else."""
    before = busy()
    work()
    return busy() - before


def private_mb(pidfd: int) -> float:
    """Megabytes of a worker that no other process shares: of its process within, which the one we know minds."""
    outer = next(
        int(line.split()[1]) for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines() if "Pid:" in line
    )
    time.sleep(0.2)
    inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    text = Path(f"/proc/{inner[0] if inner else outer}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private")) / 1024


if __name__ == "__main__":
    main()
