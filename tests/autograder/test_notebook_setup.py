"""The first code cell: what it says, and that it gets what is missing, says what it cannot get, and else is silent."""

import contextlib
import hashlib
import io
import json
import sys
from pathlib import Path

import pytest

from autograder import __version__, beside
from autograder.beside import checksum, get_sheet
from autograder.course import load_course
from autograder.errors import AuthorError
from autograder.notebook import published
from autograder.notebook.build import build, check
from autograder.notebook.front import BEGIN, END, UNPUBLISHED, with_list
from autograder.notebook.pieces import Piece
from autograder.notebook.setup import with_setup
from autograder.records import Limits
from autograder.sandbox.pool import WarmSandbox

SHEET = '{"tree": "é"}\n'
SUM = checksum(SHEET)


def cell(root: Path, toml: str = "", *, sheet: str = SHEET, **more: str) -> str:
    """The cell of a chapter `toy` in a course that says this."""
    (root / "source").mkdir(exist_ok=True)
    (root / "source" / "course.toml").write_text(f"{toml}\n[chapters.toy]\n")
    course = load_course(root)
    (first, second) = with_setup([Piece("a", "markdown", "", "")], course, "toy", sheet, fetch=True, **more)
    assert (first.ident, second.ident, second.solved) == ("a", "setup", second.empty)
    return second.solved


def run(source: str) -> str:
    """What the cell prints."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(source, "<cell>", "exec"), {})
    return said.getvalue()


def without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "autograder"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "autograder", None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


# ---- where it stands, and what it says --------------------------------------------------------------------------


def test_the_cell_comes_before_the_first_code(tmp_path: Path) -> None:
    cell(tmp_path)
    course = load_course(tmp_path)
    given = [Piece("text", "markdown", "", ""), Piece("code", "code", "1", "1"), Piece("more", "code", "2", "2")]
    made = with_setup(given, course, "toy", SHEET, fetch=True)
    assert [piece.ident for piece in made] == ["text", "setup", "code", "more"]
    assert made[1].metadata == {"cellView": "form", "jupyter": {"source_hidden": True}}


def test_an_exercise_of_its_name_is_refused(tmp_path: Path) -> None:
    cell(tmp_path)
    with pytest.raises(AuthorError, match="the name 'setup' is also the id of the first code cell; choose another"):
        with_setup([Piece("setup", "code", "", "")], load_course(tmp_path), "toy", SHEET, fetch=True)


WHEEL = f"dmol_autograder-{__version__}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("address", "package", "sheet", "colab"),
    [
        ("", "", "", ""),
        (
            "https://github.com/prof/course",
            f"https://github.com/prof/course/releases/download/v{__version__}/{WHEEL}",
            "https://raw.githubusercontent.com/prof/course/main/release/toy/toy.json",
            "https://colab.research.google.com/github/prof/course/blob/main/release/toy/toy.ipynb",
        ),
        (
            "https://github.com/prof/course.git",
            f"https://github.com/prof/course/releases/download/v{__version__}/{WHEEL}",
            "https://raw.githubusercontent.com/prof/course/main/release/toy/toy.json",
            "https://colab.research.google.com/github/prof/course/blob/main/release/toy/toy.ipynb",
        ),
        (
            "https://github.com/prof/course/tree/autumn/2026",
            f"https://github.com/prof/course/releases/download/v{__version__}/{WHEEL}",
            "https://raw.githubusercontent.com/prof/course/autumn/2026/release/toy/toy.json",
            "https://colab.research.google.com/github/prof/course/blob/autumn/2026/release/toy/toy.ipynb",
        ),
        (
            "https://chem.example/~prof/course",
            f"https://chem.example/~prof/course/{WHEEL}",
            "https://chem.example/~prof/course/release/toy/toy.json",
            "",
        ),
    ],
)
def test_addresses_follow_from_one(address: str, package: str, sheet: str, colab: str) -> None:
    assert published.package(address) == package
    assert published.sheet(address, "toy") == sheet
    assert published.colab(address, "toy") == colab


def test_the_cell_says_where_everything_is_and_what_the_sheet_should_be(tmp_path: Path) -> None:
    source = cell(tmp_path, 'published = "https://github.com/prof/course/"')
    assert f'    package="https://github.com/prof/course/releases/download/v{__version__}/{WHEEL}",\n' in source
    assert '    sheet="https://raw.githubusercontent.com/prof/course/main/release/toy/toy.json",\n' in source
    assert f'    checksum="{SUM}",\n' in source


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "http://a.b/c", "https://a/b c", 'https://a/"b', "https://a/b)c", "file:///a", 3]
)
def test_an_address_that_is_none(tmp_path: Path, address: object) -> None:
    with pytest.raises(AuthorError) as caught:
        cell(tmp_path, f"published = {json.dumps(address)}")
    assert caught.value.message == (
        f'published is {address!r}, but should be an address such as "https://github.com/OWNER/REPO".'
    )


def test_personal_is_true_or_false(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "course.toml").write_text('[chapters.toy]\npersonal = "yes"\n')
    with pytest.raises(AuthorError, match=r"\[chapters.toy\] has personal = 'yes', but should be true or false\."):
        load_course(tmp_path)


# ---- the sheet --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SHEET, SHEET.replace("\n", "\r\n"), "\ufeff" + SHEET])
def test_where_all_is_there_nothing_is_done_and_said(tmp_path: Path, here: Path, text: str) -> None:
    (here / "toy.json").write_bytes(text.encode())
    assert run(cell(tmp_path, 'published = "https://nowhere.invalid/a"')) == ""
    assert [(p.name, p.read_bytes()) for p in here.iterdir()] == [("toy.json", text.encode())]


def test_a_sheet_of_another_version_is_told_of_and_left_alone(tmp_path: Path, here: Path) -> None:
    (here / "toy.json").write_text("{}")
    assert run(cell(tmp_path)) == (
        "toy.json beside this notebook is of another version than the notebook, so its checks may not fit. Take "
        "notebook and toy.json from the same place; or, to fetch the right one if there is a network, move toy.json "
        "away and run this cell again.\n"
    )
    assert (here / "toy.json").read_text() == "{}"


def test_a_sheet_is_fetched_whole(here: Path, tmp_path: Path) -> None:
    (tmp_path / "published.json").write_text(SHEET, "utf-8")
    get_sheet("toy", SUM, (tmp_path / "published.json").as_uri())
    assert [(p.name, p.read_text("utf-8")) for p in here.iterdir()] == [("toy.json", SHEET)]


@pytest.mark.parametrize("text", ["{}", SHEET[:-4]])
def test_a_changed_or_cut_sheet_is_not_kept(here: Path, tmp_path: Path, capsys, text: str) -> None:
    (tmp_path / "published.json").write_text(text, "utf-8")
    address = (tmp_path / "published.json").as_uri()
    get_sheet("toy", SUM, address)
    assert list(here.iterdir()) == []
    assert capsys.readouterr().out == (
        f"toy.json at {address} is of another version than this notebook, so it was not kept. Open the newest notebook "
        "of this chapter and copy your answers to it. Or: Put the file toy.json that belongs to this notebook into its "
        "folder (in Colab: the folder on the left).\n"
    )


def test_an_endless_sheet_is_cut(here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setattr(beside, "MAX_BYTES", 10)
    (tmp_path / "a").write_text(SHEET, "utf-8")
    get_sheet("toy", SUM, (tmp_path / "a").as_uri())
    assert "so it was not kept" in capsys.readouterr().out


def test_no_network(here: Path, capsys) -> None:
    get_sheet("toy", SUM, "http://127.0.0.1:9/toy.json")
    assert capsys.readouterr().out == (
        "toy.json could not be fetched from http://127.0.0.1:9/toy.json ([Errno 111] Connection refused). Run this "
        "cell again with a network. Or: Put the file toy.json that belongs to this notebook into its folder (in Colab: "
        "the folder on the left).\n"
    )


def test_an_unpublished_course(tmp_path: Path, here: Path) -> None:
    assert run(cell(tmp_path)) == (
        "toy.json is not beside this notebook, and the notebook does not say where to get it (an instructor says so by "
        "`published` in source/course.toml). Put the file toy.json that belongs to this notebook into its folder (in "
        "Colab: the folder on the left). Then run this cell again.\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that nobody may write to, also as root")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "a").write_text(SHEET, "utf-8")
    monkeypatch.chdir("/proc")
    get_sheet("toy", SUM, (tmp_path / "a").as_uri())
    assert (
        capsys.readouterr().out
        == "toy.json was fetched but could not be written to /proc: No such file or directory.\n"
    )


def test_a_library_that_was_replaced_under_a_running_kernel(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    import numpy

    real = numpy.__version__
    monkeypatch.setattr(numpy, "__version__", "1.0")
    (here / "toy.json").write_text(SHEET, "utf-8")
    get_sheet("toy", SUM)
    assert capsys.readouterr().out == (
        f"numpy {real} is installed, but 1.0 is loaded: restart the kernel, and begin again here.\n"
    )


def test_the_checksum_is_sha_256() -> None:
    assert hashlib.sha256(SHEET.encode()).hexdigest() == SUM


# ---- the package ------------------------------------------------------------------------------------------------


def test_no_package_and_nowhere_to_get_it(tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = cell(tmp_path)
    without_the_package(monkeypatch)
    assert run(source) == (
        "The package autograder is not installed, and this course does not say where to get it: its instructor sets "
        "`published` in source/course.toml, or hands out dmol_autograder-...whl, to be installed by `%pip install "
        "FILE`. Then run this cell again.\n"
    )


def test_an_old_python(tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = cell(tmp_path, 'published = "https://nowhere.invalid/a"')
    without_the_package(monkeypatch)
    monkeypatch.setattr(sys, "version_info", (3, 9, 7))
    monkeypatch.setattr(sys, "version", "3.9.7 (default)")
    assert run(source) == (
        "The checks need Python 3.11 or newer, but this is 3.9.7. Choose a newer kernel, or open the notebook in "
        "Colab. Nothing was installed.\n"
    )
    assert list(here.iterdir()) == []


def test_pip_that_cannot_be_started(tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = cell(tmp_path, 'published = "https://nowhere.invalid/a"')
    without_the_package(monkeypatch)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert run(source) == (
        f"The package autograder could not be installed from https://nowhere.invalid/a/{WHEEL}.\n"
        "Is there a network? Then run this cell again, or ask your instructor for the file. pip said:\n"
        "[Errno 2] No such file or directory: '/nowhere/python'\n"
    )


# ---- while grading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("toml", ["", 'published = "https://nowhere.invalid/a"'])
def test_the_cell_does_nothing_where_submissions_are_graded(tmp_path: Path, warm: WarmSandbox, toml: str) -> None:
    with warm.open(Limits()) as student:
        ran = student.run(cell(tmp_path, toml), seconds=30.0)
        assert (ran.outputs, ran.outcome.__class__.__name__) == ((), "Returned")
        (listed,) = student.run("import os\nos.listdir()", seconds=30.0).outputs
        assert "toy.json" not in listed["data"]["text/plain"]


# ---- the README -------------------------------------------------------------------------------------------------


def test_the_readme_lists_the_chapters(toy_root: Path) -> None:
    readme = toy_root / "README.md"
    readme.write_text(f"# A course\n\n{BEGIN}\nold\n{END}\n\nMore.\n")
    toml = toy_root / "source" / "course.toml"
    assert readme in build(load_course(toy_root), ("toy",))
    listed = "- [Toys](release/toy/toy.ipynb)"
    assert readme.read_text() == f"# A course\n\n{BEGIN}\n{listed}\n\n{UNPUBLISHED}\n{END}\n\nMore.\n"
    assert check(load_course(toy_root), ("toy",)) == ()

    toml.write_text('published = "https://github.com/prof/course"\n' + toml.read_text())
    found = check(load_course(toy_root), ("toy",))
    assert (
        len(found) == 2 and found[0].startswith("release/toy/toy.ipynb: cell ") and found[1].startswith("README.md: ")
    )
    build(load_course(toy_root), ("toy",))
    link = "https://colab.research.google.com/github/prof/course/blob/main/release/toy/toy.ipynb"
    badge = f"[![Open in Colab](docs/images/colab.svg)]({link})"
    assert readme.read_text() == f"# A course\n\n{BEGIN}\n{listed} {badge}\n{END}\n\nMore.\n"


def test_a_readme_without_marks_is_nobodys_business(toy_root: Path) -> None:
    (toy_root / "README.md").write_text("# Mine\n")
    assert toy_root / "README.md" not in build(load_course(toy_root), ("toy",))
    assert with_list(load_course(toy_root), f"{BEGIN} and no end", {}) == ""


def test_a_sheet_that_rounds_otherwise_keeps_its_bytes_and_its_checksum(toy_root: Path) -> None:
    from autograder.wire import from_text, to_text

    course = load_course(toy_root)
    build(course, ("toy",))
    sheet = toy_root / "release" / "toy" / "toy.json"
    whole = from_text(sheet.read_text())
    object.__setattr__(whole.exercises[0].checks[0], "expected", whole.exercises[0].checks[0].expected * (1 + 1e-9))
    other = to_text(whole) + "\n"
    assert other != sheet.read_text()
    sheet.write_text(other)
    build(course, ("toy",))
    assert sheet.read_text() == other == (toy_root / "source" / "toy" / "toy.json").read_text()
    assert checksum(other) in (toy_root / "release" / "toy" / "toy.ipynb").read_text()
    assert check(course, ("toy",)) == ()
