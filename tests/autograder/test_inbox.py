"""Downloads of an LMS into `submitted/`: who sent what, what is newer, what is kept, and what is left for a person."""

import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from books import new_gradebook
from downloads import GRADESCOPE, gradescope, notebook, zipped
from nbgrader.coursedir import CourseDirectory

from autograder.backends.grades.table import Person
from autograder.backends.inbox.collect import Collected, collect
from autograder.backends.inbox.guard import opened
from autograder.backends.inbox.plan import newest_first
from autograder.backends.inbox.roster import student_of
from autograder.backends.inbox.senders import Sender, canvas
from autograder.errors import UsageError
from autograder.notebook.read import find

ADA, BOB = notebook("ada"), notebook("bob")


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a class of three, and a chapter that is due on 1 March 2026 at noon."""
    path = tmp_path_factory.mktemp("book") / "gradebook.db"
    with new_gradebook(path) as book:
        book.add_assignment("toy", duedate=datetime(2026, 3, 1, 12))
        book.add_student("ada", first_name="Ada", last_name="Lovelace", email="ada@uni.edu", lms_user_id="101")
        book.add_student("bob", first_name="Bob", last_name="Ünal")
        book.add_student("cyd", first_name="Cyd", last_name="N", email="cyd@uni.edu")
    return path


@pytest.fixture
def root(gradebook: Path, tmp_path: Path) -> Path:
    made = tmp_path / "course"
    made.mkdir()
    (made / "gradebook.db").write_bytes(gradebook.read_bytes())
    return made


def text(root: Path, student: str) -> str:
    return (root / "submitted" / student / "toy" / "toy.ipynb").read_text()


def stamp(root: Path, student: str) -> str:
    return (root / "submitted" / student / "toy" / "timestamp.txt").read_text()


def done(collected: Collected) -> dict[str, str]:
    return {p.incoming.student: p.action for p in collected.placed}


def why(collected: Collected) -> dict[str, str]:
    return {h.who: h.why for h in collected.held}


CANVAS = {
    "lovelaceada_101_5550_toy.ipynb": ADA,
    "ünalbob_LATE_102_5551_toy-1.ipynb": BOB,
    "nobody_103_5552_toy.ipynb": notebook("nobody"),
    "ncyd_104_text.html": b"<p>I wrote it here</p>",
}


def test_canvas_names_say_who_and_whether_late(root, tmp_path):
    found = collect(root, "canvas", zipped(tmp_path / "c.zip", CANVAS), "toy")
    assert done(found) == {"ada": "new", "bob": "new"}
    assert (text(root, "ada"), text(root, "bob")) == (ADA.decode(), BOB.decode())
    assert why(found) == {"nobody (canvas-103)": "is in no roster", "ncyd (canvas-104)": "has no notebook"}
    assert [(p.incoming.note, p.incoming.exact) for p in found.placed] == [("", False), ("late", False)]
    assert not found.is_whole


def test_nobody_is_late_by_the_time_of_the_download(root, tmp_path):
    collect(root, "canvas", zipped(tmp_path / "c.zip", CANVAS), "toy")
    assert stamp(root, "ada") == "2026-03-01 12:00:00.000000 UTC"  # due; the zip says a day later
    assert stamp(root, "bob") == "2026-03-02 12:00:00.000000 UTC"  # Canvas says LATE


def test_a_map_file_says_when_and_who(root, tmp_path):
    (tmp_path / "map.csv").write_text(
        "student,canvas,submitted\nbob,102,2026-03-01 15:30+01:00\ndan,103,2026-02-27 08:00\n"
    )
    found = collect(root, "canvas", zipped(tmp_path / "c.zip", CANVAS), "toy", map_file=tmp_path / "map.csv")
    assert done(found) == {"ada": "new", "bob": "new", "dan": "new"}
    assert stamp(root, "bob") == "2026-03-01 14:30:00.000000 UTC"
    assert stamp(root, "dan") == "2026-02-27 08:00:00.000000 UTC"
    (tmp_path / "map.csv").write_text("student,submitted\nbob,yesterday\n")
    with pytest.raises(UsageError, match="`submitted` of bob is yesterday, but should be a time"):
        collect(root, "canvas", tmp_path / "c.zip", "toy", map_file=tmp_path / "map.csv")


def test_a_dry_run_writes_nothing_and_says_the_same(root, tmp_path):
    path = zipped(tmp_path / "c.zip", CANVAS)
    dry = collect(root, "canvas", path, "toy", dry_run=True)
    assert [p.name for p in root.iterdir()] == ["gradebook.db"]
    assert dry == collect(root, "canvas", path, "toy")


def test_who_is_in_no_roster_can_be_placed_under_a_safe_name(root, tmp_path):
    path = zipped(tmp_path / "c.zip", {"../x_103_5552_toy.ipynb": ADA, "némo_104_1_toy.ipynb": ADA})
    found = collect(root, "canvas", path, "toy", place_unknown=True)
    assert done(found) == {"canvas-104": "new"}


def test_the_newest_version_counts_and_the_older_are_kept(root, tmp_path):
    one, two, three = (notebook(str(n)) for n in (1, 2, 3))
    members = {
        "lovelaceada_101_5550_toy-2.ipynb": three,
        "lovelaceada_101_5548_toy.ipynb": one,
        "lovelaceada_101_5549_toy-1.ipynb": two,
        "lovelaceada_101_5551_scratch.ipynb": BOB,
    }
    (placed,) = collect(root, "canvas", zipped(tmp_path / "c.zip", members), "toy").placed
    assert text(root, "ada") == three.decode()
    assert len(placed.incoming.older) == 2
    assert {p.read_bytes() for p in (root / "earlier" / "ada" / "toy").iterdir()} == {one, two}


def test_the_same_again_changes_nothing(root, tmp_path):
    path = zipped(tmp_path / "c.zip", {"lovelaceada_101_1_toy.ipynb": ADA, "lovelaceada_101_0_toy.ipynb": BOB})
    collect(root, "canvas", path, "toy")
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    assert done(collect(root, "canvas", path, "toy")) == {"ada": "unchanged"}
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


def test_a_later_download_replaces_and_an_earlier_one_does_not_come_back(root, tmp_path):
    first = zipped(tmp_path / "a.zip", {"lovelaceada_101_1_toy.ipynb": ADA})
    second = zipped(tmp_path / "b.zip", {"lovelaceada_101_2_toy.ipynb": BOB}, date=(2026, 3, 9, 8, 0, 0))
    collect(root, "canvas", first, "toy")
    (root / "submitted" / "ada" / "toy" / "data.csv").write_text("1,2")
    assert done(collect(root, "canvas", second, "toy")) == {"ada": "replaces"}
    assert text(root, "ada") == BOB.decode()
    kept = root / "earlier" / "ada" / "toy" / "2026-03-01 12.00.00"
    assert ((kept / "toy.ipynb").read_bytes(), (kept / "data.csv").read_text()) == (ADA, "1,2")
    assert done(collect(root, "canvas", first, "toy")) == {"ada": "older"}
    assert text(root, "ada") == BOB.decode()


def test_a_newer_submission_is_never_overwritten(root, tmp_path):
    folder = root / "submitted" / "ada" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.ipynb").write_bytes(BOB)
    (folder / "timestamp.txt").write_text("2026-03-01 13:00:00 UTC")
    found = collect(root, "gradescope", gradescope(tmp_path / "g.zip"), "toy")
    assert done(found)["ada"] == "older"
    assert found.placed[0].note == "what is there is newer (2026-03-01 13:00)"
    assert text(root, "ada") == BOB.decode()
    assert [p.read_bytes() for p in (root / "earlier" / "ada" / "toy").iterdir()] == [ADA]


def test_killed_between_two_moves_nothing_is_lost_and_the_same_command_finishes(root, tmp_path, monkeypatch):
    collect(root, "canvas", zipped(tmp_path / "a.zip", {"lovelaceada_101_1_toy.ipynb": ADA}), "toy")
    newer = zipped(tmp_path / "b.zip", {"lovelaceada_101_2_toy.ipynb": BOB}, date=(2026, 3, 9, 8, 0, 0))
    home, moved, rename = root / "submitted" / "ada", [], os.rename

    def killed(source, target):
        if moved:
            raise KeyboardInterrupt
        moved.append(rename(source, target))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # nor does anybody tidy up
        with pytest.raises(KeyboardInterrupt):
            collect(root, "canvas", newer, "toy")
    assert (root / "earlier" / "ada" / "toy" / "2026-03-01 12.00.00" / "toy.ipynb").read_bytes() == ADA
    assert [p.name.partition("-")[0] for p in home.iterdir()] == [".incoming"]
    assert done(collect(root, "canvas", newer, "toy")) == {"ada": "new"}
    assert text(root, "ada") == BOB.decode()
    assert [p.name for p in home.iterdir()] == ["toy"]


def test_gradescope_says_who_and_when_for_each_of_a_pair(root, tmp_path):
    found = collect(root, "gradescope", gradescope(tmp_path / "g.zip"), "toy")
    assert done(found) == {"ada": "new", "bob": "new", "cyd": "new"}
    assert stamp(root, "ada") == "2026-03-01 09:30:15.123456 UTC"
    assert stamp(root, "cyd") == stamp(root, "bob") == "2026-03-02 22:59:59.000000 UTC"
    assert text(root, "cyd") == text(root, "bob") == notebook("pair").decode()
    assert found.is_whole


@pytest.mark.parametrize("metadata", ["", "- a list", "{", "a: &a [*a]\n!!python/object/apply:os.system ['true']: 1"])
def test_metadata_that_cannot_be_read_is_refused(root, tmp_path, metadata):
    with pytest.raises(UsageError, match="submission_metadata.yml cannot be read, but should list the submissions"):
        collect(root, "gradescope", gradescope(tmp_path / "g.zip", metadata=metadata), "toy")


def test_metadata_that_says_nothing_of_somebody_loses_that_one_only(root, tmp_path):
    metadata = GRADESCOPE.replace(":submitters:", ":others:", 1).replace(":created_at: 2026-03-02 23", ":created_at: x")
    found = collect(root, "gradescope", gradescope(tmp_path / "g.zip", metadata=metadata), "toy")
    assert set(done(found)) == {"bob", "cyd"}


@pytest.mark.parametrize(
    "name",
    [
        "{}_657_assignsubmission_file_/{}",
        "{}_657_assignsubmission_file/{}",
        "{}_657_assignsubmission_file_{}",
        "Course-Toy-88/{}_657_assignsubmission_file_/sub/{}",
    ],
)
def test_moodles_names_with_and_without_folders(root, tmp_path, name):
    members = {name.format("Bob Ünal", "toy.ipynb"): BOB, name.format("Bob Ünal", "other.txt"): b""}
    members["Cyd N_658_assignsubmission_onlinetext_/onlinetext.html"] = b"<p>here</p>"
    found = collect(root, "moodle", zipped(tmp_path / "m.zip", members), "toy")
    assert done(found) == {"bob": "new"}
    assert why(found) == {"Cyd N (moodle-658)": "has no notebook"}


def test_moodles_participants_without_names_need_a_map(root, tmp_path):
    path = zipped(tmp_path / "m.zip", {"Participant_657_assignsubmission_file_/toy.ipynb": BOB})
    assert why(collect(root, "moodle", path, "toy")) == {"Participant (moodle-657)": "is in no roster"}
    (tmp_path / "map.csv").write_text("student,moodle\nbob,Participant 657\n")
    assert done(collect(root, "moodle", path, "toy", map_file=tmp_path / "map.csv")) == {"bob": "new"}


def test_a_notebook_under_another_name_counts_if_it_is_the_only_one(root, tmp_path):
    path = zipped(tmp_path / "c.zip", {"lovelaceada_101_1_Untitled.ipynb": ADA, "ünalbob_102_2_a.ipynb": BOB,
                                       "ünalbob_102_3_b.ipynb": BOB})  # fmt: skip
    found = collect(root, "canvas", path, "toy")
    assert done(found) == {"ada": "new"}
    assert why(found) == {"ünalbob (canvas-102)": "has 2 notebooks, and none is called toy.ipynb"}


def test_two_who_could_be_one_student_are_both_held_back(root, tmp_path):
    path = zipped(tmp_path / "c.zip", {"ünalbob_102_1_toy.ipynb": ADA, "bobünal_666_2_toy.ipynb": BOB})
    found = collect(root, "canvas", path, "toy")
    assert done(found) == {}
    assert set(why(found).values()) == {"bob is claimed by ünalbob (canvas-102), bobünal (canvas-666)"}


def test_a_name_does_not_win_against_a_number(root, tmp_path):
    """Whoever calls herself Ada Lovelace in Canvas is not ada, whose number is known."""
    path = zipped(tmp_path / "c.zip", {"lovelaceada_666_1_toy.ipynb": BOB})
    assert why(collect(root, "canvas", path, "toy", place_unknown=True)) == {
        "lovelaceada (canvas-666)": "is called as ada is, but has another number"
    }


def test_numbers_that_can_be_read_in_two_ways_are_not_guessed(tmp_path):
    """With `x_101` as a display name, one student's file could be taken for that of student 101."""
    with opened(zipped(tmp_path / "c.zip", {"x_101_666_7_toy.ipynb": BOB, "x_101_7_toy.ipynb": ADA})) as archive:
        sent, _ = canvas(archive.members)
    assert [s.unclear for s in sent] == ["the numbers in its name can be read in two ways", ""]


def test_anonymous_canvas_names():
    from autograder.backends.inbox.guard import Member

    names = ["anon_Ab3xY_55_toy.ipynb", "LATE_anon_Zz9_56_toy.ipynb"]
    sent, others = canvas([Member(n, 1, datetime(2026, 1, 1), None) for n in names])  # type: ignore[arg-type]
    assert [(s.sender.key, s.late, s.file) for s in sent] == [
        ("canvas-Ab3xY", False, "toy.ipynb"),
        ("canvas-Zz9", True, "toy.ipynb"),
    ]
    assert others == []


def test_two_of_one_name_are_not_told_apart():
    people = [Person("a", "Li", "Wang"), Person("b", "Li", "Wang")]
    assert student_of(Sender("moodle-1", "Li Wang"), people) == (None, "could be a, b")
    assert student_of(Sender("moodle-1", ""), people) == (None, "is in no roster")
    assert student_of(Sender("moodle-1", "Ed M"), [Person("../x", "Ed", "M")])[1] == (
        "has an id in the gradebook that cannot name a folder"
    )


def test_a_file_that_is_no_download_is_refused(root, tmp_path):
    path = zipped(tmp_path / "x.zip", {"toy.ipynb": ADA})
    with pytest.raises(UsageError, match=r"holds no submission named as Canvas names them.*Its members: toy\.ipynb"):
        collect(root, "canvas", path, "toy")
    with pytest.raises(UsageError, match=r"has no submission_metadata\.yml that can be read"):
        collect(root, "gradescope", path, "toy")
    path.write_bytes(b"PK, but no zip")
    with pytest.raises(UsageError, match="is no zip file, but should be the download of an LMS"):
        collect(root, "canvas", path, "toy")
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        collect(root, "canvas", tmp_path / "none.zip", "toy")


def test_without_a_gradebook_everybody_is_unknown(tmp_path):
    (tmp_path / "course").mkdir()
    found = collect(tmp_path / "course", "canvas", zipped(tmp_path / "c.zip", CANVAS), "toy")
    assert done(found) == {} and len(found.held) == 4
    assert not (tmp_path / "course" / "gradebook.db").exists()


def test_versions_of_browsers_and_systems():
    from autograder.backends.inbox.guard import Member
    from autograder.backends.inbox.senders import Sent

    names = ["toy.ipynb", "Toy (2).ipynb", "toy-1.IPYNB", "toys.ipynb"]
    files = [Sent(Sender("x"), n, Member(n, 1, datetime(2026, 1, 1), None)) for n in names]  # type: ignore[arg-type]
    assert [f.file for f in newest_first(files, "toy")[0]] == ["Toy (2).ipynb", "toy-1.IPYNB", "toy.ipynb"]


def test_graders_find_what_was_placed_and_not_what_was_replaced(root, tmp_path):
    members = {"lovelaceada_101_2_toy-1.ipynb": ADA, "lovelaceada_101_1_toy.ipynb": BOB}
    collect(root, "canvas", zipped(tmp_path / "c.zip", members), "toy")
    (found,) = find(root / "submitted", "toy")
    assert found == ("ada", root / "submitted" / "ada" / "toy" / "toy.ipynb")
    course = CourseDirectory(root=str(root))
    assert course.get_existing_timestamp(str(root / "submitted" / "ada" / "toy")) == datetime(2026, 3, 1, 12)
    assert [p.name for p in (root / "submitted" / "ada").iterdir()] == ["toy"]
