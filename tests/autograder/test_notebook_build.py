"""Both notebooks and the visible sheet, as built from a chapter file."""

import ast
import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.course import Chapter, load_chapter, load_course
from autograder.errors import AuthorError
from autograder.notebook.build import build, check, files, visible_sheet
from autograder.notebook.leaks import leaks, wheel_leaks
from autograder.notebook.pieces import TEXT_STUB, pieces
from autograder.notebook.starter import STUB, starter
from autograder.sheet import PUBLIC, visible
from autograder.wire import to_text

HEAD = '''"""Axes: n numbers."""
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray
from collections.abc import Callable, Sequence
from typing import Any


'''
CHAPTER = """# %% [markdown]
# # Small

# %%
import jax.numpy as jnp

from autograder import check

# %% tags=["author"]
from autograder.author import exercise, written
from solutions import small

# %%
f = exercise(small.f, points=1.5)
f.probe("three", n=3)
"""
DOUBLE = '''def f(x: Float[Array, "n"]) -> Float[Array, "n"]:
    """Twice `x`."""
    return 2.0 * x
'''


def chapter_of(root: Path, solution: str = DOUBLE, text: str = CHAPTER) -> Chapter:
    """A course of one chapter with these two files, loaded."""
    for folder in ("source", "solutions"):
        (root / folder).mkdir(parents=True)
    (root / "source" / "course.toml").write_text('name = "c"\n[chapters.small]\ntitle = "Small"\n')
    (root / "source" / "small.py").write_text(text)
    (root / "solutions" / "small.py").write_text(HEAD + solution)
    return load_chapter(load_course(root), "small")


def function(root: Path, source: str) -> Any:
    """What a solution module with this source calls `f`."""
    path = root / "module.py"
    path.write_text(HEAD + source)
    spec = importlib.util.spec_from_file_location("module_of_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["module_of_test"] = module
    spec.loader.exec_module(module)
    return module.f


def cells(text: str) -> Mapping[str, dict[str, Any]]:
    return {cell["id"]: cell for cell in json.loads(text)["cells"]}


def released(chapter: Chapter) -> Mapping[str, dict[str, Any]]:
    return cells(files(chapter)[chapter.course.root / "release" / chapter.name / f"{chapter.name}.ipynb"])


def source(cell: Mapping[str, Any]) -> str:
    return "".join(cell["source"])


# ---- the starter ------------------------------------------------------------------------------------------------


def test_starter_keeps_the_prompt_and_says_shapes_in_words(tmp_path: Path) -> None:
    f = function(
        tmp_path,
        '''@jax.jit
def f(
    x: Float[Array, "n d"], gamma: float, k: Callable[[Float[Array, "d"]], Float[Array, ""]], s: Sequence[int],
    key: PRNGKeyArray, z: Any = None,
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """The answer.

        y = x

    No units.
    """
    # a remark
    return x
''',
    )
    begin = starter(f)
    assert begin.empty == (
        "def f(x, gamma, k, s, key, z=None):\n"
        '    """The answer.\n'
        "\n"
        "        y = x\n"
        "\n"
        "    No units.\n"
        "\n"
        "    Arguments:\n"
        "        x: float array [n, d]\n"
        "        gamma: float\n"
        "        k: function (float array [d]) -> one float\n"
        "        s: sequence of int\n"
        "        key: JAX random key\n"
        "        z\n"
        "    Returns:\n"
        "        tuple (float array [n], one float)\n"
        '    """\n'
        "    # YOUR CODE HERE\n"
        '    raise NotImplementedError("Yours to write.")'
    )
    assert begin.solved.endswith("    ### BEGIN SOLUTION\n    # a remark\n    return x\n    ### END SOLUTION")


def test_class_keeps_methods_and_hides_private_ones(tmp_path: Path) -> None:
    f = function(
        tmp_path,
        '''class f:
    """A model."""

    def __init__(self, lam: float = 0.5):
        self.lam = lam

    def _secret(self, x: Float[Array, "n"]):
        return x * self.lam

    @property
    def size(self) -> int:
        """How large."""
        return 3

    def fit(self, x: Float[Array, "n"]) -> "f":
        self.w = self._secret(x)
        return self
''',
    )
    begin = starter(f)
    assert "_secret" in begin.solved
    assert "_secret" not in begin.empty
    tree = ast.parse(begin.empty).body[0]
    assert isinstance(tree, ast.ClassDef)
    assert [m.name for m in tree.body[1:] if isinstance(m, ast.FunctionDef)] == ["__init__", "size", "fit"]
    assert "Takes x: float array [n]. Returns f." in begin.empty
    assert "    @property\n    def size(self):" in begin.empty
    assert begin.empty.count(STUB.split("\n")[1]) == 3
    assert "Float" not in begin.solved
    space: dict[str, Any] = {}
    exec(begin.solved, space)
    assert space["f"](2.0).fit(4.0).w == 8.0


@pytest.mark.parametrize(
    "docstring",
    ['r"""A \\frac{1}{2} formula."""', '"""One line with a quote at its "end\\"\\n."""', '"""Tail \\\\ """'],
)
def test_docstrings_survive_quotes_and_backslashes(tmp_path: Path, docstring: str) -> None:
    f = function(tmp_path, f"def f(x):\n    {docstring}\n    return x\n")
    tree = ast.parse(starter(f).empty).body[0]
    assert isinstance(tree, ast.FunctionDef)
    assert ast.get_docstring(tree) == ast.get_docstring(ast.parse(f"def f():\n    {docstring}").body[0])  # type: ignore[arg-type]


def test_body_on_the_line_of_its_signature(tmp_path: Path) -> None:
    f = function(tmp_path, 'def f(x): "Doc."; return x\n')
    assert starter(f).solved.endswith("    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION")


def test_statement_of_a_class_that_would_be_shown_is_refused(tmp_path: Path) -> None:
    f = function(tmp_path, 'class f:\n    """Doc."""\n    answer = 42\n\n    def g(self):\n        return 1\n')
    with pytest.raises(AuthorError, match=r"module.py:14: f holds more than methods; move this statement into one"):
        starter(f)


def test_function_made_inside_another_is_refused(tmp_path: Path) -> None:
    f = function(tmp_path, 'def make():\n    def g(x):\n        "Doc."\n        return x\n    return g\nf = make()\n')
    with pytest.raises(AuthorError, match="should be a function or class at the top level of a module"):
        starter(f)


# ---- what an author is told -------------------------------------------------------------------------------------


def test_missing_docstring_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match=r"small.py:12: f is an exercise, and its docstring should be the prompt"):
        chapter_of(tmp_path, "def f(x):\n    return x\n")


def test_class_that_has_no_file_is_refused() -> None:
    with pytest.raises(AuthorError, match="int has no source file, but should be written in a module of solutions/"):
        starter(int)


def test_a_class_is_found_also_after_its_module_was_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    f = function(tmp_path, 'class f:\n    "Doc."\n\n    def g(self):\n        "One."\n        return 1\n')
    monkeypatch.delitem(sys.modules, "module_of_test")
    assert starter(f).solved.startswith('class f:\n    """Doc."""')
    assert starter(f).file == str(tmp_path / "module.py")


def test_docstring_inherited_from_a_base_class_is_none(tmp_path: Path) -> None:
    f = function(tmp_path, 'class b:\n    "Doc."\n\nclass f(b):\n    def g(self):\n        return 1\n')
    with pytest.raises(AuthorError, match=r"module.py:15: f has no docstring, but should have one"):
        starter(f)


def test_name_that_no_earlier_cell_defines_is_reported_with_its_line(tmp_path: Path) -> None:
    chapter = chapter_of(tmp_path, DOUBLE.replace("2.0 * x", "np.add(x, x)"))
    with pytest.raises(AuthorError, match=r"solutions/small.py:14: f uses np, but no cell before it in the notebook"):
        pieces(chapter)


@pytest.mark.parametrize(
    "cell",
    ["import numpy as np", "%matplotlib inline\nimport numpy as np", "from numpy import *", "def np(): pass", "np = 1"],
)
def test_names_may_come_from_any_earlier_cell(tmp_path: Path, cell: str) -> None:
    text = CHAPTER.replace("import jax.numpy as jnp\n", cell + "\n")
    assert pieces(chapter_of(tmp_path, DOUBLE.replace("2.0 * x", "2.0 * x + 0 * np.sum(x)"), text))


def test_names_may_be_earlier_exercises_or_the_function_itself(tmp_path: Path) -> None:
    more = '''

def g(x: Float[Array, "n"]) -> Float[Array, "n"]:
    """Four times `x`."""
    return f(f(x)) if True else g(x)
'''
    text = CHAPTER + '\n# %%\ng = exercise(small.g, points=1, needs=[f])\ng.probe("three", n=3)\n'
    assert [p.ident for p in pieces(chapter_of(tmp_path, DOUBLE + more, text))][-2:] == ["g", "check-g"]


def test_chapter_without_check_is_told_to_import_it(tmp_path: Path) -> None:
    chapter = chapter_of(tmp_path, text=CHAPTER.replace("from autograder import check", ""))
    with pytest.raises(AuthorError, match=r"small.py:13: f is followed by a check cell.*from autograder import check"):
        pieces(chapter)


def test_code_that_is_no_code_is_reported(tmp_path: Path) -> None:
    chapter = chapter_of(tmp_path, text=CHAPTER.replace("import jax.numpy as jnp", "import jax numpy"))
    with pytest.raises(AuthorError, match=r"small.py:5: this code cell is neither Python nor IPython"):
        pieces(chapter)


def test_nbgraders_marks_are_ours_to_write(tmp_path: Path) -> None:
    chapter = chapter_of(tmp_path, text=CHAPTER.replace("# # Small", "# ### BEGIN SOLUTION"))
    with pytest.raises(AuthorError, match="a cell says BEGIN SOLUTION, by which nbgrader cuts cells"):
        pieces(chapter)


def test_marks_in_a_prompt_or_a_body_are_refused_too(tmp_path: Path) -> None:
    chapter = chapter_of(tmp_path / "a", DOUBLE.replace("Twice", "BEGIN MARK SCHEME"))
    with pytest.raises(AuthorError, match=r"solutions/small.py:12: a cell says BEGIN MARK SCHEME"):
        pieces(chapter)
    more = '\n# %%\nwhy = written("why", "Why?", points=1, rubric="END SOLUTION")\n'
    with pytest.raises(AuthorError, match=r"source/small.py:17: a cell says END SOLUTION"):
        pieces(chapter_of(tmp_path / "b", text=CHAPTER + more))


@pytest.mark.parametrize("name", ["start-1", "check-f"])
def test_name_that_is_another_cells_id_is_refused(tmp_path: Path, name: str) -> None:
    more = f'\n# %%\nwhy = written("{name}", "Why?", points=1, rubric="Because.")\n'
    with pytest.raises(AuthorError, match=f"small.py:17: the name '{name}' is also the id of another cell"):
        pieces(chapter_of(tmp_path, text=CHAPTER + more))


def test_name_that_no_cell_can_have_is_refused(tmp_path: Path) -> None:
    more = '\n# %%\nwhy = written("why not?", "Why?", points=1, rubric="Because.")\n'
    with pytest.raises(AuthorError, match="the name 'why not\\?' should be letters, digits, '_' and '-'"):
        pieces(chapter_of(tmp_path, text=CHAPTER + more))


# ---- the notebooks ----------------------------------------------------------------------------------------------


def test_exercise_becomes_a_starter_and_a_check(toy: Chapter) -> None:
    found = released(toy)
    begin, asked = found["halfway"], found["check-halfway"]
    assert source(begin).endswith(STUB.replace("\n", "\n    "))
    assert source(asked) == "check(halfway)"
    assert asked["metadata"]["tags"] == ["check"]
    assert asked["metadata"]["nbgrader"]["points"] == 2
    assert not asked["metadata"]["editable"]
    assert begin["metadata"]["nbgrader"] | {"checksum": ""} == {
        "cell_type": "code", "checksum": "", "grade": False, "grade_id": "halfway", "locked": False,
        "schema_version": 3, "solution": True, "task": False,
    }  # fmt: skip


def test_written_question_keeps_its_rubric_with_the_instructor(toy: Chapter) -> None:
    made = files(toy)
    root = toy.course.root
    mine, theirs = (cells(made[root / where / "toy" / "toy.ipynb"]) for where in ("source", "release"))
    assert source(theirs["prompt-why"]) == source(mine["prompt-why"]) == toy.written["why"].prompt
    assert source(theirs["why"]) == TEXT_STUB
    assert "BEGIN MARK SCHEME" in source(mine["why"])
    assert toy.written["why"].rubric in source(mine["why"])
    assert not any(toy.written["why"].rubric in text for path, text in made.items() if "release" in path.parts)


def test_both_notebooks_are_valid_without_outputs(toy: Chapter) -> None:
    for path, text in files(toy).items():
        if path.suffix == ".ipynb":
            notebook = nbformat.reads(text, 4)
            nbformat.validate(notebook)
            assert not any(cell.get("outputs") for cell in notebook.cells)
            assert text == nbformat.writes(notebook) + "\n"


def test_author_cells_and_annotations_are_gone(toy: Chapter) -> None:
    for path, text in files(toy).items():
        if path.suffix == ".ipynb":
            assert "jaxtyping" not in text
            assert "Float[" not in text
            assert "autograder.author" not in text
            assert "solutions" not in text


def test_ids_elsewhere_stay_when_a_cell_is_added(tmp_path: Path) -> None:
    after = "\n# %% [markdown]\n# The end.\n"
    before = [p.ident for p in pieces(chapter_of(tmp_path / "a", text=CHAPTER + after))]
    more = CHAPTER.replace("# # Small\n", "# # Small\n\n# %% [markdown]\n# More.\n")
    ids = [p.ident for p in pieces(chapter_of(tmp_path / "b", text=more + after))]
    assert before == ["start-1", "start-2", "f", "check-f", "f-1"]
    assert ids == ["start-1", "start-2", "start-3", "f", "check-f", "f-1"]


def test_visible_sheet_is_that_of_the_whole_one(toy: Chapter) -> None:
    assert to_text(visible_sheet(toy)) == to_text(visible(toy.sheet(PUBLIC)))


def test_build_writes_then_has_nothing_to_write(toy_root: Path) -> None:
    course = load_course(toy_root)
    missing = check(course, ["toy"])
    assert missing == tuple(f"release/toy/toy.{x}: is missing, but should be there" for x in ("ipynb", "json"))
    written = build(course, ["toy"])
    assert sorted(str(p.relative_to(toy_root)) for p in written) == [
        "release/toy/toy.ipynb", "release/toy/toy.json", "source/toy/toy.ipynb", "source/toy/toy.json",
    ]  # fmt: skip
    assert check(course, ["toy"]) == ()
    times = {path: path.stat().st_mtime_ns for path in written}
    build(course, ["toy"])
    assert {path: path.stat().st_mtime_ns for path in written} == times
    assert not list(toy_root.rglob(".toy*"))

    notebook, sheet = toy_root / "release/toy/toy.ipynb", toy_root / "release/toy/toy.json"
    notebook.write_text(notebook.read_text().replace("check(halfway)", "check(half)"))
    sheet.write_text(sheet.read_text().replace("three dimensions", "3 dimensions", 1))
    (toy_root / "release/toy/notes.txt").write_text("stale")
    assert check(course, ["toy"]) == (
        "release/toy/toy.ipynb: cell 5 (check-halfway): line 1 is 'check(half)', but should be 'check(halfway)'",
        "release/toy/toy.json: exercises > halfway > checks > three dimensions > label is '3 dimensions', but should "
        "be 'three dimensions'",
        "release/toy/notes.txt: is not built from any chapter file, and should go",
    )
    notebook.write_text('{"cells": [')
    sheet.write_text("[]")
    assert [d.partition(": ")[2] for d in check(course, ["toy"])[:2]] == [
        "is no notebook, but should be",
        "is no sheet, but should be",
    ]


def test_rounding_of_another_machine_is_no_difference(toy_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = load_course(toy_root)
    build(course, ["toy"])
    sheet = toy_root / "release/toy/toy.json"
    text = sheet.read_text()

    def differing(by: float) -> tuple[str, ...]:
        from autograder.wire import from_text

        tree = from_text(text)
        tree.exercises[0].checks[0].__dict__["expected"] = tree.exercises[0].checks[0].expected * (1 + by)
        sheet.write_text(to_text(tree) + "\n")
        return check(course, ["toy"])

    assert [told.partition(":")[0] for told in differing(1e-12)] == ["release/toy/toy.ipynb"]  # it says a checksum
    build(course, ["toy"])
    assert check(course, ["toy"]) == () == differing(1e-12)
    assert differing(1e-3)[-1:] == (
        "release/toy/toy.json: exercises > halfway > checks > three dimensions > expected holds other numbers than it "
        "should",
    )


@pytest.mark.slow
def test_release_is_what_nbgrader_would_make_of_the_source(toy_root: Path) -> None:
    (toy_root / "source" / "course.md").write_text("Axes come first.\n")
    build(load_course(toy_root), ["toy"])
    (toy_root / "nbgrader_config.py").write_text(
        "from autograder.notebook.pieces import TEXT_STUB\n"
        "from autograder.notebook.starter import STUB\n"
        "c = get_config()\n"
        'c.CourseDirectory.release_directory = "nbgraders"\n'
        'c.ClearSolutions.code_stub = {"python": STUB}\n'
        "c.ClearSolutions.text_stub = TEXT_STUB\n"
    )
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "toy", "--create", "--no-db"]
    ran = subprocess.run(command, cwd=toy_root, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    ours, theirs = toy_root / "release" / "toy", toy_root / "nbgraders" / "toy"
    assert sorted(p.name for p in theirs.iterdir()) == sorted(p.name for p in ours.iterdir())
    for path in ours.iterdir():
        assert path.read_bytes() == (theirs / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_instructors_notebook_runs_and_passes_its_checks(toy_root: Path) -> None:
    import nbclient

    build(load_course(toy_root), ["toy"])
    path = toy_root / "source" / "toy" / "toy.ipynb"
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    asked = [cell for cell in notebook.cells if "check" in cell.metadata.get("tags", [])]
    assert len(asked) == 6
    for cell in asked:
        shown = next(output for output in cell.outputs if output.output_type == "execute_result")
        assert shown.data["text/plain"].startswith("✓"), shown.data["text/plain"]


# ---- nothing hidden ships ---------------------------------------------------------------------------------------


def test_release_gives_nothing_away(toy_root: Path) -> None:
    course = load_course(toy_root)
    build(course, ["toy"])
    assert leaks(load_chapter(course, "toy"), toy_root / "release") == ()


def test_every_kind_of_leak_is_found(toy_root: Path) -> None:
    chapter = load_chapter(load_course(toy_root), "toy")
    release = toy_root / "release"
    build(chapter.course, ["toy"])
    sheet = release / "toy" / "toy.json"
    built = sheet.read_text()

    def found(text: str) -> tuple[str, ...]:
        (release / "toy" / "notes.md").write_text(text)
        return tuple(line.removeprefix("toy/") for line in leaks(chapter, release))

    assert found("  return jnp.sum( (x - z)**2 )") == (
        "notes.md holds a line of the reference sqdist: return jnp.sum((x - z) ** 2)",
    )
    assert found("Try jnp.stack([jnp.stack([f(a, b) for a in A]) for b in B])") == ()
    assert "a line of the mistake swapped" in found("return jnp.stack([jnp.stack([f(a, b) for a in A]) for b in B])")[0]
    assert "a line of the oracle loops" in found("return np.array([[f(a, b) for b in B] for a in A])")[0]
    assert found("Any number of places is visited in order. (1 of 2)") != ()
    assert found("compiled") == ("notes.md holds the label of a hidden check of sqdist: compiled",)
    assert found("compiled by hand") == ()
    (release / "toy" / "notes.md").unlink()
    (release / "other").mkdir()
    (release / "other" / "other.json").write_text('["compiled", "return jnp.sum((x - z) ** 2)"]')
    assert leaks(chapter, release) == (
        "other/other.json holds a line of the reference sqdist: return jnp.sum((x - z) ** 2)",
    )
    (release / "other" / "other.json").unlink()
    sheet.write_text(to_text(chapter.sheet(PUBLIC)))
    assert any(
        "holds the label of a hidden check of halfway: two dimensions" in line for line in leaks(chapter, release)
    )
    sheet.write_text(built)
    assert leaks(chapter, release) == ()


def test_hidden_case_is_found_as_numbers_and_as_source(tmp_path: Path) -> None:
    case = 'f.case("secret", jnp.array([1.5, 2.25, 3.125, 4.0625]), hidden=True)\n'
    text = CHAPTER.replace("from solutions import small", "import jax.numpy as jnp\nfrom solutions import small") + case
    chapter = chapter_of(tmp_path, text=text)
    build(chapter.course, ["small"])
    release = tmp_path / "release"
    assert leaks(chapter, release) == ()
    (release / "text.py").write_text("jnp.array([1.5,2.25, 3.125,4.0625])")
    assert leaks(chapter, release) == ("text.py holds a line of a hidden case: jnp.array([1.5, 2.25, 3.125, 4.0625])",)
    (release / "text.py").unlink()
    import numpy as np

    (release / "x.npy").write_bytes(np.array([1.5, 2.25, 3.125, 4.0625], np.float32).tobytes())
    assert leaks(chapter, release) == ("x.npy holds the numbers of a hidden case: secret",)


def test_wheel_holds_neither_chapters_nor_solutions(toy: Chapter, tmp_path: Path) -> None:
    wheel = tmp_path / "dmol.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("autograder/__init__.py", "x = 1\n")
    assert wheel_leaks([toy], wheel) == ()
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("solutions/toy.py", "nothing\n")
        archive.writestr("autograder/x.py", "    return jnp.sum((x - z) ** 2)\n")
    assert wheel_leaks([toy], wheel) == (
        "autograder/x.py holds a line of the reference sqdist: return jnp.sum((x - z) ** 2)",
        "dmol.whl holds solutions/toy.py, which comes from solutions/",
    )


def test_a_release_that_was_never_built_is_not_taken_for_one_without_leaks(toy, tmp_path):
    assert leaks(toy, tmp_path) == (
        f"{tmp_path.name}/ is empty, so nothing could be searched: run `autograder build`.",
    )
