"""What becomes of submissions on their way, with a cluster whose answers are told beforehand."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from scaled import graded_as, ledgers

from autograder import kept
from autograder.errors import OurError
from autograder.records import Graded
from autograder.scale import remote
from autograder.scale.ledger import MAX_TRIES
from autograder.scale.where import Where
from autograder.settings import Settings


@pytest.fixture
def ledger(toy, toy_sheet, tmp_path: Path) -> Any:
    return ledgers(toy, toy_sheet, tmp_path, lambda graded: None)


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


class Task:
    """A future whose life is told beforehand: the statuses at which its owner looks, and what it says at last."""

    def __init__(self, key: str, life: list[str], said: str = ""):
        self.key, self._life, self._said = key, life, said
        self.status = "pending"

    def add_done_callback(self, heard: Any) -> None:
        self.status = self._life.pop(0)
        heard(self)

    def result(self) -> str:
        return self._said

    def exception(self) -> Exception:
        return RuntimeError("it died with four workers")

    def release(self) -> None:
        pass


class Cluster(Scheduler):
    """Answers each submission as `answer` says: a life, and the last words."""

    def __init__(self, answer: Any, workers: dict[str, int]):
        super().__init__()
        self._answer, self.workers, self.keys = answer, workers, list[str]()

    def nthreads(self) -> dict[str, int]:
        return dict(self.workers)

    def submit(self, function: Any, name: str, layers: Any, cells: str, *, key: str, pure: bool) -> Task:
        self.keys.append(key)
        life, said = self._answer(len(self.keys), cells)
        return Task(key, life, said)

    def retire_workers(self, workers: list[str]) -> None:
        for worker in workers:
            del self.workers[worker]

    def cancel(self, futures: list[Any], force: bool) -> None:
        assert force


def record(worker: str = "a", **facts: Any) -> str:
    return json.dumps({"worker": worker, **(facts or {"graded": kept.record_to_text(graded_as())})})


def on_a_cluster(
    ledger: Any, answer: Any, classes: str, workers: dict[str, int], *, again: bool = False
) -> tuple[list[Graded], list[str], Any]:
    books, told, there = ledger(*classes, again=again), list[str](), Cluster(answer, workers)
    made = remote.Remote(books.session, there, "name", told.append)  # type: ignore[arg-type]
    return made.grade_all(books.found, lambda graded: None), told, there


def test_a_record_that_was_lost_on_the_way_is_waited_for(ledger) -> None:
    results, _, there = on_a_cluster(ledger, lambda n, cells: (["lost", "finished"], record()), "ab", {"a": 1})
    assert [g.status for g in results] == ["graded", "graded"]
    assert len(set(there.keys)) == 2


def test_no_two_runs_give_a_task_the_same_name(ledger) -> None:
    runs = [
        on_a_cluster(ledger, lambda n, cells: (["finished"], record()), "ab", {"a": 1}, again=True)[2] for _ in range(2)
    ]
    assert len({key for there in runs for key in there.keys}) == 4


def test_a_worker_that_refuses_is_retired_and_told_of_once(ledger) -> None:
    def answer(number: int, cells: str) -> tuple[list[str], str]:
        return ["finished"], record("bad", refused="no seccomp") if number <= 2 else record("good")

    results, told, there = on_a_cluster(ledger, answer, "abc", {"good": 1, "bad": 1})
    assert [g.status for g in results] == ["graded"] * 3 and there.workers == {"good": 1}
    assert told == [
        "The worker bad grades nothing: no seccomp",
        "3 of 3 were graded now, by 1 workers.",
    ]


def test_the_last_worker_s_refusal_ends_the_run(ledger) -> None:
    with pytest.raises(OurError, match="No worker is left that can grade. The last one, bad, said: no seccomp"):
        on_a_cluster(ledger, lambda n, c: (["finished"], record("bad", refused="no seccomp")), "ab", {"bad": 1})


def test_a_submission_that_no_worker_survives_has_no_score(ledger) -> None:
    def answer(number: int, cells: str) -> tuple[list[str], str]:
        return (["error"], "") if "'a'" in cells else (["finished"], record())

    results, _, there = on_a_cluster(ledger, answer, "ab", {"good": 1})
    assert [g.status for g in results] == ["failed-ours", "graded"] and len(there.keys) == MAX_TRIES + 1
    assert results[0].message == "OurError: its worker was lost again and again: it died with four workers"


def test_a_scheduler_that_forgets_its_tasks_is_our_failure(ledger) -> None:
    with pytest.raises(OurError, match="The Dask scheduler was lost. What had finished is kept"):
        on_a_cluster(ledger, lambda n, c: (["cancelled"], ""), "ab", {"a": 1})
