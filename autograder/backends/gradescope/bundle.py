"""The `autograder.zip` of a chapter, for Gradescope: the same bytes for the same course, seed and engine.

It holds the hidden sheet that was drawn from the seed, and not the seed, which would open every chapter and year.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autograder
from autograder import report
from autograder.backends.gradescope.results import ungraded
from autograder.course import Chapter
from autograder.errors import OurError
from autograder.records import Sheet
from autograder.scale.parcel import pack

FILES = Path(__file__).parent / "files"
LOCK = "requirements.lock"
EPOCH = (1980, 1, 1, 0, 0, 0)
PRIVATE, PROGRAM = 0o100600, 0o100700
PROGRAMS = ("setup.sh", "run_autograder")
DIED = "Grading ended before it was done: look at the standard output, and at the container's memory and time limit."


def bundle(chapter: Chapter, sheet: Sheet, hidden: str) -> bytes:
    """The zip with this chapter and its hidden `sheet`."""
    files: dict[str, bytes] = {name: text.encode() for name, text in texts(chapter, sheet, hidden).items()}
    engine = Path(autograder.__file__).parent
    for path in sorted(engine.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            files[f"engine/autograder/{path.relative_to(engine).as_posix()}"] = path.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system, member.compress_type = 3, zipfile.ZIP_DEFLATED
            member.external_attr = (PROGRAM if name in PROGRAMS else PRIVATE) << 16
            archive.writestr(member, files[name])
    return packed.getvalue()


def texts(chapter: Chapter, sheet: Sheet, hidden: str) -> Mapping[str, str]:
    """All but the engine, by its place in the zip."""
    parcel = pack(chapter, sheet, trust=False)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = {name: (FILES / name).read_text("utf-8") for name in (*PROGRAMS, "grade.py")}
    return {
        **{name: text.replace("{{python}}", python) for name, text in ours.items()},
        **{f"course/{name}": text for name, text in parcel.files.items()},
        "hidden.json": parcel.sheet,
        "settings.json": json.dumps({"chapter": chapter.name, "hidden": hidden, "engine": parcel.engine}) + "\n",
        "failed.json": json.dumps(ungraded(report.STATUS["failed-ours"], DIED)) + "\n",
        "requirements.txt": requirements(chapter.course.root),
    }


def requirements(root: Path) -> str:
    """The libraries of the container: the course's `requirements.lock`, or the versions that are installed here."""
    lock = root / LOCK
    if lock.is_file():
        return lock.read_text("utf-8")
    found: dict[str, str] = {}
    _pin(Requirement("dmol-autograder[grader]"), found)
    found.pop("dmol-autograder", None)
    if not found:
        raise OurError(
            f"{root} has no {LOCK}, and dmol-autograder is not installed here: nothing says which libraries."
        )
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def _pin(wanted: Requirement, found: dict[str, str]) -> None:
    """Adds the installed version of `wanted`, and of all that it requires here, to `found`."""
    try:
        package = metadata.distribution(wanted.name)
    except metadata.PackageNotFoundError:
        return  # nothing here needs it
    name = canonicalize_name(wanted.name)
    if name in found and not wanted.extras:
        return
    found[name] = package.version
    for required in map(Requirement, package.requires or ()):
        if any(not required.marker or required.marker.evaluate({"extra": e}) for e in ("", *wanted.extras)):
            _pin(required, found)
