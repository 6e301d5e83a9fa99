"""A class of many different submissions of the toy chapter, whose scores are known, and graders that can be killed."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from honest import CELLS, HALFWAY, TABLE, plain

from autograder.course import load_course
from autograder.notebook.build import build

TOY = Path(__file__).parents[1] / "toy"
MISTAKEN = HALFWAY.replace("(x + z) / 2", "x + z")
SWAPPED = TABLE.replace("for b in B]) for a in A]", "for a in A]) for b in B]")
EXPECTED = {"check-halfway": 2.0, "check-sqdist": 3.0, "check-table": 2.0, "check-nearest": 2.0, "check-Line": 2.0}
CONFIG = "from pathlib import Path\nfrom autograder.backends.nbgrader import configure\n"
CONFIG += "configure(get_config(), Path(__file__).parent)\n"
GRADE = "from autograder.cli import main; main()"
NBGRADER = "from nbgrader.apps.nbgraderapp import main; main()"


def crowd(root: Path, size: int, *, seconds: float = 0) -> dict[str, float]:
    """A course with `size` submissions, no two alike, and what each must earn. Each takes `seconds` at least."""
    shutil.copytree(TOY, root)
    wanted = {}
    for number in range(size):
        cells = list(CELLS)
        if number % 3 == 1:
            cells[cells.index(HALFWAY)] = MISTAKEN
        if number % 3 == 2:
            cells[cells.index(TABLE)] = "def table(f, A, B):\n    return 1 / 0"
        path = root / "submitted" / f"s{number:02}" / "toy" / "toy.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(plain([*cells, f"import time\nnumber = {number}\ntime.sleep({seconds})"])))
        wanted[f"s{number:02}"] = (12.0, 10.0, 10.0)[number % 3]
    return wanted


def with_nbgrader(root: Path) -> None:
    """The course as nbgrader knows it: a config, a release and a gradebook."""
    build(load_course(root), ("toy",))
    shutil.rmtree(root / "release")
    (root / "nbgrader_config.py").write_text(CONFIG)
    ended = started(NBGRADER, ["generate_assignment", "toy"], root, root.parent / "log").wait(120)
    assert ended == 0, (root.parent / "log").read_text()


def started(
    program: str, words: Iterable[str], root: Path, log: Path, *, alone: bool = False
) -> subprocess.Popen[bytes]:
    """A command at work in the course's folder; what it says is added to `log`. `alone`, a group has it as leader."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "COLUMNS": "200"}
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, *words],
            cwd=root,
            env=environment,
            stdout=file,
            stderr=file,
            process_group=0 if alone else None,
        )


def descendants(root: int) -> set[int]:
    """The processes that `root` started, directly or not, which have not ended."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found, new = set[int](), {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def killed(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it was still at work after so long, and killed. Nothing that it started may outlive it."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        family = descendants(process.pid)
        process.kill()
        process.wait()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() < until:
        time.sleep(0.05)
    left = {pid for pid in family if Path(f"/proc/{pid}").exists()}
    assert not left, f"{left} outlived the grader"
    return True


def kept(state: Path) -> dict[str, int]:
    """When each submission that is kept was graded."""
    return {path.name: path.stat().st_mtime_ns for path in state.glob("kept/*/*/*.json")}


def report_of(path: Path) -> Mapping[str, Any] | None:
    """A report, which is whole if it is there."""
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def grades_of(root: Path) -> dict[str, dict[str, float | None]]:
    """The automatic scores in nbgrader's gradebook, by student, read without nbgrader."""
    query = """select s.student_id, b.name, g.auto_score from grade g join base_cell b on g.cell_id = b.id
        join submitted_notebook n on g.notebook_id = n.id join submitted_assignment s on n.assignment_id = s.id"""
    found: dict[str, dict[str, float | None]] = {}
    with sqlite3.connect(root / "gradebook.db") as book:
        assert book.execute("pragma integrity_check").fetchone() == ("ok",)
        for student, cell, score in book.execute(query):
            if cell.startswith("check-"):
                assert cell not in found.setdefault(student, {}), "a grade is there twice"
                found[student][cell] = score
    return found


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def moments(seed: int, count: int, first: float, last: float) -> list[float]:
    """When to strike, in seconds after the start."""
    rng = random.Random(seed)
    return [rng.uniform(first, last) for _ in range(count)]
