"""The sample class: who handed in what. The code is that of `tests/verdicts/`; the accidents are made here. Pure."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]

ANSWER = (
    "A kernel is an inner product of features, so its matrix is positive semi-definite: "
    "$v^T K v = |\\Phi^T v|^2 \\ge 0$. A distance matrix has a zero diagonal and so cannot be one.\n\n"
    "$$k(x, z) = \\exp(-\\gamma\\,|x - z|^2)$$"
)

STORM = """import os
1 / 0"""
EXIT = """import os
os._exit(1)  # "to be sure that everything was saved\""""
LOOP = """converged = False
while not converged:
    pass"""
HOSTILE = """import numpy as np, os, pathlib, sqlite3
np.testing.assert_allclose = np.allclose = lambda *a, **k: True
found = []
for path in ("source/kernel/kernel.ipynb", "../../../source/kernel.py", "../../../solutions/kernel.py"):
    try:
        found.append(pathlib.Path(path).read_text())
    except OSError as error:
        print(type(error).__name__, path)
try:
    sqlite3.connect("../../../gradebook.db").execute("UPDATE grade SET manual_score = 100")
except Exception as error:
    print(type(error).__name__, "gradebook")
print(len(found), "solutions found")
40.0"""
SCRIPT = "<script>fetch('/formgrader/api/grades')</script><img src=x onerror=alert(1)> My work is **above**."


@dataclass(frozen=True)
class Student:
    """One member of the class: a sample's name, what it shows, and an accident on the way, if any.

    `runs` says whether the student ran the notebook before handing it in; what would harm this machine never runs here.
    """

    name: str
    sample: str
    story: str
    accident: Callable[[Notebook], str | Notebook] | None = None
    runs: bool = True


def crash(notebook: Notebook) -> Notebook:
    return _insert(notebook, STORM, EXIT)


def loop(notebook: Notebook) -> Notebook:
    return _insert(notebook, LOOP)


def attack(notebook: Notebook) -> Notebook:
    changed = _insert(notebook, HOSTILE)
    changed["cells"].append({"cell_type": "markdown", "id": "thanks", "metadata": {}, "source": SCRIPT})
    for cell in changed["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade") and cell["cell_type"] == "code":
            cell["metadata"]["nbgrader"]["points"] = 100
            cell["source"] = "40.0"
    return changed


def lose_metadata(notebook: Notebook) -> Notebook:
    """As some editors save: no metadata, ids of their own."""
    changed = copy.deepcopy(notebook)
    for number, cell in enumerate(changed["cells"]):
        cell["metadata"], cell["id"] = {}, f"vscode{number}"
    changed["metadata"] = {"language_info": {"name": "python"}}
    return changed


def copy_check(notebook: Notebook) -> Notebook:
    """A check cell copied with its metadata, which aborts stock autograding of the whole class."""
    changed = copy.deepcopy(notebook)
    place = next(i for i, c in enumerate(changed["cells"]) if c["metadata"].get("nbgrader", {}).get("grade"))
    changed["cells"].insert(place, copy.deepcopy(changed["cells"][place]) | {"id": "copied"})
    return changed


def cut_off(notebook: Notebook) -> str:
    """An upload that broke off."""
    text = json.dumps(notebook, indent=1)
    return text[: len(text) // 3]


CLASS = (
    Student("amara-okafor", "perfect", "everything right"),
    Student("ben-lindqvist", "numpy_everywhere", "NumPy throughout"),
    Student("chiara-rossi", "over_engineered", "another way, all right"),
    Student("daniel-cohen", "distance_not_squared", "forgot the square"),
    Student("elif-yilmaz", "rows_and_columns", "rows and columns exchanged"),
    Student("farid-haddad", "penalty_times_n", "penalty times n"),
    Student("grace-mwangi", "downhill_and_uncentred", "wrong sign, not centred"),
    Student("hugo-martin", "metric_axioms", "positive entries, not eigenvalues"),
    Student("ines-pereira", "half_finished", "ran out of time"),
    Student("jun-tanaka", "untouched", "handed in as released"),
    Student("kofi-mensah", "noisy_on_stderr", "prints warnings"),
    Student("lena-schmidt", "training_residuals", "metadata lost in an editor", lose_metadata),
    Student("mateo-garcia", "shared_state", "copied a check cell", copy_check),
    Student("nadia-petrova", "perfect", "a cell that ends Python", crash, runs=False),
    Student("oskar-nowak", "perfect", "a cell that never ends", loop, runs=False),
    Student("priya-nair", "perfect", "the upload broke off", cut_off, runs=False),
    Student("quentin-dubois", "untouched", "attacks the grader", attack, runs=False),
    Student("rosa-weber", "distance_not_squared", "forgot the square, too"),
    Student("samir-khan", "distance_not_squared", "forgot the square, too"),
    Student("tove-hansen", "training_residuals", "residuals of the training set"),
    Student("ulla-virtanen", "right_by_luck", "right by luck"),
)


def fill(released: Notebook, sample: str, exercises: Mapping[str, str]) -> Notebook:
    """The released notebook with the cells of a sample in it: each answer in its starter's cell, all else before it.

    `exercises` are the names a starter cell can have, and the ids of their cells.
    """
    notebook = copy.deepcopy(released)
    cells = notebook["cells"]
    place = next(i for i, c in enumerate(cells) if c["cell_type"] == "code") + 1
    for number, source in enumerate(_cells(sample)):
        named = re.findall(r"^(?:def|class) +(\w+)", source, re.MULTILINE)
        name = next((n for n in named if n in exercises), None)
        if name is None:
            cells.insert(place, _code(source, f"own-{number}"))
            place += 1
            continue
        place = next(i for i, c in enumerate(cells) if c.get("id") == exercises[name])
        cells[place]["source"] = source
        place += 1
    for cell in cells:
        grading = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "markdown" and grading.get("grade") and "NotImplementedError" not in sample:
            cell["source"] = ANSWER
    return notebook


def _cells(sample: str) -> list[str]:
    """The cells of a percent file, without the line of expectations."""
    text = sample.partition("\n")[2]
    return [c.strip("\n") for c in re.split(r"^# %%.*\n", text, flags=re.MULTILINE) if c.strip()]


def _insert(notebook: Notebook, *sources: str) -> Notebook:
    changed = copy.deepcopy(notebook)
    place = next(i for i, c in enumerate(changed["cells"]) if c["cell_type"] == "code") + 1
    changed["cells"][place:place] = [_code(source, f"accident-{i}") for i, source in enumerate(sources)]
    return changed


def _code(source: str, ident: str) -> dict[str, Any]:
    blank: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    return blank | {"id": ident, "source": source}


def sample_path(root: Path, chapter: str, student: Student) -> Path:
    return root / "tests" / "verdicts" / chapter / f"{student.sample}.py"
