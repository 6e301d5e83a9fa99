"""Writes environment.yml from requirements.lock, or with --check says whether it is what the lock makes of it.

Where `make lock` has just compiled everything with TensorFlow, what that adds goes to requirements-tensorflow.lock.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Generated from requirements.lock by scripts/environment.py; do not edit.
# conda gives Python, and the libraries are exactly those that the tests ran with.
name: dmol-autograder
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def environment(lock: str) -> str:
    """The text of environment.yml for this lock."""
    pins = re.findall(r"^([A-Za-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)
    return HEADER + "".join(f'      - "{pin}"\n' for pin in pins)


def added(everything: str, lock: str) -> str:
    """The entries of `everything`, with their hashes, that `lock` does not have."""
    entries = re.split(r"^(?=[A-Za-z0-9])", everything, flags=re.MULTILINE)
    return "".join(entry for entry in entries if entry not in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE))


def main() -> int:
    compiled = ROOT / ".venv" / "all.lock"
    if "--check" not in sys.argv and compiled.exists():
        text = added(compiled.read_text(), (ROOT / "requirements.lock").read_text())
        (ROOT / "requirements-tensorflow.lock").write_text(text)
    path, text = ROOT / "environment.yml", environment((ROOT / "requirements.lock").read_text())
    if "--check" not in sys.argv:
        path.write_text(text)
        return 0
    if path.exists() and path.read_text() == text:
        return 0
    print("environment.yml is not what requirements.lock makes of it: run `python scripts/environment.py`.")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
