"""Which heavy libraries a submission imports, read off its cells: its worker can then begin with them. Nothing is run.

A library that is found too often, or overlooked, costs time and nothing else. Keras is another matter: it takes its
backend from the environment when it is first imported, so it is loaded beforehand only where that is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from autograder.records import Frameworks

IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(tensorflow|keras|torch)\b", re.MULTILINE)
IMPORTS_KERAS = re.compile(r"^(?:import|from)[ \t]+keras\b", re.MULTILINE)
MENTION = re.compile(r"KERAS_BACKEND")
BACKEND = re.compile(r"""KERAS_BACKEND(?:["']\s*(?:\]\s*=|,|:)\s*["']|\s*=\s*["']?)(\w+)""")
BACKENDS = ("jax", "tensorflow", "torch")
UNDECIDED = "undecided"


def frameworks_of(cells: Iterable[str]) -> Frameworks:
    """The libraries that these cells import, in the order in which they are to be loaded."""
    cells = tuple(cells)
    text = "\n".join(cells)
    imports = {match[1] for match in IMPORT.finditer(text)}
    if not imports:
        return Frameworks()
    first = next((cell for cell in cells if MENTION.search(cell) or IMPORTS_KERAS.search(cell)), "")
    backend = "" if _begins_with_keras(first) else _backend(text)
    if backend == UNDECIDED:
        imports -= {"keras", "tensorflow"}  # TensorFlow imports Keras
    return Frameworks(tuple(sorted(imports, reverse=True)), backend if imports - {"torch"} else "")


def _begins_with_keras(cell: str) -> bool:
    """Whether a cell imports Keras before it does anything but import: what it says of the backend comes too late."""
    for line in cell.splitlines():
        if IMPORTS_KERAS.match(line):
            return True
        if line.strip() and not line.startswith(("import ", "from ", "#")):
            return False
    return False


def _backend(text: str) -> str:
    """Keras's backend as these cells set it; nothing if they do not; `UNDECIDED` if that cannot be told."""
    mentions, understood = MENTION.findall(text), list(BACKEND.finditer(text))
    if not mentions:
        return ""
    first_import = min((m.start() for m in IMPORT.finditer(text) if m[1] != "torch"), default=len(text))
    names = {match[1] for match in understood}
    if len(understood) != len(mentions) or understood[0].start() > first_import or len(names) > 1:
        return UNDECIDED
    (name,) = names
    return name if name in BACKENDS else UNDECIDED
