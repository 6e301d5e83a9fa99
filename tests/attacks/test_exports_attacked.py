"""Names that a spreadsheet would run, or that would move a grade to somebody else, in every file that grades leave in."""

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.backends.grades.canvas import fill_canvas
from autograder.backends.grades.cells import read_cells
from autograder.backends.grades.moodle import fresh_moodle
from autograder.backends.grades.plain import gradescope_csv, plain_csv
from autograder.backends.grades.table import Grade, Person

FORMULAS = (
    "=HYPERLINK('https://evil.example','marks')",
    "@SUM(1+1)*cmd|'-C calc'!A0",
    "+1+cmd|' -C calc'!A0",
    "-2+3",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "＝1+1",
    "x;=1+1",
    'x";=1+1',
    "x\r\n=1+1",
    "x\t=1+1",
)
HARMLESS = ("x,=1+1", "x| @SUM(1)", '"=1+1', "'=1+1")
STARTS = tuple("=+-@＝＋－＠\t\r\n")


def cells(data: bytes, delimiter: str) -> list[str]:
    """What a spreadsheet makes of a file: it may part cells by another character, and then a mark counts only at the
    start of a cell."""
    text = data.decode("utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]


def runs(cell: str) -> bool:
    """Whether a spreadsheet could take this for a formula, also after characters that show nothing."""
    plain = cell
    while plain and unicodedata.category(plain[0]) in ("Cf", "Cc", "Zs"):
        plain = plain[1:]
    return plain.startswith(STARTS) or cell.startswith(STARTS)


def files(name: str) -> list[bytes]:
    person = Person(name, name, name, name, name)
    grades = [Grade(person, "toy", 3.5, 4, "graded", waiting=(name,))]
    fresh = [fresh_moodle(grades, by=by, title=name).data for by in ("email", "username", "id")]
    return [plain_csv(grades).data, gradescope_csv(grades).data, *fresh]


@pytest.mark.parametrize("name", (*FORMULAS, *HARMLESS))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_that_we_write_runs(name, delimiter):
    assert [cell for data in files(name) for cell in cells(data, delimiter) if runs(cell)] == []


@pytest.mark.parametrize("name", FORMULAS)
def test_without_the_guard_some_cell_runs(name):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(["ada", name])
    assert any(runs(cell) for delimiter in ",;\t" for cell in cells(stream.getvalue().encode(), delimiter))


@settings(max_examples=300, deadline=None)
@given(name=st.text(st.sampled_from("=+-@;,\t\r\n\"' \u200bax1|"), max_size=10), delimiter=st.sampled_from(",;\t"))
@example(name="';=", delimiter=";")
@example(name='"=', delimiter=",")
def test_no_name_makes_a_cell_that_runs(name: str, delimiter: str) -> None:
    assert [cell for data in files(name) for cell in cells(data, delimiter) if runs(cell)] == []


def test_a_key_that_would_run_is_left_out_and_not_changed():
    """With an apostrophe before it, Moodle would know nobody of that name."""
    grades = [Grade(Person("=ada", email="+1@x"), "toy", 3, 4, "graded"), Grade(Person("bob"), "toy", 1, 4, "graded")]
    filled = fresh_moodle(grades, by="id", title="Toys")
    assert filled.data.decode("utf-8-sig") == "ID number,Toys\r\nbob,1\r\n"
    assert "would run in a spreadsheet" in filled.lines[0].note and filled.unplaced


@pytest.mark.parametrize("name", ["Anna-Lena", "O'Neil", "Paul, Jean", "李 明", "d'Été", "A+B Team", "x@uni.edu"])
def test_ordinary_names_stay_as_they_are(name):
    data = plain_csv([Grade(Person("s", name), "toy", 1, 4, "graded")]).data
    assert name in cells(data, ",")


HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,Toys (5)\n    Points Possible,,,,,4\n"


def test_nobody_is_graded_by_a_display_name():
    """A student chooses the display name, and may call herself as another one's id, address or number."""
    data = f"{HEAD}ada@uni.edu,66,eve,eve,S,\n101,67,mal,mal,S,\n".encode()
    ada = Person("ada", "Ada", "L", "ada@uni.edu", "101")
    filled = fill_canvas(read_cells(data, "c.csv"), [Grade(ada, "toy", 4, 4, "graded")], titles=("Toys",))
    assert filled.data == data and filled.lines[0].note == "not in the file"


def test_a_name_with_quotation_marks_and_line_ends_moves_no_cell():
    evil = '"x"",66,ada,ada,S,4\n999,1,ada"'
    data = f"{HEAD}{evil},66,eve,eve,S,\nAda,101,ada,ada,S,\n".encode()
    filled = fill_canvas(
        read_cells(data, "c.csv"), [Grade(Person("ada"), "toy", 4, 4, "graded")], titles=("Toys",)
    )
    assert filled.data == data.replace(b"Ada,101,ada,ada,S,", b"Ada,101,ada,ada,S,4")


@pytest.mark.parametrize("login", ["ADA", "ada ", "Ada"])
def test_two_rows_that_only_look_different_are_both_left(login):
    data = f"{HEAD}Ada,101,,ada,S,\nEve,66,,{login},S,\n".encode()
    filled = fill_canvas(read_cells(data, "c.csv"), [Grade(Person("ada"), "toy", 4, 4, "graded")], titles=("Toys",))
    assert filled.data == data and filled.unplaced[0].note == "could be rows 3, 4: written to none"
