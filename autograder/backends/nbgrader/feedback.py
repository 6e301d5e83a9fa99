"""`nbgrader generate_feedback`: one page that reads well anywhere, with no script and nothing loaded from outside.

It shows what the autograded notebook and the gradebook hold. The notebook holds the student's view only, so nothing
hidden can get here. What a person has still to grade is shown as such, not as zero points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.backends.nbgrader.cells import OURS
from autograder.backends.nbgrader.markdown import render
from autograder.course import load_course
from autograder.errors import AuthorError, UsageError

EMPTY = Markup("")
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Mark:
    """How one graded cell stands in the gradebook. `score` is None while a person has still to grade it."""

    score: float | None
    max_score: float
    by_hand: bool = False


@dataclass(frozen=True)
class Item:
    """One piece of the page: `text` (Markdown), `code` with outputs, a `check` with its card, or an `answer`."""

    kind: str
    name: str = ""
    html: Markup = EMPTY
    given: bool = False
    outputs: tuple[dict[str, str], ...] = ()
    card: dict[str, Any] | None = None
    mark: Mark | None = None
    comment: Markup | None = None


@dataclass(frozen=True)
class Total:
    """The whole notebook: what was earned, what is still open, and what was taken off for being late."""

    score: float
    max_score: float
    open: int
    open_points: float
    late: float

    @property
    def share(self) -> float:
        return 100 * self.score / self.max_score if self.max_score else 0.0


class Marks(NbGraderPreprocessor):
    """Brings scores and comments from the gradebook. Unlike nbgrader's own, it tells an open grade from a zero."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(facts["notebook"], facts["assignment"], facts["student"])
            marks = {grade.name: _mark(grade) for grade in notebook.grades}
            late = notebook.late_submission_penalty or 0.0
            person = notebook.student
            names = [person.first_name, person.last_name]
            resources[OURS] = {
                "marks": marks,
                "comments": {c.name: c.manual_comment for c in notebook.comments if c.manual_comment},
                "total": _total(list(marks.values()), late),
                "student": " ".join(n for n in names if n) or person.id,
            }
        return nb, resources


class Feedback(Exporter):
    """The exporter of `nbgrader generate_feedback`."""

    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> tuple[str, ResourcesDict]:
        nb, resources = super().from_notebook_node(nb, resources, **options)
        facts = resources["nbgrader"]
        course, chapter = _titles(Path(self.parent.coursedir.root), facts["assignment"])
        return page_of(nb, resources[OURS], course=course, chapter=chapter), resources


def page_of(nb: NotebookNode, found: Mapping[str, Any], *, course: str, chapter: str) -> str:
    """The page of an autograded notebook, with what `Marks` found in the gradebook, under these titles."""
    html: str = (
        _environment()
        .get_template("feedback.html.j2")
        .render(
            course=course,
            chapter=chapter,
            student=found["student"],
            total=found["total"],
            items=[_item(cell, found) for cell in nb.cells],
            notes=nb.metadata.get(OURS, {}).get("notes", ()),
            unreadable=nb.metadata.get(OURS, {}).get("message", ""),
            light=_colours("friendly", ".code"),
            dark=_colours("github-dark", ".code"),
        )
    )
    return html


def _item(cell: NotebookNode, found: Mapping[str, Any]) -> Item:
    nbgrader = cell.metadata.get("nbgrader", {})
    name = nbgrader.get("grade_id", "")
    comment = found["comments"].get(name)
    said = Markup(render(comment)) if comment else None
    mark = found["marks"].get(name)
    if nbgrader.get("grade") and not nbgrader.get("solution"):
        return Item(
            "check", name.removeprefix("check-"), card=cell.metadata.get(OURS, {}).get("card"), mark=mark, comment=said
        )
    if cell.cell_type == "markdown":
        kind = "answer" if mark else "text"
        return Item(kind, name, Markup(render(cell.source, cell.get("attachments", {}))), mark=mark, comment=said)
    code = Markup(highlight(cell.source, PythonLexer(), HtmlFormatter(nowrap=True)))
    given = cell.metadata.get(OURS, {}).get("given", False)
    return Item("code", name, code, given, tuple(map(_shown, cell.outputs)), mark=mark, comment=said)


def _shown(output: NotebookNode) -> dict[str, str]:
    """An output as a kind and a text; images were checked to be PNG when the cell ran."""
    if output.output_type == "stream":
        return {"kind": output.name, "text": strip_ansi(output.text)}
    if output.output_type == "error":
        lines = output.traceback or [f"{output.ename}: {output.evalue}"]
        return {"kind": "error", "text": strip_ansi("\n".join(lines))}
    if "image/png" in output.data:
        return {"kind": "image", "text": "".join(output.data["image/png"].split())}
    return {"kind": "result", "text": strip_ansi(output.data.get("text/plain", ""))}


def _mark(grade: Any) -> Mark:
    if grade.manual_score is None and grade.auto_score is None:
        return Mark(None, grade.max_score)
    return Mark(grade.score, grade.max_score, by_hand=grade.manual_score is not None)


def _total(marks: list[Mark], late: float) -> Total:
    still = [m for m in marks if m.score is None]
    earned = sum(m.score for m in marks if m.score is not None)
    return Total(
        max(0.0, earned - late), sum(m.max_score for m in marks), len(still), sum(m.max_score for m in still), late
    )


def _titles(root: Path, assignment: str) -> tuple[str, str]:
    try:
        course = load_course(root)
    except (UsageError, AuthorError):
        return "", assignment
    entry = course.chapters.get(assignment)
    return course.title, entry.title if entry else assignment


def _hint(text: str) -> Markup:
    """An author's hint; it may hold Markdown."""
    return Markup(render(text))


def _points(value: float) -> str:
    """Points without needless zeros: 3, 2.5, 0.75."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": _points, "hint": _hint}
    return environment


@lru_cache(maxsize=4)
def _colours(style: str, where: str) -> Markup:
    lines = HtmlFormatter(style=style).get_style_defs(where).splitlines()
    return Markup("\n".join(line for line in lines if line.startswith(f"{where} .")))
