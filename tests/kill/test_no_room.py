"""A full disk and a gradebook that cannot be written are our failure: exit status 3, and never a zero."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crowd import crowd, grades_of, kept, report_of
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.cli import main
from autograder.course import load_chapter, load_course
from autograder.notebook.build import build
from autograder.secret import hidden_sheet

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("no room")]
SIZE = 3
shared: dict[str, Any] = {}


class Shared:
    """The session's sandbox, which a batch may close without ending it."""

    layers = ("shared",)

    def open(self, limits: Any, **options: Any) -> Any:
        return shared["sandbox"].open(limits, **options)

    def start(self) -> None: ...

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> "Shared":
        return self

    def __exit__(self, *exc: object) -> None: ...


def open_shared(**options: object) -> Shared:
    return Shared()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("only root can make a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a class of three, released by nbgrader, and a state folder in which the hidden sheet is drawn."""
    top = tmp_path_factory.mktemp("released")
    shared["wanted"] = crowd(top / "course", SIZE)
    course = load_course(top / "course")
    build(course, ("toy",))
    shutil.rmtree(course.root / "release")
    nbgrader(course.root, GenerateAssignment)
    hidden_sheet(load_chapter(course, "toy"), top / "state")
    return top


@pytest.fixture
def course(released: Path, tmp_path: Path, warm: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    shared["sandbox"] = warm
    monkeypatch.setattr("autograder.sandbox.pool.open_sandbox", open_shared)
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    for name in ("course", "state"):
        shutil.copytree(released / name, tmp_path / name)
    monkeypatch.chdir(tmp_path / "course")
    return tmp_path / "course"


def nbgrader(root: Path, converter: Any, database: str = "") -> None:
    c = Config()
    configure(c, root)
    c.Reader.open_sandbox = f"{__name__}.open_shared"
    c.CourseDirectory.db_url = database or f"sqlite:///{root}/gradebook.db"
    converter(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c).start()


def fill(disk: Path, *, leave: int) -> Path:
    """A file that takes all room of a disk but so many bytes."""
    path = disk / "filling"
    path.write_bytes(bytes(shutil.disk_usage(disk).free - leave))
    return path


def command(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["autograder", *words])
        main()
    return int(ended.value.code or 0)


def test_a_full_disk_under_the_report(course: Path, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filling = fill(small, leave=4096)
    assert command("grade", "toy", "submitted", "--json", str(small / "report.json")) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert [p.name for p in small.iterdir()] == ["filling"]
    filling.unlink()
    assert command("grade", "toy", "submitted", "--json", str(small / "report.json")) == 0
    found = {s["student"]: s["score"] for s in report_of(small / "report.json")["submissions"]}  # type: ignore[index]
    assert found == shared["wanted"]


def test_a_full_disk_under_the_state_folder_costs_no_score(
    course: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGRADER_STATE", str(small / "state"))
    assert command("grade", "toy", "submitted/s00/toy/toy.ipynb") == 0
    fill(small, leave=0)
    assert command("grade", "toy", "submitted", "--json", "report.json") == 0
    assert len(kept(small / "state")) == 1
    found = {s["student"]: s["score"] for s in report_of(course / "report.json")["submissions"]}  # type: ignore[index]
    assert found == shared["wanted"]


def zeros(root: Path, database: Path | None = None) -> list[Any]:
    """Automatic scores of zero of exercises that their student solved, or scores that are not whole."""
    if database:
        shutil.copy(database, root / "gradebook.db")
    found = grades_of(root)
    return [s for s, g in found.items() if None not in g.values() and sum(g.values()) != shared["wanted"][s]]  # type: ignore[arg-type]


def test_a_full_disk_under_the_gradebook(course: Path, small: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = f"sqlite:///{shutil.copy(course / 'gradebook.db', small)}"
    filling = fill(small, leave=0)
    with pytest.raises(SystemExit) as ended:
        nbgrader(course, Autograde, database)
    assert ended.value.code == 3
    assert "Our fault, not the students'" in caplog.text
    filling.unlink()
    assert zeros(course, small / "gradebook.db") == []
    nbgrader(course, Autograde, database)
    assert zeros(course, small / "gradebook.db") == []
    assert {s: sum(g.values()) for s, g in grades_of(course).items()} == shared["wanted"]  # type: ignore[arg-type]


def test_a_gradebook_that_is_read_only(course: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = (course / "gradebook.db").read_bytes()
    with pytest.raises(SystemExit) as ended:
        nbgrader(course, Autograde, f"sqlite:///file:{course}/gradebook.db?mode=ro&uri=true")
    assert ended.value.code == 3
    assert "Our fault, not the students'" in caplog.text
    assert (course / "gradebook.db").read_bytes() == before
    assert not list((course / "autograded").rglob("*.ipynb"))
    nbgrader(course, Autograde)
    assert {s: sum(g.values()) for s, g in grades_of(course).items()} == shared["wanted"]  # type: ignore[arg-type]


def test_no_grading_without_the_lock(course: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two graders would not see each other."""
    locks, before = course.parent / "state" / "locks", (course / "gradebook.db").read_bytes()
    shutil.rmtree(locks, ignore_errors=True)
    locks.write_text("no folder")
    with pytest.raises(SystemExit) as ended:
        nbgrader(course, Autograde)
    assert ended.value.code == 3
    assert "keeps a second grader waiting" in caplog.text
    assert command("grade", "toy", "submitted") == 3
    assert (course / "gradebook.db").read_bytes() == before


@pytest.mark.parametrize("step", ["reports", "autograded"])
def test_no_room_for_what_nbgrader_writes(
    course: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str
) -> None:

    renamed = course / "submitted" / "s01" / "toy" / "toy.ipynb"
    renamed.rename(renamed.with_name("mine.ipynb"))  # nbgrader would give a notebook that is not there a zero

    def full(*args: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    place = {
        "reports": "autograder.backends.nbgrader.judging.write_private",
        "autograded": "nbconvert.writers.FilesWriter.write",
    }
    with monkeypatch.context() as patch:
        patch.setattr(place[step], full)
        with pytest.raises(SystemExit) as ended:
            nbgrader(course, Autograde)
    assert ended.value.code == 3
    assert "No space left on device" in caplog.text and "Our fault, not the students'" in caplog.text
    assert {score for grades in grades_of(course).values() for score in grades.values()} <= {None}
    nbgrader(course, Autograde)
    assert {s: sum(g.values()) for s, g in grades_of(course).items()} == shared["wanted"]  # type: ignore[arg-type]
    for path in (course / "reports").rglob("*.json"):
        assert json.loads(path.read_text())["submissions"][0]["status"] == "graded"
