"""Archives made to harm whoever collects them: each trick is refused with a line of its own, and the rest is placed."""

import io
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.autograder.downloads import as_bytes, info, notebook

from autograder.backends.inbox.collect import Collected, collect
from autograder.backends.inbox.guard import Bounds, opened, wrong_name
from autograder.backends.inbox.show import show_collected
from autograder.errors import UsageError

HONEST = "honest_1_1_toy.ipynb"
GOOD = notebook("honest")


def attacked(tmp_path: Path, *members: tuple[zipfile.ZipInfo, bytes], bounds: Bounds | None = None) -> Collected:
    """What is collected of an archive that also holds an honest submission, which must have been placed."""
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info(HONEST), GOOD)
        for member, data in members:
            archive.writestr(member, data)
    return collected(tmp_path, path, bounds)


def collected(tmp_path: Path, path: Path, bounds: Bounds | None = None) -> Collected:
    root = tmp_path / "course"
    root.mkdir()
    before = everything(tmp_path)
    found = collect(root, "canvas", path, "toy", place_unknown=True, bounds=bounds)
    assert (root / "submitted" / "canvas-1" / "toy" / "toy.ipynb").read_bytes() == GOOD
    new = everything(tmp_path) - before
    assert all(p.startswith("course/submitted/canvas-") for p in new if "." in os.path.basename(p)), new
    return found


def everything(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def whys(found: Collected) -> list[str]:
    return [r.why for r in found.refused]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../x_2_2_toy.ipynb", "leads out of the archive"),
        ("a/../../x_2_2_toy.ipynb", "leads out of the archive"),
        ("..\\..\\x_2_2_toy.ipynb", "leads out of the archive"),
        ("/etc/x_2_2_toy.ipynb", "has an absolute path"),
        ("\\\\host\\share\\x_2_2_toy.ipynb", "has an absolute path"),
        ("C:\\x_2_2_toy.ipynb", "has an absolute path"),
        ("c:x_2_2_toy.ipynb", "has an absolute path"),
        ("a//x_2_2_toy.ipynb", "has an empty folder in its path"),
        ("./x_2_2_toy.ipynb", "has an empty folder in its path"),
        ("con/x_2_2_toy.ipynb", "has a name that Windows reserves"),
        ("Aux.x_2_2_toy.ipynb", "has a name that Windows reserves"),
        ("x_2_2_toy.ipynb.", "has a name that ends in a dot or a space"),
        ("x_2_2_toy.ipynb ", "has a name that ends in a dot or a space"),
        ("x\u202eabc_2_2_toy.ipynb", "has characters in its name that turn text round"),
        ("x\x1b[2J_2_2_toy.ipynb", "has a control character in its name"),
        ("x\n_2_2_toy.ipynb", "has a control character in its name"),
        ("y" * 300 + "_2_2_toy.ipynb", "has too long a name"),
        ("x_2_2_toy.zip", "is an archive itself, which is not opened: take the notebook out of it by hand"),
    ],
)
def test_a_name_that_is_a_trick_is_refused(tmp_path, name, why):
    assert whys(attacked(tmp_path, (info(name), notebook("evil")))) == [why]


def test_a_nul_cuts_no_name(tmp_path):
    """`zipfile` would cut the name at the NUL and show `x_2_2_toy.ipynb`."""
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(HONEST), GOOD)
        archive.writestr(info("x_2_2_toy.ipynb#.txt"), b"{}")
    path.write_bytes(path.read_bytes().replace(b"ipynb#.txt", b"ipynb\0.txt"))
    assert whys(collected(tmp_path, path)) == ["has a control character in its name"]


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (stat.S_IFLNK | 0o777, "is a link"),
        (stat.S_IFIFO | 0o644, "is a pipe"),
        (stat.S_IFSOCK | 0o644, "is a socket"),
        (stat.S_IFBLK | 0o644, "is a device"),
        (stat.S_IFCHR | 0o644, "is a device"),
        (stat.S_IFDIR | 0o755, "is no ordinary file"),
    ],
)
def test_only_ordinary_files_are_read(tmp_path, mode, why):
    assert whys(attacked(tmp_path, (info("x_2_2_toy.ipynb", mode=mode), b"/etc/passwd"))) == [why]


def test_a_bomb_is_known_by_how_much_it_grows(tmp_path):
    member = (info("x_2_2_toy.ipynb"), b"0" * (8 << 20))
    assert whys(attacked(tmp_path, member)) == ["grows more than 200-fold when it is unpacked"]


def test_the_bound_is_what_stops_the_bomb(tmp_path):
    """With the guard taken away, it is unpacked and placed."""
    member = (info("x_2_2_toy.ipynb"), b"0" * (8 << 20))
    found = attacked(tmp_path, member, bounds=Bounds(ratio=10_000))
    assert [p.action for p in found.placed] == ["new", "new"]


def test_a_name_that_was_let_through_still_leads_nowhere(tmp_path, monkeypatch):
    """Two walls: no name from an archive becomes a path, whatever the guard says of it."""
    monkeypatch.setattr("autograder.backends.inbox.guard.wrong_name", lambda name: "")
    found = attacked(tmp_path, (info("../../x_2_2_toy.ipynb"), b"{}"), (info("/x_3_3_../../../toy.ipynb"), b"{}"))
    assert [p.incoming.student for p in found.placed] == ["canvas-1", "canvas-2"]


def test_a_bomb_that_understates_its_size_is_stopped_while_it_unpacks(tmp_path):
    """Sizes in an archive are claims: this member says that it has 100 bytes."""
    data = b"0" * (8 << 20)
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(HONEST), GOOD)
        archive.writestr(info("x_2_2_toy.ipynb"), data)
    raw = path.read_bytes()
    assert raw.count(struct.pack("<I", len(data))) >= 2
    path.write_bytes(raw.replace(struct.pack("<I", len(data)), struct.pack("<I", 100)))
    found = collected(tmp_path, path)
    assert [(p.action, p.note) for p in found.placed if p.incoming.student == "canvas-2"] == [
        ("refused", "is damaged: it does not unpack to what was packed")
    ]


def test_many_members_are_bounded_together(tmp_path):
    bounds = Bounds(total_bytes=3000, member_bytes=2000)
    members = [(info(f"x_{n}_2_toy.ipynb"), os.urandom(900)) for n in range(2, 7)]
    members.append((info("x_9_2_toy.ipynb"), os.urandom(2500)))
    found = attacked(tmp_path, *members, bounds=bounds)
    assert sum("more than is unpacked of one archive" in why for why in whys(found)) == 2
    assert sum("that are read of one" in why for why in whys(found)) == 1


def test_an_archive_of_too_many_members_is_not_looked_into(tmp_path):
    with pytest.raises(UsageError, match=r"has 12 members, but should have at most 10\."):
        attacked(tmp_path, *[(info(f"x{n}"), b"") for n in range(11)], bounds=Bounds(members=10))
    with pytest.raises(UsageError, match="MB, but should have at most 0"):
        collect(tmp_path, "canvas", tmp_path / "attack.zip", "toy", bounds=Bounds(archive_bytes=10))


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """As in a bomb whose thousand members are all the same packed bytes."""
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(HONEST), GOOD)
        archive.writestr(info("x_2_2_toy.ipynb"), notebook("evil"))
        again = info("x_3_3_toy.ipynb")
        first = archive.getinfo("x_2_2_toy.ipynb")
        for field in ("header_offset", "CRC", "compress_size", "file_size"):
            setattr(again, field, getattr(first, field))
        archive.filelist.append(again)
    assert whys(collected(tmp_path, path)) == ["shares its bytes with another member"] * 2


def test_encrypted_and_oddly_packed_members_are_refused(tmp_path):
    path = tmp_path / "attack.zip"
    odd = info("x_3_3_toy.ipynb")
    odd.compress_type = zipfile.ZIP_LZMA
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info(HONEST), GOOD)
        archive.writestr(info("x_2_2_toy.ipynb"), b"secret")
        archive.writestr(odd, b"odd")
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"x_2_2"))
    raw[place + 8] |= 1
    path.write_bytes(raw)
    assert whys(collected(tmp_path, path)) == ["is encrypted", "is packed in an unusual way"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x_2_2_toy.ipynb", "x_2_2_toy.ipynb"),
        ("x_2_2_toy.ipynb", "X_2_2_TOY.ipynb"),
        ("é_2_2_toy.ipynb", "e\u0301_2_2_toy.ipynb"),
        ("x_2_2_toy.ipynb", "x\u200b_2_2_toy.ipynb"),
        ("x_2_2_toy.ipynb", "ｘ_2_2_toy.ipynb"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_a_file_system_may_take_for_one_are_both_refused(tmp_path, one, other):
    found = attacked(tmp_path, (info(one), notebook("a")), (info(other), notebook("b")))
    assert whys(found) == ["is there twice, or under names that only look different"] * 2


def test_a_damaged_member_costs_itself_alone(tmp_path):
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(info(HONEST), GOOD)
        member = info("x_2_2_toy.ipynb")
        member.compress_type = zipfile.ZIP_STORED
        archive.writestr(member, b'{"marker": 1}')
    path.write_bytes(path.read_bytes().replace(b"marker", b"market"))
    found = collected(tmp_path, path)
    assert [p.note for p in found.placed if p.action == "refused"] == ["is damaged: it does not unpack to what was packed"]


@pytest.mark.parametrize("where", ["submitted", "submitted/canvas-1", "submitted/canvas-1/toy", "earlier"])
def test_nothing_is_written_through_a_link(tmp_path, where):
    root, outside = tmp_path / "course", tmp_path / "outside"
    outside.mkdir()
    (root / where).parent.mkdir(parents=True)
    (root / where).symlink_to(outside)
    path = tmp_path / "a.zip"
    path.write_bytes(as_bytes({HONEST: GOOD}))
    (placed,) = collect(root, "canvas", path, "toy", place_unknown=True).placed
    assert (placed.action, placed.note) == ("refused", f"{where} is a link, but should be a folder")
    assert list(outside.iterdir()) == []


def test_a_terminal_is_told_nothing_by_a_name(tmp_path):
    hostile = ["x\x1b]0;owned\x07_2_2_toy.ipynb", "[link=https://evil]_3_3_toy.ipynb", "a\u202eb_4_4_toy.ipynb"]
    found = attacked(tmp_path, *[(info(name), b"{}") for name in hostile])
    stream = io.StringIO()
    show_collected(Console(file=stream, width=200, force_terminal=True), found, "toy", dry_run=False)
    assert "\x1b]" not in stream.getvalue() and "\u202e" not in stream.getvalue()
    assert "[link=https://evil]" in stream.getvalue()


NAMES = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["..", ".", "", "a", "~", "C:", "con", "x_2_2_toy.ipynb", "/etc", "submission_1"]), max_size=6).map(
        "/".join
    ),
    st.builds(
        "{}_{}_{}_{}".format, st.text(max_size=20), st.integers(0, 99), st.integers(0, 99), st.text(max_size=20)
    ),
    st.builds("{}_{}_assignsubmission_file_/{}".format, st.text(max_size=20), st.integers(0, 9), st.text(max_size=20)),
)


@settings(max_examples=150, deadline=None)
@given(names=st.lists(NAMES, max_size=6), kind=st.sampled_from(["canvas", "moodle"]))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_leads_out_of_submitted(names: list[str], kind: str) -> None:
    with tempfile.TemporaryDirectory() as top:
        root, path = Path(top) / "a" / "course", Path(top) / "a" / "attack.zip"
        root.mkdir(parents=True)
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                clean = name.encode("utf-8", "ignore").decode()
                archive.writestr(info(clean), b"{}")
        before = everything(Path(top))
        try:
            found = collect(root, kind, path, "toy", place_unknown=True)
        except UsageError:
            assert everything(Path(top)) == before
            return
        new = everything(Path(top)) - before
        assert all(p.startswith(("a/course/submitted", "a/course/earlier")) for p in new), new
        files = [p for p in new if p.endswith((".ipynb", ".txt"))]
        assert all(p.rpartition("/")[2] in ("toy.ipynb", "timestamp.txt") for p in files if "/submitted/" in p), files
        assert len(files) <= 2 * len(found.placed) + len(names)


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=400), place=st.integers(0, 500))
def test_any_bytes_are_an_archive_or_a_usage_error(noise: bytes, place: int) -> None:
    good = as_bytes({HONEST: GOOD})
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "a.zip"
        path.write_bytes(good[:place] + noise + good[place + len(noise) :])
        try:
            with opened(path) as archive:
                for member in archive.members:
                    archive.read(member)
        except UsageError:
            pass


def test_zlib_is_what_unpacks_here():
    """The bound on growth rests on deflate's: at most 1032-fold, so that 1 MB of an archive is at most 1 GB."""
    assert len(zlib.compress(b"0" * (1 << 20), 9)) > (1 << 20) / 1032
    assert wrong_name("ordinary name_2_2_toy.ipynb") == ""
