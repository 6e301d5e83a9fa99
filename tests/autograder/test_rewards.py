"""Cells that only show something: which they are, and that they run once."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course import Cell, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Submission
from autograder.rewards import only_shown
from autograder.sandbox.local import LocalSandbox, LocalStudent

ROOT = Path(__file__).parents[2]
SHOWN = "# Look.\n@reward\ndef picture(size=3):\n    print(size)"


@pytest.mark.parametrize(
    ("cells", "skipped"),
    [
        ([SHOWN], {0}),
        (["x = 1", f"{SHOWN}\n", "y = 2"], {1}),
        ([SHOWN.replace("size=3", "size=4")], set()),  # changed by the student
        ([SHOWN + "\n\ndef f(x): return x"], set()),
        ([SHOWN, "picture(5)\ndef f(x): return x"], set()),  # who calls it may define something after that
        ([SHOWN, "pictures = 5"], {0}),
    ],
)
def test_which_cells_only_show_something(cells: list[str], skipped: set[int]) -> None:
    assert only_shown(dict(enumerate(cells)), ["x = 1", SHOWN]) == skipped


@pytest.mark.parametrize(
    "released",
    [
        "def picture():\n    print(1)",
        "@reward\ndef picture():\n    print(1)\n\nx = 1",
        "@cache\n@reward\ndef picture():\n    print(1)",
        "@reward(1)\ndef picture():\n    print(1)",
        "@reward\nclass Picture: pass",
        "@reward\ndef picture(:",
        "'@reward'",
    ],
)
def test_what_is_no_such_cell(released: str) -> None:
    assert only_shown({0: released}, [released]) == frozenset()


@pytest.mark.parametrize("chapter", ["kernel", "regression", "graphs", "attention"])
def test_every_chapter_has_some(chapter: str) -> None:
    code = [cell.source for cell in load_chapter(load_course(ROOT), chapter).cells if cell.kind == "code"]
    shown = only_shown(dict(enumerate(code)), code)
    assert len(shown) > 4
    assert shown == {place for place, source in enumerate(code) if source.startswith("@reward\n")}


class Noting(LocalStudent):
    def run(self, source, *, seconds, drawn=True):
        ran.append(source)
        return super().run(source, seconds=seconds, drawn=drawn)


class NotingSandbox(LocalSandbox):
    def open(self, limits, **options):
        student = super().open(limits, **options)
        student.__class__ = Noting
        return student


ran: list[str] = []


def test_they_run_once(toy, toy_sheet, toy_source) -> None:
    chapter = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1)))
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    cells = ["def reward(show):\n    show()", wrong, SHOWN]
    ran.clear()
    result = grade(chapter, toy_sheet, Submission("ada", "ada.ipynb", dict(enumerate(cells))), NotingSandbox())
    assert any(v.carried_forward for v in result.verdicts)
    assert ran.count(wrong) > 1 and ran.count(SHOWN) == 1


def test_who_notices_that_nothing_is_shown_gains_nothing(toy, toy_sheet, toy_source) -> None:
    """A trick: where the cell has not run, the references stand behind other names, and can be used."""
    chapter = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1)))
    thief = """
was_shown, stolen = [], {}
def reward(show): was_shown.append(show)
def sqdist(x, z): return stolen["sqdist"](x, z) if stolen else x[0]
def nearest(A, B):
    if not was_shown: stolen["sqdist"] = sqdist
    return jnp.min(table(sqdist, A, B), axis=1)
"""
    cells = [toy_source, thief, SHOWN]
    result = grade(chapter, toy_sheet, Submission("ada", "ada.ipynb", dict(enumerate(cells))), LocalSandbox())
    scores = {v.name: v.score for v in result.verdicts}
    assert scores["sqdist"] == 0 and scores["nearest"] == 2
