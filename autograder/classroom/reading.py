"""Report files, as grading kept them -> the latest entry of every student. Refuses all other files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from autograder.classroom.summary import Kept
from autograder.errors import UsageError
from autograder.records import Finding, Graded, Verdict
from autograder.report import SCHEMA

AGAIN = "Grade again to write a new one, or name other files with --from."


def read_reports(paths: Sequence[Path]) -> Mapping[str, Kept]:
    """The classes found in these files, and in the `*.json` of these folders, by their chapter.

    A student who is there several times counts once, as graded last: the later file wins, and in a file the later
    entry. Raises UsageError for a file that cannot be understood.
    """
    documents: dict[str, list[Mapping[str, Any]]] = {}
    for path in sorted(_report_files(paths), key=lambda p: (p.stat().st_mtime_ns, str(p))):
        document = _document(path)
        documents.setdefault(document["chapter"], []).append(document)
    return {chapter: _kept(found) for chapter, found in documents.items()}


def _report_files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist, but should be a report of grading, or a folder of such files.")
        if path.is_dir():
            yield from (p for p in path.glob("*.json") if p.is_file() and not p.name.startswith("."))
        else:
            yield path


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_bytes(), parse_constant=_finite, parse_float=_finite, parse_int=_whole)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name other files with --from.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON, but should be a report of grading. {AGAIN}") from None
    if not isinstance(document, dict) or "schema" not in document or "submissions" not in document:
        raise UsageError(f"{path} is no report of grading, but should be what `autograder grade --json` wrote. {AGAIN}")
    if document["schema"] != SCHEMA:
        raise UsageError(
            f"{path} has schema {document['schema']!r}, but should have {SCHEMA}: another version of the autograder "
            f"wrote it. {AGAIN}"
        )
    wrong = _first_error(document)
    if wrong:
        raise UsageError(f"{path} is no valid report of grading: {wrong}. {AGAIN}")
    return document


def _finite(text: str) -> float:
    """A number to compute with; NaN and infinities, however they are written, are none."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _first_error(document: Any) -> str:
    """Where a document departs from the schema, or nothing."""
    from jsonschema import Draft202012Validator

    schema = json.loads(files("autograder").joinpath("schema/grade.schema.json").read_text("utf-8"))
    error = next(iter(Draft202012Validator(schema).iter_errors(document)), None)
    return f"at {error.json_path}, {error.message[:200]}" if error else ""


def _kept(documents: Sequence[Mapping[str, Any]]) -> Kept:
    entries = {entry["student"]: entry for document in documents for entry in document["submissions"]}
    return Kept(
        course=documents[-1]["course"],
        chapter=documents[-1]["chapter"],
        engines=tuple(sorted({d["engine"] for d in documents})),
        isolation=tuple(dict.fromkeys(layer for d in documents for layer in d["isolation"])),
        submissions=tuple(_graded(entry) for entry in entries.values()),
    )


def _graded(entry: Mapping[str, Any]) -> Graded:
    return Graded(
        student=entry["student"],
        path=entry["path"],
        status=entry["status"],
        verdicts=tuple(_verdict(e) for e in entry["exercises"]),
        max_score=float(entry["max_score"]),
        seconds=float(entry["seconds"]),
        message=entry["message"],
        notes=tuple(entry["notes"]),
    )


def _verdict(entry: Mapping[str, Any]) -> Verdict:
    findings = tuple(Finding(**finding) for finding in entry["findings"])
    hints = {f.mistake: f.hint for f in findings if f.mistake and f.hint}
    return Verdict(
        name=entry["name"],
        score=float(entry["score"]),
        max_score=float(entry["max_score"]),
        findings=findings,
        diagnosis=entry["diagnosis"],
        hint=hints.get(entry["diagnosis"], ""),
        carried_forward=entry["carried_forward"],
        attempted=entry["attempted"],
        seconds=entry.get("seconds"),
    )
