"""A class of odd notebooks through the whole path: honest ones get the score of what they define, others a verdict.

One batch holds them all, in the sandbox that grades; then nbgrader grades the same class. `honest` and `malformed` say
what is in it.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from honest import CELLS, HONEST, SCORES, plain
from malformed import MALFORMED
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.batch import grade_all, grade_file
from autograder.course import load_chapter, load_course
from autograder.notebook.build import build
from autograder.notebook.read import find
from autograder.records import Graded
from autograder.report import to_json, to_text
from autograder.session import Session, open_session
from autograder.settings import read_settings
from tests.shared_sandbox import OPEN, open_shared, share

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("odd")]
TOY = Path(__file__).parents[1] / "toy"
NAMES = ("Zoë Ångström", "学生", "o'brien", "a b", "[x]", "a+b", "{y}", "-rf", "café\u0301", "%s", "\U0001f9ea")
"""Names of students that a shell, a pattern, a format or a file system could stumble over. All are perfect."""
FILES = {"Ü 1": "tôy – копия.ipynb", "Ü 2": "toy (1).ipynb", "Ü 3": "TOY.IPYNB", "Ü 4": "{toy}%s'\".ipynb"}
"""Names under which students save the only notebook in their folder. All are perfect."""
shared: dict[str, Any] = {}


def hand_in(root: Path, student: str, notebook: Any, name: str = "toy.ipynb") -> None:
    path = root / "submitted" / student / "toy" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())


@pytest.fixture(scope="module")
def course(warm: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy course with everybody's work in submitted/."""
    share(warm)
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("odd") / "course"))
    for name, make in HONEST.items():
        hand_in(root, name, make(CELLS))
    for name in NAMES:
        hand_in(root, name, plain(CELLS))
    for student, name in FILES.items():
        hand_in(root, student, plain(CELLS), name)
    for name, (create, _) in MALFORMED.items():
        path = root / "submitted" / name / "toy" / "toy.ipynb"
        path.parent.mkdir(parents=True)
        create(path)
    (root / "submitted" / "notes.ipynb").write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(tmp_path_factory.mktemp("state")))
        yield root


@pytest.fixture(scope="module")
def graded(course: Path) -> dict[str, Graded]:
    """The class as `autograder grade` grades it, by student."""
    with open_session(read_settings(course), "toy", open_shared) as session:
        results = grade_all(session, find(course / "submitted", "toy"))
    return {g.student: g for g in results}


def test_the_whole_class_has_a_verdict(graded: dict[str, Graded]) -> None:
    assert set(graded) == {*HONEST, *MALFORMED, *NAMES, *FILES}
    assert len(HONEST) >= 40 and len(MALFORMED) >= 40


@pytest.mark.parametrize("name", [*HONEST, *NAMES, *FILES])
def test_an_honest_notebook_gets_the_score_of_what_it_defines(graded: dict[str, Graded], name: str) -> None:
    found = graded[name]
    lost = [f for v in found.verdicts for f in v.findings if not f.passed]
    assert (found.status, found.score) == ("graded", SCORES.get(name, 12)), (found.message, found.notes, lost)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_notebook_gets_a_clear_verdict(graded: dict[str, Graded], name: str) -> None:
    found, says = graded[name], MALFORMED[name][1]
    assert found.status == "unreadable"
    assert says in found.message
    assert "but should" in found.message or says.startswith("is nested")
    assert found.message.endswith(".") and found.message.isprintable() and len(found.message) < 300


def test_reports_of_the_class_can_be_written(graded: dict[str, Graded]) -> None:
    document = to_json(list(graded.values()), "toy", "toy", "0", ())
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    assert all(to_text(g) and to_text(g, view="grader") for g in graded.values())


@pytest.fixture(scope="module")
def gradebook(course: Path) -> Path:
    """The same class as nbgrader grades it. What the cells do is known by then, but not how nbgrader reads them."""
    build(load_course(course), ("toy",))
    shutil.rmtree(course / "release")
    for converter in (GenerateAssignment, Autograde):
        c = Config()
        configure(c, course)
        c.Reader.open_sandbox = OPEN
        converter(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c).start()
    return course / "gradebook.db"


def test_nbgrader_s_scores_are_the_same(gradebook: Path, graded: dict[str, Graded]) -> None:
    with Gradebook(f"sqlite:///{gradebook}") as book:
        found = {
            s.student.id: {g.name: g.auto_score for g in s.notebooks[0].grades if g.name.startswith("check-")}
            for s in book.assignment_submissions("toy")
        }
    assert set(found) == set(graded)
    for student, entry in graded.items():
        wanted = {f"check-{v.name}": v.score for v in entry.verdicts}
        assert {n: s for n, s in found[student].items() if s is not None} == wanted, student


@pytest.mark.long
@pytest.mark.parametrize("shape", ["as_colab_saves", "in_one_cell", "timed_cells"])
def test_a_real_chapter_in_odd_shapes(warm: Any, tmp_path: Path, shape: str) -> None:
    root = TOY.parents[1]
    chapter = load_chapter(load_course(root), "kernel")
    source = (root / "tests" / "verdicts" / "kernel" / "perfect.py").read_text().partition("\n")[2]
    cells = [c for c in source.split("# %%\n") if c.strip()]
    path = tmp_path / "kernel.ipynb"
    made = HONEST[shape](cells)
    path.write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())
    session = shared.setdefault("kernel", Session(chapter, chapter.sheet(b"a secret for odd notebooks"), warm))
    found = grade_file(session, "ada", path)
    lost = [f for v in found.verdicts for f in v.findings if not f.passed]
    assert (found.status, found.score) == ("graded", found.max_score), lost
