"""The extension of a student's own server: it brings assignments and hands them in, with the student's rights."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.xdist_group("door")]
TOKEN = "a-token-of-the-tests"
CONFIG = """
c = get_config()
c.Exchange.root = {root!r}
c.Exchange.cache = {cache!r}
c.Exchange.path_includes_course = True
c.CourseDirectory.course_id = "toy"
"""
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@dataclass
class Server:
    """A running server, the student's folder and the exchange; `session` is the student's browser."""

    address: str
    home: Path
    exchange: Path
    session: requests.Session

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.address + path, allow_redirects=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("student")
    home, exchange, config = folder / "home", folder / "exchange", folder / "config"
    for path in (home, config, exchange / "toy" / "outbound" / "toy", exchange / "toy" / "inbound"):
        path.mkdir(parents=True)
    (exchange / "toy" / "outbound" / "toy" / "toy.ipynb").write_text(json.dumps(NOTEBOOK))
    (exchange / "toy" / "feedback").mkdir()
    for path in (exchange, exchange / "toy" / "inbound"):
        path.chmod(0o777)
    (config / "nbgrader_config.py").write_text(CONFIG.format(root=str(exchange), cache=str(folder / "cache")))
    (config / "jupyter_server_config.json").write_text(
        json.dumps(
            {
                "ServerApp": {"jpserver_extensions": {"autograder.hub.student_server": True}},
                "CourseTitles": {"toy": {"toy": "Toys & <b>games</b>"}},
            }
        )
    )
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_PATH": str(config),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERHUB_BASE_URL": "/",
    }
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}", "--ServerApp.base_url=/user/ada/"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Server(_address(folder, process), home, exchange, _signed_in(_address(folder, process)))
        finally:
            process.terminate()
            process.wait(30)


def _address(folder: Path, process: subprocess.Popen) -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, (folder / "log").read_text()
        for path in (folder / "runtime").glob("jpserver-*.json"):
            try:
                port = json.loads(path.read_text())["port"]
                if requests.get(f"http://127.0.0.1:{port}/user/ada/api", timeout=5).ok:
                    return f"http://127.0.0.1:{port}/user/ada/"
            except (ValueError, requests.exceptions.RequestException):
                pass
        time.sleep(0.2)
    raise AssertionError((folder / "log").read_text())


def _signed_in(address: str) -> requests.Session:
    session = requests.Session()
    session.headers["Sec-Fetch-Mode"] = "navigate"
    assert session.get(f"{address}course/submit/toy/toy", params={"token": TOKEN}).ok
    return session


def handed_in(server: Server) -> list[str]:
    return sorted(path.name for path in (server.exchange / "toy" / "inbound").iterdir())


def test_nobody_without_a_sign_in(server):
    for path in ("course/open/toy/toy", "course/submit/toy/toy", "course/door.css"):
        assert requests.get(server.address + path, allow_redirects=False).status_code in (302, 403)
    assert requests.post(server.address + "course/submit/toy/toy", allow_redirects=False).status_code in (302, 403)


def test_the_whole_way(server):
    page = server.get("course/submit/toy/toy")
    assert "You have not opened this assignment yet" in page.text
    opened = server.get("course/open/toy/toy")
    assert opened.status_code == 302
    assert opened.headers["Location"] == "/user/ada/lab/tree/toy/toy/toy.ipynb"
    mine = server.home / "toy" / "toy" / "toy.ipynb"
    mine.write_text(json.dumps({**NOTEBOOK, "metadata": {"mine": True}}))
    assert server.get("course/open/toy/toy").status_code == 302
    assert json.loads(mine.read_text())["metadata"] == {"mine": True}  # nothing is overwritten
    page = server.get("course/submit/toy/toy")
    assert "Your notebook was last saved on" in page.text and "toy.ipynb" in page.text
    assert "Hand in “Toys &amp; &lt;b&gt;games&lt;/b&gt;”?" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert handed_in(server) == []
    for forged in ({}, {"_xsrf": "guessed"}):
        answer = server.session.post(server.address + "course/submit/toy/toy", data=forged, allow_redirects=False)
        assert answer.status_code == 403 and handed_in(server) == []
    data = {"_xsrf": server.session.cookies["_xsrf"]}
    done = server.session.post(server.address + "course/submit/toy/toy", data=data, allow_redirects=False)
    assert done.status_code == 303 and done.headers["Location"] == "/services/course/?handed-in=toy"
    (name,) = handed_in(server)
    assert "+toy+" in name
    shutil.rmtree(server.home / "toy")
    (server.home / "toy" / "toy").mkdir(parents=True)
    assert "holds no notebook" in server.get("course/open/toy/toy").text
    assert "toy.ipynb is missing in your folder" in server.get("course/submit/toy/toy").text


@pytest.mark.parametrize(
    "path",
    [
        "course/open/toy/nope",
        "course/open/other/toy",
        "course/open/toy/..%2f..%2fetc",
        "course/open/..%2ftoy/toy",
        "course/open/toy/%2a",
        "course/open/%2a/toy",
        "course/submit/toy/toy%00",
        "course/submit/.../toy",
    ],
)
def test_what_nbgrader_does_not_list_is_not_there(server, path):
    answer = server.get(path)
    assert answer.status_code == 404 and "root" not in answer.text


def test_its_style_is_there(server):
    answer = server.get("course/door.css")
    assert answer.ok and answer.headers["Content-Type"].startswith("text/css")
