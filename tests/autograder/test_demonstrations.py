"""Which cells only demonstrate something: what has an effect, what is read, and what a submission then needs."""

from pathlib import Path

import pytest

from autograder.course import split
from autograder.demonstrations import needed, parts_of
from autograder.rewards import only_defining

ROOT = Path(__file__).parents[2]
BEFORE = """
import numpy as np
rng = np.random.default_rng(0)
rows, X, model = [], make(), Model()
pairs = zip([1], [2])
doubled = (2 * k for k in [1])


def rms(a, b):
    d = a - b
    return np.sqrt(np.mean(d * d))


def note(row):
    rows.append(row)


def noted(row):
    return note(row)
"""


def part(cell: str):
    return parts_of((BEFORE, cell))[1]


@pytest.mark.parametrize(
    "cell",
    [
        "y = rms(X, 0)\nprint(y)",
        "print([row.sum() for row in X])",
        "scores = []\nfor k in range(3):\n    scores.append(k)\nscores[0] = 1\nscores.sort()",
        "table = {}\ntable['a'] = X.mean(axis=0)\nprint(table.items())",
        "mine = np.random.default_rng(1)\nprint(mine.normal(size=3))",
        "def f(x):\n    parts = []\n    parts.append(x)\n    return np.append(x, 1)\nprint(f(X))",
        "try:\n    from rdkit import Chem\nexcept ImportError:\n    Chem = None",
        "@jax.jit\ndef f(x):\n    return x",
        "class Layer:\n    size = 3\n    def __init__(self):\n        self.w = 1",
        "heavy = X > 3\nX.shape",
        "names, sizes = zip(*X)\nprint(names)",
        "check(rms)",
    ],
)
def test_what_has_no_effect(cell: str) -> None:
    assert not part(cell).effect


@pytest.mark.parametrize(
    "cell",
    [
        "X[0] = 1",
        "X += 1\nrows.append(X)",
        "X.flags.writeable = False",
        "y = rows.pop()",
        "y = rng.normal()",  # the next one draws other numbers
        "y = model.fit(X)",
        "model.fit(X)",
        "np.fill_diagonal(X, 0)",
        "np.random.seed(0)",
        "y = np.random.normal()",
        "y = random.random()",
        "jax.config.update('jax_enable_x64', True)",
        "os.environ['A'] = 'b'",
        "import os\nos.environ['A'] = 'b'",
        "import os\nos.environ.setdefault('A', 'b')",
        "from jax import config\nconfig.update('jax_enable_x64', True)",
        "def f():\n    import os\n    os.environ['A'] = 'b'\nf()",
        "note(3)",
        "y = note(3)",
        "y = noted(3)",
        "y = [noted(k) for k in X]",
        "def f(a):\n    a[0] = 1\nf(X)",
        "def f(a):\n    a[0] = 1\ny = f(X)",
        "def f(a):\n    a.append(1)\ny = f(rows)",
        "def f():\n    global X\n    X = 1\ny = f()",
        "def f():\n    def g():\n        rows.append(1)\n    return g()\ny = f()",
        "class C:\n    rows.append(1)",
        "@register\ndef f(x):\n    return x",
        "y = (lambda: rows.append(1))()",
        "del X",
        "y = eval('X')",
        "y = open('a').read()",
        "%matplotlib inline",
        "y = await make()",
        "with X.opened() as y:\n    y.write(1)",
        "register(rms)",
        "def f(a):\n    return a.fit(X)\ny = f(model)",
        "def f(a):\n    return [g(a) for g in (lambda b: b.pop(),)]\ny = f(rows)",
        "y = sample(rng)",
        "def f():\n    return draw(rng)\ny = f()",
        "for pair in pairs:\n    print(pair)",  # which can be gone through once
        "y = dict(pairs)",
        "print(list(doubled))",
    ],
)
def test_what_has_an_effect(cell: str) -> None:
    assert part(cell).effect


@pytest.mark.parametrize(
    ("cell", "reads"),
    [
        ("A = B\nprint(A)", "B print"),
        ("print(A)\nA = B", "A B print"),
        ("A = A + 1", "A"),
        ("A += 1", "A"),
        ("for A in B:\n    print(A)", "B print"),
        ("if B:\n    A = 1\nprint(A)", "A B print"),
        ("for C in B:\n    A = 1\nprint(A)", "A B print"),
        ("A = 1\ndef f():\n    return A\nf()", "A f"),  # which may be bound anew before it is called
        ("A, (C, D) = B\nprint(D)", "B print"),
        ("import A.B as C\nprint(C)", "print"),
    ],
)
def test_what_may_be_read_of_other_cells(cell: str, reads: str) -> None:
    assert part(cell).reads - {"f"} == frozenset(reads.split()) - {"f"}


CHAIN = ("A = 1", "B = A + 1", "C = B + 1", "A = 5", "print(C)", "X = object()", "y = X.y")


@pytest.mark.parametrize(
    ("mentioned", "changed", "runs"),
    [
        ("", "", set()),
        ("A", "", {0, 3}),
        ("B", "", {0, 1, 3}),
        ("C", "", {0, 1, 2, 3}),
        ("print", "", set()),
        ("", "C", {0, 1, 2, 3, 4}),
    ],
)
def test_what_a_submission_needs(mentioned: str, changed: str, runs: set[int]) -> None:
    parts = dict(enumerate(parts_of(CHAIN[:5])))
    assert needed(parts, mentioned.split(), changed.split()) == runs


def test_what_has_an_effect_is_needed_with_all_it_reads() -> None:
    parts = dict(enumerate(parts_of(("A = 1", "B = 2", "configure(A)"))))
    assert needed(parts, (), ()) == {0, 2}


def test_what_is_left_out_still_loads_its_modules() -> None:
    cell = "try:\n    import json as j\n    from no.such import module\nexcept ImportError:\n    j = None\nprint(1)"
    (found,) = parts_of((cell,))
    space: dict[str, object] = {}
    exec(found.imports, space)
    assert not found.effect and "dumps" in dir(space["j"]) and "module" not in space


def test_a_check_of_the_author_s_own_that_changes_something_has_an_effect() -> None:
    assert parts_of(("rows = []\ndef check(x):\n    rows.append(x)", "check(1)"))[1].effect


def test_where_a_lambda_may_change_something_everything_runs() -> None:
    assert all(part.effect for part in parts_of(("A = []", "f = lambda x: A.append(x)", "print(1)")))


@pytest.mark.parametrize("chapter", ["kernel", "regression", "graphs", "attention"])
def test_every_chapter_demonstrates(chapter: str) -> None:
    code = [cell.source for cell in split(ROOT / "source" / f"{chapter}.py") if cell.kind == "code"]
    found = only_defining(dict(enumerate(code)), code)
    whole = found.left.keys() - {place for place, rest in found.left.items() if rest}
    assert len(found.without((), ()).keys() - whole) > 2
    assert (
        not found.without(found.names, ()).keys()
        - found.left.keys()
        - {place for place, part in found.parts.items() if not part.binds}
    )
