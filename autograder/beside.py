"""The visible sheet beside a notebook: there, or fetched, or a sentence that says why not. Needs Python alone.

The notebook says the sheet's checksum, so that whoever could change what is fetched could not pass off another sheet
for it. A file that is there is never overwritten, and one is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

MAX_BYTES = 20 << 20
SECONDS = 30.0


def get_sheet(chapter: str, checksum: str, address: str = "") -> None:
    """Sees to it that the sheet lies in the notebook's folder. Says nothing if it does, and prints what is amiss."""
    for trouble in (_outdated(), _sheet(Path.cwd() / f"{chapter}.json", checksum, address)):
        if trouble:
            print(trouble)


def checksum(text: str) -> str:
    """The SHA-256 of a sheet, however an editor or Git ends its lines."""
    return hashlib.sha256(text.removeprefix("\ufeff").replace("\r\n", "\n").encode("utf-8", "replace")).hexdigest()


def _sheet(path: Path, wanted: str, address: str) -> str:
    name = path.name
    if path.exists():
        if _checksum_of(path.read_bytes()) == wanted:
            return ""
        return (
            f"{name} beside this notebook is of another version than the notebook, so its checks may not fit. "
            f"Take notebook and {name} from the same place; or, to fetch the right one if there is a network, move "
            f"{name} away and run this cell again."
        )
    advice = f"Put the file {name} that belongs to this notebook into its folder (in Colab: the folder on the left)."
    if not address:
        return (
            f"{name} is not beside this notebook, and the notebook does not say where to get it (an instructor says so "
            f"by `published` in source/course.toml). {advice} Then run this cell again."
        )
    import urllib.request  # which most never need, and whoever builds a notebook would wait for
    from http.client import HTTPException

    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            data = answer.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", None) or error
        return f"{name} could not be fetched from {address} ({why}). Run this cell again with a network. Or: {advice}"
    if _checksum_of(data) != wanted:
        return (
            f"{name} at {address} is of another version than this notebook, so it was not kept. Open the newest "
            f"notebook of this chapter and copy your answers to it. Or: {advice}"
        )
    return _written(path, data)


def _written(path: Path, data: bytes) -> str:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        return f"{path.name} was fetched but could not be written to {path.parent}: {error.strerror}."
    finally:
        partial.unlink(missing_ok=True)
    return ""


def _checksum_of(data: bytes) -> str:
    return checksum(data.decode("utf-8", "replace"))


def _outdated() -> str:
    """Whether installing has replaced a library that this process had loaded before."""
    import importlib.metadata

    for name in ("numpy", "jax"):
        loaded = getattr(sys.modules.get(name), "__version__", None)
        try:
            installed = importlib.metadata.version(name) if loaded else None
        except importlib.metadata.PackageNotFoundError:
            continue
        if loaded != installed:
            return f"{name} {installed} is installed, but {loaded} is loaded: restart the kernel, and begin again here."
    return ""
