"""A class graded by a real scheduler and real workers: killed, joined and refused; nobody is lost, nobody twice."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, certify, cluster, until
from crowd import GRADE, crowd, descendants, kept, report_of, started

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("kill")]
SIZE = 10
GRADING = ("grade", "toy", "submitted", "--json", "report.json")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOGRADER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def two(tmp_path: Path, state: Path) -> Iterator[Cluster]:
    """A cluster of two workers."""
    with cluster(tmp_path / "cluster") as made:
        made.join("one")
        made.join("two")
        yield made


class Command:
    """`autograder grade` at work on a class of `SIZE`, and what it said."""

    def __init__(self, tmp_path: Path, *options: str, seconds: float = 1):
        self.root, self.log = tmp_path / "course", tmp_path / "log"
        self.wanted = crowd(self.root, SIZE, seconds=seconds)
        self.process = started(GRADE, (*GRADING, *options), self.root, self.log)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def ends(self) -> int:
        return self.process.wait(300)

    def again(self, *options: str) -> int:
        """The same command once more, from its beginning to its end."""
        return started(GRADE, (*GRADING, *options), self.root, self.log).wait(300)

    def whole(self) -> list[Any]:
        """The submissions of the report: each once, in order, with its score."""
        submissions = report_of(self.root / "report.json")["submissions"]
        scores = {s["student"]: (s["status"], s["score"]) for s in submissions}
        assert [s["student"] for s in submissions] == list(self.wanted)
        assert scores == {student: ("graded", score) for student, score in self.wanted.items()}
        return [s | {"seconds": 0, "exercises": [e | {"seconds": 0} for e in s["exercises"]]} for s in submissions]


def test_a_worker_killed_and_a_worker_joined_lose_none_and_double_none(tmp_path: Path, state: Path, two: Cluster):
    command = Command(tmp_path, *two.options)
    until(lambda: len(kept(state)) >= 3, lambda: command.said)
    before = kept(state)
    family = descendants(two.workers["one"].pid)
    assert family, "the worker has a sandbox"
    two.workers["one"].kill()
    two.workers["one"].wait()
    two.join("three")
    assert command.ends() == 0, command.said
    after = kept(state)
    assert before.items() <= after.items(), "what was graded was graded again"
    assert len(after) == SIZE
    assert f"{SIZE} of {SIZE} were graded now, by 3 workers." in command.said
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), lambda: "the sandbox outlived its worker")
    ours = command.whole()
    until(lambda: not list(two.folder.glob("t*/**/chapter-*")), lambda: "solutions stayed on the workers' disks")
    assert command.again("--again") == 0, command.said  # without Dask
    assert command.whole() == ours
    print(f"cluster: 1 worker killed, 1 joined, {SIZE} graded, 0 lost, 0 doubled")


def test_the_next_run_knows_what_the_cluster_has_graded(tmp_path: Path, state: Path, two: Cluster):
    command = Command(tmp_path, *two.options)
    assert command.ends() == 0, command.said
    done = kept(state)
    assert command.again() == 0 and command.again(*two.options) == 0, command.said
    assert f"0 of {SIZE} were graded now, by 0 workers." in command.said
    assert kept(state) == done
    command.whole()


def test_a_worker_without_layers_refuses_the_class_and_makes_no_zero(tmp_path: Path, state: Path, two: Cluster):
    until(lambda: "Registered to" in (two.folder / "two.log").read_text(), lambda: "no worker came")
    weak = two.join("weak", weak=True)
    until(lambda: "Registered to" in (two.folder / "weak.log").read_text(), lambda: "it did not come")
    command = Command(tmp_path, *two.options)
    assert command.ends() == 3, command.said
    assert "Our fault, no grade was written: Nothing was graded, because not all workers can grade:" in command.said
    assert "seccomp: System calls cannot be filtered (not in this kernel)" in command.said
    assert command.said.count("- tls://127.0.0.1:") == 1
    assert kept(state) == {} and not (command.root / "report.json").exists()
    weak.kill()
    weak.wait()
    assert command.again(*two.options) == 0, command.said
    command.whole()


def test_a_worker_without_layers_that_joins_later_is_told_of_and_gets_nothing(
    tmp_path: Path, state: Path, two: Cluster
):
    command = Command(tmp_path, *two.options, seconds=4)  # so that it is still at work when the other has joined
    until(lambda: kept(state), lambda: command.said)
    weak = two.join("weak", weak=True)
    assert command.ends() == 0, command.said
    assert "grades nothing: Submissions are not graded, because this machine cannot" in command.said
    assert weak.wait(60) == 0  # retired
    assert f"{SIZE} of {SIZE} were graded now, by 2 workers." in command.said
    command.whole()


def test_a_lost_scheduler_is_our_fault_and_what_had_finished_is_kept(tmp_path: Path, state: Path, two: Cluster):
    command = Command(tmp_path, *two.options)
    until(lambda: len(kept(state)) >= 2, lambda: command.said)
    two.scheduler.kill()
    assert command.ends() == 3, command.said
    assert "The Dask scheduler was lost. What had finished is kept" in command.said
    done = kept(state)
    finished = report_of(command.root / "report.json")["submissions"]
    assert 2 <= len(finished) == len(done) < SIZE
    assert command.again() == 0, command.said
    assert done.items() <= kept(state).items()
    command.whole()


def test_ctrl_c_leaves_finished_work_and_nothing_else(tmp_path: Path, state: Path):
    root, log = tmp_path / "course", tmp_path / "log"
    wanted = crowd(root, SIZE, seconds=1)
    process = started(GRADE, (*GRADING, "--scheduler", "local"), root, log, alone=True)
    until(lambda: len(kept(state)) >= 2, log.read_text)
    family = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(60) == 130, log.read_text()
    assert "Stopped: what had finished is kept." in log.read_text()
    assert "Traceback" not in log.read_text()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), lambda: "something outlived the grader")
    done = kept(state)
    finished = report_of(root / "report.json")["submissions"]
    assert 2 <= len(finished) == len(done) < SIZE
    assert started(GRADE, (*GRADING, "--scheduler", "local"), root, log).wait(300) == 0, log.read_text()
    assert done.items() <= kept(state).items()
    scores = {s["student"]: s["score"] for s in json.loads((root / "report.json").read_text())["submissions"]}
    assert scores == wanted


def test_a_stranger_without_the_certificate_is_not_listened_to(tmp_path: Path, two: Cluster):
    (tmp_path / "stranger").mkdir()
    certify(tmp_path / "stranger")
    words = [word.replace(str(two.folder), str(tmp_path / "stranger")) for word in two.options]
    command = Command(tmp_path, *words)
    assert command.ends() == 2, command.said
    assert f"The scheduler at {two.address} does not answer" in command.said
