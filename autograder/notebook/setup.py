"""The first code cell of every notebook: it gets the students' package and the visible sheet where they are missing.

The cell has only what must run before the package is there; the rest is `autograder.beside`. Where all is there it says
nothing, and while a submission is graded it does nothing (`sandbox.quiet`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from autograder.beside import checksum
from autograder.coursefile import Course
from autograder.errors import AuthorError
from autograder.notebook import published
from autograder.notebook.pieces import Piece

IDENT = "setup"
MADE_FOR = "# made for: "
"""What precedes the mark of a notebook that was made for one student."""

HIDDEN = {"cellView": "form", "jupyter": {"source_hidden": True}}
"""By this JupyterLab and Colab fold the cell's code away."""

CELL = r"""
# @title Setup: gets what the checks need, where it is missing. Run it and go on.
def get_ready(package, chapter, checksum, sheet):
    import importlib
    import subprocess
    import sys

    try:
        from autograder.beside import get_sheet
    except ImportError:
        if sys.version_info < (3, 11):
            found = sys.version.split()[0]
            return print("The checks need Python 3.11 or newer, but this is", found + ". Choose a newer kernel, or",
                         "open the notebook in Colab. Nothing was installed.")
        if not package:
            return print("The package autograder is not installed, and this course does not say where to get it: its",
                         "instructor sets `published` in source/course.toml, or hands out dmol_autograder-...whl, to",
                         "be installed by `%pip install FILE`. Then run this cell again.")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        try:
            subprocess.run(pip, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stdout", None) or str(error).encode()).decode(errors="replace").strip()
            return print("The package autograder could not be installed from", package + ".\nIs there a network? Then",
                         "run this cell again, or ask your instructor for the file. pip said:\n" + said[-500:])
        importlib.invalidate_caches()
        sys.modules.pop("autograder", None)
        try:
            from autograder.beside import get_sheet
        except ImportError:
            return print("The package autograder is installed. Restart the kernel, and run this cell again.")
    get_sheet(chapter, checksum, sheet)


get_ready(
    package=PACKAGE,
    chapter=CHAPTER,
    checksum=CHECKSUM,
    sheet=SHEET,
)
"""


def with_setup(
    pieces: Sequence[Piece], course: Course, chapter: str, sheet: str, *, fetch: bool, made_for: str = ""
) -> list[Piece]:
    """The cells with the one that gets things ready, before the first code.

    `sheet` is the text that lies beside the notebook. Without `fetch` it is to be had from nowhere else.
    """
    if any(piece.ident == IDENT for piece in pieces):
        raise AuthorError(f"the name {IDENT!r} is also the id of the first code cell; choose another name.")
    source = CELL.strip()
    facts = {
        "PACKAGE": published.package(course.published),
        "CHAPTER": chapter,
        "CHECKSUM": checksum(sheet),
        "SHEET": published.sheet(course.published, chapter) if fetch else "",
    }
    for name, value in facts.items():
        source = source.replace(f"={name},", f"={json.dumps(value, ensure_ascii=False)},")
    source += f"\n{MADE_FOR}{made_for}" if made_for else ""
    first = next((i for i, piece in enumerate(pieces) if piece.kind == "code"), len(pieces))
    return [*pieces[:first], Piece(IDENT, "code", source, source, metadata=HIDDEN), *pieces[first:]]
