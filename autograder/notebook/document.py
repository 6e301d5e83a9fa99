"""The bytes of a notebook -> cells that every later step can rely on, or `Unreadable`. Opens no file and runs nothing.

The bytes are a stranger's. Only what grading uses is kept: kind, id, source, nbgrader's metadata, tags, and pictures of
a written answer. Outputs go, because the cells run again. Repairs that a person should know of become notes.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.notebook.grading import checksum, trusted

METADATA: Mapping[str, Any] = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""A notebook's own metadata: the same for every notebook we write."""

MAX_CELLS = 2_000
MAX_NOTES = 20
AGAIN = "Open it in Jupyter, save it, and hand in the saved file."

_IDENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEXT_KINDS = frozenset({"markdown", "heading", "html", "plaintext"})  # the last three are of nbformat 3
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_OPENINGS = {
    "<": "a web page",
    "PK": "a zip archive",
    "\x1f\u2039": "a compressed file",  # gzip's 1f 8b, as cp1252
    "%PDF": "a PDF",
    "# %%": "a Python script",
}
_KERNELS = {"ir": "R", "javascript": "JavaScript", "deno": "TypeScript", "bash": "Bash", "octave": "Octave"}


class Unreadable(Exception):
    """A submission that is no notebook. The message tells its author what is wrong and what to do."""


@dataclass(frozen=True)
class Document:
    """The cells of a notebook as nbformat 4.5 dictionaries without outputs, and what was repaired."""

    cells: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str) -> Document:
    """The notebook in these bytes; `name` is what messages call it."""
    notes: list[str] = []
    tree = _tree(_decoded(data, name, notes), name)
    _refuse_language(tree, name)
    raw = _raw_cells(tree, name)
    if len(raw) > MAX_CELLS:
        raise Unreadable(f"{name} has {len(raw):,} cells, but should have at most {MAX_CELLS:,}. Delete some.")
    cells = [_cell(cell, number, notes) for number, cell in enumerate(raw, 1)]
    _name_cells(cells, raw)
    _single_out(cells, notes)
    more = [f"{len(notes) - MAX_NOTES} more notes are left out."] if len(notes) > MAX_NOTES else []
    return Document(tuple(cells), (*notes[:MAX_NOTES], *more))


def _decoded(data: bytes, name: str, notes: list[str]) -> str:
    if not data.strip():
        raise Unreadable(f"{name} is empty, but should be a notebook. {AGAIN}")
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        notes.append("The file is not saved as UTF-8; some letters may read differently than you wrote them.")
        return data.decode("cp1252" if encoding.startswith("utf-8") else encoding, "replace")


def _tree(text: str, name: str) -> Mapping[str, Any]:
    try:
        tree = json.loads(text, parse_constant=lambda _: None, parse_int=_integer, parse_float=_finite)
    except RecursionError:
        raise Unreadable(f"{name} is nested more deeply than any notebook. {AGAIN}") from None
    except ValueError as error:
        raise Unreadable(_no_json(text, name, error)) from None
    if not isinstance(tree, dict):
        raise Unreadable(f"{name} is a JSON {_json_type(tree)}, but should be a notebook. {AGAIN}")
    return tree


def _no_json(text: str, name: str, error: ValueError) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    for opening, what in _OPENINGS.items():
        if start.startswith(opening):
            return f"{name} is {what}, but should be a notebook (.ipynb). Download or save the notebook itself."
    position, line = getattr(error, "pos", 0), getattr(error, "lineno", 1)
    if start.startswith("{") and (position >= len(text.rstrip()) or "Unterminated" in str(error)):
        return f"{name} is cut off in line {line}, but should be a whole notebook. {AGAIN}"
    if start.startswith("{"):
        return f"{name} is damaged in line {line}, but should be a notebook. {AGAIN}"
    return f"{name} is no notebook: it begins with {start[:12]!r}, but should begin with '{{'. {AGAIN}"


def _refuse_language(tree: Mapping[str, Any], name: str) -> None:
    """Notebooks in other languages; a Python kernel by any name is fine."""
    metadata = _mapping(tree.get("metadata"))
    kernel, info = _mapping(metadata.get("kernelspec")), _mapping(metadata.get("language_info"))
    told = [v for v in (kernel.get("language"), info.get("name")) if isinstance(v, str) and v]
    if not told:
        told = [language for prefix, language in _KERNELS.items() if kernel.get("name") == prefix]
    if told and not any("python" in language.lower() for language in told):
        raise Unreadable(
            f"{name} is a notebook in {_UNSAFE.sub('?', told[0])[:20]}, but should be in Python. Choose Kernel > "
            "Change Kernel > Python 3, run your cells, save, and hand in the saved file."
        )


def _raw_cells(tree: Mapping[str, Any], name: str) -> Sequence[Any]:
    cells = tree.get("cells")
    sheets = tree.get("worksheets")
    if not isinstance(cells, list) and isinstance(sheets, list):  # nbformat 3 and older
        lists = [_mapping(sheet).get("cells") for sheet in sheets]
        cells = [cell for part in lists if isinstance(part, list) for cell in part]
    if not isinstance(cells, list):
        raise Unreadable(f"{name} has no list of cells, but should be a notebook. {AGAIN}")
    return cells


def _cell(raw: Any, number: int, notes: list[str]) -> dict[str, Any]:
    kind = _mapping(raw).get("cell_type")
    if kind not in ("code", "raw") and not (isinstance(kind, str) and kind in _TEXT_KINDS):
        notes.append(f"Cell {number} is of no known kind; it was left out.")
        return {"cell_type": "raw", "metadata": {}, "source": ""}
    claim = _mapping(raw.get("metadata"))
    kept = "markdown" if kind in _TEXT_KINDS else kind
    cell: dict[str, Any] = {
        "cell_type": kept,
        "metadata": _metadata(claim, kept),
        "source": _source(raw, number, notes),
    }
    if kind == "heading":
        level = raw.get("level")
        cell["source"] = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1) + " " + cell["source"]
    if kind == "code":
        return cell | {"execution_count": None, "outputs": []}
    if _mapping(claim.get("nbgrader")).get("cell_type") == "code" and cell["source"].strip():
        notes.append(f"Cell {number} was code and is now text, so it does not run.")
    pictures = _attachments(raw.get("attachments"))
    return cell | ({"attachments": pictures} if pictures else {})


def _source(raw: Mapping[str, Any], number: int, notes: list[str]) -> str:
    said = raw.get("source", raw.get("input", ""))
    if isinstance(said, list) and all(isinstance(line, str) for line in said):
        split = len(said) > 1 and not any(line.endswith("\n") for line in said)
        said = ("\n" if split else "").join(said)
    if not isinstance(said, str):
        notes.append(f"Cell {number} holds no text; it was left empty.")
        return ""
    if _UNSAFE.search(said):
        notes.append(f"Cell {number} holds characters that are no text; they were replaced.")
        said = _UNSAFE.sub("\ufffd", said)
    return said.replace("\r\n", "\n").replace("\r", "\n")


def _metadata(claim: Mapping[str, Any], kind: str) -> dict[str, Any]:
    kept: dict[str, Any] = {k: claim[k] for k in ("deletable", "editable") if isinstance(claim.get(k), bool)}
    tags = claim.get("tags")
    if isinstance(tags, list) and tags and all(isinstance(t, str) and _IDENT.fullmatch(t) for t in tags[:20]):
        kept["tags"] = list(dict.fromkeys(tags[:20]))
    known = trusted(claim.get("nbgrader"), kind)
    if known is not None and not _UNSAFE.search(known["grade_id"]):
        kept["nbgrader"] = known
    return kept


def _attachments(claim: Any) -> dict[str, dict[str, str]]:
    """Pictures pasted into a text cell: raster images in base64 only."""
    found: dict[str, dict[str, str]] = {}
    for name, bundle in _mapping(claim).items():
        images = {m: d for m, d in _mapping(bundle).items() if m in ("image/png", "image/jpeg", "image/gif")}
        safe = {m: d for m, d in images.items() if isinstance(d, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", d)}
        if safe and not _UNSAFE.search(name):
            found[name] = safe
    return found


def _name_cells(cells: Sequence[dict[str, Any]], raw: Sequence[Any]) -> None:
    """Gives every cell an id of its own, the one it came with where possible."""
    claims = [_mapping(cell).get("id") for cell in raw]
    taken = {c for c in claims if isinstance(c, str) and _IDENT.fullmatch(c)}
    used: set[str] = set()
    for number, (cell, claim) in enumerate(zip(cells, claims, strict=True), 1):
        ident = claim if isinstance(claim, str) and claim in taken and claim not in used else f"cell-{number}"
        more = itertools.count(2)
        while ident in used or (ident in taken and ident != claim):
            ident = f"cell-{number}-{next(more)}"
        cell["id"] = ident
        used.add(ident)


def _single_out(cells: Sequence[dict[str, Any]], notes: list[str]) -> None:
    """Of several copies of a graded cell, one stays graded: of answers the first that was changed, else the first."""
    copies: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        if "nbgrader" in cell["metadata"]:
            copies.setdefault(cell["metadata"]["nbgrader"]["grade_id"], []).append(place)
    for ident, places in copies.items():
        if len(places) == 1:
            continue
        kept = next((place for place in places if _changed(cells[place])), places[0])
        for place in places:
            if place != kept:
                del cells[place]["metadata"]["nbgrader"]
        notes.append(f"The cell {ident} is there {len(places)} times; cell {kept + 1} counts as the one.")


def _changed(cell: Mapping[str, Any]) -> bool:
    known = cell["metadata"]["nbgrader"]
    return bool(known["solution"]) and known.get("checksum") != checksum(cell["source"], cell["cell_type"], known)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _integer(digits: str) -> int:
    return int(digits) if len(digits) < 18 else 0


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else 0.0


def _json_type(tree: Any) -> str:
    return {list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(tree), "number")
