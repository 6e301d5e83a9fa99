"""What a sample's first line says that grading must find, held against the record of grading. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ITEM = re.compile(
    r"(?P<scored>\w+)=(?P<score>[\d.]+)/(?P<most>[\d.]+)|(?P<lost>\w+)<(?P<full>[\d.]+)"
    r"|mistake:(?P<wrong>\w+)=(?P<mistake>\w+)|carried:(?P<carried>\w+)|missing:(?P<missing>\w+)"
)
UNREADABLE = "unreadable"


def differences(first_line: str, entry: Mapping[str, Any]) -> list[str]:
    """The items of `# expect: ...` that do not hold for one submission of a report, each with what was found."""
    if entry["status"] != "graded":
        return [f"expected to be graded, but is {entry['status']}: {entry['message']}"]
    exercises = {e["name"]: e for e in entry["exercises"]}
    found = []
    for text in first_line.removeprefix("# expect:").split():
        item = ITEM.fullmatch(text)
        instead = "cannot be read" if item is None else _instead(item.groupdict(), exercises, entry)
        if instead:
            found.append(f"{text}, but {instead}")
    return found


def _instead(said: Mapping[str, str | None], exercises: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """What was found in place of one item, or nothing where it holds."""
    if name := said["scored"]:
        score, most = _scores(exercises[name] if name != "score" else entry)
        return "" if (score, most) == (float(said["score"] or 0), float(said["most"] or 0)) else f"{score:g}/{most:g}"
    if name := said["lost"]:
        score, most = _scores(exercises[name])
        return "" if score < most == float(said["full"] or 0) else f"{score:g}/{most:g}"
    if name := said["wrong"]:
        return "" if exercises[name]["diagnosis"] == said["mistake"] else str(exercises[name]["diagnosis"])
    if name := said["carried"]:
        return "" if exercises[name]["carried_forward"] else "not carried forward"
    return "attempted" if exercises[said["missing"] or ""]["attempted"] else ""


def _scores(entry: Mapping[str, Any]) -> tuple[float, float]:
    return float(entry["score"]), float(entry["max_score"])
