"""What an LMS lets an instructor download, made up as it makes it: zips of submissions, in each one's naming scheme."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

NOON = (2026, 3, 2, 12, 0, 0)


def notebook(text: str = "x = 1") -> bytes:
    """A notebook with one cell."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def zipped(path: Path, members: Mapping[str, bytes], *, date: tuple[int, ...] = NOON) -> Path:
    """A zip file with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(info(name, date=date), data)
    return path


def info(name: str, *, mode: int = 0o100644, date: tuple[int, ...] = NOON) -> zipfile.ZipInfo:
    """A member's entry. `mode` is what Unix says of its kind and rights."""
    made = zipfile.ZipInfo("x", date)  # type: ignore[arg-type]
    made.filename = made.orig_filename = name
    made.external_attr, made.create_system = mode << 16, 3
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def as_bytes(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


GRADESCOPE = """\
submission_7001:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@uni.edu
  :created_at: 2026-03-01 09:30:15.123456000 Z
  :score: 3.0
  :status: processed
  :history: []
submission_7002:
  :submitters:
  - :name: Bob Ünal
    :sid: bob
    :email:
  - :name: Cyd N
    :sid: cyd
    :email: cyd@uni.edu
  :created_at: 2026-03-02 23:59:59.000000000 +01:00
  :history:
  - :created_at: 2026-02-28 10:00:00.000000000 Z
    :score: 1.0
"""
"""`submission_metadata.yml` of one who works alone, and of a pair."""


def gradescope(path: Path, *, metadata: str = GRADESCOPE) -> Path:
    """The export of an assignment at Gradescope."""
    top = "assignment_3300_export"
    members = {
        f"{top}/submission_metadata.yml": metadata.encode(),
        f"{top}/submission_7001/toy.ipynb": notebook("ada"),
        f"{top}/submission_7001/data/notes.txt": b"notes",
        f"{top}/submission_7002/my toy.ipynb": notebook("pair"),
    }
    return zipped(path, members)
