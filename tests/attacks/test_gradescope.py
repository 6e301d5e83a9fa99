"""A submission is graded as on Gradescope: in a container of root's without namespaces, by what the zip brings."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import container
import nbformat
import pytest
from graded_class import TOY, canaries

from autograder import report
from autograder.backends.gradescope.bundle import bundle
from autograder.backends.gradescope.results import STAFF
from autograder.course import Chapter, load_chapter, load_course
from autograder.records import Sheet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("gradescope"),
    pytest.mark.skipif(os.geteuid() != 0, reason="in Gradescope's container submissions are graded by root"),
]

TRICKS = {p.stem: p.read_text("utf-8") for p in sorted((Path(__file__).parent / "gradescope").glob("*.py"))}
PERFECT = (TOY / "solutions" / "toy.py").read_text("utf-8")
WRONG = '''
import os
def halfway(x, z):
    return x + z
def table(f, A, B):
    os._exit(0)
def nearest(A, B):
    raise ValueError(repr(A.tolist()))
'''
POINTS = {"halfway": 2, "sqdist": 3, "table": 2, "nearest": 2, "Line": 2, "visits": 1}


def notebook(*sources: str) -> str:
    return nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]))


def expected(line: str) -> dict[str, float]:
    """What each exercise earns when all tricks are handed in together."""
    found = (re.search(rf"^# {line}: (\w+)=([\d.]+)/", text, re.MULTILINE) for text in TRICKS.values())
    return POINTS | {match[1]: float(match[2]) for match in found if match}


def earned(results: Mapping[str, Any]) -> dict[str, float]:
    return {part["name"]: part["score"] for part in results["tests"] if "score" in part}


def students(results: Mapping[str, Any]) -> str:
    """All that students will ever see."""
    return json.dumps({**results, "tests": [p for p in results["tests"] if p["visibility"] != "hidden"]})


@pytest.fixture(scope="module")
def chapter(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """The toy chapter, with time enough for workers that begin cold on a busy machine."""
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("course") / "toy"))
    settings = (root / "source" / "course.toml").read_text()
    patient = "[limits]\ncheck_seconds = 60\ncell_seconds = 60\nsubmission_seconds = 300\nmemory_mb = 900\n"
    (root / "source" / "course.toml").write_text(re.sub(r"\[limits\]\n(\w+ = .*\n)+", patient, settings))
    return load_chapter(load_course(root), "toy")


@pytest.fixture(scope="module")
def sheet(chapter: Chapter) -> Sheet:
    return chapter.sheet(b"a secret for gradescope")


@pytest.fixture(scope="module")
def image(chapter: Chapter, sheet: Sheet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The container's image, built by the zip's own `setup.sh`."""
    packed = bundle(chapter, sheet, "after_published")
    assert packed == bundle(chapter, sheet, "after_published")
    return container.build(packed, tmp_path_factory.mktemp("image"))


def test_a_perfect_submission_has_all_points_each_time(image: Path) -> None:
    done = container.run(image, {"toy.ipynb": notebook(PERFECT)})
    assert (done.status, done.results["score"], earned(done.results), done.left) == (0, 12, POINTS, ())
    (staff,) = [p for p in done.results["tests"] if p["name"] == STAFF]
    assert staff["output"].startswith("Isolation: Landlock") and "user 61300" in staff["output"]


def test_a_wrong_submission_learns_why_and_nothing_of_hidden_inputs(image: Path, sheet: Sheet) -> None:
    done = container.run(image, {"my work.ipynb": notebook(PERFECT, WRONG)})
    assert earned(done.results) == POINTS | {"halfway": 0, "table": 0, "nearest": 0}
    assert done.results["score"] == 6 and done.left == ()
    said = {p["name"]: p for p in done.results["tests"]}
    assert "You added the points" in said["halfway (visible checks)"]["output"]
    assert "(hidden)" not in "".join(p["output"] for p in said.values() if p["visibility"] == "visible")
    assert said["halfway"]["visibility"] == "after_published"
    assert "table ended Python" in said["table (visible checks)"]["output"]
    shown = students(done.results)
    assert "nearest raised ValueError" in shown
    assert [secret for secret in canaries(sheet) if secret in shown] == []
    assert [secret for secret in canaries(sheet) if secret in said[STAFF]["output"]]
    assert "stdout_visibility" in done.results and done.results["stdout_visibility"] == "hidden"


def test_tricks_earn_nothing_and_leave_nothing(image: Path) -> None:
    done = container.run(image, {"toy.ipynb": notebook(PERFECT, *TRICKS.values())})
    assert earned(done.results) == expected("expect")
    assert done.results["score"] == 3 and done.left == ()
    assert "forged" not in json.dumps(done.results)


def test_without_layers_every_trick_would_work(image: Path) -> None:
    done = container.run(image, {"toy.ipynb": notebook(PERFECT, *TRICKS.values())}, layered=False)
    assert earned(done.results) == expected("without layers")
    assert done.left != ()


def test_where_a_layer_is_missing_nothing_is_graded(image: Path) -> None:
    done = container.run(image, {"toy.ipynb": notebook(PERFECT)}, without="landlock_create_ruleset")
    assert done.status == 3
    assert done.results["output"] == report.STATUS["failed-ours"]
    assert "score" not in json.dumps(done.results).replace("no score", "")
    (staff,) = done.results["tests"]
    assert staff["visibility"] == "hidden"
    assert "this machine cannot enclose them" in staff["output"] and "Landlock" in staff["output"]


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS)
def test_every_trick_says_what_it_tries_and_with_what_guard_taken_away(text: str) -> None:
    assert re.match(r"# expect: \w+=0/\d\n# without layers: \w+=[1-9]/\d\n# [ISV]\d", text)
