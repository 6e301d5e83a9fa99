"""The same diverse class through stock nbgrader, Otter, stock nbclient and `autograder grade`, alternating, in one run.

    python benchmarks/rivals.py --out rivals.jsonl                       # everything; run it again to go on with it
    python benchmarks/rivals.py --out rivals.jsonl --only-report         # the table and the plot of what is there
    python benchmarks/rivals.py --out try.jsonl --chapters kernel --students 4 --kinds plain

The class are the sample submissions of `tests/verdicts/`, no two alike, and the same again with TensorFlow imported
and used (`--kinds tensorflow`), or with a function that never ends or ends Python (`--kinds stuck`, which has
no floor; whether Otter ends there was not tried). Each line of the file is one grader's work on one chapter, or on
`--chunk` submissions of it; what is there is not measured again. Wall and processor time and peak memory are those of
the whole machine while a grader is at work, so nothing else should be running. `through` is nbgrader that asks us for
its verdicts, two at a time. `floor` is what the same cells and checks take in a process that has done exactly this
before. What a course needs once (drawing its sheet, compiling its programs) is a line of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import rivals_class
import rivals_report

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = "kernel,regression,graphs,attention"
ONCE = "once a course"
FLOOR = """
import sys, time
sys.path.insert(0, {here!r})
import nbformat, matplotlib
matplotlib.use("agg")
import rivals_check
cells = [c.source for c in nbformat.read({notebook!r}, 4).cells if c.cell_type == "code"]
def run():
    space = {{"__name__": "__main__", "get_ipython": lambda: None}}
    for source in cells:
        try:
            exec(compile(source, "cell", "exec"), space)
        except BaseException:
            pass
run()
begin = time.process_time()
run()
print("FLOOR", time.process_time() - begin)
"""


@dataclass(frozen=True)
class Cost:
    """What one grader needed for some submissions: seconds of wall and processor time, and MB at the most."""

    grader: str
    chapter: str
    kind: str
    chunk: int
    submissions: int
    wall: float
    cpu: float
    peak_mb: float

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.grader, self.chapter, self.kind, self.chunk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="one line of JSON for each measurement")
    parser.add_argument("--chapters", default=CHAPTERS)
    parser.add_argument("--kinds", default="plain,tensorflow")
    parser.add_argument("--students", type=int, default=100, help="at most so many of a chapter's samples")
    parser.add_argument("--chunk", type=int, default=100, help="so many submissions to a grader at a time")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--graders", default="nbgrader,otter,nbclient,ours,through,floor")
    parser.add_argument("--state", type=Path, help="where the seed, the hidden sheets and the warm programs are kept")
    parser.add_argument("--plot", type=Path, help="an SVG or PNG of the ratios")
    parser.add_argument("--only-report", action="store_true")
    options = parser.parse_args()
    costs = read(options.out)
    if not options.only_report:
        with tempfile.TemporaryDirectory() as folder:
            state = options.state or Path(folder) / "state"
            for chapter in options.chapters.split(","):
                for kind in options.kinds.split(","):
                    costs += compared(Path(folder) / chapter / kind, chapter, kind, state, options, costs)
    print(rivals_report.table(costs))
    if options.plot:
        rivals_report.plot(costs, options.plot)


def read(path: Path) -> list[Cost]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [Cost(**json.loads(line)) for line in lines]


def compared(
    folder: Path, chapter: str, kind: str, state: Path, options: argparse.Namespace, known: Sequence[Cost]
) -> list[Cost]:
    """Every grader's cost for this chapter's samples, chunk by chunk, as far as it is not known yet."""
    wanted, found = options.graders.split(","), list[Cost]()
    done = {cost.key for cost in known}
    environment = environment_for(state)
    samples = rivals_class.samples(chapter)[: options.students]
    prepared = False
    for number, begin in enumerate(range(0, len(samples), options.chunk)):
        chunk = samples[begin : begin + options.chunk]
        workers = options.workers.split(",")
        work = dict(graders(folder / str(number), chapter, wanted, workers, environment, fails=kind == "stuck"))
        missing = [name for name in work if (name, chapter, kind, number) not in done]
        if not missing:
            continue
        handed = rivals_class.hand_in(folder / str(number), chapter, kind, chunk)
        if not prepared:  # the sheet is drawn and programs are compiled; the others' checks need the sheet too
            once = measured(partial(command, "autograder", "grade", chapter, handed[0], env=environment))
            if (ONCE, chapter, "plain", 0) not in done:
                found.append(kept(options.out, ONCE, chapter, "plain", 0, 1, once))
            done.add((ONCE, chapter, "plain", 0))
            prepared = True
        rivals_class.for_others(folder / str(number), chapter, state, environment)
        for name in missing:
            found.append(kept(options.out, name, chapter, kind, number, len(chunk), measured(work[name])))
    return found


def environment_for(state: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    here = str(Path(__file__).resolve().parent)
    settings = {"AUTOGRADER_STATE": str(state), "PYTHONPATH": here, "JAX_PLATFORMS": "cpu", "PATH": path}
    return {**os.environ, **settings}


def graders(
    folder: Path,
    chapter: str,
    wanted: Sequence[str],
    workers: Sequence[str],
    environment: dict[str, str],
    *,
    fails: bool = False,
) -> Iterator[tuple[str, Callable[[], float | None]]]:
    """What each does with the submissions in `folder`; the others may fail if `fails`. The floor tells its own time."""
    plain, ours = folder / "plain", folder / "ours" / "submitted"
    others = partial(command, env=environment, fails=fails)

    def notebooks() -> list[Path]:
        return sorted((plain / "submitted").glob(f"*/{chapter}/{chapter}.ipynb"))

    def otter() -> None:
        for path in notebooks():
            zipped, out = folder / "otter.zip", folder / "otter" / path.parent.parent.name
            out.mkdir(parents=True, exist_ok=True)
            submission = rivals_class.for_otter(path, out / f"{chapter}.ipynb")
            others("otter", "run", "-a", zipped, "-o", out, "--no-logo", submission, cwd=out)

    if "nbgrader" in wanted:
        yield "nbgrader", lambda: others("nbgrader", "autograde", chapter, "--force", cwd=plain)
    if "otter" in wanted:
        yield "otter", otter
    if "nbclient" in wanted:
        yield "nbclient", lambda: rivals_class.execute(notebooks(), environment)
    for n in workers if "ours" in wanted else ():
        yield (
            f"autograder, {n} workers",
            lambda n=n: command("autograder", "grade", chapter, ours, "--workers", n, "--again", env=environment),
        )
    if "through" in wanted:
        course = folder / "through"
        yield (
            "nbgrader with autograder",
            lambda: command("nbgrader", "autograde", chapter, "--force", cwd=course, env=environment),
        )
    if "floor" in wanted and not fails:  # it would wait for ever for what never ends
        yield "floor", lambda: sum(floor(path, environment) for path in notebooks())


def command(program: str, *words: object, cwd: Path = ROOT, env: dict[str, str], fails: bool = False) -> None:
    """Runs a program, which should not fail unless it `fails` where submissions do."""
    line = [str(Path(sys.executable).parent / program), *map(str, words)]
    done = subprocess.run(line, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode and not fails:
        raise SystemExit(f"{' '.join(line)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def floor(notebook: Path, environment: dict[str, str]) -> float:
    """Processor seconds of the cells and checks when the same process has run them before."""
    program = FLOOR.format(here=str(Path(__file__).resolve().parent), notebook=str(notebook))
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.rpartition("FLOOR ")[2])


def measured(work: Callable[[], float | None]) -> tuple[float, float, float]:
    """Seconds of wall and processor time of the machine, and MB at the most, while `work` is done."""
    before, wall, least = busy(), time.monotonic(), [available()]
    begin, over = least[0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            least[0] = min(least[0], available())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        told = work()
    finally:
        over.set()
        watcher.join()
    if told is not None:
        return told, told, 0.0
    return time.monotonic() - wall, busy() - before, (begin - least[0]) / 1024


def kept(
    out: Path, grader: str, chapter: str, kind: str, chunk: int, count: int, found: tuple[float, float, float]
) -> Cost:
    """The measurement, once it is written down."""
    cost = Cost(grader, chapter, kind, chunk, count, *(round(x, 2) for x in found))
    with out.open("a") as file:
        file.write(json.dumps(asdict(cost)) + "\n")
    print(f"{chapter:12} {kind:10} {chunk:3} {grader:24} {cost.wall:8.1f} s wall {cost.cpu:8.1f} s cpu", flush=True)
    return cost


def busy() -> float:
    """Seconds in which this machine's processors have worked."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def available() -> int:
    """Kilobytes of memory that are free."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


if __name__ == "__main__":
    main()
