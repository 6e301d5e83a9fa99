"""Which heavy libraries a submission imports, read off its cells: its worker can then begin with them. Nothing is run.

A library that is found too often, or overlooked, costs time and nothing else. Keras is another matter: it takes its
backend from the environment when it is first imported, so it is loaded beforehand only where that is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from autograder.records import Frameworks

IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(tensorflow|keras|torch)\b", re.MULTILINE)
IMPORTS_KERAS = re.compile(r"^(?:import|from)[ \t]+keras\b", re.MULTILINE)
MENTION = re.compile(r"KERAS_BACKEND")
BACKEND = re.compile(r"""KERAS_BACKEND(?:["']\s*(?:\]\s*=|,|:)\s*["']|\s*=\s*["']?)(\w+)""")
IMPORTED = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<package>[\w.]+)[ \t]+import[ \t]+(?P<names>[\w, \t]*)"
    r"|import[ \t]+(?P<modules>[\w., \t]+))",
    re.MULTILINE,
)
SHOWS = re.compile(r"^@reward\ndef [^\n]*\n(?:(?:[ \t][^\n]*)?\n)*", re.MULTILINE)
SHARED = {
    *("pandas", "scipy.interpolate", "scipy.optimize", "scipy.sparse", "scipy.spatial.distance", "scipy.special"),
    *("scipy.stats", "sklearn.base", "sklearn.exceptions", "sklearn.kernel_ridge", "sklearn.linear_model"),
    *("sklearn.metrics", "sklearn.metrics.pairwise", "sklearn.model_selection", "sklearn.pipeline"),
    *("sklearn.preprocessing", "sklearn.utils", "sklearn.utils.validation", "rdkit.DataStructs"),
    *("rdkit.Chem.AllChem", "rdkit.Chem.Crippen", "rdkit.Chem.Descriptors", "rdkit.Chem.rdFingerprintGenerator"),
    *("rdkit.Chem.rdMolDescriptors",),
}
"""What a fork server loads once somebody imports it: a tenth of a second and more, no threads, and nothing that changes
how others compute. A stranger's text chooses among these and no others."""
NAMED_WHOLE = "sklearn"
"""What binds this name may use any part of it that something else has loaded: a picture that has not run here, say."""
BACKENDS = ("jax", "tensorflow", "torch")
UNDECIDED = "undecided"


def frameworks_of(cells: Iterable[str]) -> Frameworks:
    """The libraries that these cells import, in the order in which they are to be loaded."""
    cells = tuple(cells)
    text = "\n".join(cells)
    also = tuple(sorted(SHARED.intersection(_imported(text))))
    imports = {match[1] for match in IMPORT.finditer(text)}
    if not imports:
        return Frameworks(also=also)
    first = next((cell for cell in cells if MENTION.search(cell) or IMPORTS_KERAS.search(cell)), "")
    backend = "" if _begins_with_keras(first) else _backend(text)
    if backend == UNDECIDED:
        imports -= {"keras", "tensorflow"}  # TensorFlow imports Keras
    return Frameworks(tuple(sorted(imports, reverse=True)), backend if imports - {"torch"} else "", also)


def likely_frameworks(cells: Iterable[str], *, shown: bool) -> Frameworks:
    """The same before it is known what was handed out. What shows something runs if it is `shown` to somebody."""
    return frameworks_of(cells if shown else (SHOWS.sub("", f"{cell}\n") for cell in cells))


def _imported(text: str) -> Iterator[str]:
    """The modules that lines of this text import, or might."""
    for match in IMPORTED.finditer(text):
        if match["package"]:
            yield match["package"]
            yield from (f"{match['package']}.{name.split()[0]}" for name in match["names"].split(",") if name.strip())
        else:
            names = [name.split()[0] for name in match["modules"].split(",") if name.strip()]
            yield from names
            if any(name.partition(".")[0] == NAMED_WHOLE for name in names):
                yield from (name for name in SHARED if name.startswith(f"{NAMED_WHOLE}."))


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
