"""Draws course-page-{light,dark}.png and class-page-light.png: the front door's two pages, of a made-up class.

    python docs/images/make_door.py [--all FOLDER]

With `--all`, every page is photographed into FOLDER: light, dark, and as narrow as a phone.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from make_report import DARK, HERE, photograph

from autograder.course import load_course
from autograder.hub.door import pages
from autograder.hub.door.classes import Block, Progress
from autograder.hub.door.pages import Frame
from autograder.hub.door.students import Outlook, Row
from autograder.hub.door.tries import Rule, Try

NOW, DAY = datetime(2026, 11, 27, 13, 5), timedelta(days=1)
SIZES = {"course-page": 962, "class-page": 1252, "hand-in": 460, "message": 320}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = {name: Path(folder, f"{name}.html") for name in SIZES}
        Path(folder, "door.css").write_text(pages.style(), "utf-8")
        for name, html in drawn().items():
            made[name].write_text(html, "utf-8")
        photograph(made["course-page"], HERE / "course-page-light.png", 900, SIZES["course-page"])
        photograph(made["course-page"], HERE / "course-page-dark.png", 900, SIZES["course-page"], DARK)
        photograph(made["class-page"], HERE / "class-page-light.png", 900, SIZES["class-page"])
        for name, page in made.items() if options.all else ():
            options.all.mkdir(parents=True, exist_ok=True)
            photograph(page, options.all / f"{name}-light.png", 960, SIZES[name])
            photograph(page, options.all / f"{name}-dark.png", 960, SIZES[name], DARK)
            photograph(page, options.all / f"{name}-phone.png", 500, 1500)


def drawn() -> dict[str, str]:
    """Every page, by its name."""
    course = load_course(HERE.parents[1])
    student, teacher = (Frame(course.title, user, "", "/hub/", "", now=NOW) for user in ("ada", "instructor"))
    files = ["course.md", "kernel.ipynb", "kernel.json"]
    return {
        "course-page": pages.student_page(student, rows(), course=course.name),
        "class-page": pages.class_page(teacher, blocks(), formgrader="#", still=True),
        "hand-in": pages.hand_in_page(student, title="Kernel learning", saved=NOW - DAY / 200, files=files, missing=""),
        "message": pages.message_page(student, "Nothing here", "There is no such page for you here."),
    }


def rows() -> list[Row]:
    titles = {c.name: (c.title, c.cites) for c in load_course(HERE.parents[1]).chapters.values()}
    result = Try("", 1.0, "", "graded", visible=(14, 14), hidden=(17, 21))

    def row(name: str, status: str, kind: str, due: datetime, **facts: object) -> Row:
        facts = {"may_open": True, **facts}
        return Row(name, *titles[name], status, kind, due=due, **facts)  # type: ignore[arg-type]

    early = NOW - 10 * DAY
    returned = {"points": 18.0, "score": 15.5, "max_score": 18.0, "handed": early, "feedback": True}
    return [
        row("regression", "Feedback is ready", "returned", NOW - 9 * DAY, **returned),
        row(
            "kernel", "Handed in", "handed", NOW + 2 * DAY, points=16.0, handed=NOW - DAY / 300,
            outlook=Outlook(1, 8, last=result, nth=2),
        ),
        row("graphs", "Begun, not handed in", "begun", NOW + 16 * DAY, points=20.0),
        row("attention", "Not released yet", "closed", NOW + 30 * DAY, may_open=False),
    ]  # fmt: skip


def blocks() -> list[Block]:
    titles = {c.name: c.title for c in load_course(HERE.parents[1]).chapters.values()}
    grading = Progress("Grade all", "running", "23 of 41, 1:12 left, 14.8 a minute", 23 / 41)

    def block(name: str, due: datetime | None, points: float | None, *numbers: int, **facts: object) -> Block:
        facts = {"rule": Rule(), "released": due is not None, **facts}
        counts = dict(zip(("submitted", "new", "graded", "by_hand", "returned", "to_grade"), numbers, strict=True))
        return Block(name, titles[name], due=due, points=points, **counts, **facts)  # type: ignore[arg-type]

    done = Progress("Release feedback", "done")
    return [
        block("regression", NOW - 9 * DAY, 18.0, 64, 0, 64, 0, 64, 0, progress=done),
        block("kernel", NOW + 2 * DAY, 16.0, 58, 41, 17, 6, 0, 41, rule=Rule(True), progress=grading),
        block("graphs", NOW + 16 * DAY, 20.0, 3, 3, 0, 0, 0, 3),
        block("attention", None, None, 0, 0, 0, 0, 0, 0),
    ]


if __name__ == "__main__":
    main()
