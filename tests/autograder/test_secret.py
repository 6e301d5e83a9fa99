"""The seed and the hidden sheets drawn from it stay private, and change when they should."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder.course import load_chapter, load_course
from autograder.errors import OurError
from autograder.secret import hidden_sheet, secret_seed
from autograder.wire import to_text


def test_a_seed_is_made_once_and_is_private(tmp_path):
    seed = secret_seed(tmp_path, "toy")
    assert len(seed) == 64
    assert secret_seed(tmp_path, "toy") == seed
    assert stat.S_IMODE((tmp_path / "seeds" / "toy").stat().st_mode) == 0o600


def test_courses_have_different_seeds(tmp_path):
    assert secret_seed(tmp_path, "toy") != secret_seed(tmp_path, "dmol")


def test_graders_that_start_at_once_agree_on_one_seed(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        seeds = set(pool.map(lambda _: secret_seed(tmp_path, "toy"), range(64)))
    assert len(seeds) == 1


def test_a_seed_that_others_can_read_is_refused(tmp_path):
    secret_seed(tmp_path, "toy")
    (tmp_path / "seeds" / "toy").chmod(0o644)
    with pytest.raises(OurError, match=r"can be read by others, but should be private: run `chmod 600 "):
        secret_seed(tmp_path, "toy")


def test_a_damaged_seed_is_not_replaced_in_silence(tmp_path):
    secret_seed(tmp_path, "toy")
    (tmp_path / "seeds" / "toy").write_text("short")
    with pytest.raises(OurError, match="has 5 bytes, but should have 64. Restore it from a backup"):
        secret_seed(tmp_path, "toy")


def test_a_state_folder_that_cannot_be_made_is_our_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OurError, match="cannot be read or made"):
        secret_seed(tmp_path / "file", "toy")


def test_a_kept_sheet_is_private_and_used_again(toy, tmp_path):
    sheet = hidden_sheet(toy, tmp_path)
    (path,) = (tmp_path / "sheets").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat().st_mtime_ns
    assert to_text(hidden_sheet(toy, tmp_path)) == to_text(sheet)
    assert path.stat().st_mtime_ns == before


def test_a_damaged_sheet_is_drawn_again(toy, tmp_path):
    sheet = hidden_sheet(toy, tmp_path)
    (path,) = (tmp_path / "sheets").iterdir()
    path.write_text(path.read_text()[:100])
    assert to_text(hidden_sheet(toy, tmp_path)) == to_text(sheet)


def test_a_changed_chapter_gets_a_new_sheet_and_keeps_no_old_one(toy_root, tmp_path):
    state = tmp_path / "state"
    hidden_sheet(load_chapter(load_course(toy_root), "toy"), state)
    (old,) = (state / "sheets").iterdir()
    path = toy_root / "source" / "toy.py"
    path.write_text(path.read_text().replace("two dimensions", "2 dimensions"))
    sheet = hidden_sheet(load_chapter(load_course(toy_root), "toy"), state)
    (new,) = (state / "sheets").iterdir()
    assert new.name != old.name
    assert "2 dimensions" in {c.label for c in sheet.exercises[0].checks}
