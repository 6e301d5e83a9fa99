"""After a change to the course, exactly those exercises are asked again whose answers the change can alter, and every
verdict is what grading from the beginning would give."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.answers import Earlier, Question
from autograder.grade import grade
from autograder.kept import Kept
from autograder.records import NO_FRAMEWORKS, Frameworks, Graded, Lost, Raised, Submission, Verdict
from autograder.sandbox.local import LocalSandbox, LocalStudent
from autograder.session import Session, open_session
from autograder.settings import Settings

pytestmark = pytest.mark.xdist_group("redo")
Edit = Callable[[Path], None]
CALLS: list[str] = []
TOY = Path(__file__).parents[1] / "toy"
EVERY = frozenset({"halfway", "sqdist", "table", "nearest", "Line", "visits"})
CHAPTER, SOLUTIONS, COURSE = "source/toy.py", "solutions/toy.py", "source/course.toml"


class Counting(LocalSandbox):
    """Knows how many workers were opened, and which exercises were asked."""

    layers = ("none",)

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.asked, self.expected = 0, set[str](), list[Frameworks]()

    def expect(self, frameworks) -> None:
        self.expected.append(frameworks)

    def open(self, limits, *, given={}, arrays="jax", frameworks=None):
        self.opened += 1
        student = super().open(limits, given=given, arrays=arrays)
        student.__class__ = Listening
        student.heard, student.carrying = self.asked, False
        return student


class Listening(LocalStudent):
    def call(self, target, call, *, seconds):
        if isinstance(target, str):
            CALLS.append(target)
            self.heard.add(f"{target} carried" if self.carrying else target)
        answer = super().call(target, call, seconds=seconds)
        return Lost("time") if isinstance(answer, Raised) and answer.type == "RecursionError" else answer

    def bind(self, name, spy):
        self.carrying = True
        super().bind(name, spy)


def test_what_was_read_off_the_cells_is_not_read_again(toy, toy_sheet, toy_source, tmp_path) -> None:
    reads = []

    class Reading(LocalStudent):
        def look_through(self, own, around, names, *, seconds):
            reads.append(own)
            return super().look_through(own, around, names, seconds=seconds)

    class Sandbox(LocalSandbox):
        def open(self, limits, **options):
            student = super().open(limits, **options)
            student.__class__ = Reading
            return student

    submission = Submission("ada", "ada.ipynb", {0: toy_source})
    first = grade(toy, toy_sheet, submission, Sandbox())
    kept = Kept(tmp_path, whole="before", questions={way: Question(str(way), ("b",)) for way in first.answers})
    kept.keep(submission, first)
    with replace(kept, whole="after").of(submission) as earlier:
        assert earlier.looked == first.looked is not None
        left = Earlier({}, earlier.cells, looked=earlier.looked)
        assert grade(toy, toy_sheet, submission, Sandbox(), left).verdicts == first.verdicts
    assert len(reads) == 1
    other = replace(submission, cells={0: toy_source, 1: "x = 1"})
    grade(toy, toy_sheet, other, Sandbox(), left)
    assert len(reads) == 2  # other cells are read, whatever was kept


def replaced(file: str, old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text, f"{old!r} is not in {file}"
        (root / file).write_text(text.replace(old, new, 1))

    return edit


def added(text: str) -> Edit:
    """More of the chapter, before its written question."""
    return replaced(CHAPTER, "# %%\nwhy = written", f"{text}\n# %%\nwhy = written")


def cut(file: str, start: str, end: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / file).read_text()
        (root / file).write_text(text[: text.index(start)] + text[text.index(end) :])

    return edit


SLACK = 'sqdist.probe("three dimensions", d=3)'
LAW = "    x, z = rng.normal(size=4), rng.normal(size=4)\n    return close(f(x, z), f(z, x))"
CHAIN = """# %% tags=["author"]
SIZE = 4


def sized(n):
    return n + 0


@halfway.law(hidden=True)
def the_middle_of_equals(f, rng):
    \"\"\"Halfway between a point and itself is that point.\"\"\"
    x = rng.normal(size=sized(SIZE))
    return close(f(x, x), x)


@visits.law(hidden=True)
def as_the_reference(f, rng):
    \"\"\"As many are visited as there are.\"\"\"
    return f([1, 2], lambda place: None) == toy.visits([1, 2], lambda place: None)
"""
EDITS: Mapping[str, tuple[Edit, set[str]]] = {
    # how answers are judged: nobody is asked
    "points": (replaced(CHAPTER, "toy.halfway, points=2", "toy.halfway, points=4"), set()),
    "a weight": (replaced(CHAPTER, '"two dimensions", d=2', '"two dimensions", d=2, weight=3'), set()),
    "a hint": (replaced(CHAPTER, "You added the points, but half", "Half"), set()),
    "a nudge": (replaced(CHAPTER, "What is halfway between", "What lies between"), set()),
    "a mistake": (
        added('# %% tags=["author"]\n@halfway.mistake\ndef less(x, z):\n    """Less."""\n    return x - z\n'),
        set(),
    ),
    "a tolerance": (
        replaced(CHAPTER, SLACK, SLACK[:-1] + ", tolerance=__import__('autograder').author.Tolerance(0.5, 9.0))"),
        set(),
    ),
    "a reference": (replaced(SOLUTIONS, "return (x + z) / 2", "return (x + z) / 4"), set()),
    "a comment in a law": (replaced(CHAPTER, LAW, f"    # here\n\n{LAW}"), set()),
    "places in the file": (replaced(CHAPTER, "# # Toys", "# # Toys\n#\n# More of them"), set()),
    "another title": (replaced(COURSE, 'title = "Toys"', 'title = "Games"'), set()),
    "how strict a law is": (replaced(CHAPTER, LAW, LAW.replace("f(z, x))", "f(z, x), rtol=1e-3)")), set()),
    "a reference that a law uses": (replaced(SOLUTIONS, "return len(places)", "return 0 + len(places)"), set()),
    "a probe less": (replaced(CHAPTER, f"{SLACK}\n", ""), set()),
    "an exercise less": (cut(CHAPTER, "# %%\nLine = ", "# %%\nvisits"), set()),
    # what is asked: those exercises are
    "one more probe": (replaced(CHAPTER, SLACK, f'{SLACK}\nsqdist.probe("nine", d=9, hidden=True)'), {"sqdist"}),
    "a size": (replaced(CHAPTER, '"five dimensions", d=5', '"five dimensions", d=6'), {"sqdist"}),
    "a case": (replaced(CHAPTER, "np.array([4.0, 6.0]), expect=25.0", "np.array([4.0, 5.0])"), {"sqdist"}),
    "shown or hidden": (replaced(CHAPTER, "d=7, hidden=True", "d=7"), {"halfway"}),
    "a label": (replaced(CHAPTER, '"seven dimensions"', '"as many as days"'), {"halfway"}),
    "a transform": (replaced(CHAPTER, "d=4, jit=True", "d=4"), {"sqdist"}),
    "a law": (replaced(CHAPTER, LAW, LAW.replace("size=4", "size=6")), {"sqdist"}),
    "what a law says": (replaced(CHAPTER, "The distance there is", "There is"), {"sqdist"}),
    "a function that a law uses": (replaced(CHAPTER, "return n + 0", "return n + 1"), {"halfway"}),
    "a number that a law uses": (replaced(CHAPTER, "SIZE = 4", "SIZE = 5"), {"halfway"}),
    "a helper": (replaced(CHAPTER, "a[0] + 10 * b[0]", "a[0] + 11 * b[0]"), {"table", "nearest carried"}),
    "a signature": (replaced(SOLUTIONS, "call: Callable) -> int", "call: Callable) -> float"), {"visits"}),
    "an exercise's limit": (replaced(CHAPTER, "table, points=2", "table, points=2, limits=dict(disk_mb=9)"), {"table"}),
    # what an error is carried forward with
    "a needed reference": (replaced(SOLUTIONS, "jnp.sum((x - z) ** 2)", "jnp.sum((z - x) ** 2)"), {"nearest carried"}),
    "what is needed": (replaced(CHAPTER, "needs=[sqdist, table]", "needs=[sqdist]"), {"nearest carried"}),
    # what every verdict depends on
    "a setting of the process": (
        added('# %% tags=["author"]\nnp.seterr(under="ignore")\n'),
        {*EVERY, "nearest carried"},
    ),
    "the course's limits": (replaced(COURSE, "check_seconds = 5", "check_seconds = 6"), {*EVERY, "nearest carried"}),
}  # fmt: skip


Run = Callable[..., tuple[list[Graded], set[str], int]]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a course, and the state in which grading four submissions has left it."""
    folder = tmp_path_factory.mktemp("redo")
    shutil.copytree(TOY, folder / "course")
    added(CHAIN)(folder / "course")
    assert grading(folder)()[1] == {*EVERY, "nearest carried"}
    return folder


@pytest.fixture
def graded(before: Path, tmp_path: Path) -> Run:
    """Grades them again, in a new session and a copy that may be changed."""
    shutil.copytree(before, tmp_path, dirs_exist_ok=True)
    return grading(tmp_path)


def grading(folder: Path, *others: str) -> Run:
    """Grades four submissions, or `others`; answers what they got, who was asked what, and how many workers were
    opened."""
    source = (TOY / "solutions" / "toy.py").read_text()
    code = {str(i): source + other for i, other in enumerate(others)} or {
        "perfect": source,
        "mistaken": source.replace("(x + z) / 2\n", "x + z\n"),
        "carried": source.replace("jnp.sum((x - z) ** 2)", "jnp.sum(x - z)"),
        "unfinished": source.partition("def table")[0],
    }
    assert len(set(code.values())) == len(code)

    def run(**options) -> tuple[list[Graded], set[str], int]:
        sandbox = Counting()
        with session(folder / "course", folder / "state", sandbox, **options) as opened:
            results = [opened.grade(Submission(n, n, {0: text, 2: f"# {n}"})) for n, text in code.items()]
        assert all(g.status == "graded" and not g.answers for g in results), [g.message for g in results]
        return results, sandbox.asked, sandbox.opened

    return run


@pytest.fixture(autouse=True)
def modules_return() -> Iterator[None]:
    """Other tests go on with the course's modules that they have."""
    before = _solutions()
    yield
    _forget_solutions()
    sys.modules.update(before)


def _solutions() -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "solutions"}


def _forget_solutions() -> None:
    for name in _solutions():
        del sys.modules[name]


def session(root: Path, state: Path, sandbox: LocalSandbox, **options) -> Session:
    _forget_solutions()  # as in a new process
    return open_session(Settings(root, state), "toy", lambda **_: sandbox, **options)


def said(results: list[Graded]) -> list[object]:
    """All that a report says of the submissions, but the time it took."""
    return [(g.student, g.verdicts, g.max_score, g.notes, g.cells) for g in results]


def test_nothing_is_started_for_a_class_of_which_everything_is_known(graded: Run, tmp_path: Path) -> None:
    def expected(**options) -> list[Frameworks]:
        sandbox = Counting()
        session(tmp_path / "course", tmp_path / "state", sandbox, **options).close()
        return sandbox.expected

    known = sum(1 for _ in (tmp_path / "state" / "kept").rglob("*.json"))
    assert known
    some = [tmp_path / "ada.ipynb"]
    assert expected(found=some * known) == []
    assert expected(found=some * (known + 1)) == expected(found=some, again=True) == [NO_FRAMEWORKS]


def test_what_is_started_meanwhile_is_what_the_first_submission_imports(graded: Run, tmp_path: Path) -> None:
    sandbox, path = Counting(), tmp_path / "ada.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=[new_code_cell("import torch")])))
    session(tmp_path / "course", tmp_path / "state", sandbox, found=[tmp_path / "none", path], again=True).close()
    assert sandbox.expected == [Frameworks(("torch",))]


@pytest.mark.parametrize("what", EDITS)
def test_only_what_can_differ_is_asked_again(graded: Run, tmp_path: Path, what: str) -> None:
    edit, expected = EDITS[what]
    edit(tmp_path / "course")
    results, asked, opened = graded()
    assert asked == expected
    if not expected:
        assert opened == 0
    assert graded() == (results, set(), 0)


@pytest.mark.parametrize(("what", "asked"), {"one more probe": 1, "a law": 2, "a size": 1, "a transform": 1}.items())
def test_of_a_changed_exercise_only_the_changed_check_is_asked(
    graded: Run, tmp_path: Path, what: str, asked: int
) -> None:
    EDITS[what][0](tmp_path / "course")
    CALLS.clear()
    results, _, opened = graded()
    assert (CALLS, opened) == (["sqdist"] * 4 * asked, 4)
    assert said(results) == said(graded(again=True)[0])


COUNTS = "\n_square, SEEN = sqdist, []\ndef sqdist(x, z): SEEN.append(1); return _square(x, z)\n"
"""It remembers, so that all of it is asked again."""
NEVER = "\ndef sqdist(x, z): return sqdist(x, z) if len(x) == 9 else jnp.sum((x - z) ** 2)\n"
"""It ends the worker that asks what is new, and what is asked after that is lost."""


@pytest.mark.parametrize("code", [COUNTS, NEVER])
def test_all_of_it_is_asked_where_what_is_known_might_end_otherwise(before: Path, tmp_path: Path, code: str) -> None:
    shutil.copytree(before, tmp_path, dirs_exist_ok=True)
    run = grading(tmp_path, code)
    assert all(f.passed for f in verdict_on("sqdist", run()[0]).findings)
    replaced(CHAPTER, SLACK, f'sqdist.probe("nine", d=9)\n{SLACK}')(tmp_path / "course")
    CALLS.clear()
    results, _, _ = run()
    assert CALLS.count("sqdist") == (2 if code == NEVER else 9)  # NEVER: once, and once more from the beginning
    assert said(results) == said(run(again=True)[0])


def verdict_on(name: str, results: list[Graded]) -> Verdict:
    return next(v for v in results[0].verdicts if v.name == name)


@pytest.mark.parametrize("what", ["seed", "engine", "libraries"])
def test_what_every_verdict_depends_on_redoes_all(graded: Run, tmp_path: Path, monkeypatch, what: str) -> None:
    if what == "seed":
        (tmp_path / "state" / "seeds" / "toy").write_text("5" * 64)
    if what == "engine":
        (tmp_path / "engine.py").write_text("")
        monkeypatch.setattr("autograder.secret._engine", lambda: [tmp_path / "engine.py"])
    if what == "libraries":
        monkeypatch.setattr("autograder.session.installed", lambda: "jax-99")
    assert graded()[1] == {*EVERY, "nearest carried"}


SHUFFLED = random.Random(5).sample(sorted(EDITS), len(EDITS))


@pytest.mark.parametrize("group", range(5))
def test_after_several_changes_every_verdict_is_what_grading_anew_gives(
    graded: Run, before: Path, tmp_path: Path, group: int
) -> None:
    changed = set[str]()
    for what in SHUFFLED[group::5]:
        with suppress(AssertionError, ValueError):  # an edit before may have changed the same line
            EDITS[what][0](tmp_path / "course")
            changed.add(what)
    assert len(changed) > 3
    results, asked, _ = graded()
    assert asked <= set[str]().union(*(EDITS[what][1] for what in changed))
    assert said(results) == said(graded(again=True)[0])
    shutil.rmtree(tmp_path / "course")
    shutil.copytree(before / "course", tmp_path / "course")
    results, _, _ = graded()  # and back
    assert said(results) == said(graded(again=True)[0])
