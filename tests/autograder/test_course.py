"""Reading courses and chapter files, and what an author is told, with file and line."""

import inspect
import shutil
import textwrap
from pathlib import Path

import pytest

from autograder.course import load_chapter, load_course
from autograder.errors import AuthorError, UsageError

GOOD = '''
# %% tags=["author"]
from autograder.author import exercise, given, written
from solutions import part

# %% [markdown]
# # A title

# %%
student_code = "never runs here" + 1

# %%


double = exercise(part.double, points=2)
double.probe("three", n=3)

@double.mistake
def tripled(x):
    """You tripled it."""
    return 3 * x

# %%
why = written("why", "Why?", points=1, rubric="Because.")
'''
SOLUTION = '''
from jaxtyping import Array, Float

def double(x: Float[Array, "n"]) -> Float[Array, "n"]:
    """Twice `x`."""
    return 2 * x
'''
TOML = 'name = "small"\ntitle = "A small course"\n[limits]\nmemory_mb = 100\n[chapters.part]\ntitle = "A part"\n'


TOY = Path(__file__).parent.parent / "toy"


@pytest.fixture
def course(tmp_path):
    def make(chapter=GOOD, solution=SOLUTION, toml=TOML):
        for name, text in (("source/course.toml", toml), ("source/part.py", chapter), ("solutions/part.py", solution)):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip())
        return tmp_path

    return make


def told(root, *, sheet=False):
    """The error of loading the chapter, and the line of the file that it names."""
    with pytest.raises(AuthorError) as caught:
        chapter = load_chapter(load_course(root), "part")
        if sheet:
            chapter.sheet(b"s")
    error = caught.value
    return error.message, Path(error.file).name, Path(error.file).read_text().splitlines()[error.line - 1]


def test_a_course(course):
    loaded = load_course(course())
    assert (loaded.name, loaded.title, list(loaded.chapters)) == ("small", "A small course", ["part"])
    assert (loaded.limits.memory_mb, loaded.limits.check_seconds) == (100, 10.0)
    assert loaded.chapters["part"].title == "A part"


def test_a_chapter(course):
    chapter = load_chapter(load_course(course()), "part")
    assert [c.kind for c in chapter.cells] == ["author", "markdown", "code", "task", "task"]
    assert list(chapter.exercises) == ["double"]
    assert list(chapter.written) == ["why"]
    assert chapter.variant("double", "tripled").text == "You tripled it."
    sheet = chapter.sheet(b"s")
    assert (sheet.course, sheet.chapter, sheet.title) == ("small", "part", "A part")


def test_lines_of_a_chapter_are_those_of_its_file(course):
    chapter = load_chapter(load_course(course()), "part")
    tripled = chapter.variant("double", "tripled").function
    lines = chapter.path.read_text().splitlines()
    assert lines[tripled.__code__.co_firstlineno - 1] == "@double.mistake"
    assert inspect.getsource(tripled).startswith("@double.mistake\ndef tripled")


def test_two_courses_have_solutions_of_their_own(course, toy, tmp_path_factory):
    assert toy.exercises["sqdist"].target.__module__ == "solutions.toy"
    chapter = load_chapter(load_course(course()), "part")
    assert chapter.exercises["double"].target.__module__ == "solutions.part"
    assert toy.sheet(b"again").chapter == "toy"


def test_a_course_within_a_course_has_solutions_of_its_own(course):
    outer = course()
    (outer / "solutions" / "__init__.py").write_text("")
    inner = shutil.copytree(TOY, outer / "tests" / "course")
    (inner / "solutions" / "__init__.py").write_text("")
    assert load_chapter(load_course(inner), "toy").exercises
    assert load_chapter(load_course(outer), "part").exercises["double"].target.__module__ == "solutions.part"


# ---- the course file --------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_course(tmp_path):
    with pytest.raises(UsageError, match=r"is no course: it has no source/course.toml. Run this in a course's folder."):
        load_course(tmp_path)


def test_a_file_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is no course"):
        load_course(tmp_path / "file")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("name = ", r"course.toml: this is not TOML: Invalid value \(at end of document\)"),
        ("[limits]\nmemory = 1", r"\[limits\] has memory, but may have cell_seconds, .*submission_seconds\."),
        ('[limits]\nmemory_mb = "1"', r"\[limits\] has memory_mb = '1', but it should be a positive number\."),
        ("[limits]\nmemory_mb = 0", r"\[limits\] has memory_mb = 0, but it should be a positive number\."),
        ('[chapters]\nkernel = "Kernels"', r"'Kernels' stands where a table should: write \[chapters\.NAME\]\."),
        ("chapters = 1", r"1 stands where a table should: write \[chapters\.NAME\]\."),
    ],
)
def test_a_wrong_course_file(course, toml, message):
    with pytest.raises(AuthorError, match=message) as caught:
        load_course(course(toml=toml))
    assert caught.value.file.endswith("course.toml")


def test_an_unknown_chapter(course):
    with pytest.raises(UsageError) as caught:
        load_chapter(load_course(course()), "prat")
    assert str(caught.value) == ("'prat' is no chapter of this course; it has part. `autograder new prat` begins one.")


def test_a_listed_chapter_without_a_file(course):
    root = course()
    (root / "source/part.py").unlink()
    with pytest.raises(AuthorError, match="course.toml lists part, but there is no such chapter file."):
        load_chapter(load_course(root), "part")


# ---- the chapter file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("double.probe(", "double.prove(", "AttributeError: 'Exercise' object has no attribute 'prove'",
         'double.prove("three", n=3)'),
        ("n=3)", "m=3)", "'three' says m=3, but double has no axis or argument of that name; it has n, x.",
         'double.probe("three", m=3)'),
        ("n=3)", "n=3))", "SyntaxError: unmatched ')'", 'double.probe("three", n=3))'),
        ("import part", "import missing",
         "ImportError: cannot import name 'missing' from 'solutions' (unknown location)",
         "from solutions import missing"),
        ('"""You tripled it."""', "pass", "tripled is a mistake, and its docstring should be the hint.",
         "@double.mistake"),
        ("double = exercise(part.double, points=2)\ndouble.probe",
         "twice = exercise(part.double, points=2)\ntwice.probe",
         "NameError: name 'double' is not defined", "@double.mistake"),
        ('why = written("why", "Why?", points=1, rubric="Because.")',
         "a = written('why', 'W', points=1, rubric='B')\nb = written('how', 'H', points=1, rubric='B')",
         "a cell should create one exercise or one written question.", "# %%"),
    ],
)  # fmt: skip
def test_errors_of_a_chapter_have_a_line(course, old, new, message, line):
    assert old in GOOD
    assert told(course(GOOD.replace(old, new))) == (message, "part.py", line)


def test_an_exercise_under_another_name(course):
    message = "twice holds the exercise double, but the two should have the same name."
    assert told(
        course(GOOD.replace("double = ", "twice = ").replace("double.", "twice.").replace("part.twice", "part.double"))
    ) == (
        message,
        "part.py",
        "# %%",
    )


def test_what_is_for_authors_never_goes_to_students(course):
    stray = GOOD + "\n# %%\n1 + 1\n@double.alternate\ndef other(x):\n    return x + x\n"
    assert told(course(stray)) == (
        "this cell would go to students as it is, but double.alternate is for authors: put it into the cell that "
        "creates double, or into one tagged author.",
        "part.py",
        "@double.alternate",
    )


def test_magics_are_the_students(course):
    cells = load_chapter(load_course(course(GOOD + "\n# %%\n!pip list\n")), "part").cells
    assert cells[-1].kind == "code"


def test_a_reference_that_raises_has_the_line_of_the_check(course):
    broken = SOLUTION.replace("return 2 * x", "return 2 * z")
    assert told(course(solution=broken), sheet=True) == (
        "The reference double fails on 'three': NameError: name 'z' is not defined",
        "part.py",
        'double.probe("three", n=3)',
    )


def test_a_drawer_that_raises_has_its_line(course):
    drawn = GOOD.replace("n=3)", "n=3, x=lambda rng: 1 / 0)")
    assert told(course(drawn), sheet=True) == (
        "ZeroDivisionError: division by zero",
        "part.py",
        'double.probe("three", n=3, x=lambda rng: 1 / 0)',
    )


def test_a_syntax_error_in_solutions_is_told_there(course):
    broken = SOLUTION.replace("return 2 * x", "return 2 *")
    assert told(course(solution=broken)) == ("SyntaxError: invalid syntax", "part.py", "    return 2 *")
    root = course(solution=broken)
    with pytest.raises(AuthorError) as caught:
        load_chapter(load_course(root), "part")
    assert caught.value.file == str(root / "solutions" / "part.py")


def test_a_task_created_twice(course):
    twice = GOOD + '\n# %%\nwhy = written("why", "Why?", points=1, rubric="Because.")\n'
    with pytest.raises(AuthorError, match="why is created twice, but names should differ."):
        load_chapter(load_course(course(twice)), "part")


def test_text_before_the_first_cell(course):
    with pytest.raises(AuthorError, match="every cell should begin with a line `# %%`."):
        load_chapter(load_course(course("x = 1\n" + GOOD)), "part")
