"""Grading elsewhere, without a cluster: which addresses are refused, what travels, and who is entered when."""

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder import kept
from autograder.errors import OurError, UsageError
from autograder.grade import grade
from autograder.kept import open_kept
from autograder.records import Graded, Submission
from autograder.sandbox.layers import MissingLayers
from autograder.sandbox.local import LocalSandbox
from autograder.scale import desk as desks
from autograder.scale.desk import MAX_FAILURES, Desk, cells_of
from autograder.scale.ledger import MAX_TRIES, Job, Ledger
from autograder.scale.parcel import pack, unpack
from autograder.scale.where import Where, checked, loopback
from autograder.session import Session
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


class Open(LocalSandbox):
    layers = ("none",)

    def start(self) -> None:
        pass


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
    graded = kept.from_text(said(desk.answer(("none",), cells_of(asked)))["graded"])
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
        graded = kept.from_text(said(desk.answer(("none",), "[]"))["graded"])
        assert (graded.status, graded.message) == ("failed-ours", "OurError: the sandbox has died twice")
    assert said(desk.answer(("none",), "[]")) == {"refused": f"it has failed {MAX_FAILURES} times in a row."}


def test_a_closed_desk_leaves_nothing_behind(monkeypatch, parcel, tmp_path: Path) -> None:
    desk = at_desk(monkeypatch, parcel, tmp_path, Open())
    desk.greeting()
    (folder,) = tmp_path.glob("chapter-*")
    assert folder.stat().st_mode & 0o777 == 0o700 and (folder / "solutions" / "toy.py").is_file()
    desk.close()
    assert not folder.exists()


# ---- the ledger -----------------------------------------------------------------------------------------------------


def graded_as(score: float = 1.0, **more: Any) -> Graded:
    return Graded("", "", "graded", max_score=12.0, seconds=score, **more)


@pytest.fixture
def entered() -> list[Graded]:
    return []


@pytest.fixture
def ledger(toy, toy_sheet, tmp_path: Path, entered) -> Any:
    def of(*classes: str, again: bool = False) -> Ledger:
        found = []
        for number, extra in enumerate(classes):
            path = tmp_path / f"s{number}.ipynb"
            path.write_text(json.dumps(plain([*CELLS, f"extra = {extra!r}"])) if extra else "{")
            found.append((f"s{number}", path))
        session = Session(toy, toy_sheet, Open(), open_kept(tmp_path / "state", "toy", "context", again=again))
        return Ledger(session, found, entered.append)

    return of


def everyone(ledger: Ledger) -> list[Job]:
    return list(iter(ledger.take, None))


def test_everyone_is_sent_once_and_entered_once_in_order(ledger, entered) -> None:
    books = ledger("a", "b", "c")
    jobs = everyone(books)
    for job in reversed(jobs):
        books.commit(job, graded_as(), "there")
    assert [g.student for g in entered] == ["s2", "s1", "s0"]
    assert books.summary() == "3 of 3 were graded now, by 1 workers."
    assert [g.student for g in books.results()] == ["s0", "s1", "s2"]
    with pytest.raises(OurError, match="s0 was graded twice"):
        books.commit(jobs[0], graded_as(), "there")


def test_the_same_cells_are_sent_once_and_entered_for_each(ledger, entered) -> None:
    books = ledger("a", "b", "a", "a")
    first, other = everyone(books)
    books.commit(other, graded_as(2.0), "there")
    books.commit(first, graded_as(), "there")
    assert everyone(books) == []
    assert [(g.student, g.seconds) for g in books.results()] == [("s0", 1.0), ("s1", 2.0), ("s2", 1.0), ("s3", 1.0)]


def test_what_was_graded_in_a_hurry_is_entered_for_one_and_sent_again_for_the_next(ledger, entered) -> None:
    books = ledger("a", "a")
    (first,) = everyone(books)
    books.commit(first, graded_as(hurried=True), "there")
    (second,) = everyone(books)
    books.commit(second, graded_as(), "there")
    assert [g.hurried for g in books.results()] == [True, False]


def test_an_earlier_run_is_gone_on_with(ledger, entered) -> None:
    books = ledger("a", "b")
    books.commit(everyone(books)[0], graded_as(), "there")
    rest = ledger("a", "b")
    (job,) = everyone(rest)
    assert (job.submission.student, entered[-1].student) == ("s1", "s0")
    assert len(everyone(ledger("a", "b", again=True))) == 2


def test_a_file_that_is_no_notebook_is_entered_at_once(ledger, entered) -> None:
    books = ledger("a", "")
    (job,) = everyone(books)
    assert [(g.student, g.status) for g in entered] == [("s1", "unreadable")]
    books.commit(job, graded_as(), "there")
    assert [g.status for g in books.results()] == ["graded", "unreadable"]


def test_a_failure_of_ours_is_tried_again_and_then_is_no_score(ledger, entered) -> None:
    books = ledger("a")
    numbers = []
    for _ in range(MAX_TRIES):
        (job,) = everyone(books)
        numbers.append(job.number)
        books.failed(job, "the machine went up in smoke")
    assert everyone(books) == [] and len(set(numbers)) == MAX_TRIES
    (entry,) = books.results()
    assert (entry.status, entry.message) == ("failed-ours", "OurError: the machine went up in smoke")
    assert entry.max_score == 12


def test_one_that_was_refused_has_not_been_tried(ledger) -> None:
    books = ledger("a")
    for _ in range(2 * MAX_TRIES):
        (job,) = everyone(books)
        books.back(job)
    (job,) = everyone(books)
    assert job.failures == 0


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


class Scheduler:
    """What is asked of a client before a class is graded."""

    status = "running"

    def __init__(self, error: Exception | None = None, greetings: dict[str, str] | None = None):
        self._error, self._greetings = error, greetings or {}

    def nthreads(self) -> dict[str, int]:
        return {"tls://there:1": 1}

    def register_plugin(self, plugin: Any, name: str) -> None:
        if self._error:
            raise self._error

    def run(self, function: Any, name: str, on_error: str) -> dict[str, str]:
        return self._greetings

    def unregister_worker_plugin(self, name: str) -> None:
        raise OSError("it has gone")


def opened_at(monkeypatch, toy_root: Path, tmp_path: Path, scheduler: Scheduler) -> tuple[str, ...]:
    from autograder.scale import remote
    from autograder.settings import Settings

    monkeypatch.setattr(remote, "connected", lambda where: nullcontext(scheduler))
    settings = Settings(toy_root, tmp_path / "state")
    with remote.open_remote(settings, "toy", Where("tls://there:2"), tell=lambda text: None) as opened:
        return opened.session.sandbox.layers


def test_workers_without_the_engine_are_our_failure(monkeypatch, toy_root: Path, tmp_path: Path) -> None:
    with pytest.raises(OurError, match=r"could not be prepared \(ModuleNotFoundError: No module named 'autograder'\)"):
        opened_at(monkeypatch, toy_root, tmp_path, Scheduler(ModuleNotFoundError("No module named 'autograder'")))


def test_workers_are_enclosed_alike_or_nothing_is_graded(monkeypatch, toy_root: Path, tmp_path: Path) -> None:
    def greeting(worker: str, *layers: str) -> dict[str, str]:
        return {worker: json.dumps({"worker": worker, "layers": layers})}

    alike = greeting("a", "seccomp", "limits") | greeting("b", "seccomp", "limits")
    assert opened_at(monkeypatch, toy_root, tmp_path, Scheduler(None, alike)) == ("seccomp", "limits")
    with pytest.raises(OurError, match="enclosed alike everywhere, but are on b by seccomp, limits; c by seccomp."):
        opened_at(monkeypatch, toy_root, tmp_path, Scheduler(None, alike | greeting("c", "seccomp")))
