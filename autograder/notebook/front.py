"""The course's front page: what holds in every notebook, said once, and the chapters that are released. Pure.

    source/course.md              hand-written: how a notebook works, and the conventions of all chapters
    release/course.md             the same under the course's title, with a table of the chapters
    <both>/<chapter>/course.md    a copy for the folder that a student is handed, whose links lead to its neighbours
    README.md                     a list of the chapters, between two marks, with what opens them in Colab

Points and chapters are read off the released notebooks, so that nobody keeps the table by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from autograder.coursefile import ChapterEntry, Course
from autograder.errors import AuthorError
from autograder.notebook.published import colab

NAME = "course.md"
README = "README.md"
BEGIN = "<!-- chapters: written by `autograder build` -->"
END = "<!-- end of chapters -->"
BADGE = "docs/images/colab.svg"
UNPUBLISHED = (
    "There are no *Open in Colab* links here yet: say where this course is published, such as "
    '`published = "https://github.com/OWNER/REPO"`, in `source/course.toml`, and run `autograder build` '
    "([how](docs/colab.md))."
)


def front_page(course: Course, body: str, released: Mapping[str, str], *, to_chapters: str = "") -> str:
    """The page for these released notebooks, as their texts. `to_chapters` leads from the page to the chapters."""
    rows = [
        _row(entry, released[name], f"{to_chapters}{name}/{name}.ipynb", colab(course.published, name))
        for name, entry in course.chapters.items()
        if name in released
    ]
    head = ["| Chapter | Points | To read along |", "|---|--:|---|"]
    parts = [f"# {course.title}", body.strip(), "## Chapters", "\n".join(head + rows)]
    if to_chapters:
        parts.append("A link leads to a chapter once you have fetched it.")
    return "\n\n".join(parts) + "\n"


def with_list(course: Course, readme: str, released: Mapping[str, str]) -> str:
    """The README with the list of its chapters as it should be, or nothing where there are no marks for one."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return ""
    lines = [
        f"- [{entry.title}](release/{name}/{name}.ipynb){_badge(colab(course.published, name))}"
        for name, entry in course.chapters.items()
        if name in released
    ]
    more = "" if course.published else f"\n\n{UNPUBLISHED}"
    return f"{before}{begin}\n" + "\n".join(lines) + f"{more}\n{end}{after}"


def _badge(link: str) -> str:
    return f" [![Open in Colab]({BADGE})]({link})" if link else ""


def _row(entry: ChapterEntry, notebook: str, link: str, opened: str) -> str:
    along = f"[{_shown(entry.cites)}]({entry.cites})" if entry.cites else ""
    title = f"[{_cell(entry.title)}]({link})" + (f", [in Colab]({opened})" if opened else "")
    return f"| {title} | {_points(entry.name, notebook):g} | {_cell(along)} |"


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
