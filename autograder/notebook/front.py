"""The course's front page: what holds in every notebook, said once, and the chapters that are released. Pure.

    source/course.md              hand-written: how a notebook works, and the conventions of all chapters
    release/course.md             the same under the course's title, with a table of the chapters
    <both>/<chapter>/course.md    a copy for the folder that a student is handed, whose links lead to its neighbours

Points and chapters are read off the released notebooks, so that nobody keeps the table by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from autograder.course import ChapterEntry, Course
from autograder.errors import AuthorError

NAME = "course.md"


def front_page(course: Course, body: str, released: Mapping[str, str], *, to_chapters: str = "") -> str:
    """The page for these released notebooks, as their texts. `to_chapters` leads from the page to the chapters."""
    rows = [
        _row(entry, released[name], f"{to_chapters}{name}/{name}.ipynb")
        for name, entry in course.chapters.items()
        if name in released
    ]
    head = ["| Chapter | Points | To read along |", "|---|--:|---|"]
    parts = [f"# {course.title}", body.strip(), "## Chapters", "\n".join(head + rows)]
    if to_chapters:
        parts.append("A link leads to a chapter once you have fetched it.")
    return "\n\n".join(parts) + "\n"


def _row(entry: ChapterEntry, notebook: str, link: str) -> str:
    along = f"[{_shown(entry.cites)}]({entry.cites})" if entry.cites else ""
    return f"| [{_cell(entry.title)}]({link}) | {_points(entry.name, notebook):g} | {_cell(along)} |"


def _points(name: str, notebook: str) -> float:
    """What can be earned in a notebook, by machine and by hand."""
    try:
        cells = json.loads(notebook)["cells"]
        return float(sum(cell["metadata"].get("nbgrader", {}).get("points", 0) for cell in cells))
    except (ValueError, LookupError, TypeError, AttributeError):
        place = f"release/{name}/{name}.ipynb"
        raise AuthorError(f"is no notebook, but should be: run `autograder build {name}`.", file=place) from None


def _shown(address: str) -> str:
    return address.partition("://")[2].rstrip("/") or address


def _cell(text: str) -> str:
    """Text that ends no cell of a Markdown table."""
    return text.replace("|", "\\|")
