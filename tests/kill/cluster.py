"""A Dask scheduler and its workers as processes on loopback, with certificates of their own, which can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Security

PATIENCE = 90.0
WEAK = """
from autograder.sandbox import layers, pool

found = layers.probe()
pool.probe = lambda: layers.Machine(**{**vars(found), "seccomp_held": "not in this kernel"})
"""
"""Makes a worker's machine one without seccomp."""


@dataclass
class Cluster:
    """`folder` holds certificates, logs and the workers' scratch folders."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def join(self, name: str, *, weak: bool = False) -> subprocess.Popen[bytes]:
        """One more worker of one thread, which joins in its own time."""
        words = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        words += ["--host", "127.0.0.1", "--local-directory", str(self.folder / name)]
        if weak:
            (self.folder / "weak.py").write_text(WEAK)
            words += ["--preload", str(self.folder / "weak.py")]
        self.workers[name] = begun("dask_worker", [*words, *files(self.folder)], self.folder, name)
        return self.workers[name]

    @property
    def options(self) -> list[str]:
        """Those of `autograder grade` for this cluster."""
        return ["--scheduler", self.address, *(f.replace("-file", "") for f in files(self.folder))]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A scheduler without workers. Nothing of it outlives the block."""
    folder.mkdir()
    certify(folder)
    where = folder / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--protocol", "tls", "--no-dashboard"]
    words += ["--scheduler-file", str(where), *files(folder)]
    process = begun("dask_scheduler", words, folder, "scheduler")
    made = Cluster(folder, "", process)
    try:
        until(where.exists, (folder / "scheduler.log").read_text)
        until(lambda: where.read_text().strip().endswith("}"), where.read_text)
        made.address = json.loads(where.read_text())["address"]
        yield made
    finally:
        for process in (*made.workers.values(), made.scheduler):
            process.kill()
            process.wait()


def certify(folder: Path) -> None:
    """One certificate, which is its own authority, in files that Dask reads."""
    security = Security.temporary()
    (folder / "ca.pem").write_text(security.tls_ca_file)
    (folder / "cert.pem").write_text(security.tls_client_cert)
    (folder / "key.pem").write_text(security.tls_client_key)


def files(folder: Path) -> list[str]:
    return [
        word
        for option, name in (("--tls-ca-file", "ca"), ("--tls-cert", "cert"), ("--tls-key", "key"))
        for word in (option, str(folder / f"{name}.pem"))
    ]


def begun(program: str, words: list[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{program}", *words],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )


def until(true: Callable[[], object], said: Callable[[], str]) -> None:
    """Waits for it, and fails with what was said if it does not come true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, said()
        time.sleep(0.1)
