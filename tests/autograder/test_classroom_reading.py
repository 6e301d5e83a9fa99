"""Kept reports: which files are read, who counts once, and what is said of a file that is none."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sample_class import FOUR, class_of, graded, not_graded, verdict

from autograder.classroom.reading import read_reports
from autograder.classroom.summary import summarise
from autograder.classroom.writing import class_reports, write_page
from autograder.course import load_course
from autograder.errors import UsageError
from autograder.records import Graded
from autograder.report import to_json


def document(*submissions: Graded, chapter: str = "toy") -> dict[str, Any]:
    return to_json(submissions, "toy course", chapter, "0.1.0", ["seccomp"])


def write(path: Path, content: Any, *, age: int = 0) -> Path:
    """`age`: how many seconds ago the file was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    class_ = [*class_of(FOUR).submissions, not_graded("eve", "unreadable")]
    read = read_reports([write(tmp_path / "class.json", document(*class_))])["toy"]
    assert summarise(read, names=True).checks == summarise(class_of(FOUR), names=True).checks
    assert (read.course, read.engines, read.isolation) == ("toy course", ("0.1.0",), ("seccomp",))
    assert [s.status for s in read.submissions] == ["graded"] * 4 + ["unreadable"]


def test_a_student_counts_once_as_graded_last(tmp_path: Path) -> None:
    write(tmp_path / "a.json", document(graded("ada", verdict("++++")), graded("bob", verdict("----"))), age=10)
    write(tmp_path / "b.json", document(graded("ada", verdict("----"))), age=20)
    write(tmp_path / "c.json", document(graded("bob", verdict("++--"))))
    write(tmp_path / ".d.json", "not looked at")
    write(tmp_path / "notes.txt", "not looked at")
    found = {s.student: s.score for s in read_reports([tmp_path])["toy"].submissions}
    assert found == {"ada": 4.0, "bob": 2.0}


def test_chapters_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path / "a.json", document(graded("ada", verdict("++++"))))
    write(tmp_path / "b.json", document(graded("ada", verdict("----")), chapter="other"))
    assert {name: k.submissions[0].score for name, k in read_reports([tmp_path]).items()} == {"toy": 4.0, "other": 0.0}


GOOD = document(graded("ada", verdict("+---")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"schema": 1,', "is not JSON, but should be a report of grading"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is no report of grading, but should be what `autograder grade --json` wrote"),
        (GOOD | {"schema": 0}, "has schema 0, but should have 1: another version of the autograder wrote it"),
        (GOOD | {"submissions": {}}, r"is no valid report of grading: at \$\.submissions, {} is not of type 'array'"),
        (json.dumps(GOOD).replace('"score": 1.0', '"score": NaN', 1), "is not JSON"),
        (json.dumps(GOOD).replace('"score": 1.0', '"score": 1e999', 1), "is not JSON"),
        (json.dumps(GOOD).replace('"score": 1.0', f'"score": 1{"0" * 400}', 1), "is not JSON"),
        (GOOD | {"submissions": [{"student": "ada"}]}, r"at \$\.submissions\[0\], 'path' is a required property"),
    ],
)
def test_a_file_that_is_no_report_is_named_with_what_to_do(tmp_path: Path, content: Any, message: str) -> None:
    path = write(tmp_path / "r.json", content)
    with pytest.raises(UsageError, match=message) as error:
        read_reports([path])
    assert str(error.value).startswith(str(path))
    assert str(error.value).endswith("Grade again to write a new one, or name other files with --from.")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist, but should be a report of grading"):
        read_reports([tmp_path / "nowhere"])


# ---- the course's own reports -----------------------------------------------------------------------------------


def test_the_page_of_a_course_is_written_where_only_its_owner_reads_it(toy_root: Path) -> None:
    write(toy_root / "reports" / "toy" / "ada.json", document(graded("ada", verdict("+---"))))
    course = load_course(toy_root)
    (report,) = class_reports(course, ())
    path = write_page(course, report, toy_root / "reports")
    assert path == toy_root / "reports" / "toy.html"
    assert course.chapters["toy"].title in path.read_text("utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert class_reports(course, ["toy"]) == (report,)


def test_hints_that_no_entry_holds_come_from_the_released_sheet(toy_root: Path) -> None:
    from autograder.notebook.build import build

    course = load_course(toy_root)
    build(course, ["toy"])
    wrong = verdict("----", name="halfway", diagnosis="not_halved")
    write(toy_root / "reports" / "toy" / "ada.json", document(graded("ada", wrong)))
    (report,) = class_reports(course, ())
    assert report.misconceptions[0].hint
    write(toy_root / "release" / "toy" / "toy.json", "{")
    (report,) = class_reports(course, ())
    assert report.misconceptions[0].hint == ""


@pytest.mark.parametrize("chapters", [(), ("toy",)])
def test_a_class_that_was_not_graded_is_told_how(toy_root: Path, chapters: tuple[str, ...]) -> None:
    course = load_course(toy_root)
    (toy_root / "reports" / "toy").mkdir(parents=True)
    with pytest.raises(UsageError) as error:
        class_reports(course, chapters)
    assert str(error.value) == (
        f"There are no reports{' of toy' if chapters else ''} yet. Grade first: `nbgrader autograde toy`, or "
        "`autograder grade toy submitted --json reports/toy/class.json`."
    )


def test_a_chapter_that_the_named_files_do_not_hold(toy_root: Path) -> None:
    path = write(toy_root / "r.json", document(graded("ada", verdict("+---")), chapter="other"))
    course = load_course(toy_root)
    with pytest.raises(UsageError, match=r"There are no reports of toy in .*r\.json\. Grade first"):
        class_reports(course, ["toy"], sources=[path])
    assert [r.chapter for r in class_reports(course, (), sources=[path])] == ["other"]
