"""A hub from start to stop without a browser: in the demo that has no accounts, and with the other JupyterHub."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import psutil
import pytest

from tests.browser.hubs import COMMAND, Hub, hub_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
PATIENCE, NOBODY = 180, 65534
AS_NOBODY = f"""
import os, sys
from pathlib import Path
if os.geteuid() == 0:
    from autograder.hub.enclosure import enclose, needed
    enclose(Path(sys.argv.pop(1)), needed())
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
from autograder.cli import main
main()
"""
"""Runs the command as an ordinary user, also where the tests' own Python lies below root's home."""


class Session:
    """Logged in over HTTP, with the cookies and tokens against forged requests that a browser would send."""

    def __init__(self, hub: Hub, who: str):
        self.hub, self.account, self.cookies = hub, hub.account(who), CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        page = self.page("/hub/login")
        token = re.search(r'name="_xsrf" value="([^"]+)"', page)
        assert token is not None, page
        form = {"username": self.account, "password": hub.password(who), "_xsrf": token[1]}
        self.page("/hub/login", urlencode(form).encode())

    def page(self, path: str, data: bytes | None = None) -> str:
        with self.opener.open(Request(self.hub.address + path, data), timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def spawned(self) -> Any:
        """What this person's own server says of its kernels, once it runs."""
        self.page(f"/hub/spawn/{self.account}")
        return json.loads(until(self._kernels, "the server"))

    def _kernels(self) -> str:
        try:
            self.page(f"/user/{self.account}/lab")  # by way of the hub's login, which the API does not offer
            return self.page(f"/user/{self.account}/api/kernelspecs")
        except OSError:
            return ""


def until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come")


def starts_and_stops(hub: Hub) -> list[psutil.Process]:
    """A student's server runs beside the services; afterwards, all that ran."""
    kernels = Session(hub, "ada").spawned()
    assert kernels["kernelspecs"]["python3"]["spec"]["display_name"] == "Course (CPU)"
    page = Session(hub, "instructor").page(f"/services/{hub.name}/formgrader/manage_assignments")
    assert "Manage Assignments" in page
    started = psutil.Process(hub.process.pid).children(recursive=True)
    assert len(started) >= 4  # the hub, its proxy, the formgrader, a server
    return started


def test_the_demo_of_somebody_who_is_not_root(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    """It says that nothing keeps people apart, and leaves no process behind."""
    monkeypatch.setenv("AUTOGRADER_STATE", str(open_folder / "state"))
    monkeypatch.setenv("HOME", str(open_folder))
    first = []
    if os.geteuid() == 0:
        first = [tempfile.mkdtemp(dir=open_folder)]
        os.chown(open_folder, NOBODY, NOBODY)
    with hub_of(open_folder, command=[sys.executable, "-c", AS_NOBODY, *first], accounts=False) as hub:
        said = (open_folder / f"{hub.name}.out").read_text()
        assert "For looking around only." in said
        again = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *first, "hub", "--demo", "--course", str(open_folder / hub.name)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert again.returncode == 2 and f"A hub of {hub.name} is running already." in again.stderr
        started = starts_and_stops(hub)
    assert hub.process.returncode == 0
    assert [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert not hub.top.exists()


@pytest.mark.long
def test_the_other_jupyterhub(tmp_path: Path, open_folder: Path) -> None:
    """JupyterHub 5.5 over the same libraries: a virtual environment with it alone, and a way to ours."""
    python = other_environment(open_folder / "venv", "jupyterhub==5.5.*")
    version = subprocess.run([python, "-m", "jupyterhub", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("5.5")
    with hub_of(tmp_path, command=[python, "-c", COMMAND]) as hub:
        started = starts_and_stops(hub)
    assert hub.process.returncode == 0
    assert [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def other_environment(folder: Path, requirement: str) -> str:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", requirement]
    subprocess.run([python, *install], check=True)
    (ours,) = (Path(path) for path in sys.path if Path(path) == Path(sys.prefix, *SITE))
    (folder.joinpath(*SITE) / "ours.pth").write_text(f"import site; site.addsitedir({str(ours)!r})\n")
    for name in ("share", "etc", "node"):
        subprocess.run(["cp", "--archive", Path(sys.prefix) / name, folder], check=True)
    return python


SITE = ("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
