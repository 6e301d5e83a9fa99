"""The demo's copy of the course, in a folder of the grader's alone: solutions, chapter files and built notebooks."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.course import load_course
from autograder.errors import OurError
from autograder.hub.accounts import as_grader
from autograder.hub.plan import Plan

CONFIG = "nbgrader_config.py"
STANDARD = """from pathlib import Path

from autograder.backends.nbgrader import configure

configure(get_config(), Path(__file__).resolve().parent)
"""
PLUGIN = "nbgrader.auth.jupyterhub.JupyterHubAuthPlugin"
BUILD = "from autograder.cli import main; main()"


def nbgrader_lines(plan: Plan) -> str:
    """What a course in a hub adds to its nbgrader_config.py."""
    lines = [
        "",
        "# Under a JupyterHub: where people hand each other files, and who belongs to the course.",
        "c = get_config()",
        f"c.Exchange.root = {str(plan.exchange)!r}",
        "c.Exchange.path_includes_course = True",
        f"c.Authenticator.plugin_class = {PLUGIN!r}",
    ]
    if not plan.accounts:
        lines.append("c.ExchangeCollect.check_owner = False  # everything belongs to one account here")
    return "\n".join(lines) + "\n"


def pack(root: Path, plan: Plan) -> bytes:
    """The course as an archive: what its authors wrote and what was built of it, and no person's work."""
    chapters = load_course(root).chapters
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in _files(root, tuple(chapters)):
            archive.add(path, str(path.relative_to(root)), recursive=False)
        given = root / CONFIG
        text = (given.read_text("utf-8") if given.exists() else STANDARD) + nbgrader_lines(plan)
        entry = tarfile.TarInfo(CONFIG)
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def unpack(packed: bytes, plan: Plan, tell: Callable[[str], None]) -> None:
    """Writes the archive into the grader's folder, as the grader, and builds what is missing or stale."""
    _as_grader(plan, ["mkdir", "--parents", str(plan.course)], b"", Path("/"))
    _as_grader(plan, ["tar", "--extract", "--no-same-owner", "--no-same-permissions"], packed, plan.course)
    stale = [name for name in load_course(plan.course).chapters if _is_stale(plan.course, name)]
    if stale:
        tell(f"Building {', '.join(stale)}, which happens once")
        _as_grader(plan, [sys.executable, "-c", BUILD, "build", *stale], b"", plan.course)


def missing_lines(root: Path, plan: Plan) -> str:
    """What a course that is not the demo's own lacks in its nbgrader_config.py, if its exchange is not named there."""
    given = root / CONFIG
    text = given.read_text("utf-8") if given.exists() else ""
    return "" if str(plan.exchange) in text else nbgrader_lines(plan)


def _files(root: Path, chapters: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted((root / "source").iterdir()):
        if path.is_file():
            yield path
    for name in chapters:
        if not _is_stale(root, name):  # a stale one would replace, at each start, what the start before has built
            yield from sorted(path for path in (root / "source" / name).rglob("*") if _counts(path))
    yield from sorted(path for path in (root / "solutions").rglob("*") if _counts(path))


def _counts(path: Path) -> bool:
    return path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)


def _is_stale(root: Path, name: str) -> bool:
    built = root / "source" / name / f"{name}.ipynb"
    parts = [root / "source" / "course.toml", root / "source" / f"{name}.py", *(root / "solutions").rglob("*.py")]
    return not built.exists() or any(path.stat().st_mtime > built.stat().st_mtime for path in parts)


def _as_grader(plan: Plan, command: list[str], given: bytes, where: Path) -> None:
    done = subprocess.run(command, input=given, capture_output=True, check=False, cwd=where, **as_grader(plan))
    if done.returncode:
        raise OurError(
            f"`{' '.join(command)}` failed in {where}: {done.stderr.decode(errors='replace').strip()[-2000:]}"
        )
