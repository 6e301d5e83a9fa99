"""The gradebook and the hub's database on a real PostgreSQL: the same commands, the same grades."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from database import Cluster, cluster
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.course import load_course
from autograder.notebook.build import build

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("nbgrader")]
TOY = Path(__file__).parents[1] / "toy"
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
SCORES = """
SELECT a.student_id, sum(g.auto_score) FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id
JOIN submitted_assignment a ON n.assignment_id = a.id GROUP BY a.student_id
"""
shared: dict[str, Any] = {}


class Shared:
    """The session's sandbox, which a batch may close without ending it."""

    def __init__(self) -> None:
        self.open, self.layers = shared["sandbox"].open, shared["sandbox"].layers

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None:
        pass


def open_shared(**options: Any) -> Shared:
    return Shared()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(scope="module")
def graded(postgres: Cluster, warm: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A course whose gradebook is a PostgreSQL database, released, handed in, graded, with feedback."""
    shared["sandbox"] = warm
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("postgres") / "course"))
    build(load_course(root), ("toy",))
    shutil.rmtree(root / "release")
    url = postgres.database("gradebook")
    nbgrader(root, url, GenerateAssignment)
    blank = nbformat.read(root / "release" / "toy" / "toy.ipynb", 4)
    solved = nbformat.read(root / "source" / "toy" / "toy.ipynb", 4)
    for student, notebook in (("ada", solution_of(solved, blank)), ("ben", blank)):
        path = root / "submitted" / student / "toy" / "toy.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    nbgrader(root, url, Autograde)
    nbgrader(root, url, GenerateFeedback)
    return root, url


def solution_of(solved: Any, blank: Any) -> Any:
    made = nbformat.from_dict(blank)
    for cell, answer in zip(made.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "\n".join(line for line in answer.source.split("\n") if "SOLUTION" not in line)
    return made


def config(root: Path, url: str) -> Config:
    c = Config()
    configure(c, root)
    c.CourseDirectory.db_url = url
    c.Reader.open_sandbox = f"{__name__}.open_shared"
    return c


def nbgrader(root: Path, url: str, converter: Any, **options: Any) -> None:
    c = config(root, url)
    coursedir = CourseDirectory(config=c, assignment_id="toy")
    made = converter(coursedir=coursedir, config=c, **options)
    made.start()


def scores(postgres: Cluster) -> dict[str, float]:
    return dict(postgres.rows("gradebook", SCORES))


def test_grades_are_in_the_database_and_in_no_file(graded: tuple[Path, str], postgres: Cluster) -> None:
    root, url = graded
    found = scores(postgres)
    assert found["ada"] > 0 and found["ben"] == 0
    with Gradebook(url, "toy") as gradebook:
        assert gradebook.find_submission("toy", "ada").score == found["ada"]
    assert not list(root.rglob("*.db"))


def test_feedback_is_written_from_it(graded: tuple[Path, str], postgres: Cluster) -> None:
    root, _ = graded
    page = (root / "feedback" / "ada" / "toy" / "toy.html").read_text("utf-8")
    assert f"{scores(postgres)['ada']:g}" in page and "<script" not in page


def test_grading_again_changes_nothing_and_a_manual_score_stays(graded: tuple[Path, str], postgres: Cluster) -> None:
    root, url = graded
    before = scores(postgres)
    with Gradebook(url, "toy") as gradebook:
        grade = next(g for g in gradebook.find_submission("toy", "ben").notebooks[0].grades if g.max_score_gradecell)
        grade.manual_score = 1.5
        gradebook.db.commit()
    c = config(root, url)
    made = Autograde(coursedir=CourseDirectory(config=c, assignment_id="toy"), config=c)
    made.force = True
    made.start()
    assert scores(postgres) == before
    assert postgres.rows("gradebook", "SELECT manual_score FROM grade WHERE manual_score IS NOT NULL") == [(1.5,)]


def test_an_old_gradebook_is_upgraded(postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`nbgrader db upgrade`, from the schema before there were courses."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    url = postgres.database("old")
    Gradebook(url, "toy").close()
    for step in (
        "ALTER TABLE assignment DROP COLUMN course_id",
        "DROP TABLE course",
        "UPDATE alembic_version SET version_num = '282d30a0218e'",
    ):
        postgres.rows("old", step)
    command = [sys.executable, "-W", "ignore", "-m", "nbgrader", "db", "upgrade", f"--CourseDirectory.db_url={url}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert postgres.rows("old", "SELECT version_num FROM alembic_version") == [("e43177bfe90b",)]
    assert postgres.rows("old", "SELECT id FROM course") == [("default_course",)]


HUB = """
c = get_config()
c.JupyterHub.db_url = {url!r}
"""


def test_the_hub_keeps_its_users_in_it(postgres: Cluster, tmp_path: Path) -> None:
    """`jupyterhub upgrade-db`, then the hub's own tables, through its own ORM."""
    from jupyterhub import orm

    url = postgres.database("hub")
    (tmp_path / "jupyterhub_config.py").write_text(HUB.format(url=url))
    with orm.new_session_factory(url)() as session:
        session.add_all([orm.User(name="ada"), orm.Group(name="formgrade-toy")])
        session.commit()
        session.get_bind().dispose()
    command = [sys.executable, "-W", "ignore", "-m", "jupyterhub", "upgrade-db", "-f", "jupyterhub_config.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert postgres.rows("hub", "SELECT name FROM users") == [("ada",)]
    assert postgres.rows("hub", 'SELECT name FROM "groups"') == [("formgrade-toy",)]
    assert postgres.rows("hub", "SELECT count(*) FROM alembic_version") == [(1,)]
    assert not list(tmp_path.glob("*.sqlite"))


def test_nothing_of_a_cluster_stays(tmp_path: Path) -> None:
    with cluster() as running:
        pid = int((running.folder / "data" / "postmaster.pid").read_text().split()[0])
        assert running.rows("postgres", TABLES) == [(0,)]
    assert not running.folder.exists()
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"  # nobody reaped it yet
