"""What only shows something: what it is, and that it runs once where somebody looks, and never where nobody does."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.answers import Earlier
from autograder.course import Cell, load_chapter, load_course
from autograder.grade import grade
from autograder.records import Lost, Submission
from autograder.remembering import around
from autograder.rewards import only_defining
from autograder.sandbox.local import LocalSandbox, LocalStudent

ROOT = Path(__file__).parents[2]
BOTH = "places = [1, 2]\n\n\n@reward\ndef plot():\n    print(places)\nstart = 3"
SHOWN = "# Look.\n@reward\ndef picture(size=3):\n    print(size)"


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        ([SHOWN], {0: ""}),
        (["x = 1", f"{SHOWN}\n", "y = 2"], {1: ""}),
        ([SHOWN.replace("size=3", "size=4")], {}),  # changed by the student
        ([SHOWN + "\n\ndef f(x): return x"], {}),
        ([SHOWN, "picture(5)\ndef f(x): return x"], {}),  # who calls it may define something after that
        ([SHOWN, "pictures = 5"], {0: ""}),
        ([BOTH], {0: "places = [1, 2]\n\n\n\n\n\nstart = 3"}),  # every line in its place
        ([BOTH, "plot()"], {}),
    ],
)
def test_what_is_left_of_a_submission(cells: list[str], left: dict[int, str]) -> None:
    assert only_defining(dict(enumerate(cells)), ["x = 1", SHOWN, BOTH]).left == left


@pytest.mark.parametrize(
    "released",
    [
        "def picture():\n    print(1)",
        "@cache\n@reward\ndef picture():\n    print(1)",
        "@reward(1)\ndef picture():\n    print(1)",
        "@reward\nclass Picture: pass",
        "@reward\ndef picture(:",
        "'@reward'",
        "@reward\ndef picture():\n    print(1)\n\npicture()",  # what is left needs it
    ],
)
def test_what_is_left_as_it_is(released: str) -> None:
    assert only_defining({0: released}, [released]).left == {}


def test_whose_the_cells_are() -> None:
    cells = ["x = 1", "def f(x): ...", SHOWN, "picture = 3", BOTH]
    found = only_defining(dict(enumerate(cells)), ["x = 1", SHOWN, BOTH])
    assert found.own == ("def f(x): ...", "picture = 3")
    assert found.around == around(("x = 1", SHOWN, BOTH), (BOTH,))
    assert only_defining({0: "%matplotlib"}, ["%matplotlib"]).around is None


@pytest.mark.parametrize("chapter", ["kernel", "regression", "graphs", "attention"])
def test_every_chapter_has_some(chapter: str) -> None:
    code = [cell.source for cell in load_chapter(load_course(ROOT), chapter).cells if cell.kind == "code"]
    left = only_defining(dict(enumerate(code)), code).left
    assert sum(not rest for rest in left.values()) > 4
    assert left.keys() == {place for place, source in enumerate(code) if "@reward\n" in source}


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


@pytest.mark.parametrize("shown", [True, False])
def test_they_run_once_where_somebody_looks_and_never_where_nobody_does(toy, toy_sheet, toy_source, shown) -> None:
    chapter = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1)))
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    cells = ["def reward(show):\n    show()", wrong, SHOWN]
    ran.clear()
    submission = Submission("ada", "ada.ipynb", dict(enumerate(cells)))
    result = grade(chapter, toy_sheet, submission, NotingSandbox(), shown=shown)
    assert any(v.carried_forward for v in result.verdicts)
    assert ran.count(wrong) > 1 and ran.count(SHOWN) == shown
    assert (2 in result.cells) == shown == result.shown


DEMONSTRATION = "table_of_squares = [x * x for x in range(9)]\nprint(table_of_squares)"


@pytest.mark.parametrize(
    ("more", "times"),
    [
        ("y = 1", (1, 0)),
        ("def mine(x):\n    table_of_squares = x\n    return table_of_squares", (1, 0)),
        ("print(table_of_squares)", (2, 2)),  # the student's cell needs what it has made
    ],
)
@pytest.mark.parametrize("shown", [True, False])
def test_a_demonstration_runs_where_it_is_looked_at_or_needed(toy, toy_sheet, toy_source, shown, more, times) -> None:
    chapter = replace(toy, cells=(*toy.cells, Cell("code", DEMONSTRATION, 1)))
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    ran.clear()
    submission = Submission("ada", "ada.ipynb", {0: wrong, 1: DEMONSTRATION, 2: more})
    result = grade(chapter, toy_sheet, submission, NotingSandbox(), shown=shown)
    assert any(v.carried_forward for v in result.verdicts) and ran.count(wrong) == 2
    assert ran.count(DEMONSTRATION) == times[not shown]


@pytest.mark.parametrize(
    ("own", "times"), [("", (1, 0)), ("SEEN = []\ndef check(f):\n    SEEN.append(f)", (2, 2)), ("print(check)", (1, 0))]
)
@pytest.mark.parametrize("shown", [True, False])
def test_checks_run_where_they_are_looked_at_or_the_student_s(toy, toy_sheet, toy_source, shown, own, times) -> None:
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    ran.clear()
    submission = Submission("ada", "ada.ipynb", {0: "def check(f): pass", 1: wrong, 2: own, 3: "check(sqdist)"})
    result = grade(toy, toy_sheet, submission, NotingSandbox(), shown=shown)
    assert any(v.carried_forward for v in result.verdicts) and ran.count(wrong) == 2
    assert ran.count("check(sqdist)") == times[not shown]


REMEMBERS = "seen = []\n\n\ndef reward(show):\n    seen.append(show)\n    show()"


@pytest.mark.parametrize("shown", [True, False])
def test_all_runs_of_code_that_may_remember_it(toy, toy_sheet, toy_source, shown) -> None:
    chapter = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1)))
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    ran.clear()
    grade(chapter, toy_sheet, Submission("ada", "a", {0: REMEMBERS, 1: wrong, 2: SHOWN}), NotingSandbox(), shown=shown)
    assert ran.count(SHOWN) == ran.count(wrong) > 1


MEMORY = "seen = []\n\n\ndef memo(x):\n    seen.append(x)\n\n\ndef mine(x):\n    return memo(x)\n\n\nother = memo"


@pytest.mark.parametrize(
    ("looks", "times"),
    [
        ("print(sqdist)", 0),
        ("memo(1)", 2),
        ("mine(1)", 2),  # which calls it
        ("through(1)", 2),  # a given function, which calls it
        ("other(1)", 2),
        ("print(seen)", 2),
        ("print(table)", 0),
        ("found = [1]\n    found.append(2)\n    plt.plot(found)\n    plt.show()", 0),
        ("ROWS.append(1)", 2),  # which the memory may be, under another name
        ("ROWS[0] = 1", 2),
        ("longer()", 2),
        ("global seen\n    seen = [1]", 2),
    ],
)
def test_what_reaches_a_memory_runs_and_nothing_else(toy, toy_sheet, toy_source, looks, times) -> None:
    shown, given = f"@reward\ndef picture():\n    {looks}", "def reward(show):\n    show()"
    helper = "def through(x):\n    return memo(x)\n\n\nROWS = [0]\n\n\ndef longer():\n    ROWS.append(2)"
    demonstration = f"def look():\n    {looks}\n\n\nlook()"
    chapter = replace(toy, cells=(*toy.cells, *(Cell("code", c, 1) for c in (given, helper, shown, demonstration))))
    wrong = toy_source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)")
    cells = (given, helper, MEMORY, wrong, shown, demonstration)
    ran.clear()
    grade(chapter, toy_sheet, Submission("ada", "ada.ipynb", dict(enumerate(cells))), NotingSandbox())
    assert ran.count(wrong) == 2 and ran.count(shown) == times
    assert ran.count(demonstration) == times


def test_where_a_given_cell_cannot_be_told_all_that_may_reach_a_memory_runs(toy, toy_sheet, toy_source) -> None:
    given = (
        "def reward(show):\n    show()",
        "A = []\nf = lambda x: A.append(x)",
        "@reward\ndef picture():\n    print(1)",
    )
    chapter = replace(toy, cells=(*toy.cells, *(Cell("code", cell, 1) for cell in given)))
    for own, times in ((MEMORY, 1), ("def memo(x):\n    return x", 0)):
        ran.clear()
        cells = dict(enumerate((*given, own, toy_source)))
        grade(chapter, toy_sheet, Submission("ada", "ada.ipynb", cells), NotingSandbox())
        assert ran.count(given[2]) == times


class Unreadable(Noting):
    """A student whose worker does not survive that its cells are read."""

    def look_through(self, own, around, names, *, seconds):
        return Lost("time")


def test_all_runs_where_reading_ended_the_worker(toy, toy_sheet, toy_source) -> None:
    class Sandbox(NotingSandbox):
        opened = 0

        def open(self, limits, **options):
            student = super().open(limits, **options)
            self.opened += 1
            student.__class__ = Unreadable
            return student

    chapter, sandbox = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1))), Sandbox()
    ran.clear()
    cells = {0: "def reward(show):\n    show()", 1: toy_source, 2: SHOWN}
    result = grade(chapter, toy_sheet, Submission("ada", "ada.ipynb", cells), sandbox)
    assert result.score == result.max_score and ran == list(cells.values()) and sandbox.opened == 2


def test_what_was_answered_is_not_asked_again_to_show_the_cells(toy, toy_sheet, toy_source) -> None:
    chapter = replace(toy, cells=(*toy.cells, Cell("code", SHOWN, 1)))
    submission = Submission("ada", "ada.ipynb", {0: "def reward(show):\n    show()", 1: toy_source, 2: SHOWN})
    before = grade(chapter, toy_sheet, submission, NotingSandbox())
    ran.clear()
    after = grade(chapter, toy_sheet, submission, NotingSandbox(), Earlier(before.answers, {}), shown=True)
    assert after.verdicts == before.verdicts and ran == list(submission.cells.values())
    assert after.cells.keys() == submission.cells.keys()


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
