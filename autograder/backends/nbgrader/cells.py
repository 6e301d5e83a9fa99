"""A submission's cells made safe, and those that nbgrader keeps a record of put back in their places. Pure.

Nothing of a submitted notebook gets through but the source of its cells and pasted pictures: no output, metadata or
HTML. That is enough, because the student's code is run from the submitted file itself (`notebook.read`), and it leaves
nothing that could run in the browser of whoever opens the autograded notebook.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

OURS = "autograder"
"""The key of what we keep in metadata. A student's own entry of this name is dropped like all other metadata."""

PROMPT = "prompt-"
"""What the id of a written question's prompt begins with; its answer's cell comes next."""

MISSING = {
    "code": "# This cell was missing in the submission; it was put back when grading.\n",
    "markdown": "*This cell was missing in the submission; it was put back when grading.*\n\n",
}
MAX_SHOWN = 300_000
"""How many characters of a notebook's cells are shown: a page takes seconds to draw for each megabyte."""

CUT = "\n\n[The rest is not shown here; it was graded all the same.]"
TAG = re.compile(r"<(?=[A-Za-z/!?])")


@dataclass(frozen=True)
class Kept:
    """A cell that nbgrader has on record: a starter (solution), a check (grade) or a written answer (both)."""

    grade_id: str
    cell_type: str
    source: str
    checksum: str | None = None
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    points: float | None = None

    @property
    def check(self) -> bool:
        return self.grade and not self.solution

    def metadata(self) -> dict[str, Any]:
        """The metadata that nbgrader expects of this cell."""
        known: dict[str, Any] = {
            "schema_version": 3,
            "grade": self.grade,
            "grade_id": self.grade_id,
            "locked": self.locked,
            "solution": self.solution,
            "task": self.task,
        }
        if self.points is not None:
            known["points"] = self.points
        if self.checksum is not None:
            known["checksum"] = self.checksum
        return known


def restore(submitted: Sequence[Mapping[str, Any]], kept: Sequence[Kept], given: Collection[str] = ()) -> NotebookNode:
    """A notebook of the submitted cells, in their order, in which every kept cell exists exactly once.

    A cell of the student's carries its position in the submission, a cell put back the mark `restored`, and one that is
    still as it was `given` to them the mark `given`.
    """
    found = _find(submitted, kept)
    claimed = {position: k for k in kept if (position := found.get(k.grade_id)) is not None}
    missing: dict[int, list[NotebookNode]] = {}
    before = -1
    for k in kept:
        if k.grade_id in found:
            before = found[k.grade_id]
        else:
            missing.setdefault(before, []).append(_put_back(k))
    cells = missing.get(-1, [])
    for position, cell in enumerate(_shortened(submitted)):
        record = claimed.get(position)
        cells.append(_claimed(cell, record, position) if record else _plain(cell, position, given))
        cells.extend(missing.get(position, []))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return new_notebook(cells=cells, metadata={"language_info": language, OURS: {}})


def _shortened(submitted: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The cells, and those beyond what is shown cut."""
    room = MAX_SHOWN
    for cell in submitted:
        source = text_of(cell)
        yield {**cell, "source": source if len(source) <= room else source[:room] + CUT}
        room -= min(len(source), room)


def _find(submitted: Sequence[Mapping[str, Any]], kept: Sequence[Kept]) -> dict[str, int]:
    """Where each kept cell is: by nbgrader's id, else by the cell's id, else by what it defines or says.

    Where several define a name, the last one counts, as it does when they run. No cell serves twice.
    """
    known = {k.grade_id: k for k in kept}
    found: dict[str, int] = {}
    for look in (_grade_id, _cell_id):
        for position, cell in enumerate(submitted):
            k = known.get(look(cell))
            if (
                k
                and _fits(cell, k)
                and position not in found.values()
                and (look is _grade_id or k.grade_id not in found)
            ):
                found[k.grade_id] = position
    for k in kept:
        if k.grade_id not in found and (after := _after_its_prompt(submitted, k, found)) is not None:
            found[k.grade_id] = after
        elif k.grade_id not in found:
            alike = [i for i, c in enumerate(submitted) if i not in found.values() and _fits(c, k) and _is_meant(c, k)]
            if alike:
                found[k.grade_id] = alike[-1]
    return found


def _grade_id(cell: Mapping[str, Any]) -> str:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, Mapping) else None
    return grade_id if isinstance(grade_id, str) else ""


def _cell_id(cell: Mapping[str, Any]) -> str:
    return str(cell.get("id", ""))


def _fits(cell: Mapping[str, Any], kept: Kept) -> bool:
    """Whether the cell could be this one: an answer in words may have become a code cell, code stays code."""
    return kept.cell_type != "code" or cell.get("cell_type") == "code"


def _is_meant(cell: Mapping[str, Any], kept: Kept) -> bool:
    """Whether a cell without an id is this one: a starter defines its name, a check or an answer is as released."""
    source = text_of(cell)
    if kept.solution and kept.cell_type == "code":
        return kept.grade_id in _defined(source)
    return source.strip() == kept.source.strip()


def _after_its_prompt(submitted: Sequence[Mapping[str, Any]], kept: Kept, found: Mapping[str, int]) -> int | None:
    """Where a written answer is: in the Markdown cell after its prompt, which was found before it."""
    if not (kept.grade and kept.solution) or PROMPT + kept.grade_id not in found:
        return None
    after = found[PROMPT + kept.grade_id] + 1
    free = after < len(submitted) and after not in found.values()
    return after if free and submitted[after].get("cell_type") == "markdown" else None


def _defined(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:async +)?(?:def|class) +(\w+)", source, re.MULTILINE))
    named = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    targets = [t for n in tree.body if isinstance(n, ast.Assign) for t in n.targets]
    return named | {t.id for t in targets if isinstance(t, ast.Name)}


def text_of(cell: Mapping[str, Any]) -> str:
    """The source of a cell, also one saved as a list of lines, without what no file could hold."""
    source = cell.get("source", "")
    joined = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return joined.encode("utf-8", "replace").decode()


def inert(markdown: str) -> str:
    """Markdown in which no HTML tag can begin: `<b` becomes `< b`, which also reads well in formulas and code."""
    return TAG.sub("< ", markdown)


def _plain(cell: Mapping[str, Any], position: int, given: Collection[str]) -> NotebookNode:
    source = text_of(cell)
    mark = {OURS: {"position": position, "given": source in given}}
    match cell.get("cell_type"):
        case "code":
            return new_code_cell(source, metadata=mark)
        case "markdown":
            return _with_pictures(new_markdown_cell(inert(source), metadata=mark), cell)
    return new_markdown_cell("\n".join("    " + line for line in inert(source).splitlines()), metadata=mark)


def _claimed(cell: Mapping[str, Any], kept: Kept, position: int) -> NotebookNode:
    made = _make(kept, kept.source if kept.check or kept.locked else text_of(cell))
    made.metadata[OURS] = {"position": position}
    return made if kept.locked else _with_pictures(made, cell)


def _put_back(kept: Kept) -> NotebookNode:
    locked = kept.check or kept.locked
    made = _make(kept, kept.source if locked else MISSING[kept.cell_type] + kept.source)
    made.metadata[OURS] = {"restored": True}
    return made


def _make(kept: Kept, source: str) -> NotebookNode:
    metadata = {"nbgrader": kept.metadata()}
    if kept.cell_type == "code":
        return new_code_cell(source, metadata=metadata)
    safe = source if source.strip() == kept.source.strip() else inert(source)
    return new_markdown_cell(safe, metadata=metadata)


def _with_pictures(made: NotebookNode, cell: Mapping[str, Any]) -> NotebookNode:
    """With the pictures pasted into the cell; `notebook.read` has checked that they are pictures."""
    if made.cell_type == "markdown" and cell.get("attachments"):
        made["attachments"] = cell["attachments"]
    return made
