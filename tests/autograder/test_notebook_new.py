"""Beginning a chapter."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder.course import load_chapter, load_course
from autograder.errors import UsageError
from autograder.notebook.build import build, check
from autograder.notebook.leaks import leaks
from autograder.notebook.new import new


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course without chapters."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "course.toml").write_text('name = "c"  # ours')
    return tmp_path


def files(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def test_new_chapter_is_written_and_listed(root: Path) -> None:
    written = new(load_course(root), "graph_convolution")
    assert sorted(str(p.relative_to(root)) for p in written) == [
        "solutions/graph_convolution.py",
        "source/course.md",
        "source/course.toml",
        "source/graph_convolution.py",
        "tests/solutions/test_graph_convolution.py",
    ]
    text = (root / "source" / "course.toml").read_text()
    assert text.startswith('name = "c"  # ours\n')
    assert tomllib.loads(text)["chapters"] == {"graph_convolution": {"title": "Graph convolution"}}
    assert "TITLE" not in "".join(files(root).values())
    assert list(load_course(root).chapters) == ["graph_convolution"]


def test_new_chapter_builds_and_gives_nothing_away(root: Path) -> None:
    new(load_course(root), "centring")
    course = load_course(root)
    build(course, ["centring"])
    assert check(course, ["centring"]) == ()
    assert leaks(load_chapter(course, "centring"), root / "release") == ()


def test_new_chapter_links_to_the_front_page_that_is_there(root: Path) -> None:
    (root / "source" / "course.md").write_text("Our own page.\n")
    new(load_course(root), "first")
    assert (root / "source" / "course.md").read_text() == "Our own page.\n"
    build(load_course(root), ["first"])
    assert "[course page](course.md)" in (root / "release" / "first" / "first.ipynb").read_text()
    assert "Our own page.\n" in (root / "release" / "first" / "course.md").read_text()


@pytest.mark.slow
def test_new_chapter_verifies(root: Path) -> None:
    from autograder.verify import verify

    new(load_course(root), "centring")
    report = verify(load_chapter(load_course(root), "centring"), seeds=2, processes=0)
    assert report.findings == ()


@pytest.mark.slow
def test_its_test_passes_and_its_files_are_tidy(root: Path) -> None:
    new(load_course(root), "centring")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout
    shutil.copy(Path(__file__).parents[2] / "pyproject.toml", root)
    for verb in (["check"], ["format", "--check"]):
        tidy = [sys.executable, "-m", "ruff", *verb, "--no-cache", "."]
        ran = subprocess.run(tidy, cwd=root, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("existing", ["source/x.py", "solutions/x.py", "tests/solutions/test_x.py"])
def test_nothing_is_overwritten(root: Path, existing: str) -> None:
    (root / existing).parent.mkdir(parents=True, exist_ok=True)
    (root / existing).write_text("mine")
    before = files(root)
    with pytest.raises(UsageError, match=f"{existing} exists already; nothing was changed."):
        new(load_course(root), "x")
    assert files(root) == before


def test_chapter_of_the_course_is_not_begun_again(root: Path) -> None:
    new(load_course(root), "x")
    with pytest.raises(UsageError, match=r"The course already has a chapter x\."):
        new(load_course(root), "x")


@pytest.mark.parametrize("name", ["", "../x", "a b", "Kernel", "2nd", "_x", "é", "a-b"])
def test_names_that_no_module_can_have(root: Path, name: str) -> None:
    before = files(root)
    with pytest.raises(UsageError, match="should be a lower-case Python name, such as graph_convolution"):
        new(load_course(root), name)
    with pytest.raises(UsageError, match="'lambda' is a word of Python itself"):
        new(load_course(root), "lambda")
    assert files(root) == before


def test_chapters_in_one_table_are_left_alone(root: Path) -> None:
    toml = root / "source" / "course.toml"
    toml.write_text('chapters = { a = { title = "A" } }\n')
    with pytest.raises(UsageError, match="lists its chapters in one table"):
        new(load_course(root), "x")
    assert files(root) == {"source/course.toml": 'chapters = { a = { title = "A" } }\n'}
