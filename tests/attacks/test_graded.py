"""Hostile submissions graded as any other, by `grade`, and by nbgrader in workers that inherit traced programs.

Both give the same verdicts. `graded/README.md` says what the files mean. `test_graded_shown` asks what anybody gets to
see, `test_graded_elsewhere` grades the class on other machines, and `test_graded_twins` takes the guards away.
"""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.utils import determine_grade

from autograder.attempt import NOT_KEPT
from autograder.notebook.read import read
from graded_class import (
    CLASSMATES,
    EVERYONE,
    entry_of,
    expected_of,
    hand_in,
    handed_in,
    in_this_process,
    scores,
    secrets_of,
    spoiled,
    wrong_with,
)
from nbgrader_class import Class, autograded, book, record

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("graded")]


@pytest.mark.parametrize("student", EVERYONE)
def test_a_trick_earns_only_what_its_answers_earn_and_tells_nothing(graded: Class, student: str) -> None:
    own = "\n".join(source for _, source in handed_in(student, graded.root))
    secrets = secrets_of(graded.sheet, own)
    assert len(secrets) > 200
    assert wrong_with(graded.directly[student], expected_of(student), secrets) == []


@pytest.mark.parametrize("student", EVERYONE)
def test_both_paths_agree(graded: Class, student: str) -> None:
    ours, theirs = entry_of(graded.directly[student]), record(graded, student)
    assert theirs["status"] == "graded"
    assert scores(ours) == scores(theirs)
    assert findings(ours) == findings(theirs)


@pytest.mark.parametrize("student", EVERYONE)
def test_the_gradebook_has_these_scores(graded: Class, student: str) -> None:
    expected = {e["name"]: e["score"] for e in record(graded, student)["exercises"]}
    assert book(graded.root, student)[0] == expected
    notebook = nbformat.reads(autograded(graded, student), 4)
    checks = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-")]
    assert {c.metadata.nbgrader["grade_id"]: determine_grade(c)[0] for c in checks} == {
        f"check-{name}": score for name, score in expected.items()
    }


@pytest.mark.parametrize("student", CLASSMATES)
def test_a_classmate_has_all_points(graded: Class, student: str) -> None:
    assert graded.directly[student].score == 12
    assert sum(score or 0 for score in book(graded.root, student)[0].values()) == 12
    assert record(graded, student)["notes"] == []


def test_nothing_of_the_grader_s_was_written(graded: Class) -> None:
    assert spoiled(graded.root) == []


def test_no_process_and_no_folder_is_left_behind(graded: Class) -> None:
    assert graded.processes[1] - graded.processes[0] == set()
    assert graded.folders[1] - graded.folders[0] == set()


def test_outputs_are_kept_while_there_is_room(graded: Class) -> None:
    flood = graded.directly["flood_of_cells"].cells
    kept = [sum(len(o["text"]) for o in outputs) for _, outputs in sorted(flood.items())]
    assert 16 <= kept.count(60_001) < 20
    assert flood[41] == (NOT_KEPT,)


def test_a_law_is_told_only_so_much(graded: Class) -> None:
    (visits,) = [v for v in graded.directly["flood_of_callbacks"].verdicts if v.name == "visits"]
    assert {f.message for f in visits.findings} == {"visits gave an answer that cannot be read."}


def findings(entry: Any) -> list[tuple[Any, ...]]:
    """What came of each check, and how. Memory may run out with an exception or with the process."""
    return [
        (e["name"], f["label"], f["passed"], "out of memory" if e["name"] in out_of_memory(entry) else f["kind"])
        for e in entry["exercises"]
        for f in e["findings"]
    ]


def out_of_memory(entry: Any) -> tuple[str, ...]:
    """The exercises whose functions call themselves without end, and have lifted Python's own limit."""
    return ("Line",) if entry["student"] == "four_ways_to_die" else ()


# ---- what each guard is for --------------------------------------------------------------------------------------


def test_nbgrader_would_take_the_early_number(graded: Class) -> None:
    outputs = graded.directly["early_number"].cells[0]
    cell = nbformat.v4.new_code_cell("2.0", outputs=[nbformat.from_dict(dict(o)) for o in outputs])
    cell.metadata["nbgrader"] = {"grade": True, "solution": False, "points": 2.0, "grade_id": "check-halfway"}
    assert determine_grade(cell)[0] == 2.0


def test_without_a_sandbox_the_gradebook_is_rewritten(graded: Class, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(graded.root, tmp_path / "course"))
    in_this_process("write_the_gradebook", copy, graded.sheet)
    with sqlite3.connect(copy / "gradebook.db") as gradebook:
        assert {score for (score,) in gradebook.execute("select manual_score from grade")} == {0}
    assert (copy / "submitted" / "honest" / "toy" / "toy.ipynb").read_text() == "spoiled"


def test_a_wrong_expectation_is_noticed(graded: Class) -> None:
    wrong = wrong_with(graded.directly["constant_answers"], expected_of("honest"), ())
    assert len(wrong) == 1 and wrong[0].startswith("score=12/12, but found {")
    assert wrong_with(graded.directly["honest"], "score=12/12 halfway<2", ())[0].startswith("halfway<2, but found {")
    assert wrong_with(graded.directly["honest"], "carried:nearest", ()) == [
        "carried:nearest, but other exercises were carried"
    ]
    assert wrong_with(graded.directly["honest"], "score<12/12 score=12 much", ()) == [
        f"{item} cannot be read" for item in ("score<12/12", "score=12", "much")
    ]


def test_a_submission_is_what_its_file_says(graded: Class) -> None:
    read_back = read(hand_in(graded.root, "four_ways_to_die"), "four_ways_to_die")
    assert [s.split("(")[0] for s in read_back.cells.values()][:2] == ["def nearest", "def visits"]
