"""A hub for tests, as `autograder hub --demo` brings it up: with accounts of its own where tests run as root."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSE = Path(__file__).parent / "course"
COMMAND = "from autograder.cli import main; main()"
NUMBERS = itertools.count()
START_SECONDS, STOP_SECONDS = 400, 120
"""Generous: a busy machine is slow, and not wrong."""


@dataclass(frozen=True)
class Hub:
    """A hub that answers: its address, its people, and where it keeps its files."""

    process: "subprocess.Popen[bytes]"
    name: str
    top: Path
    facts: Mapping[str, Any]

    @property
    def address(self) -> str:
        return str(self.facts["address"])

    def account(self, who: str) -> str:
        """The full name of `ada`, `grace`, `instructor` or `grader`."""
        return f"{self.name}-{who}"

    def password(self, who: str) -> str:
        return next(str(p["password"]) for p in self.facts["people"] if p["name"] == self.account(who))

    @property
    def log(self) -> str:
        return (self.top / "private" / "hub.log").read_text("utf-8", "replace")

    def enter(self, who: str, *command: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command as that account, where its server's programs run: behind the hub's walls."""
        inside = [
            "nsenter",
            "--mount",
            f"--target={self.process.pid}",
            "runuser",
            "-u",
            self.account(who),
            "--",
            *command,
        ]
        return subprocess.run(
            inside, capture_output=True, text=True, timeout=120, check=False, env={"PATH": os.environ["PATH"]}
        )


@contextmanager
def hub_of(
    folder: Path, *, command: Sequence[str] = (sys.executable, "-c", COMMAND), accounts: bool = os.geteuid() == 0
) -> Iterator[Hub]:
    """A copy of the test's course in a hub of its own, with a name that no other run of the tests has."""
    name = f"t{os.getpid()}-{next(NUMBERS)}"
    root = Path(shutil.copytree(COURSE, folder / name))
    settings = root / "source" / "course.toml"
    settings.write_text(settings.read_text().replace('"halves"\n', f'"{name}"\n', 1))
    top = Path("/var/lib/autograder") / name if accounts else Path(os.environ["AUTOGRADER_STATE"]) / "hub" / name
    said = folder / f"{name}.out"
    try:
        with said.open("wb") as out:
            process = subprocess.Popen([*command, "hub", "--demo", "--course", str(root)], stdout=out, stderr=out)
        try:
            yield Hub(process, name, top, _ready(process, top / "private" / "ready.json", said))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
    finally:
        with suppress(FileNotFoundError):
            shutil.copy(top / "private" / "hub.log", folder)  # pytest keeps the folders of the last runs
        run([*command, "hub", "--remove", "--course", str(root)])


def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=STOP_SECONDS, check=True)


def _ready(process: "subprocess.Popen[bytes]", path: Path, said: Path) -> Mapping[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists():
            facts: Mapping[str, Any] = json.loads(path.read_text())
            return facts
        time.sleep(0.3)
    raise AssertionError(said.read_text())
