"""How long a class of any size takes on any number of workers, from durations that were measured.

    python benchmarks/scale.py                        # simulate, from benchmarks/scale.json
    python benchmarks/scale.py --submissions 5000 --workers 16 32
    python benchmarks/scale.py --write                # the same, into docs/scale.md
    python benchmarks/scale.py --record kernel        # measure this machine, and write benchmarks/scale.json

Recorded are the samples of `tests/verdicts/<chapter>/` and what the machine's processors did meanwhile, so nothing else
should be running. The simulation draws from them: each worker is as fast as its machine is, some submissions take much
longer, and workers die, are replaced, and what they had in hand is done again.
"""

from __future__ import annotations

import argparse
import copy
import heapq
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECORD, PAGE = ROOT / "benchmarks" / "scale.json", ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- begin: benchmarks/scale.py --write -->\n", "<!-- end -->\n"
NIGHT = 100_000
AT_ONCE = 2
WORKERS = (2, 16, 64, 128, 256)


@dataclass(frozen=True)
class World:
    """What goes wrong on a cluster. Times are in seconds."""

    start: float = 60.0  # from a worker's birth until it grades, and again after it died
    spread: float = 0.15  # of the machines' speeds: the standard deviation of their logarithm
    stragglers: float = 0.005  # the part of submissions that takes `longest`: its code never ends
    longest: float = 120.0
    deaths_per_hour: float = 0.02  # of each worker: the machine is taken away, or fails
    beside: float = 0.05  # a submission's way to the worker and back


CALM = World(start=0.0, spread=0.0, stragglers=0.0, deaths_per_hour=0.0, beside=0.0)


@dataclass(frozen=True)
class Work:
    """One submission. What a deadline ends takes as long on every machine."""

    seconds: float
    by_the_clock: bool


@dataclass(frozen=True)
class Night:
    """How it went. `utilisation` is the part of the workers' time that graded what counts."""

    hours: float
    utilisation: float
    graded: int
    deaths: int


def simulate(durations: Sequence[float], submissions: int, workers: int, world: World, seed: int = 1) -> Night:
    """Grades `submissions` on `workers` threads; whoever is free takes the next one."""
    rng = random.Random(seed)
    waiting = deque(
        Work(world.longest, True) if rng.random() < world.stragglers else Work(rng.choice(durations), False)
        for _ in range(submissions)
    )
    free = [(world.start, number) for number in range(workers)]
    slowness = [rng.lognormvariate(0.0, world.spread) for _ in range(workers)]
    lives = [_life(rng, world) for _ in range(workers)]
    heapq.heapify(free)
    end = useful = 0.0
    graded = deaths = 0
    while waiting:
        now, worker = heapq.heappop(free)
        work = waiting.popleft()
        took = work.seconds if work.by_the_clock else work.seconds * slowness[worker]
        done = now + took + world.beside
        if done > lives[worker]:
            waiting.append(work)
            died = max(now, lives[worker])
            deaths += 1
            lives[worker] = died + world.start + _life(rng, world)
            heapq.heappush(free, (died + world.start, worker))
            continue
        graded, useful, end = graded + 1, useful + took, max(end, done)
        heapq.heappush(free, (done, worker))
    return Night(end / 3600, useful / (end * workers) if end else 0.0, graded, deaths)


def _life(rng: random.Random, world: World) -> float:
    return rng.expovariate(world.deaths_per_hour / 3600) if world.deaths_per_hour else float("inf")


def core_seconds(record: Any) -> list[float]:
    """Each submission's share of the processor time that the whole command used: what it takes of an idle core."""
    total = sum(record["seconds"])
    return [s * record["cpu_seconds"] / total for s in record["seconds"]]


def table(record: Any, submissions: int, workers: Sequence[int], world: World) -> str:
    """Markdown: what was measured, what follows for one night, and what the simulation makes of it."""
    each = core_seconds(record)
    mean = sum(each) / len(each)
    lines = [
        f"Measured on {record['date']}: chapter `{record['chapter']}`, {len(each)} different submissions, "
        f"{AT_ONCE} at a time, on {record['machine']} with a load of {record['load']:.1f}. "
        f"One submission takes {mean:.1f} core seconds in the mean (from {min(each):.1f} to {max(each):.1f}, median "
        f"{sorted(each)[len(each) // 2]:.1f}), everything counted that the command and its sandbox used.",
        "",
        f"{submissions:,} submissions x {mean:.1f} s = {submissions * mean / 3600:,.0f} core hours: "
        f"{submissions * mean / 3600 / 10:,.0f} cores for a night of ten hours, if nothing went wrong.",
        "",
        "| workers | hours if nothing goes wrong | hours | utilisation | workers that died, submissions begun anew |",
        "|---:|---:|---:|---:|---:|",
    ]
    for number in workers:
        calm, night = (simulate(each, submissions, number, w) for w in (CALM, world))
        assert night.graded == submissions
        lines.append(f"| {number} | {calm.hours:.1f} | {night.hours:.1f} | {night.utilisation:.0%} | {night.deaths} |")
    told = f"a worker needs {world.start:g} s until it grades, machines differ in speed by {world.spread:.0%}, "
    told += f"{world.stragglers:.1%} of submissions never end and cost {world.longest:g} s, "
    told += f"a worker dies every {1 / world.deaths_per_hour:g} h, and each submission travels {world.beside:g} s."
    return "\n".join([*lines, "", f"Assumed beside the measured durations: {told}", ""])


# ---- measuring ------------------------------------------------------------------------------------------------------


def class_of(chapter: str, folder: Path) -> int:
    """Hands in every sample of a chapter, and one that never ends and one that crashes. How many there are."""
    from autograder.demo.students import crash, fill, loop

    released = json.loads((ROOT / "release" / chapter / f"{chapter}.ipynb").read_text("utf-8"))
    names = {
        c["metadata"]["nbgrader"]["grade_id"]: c["id"]
        for c in released["cells"]
        if c["cell_type"] == "code" and c["metadata"].get("nbgrader", {}).get("solution")
    }
    samples = {p.stem: p.read_text("utf-8") for p in sorted((ROOT / "tests" / "verdicts" / chapter).glob("*.py"))}
    notebooks = {name: fill(copy.deepcopy(released), text, names) for name, text in samples.items()}
    whole = next(iter(notebooks.values())) if "perfect" not in notebooks else notebooks["perfect"]
    notebooks |= {"never-ends": loop(whole), "crashes": crash(whole)}
    for name, notebook in notebooks.items():
        path = folder / name / chapter / f"{chapter}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf-8")
    return len(notebooks)


def record_of(chapter: str) -> Any:
    """Grades the class once, one submission at a time, after everything that is made once has been made."""
    from rivals import busy

    with tempfile.TemporaryDirectory() as home:
        folder, report = Path(home) / "submitted", Path(home) / "report.json"
        class_of(chapter, folder)
        first = next(folder.iterdir())
        command = [sys.executable, "-c", "from autograder.cli import main; main()", "grade", chapter]
        options = ["--workers", str(AT_ONCE), "--again", "--course", str(ROOT), "--json", str(report)]
        one = str(first / chapter / f"{chapter}.ipynb")
        subprocess.run([*command, one, *options], stdout=subprocess.DEVNULL, check=True)
        load, before, begin = os.getloadavg()[0], busy(), time.monotonic()
        subprocess.run([*command, str(folder), *options], stdout=subprocess.DEVNULL, check=False)
        wall, cpu = time.monotonic() - begin, busy() - before
        submissions = json.loads(report.read_text("utf-8"))["submissions"]
    assert {s["status"] for s in submissions} == {"graded"}
    return {
        "chapter": chapter,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores of {_processor()}",
        "load": round(load, 1),
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "students": [s["student"] for s in submissions],
        "seconds": [s["seconds"] for s in submissions],
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--record", metavar="CHAPTER")
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--submissions", type=int, default=NIGHT)
    asked.add_argument("--workers", type=int, nargs="+", default=list(WORKERS))
    options = asked.parse_args()
    if options.record:
        RECORD.write_text(json.dumps(record_of(options.record), indent=1) + "\n", "utf-8")
    text = table(json.loads(RECORD.read_text("utf-8")), options.submissions, options.workers, World())
    print(text)
    if options.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
