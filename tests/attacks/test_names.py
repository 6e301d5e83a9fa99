"""Names that students choose: folders and files that lead elsewhere, run on a page, or are obeyed by a terminal."""

import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from rich.console import Console
from tests.headless import opened

from autograder.batch import grade_file
from autograder.classroom.page import to_html
from autograder.classroom.reading import read_reports
from autograder.classroom.summary import ClassReport, summarise
from autograder.classroom.terminal import show
from autograder.course import Chapter
from autograder.notebook.read import Unreadable, find, read
from autograder.records import Finding, Graded, Sheet, Verdict
from autograder.report import to_html_fragment, to_json, to_text
from autograder.sandbox.local import LocalSandbox
from autograder.session import Session
from autograder.show import show_class

RUN = "document.documentElement.id='ran'"
RAN = re.compile(r"<html[^>]* id=\"ran\"")
UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
NAMES = (
    "=HYPERLINK('https:--evil.example','marks')",
    "@SUM(1+1)*cmd|'-C calc'!A0",
    "+1+cmd|' -C calc'!A0",
    "-2+3",
    f"<img src=x onerror={RUN}>",
    f"'\"><svg onload={RUN}>",
    f"{{{{ ''.__class__ }}}} {{% raise %}} ${{{RUN}}}",
    "[link=https:--evil.example]marks[-link] [bold]bold[-bold]",
    "\x1b[2J\x1b]0;title\x07red\x1b[31m",
    "two\nlines\r\nand\ttabs",
    "\u202ereversed\u2066isolated\u200bnothing",
    "a\\..\\..\\gradebook",
    "%2e%2e%2fgradebook",
    "~root",
    "-rf",
    "$(reboot)`reboot`;reboot|reboot",
    "CON.ipynb ",
    "x" * 200,
    "nobody\udcff\udcfe",
)
SOLVED = "def halfway(x, z): return (x + z) / 2"


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    """A folder as nbgrader's `submitted/`, with a good notebook under every name, and links that lead out of it."""
    (tmp_path / "secret.ipynb").write_text(notebook("secret = 42"))
    folder = tmp_path / "submitted"
    for name in NAMES:
        home = folder / name / "toy"
        home.mkdir(parents=True)
        (home / "toy.ipynb").write_text(notebook(SOLVED))
    for name, target in (("link-file", "toy/toy.ipynb"), ("link-chapter", "toy"), ("link-home", "")):
        place = folder / name / target
        (place.parent if target else folder).mkdir(parents=True, exist_ok=True)
        aim = (
            tmp_path / "secret.ipynb" if target.endswith("ipynb") else tmp_path / "elsewhere" / ("" if target else "x")
        )
        place.symlink_to(aim)
    (tmp_path / "elsewhere" / "x" / "toy").mkdir(parents=True)
    for place in (tmp_path / "elsewhere" / "toy.ipynb", tmp_path / "elsewhere" / "x" / "toy" / "toy.ipynb"):
        place.write_text(notebook("secret = 42"))
    (folder / "pipe" / "toy").mkdir(parents=True)
    os.mkfifo(folder / "pipe" / "toy" / "toy.ipynb")
    (folder / "many" / "toy").mkdir(parents=True)
    for name in (f"<svg onload={RUN}>.ipynb", "\x1b[2J.ipynb"):
        (folder / "many" / "toy" / name).write_text(notebook(SOLVED))
    return folder


def notebook(source: str) -> str:
    return nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]))


@pytest.fixture
def graded(submitted: Path, toy: Chapter, toy_sheet: Sheet) -> list[Graded]:
    """Everyone, graded on one exercise."""
    one = replace(toy_sheet, exercises=tuple(e for e in toy_sheet.exercises if e.name == "halfway"))
    session = Session(toy, one, LocalSandbox())
    return [grade_file(session, student, path) for student, path in find(submitted, "toy")]


def test_every_name_is_found_and_may_be_shown(submitted: Path) -> None:
    names = [student for student, _ in find(submitted, "toy")]
    assert len(names) == len(set(names)) == len(NAMES) + 5
    assert not [name for name in names if UNPRINTABLE.search(name) or "\n" in name]


@pytest.mark.parametrize("student", ["link-file", "link-chapter", "link-home", "pipe"])
def test_a_link_or_a_pipe_is_not_followed(submitted: Path, student: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(dict(find(submitted, "toy"))[student], student)
    assert "42" not in str(refused.value)


def test_a_link_would_be_followed_without_the_guard(submitted: Path) -> None:
    for student in ("link-file", "link-chapter", "link-home"):
        path = dict(find(submitted, "toy"))[student]
        inside = path if path.suffix else path / "toy.ipynb" if path.name == "toy" else path / "toy" / "toy.ipynb"
        assert "secret = 42" in inside.read_text()


def test_names_earn_and_cost_nothing(graded: list[Graded]) -> None:
    by_status = {status: [g for g in graded if g.status == status] for status in ("graded", "unreadable")}
    assert [g.score for g in by_status["graded"]] == [2.0] * len(NAMES)
    assert len(by_status["unreadable"]) == 5
    for one in graded:
        text = json.dumps(to_json([one], "toy", "toy", "", ()), ensure_ascii=False)
        assert not UNPRINTABLE.search(text + to_text(one, view="grader")) and "secret = 42" not in text


def test_a_terminal_shows_names_as_they_are(graded: list[Graded]) -> None:
    for width in (80, 300):
        console = Console(file=io.StringIO(), force_terminal=False, width=width)
        show_class(console, graded)
        shown = console.file.getvalue()  # type: ignore[attr-defined]
        assert not UNPRINTABLE.search(shown)
        if width == 300:
            assert "[link=https:--evil.example]marks[-link] [bold]bold[-bold]" in shown
            assert "=HYPERLINK('https:--evil.example','marks')" in shown
    colours = Console(file=io.StringIO(), force_terminal=True, width=300)
    show_class(colours, graded)
    assert "]8;" not in colours.file.getvalue()  # type: ignore[attr-defined]  # the sequence of a link


def hostile(name: str, course: str) -> Graded:
    """An entry in which all that could be a student's text is `name`, and all that could be a course's is `course`."""
    check = Finding(course, True, False, "value", message=name, hint=course, mistake=course)
    verdict = Verdict(course, 0.0, 2.0, (check,), diagnosis=course, hint=course)
    return Graded(name, name, "graded", (verdict,), max_score=2.0, seconds=1.0, notes=(name,))


def figures_of(everyone: list[Graded], file: Path) -> ClassReport:
    """The class's figures, from its report on disk."""
    file.write_text(json.dumps(to_json(everyone, NAMES[4], NAMES[4], NAMES[5], (NAMES[4],))))
    (kept,) = read_reports([file]).values()
    return summarise(kept, names=True)


def test_a_class_in_the_terminal_shows_nothing_that_it_obeys(tmp_path: Path) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in NAMES]
    figures = figures_of([hostile(name, "[bold]f[/bold]") for name in names], tmp_path / "class.json")
    console = Console(file=io.StringIO(), force_terminal=True, width=300)
    show(console, figures, tmp_path / "page.html")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]f[/bold]" in shown and not re.search("\x1b(?!\\[\\d*(;\\d+)*m)|]8;|[\x00-\x09\x0b-\x1a]", shown)


@pytest.mark.slow
def test_no_page_runs_a_name(tmp_path: Path) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in NAMES]
    everything = [hostile(name, name) for name in names]
    figures = figures_of(everything, tmp_path / "class.json")
    page = to_html(figures, course=names[4], chapter=names[5])
    assert "Content-Security-Policy" in page and "&lt;img src=x" in page
    cards = "".join(to_html_fragment(v) for one in everything for v in one.verdicts)
    for number, html in enumerate((page, page.replace("Content-Security-Policy", "Nothing"), cards)):
        (tmp_path / f"{number}.html").write_text(html, "utf-8")
        assert not RAN.search(opened(tmp_path / f"{number}.html")), number


@pytest.mark.slow
@pytest.mark.parametrize(("guarded", "runs"), [(True, False), (False, True)])
def test_a_page_that_did_run_a_name_would_be_noticed(tmp_path: Path, guarded: bool, runs: bool) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">' if guarded else ""
    (tmp_path / "page.html").write_text(f"<html><head>{policy}</head><body>{NAMES[4]}</body></html>")
    assert bool(RAN.search(opened(tmp_path / "page.html"))) == runs
