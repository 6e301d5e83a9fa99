"""Pages in a real browser without a window: what is left of them once everything that can run has run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60


def opened(address: str | Path) -> str:
    """The document, as it is after scripts have had five seconds. `make browser` installs what this needs."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, but there should be: `make browser` installs it")
        pytest.skip("there is no chromium: `make browser` installs it")
    where = address.as_uri() if isinstance(address, Path) else address
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += ["--virtual-time-budget=5000", "--dump-dom", where]
        environment = os.environ | {"HOME": profile}
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True, env=environment)
    return done.stdout
