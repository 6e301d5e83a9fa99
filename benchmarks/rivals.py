"""The same diverse class through stock nbgrader, stock nbclient and `autograder grade`, in one run.

    python benchmarks/rivals.py [--chapters kernel,graphs] [--students 18] [--workers 1,2] [--json F]

The class are the sample submissions of `tests/verdicts/`, no two alike. Wall and processor time and peak memory are
those of the whole machine while a grader is at work, so nothing else should be running. `floor` is what the same cells
and checks take in a process that has done exactly this before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from autograder.course import load_chapter, load_course
from autograder.demo.students import fill
from autograder.secret import hidden_sheet
from autograder.wire import to_text

ROOT = Path(__file__).resolve().parents[1]
HERE = str(Path(__file__).resolve().parent)
CELL_SECONDS = 60
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "rivals"
c.ExecutePreprocessor.timeout = {seconds}
c.ExecutePreprocessor.interrupt_on_timeout = True
c.ExecutePreprocessor.error_on_timeout = {{"ename": "TimeoutError", "evalue": "", "traceback": [""]}}
"""
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
    """What one grader needed for one class: seconds of wall and processor time, and MB at the most."""

    grader: str
    chapter: str
    submissions: int
    wall: float
    cpu: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chapters", default="kernel,regression,graphs,attention")
    parser.add_argument("--students", type=int, default=100, help="at most so many of a chapter's samples")
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--state", type=Path, help="where the seed, the hidden sheets and the warm programs are kept")
    parser.add_argument("--without", default="", help="graders to leave out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    costs: list[Cost] = []
    for chapter in options.chapters.split(","):
        with tempfile.TemporaryDirectory() as folder:
            costs += compared(Path(folder), chapter, options)
    table(costs)
    if options.json:
        options.json.write_text(json.dumps([asdict(c) for c in costs], indent=1) + "\n")


def compared(folder: Path, chapter: str, options: argparse.Namespace) -> list[Cost]:
    """Every grader's cost for this chapter's samples."""
    state = options.state or folder / "state"
    samples = sorted((ROOT / "tests" / "verdicts" / chapter).glob("*.py"))[: options.students]
    plain, ours = folder / "plain", folder / "ours"
    released = nbformat.read(ROOT / "release" / chapter / f"{chapter}.ipynb", 4)
    with_checks(released, plain, chapter, state)
    for sample in samples:
        hand_in(ours / "submitted" / sample.stem, released, sample, chapter)
        hand_in(
            plain / "submitted" / sample.stem, nbformat.read(plain / "source" / f"{chapter}.ipynb", 4), sample, chapter
        )
    place(plain / "source" / f"{chapter}.ipynb", plain / "source" / chapter)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    settings = {"AUTOGRADER_STATE": str(state), "PYTHONPATH": HERE, "JAX_PLATFORMS": "cpu", "PATH": path}
    environment = {**os.environ, **settings}

    def command(*words: str, cwd: Path = ROOT) -> Callable[[], None]:
        program, *rest = words
        return lambda: ran([str(Path(sys.executable).parent / program), *rest], cwd, environment)

    def grade(workers: str, *paths: Path) -> Callable[[], None]:
        return command("autograder", "grade", chapter, *map(str, paths), "--workers", workers, "--again")

    first = ours / "submitted" / samples[0].stem / chapter / f"{chapter}.ipynb"
    measured("autograder, once a course", chapter, 1, grade("1", first))  # the sheet is drawn, programs are compiled
    command("nbgrader", "generate_assignment", chapter, "--force", cwd=plain)()
    graders = {
        "nbgrader": command("nbgrader", "autograde", chapter, "--force", cwd=plain),
        "nbclient": lambda: executed(plain / "submitted", chapter, environment),
        **{f"autograder, {n} workers": grade(n, ours / "submitted") for n in options.workers.split(",")},
    }
    wanted = [name for name in graders if name not in options.without.split(",")]
    found = [measured(name, chapter, len(samples), graders[name]) for name in wanted]
    floors = [floor(plain / "submitted" / s.stem / chapter / f"{chapter}.ipynb", environment) for s in samples]
    return [*found, Cost("floor", chapter, len(samples), sum(floors), sum(floors), 0.0)]


def with_checks(released: Any, plain: Path, chapter: str, state: Path) -> None:
    """The released notebook as another grader's: its check cells hold the checks, hidden ones included."""
    loaded = load_chapter(load_course(ROOT), chapter)
    sheet = hidden_sheet(loaded, state)
    asked = [replace(e, checks=tuple(c for c in e.checks if c.call or not c.hidden)) for e in sheet.exercises]
    (plain / "sheets").mkdir(parents=True)
    (plain / "sheets" / "hidden.json").write_text(to_text(replace(sheet, exercises=tuple(asked))))
    notebook = nbformat.from_dict(json.loads(nbformat.writes(released)))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name.startswith("check-"):
            exercise = name.removeprefix("check-")
            cell.source = f"rivals_check.points({str(plain / 'sheets')!r}, {exercise!r}, globals().get({exercise!r}))"
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import rivals_check", id="rivals"))
    (plain / "source").mkdir()
    nbformat.write(notebook, plain / "source" / f"{chapter}.ipynb")
    (plain / "nbgrader_config.py").write_text(CONFIG.format(seconds=CELL_SECONDS))


def hand_in(folder: Path, released: Any, sample: Path, chapter: str) -> None:
    """One student's notebook, filled in and not run, as a grader runs it anyway."""
    known = {
        c.metadata["nbgrader"]["grade_id"]: c["id"]
        for c in released.cells
        if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("solution")
    }
    notebook = fill(json.loads(nbformat.writes(released)), sample.read_text("utf-8"), known)
    (folder / chapter).mkdir(parents=True)
    (folder / chapter / f"{chapter}.ipynb").write_text(json.dumps(notebook))


def place(path: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.move(path, folder / path.name)


def ran(words: Sequence[str], cwd: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


def executed(submitted: Path, chapter: str, environment: dict[str, str]) -> None:
    """Every notebook through nbclient, one kernel each."""
    from nbclient import NotebookClient

    for path in sorted(submitted.glob(f"*/{chapter}/{chapter}.ipynb")):
        notebook = nbformat.read(path, 4)
        NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            allow_errors=True,
            interrupt_on_timeout=True,
            resources={"metadata": {"path": str(path.parent)}},
        ).execute(env=environment)


def floor(notebook: Path, environment: dict[str, str]) -> float:
    """Processor seconds of the cells and checks when the same process has run them before."""
    program = FLOOR.format(here=HERE, notebook=str(notebook))
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.rpartition("FLOOR ")[2])


def measured(name: str, chapter: str, submissions: int, work: Callable[[], None]) -> Cost:
    before, wall, least = busy(), time.monotonic(), [available()]
    begin, over = least[0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            least[0] = min(least[0], available())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    cost = Cost(name, chapter, submissions, time.monotonic() - wall, busy() - before, (begin - least[0]) / 1024)
    print(f"{chapter:12} {name:24} {cost.wall:8.1f} s wall {cost.cpu:8.1f} s cpu", flush=True)
    return cost


def busy() -> float:
    """Seconds in which this machine's processors have worked."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def available() -> int:
    """Kilobytes of memory that are free."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


def table(costs: Sequence[Cost]) -> None:
    """Sums over the chapters, and the ratios of stock nbgrader to each."""
    names = list(dict.fromkeys(c.grader for c in costs))
    sums = {
        n: [sum(getattr(c, f) for c in costs if c.grader == n) for f in ("submissions", "wall", "cpu")] for n in names
    }
    stock = sums.get("nbgrader") or sums[names[0]]
    print(f"\n{'':24} {'wall s':>9} {'cpu s':>9} {'a minute':>9} {'wall x':>7} {'cpu x':>7}")
    for name, (count, wall, cpu) in sums.items():
        line = f"{name:24} {wall:9.1f} {cpu:9.1f} {60 * count / wall:9.1f} {stock[1] / wall:7.1f} {stock[2] / cpu:7.1f}"
        print(line)


if __name__ == "__main__":
    main()
