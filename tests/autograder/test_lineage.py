"""A digest of an author's function changes with all that its outcome can depend on, and with nothing else."""

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.lineage import lineage, own_files

SOURCE = """
import functools
import itertools
import math
from functools import partial

import jax.numpy as jnp
import numpy as np
from lineage_other import deeper, elsewhere
import lineage_other

from autograder.author import close, given
from autograder.records import Tolerance

SCALE = 2.5
TABLE = {"a": [1, 2], "b": (3, np.arange(3))}
NAMES = frozenset({"x", "y"})
SLACK = Tolerance(0.1)
scaled = partial(max, 1)


def inner(x):
    return x * SCALE


def count(n):
    return 0 if n == 0 else count(n - 1)


class Model:
    rate = 3

    def fit(self, x, by=2):
        return inner(x) * by


class Better(Model):
    pass


@given
def helper(a):
    return a + 1


def made(factor):
    def f(x):
        return factor * x
    return f


tripled = made(3)


def law(f, rng, n=4):
    x = rng.normal(size=n)
    values = [inner(v) for v in x if v in TABLE["a"]]
    if math.pi > 3 and close(f(x), jnp.sum(x)) and Better().fit(2):
        return count(3) + deeper(x) + lineage_other.attribute + helper(2) + tripled(1) + scaled(2) == len(NAMES)
    return SLACK or list(itertools.pairwise(values))
"""
OTHER = """
attribute = 7
unused = 1
CONSTANT = 5

def elsewhere(x):
    return x

def deeper(x):
    return x + CONSTANT
"""


@pytest.fixture
def law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str | None]]:
    """The digest of `law` in the course, after a replacement in one of its two files."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def digest(old: str = "", new: str = "", source: str = SOURCE) -> str | None:
        assert old in source + OTHER
        for name, text in (("lineage_other", OTHER), ("lineage_law", source)):
            (tmp_path / f"{name}.py").write_text(text.replace(old, new, 1) if old else text)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return lineage(importlib.import_module("lineage_law").law, own_files(tmp_path))

    yield digest
    for name in ("lineage_other", "lineage_law"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("size=n", "size=n + 1"),
        ("n=4", "n=5"),
        ("> 3 and", ">= 3 and"),
        ("SCALE = 2.5", "SCALE = 2.0"),
        ("[1, 2]", "[1, 3]"),
        ("np.arange(3)", "np.arange(4)"),
        ("np.arange(3)", "np.arange(3.0)"),
        ('{"x", "y"}', '{"x", "z"}'),
        ("Tolerance(0.1)", "Tolerance(0.2)"),
        ("partial(max, 1)", "partial(max, 2)"),
        ("partial(max, 1)", "partial(min, 1)"),
        ("return x * SCALE", "return x + SCALE"),
        ("count(n - 1)", "count(n - 2)"),
        ("rate = 3", "rate = 4"),
        ("by=2", "by=3"),
        ("inner(x) * by", "inner(x) + by"),
        ("class Better(Model):\n    pass", "class Better(Model):\n    pace = 1"),
        ("return a + 1", "return a + 2"),
        ("made(3)", "made(4)"),
        ("return factor * x", "return factor + x"),
        ("jnp.sum(x)", "jnp.mean(x)"),
        ("import deeper, elsewhere", "import elsewhere, elsewhere as deeper"),
        ("attribute = 7", "attribute = 8"),
        ("CONSTANT = 5", "CONSTANT = 6"),
        ("return x + CONSTANT", "return x - CONSTANT"),
        ("import math", "import cmath as math"),
    ],
)
def test_it_changes_with_what_the_function_uses(law, old: str, new: str) -> None:
    before, after = law(), law(old, new)
    assert before and after and before != after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\ndef law", "\n\n# a comment\n\n\ndef law"),
        ("    x = rng", "    # another\n    x = rng"),
        ("unused = 1", "unused = 2"),
        ("\ndef made", "\ndef nobody(x):\n    return law\n\n\ndef made"),
    ],
)
def test_it_stays_with_all_else(law, old: str, new: str) -> None:
    assert law() == law(old, new) is not None


@pytest.mark.parametrize(
    "line",
    [
        "eval('SCALE')",
        "globals()['SCALE']",
        "getattr(lineage_other, 'attribute')",
        "(lambda module: module)(lineage_other)",
        "lineage_other.missing",
        "remembering(1)",
        "wrapped(1)",
        "OPAQUE.draw()",
        "[o for o in OBJECTS]",
    ],
)
def test_it_does_not_guess(law, line: str) -> None:
    more = "\nOPAQUE = type('Any', (), {})()\nOBJECTS = [OPAQUE]\nwrapped = functools.lru_cache(inner)\n"
    more += "def remembering(x): return x\nremembering.calls = 0\n"
    source = SOURCE.replace("\ndef law", f"{more}\n\ndef law").replace("    values =", f"    {line}\n    values =")
    assert law(source=source) is None


@pytest.mark.parametrize("line", ["global SCALE; SCALE = 3", "from solutions import kernel"])
def test_it_does_not_guess_what_a_statement_does(law, line: str) -> None:
    assert law(source=SOURCE.replace("    values =", f"    {line}\n    values =")) is None


def test_it_is_the_same_in_another_process(law, tmp_path: Path) -> None:
    import os
    import subprocess

    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from pathlib import Path
        from autograder.lineage import lineage, own_files
        import lineage_law
        print(lineage(lineage_law.law, own_files(Path({str(tmp_path)!r}))))
    """
    here = law()
    for seed in "12":
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here


def test_whose_a_file_is(tmp_path: Path) -> None:
    import autograder

    root = Path(autograder.__file__).parents[1]
    own = own_files(root)
    assert own(str(root / "solutions" / "kernel.py")) and own(str(root / "source" / "kernel.py"))
    assert (
        not own(autograder.__file__) and not own(pytest.__file__) and not own("/usr/lib/python3/os.py") and not own("")
    )
    (tmp_path / "course").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "course" / "solutions").symlink_to(tmp_path / "elsewhere")
    assert own_files(tmp_path / "course")(str(tmp_path / "course" / "solutions" / "kernel.py"))
