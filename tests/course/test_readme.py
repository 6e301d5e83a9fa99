"""The README's worked example does what the README says."""

import re
import tomllib
from pathlib import Path

from autograder.course import load_chapter, load_course
from autograder.notebook.build import build
from autograder.notebook.front import with_list
from autograder.notebook.leaks import leaks
from autograder.verify import verify

README = (Path(__file__).parents[2] / "README.md").read_text()

SOLUTION = '"""Axes: n atoms."""\n\nimport jax.numpy as jnp\nfrom jaxtyping import Array, Float\n\n\n'
CHAPTER = """# %% tags=["author"]
import jax.numpy as jnp
import numpy as np
from autograder.author import close, exercise
from solutions import polymers

# %%
import jax.numpy as jnp
from autograder.client import check

"""


def test_the_worked_example_verifies(tmp_path):
    section = README.split("## Add an exercise")[1].split("\n## ")[0]
    solution, *chapter = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    for folder in ("source", "solutions"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source" / "course.toml").write_text('name = "readme"\n[chapters.polymers]\ntitle = "Polymers"\n')
    (tmp_path / "solutions" / "polymers.py").write_text(SOLUTION + solution)
    (tmp_path / "source" / "polymers.py").write_text(CHAPTER + "\n\n".join(chapter))
    course = load_course(tmp_path)
    build(course, ["polymers"])
    report = verify(
        load_chapter(course, "polymers"), seeds=5, processes=0, leaks=lambda c: leaks(c, tmp_path / "release")
    )
    assert report.ok, "\n".join(map(str, report.findings))
    (row,) = report.rows
    assert (row.mistakes, row.caught, row.hinted) == (2, 2, 2)
    assert row.mutants > 5


def test_the_two_commands_are_in_the_makefile():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    for command in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command


def test_the_versions_agree():
    from autograder import __version__

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def test_the_list_of_chapters_is_what_build_would_write():
    root = Path(__file__).parents[2]
    course = load_course(root)
    released = {name: (root / "release" / name / f"{name}.ipynb").read_text("utf-8") for name in course.chapters}
    assert with_list(course, README, released) == README
