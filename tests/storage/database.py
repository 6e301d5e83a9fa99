"""A real PostgreSQL for the length of a test: a cluster of its own in a temporary folder, on a Unix socket there."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEBIAN = Path("/usr/lib/postgresql")
SECONDS = 120
# It lives for minutes: nothing need survive a power cut.
HASTE = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=20"


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL, whose socket is in `folder`."""

    folder: Path

    def database(self, name: str) -> str:
        """A new, empty database, as the address that SQLAlchemy takes."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="grader", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://grader@/{name}?host={self.folder}"

    def rows(self, name: str, question: str) -> list[tuple[Any, ...]]:
        """What the database itself says, past every library of ours."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="grader", dbname=name, autocommit=True) as connection:
            cursor = connection.execute(question)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster that is gone afterwards. PostgreSQL refuses to run as root, so root runs it as Debian's own user."""
    programs = binaries()
    user: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has room for 107 letters
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def run(*words: str) -> None:
        subprocess.run(words, check=True, cwd=folder, stdin=subprocess.DEVNULL, timeout=SECONDS, **quiet, **user)

    data = str(folder / "data")
    with (folder / "log").open("wb") as log:
        quiet = {"stdout": log, "stderr": log}
        try:
            run(f"{programs}/initdb", "-D", data, "-U", "grader", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
            options = f"-c listen_addresses='' -k {folder} {HASTE}"
            run(f"{programs}/pg_ctl", "-D", data, "-w", "-t", str(SECONDS), "-l", data + ".log", "-o", options, "start")
            yield Cluster(folder)
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}") from error
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                run(f"{programs}/pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
            shutil.rmtree(folder)


def binaries() -> Path:
    """Where PostgreSQL's programs are. `make postgres` installs them."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL, but there should be: `make postgres` installs it")
        pytest.skip("there is no PostgreSQL: `make postgres` installs it")
    return found[-1].parent if found else Path(str(on_path)).parent
