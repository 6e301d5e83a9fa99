"""The front door with nbgrader itself behind its buttons: release, hand in, grade on submission, grade, give back."""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from toy_hub import Hub, running

from autograder.backends.nbgrader.inbound import STAMP
from autograder.course import load_course
from autograder.hub.door import tries
from autograder.hub.door.place import Place, find_place
from autograder.hub.door.watch import Grader, Watch
from autograder.notebook.build import build
from autograder.secret import secret_seed
from autograder.settings import Settings

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("door")]
TOY = Path(__file__).parent.parent / "toy"
CONFIG = """
from pathlib import Path
from autograder.backends.nbgrader import configure
c = get_config()
root = Path(__file__).resolve().parent
configure(c, root)
c.Exchange.root = str(root.parent / "exchange")
c.ExchangeCollect.check_owner = False
"""
PEOPLE = {"prof": ["formgrade-toy"], "ada": ["nbgrader-toy"], "bob": ["nbgrader-toy"]}
LONG = 900.0


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("loop")
    root = Path(shutil.copytree(TOY, folder / "course"))
    (root / "nbgrader_config.py").write_text(CONFIG)
    build(load_course(root), ("toy",))
    (folder / "exchange").mkdir()
    return find_place(Settings(root, folder / "state"))


@pytest.fixture(scope="module")
def hub(place) -> Iterator[Hub]:
    with running(place, PEOPLE) as made:
        yield made


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)


def press(hub: Hub, kind: str) -> None:
    assert hub.post("prof", f"do/{kind}/toy").status_code == 303
    job = hub.work.jobs["toy"]
    until(lambda: not job.alive)
    assert job.state == "done", list(job.log)


def hand_in(place: Place, student: str, at: str, change: Callable[[str], str] = str) -> None:
    """The released notebook with the answers in it, as nbgrader's own command would lay it down."""
    solved = nbformat.read(place.root / "source" / "toy" / "toy.ipynb", 4)
    made = nbformat.read(place.outbound / "toy" / "toy.ipynb", 4)
    for cell, answer in zip(made.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code":
            cell.source = change("\n".join(line for line in answer.source.split("\n") if "SOLUTION" not in line))
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "Because the triangle inequality does not hold."
    folder = place.inbound / f"{student}+toy+{at}+{len(list(place.inbound.iterdir()))}"
    folder.mkdir()
    nbformat.write(made, folder / "toy.ipynb")
    (folder / STAMP).write_text(at)
    (folder / "submission_secret.txt").write_text(hashlib.sha256(os.urandom(8)).hexdigest())


def test_the_place_is_read_from_nbgraders_configuration(place):
    assert place.exchange == place.root.parent / "exchange" and place.check_owner is False
    assert place.database == f"sqlite:///{place.root}/gradebook.db"
    assert (place.instructors, place.students) == ("formgrade-toy", "nbgrader-toy")


def test_the_whole_loop(hub, place):
    assert "Not released" in hub.get("ada", "").text
    press(hub, "release")
    assert (place.outbound / "toy" / "toy.ipynb").is_file()
    page = hub.get("ada", "").text
    assert "Not begun" in page and "Open" in page
    at = "2026-11-20 10:00:00.000000 UTC"
    hand_in(place, "ada", at)
    hand_in(place, "bob", at, lambda text: text.replace("return (x + z) / 2", "return x + z"))
    assert "Handed in" in hub.get("ada", "").text
    assert "<dt>submitted</dt><dd>2</dd>" in hub.get("prof", "").text
    press(hub, "grade")
    page = hub.get("ada", "").text
    assert "Graded; your instructor has not returned it yet" in page and "Score" not in page
    page = hub.get("prof", "").text
    assert "<dt>graded</dt><dd>2</dd>" in page and "<dt>to grade by hand</dt><dd>2</dd>" in page
    assert hub.get("ada", "feedback/toy").status_code == 404
    press(hub, "return")
    page = hub.get("ada", "").text
    assert "Feedback is ready" in page and "not graded yet" in page  # its written answer waits for a person
    assert "<dt>feedback released</dt><dd>2</dd>" in hub.get("prof", "").text
    ada, bob = hub.get("ada", "feedback/toy"), hub.get("bob", "feedback/toy")
    assert ada.status_code == bob.status_code == 200 and "<script" not in ada.text
    assert "half of that sum" in bob.text and "half of that sum" not in ada.text
    report = hub.get("prof", "report/toy")
    assert report.status_code == 200 and "not_halved" in report.text and "bob" not in report.text
    assert 'href="/services/course/#toy"' in report.text and "The class</a>" in report.text
    assert "bob" in hub.get("prof", "report/toy?names=1").text
    lines = hub.get("prof", "export/toy.csv").content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["student", "ada", "bob"] and "not graded yet" in lines[1]
    chapter = place.root / "source" / "toy.py"
    chapter.write_text(chapter.read_text().replace("half of that sum", "half of this sum"))
    assert "Grade again" in hub.get("prof", "").text
    press(hub, "again")
    press(hub, "return")
    assert "half of this sum" in hub.get("bob", "feedback/toy").text
    hand_in(place, "ada", "2026-11-21 10:00:00.000000 UTC")
    page = hub.get("ada", "").text
    assert "Handed in, again" in page and "The feedback is on what you handed in on" in page


def test_grading_on_submission_uses_another_secret_and_tells_two_counts(hub, place):
    if not (place.outbound / "toy").exists():
        press(hub, "release")
    hub.post("prof", "rule/toy", data={"on": "1", "a_day": "3", "total": "10"})
    hand_in(place, "bob", "2026-11-22 10:00:00.000000 UTC", lambda text: text.replace("(x + z) / 2", "x + z"))

    async def look() -> None:
        grader = Grader(place)
        try:
            await Watch(place, asyncio.Lock(), grader.grade).look()
        finally:
            await grader.close()

    asyncio.run(look())
    last = tries.read_tries(place.own, "toy", "bob")[-1]
    assert last.status == "graded" and last.visible[0] < last.visible[1] and last.hidden[0] < last.hidden[1]
    until(lambda: f"{last.hidden[0]} of {last.hidden[1]}</b> hidden ones" in hub.get("bob", "").text)
    page = hub.get("bob", "").text
    assert "two dimensions" not in page and "half of that sum" not in page
    assert secret_seed(place.settings.state / "tries", "toy") != secret_seed(place.settings.state, "toy")
