"""Begins a chapter: a chapter file, its solution module and a test, with one small exercise that is complete.

An author changes what is there rather than reading first what could be there. Nothing that exists is overwritten.
"""

from __future__ import annotations

import keyword
import tomllib
from collections.abc import Mapping
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.notebook import front
from autograder.notebook.build import write

CHAPTER = '''# %% tags=["author"]
import jax.numpy as jnp
import numpy as np

from autograder.author import close, exercise
from solutions import NAME

# %% [markdown]
# # TITLE
#
# Say what this chapter is for, and what a student can do after it.
#
# The [course page](course.md) says how a notebook works and what holds in all of them.

# %%
import jax.numpy as jnp

from autograder import check, example, hint

# %% [markdown]
# ## 1. Centring
# Each row is one molecule, each column one descriptor. Before columns are compared, their means are removed.

# %%
centred = exercise(NAME.centred, points=2, hints=["What is the shape of `jnp.mean(x, axis=0)`?"])

centred.probe("five molecules, three descriptors", n=5, d=3)
centred.case("by hand", np.array([[1.0, 2.0], [3.0, 6.0]]), expect=np.array([[-1.0, -2.0], [1.0, 2.0]]))
centred.probe("four molecules, seven descriptors", n=4, d=7, hidden=True)
centred.probe("as many molecules as descriptors", n=6, d=6, hidden=True)


@centred.law(hidden=True)
def means_vanish(f, rng):
    """Every column of the answer has the mean 0."""
    return close(np.mean(f(rng.normal(size=(8, 3))), axis=0), np.zeros(3))


@centred.mistake
def mean_of_all(x):
    """You removed the mean of the whole table, but every column has a mean of its own."""
    return x - jnp.mean(x)


@centred.mistake
def mean_of_rows(x):
    """You removed the mean of every row. Rows are molecules; the means of the columns should go."""
    return x - jnp.mean(x, axis=1, keepdims=True)


@centred.alternate
def column_by_column(x):
    return jnp.stack([column - jnp.sum(column) / column.shape[0] for column in x.T], axis=1)


@centred.oracle
def by_projection(x):
    n = len(x)
    return (np.eye(n) - np.ones((n, n)) / n) @ np.asarray(x)
'''

SOLUTION = '''"""TITLE: say here what a reader finds in this module.

Axes: n molecules, d descriptors.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def centred(x: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """The table `x` with the mean of every column removed.

        z_ij = x_ij - 1/n * sum_k x_kj

    The units are those of `x`. NumPy is fine here.
    """
    return x - jnp.mean(x, axis=0)
'''

TEST = '''"""The references of the chapter NAME, against numbers found by hand."""

import numpy as np

from solutions import NAME


def test_centred_by_hand() -> None:
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_allclose(NAME.centred(x), [[-1.0, -2.0], [1.0, 2.0]])
'''


FRONT = """\
Every task is one function to complete. `check(f)` runs its visible checks, `example(f, 0)` shows a call and its
answer, `hint(f)` gives one hint at a time. After you hand in, further checks run on other inputs.

## What holds everywhere

- The first axis counts examples, the last one their features.
- Arrays arrive as JAX arrays. Your answer may hold JAX arrays, NumPy arrays or plain numbers.
- A function leaves its arguments as they were.
- Say here what else all chapters share.
"""


def new(course: Course, name: str) -> tuple[Path, ...]:
    """The files written to begin the chapter `name`: it builds and verifies as it is."""
    if not (name.isascii() and name.isidentifier() and name.islower() and not name.startswith("_")):
        raise UsageError(
            f"{name!r} should be a lower-case Python name, such as graph_convolution: modules will have it."
        )
    if keyword.iskeyword(name):
        raise UsageError(f"{name!r} is a word of Python itself. Choose another name.")
    if name in course.chapters:
        raise UsageError(f"The course already has a chapter {name}.")
    listed = course.root / "source" / "course.toml"
    texts = _texts(course, name, listed)
    for path in texts:
        if path.exists() and path != listed:
            raise UsageError(f"{path.relative_to(course.root)} exists already; nothing was changed.")
    for path, text in texts.items():
        write(path, text)
    return tuple(texts)


def _texts(course: Course, name: str, listed: Path) -> Mapping[Path, str]:
    """What to write, the course's list of chapters last: a chapter it names is a whole one."""
    title = name.replace("_", " ").capitalize()
    templates = {
        course.root / "solutions" / f"{name}.py": SOLUTION,
        course.root / "tests" / "solutions" / f"test_{name}.py": TEST,
        course.root / "source" / f"{name}.py": CHAPTER,
    }
    texts = {path: text.replace("TITLE", title).replace("NAME", name) for path, text in templates.items()}
    page = course.root / "source" / front.NAME
    if not page.exists():  # the new chapter links to it
        texts[page] = FRONT
    return texts | {listed: _extended(listed.read_text("utf-8"), name, title)}


def _extended(toml: str, name: str, title: str) -> str:
    extended = f'{toml.rstrip()}\n\n[chapters.{name}]\ntitle = "{title}"\n'
    try:
        tomllib.loads(extended)
    except tomllib.TOMLDecodeError:
        raise UsageError(
            "source/course.toml lists its chapters in one table, which cannot be added to; nothing was changed. "
            f"Write each as [chapters.<name>] with a title, and run `autograder new {name}` again."
        ) from None
    return extended
