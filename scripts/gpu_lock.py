"""Writes deploy/images/gpu/requirements-gpu.lock: what JAX's CUDA adds to requirements.lock, with hashes.

Run by `make lock`. The one CUDA stack is that of JAX's own packages.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK, GPU = ROOT / "requirements.lock", ROOT / "deploy" / "images" / "gpu" / "requirements-gpu.lock"
WANTED = "jax[cuda12]"
ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def entries(text: str) -> dict[str, str]:
    """The entries of a lock, with their hashes, by the name of the package: one for each Python it is locked for."""
    starts = [match.start() for match in ENTRY.finditer(text)]
    pieces = [text[begin:end] for begin, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    found: dict[str, str] = {}
    for piece in pieces:
        name = piece.partition("==")[0]
        found[name] = found.get(name, "") + piece
    return found


def main() -> None:
    command = ["uv", "pip", "compile", "-", "--constraint", str(LOCK), "--python-version", "3.11", "--generate-hashes"]
    command += ["--python-platform", "x86_64-unknown-linux-gnu", "--no-emit-index-url", "--no-header", "--no-annotate"]
    done = subprocess.run([*command, "--quiet"], input=WANTED, capture_output=True, text=True, check=True)
    known = entries(LOCK.read_text("utf-8"))
    added = [piece for name, piece in entries(done.stdout).items() if name not in known]
    GPU.write_text("".join(added), "utf-8")


if __name__ == "__main__":
    main()
