"""nbgrader as its users know it, with our verdicts as its scores. `configure` is all that a course's config calls.

Importing this module loads nothing of nbgrader: it names classes, which nbgrader loads when it needs them.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

HERE, THEIRS = "autograder.backends.nbgrader", "nbgrader.preprocessors"
ACTIVE = ("*.html", "*.htm", "*.xhtml", "*.svg", "*.xml", "*.js", "*.mjs")
"""Submitted files that a browser would run; nbgrader serves what it copies, so these are not copied."""


def configure(c: Any, root: Path) -> None:
    """Sets up nbgrader for the course whose folder is `root`. `c` is what `get_config()` returned."""
    from autograder.course import load_course
    from autograder.notebook.pieces import TEXT_STUB
    from autograder.notebook.starter import STUB

    if shutil.which("alembic") is None:  # nbgrader calls it by this name when it makes a gradebook
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = load_course(root).name
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", *ACTIVE]
    c.ExchangeFactory.collect = f"{HERE}.collecting.Collect"
    c.ClearSolutions.code_stub = {"python": STUB}
    c.ClearSolutions.text_stub = TEXT_STUB
    # Without force, nbgrader takes for done what `autograder build` wrote, and feedback that later marks have made old.
    c.GenerateAssignment.force = True
    c.GenerateFeedback.force = True
    c.Autograde.exporter_class = f"{HERE}.reading.Reader"
    c.Autograde.sanitize_preprocessors = [
        f"{HERE}.judging.Restore",
        f"{THEIRS}.ClearOutput",
        f"{THEIRS}.DeduplicateIds",
        f"{THEIRS}.OverwriteKernelspec",
        f"{THEIRS}.OverwriteCells",
        f"{THEIRS}.CheckCellMetadata",
    ]
    c.OverwriteCells.add_missing_cells = True
    c.Autograde.autograde_preprocessors = [
        f"{HERE}.judging.Judge",
        f"{THEIRS}.LimitOutput",
        f"{HERE}.judging.SaveVerdicts",
        f"{THEIRS}.AssignLatePenalties",
        f"{THEIRS}.CheckCellMetadata",
    ]
    c.GenerateFeedback.exporter_class = f"{HERE}.feedback.Feedback"
    c.GenerateFeedback.preprocessors = [f"{HERE}.feedback.Marks"]
    c.HTMLExporter.filters = {
        "markdown2html": f"{HERE}.markdown.rendered",
        "formgrader_policy": f"{HERE}.policy.policy",
    }
    c.HTMLExporter.extra_template_basedirs = _templates()


def _templates() -> list[str]:
    """Where the formgrader finds the template of a submission's page: ours first, then nbgrader's own."""
    nbgrader = importlib.util.find_spec("nbgrader")
    theirs = nbgrader.submodule_search_locations if nbgrader else None
    inside = Path("server_extensions", "formgrader", "templates")
    return [str(Path(__file__).parent / "templates"), *(str(folder / inside) for folder in map(Path, theirs or ()))]
