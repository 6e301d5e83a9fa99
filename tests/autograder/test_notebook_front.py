"""The course's front page: its table, its copies, and what building one chapter does to those of others."""

from pathlib import Path

import pytest

from autograder.course import load_course
from autograder.errors import AuthorError
from autograder.notebook.build import build, check
from autograder.records import Tolerance

SOLUTION = """import jax.numpy as jnp
from jaxtyping import Array, Float


def f(x: Float[Array, "n"]) -> Float[Array, "n"]:
    \"\"\"Twice `x`.\"\"\"
    return 2.0 * x
"""
CHAPTER = """# %%
from autograder import check

# %% tags=["author"]
from autograder.author import exercise, written
from solutions import small

# %%
f = exercise(small.f, points=1.5)
f.probe("three", n=3)
"""
QUESTION = """
# %%
why = written("why", "Why?", points=2, rubric="Because.")
"""
LISTED = """title = "All of it"
[chapters.a]
title = "A | B"
cites = "https://example.org/a/"
[chapters.b]
title = "Last"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with the chapters a, of 3.5 points, and b, of 1.5, and a front page."""
    texts = {
        "solutions/small.py": SOLUTION,
        "source/a.py": CHAPTER + QUESTION,
        "source/b.py": CHAPTER,
        "source/course.toml": LISTED,
        "source/course.md": "\nAxes come first.\n\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_front_page_lists_the_chapters_that_are_released(root: Path) -> None:
    build(load_course(root), ["a", "b"])
    assert (root / "release" / "course.md").read_text() == (
        "# All of it\n\nAxes come first.\n\n## Chapters\n\n"
        "| Chapter | Points | To read along |\n"
        "|---|--:|---|\n"
        "| [A \\| B](a/a.ipynb) | 3.5 | [example.org/a](https://example.org/a/) |\n"
        "| [Last](b/b.ipynb) | 1.5 |  |\n"
    )


def test_every_folder_that_a_student_or_nbgrader_gets_has_the_same_copy(root: Path) -> None:
    build(load_course(root), ["a", "b"])
    copies = {path: path.read_text() for path in root.glob("*/*/course.md")}
    assert {str(p.parent.relative_to(root)) for p in copies} == {"source/a", "source/b", "release/a", "release/b"}
    (text,) = set(copies.values())
    assert "| [Last](../b/b.ipynb) | 1.5 |" in text
    assert text.endswith("\n\nA link leads to a chapter once you have fetched it.\n")


def test_a_chapter_built_alone_renews_the_copies_of_others_and_begins_no_folder(root: Path) -> None:
    build(load_course(root), ["b"])
    assert "a.ipynb" not in (root / "release" / "course.md").read_text()
    assert not (root / "source" / "a").exists()
    build(load_course(root), ["a"])
    assert "a.ipynb" in (root / "release" / "b" / "course.md").read_text()
    assert check(load_course(root), ["a"]) == check(load_course(root), ["b"]) == ()


def test_stale_front_page_and_copies_are_found(root: Path) -> None:
    build(load_course(root), ["a", "b"])
    page = root / "source" / "course.md"
    page.write_text("Axes come last.\n")
    (root / "release" / "notes.txt").write_text("")
    stale = "line 3 is 'Axes come first.', but should be 'Axes come last.'"
    assert check(load_course(root), ["a"]) == (
        f"release/course.md: {stale}",
        f"release/a/course.md: {stale}",
        "release/notes.txt: is not built from any chapter file, and should go",
    )


def test_a_broken_notebook_of_another_chapter_is_named(root: Path) -> None:
    build(load_course(root), ["a", "b"])
    (root / "release" / "b" / "b.ipynb").write_text("{")
    with pytest.raises(AuthorError, match=r"b.ipynb: is no notebook, but should be: run `autograder build b`\."):
        build(load_course(root), ["a"])
    build(load_course(root), ["a", "b"])


def test_front_page_of_this_course_is_up_to_date_and_linked_from_every_chapter() -> None:
    root = Path(__file__).parents[2]
    for name in load_course(root).chapters:
        assert "](course.md)" in (root / "source" / f"{name}.py").read_text("utf-8"), name
        assert f"({name}/{name}.ipynb)" in (root / "release" / "course.md").read_text("utf-8"), name


def test_the_tolerance_that_the_page_tells_is_the_one_of_the_grader() -> None:
    text = (Path(__file__).parents[2] / "source" / "course.md").read_text("utf-8")
    assert "no more than 0.00001 plus 0.01 % of the expected value" in text
    assert Tolerance() == Tolerance(rtol=0.01 / 100, atol=0.00001)
