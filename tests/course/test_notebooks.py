"""The notebooks of every chapter of this course: the instructor's runs, and the released one gives nothing away."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import load_chapter, load_course
from autograder.notebook.build import build
from autograder.notebook.leaks import leaks

ROOT = Path(__file__).parents[2]
CHAPTERS = [
    pytest.param(name, marks=pytest.mark.xdist_group(f"notebooks-{name}")) for name in load_course(ROOT).chapters
]


@pytest.fixture(scope="module", params=CHAPTERS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the course in which one chapter is built, and the chapter's name."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("source", "solutions"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb", "*.json"))
    build(load_course(root), [request.param])
    return root, request.param


@pytest.mark.slow
def test_released_files_give_nothing_away(built: tuple[Path, str]) -> None:
    root, name = built
    assert leaks(load_chapter(load_course(root), name), root / "release") == ()


@pytest.mark.slow
def test_release_is_what_nbgrader_would_make_of_the_source(built: tuple[Path, str]) -> None:
    root, name = built
    shutil.copy(ROOT / "nbgrader_config.py", root)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", name, "--create", "--no-db"]
    command += ["--CourseDirectory.release_directory=nbgraders"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    ours, theirs = root / "release" / name, root / "nbgraders" / name
    assert {p.name: p.read_bytes() for p in ours.iterdir()} == {p.name: p.read_bytes() for p in theirs.iterdir()}


@pytest.mark.slow
def test_instructors_notebook_runs_and_passes_its_checks(built: tuple[Path, str]) -> None:
    import nbclient
    import nbformat

    root, name = built
    path = root / "source" / name / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    asked = [cell for cell in notebook.cells if "check" in cell.metadata.get("tags", [])]
    assert asked
    for cell in asked:
        shown = [output for output in cell.outputs if output.output_type == "execute_result"]
        assert [output.data["text/plain"][:1] for output in shown] == ["✓"], (cell.source, cell.outputs)
