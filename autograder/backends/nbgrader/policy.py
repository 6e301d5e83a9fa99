"""What may run on the formgrader's page of a submission: nbgrader's own scripts, and nothing that comes after them.

nbgrader's page runs scripts, so it cannot forbid them all as our pages do. It loads them in its head; what its body
runs beside is known by its hash. A script that got into a notebook's cell would have another.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

MACROS = Path("server_extensions", "formgrader", "templates", "formgrade", "formgrade_macros.html.j2")
RUNS = re.compile(r'<script type="text/javascript">(.*?)</script>|\sonclick="([^"]*)"', re.DOTALL)
REST = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'"


def policy(text: str = "") -> str:
    """The Content-Security-Policy for what follows on the page, as a filter that ignores its `text`."""
    return f"{REST}; base-uri 'none'; form-action 'self'; script-src 'unsafe-hashes' {' '.join(_hashes())}".strip()


@lru_cache(maxsize=1)
def _hashes() -> tuple[str, ...]:
    """The hashes of what nbgrader's own macros run, as far as it is the same on every page."""
    found = importlib.util.find_spec("nbgrader")
    folders = [Path(folder) for folder in (found.submodule_search_locations if found else None) or ()]
    return tuple(dict.fromkeys(h for folder in folders for h in hashes((folder / MACROS).read_text("utf-8"))))


def hashes(template: str) -> Iterator[str]:
    """The hash of each script and handler in a template, in the form of a policy."""
    for script, handler in RUNS.findall(template):
        if "{{" not in script:
            digest = hashlib.sha256((script or handler).encode()).digest()
            yield f"'sha256-{base64.b64encode(digest).decode()}'"
