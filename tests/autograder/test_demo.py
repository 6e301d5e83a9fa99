"""The sample class: how its notebooks are made, and what the demo refuses. The loop itself is too long for a test."""

import json
from pathlib import Path

import pytest

from autograder.demo.expecting import differences
from autograder.demo.handing_in import refuse_real_work
from autograder.demo.students import CLASS, copy_check, cut_off, fill, lose_metadata, sample_path
from autograder.errors import UsageError

ROOT = Path(__file__).parent.parent.parent
SAMPLE = "# expect: f=2/2\n# %%\nimport os\n\n# %%\ndef f(x):\n    return x\n"


def cell(kind: str, source: str, grade_id: str = "", **flags: bool) -> dict[str, object]:
    metadata = {"nbgrader": {"grade_id": grade_id, **flags}} if grade_id else {}
    return {"cell_type": kind, "id": grade_id or source[:4], "metadata": metadata, "source": source}


RELEASED = {
    "cells": [
        cell("code", "import jax"),
        cell("code", "def f(x): ...", "f", solution=True),
        cell("code", "check(f)", "check-f", grade=True),
    ],
    "metadata": {},
}


def test_every_sample_of_the_class_is_there() -> None:
    assert [s.sample for s in CLASS if not sample_path(ROOT, "kernel", s).is_file()] == []
    assert len({s.name for s in CLASS}) == len(CLASS) >= 14


def test_answers_go_to_their_starters_and_all_else_before_them() -> None:
    made = fill(RELEASED, SAMPLE, {"f": "f"})
    assert [c["source"] for c in made["cells"]] == ["import jax", "import os", "def f(x):\n    return x", "check(f)"]


def test_accidents_change_what_they_say() -> None:
    assert {json.dumps(c["metadata"]) for c in lose_metadata(RELEASED)["cells"]} == {"{}"}
    assert [c["source"] for c in copy_check(RELEASED)["cells"]].count("check(f)") == 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut_off(RELEASED))


def test_what_a_sample_must_get_is_held_against_the_record() -> None:
    exercise = {
        "name": "f",
        "score": 1.0,
        "max_score": 2.0,
        "diagnosis": None,
        "carried_forward": False,
        "attempted": True,
    }
    entry = {"status": "graded", "score": 1.0, "max_score": 2.0, "exercises": [exercise]}
    assert differences("# expect: f=1/2 f<2 score=1/2", entry) == []
    assert differences("# expect: f=2/2 mistake:f=g missing:f", entry) == [
        "f=2/2, but 1/2",
        "mistake:f=g, but None",
        "missing:f, but attempted",
    ]


def test_the_demo_never_touches_a_course_at_work(tmp_path: Path) -> None:
    refuse_real_work(tmp_path)
    (tmp_path / "gradebook.db").write_bytes(b"")
    with pytest.raises(UsageError, match=r"gradebook.db is not the demo's own"):
        refuse_real_work(tmp_path)
    (tmp_path / "submitted" / "a-real-student").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"a-real-student, who is not of the sample class"):
        refuse_real_work(tmp_path)
