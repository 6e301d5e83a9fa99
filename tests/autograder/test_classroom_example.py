"""The anonymous example of a misconception: code that shows the mistake, and not who made it."""

import json
from pathlib import Path

import nbformat
import pytest
from sample_class import graded, kept, verdict

from autograder.classroom.example import MAX_CELL, MAX_LINES, anonymous
from autograder.classroom.page import to_html
from autograder.classroom.summary import summarise
from autograder.classroom.writing import class_reports
from autograder.course import load_course
from autograder.report import to_json

MINE = '''
import numpy as np  # Ada Lovelace wrote this

def other():
    return 1

def f(
    x,  # mine, says Ada
    y=(1, 2),
):
    """Ada Lovelace, group 3.

    Her second line.
    """
    print(f"Ada {x}", 'Lovelace', "Lovelace -> Ada")
    return np.einsum("ij,j->i", x, y)["Ada"]

mine = "by Ada"
'''
SHOWN = """def f(
    x,
    y=(1, 2),
):
    print('…', '…', '…')
    return np.einsum("ij,j->i", x, y)['…']"""


def test_comments_and_texts_and_all_other_code_are_cut() -> None:
    assert anonymous({"s1": ["f = None", MINE]}, "f") == SHOWN


def test_the_last_definition_counts_and_the_shortest_is_shown_whatever_the_order() -> None:
    one = ["def f(x):\n    return x", "def f(x):\n    y = 2 * x\n    return y"]
    other = ["def f(z):\n    return 2 * z\n\ndef fg(x):\n    return 3"]
    for cells in ({"s1": one, "s2": other}, {"s2": other, "s1": one}):
        assert anonymous(cells, "f") == "def f(z):\n    return 2 * z"
    assert anonymous({"s1": one}, "f") == "def f(x):\n    y = 2 * x\n    return y"
    assert anonymous({"s1": ["class Model:\n    def fit(self):\n        pass"]}, "Model").startswith("class Model:")


@pytest.mark.parametrize("student", ["lovelace", "Ada_Lovelace", "ada.lovelace@example.org", "17-lovelace"])
def test_code_that_holds_its_author_s_name_is_not_shown(student: str) -> None:
    theirs = ["def f(x):\n    lovelaces_result = x\n    return lovelaces_result"]
    assert anonymous({student: theirs}, "f") == ""
    assert anonymous({"s1": theirs}, "f") != ""
    assert anonymous({"kernel": ["def kernel(x):\n    return x"]}, "kernel") != ""


@pytest.mark.parametrize(
    "source",
    [
        "",
        "f = lambda x: x",
        "def f(x): return x",
        "def f(x):\n    '''never ends",
        "def f(x):\n    return 'Ada",
        "def f(x):\n    !echo Ada\n    return x",
        "def f(x):\n    return (",
        "def f(x):\n        y\n    z",
        "def f(x):\n    return " + "x + " * 40 + "x",
        "def f(x):\n" + "    x = x\n" * MAX_LINES,
        "def f(x):\n    return x\n" + "\n" * MAX_CELL,
        "def f(x):\n    return " + "(" * 9000,
        "def f\0(x):\n    return x",
    ],
)
def test_what_shows_no_single_mistake_is_not_shown(source: str) -> None:
    assert anonymous({"s1": [source]}, "f") == ""


def test_an_example_is_shown_as_text() -> None:
    code = "def f(x):\n    return x <script>alert(1)</script> \u202e </pre>"
    made = summarise(kept(graded("Who-1", verdict("!---", diagnosis="squared"))), codes={("f", "squared"): code})
    html = to_html(made, course="", chapter="")
    assert "return x &lt;script&gt;alert(1)&lt;/script&gt;" in html and "&lt;/pre&gt;" in html
    assert "<script" not in html and "\u202e" not in html and "Who-1" not in html
    assert "without comments and texts" in html
    assert "<pre>" not in to_html(
        summarise(kept(graded("a", verdict("-+--", diagnosis="squared")))), course="", chapter=""
    )


def test_the_report_takes_examples_from_the_notebooks_that_are_still_there(toy_root: Path) -> None:
    mistaken = "def sqdist(x, z):\n    # Who-2\n    return abs(x - z)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(mistaken)])
    (toy_root / "submitted").mkdir()
    for student in ("Who-2", "Who-3"):
        (toy_root / "submitted" / f"{student}.ipynb").write_text(nbformat.writes(notebook), "utf-8")
    (toy_root / "submitted" / "Who-3.ipynb").write_text("no notebook")
    (toy_root / "submitted" / "Who-4.ipynb").symlink_to(toy_root / "submitted" / "Who-2.ipynb")
    entries = [graded(f"Who-{i}", verdict("----", name="sqdist", diagnosis="not_squared")) for i in (1, 2, 3, 4)]
    document = to_json(entries, "toy", "toy", "1", ())
    for entry in document["submissions"]:
        entry["path"] = f"submitted/{entry['student']}.ipynb"
    (toy_root / "kept.json").write_text(json.dumps(document))
    (report,) = class_reports(load_course(toy_root), ["toy"], sources=[toy_root / "kept.json"])
    assert report.misconceptions[0].code == "def sqdist(x, z):\n    return abs(x - z)"
    (toy_root / "submitted" / "Who-2.ipynb").unlink()
    (report,) = class_reports(load_course(toy_root), ["toy"], sources=[toy_root / "kept.json"])
    assert report.misconceptions[0].code == ""
