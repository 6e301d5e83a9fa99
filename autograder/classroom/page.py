"""Figures of a class -> one HTML page: no script, nothing loaded from outside, all text escaped.

Names appear where `summary` kept them. The page holds the labels of hidden checks, so it is not for students.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.card import legible, marked
from autograder.classroom.facts import chance, facts, silent
from autograder.classroom.picture import histogram_svg
from autograder.classroom.summary import ClassReport

SCHEMA = 1
"""The version of `to_json`."""

TOP = 3
"""How many misconceptions are shown at once; all others are folded away."""

UNPROTECTED = "NONE"
"""How the isolation of a class begins that was graded without protection (`--trust-submissions`)."""


def to_html(report: ClassReport, *, course: str, chapter: str) -> str:
    """The page, under the titles of course and chapter."""
    from markupsafe import Markup

    template = _environment().get_template("class.html.j2")
    html: str = template.render(
        course=course,
        chapter=chapter,
        report=report,
        facts=facts(report),
        silent=silent(report),
        chance=chance(report),
        top=TOP,
        picture=Markup(histogram_svg(report.bins, report.median)),
        unprotected=any(layer.startswith(UNPROTECTED) for layer in report.isolation),
    )
    return html


def to_json(report: ClassReport) -> dict[str, Any]:
    """The same figures as data, with the sentences of `facts` and `silent`."""
    return {
        "schema": SCHEMA,
        **dataclasses.asdict(report),
        "facts": list(facts(report)),
        "silent": list(silent(report)),
    }


def number(value: float) -> str:
    """A number without needless zeros: 3, 2.5, 0.75."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share in whole percent, which reads 0 or 100 only where it is."""
    rounded = round(100 * share)
    return f"{min(99, max(1, rounded)) if 0 < share < 1 else rounded} %"


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "marked": _marked, "legible": legible}
    return environment


def _marked(text: str) -> Any:
    from markupsafe import Markup

    return Markup(marked(text))
