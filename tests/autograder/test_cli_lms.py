"""`export` and `collect` as an instructor types them: what they print, what they write, and their exit codes."""

# ruff: noqa: F811

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from books import Points, graded_book
from downloads import notebook, zipped
from test_cli import cli  # noqa: F401, RUF100
from toy_platform import described, new_key, running


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """ada is graded, bob's written answer waits, and cyd handed in nothing."""
    path = tmp_path_factory.mktemp("book") / "gradebook.db"
    points: dict[str, Points] = {"ada": (9.5, 3, None), "bob": (9.5, None, None)}
    return graded_book(path, points, {"cyd": "=1+1"}).read_bytes()


@pytest.fixture(autouse=True)
def _graded(toy_root: Path, gradebook: bytes) -> None:
    (toy_root / "gradebook.db").write_bytes(gradebook)


def test_an_export_that_is_not_final_writes_nothing_and_says_who(cli, toy_root):
    code, _, err = cli("export", "csv")
    assert code == 2 and "1 grade not final, so nothing was written:\n  bob, toy: why" in err
    assert not (toy_root / "exports").exists()


def test_a_dry_run_shows_the_table_and_the_real_one_writes_it(cli, toy_root):
    code, out, _ = cli("export", "csv", "--only-graded", "--dry-run")
    assert code == 0 and "1 score would be written" in out and "Nothing was written" in out
    assert not (toy_root / "exports").exists()
    code, out, _ = cli("export", "csv", "--only-graded")
    assert code == 0 and "1 score written, 0 found no place. Wrote exports/csv.csv." in out
    with (toy_root / "exports" / "csv.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["student"], row["last name"], row["score"]) for row in table] == [
        ("ada", "L", "12.5"),
        ("bob", "L", ""),
        ("cyd", "'=1+1", ""),
    ]
    assert cli("export", "csv", "--only-graded")[0] == 2  # it is there already
    assert cli("export", "csv", "--only-graded", "--overwrite")[0] == 0


def test_canvas_on_the_command_line(cli, toy_root, tmp_path):
    own = tmp_path / "canvas.csv"
    own.write_text("Student,ID,SIS Login ID,Section,Toys (5)\n    Points Possible,,,,14\nL,1,ada,S,\nX,2,x,S,\n")
    code, out, _ = cli("export", "canvas", "--chapter", "toy", "--file", own, "--provisional")
    assert code == 1 and "bob" in out and "not in the file" in out and "in the file, but not in the gradebook" in out
    assert (toy_root / "exports" / "toy-canvas.csv").read_text() == own.read_text().replace("ada,S,", "ada,S,12.5")
    code, _, err = cli(
        "export", "canvas", "--chapter", "toy", "--file", own, "--provisional", "--to", own, "--overwrite"
    )
    assert code == 2 and "is the file to be filled, and stays as it is" in err


@pytest.mark.parametrize("kind", ["moodle", "gradescope"])
def test_fresh_files_on_the_command_line(cli, toy_root, kind):
    assert cli("export", kind, "--chapter", "toy", "--provisional")[0] == 0
    assert "ada@uni.edu" in (toy_root / "exports" / f"toy-{kind}.csv").read_text("utf-8-sig")


def test_lti_shows_first_and_sends_when_told_to(cli, toy_root, tmp_path):
    key = new_key()
    with running(key) as platform:
        path = described(tmp_path, platform, key)
        words = ("export", "lti", "--chapter", "toy", "--only-graded", "--platform", path)
        code, out, _ = cli(*words)
        assert code == 0 and "1 would send, 2 left out" in out and "Nothing was sent: this was a dry run" in out
        assert platform.posted == []
        code, out, _ = cli(*words, "--send", "--dry-run")
        assert "Nothing was sent" in out and platform.posted == []
        code, out, _ = cli(*words, "--send")
        assert code == 0 and "1 sent, 2 left out" in out and "Line item Toys: created." in out
        assert [p["scoreGiven"] for p in platform.posted] == [12.5]
        assert "1 already there" in cli(*words, "--send")[1]
    for missing, message in ((("--chapter", "toy"), "needs --platform"), ((), "takes one chapter")):
        code, _, err = cli("export", "lti", *missing)
        assert code == 2 and message in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("csv", "--file", "x.csv"), "`export csv` fills no file: leave --file out, or export canvas or moodle."),
        (("csv", "--send"), "--platform, --send and --again are for `export lti`, and not for `export csv`."),
    ],
)
def test_an_option_of_another_kind_is_not_ignored(cli, words, message):
    code, _, err = cli("export", *words)
    assert code == 2 and message in err


def test_collect_places_and_lists(cli, toy_root, tmp_path):
    members = {
        "lada_1_1_toy.ipynb": notebook(),
        "../evil_2_2_x.ipynb": notebook(),
        "lbob_LATE_3_3_toy.ipynb": notebook(),
    }
    path = zipped(tmp_path / "c.zip", members | {"who_4_4_toy.ipynb": notebook()})
    code, out, _ = cli("collect", "canvas", path, "--chapter", "toy", "--dry-run")
    assert code == 1 and "2 of 2 would be placed" in out and not (toy_root / "submitted").exists()
    code, out, _ = cli("collect", "canvas", path, "--chapter", "toy")
    assert code == 1
    assert "toy: 2 of 2 placed in submitted/, 1 held back, 1 file refused, 0 other files." in out
    assert "leads out of the archive" in out and "is in no roster" in out and "say --place-unknown" in out
    assert sorted(p.name for p in (toy_root / "submitted").iterdir()) == ["ada", "bob"]
    code, _, err = cli("collect", "canvas", path, "--chapter", "nothing")
    assert code == 2 and "nothing" in err


def test_help_loads_nothing_heavy():
    code = (
        "import contextlib, sys\nfrom autograder.cli import app\nwith contextlib.suppress(SystemExit):\n"
        "    app(['export', '--help'])\nprint(*sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"nbgrader", "requests", "authlib", "yaml", "jax"} & set(found.split())
    assert "csv|canvas|moodle|gradescope|lti" in found
