"""The exchange's inbound folder, into which everybody may write: forged, linked, misnamed and swapped submissions.

Each trick is also tried on nbgrader's own collecting, which is the guard taken away, and succeeds there.
"""

import getpass
import os
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from traitlets.config import Config

from autograder.backends.nbgrader import configure
from autograder.backends.nbgrader.collecting import Collect
from autograder.backends.nbgrader.inbound import MAX_FILES, Handed, Refused, handed_in, secret_of, take

pytestmark = pytest.mark.filterwarnings("ignore")
ME, OTHER = getpass.getuser(), "daemon"
AT = "2026-11-20 10:00:00.000000 UTC"
LATER = "2026-11-21 10:00:00.000000 UTC"
SECRET = "the reference solution"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    root = tmp_path / "course"
    (root / "source" / "toy").mkdir(parents=True)
    (root / "source" / "course.toml").write_text('name = "toy"\ntitle = "Toys"\n[chapters.toy]\ntitle = "Toys"\n')
    (root / "source" / "toy" / "toy.ipynb").write_text(SECRET)
    (tmp_path / "exchange" / "toy" / "inbound").mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    return root


def inbound(root: Path) -> Path:
    return root.parent / "exchange" / "toy" / "inbound"


def hand_in(root: Path, student: str, at: str = AT, text: str = "mine") -> Path:
    folder = inbound(root) / f"{student}+toy+{at}+abc"
    folder.mkdir()
    (folder / "toy.ipynb").write_text(text)
    (folder / "timestamp.txt").write_text(at)
    return folder


def collect(root: Path, kind: type, *, update: bool = True, check_owner: bool = True) -> dict[str, str]:
    """Collects, and returns what there is then, by path."""
    c = Config()
    configure(c, root)
    c.Exchange.root = str(root.parent / "exchange")
    c.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"
    c.CourseDirectory.assignment_id = "toy"
    kind(coursedir=CourseDirectory(config=c), config=c, update=update, check_owner=check_owner).start()
    submitted = root / "submitted"
    return {str(p.relative_to(submitted)): p.read_text() for p in submitted.rglob("*") if p.is_file()}


def test_what_belongs_to_its_student_is_collected(course):
    hand_in(course, ME)
    assert collect(course, Collect) == {f"{ME}/toy/toy.ipynb": "mine", f"{ME}/toy/timestamp.txt": AT}


def test_a_newer_one_takes_the_place_of_an_older_one_only_when_asked(course):
    hand_in(course, ME)
    collect(course, Collect)
    hand_in(course, ME, LATER, "better")
    assert collect(course, Collect, update=False)[f"{ME}/toy/toy.ipynb"] == "mine"
    assert collect(course, Collect) == {f"{ME}/toy/toy.ipynb": "better", f"{ME}/toy/timestamp.txt": LATER}


def test_nbgraders_commands_and_the_formgrader_collect_in_this_way(course):
    c = Config()
    configure(c, course)
    assert c.ExchangeFactory.collect == f"{Collect.__module__}.Collect"


# ---- somebody else's name ----------------------------------------------------------------------------------------


def test_a_submission_in_anothers_name_is_not_taken(course):
    hand_in(course, OTHER, text="forged")
    assert collect(course, Collect) == {}
    assert collect(course, ExchangeCollect)[f"{OTHER}/toy/toy.ipynb"] == "forged"


def test_a_newer_forged_one_does_not_hide_the_students_own(course, caplog):
    handed = hand_in(course, OTHER)
    forged = hand_in(course, ME, LATER, "forged")
    if os.geteuid() != 0:
        pytest.skip("only root can hand in as somebody else")
    os.chown(forged, 1, 1)
    os.chown(handed, 1, 1)
    for path in handed.iterdir():
        os.chown(path, 1, 1)
    hand_in(course, ME, AT, "mine")
    found = collect(course, Collect)
    assert (found[f"{ME}/toy/toy.ipynb"], found[f"{OTHER}/toy/toy.ipynb"]) == ("mine", "mine")
    assert collect(course, ExchangeCollect)[f"{ME}/toy/toy.ipynb"] == "forged"


def test_a_file_of_somebody_else_in_ones_own_folder_is_left_out(course):
    """A hard link to a file that its student may not read, where the system lets them make one."""
    folder = hand_in(course, ME)
    if os.geteuid() != 0:
        pytest.skip("only root can make files of others")
    (folder / "toy.ipynb").chmod(0o600)
    os.chown(folder / "toy.ipynb", 1, 1)
    assert collect(course, Collect) == {f"{ME}/toy/timestamp.txt": AT}
    assert collect(course, ExchangeCollect, check_owner=False)[f"{ME}/toy/timestamp.txt"] == AT


# ---- links -------------------------------------------------------------------------------------------------------


def test_links_are_not_followed(course):
    folder = hand_in(course, ME)
    (folder / "toy.ipynb").unlink()
    (folder / "toy.ipynb").symlink_to(course / "source" / "toy" / "toy.ipynb")
    (folder / "all").symlink_to(course / "source")
    assert collect(course, Collect) == {f"{ME}/toy/timestamp.txt": AT}


def test_nbgrader_itself_follows_them_with_the_rights_of_the_grader(course):
    folder = hand_in(course, ME)
    (folder / "toy.ipynb").unlink()
    (folder / "toy.ipynb").symlink_to(course / "source" / "toy" / "toy.ipynb")
    assert collect(course, ExchangeCollect)[f"{ME}/toy/toy.ipynb"] == SECRET


def test_a_submission_that_is_a_link_itself_is_not_taken(course):
    (inbound(course) / f"{ME}+toy+{AT}+abc").symlink_to(course / "source" / "toy")
    assert collect(course, Collect) == {}


def test_a_folder_that_is_swapped_for_a_link_after_the_look_is_refused(course, tmp_path):
    folder = hand_in(course, ME)
    (handed,) = handed_in(inbound(course), ("toy",), check_owner=True)
    folder.rename(tmp_path / "away")
    folder.symlink_to(course / "source" / "toy")
    with pytest.raises(Refused, match="is no folder that can be opened"):
        take(handed, tmp_path / "taken", check_owner=True)
    assert not (tmp_path / "taken").exists()


def test_a_folder_that_is_swapped_for_anothers_is_refused(course, tmp_path):
    hand_in(course, ME)
    handed = Handed(OTHER, "toy", handed_in(inbound(course), ("toy",), check_owner=True)[0].at, next(inbound(course).iterdir()))
    with pytest.raises(Refused, match=f"belongs to {ME}, but should belong to {OTHER}"):
        take(handed, tmp_path / "taken", check_owner=True)


def test_pipes_and_sockets_are_left_out_and_keep_nobody_waiting(course):
    folder = hand_in(course, ME)
    os.mkfifo(folder / "pipe.ipynb")
    assert set(collect(course, Collect)) == {f"{ME}/toy/toy.ipynb", f"{ME}/toy/timestamp.txt"}


# ---- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "++",
        f"{ME}+toy+",
        f"{ME}+toy+yesterday+abc",
        f"{ME}+toy+2026-13-45 10:00:00.000000 UTC+abc",
        f"..+toy+{AT}+abc",
        f".+toy+{AT}+abc",
        f"{ME}+toy",
        f"{ME}+toy+{AT}+abc+more+still",
    ],
)
def test_a_name_that_is_none_stops_nobody_elses(course, name):
    hand_in(course, ME)
    (inbound(course) / name).mkdir()
    (inbound(course) / name / "toy.ipynb").write_text("stray")
    assert collect(course, Collect, check_owner=name[0] != ".") == {
        f"{ME}/toy/toy.ipynb": "mine",
        f"{ME}/toy/timestamp.txt": AT,
    }
    assert (course / "source" / "toy" / "toy.ipynb").read_text() == SECRET and not (course / "toy").exists()


def test_nbgrader_itself_gives_up_the_whole_class(course):
    hand_in(course, ME)
    (inbound(course) / f"{ME}+toy+yesterday+abc").mkdir()
    with pytest.raises(ValueError, match="yesterday"):
        collect(course, ExchangeCollect)


def test_the_time_in_the_folder_is_not_the_students_to_choose(course):
    folder = hand_in(course, ME)
    (folder / "timestamp.txt").write_text("2020-01-01 00:00:00.000000 UTC")
    assert collect(course, Collect)[f"{ME}/toy/timestamp.txt"] == AT


# ---- too much ----------------------------------------------------------------------------------------------------


def test_too_many_files_and_too_many_bytes_are_refused_and_the_old_one_stays(course, caplog):
    hand_in(course, ME)
    collect(course, Collect)
    folder = hand_in(course, ME, LATER, "better")
    for number in range(MAX_FILES):
        (folder / f"{number}.txt").write_text("")
    assert collect(course, Collect)[f"{ME}/toy/toy.ipynb"] == "mine"
    (handed, *_) = handed_in(inbound(course), ("toy",), check_owner=True)
    with pytest.raises(Refused, match="too large"):
        take(handed, course / "taken", check_owner=True, max_bytes=3)
    assert not list((course / "submitted" / ME).glob(".collecting-*"))


def test_a_secret_is_read_from_an_ordinary_small_file_alone(course):
    folder = hand_in(course, ME)
    secret = folder / "submission_secret.txt"
    assert secret_of(folder) is None
    secret.write_text("s" * 128)
    assert secret_of(folder) == "s" * 128
    secret.write_text("s" * 100_000)
    assert secret_of(folder) is None
    secret.unlink()
    secret.symlink_to(course / "source" / "toy" / "toy.ipynb")
    assert secret_of(folder) is None
