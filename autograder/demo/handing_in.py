"""Makes the sample class's notebooks, runs them as their students did, and hands them in where they changed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from autograder.demo.students import CLASS, Notebook, Student, fill, sample_path
from autograder.errors import UsageError

CELL_SECONDS = 60
AT_ONCE = 2
MARK = "submitted/.released"
"""The file that says that gradebook.db is the demo's own, and holds the notebook it was made for."""


def refuse_real_work(root: Path) -> None:
    """The demo has a class of its own, and never touches a course that people already handed work in to."""
    ours = {s.name for s in CLASS}
    for folder in ("submitted", "autograded"):
        others = sorted(p.name for p in (root / folder).glob("*") if p.is_dir() and p.name not in ours)
        if others:
            raise UsageError(
                f"{folder}/ holds the work of {others[0]}, who is not of the sample class. "
                "Run the demo in a fresh copy of the course."
            )
    if (root / "gradebook.db").exists() and not (root / MARK).exists():
        raise UsageError("gradebook.db is not the demo's own. Run the demo in a fresh copy of the course.")


def hand_in(root: Path, chapter: str, cache: Path, done: Callable[[Student], None]) -> list[str]:
    """Places every notebook in submitted/, and names the students whose notebooks are new or changed."""
    import nbformat

    released = nbformat.read(root / "release" / chapter / f"{chapter}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    sheet = root / "release" / chapter / f"{chapter}.json"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = pool.map(lambda s: (s, _made(root, chapter, released, sheet, s, cache)), CLASS)
        return [s.name for s, text in made if _placed(root, chapter, s, text, done)]


def _placed(root: Path, chapter: str, student: Student, text: str, done: Callable[[Student], None]) -> bool:
    """Writes the notebook and the time stamp by which nbgrader sees that it is new. False if nothing changed."""
    done(student)
    path = root / "submitted" / student.name / chapter / f"{chapter}.ipynb"
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    (path.parent / "timestamp.txt").write_text(stamp, "utf-8")
    return True


def _made(root: Path, chapter: str, released: Notebook, sheet: Path, student: Student, cache: Path) -> str:
    sample = sample_path(root, chapter, student).read_text("utf-8")
    names = {
        c["metadata"]["nbgrader"]["grade_id"]: c["id"]
        for c in released["cells"]
        if c["cell_type"] == "code" and c["metadata"].get("nbgrader", {}).get("solution")
    }
    notebook = fill(released, sample, names)
    if student.runs:
        notebook = _ran(notebook, sheet, cache)
    saved = student.accident(notebook) if student.accident else notebook
    return saved if isinstance(saved, str) else json.dumps(saved, indent=1, ensure_ascii=False) + "\n"


def _ran(notebook: Notebook, sheet: Path, cache: Path) -> Notebook:
    """The notebook after its student ran it; from the cache if the same one ran before."""
    digest = hashlib.sha256(json.dumps(notebook, sort_keys=True).encode() + sheet.read_bytes()).hexdigest()
    kept = cache / f"{digest[:32]}.ipynb"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        partial.write_text(json.dumps(_execute(notebook, sheet, cache)), "utf-8")
        partial.replace(kept)
    found: Notebook = json.loads(kept.read_text("utf-8"))
    return found


def _execute(notebook: Notebook, sheet: Path, cache: Path) -> Notebook:
    import tempfile

    import nbformat
    from nbclient import NotebookClient

    running = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / sheet.name).write_bytes(sheet.read_bytes())
        compiled = {"JAX_COMPILATION_CACHE_DIR": cache / "compiled", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": 0}
        client = NotebookClient(
            running,
            timeout=CELL_SECONDS,
            interrupt_on_timeout=True,
            allow_errors=True,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        client.execute(
            stderr=subprocess.DEVNULL, env=os.environ | {name: str(value) for name, value in compiled.items()}
        )
    ran: Notebook = json.loads(nbformat.writes(running))  # type: ignore[no-untyped-call]
    return ran
