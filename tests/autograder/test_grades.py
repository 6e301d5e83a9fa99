"""Grades as files for an LMS: which may leave, in whose row they land, and that nothing else in a file changes."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from books import Points, graded_book
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.backends.grades.canvas import fill_canvas
from autograder.backends.grades.cells import read_cells, written
from autograder.backends.grades.export import Order, export
from autograder.backends.grades.files import read_map, write_export
from autograder.backends.grades.fill import Filled
from autograder.backends.grades.moodle import fill_moodle, fresh_moodle
from autograder.backends.grades.plain import gradescope_csv, plain_csv
from autograder.backends.grades.table import Choice, Grade, Person, exportable, identified, number
from autograder.backends.nbgrader.book import read_grades, read_roster
from autograder.course import load_course
from autograder.errors import UsageError

ADA = Person("ada", "Ada", "Lovelace", "ada@uni.edu", "101")
BOB = Person("bob", "Bob", "Ünal", "bob@uni.edu")
GRADES = (Grade(ADA, "toy", 12.5, 14, "graded"), Grade(BOB, "toy", 4, 14, "graded"))
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Kernel learning (5501),Toys (5502),Current Score,Final Score\n"
    ",,,,,Manual Posting,,,\n"
    "    Points Possible,,,,,10,14,(read only),(read only)\n"
    '"Lovelace, Ada",101,,ada@uni.edu,"S1",9,,90,90\n'
    '"Ünal, ""Bob""",102,bob,x,"S1 and S2",EX,"3",=1+1,90\n'
    '"Student, Test",999,,dead00beef,S1,,,,\n'
).encode()


def canvas(data: bytes = CANVAS, grades: Any = GRADES, **options: Any) -> Filled:
    return fill_canvas(read_cells(data, "canvas.csv"), grades, titles=("Toys", "toy"), **options)


def rows(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


def notes(filled: Filled) -> dict[str, str]:
    return {line.who: line.note for line in filled.lines}


# ---- which grades may leave -------------------------------------------------------------------------------------


WAITS = Grade(BOB, "toy", 4, 14, "waits", waiting=("why",))
LOST = Grade(Person("cyd"), "toy", None, 14, "not graded", waiting=("halfway",))
GONE = Grade(Person("dan"), "toy", None, 14, "missing")


def test_a_grade_that_waits_for_a_person_is_refused_by_name():
    with pytest.raises(UsageError) as refused:
        exportable([GRADES[0], WAITS, LOST, GONE], Choice())
    assert str(refused.value) == (
        "2 grades not final, so nothing was written:\n  bob, toy: why\n  cyd, toy: halfway\n"
        "Grade these first (nbgrader's formgrader), or say --only-graded to leave them out, or --provisional to export "
        "the points given so far."
    )
    many = [Grade(Person(f"s{n}"), "toy", None, 1, "waits") for n in range(30)]
    with pytest.raises(UsageError, match="s19, toy: waits\n  and 10 more"):
        exportable(many, Choice())


def test_what_was_not_graded_is_never_a_number():
    grades = [GRADES[0], WAITS, LOST, GONE]
    assert [g.score for g in exportable(grades, Choice(provisional=True))] == [12.5, 4, None, None]
    assert [g.score for g in exportable(grades, Choice(only_graded=True))] == [12.5, None, None, None]
    both = Choice(provisional=True, missing_zero=True)
    assert [g.score for g in exportable(grades, both)] == [12.5, 4, None, 0]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.0, "0"), (12.50, "12.5"), (1 / 3, "0.3333"), (100, "100"), (1e7, "10000000")]
)
def test_numbers_as_they_are_written(value, text):
    assert number(value) == text
    assert number(value, comma=True) == text.replace(".", ",")


# ---- Canvas -----------------------------------------------------------------------------------------------------


def test_canvas_changes_the_cells_of_one_column_and_no_other_byte():
    filled = canvas()
    before, after = CANVAS.decode().splitlines(), filled.data.decode().splitlines()
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [3, 4]
    assert after[3] == '"Lovelace, Ada",101,,ada@uni.edu,"S1",9,12.5,90,90'
    assert after[4] == '"Ünal, ""Bob""",102,bob,x,"S1 and S2",EX,"4",=1+1,90'
    assert notes(filled) == {"ada": "", "bob": "", "Student, Test (ID 999)": "in the file, but not in the gradebook"}
    assert [(x.was, x.now) for x in filled.lines[:2]] == [("", "12.5"), ("3", "4")]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_canvas_keeps_marks_and_line_ends(bom, end, last):
    data = (bom + CANVAS.decode().replace("\n", end)).encode()
    data = data if last else data.removesuffix(end.encode())
    assert written(read_cells(data, "x"), {}) == data
    filled = canvas(data).data
    assert filled.startswith(bom.encode()) and filled.count(end.encode()) == data.count(end.encode())
    assert filled.endswith(end.encode()) is last


def test_canvas_with_semicolons_has_decimal_commas():
    data = b"Student;ID;SIS Login ID;Section;Toys (5502)\n    Points Possible;;;;14,00\nLovelace, Ada;101;ada;S;\n"
    assert canvas(data, GRADES[:1]).data.decode().splitlines()[2] == "Lovelace, Ada;101;ada;S;12,5"


def test_canvas_leaves_what_is_excused_or_not_assigned():
    data = CANVAS.replace(b'EX,"3"', b'EX,"EX"').replace(b"9,,90", b"9,N/A,90")
    filled = canvas(data)
    assert filled.data == data
    assert [line.note for line in filled.unplaced] == ["not assigned in Canvas", "excused in Canvas"]


@pytest.mark.parametrize("column", ["5501", "Kernel learning (5501)", "kernel learning"])
def test_canvas_column_by_number_or_title(column):
    data = CANVAS.replace(b",10,14", b",14,14").replace(b"EX", b"")
    assert rows(canvas(data, column=column).data)[3][5] == "12.5"


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (CANVAS, {"column": "77"}, r"has no column 77\. Name one with --column.*Kernel learning \(5501\)"),
        (CANVAS.replace(b"Toys", b"Toy"), {}, None),
        (CANVAS.replace(b"Toys", b"Games"), {}, "has no assignment called Toys or toy"),
        (CANVAS.replace(b"Kernel learning", b"toy"), {}, "has more than one assignment called Toys or toy"),
        (CANVAS.replace(b",ID,", b",No,"), {}, "has no column ID, but should be what Canvas exports"),
        (CANVAS.replace(b"    Points Possible", b"x"), {}, "has no row 'Points Possible' above its students"),
        (
            CANVAS.replace(b",10,14", b",10,(read only)"),
            {},
            r"says '\(read only\)' in the row Points Possible, but should",
        ),
        (CANVAS.replace(b",10,14", b",10,100"), {}, "is worth 100 points, but the chapter 14"),
        (b"", {}, "canvas.csv is empty, but should be a CSV file with a header"),
        (b"\xff\xfa", {}, "is not in UTF-8, but should be"),
        (b'a,ID\n"b"c,1\n', {}, "is no CSV file|can be read in two ways"),
        (b'a,ID\nb"c\nd",1\n', {}, "can be read in two ways"),
    ],
)
def test_canvas_says_what_is_wrong(data, options, message):
    if message is None:
        assert canvas(data, **options).column == "Toy (5502)"
        return
    with pytest.raises(UsageError, match=f"(?s){message}"):
        canvas(data, **options)


def test_canvas_scales_when_told_to():
    filled = canvas(CANVAS.replace(b",10,14", b",10,28"), scale=True)
    assert [line.now for line in filled.lines[:2]] == ["25", "8"]


def test_two_rows_or_two_students_that_could_be_meant_are_left():
    """ada's e-mail address is the login of one row, and her number is that of another."""
    data = CANVAS.replace(b"101,,ada@uni.edu", b"555,,ada@uni.edu").replace(b"999", b"101")
    filled = canvas(data)
    assert filled.lines[0].note == "could be rows 4, 6: written to none"
    assert rows(filled.data)[3][6] == rows(filled.data)[5][6] == ""
    twin = Grade(Person("x", lms="102"), "toy", 14, 14, "graded")
    filled = canvas(grades=(GRADES[1], twin))
    assert [line.note for line in filled.unplaced] == ["row 5 could also be another student's: written to none"] * 2
    assert filled.data == CANVAS


def test_who_is_not_in_the_file_is_listed():
    filled = canvas(grades=(*GRADES, Grade(Person("zoe"), "toy", 1, 14, "graded")))
    assert [(line.who, line.note) for line in filled.unplaced] == [("zoe", "not in the file")]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), names=st.lists(TEXT, min_size=1, max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_a_filled_file_has_the_same_rows_ids_and_other_columns(data, names, end):
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Other (1)", "Toys (5502)", "Final Score"]
    table = [header, ["    Points Possible", "", "", "", "", "3", "14", "(read only)"]]
    for n, name in enumerate(names):
        table.append(
            [name, str(n + 1), data.draw(TEXT), f"login{n}", data.draw(TEXT), data.draw(TEXT), "", data.draw(TEXT)]
        )
    stream = io.StringIO(newline="")
    csv.writer(
        stream, lineterminator=end, quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ).writerows(table)
    grades = [Grade(Person(f"login{n}"), "toy", float(n), 14, "graded") for n in range(len(names))]
    filled = canvas(stream.getvalue().encode(), grades)
    placed = {line.row for line in filled.lines if line.now and not line.note}
    after = rows(filled.data)
    assert [row[:6] + row[7:] for row in after] == [row[:6] + row[7:] for row in table]
    assert all(row[6] == (number(float(i - 2)) if i + 1 in placed else table[i][6]) for i, row in enumerate(after))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text('ab,;\t"\r\n\ufeff=', max_size=60).map(str.encode)))
def test_any_file_is_read_as_csv_reads_it_or_refused(data):
    try:
        cells = read_cells(data, "x")
    except UsageError:
        return
    assert written(cells, {}) == data


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_files_of_a_spreadsheet_keep_their_encoding(encoding):
    filled = canvas(CANVAS.decode().encode(encoding))
    assert filled.data.decode(encoding) == canvas().data.decode()


# ---- Moodle -----------------------------------------------------------------------------------------------------


WORKSHEET = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),"
    "Feedback comments\r\nParticipant 657,Ada Lovelace,ada@uni.edu,Submitted,,14.00,Yes,-,\r\n"
    'Participant 658,Bob Ünal,bob@uni.edu,Submitted,3.00,14.00,No,-,"<p>a, b</p>"\r\n'
    "Participant 659,Eve,eve@uni.edu,No submission,,14.00,Yes,-,\r\n"
).encode()
BOOK = b"First name,Surname,ID number,Email address,Assignment: Toys (Real),Course total (Real)\nAda,L,ada,x@y,-,-\n"


def moodle(data: bytes, **options: Any) -> Filled:
    return fill_moodle(read_cells(data, "moodle.csv"), GRADES, titles=("Toys", "toy"), **options)


def test_moodles_worksheet_is_filled_where_it_says_that_it_may_be():
    filled = moodle(WORKSHEET)
    assert filled.data == WORKSHEET.replace(b"Submitted,,14", b"Submitted,12.5,14")
    assert notes(filled) == {
        "ada": "",
        "bob": "Moodle says that it cannot be changed",
        "Participant 659 Eve eve@uni.edu": "in the file, but not in the gradebook",
    }


def test_moodles_participants_by_number():
    data = WORKSHEET.replace(b"ada@uni.edu", b"").replace(b"bob@uni.edu", b"")
    person = Person("ada", others={"moodle": "657"})
    grades = [Grade(person, "toy", 12.5, 14, "graded")]
    assert b"Submitted,12.5,14" in fill_moodle(read_cells(data, "m.csv"), grades, titles=("toy",)).data


def test_moodles_gradebook_export_by_id_number():
    assert rows(moodle(BOOK).data)[1] == ["Ada", "L", "ada", "x@y", "12.5", "-"]
    assert rows(moodle(BOOK, column="Course total (Real)").data)[1][5] == "12.5"


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"a,b\n1,2\n", {}, "has none of the columns Identifier, Username, ID number and Email address"),
        (
            BOOK.replace(b"Toys", b"Games"),
            {},
            "has no one column for these grades. Name it with --column:\n  First name",
        ),
        (BOOK, {"column": "Email address"}, "has no one column for these grades"),
        (WORKSHEET.replace(b"14.00", b"100"), {}, "has a Maximum Grade of 100, but the chapter has 14 points"),
    ],
)
def test_moodle_says_what_is_wrong(data, options, message):
    with pytest.raises(UsageError, match=message):
        moodle(data, **options)


def test_moodle_scales_when_told_to():
    assert moodle(WORKSHEET.replace(b"14.00", b"28.00"), scale=True).lines[0].now == "25"


def test_a_fresh_file_for_moodle():
    grades = (
        *GRADES,
        Grade(Person("zoe"), "toy", 3, 14, "graded"),
        Grade(Person("y", email="=y@x"), "toy", 3, 14, "graded"),
    )
    filled = fresh_moodle(grades, by="email", title="Toys")
    assert rows(filled.data) == [["Email address", "Toys"], ["ada@uni.edu", "12.5"], ["bob@uni.edu", "4"]]
    assert notes(filled)["zoe"] == "has no email address: add it to the gradebook or to a --map file"
    assert notes(filled)["y"].startswith("the email address would run in a spreadsheet")
    assert rows(fresh_moodle(GRADES, by="id", title="Toys").data)[1] == ["ada", "12.5"]
    with pytest.raises(UsageError, match="--by is phone, but should be one of email, username, id"):
        fresh_moodle(GRADES, by="phone", title="Toys")


# ---- files ------------------------------------------------------------------------------------------------------


def test_plain_and_gradescope_columns():
    assert rows(plain_csv([WAITS]).data)[1] == [
        "bob",
        "Ünal",
        "Bob",
        "bob@uni.edu",
        "toy",
        "4",
        "14",
        "0",
        "waits",
        "why",
    ]
    table = rows(gradescope_csv([GRADES[0], GONE]).data)
    assert table[0][:8] == [
        "First Name",
        "Last Name",
        "SID",
        "Email",
        "Sections",
        "Total Score",
        "Max Points",
        "Status",
    ]
    assert table[1] == ["Ada", "Lovelace", "ada", "ada@uni.edu", "", "12.5", "14", "Graded", "", "", ""]
    assert table[2][5:8] == ["", "14", "Missing"]


def test_the_source_is_never_overwritten(tmp_path):
    source, link, other = tmp_path / "in.csv", tmp_path / "link.csv", tmp_path / "out.csv"
    source.write_bytes(b"mine")
    link.symlink_to(source)
    for path in (source, link):
        with pytest.raises(UsageError, match="is the file to be filled, and stays as it is"):
            write_export(path, b"new", made_from=source, overwrite=True)
    other.write_bytes(b"old")
    with pytest.raises(UsageError, match="is there already. Choose another name with --to, or say --overwrite"):
        write_export(other, b"new", made_from=source)
    write_export(other, b"new", made_from=source, overwrite=True)
    assert (source.read_bytes(), other.read_bytes()) == (b"mine", b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "link.csv", "out.csv"]
    assert other.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="cannot be written"):
        write_export(source / "x.csv", b"new")


def test_a_map_file_adds_names(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("Student,email,username\nada,new@uni.edu,al\nzoe,,z\n")
    ada, zoe = identified([ADA], read_map(path))
    assert (ada.email, ada.last, ada.others) == ("new@uni.edu", "Lovelace", {"username": "al"})
    assert (zoe.id, zoe.email, zoe.others) == ("zoe", "", {"username": "z"})
    for text, message in (
        ("name\nx\n", "has the columns name, but should have `student`"),
        ("student\nx\nx\n", "names x twice, but should name each student once"),
        ("student,email\n,x\n", "names no student in a row"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=message):
            read_map(path)


# ---- the gradebook ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of five: one of each state, and one who was late."""
    points: dict[str, Points] = {
        "ada": (9.5, 3, None),
        "bob": (4, None, None),
        "cyd": (None, None, None),
        "dan": (10, 4, 2.5),
    }
    return graded_book(tmp_path_factory.mktemp("book") / "gradebook.db", points, {"eve": ""})


@pytest.fixture
def root(toy_root: Path, book: Path) -> Path:
    (toy_root / "gradebook.db").write_bytes(book.read_bytes())
    return toy_root


def test_the_gradebook_as_a_table(root):
    found = {g.person.id: (g.score, g.max_score, g.state, g.penalty, g.waiting) for g in read_grades(root, ["toy"])}
    assert found == {
        "ada": (12.5, 14, "graded", 0, ()),
        "bob": (4, 14, "waits", 0, ("why",)),
        "cyd": (None, 14, "not graded", 0, ("halfway", "why")),
        "dan": (11.5, 14, "graded", 2.5, ()),
        "eve": (None, 14, "missing", 0, ()),
    }
    assert [p.id for p in read_roster(root, "toy").people] == ["ada", "bob", "cyd", "dan", "eve"]


def test_without_a_gradebook_nothing_is_made(toy_root):
    with pytest.raises(UsageError, match="has no gradebook, so there is nothing to export"):
        read_grades(toy_root, ["toy"])
    assert read_roster(toy_root, "toy").people == ()
    assert not (toy_root / "gradebook.db").exists()


def test_the_database_that_nbgraders_configuration_names(root, tmp_path):
    (root / "gradebook.db").rename(tmp_path / "elsewhere.db")
    (root / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.db_url = 'sqlite:///{tmp_path / 'elsewhere.db'}'\n"
    )
    assert len(read_grades(root, ["toy"])) == 5


def test_an_export_from_the_gradebook(root, tmp_path):
    order = Order("csv", (), Choice(only_graded=True), to=tmp_path / "out.csv")
    export(load_course(root), order)
    assert [(row[0], row[5], row[8]) for row in rows((tmp_path / "out.csv").read_bytes())[1:]] == [
        ("ada", "12.5", "graded"),
        ("bob", "", "waits"),
        ("cyd", "", "not graded"),
        ("dan", "11.5", "graded"),
        ("eve", "", "missing"),
    ]


def test_an_export_from_reports_waits_for_written_answers(root, tmp_path):
    submission = {
        "student": "ada", "path": "x", "status": "graded", "score": 9, "max_score": 12, "seconds": 1, "message": "",
        "notes": [], "exercises": [{"name": "halfway", "score": 9, "max_score": 12, "carried_forward": False,
                                    "attempted": True, "diagnosis": None, "findings": []}],
    }  # fmt: skip
    lost = submission | {
        "student": "bob",
        "status": "unreadable",
        "score": None,
        "message": "no notebook",
        "exercises": [],
    }
    report = {
        "schema": 1,
        "course": "toys",
        "chapter": "toy",
        "engine": "0",
        "isolation": [],
        "submissions": [submission, lost],
    }
    (tmp_path / "r.json").write_text(json.dumps(report))
    order = Order("csv", ("toy",), Choice(), sources=(tmp_path / "r.json",), to=tmp_path / "out.csv")
    with pytest.raises(UsageError, match="ada, toy: why\n  bob, toy: no notebook"):
        export(load_course(root), order)
    assert not (tmp_path / "out.csv").exists()
    (tmp_path / "r.json").write_text(json.dumps(report | {"chapter": "other"}))
    with pytest.raises(UsageError, match="There are no reports of toy in "):
        export(load_course(root), order)


def test_what_an_export_needs(root):
    course = load_course(root)
    with pytest.raises(UsageError, match="`export canvas` takes one chapter"):
        export(course, Order("canvas", (), Choice()))
    with pytest.raises(UsageError, match="fills the file that Canvas exports .*: name it with --file"):
        export(course, Order("canvas", ("toy",), Choice(provisional=True)))
    with pytest.raises(UsageError, match="toys"):
        export(course, Order("csv", ("toys",), Choice()))
