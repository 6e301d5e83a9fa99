"""What was graded is not graded again; what might have come out otherwise is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.grade import grade
from autograder.kept import Kept, installed, key_of, open_kept
from autograder.records import Finding, Graded, Submission, Verdict
from autograder.sandbox.local import LocalSandbox
from autograder.session import Session

FINDING = Finding("three dimensions", True, False, "value", "no \ud800 letter", "hint", "mistake")
VERDICT = Verdict("f", 1.5, 2.0, (FINDING,), "mistake", "hint", carried_forward=True)
CELLS = {0: "x = 1", 3: "'\ud800é'"}
OUTPUT = {"output_type": "stream", "name": "stdout", "text": "hello\n"}


def submission(student: str = "ada", cells=CELLS, notes=()) -> Submission:
    return Submission(student, f"{student}.ipynb", cells, notes)


def graded(student: str = "ada", **more) -> Graded:
    return Graded(student, f"{student}.ipynb", "graded", (VERDICT,), 2.0, 0.5, cells={3: (OUTPUT,)}, **more)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return open_kept(tmp_path, "course-toy", "context")


def found(kept: Kept, asked: Submission) -> Graded | None:
    with kept.of(asked) as known:
        return known


def test_a_graded_submission_comes_back_as_it_was(kept: Kept) -> None:
    kept.keep(submission(), graded())
    assert found(kept, submission()) == graded()


def test_it_comes_back_under_the_name_and_with_the_notes_of_whoever_asks(kept: Kept) -> None:
    ada, bob = submission(notes=("The file is old.",)), submission("bob", notes=("Renamed.",))
    kept.keep(ada, graded(notes=("The file is old.", "Cell 4 did not end in time.")))
    assert found(kept, bob) == graded("bob", notes=("Renamed.", "Cell 4 did not end in time."))


@pytest.mark.parametrize("cells", [{}, {0: "x = 1"}, {0: "x = 2", 3: "'\ud800é'"}, {1: "x = 1", 3: "'\ud800é'"}])
def test_other_cells_are_another_submission(kept: Kept, cells: dict[int, str]) -> None:
    kept.keep(submission(), graded())
    assert found(kept, submission(cells=cells)) is None


@pytest.mark.parametrize("change", [{"hurried": True}, {"status": "failed-ours"}, {"status": "unreadable"}])
def test_what_may_come_out_otherwise_is_not_kept(kept: Kept, change) -> None:
    kept.keep(submission(), replace(graded(), **change))
    assert found(kept, submission()) is None


def test_another_context_knows_nothing_and_removes_what_was(tmp_path: Path, kept: Kept) -> None:
    kept.keep(submission(), graded())
    assert found(open_kept(tmp_path, "course-other", "context"), submission()) is None
    assert found(open_kept(tmp_path, "course-toy", "context"), submission()) == graded()
    assert found(open_kept(tmp_path, "course-toy", "other limits"), submission()) is None
    assert not kept.folder.exists()


def test_asked_to_grade_again_it_knows_only_what_this_run_has_graded(tmp_path: Path, kept: Kept) -> None:
    kept.keep(submission(), graded())
    again = open_kept(tmp_path, "course-toy", "context", again=True)
    assert found(again, submission()) is None
    again.keep(submission(), graded())
    assert found(again, submission("bob")) == graded("bob")


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "null", '{"verdicts": []}', '{"verdicts": 5, "cells": {}, "notes": []}', "[" * 100_000, "\x00"],
)
def test_a_damaged_file_is_graded_again(kept: Kept, damage: str) -> None:
    kept.keep(submission(), graded())
    (path,) = kept.folder.iterdir()
    path.write_text(damage)
    assert found(kept, submission()) is None


def test_only_the_grader_can_read_it(kept: Kept) -> None:
    kept.keep(submission(), graded())
    (path,) = kept.folder.iterdir()
    assert path.name == f"{key_of(submission())}.json"
    assert (path.stat().st_mode & 0o777, kept.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    json.loads(path.read_text("ascii"))


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("in the way")
    kept = open_kept(tmp_path, "course-toy", "context")
    kept.keep(submission(), graded())
    assert found(kept, submission()) is None


def test_the_same_cells_are_graded_once(toy, toy_sheet, toy_source, kept: Kept, monkeypatch) -> None:
    asked = []

    def counted(chapter, sheet, submitted, sandbox, **options):
        asked.append(submitted.student)
        return grade(chapter, sheet, submitted, sandbox, **options)

    monkeypatch.setattr("autograder.session.grade", counted)
    session = Session(toy, toy_sheet, LocalSandbox(), kept)
    results = [session.grade(submission(name, {0: toy_source})) for name in ("ada", "bob", "cyd")]
    results.append(session.grade(submission("dan", {0: toy_source, 1: "# mine"})))
    assert asked == ["ada", "dan"]
    assert [(g.student, g.score, g.path) for g in results] == [
        (n, 12, f"{n}.ipynb") for n in ("ada", "bob", "cyd", "dan")
    ]


def test_what_is_installed_is_part_of_the_context() -> None:
    assert "numpy-" in installed() and "jax-" in installed()
