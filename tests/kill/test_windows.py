"""`kill -9` of nbgrader before each of its writes: no half grade is seen, and the next run finishes the class.

The writes of one run are counted first (`strikes`): commits, files and folders, and the middle of a notebook's file.
All submissions are graded beforehand, in a sandbox that is gone then, so that grading one twice is a failure.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from crowd import CONFIG, MISTAKEN, TOY, grades_of
from honest import CELLS, HALFWAY, plain
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.batch import grade_all
from autograder.course import load_course
from autograder.notebook.build import build
from autograder.notebook.read import find
from autograder.session import open_session
from autograder.settings import Settings

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("windows")]
BAD = [MISTAKEN if cell == HALFWAY else cell for cell in CELLS]
WANTED = {"s00": 12.0, "s01": 10.0, "s02": 12.0}
EARLIER = 10.0  # what s02 earned with an earlier submission
HALF = float("inf")
shared: dict[str, Any] = {}


class Shared:
    """The session's sandbox under the layers of `strikes.Nothing`, so that what is kept serves there too."""

    layers = ("shared",)

    def open(self, limits: Any, **options: Any) -> Any:
        return shared["sandbox"].open(limits, **options)

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None: ...


def open_shared(**options: object) -> Shared:
    return Shared()


def hand_in(root: Path, student: str, cells: Any, *, name: str = "toy", year: int = 2029) -> None:
    folder = root / "submitted" / student / "toy"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps(plain([*cells, f"student = {student!r}"])))
    (folder / "data.csv").write_text("1,2\n")
    (folder / "timestamp.txt").write_text(f"{year}-01-01 00:00:00.000000 UTC")


def grade(root: Path, state: Path) -> None:
    with open_session(Settings(root, state), "toy", open_shared, shown=True) as session:
        assert {g.status for g in grade_all(session, find(root / "submitted", "toy"))} == {"graded"}


def nbgrader(root: Path, converter: Any) -> None:
    c = Config()
    configure(c, root)
    c.Reader.open_sandbox = f"{__name__}.open_shared"
    converter(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c).start()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, warm: Any) -> Path:
    """A class whose work is graded but not in the gradebook yet: s01's has another name, s02's was handed in again."""
    base = tmp_path_factory.mktemp("windows") / "base"
    root, state = base / "course", base / "state"
    shutil.copytree(TOY, root)
    (root / "source" / "course.md").write_text("Axes come first.\n")
    build(load_course(root), ("toy",))
    shutil.rmtree(root / "release")
    (root / "nbgrader_config.py").write_text(
        CONFIG + 'c = get_config()\nc.Reader.open_sandbox = "strikes.open_nothing"\n'
    )
    shared["sandbox"] = warm
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(state))
        nbgrader(root, GenerateAssignment)
        hand_in(root, "s02", BAD)
        nbgrader(root, Autograde)
        hand_in(root, "s00", CELLS)
        hand_in(root, "s01", BAD, name="mine")
        hand_in(root, "s02", CELLS, year=2030)
        grade(root, state)
    assert scores(root) == {"s02": EARLIER}
    return base


def struck(base: Path, *numbers: int) -> None:
    """Runs `strikes` beside the base."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("strikes.py")), str(base), str(base.parent)]
    subprocess.run([*command, *map(str, numbers)], env=environment, check=True, timeout=1500)


@pytest.fixture(scope="module")
def steps(base: Path) -> list[str]:
    """The names of all that a whole run writes, in order."""
    struck(base)
    to = base.parent
    assert (to / "ended").read_text() == "0", (to / "log").read_text()
    assert scores(to / "whole" / "course") == WANTED
    return (to / "steps").read_text().splitlines()


def scores(root: Path) -> dict[str, float | None]:
    """The sum of each student's automatic scores; None where there are none, `HALF` where some are missing."""
    found: dict[str, float | None] = {}
    for student, grades in grades_of(root).items():
        given = [g for g in grades.values() if g is not None]
        found[student] = HALF if 0 < len(given) < len(grades) else sum(given) if given else None
    return found


def tree(root: Path) -> dict[str, tuple[str, Any]]:
    """What lies in the folders that grading writes: the mode of each file, and of a report what it says."""
    found: dict[str, tuple[str, Any]] = {}
    for folder in ("autograded", "reports"):
        for path in (root / folder).rglob("*"):
            name, mode = str(path.relative_to(root)), oct(path.stat().st_mode)
            text = path.read_text("utf-8") if path.is_file() else ""
            entry = json.loads(text)["submissions"][0] if folder == "reports" and text else None
            found[name] = mode, entry and (entry["status"], entry["score"])
    return found


def failures(to: Path, number: int) -> list[str]:
    """What is wrong after a kill before step `number`, or after the run that followed."""
    here, found = to / str(number), list[str]()
    first, again = json.loads((here / "ended.json").read_text())
    if (first, again) != (-9, 0):
        found.append(f"ended with {first}, then {again}: {(here / 'log').read_text()[-1500:]}")
    for student, score in scores(here / "killed").items():
        if score not in (None, WANTED[student], EARLIER if student == "s02" else None):
            found.append(f"{student} had {score} points after the kill")
    if scores(here / "course") != WANTED:
        found.append(f"the next run came to {scores(here / 'course')}")
    if tree(here / "course") != tree(to / "whole" / "course"):
        found.append(f"other files: {set(tree(here / 'course').items()) ^ set(tree(to / 'whole' / 'course').items())}")
    return found


WINDOWS = {
    "a student's row": ("commit student", 2),
    "the rows of a submission": ("commit grade", 2),
    "the rows are there, the course's files are not": ("open autograded/s01/toy/toy.json", 1),
    "begun by nbgrader, and not looked at by us": ("commit grade", 3),
    "half of the first notebook": ("half of autograded/s01/toy/toy.ipynb", 1),
    "a report that is not in its place": ("os.rename reports/toy/.s01", 1),
    "all scores": ("commit comment", 2),
    "the scores are there, half of the notebook is": ("half of autograded/s01/toy/toy.ipynb", 2),
    "the last permission": ("os.chmod autograded/s01/toy/toy.ipynb", 1),
    "the last file of an earlier submission": ("os.remove autograded/s02/toy/toy.ipynb", 1),
}


def number_of(steps: Sequence[str], window: str) -> int:
    """The number of the step before which a window ends."""
    name, occurrence = WINDOWS[window]
    return [n for n, step in enumerate(steps) if step.startswith(name)][occurrence - 1]


@pytest.fixture(scope="module")
def windows(base: Path, steps: Sequence[str]) -> None:
    struck(base, *sorted({number_of(steps, window) for window in WINDOWS}))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.usefixtures("windows")
def test_a_kill_in_a_window(base: Path, steps: Sequence[str], window: str) -> None:
    assert failures(base.parent, number_of(steps, window)) == []


@pytest.mark.long
def test_a_kill_before_every_write(base: Path, steps: Sequence[str], windows: None) -> None:
    done = {number_of(steps, window) for window in WINDOWS}
    struck(base, *(set(range(len(steps))) - done))
    found = {f"{n} {steps[n]}": wrong for n in range(len(steps)) if (wrong := failures(base.parent, n))}
    assert not found
    print(f"nbgrader: {len(steps)} kills, one before each write, 0 lost, 0 doubled, 0 half written")
