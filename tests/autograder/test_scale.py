"""Grading elsewhere, without a cluster: which addresses are refused, what travels, and what a desk answers."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scaled import Open

from autograder import kept
from autograder.errors import OurError, UsageError
from autograder.grade import grade
from autograder.records import Submission
from autograder.sandbox.layers import MissingLayers
from autograder.sandbox.local import LocalSandbox
from autograder.scale import desk as desks
from autograder.scale.desk import MAX_FAILURES, Desk, cells_of
from autograder.scale.parcel import pack, unpack
from autograder.scale.where import Where, checked, loopback
from tests.notebooks.honest import CELLS, plain

# ---- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["local", "tls://grader.example:8786", "tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://localhost:8786"]
)
def test_an_address_is_accepted_if_nothing_secret_leaves_the_machine_unprotected(address: str) -> None:
    assert checked(Where(address)).address == address


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "tcp://grader.example:8786", "tcp://127.0.0.1.example:1", "tcp://0.0.0.0:1"]
)
def test_other_machines_are_spoken_to_through_tls_only_unless_one_says_so(address: str) -> None:
    with pytest.raises(UsageError, match=f"{address} is not protected, but should begin with tls://"):
        checked(Where(address))
    assert checked(Where(address, trust_network=True))


@pytest.mark.parametrize("address", ["10.0.0.7:8786", "localhost:8786", "ws://127.0.0.1:1", "inproc://x", "", "Local"])
@pytest.mark.parametrize("trust", [False, True])
def test_an_address_of_another_kind_is_refused(address: str, trust: bool) -> None:
    with pytest.raises(UsageError, match="but should be local, tls://HOST:PORT or tcp://HOST:PORT"):
        checked(Where(address, trust_network=trust))


def test_files_of_tls_are_for_tls_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--tls-ca is for an address that begins with tls://, but local does not"):
        checked(Where("local", ca=tmp_path))
    with pytest.raises(UsageError, match=r"--tls-key is .*absent\.pem, but should be a file"):
        checked(Where("tls://a:1", key=tmp_path / "absent.pem"))


@pytest.mark.parametrize("address", ["tcp://", "tcp://[::1", "nothing"])
def test_what_is_no_address_is_no_loopback(address: str) -> None:
    assert not loopback(address)


# ---- what travels ---------------------------------------------------------------------------------------------------


@pytest.fixture
def parcel(toy, toy_sheet):
    return pack(toy, toy_sheet, trust=False)


def test_a_chapter_unpacked_elsewhere_judges_alike(parcel, toy, toy_sheet, toy_source, tmp_path: Path) -> None:
    chapter, sheet = unpack(parcel, tmp_path)
    asked = Submission("ada", "ada.ipynb", {0: toy_source.replace("(x + z) / 2\n", "x + z\n")})
    there, here = (grade(c, s, asked, LocalSandbox()) for c, s in ((chapter, sheet), (toy, toy_sheet)))
    assert chapter.course.root == tmp_path and there.verdicts == here.verdicts and there.score == 10


def test_the_secret_seed_stays_behind(parcel) -> None:
    assert sorted(parcel.files) == [
        "solutions/__init__.py",
        "solutions/toy.py",
        "source/course.toml",
        "source/toy.py",
    ]
    assert "a secret for the tests" not in json.dumps([*parcel.files.values(), parcel.sheet])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "0"}, "its autograder is another one, but should be the same"),
        ({"python": "3.9.1"}, "but should be 3.9.1."),
        ({"installed": frozenset({"alchemy-1.0.dist-info"})}, "it lacks alchemy-1.0.dist-info and has"),
    ],
)
def test_a_machine_that_could_judge_otherwise_is_refused(parcel, tmp_path: Path, change, message: str) -> None:
    with pytest.raises(OurError) as refused:
        unpack(replace(parcel, **change), tmp_path)
    assert message in str(refused.value)
    assert list(tmp_path.iterdir()) == []


# ---- a desk ---------------------------------------------------------------------------------------------------------


class Broken(Open):
    def open(self, *args: Any, **options: Any) -> Any:
        raise OurError("the sandbox has died twice")


def at_desk(monkeypatch, parcel, tmp_path: Path, sandbox: Any) -> Desk:
    def opened(**options: Any) -> Any:
        if isinstance(sandbox, Exception):
            raise sandbox
        return sandbox

    monkeypatch.setattr(desks, "open_sandbox", opened)
    monkeypatch.setattr(desks, "keep_compiled", lambda state: None)
    return Desk("tls://there:1", parcel, tmp_path, tmp_path / "state")


def said(text: str) -> Any:
    assert text.isascii()
    document = json.loads(text)
    assert document.pop("worker") == "tls://there:1"
    return document


def test_a_desk_answers_with_a_record(monkeypatch, parcel, toy_source, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, Open())
    assert said(desk.greeting()) == {"layers": ["none"]}
    asked = Submission("ada", "ada.ipynb", {3: toy_source, 5: "print('\ud800')"})
    assert "ada" not in cells_of(asked)
    graded = kept.record_from_text(said(desk.answer(("none",), cells_of(asked)))["graded"])
    assert (graded.student, graded.path, graded.score, sorted(graded.cells)) == ("", "", 12, [3, 5])


def test_a_desk_without_layers_refuses_and_makes_no_zero(monkeypatch, parcel, toy_source, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, MissingLayers("seccomp: not in this kernel"))
    assert said(desk.greeting()) == {"refused": "seccomp: not in this kernel"}
    assert said(desk.answer(("none",), "[]")) == {"refused": "seccomp: not in this kernel"}


def test_a_desk_that_is_enclosed_otherwise_refuses(monkeypatch, parcel, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, Open())
    assert said(desk.answer(("seccomp",), "[]")) == {
        "refused": "submissions are enclosed by none, but should be by seccomp."
    }


def test_a_desk_that_fails_again_and_again_gives_up(monkeypatch, parcel, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, Broken())
    for _ in range(MAX_FAILURES):
        graded = kept.record_from_text(said(desk.answer(("none",), "[]"))["graded"])
        assert (graded.status, graded.message) == ("failed-ours", "OurError: the sandbox has died twice")
    assert said(desk.answer(("none",), "[]")) == {"refused": f"it has failed {MAX_FAILURES} times in a row."}


def test_a_closed_desk_leaves_nothing_behind(monkeypatch, parcel, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, Open())
    desk.greeting()
    (folder,) = tmp_path.glob("chapter-*")
    assert folder.stat().st_mode & 0o777 == 0o700 and (folder / "solutions" / "toy.py").is_file()
    desk.close()
    assert not folder.exists()


# ---- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tcp://10.0.0.7:8786"], "tcp://10.0.0.7:8786 is not protected, but should begin with tls://"),
        (["somewhere"], "--scheduler is somewhere, but should be local, tls://HOST:PORT or tcp://HOST:PORT."),
        (["tls://127.0.0.1:1"], "A tls:// address needs certificates that both sides know: --tls-ca"),
    ],
)
def test_a_scheduler_that_is_not_protected_exits_with_2(
    toy_root, monkeypatch, capsys, tmp_path, words, message
) -> None:
    from autograder.cli import main

    (toy_root / "submitted" / "ada" / "toy").mkdir(parents=True)
    (toy_root / "submitted" / "ada" / "toy" / "toy.ipynb").write_text(json.dumps(plain(CELLS)))
    monkeypatch.chdir(toy_root)
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(sys, "argv", ["autograder", "grade", "toy", "submitted", "--scheduler", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code, message in capsys.readouterr().err) == (2, True)
