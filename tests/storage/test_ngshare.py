"""ngshare, the exchange for hubs whose students share no disk: a round trip by two people, each with their own folder.

ngshare needs SQLAlchemy 1 and an environment of its own, which is made from the registry; nothing of it is installed
beside the engine, but for its client, in a folder of its own. A toy hub says whose token is whose.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import nbformat
import pytest
from net import free_port

from autograder.course import load_course
from autograder.notebook.build import build

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]
TOY = Path(__file__).parents[1] / "toy"
SERVER = ("ngshare==0.6.0", "sqlalchemy<2", "alembic==1.13.3")
CLIENT = ("ngshare-exchange==0.5.2", "rapidfuzz")
TOKENS = {"token-root": "root", "token-prof": "prof", "token-ada": "ada", "token-ben": "ben"}
SECONDS = 300
# It would listen on every interface.
LOOPBACK = """
import sys
import ngshare.ngshare as ngshare
listen = ngshare.HTTPServer.listen
ngshare.HTTPServer.listen = lambda self, port, host: listen(self, port, "127.0.0.1")
ngshare.main(sys.argv[1:])
"""
CONFIG = """
import sys
from pathlib import Path
import ngshare_exchange
c = get_config()
if {teaches}:
    from autograder.backends.nbgrader import configure
    configure(c, Path(__file__).parent)
ngshare_exchange.configureExchange(c, {url!r})
c.CourseDirectory.course_id = {course!r}
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = TOKENS.get(self.headers.get("Authorization", "").removeprefix("token "))
            body = json.dumps({"name": name, "admin": False, "groups": []} if name else {}).encode()
            self.send_response(200 if name and self.path == "/hub/api/user" else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hub/api"
        server.shutdown()


@pytest.fixture(scope="module")
def ngshare(hub: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running ngshare."""
    folder = tmp_path_factory.mktemp("ngshare")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    pip(str(python), *SERVER)
    port = free_port()
    environment = {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "JUPYTERHUB_API_URL": hub,
        "JUPYTERHUB_API_TOKEN": "its own",
        "JUPYTERHUB_CLIENT_ID": "service-ngshare",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/ngshare/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
    }
    files = folder / "files"
    files.mkdir()
    words = ["--database", f"sqlite:///{folder}/ngshare.db", "--storage", str(files), "--admins", "root"]
    address = f"http://127.0.0.1:{port}/services/ngshare"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-c", LOOPBACK, *words], env=environment, stdout=log, stderr=log, cwd=folder
        )
        try:
            until = time.monotonic() + SECONDS
            while not healthy(address):
                assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()[-2000:]
                time.sleep(0.3)
            yield address
        finally:
            process.terminate()
            process.wait(SECONDS)


def healthy(address: str) -> bool:
    try:
        urlopen(f"{address}/healthz", timeout=5).close()
    except URLError:
        return False
    return True


def pip(python: str, *words: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True, timeout=SECONDS)


def api(address: str, path: str, who: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """What ngshare answers, its refusals included."""
    data = urlencode(form).encode() if form is not None else None
    try:
        with urlopen(Request(f"{address}/{path}", data, {"Authorization": f"token token-{who}"}), timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        with error:
            text = error.read()
        return json.loads(text) if text.startswith(b"{") else {"success": False, "message": str(error.code)}


@pytest.fixture(scope="module")
def run(ngshare: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs nbgrader as somebody, in that person's folder."""
    top = tmp_path_factory.mktemp("people")
    pip(sys.executable, "--no-deps", "--target", str(top / "client"), *CLIENT)
    course = load_course(TOY).name
    shutil.copytree(TOY, top / "prof")
    build(load_course(top / "prof"), ("toy",))
    shutil.rmtree(top / "prof" / "release")
    for who in ("prof", "ada", "ben"):
        (top / who).mkdir(exist_ok=True)
        text = CONFIG.format(teaches=who == "prof", url=ngshare, course=course)
        (top / who / "nbgrader_config.py").write_text(text)

    def command(who: str, *words: str) -> str:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(top / "client"),
            "JUPYTERHUB_USER": who,
            "JUPYTERHUB_API_TOKEN": f"token-{who}",
            "HOME": str(top / who),
            "AUTOGRADER_STATE": str(top / "state"),
        }
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "nbgrader", *words],
            cwd=top / who,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{who}: nbgrader {' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    command.top, command.course = top, course
    return command


def test_a_round_trip(ngshare: str, run: Any) -> None:
    course = run.course
    assert api(ngshare, f"course/{course}", "root", {"instructors": '["prof"]'})["success"]
    for student in ("ada", "ben"):
        form = {"first_name": "", "last_name": "", "email": ""}
        assert api(ngshare, f"student/{course}/{student}", "prof", form)["success"]
    run("prof", "generate_assignment", "toy")
    run("prof", "release_assignment", "toy")
    for student in ("ada", "ben"):
        run(student, "fetch_assignment", "toy", "--course", course)
    notebook = run.top / "ada" / "toy" / "toy.ipynb"
    solved = nbformat.read(run.top / "prof" / "source" / "toy" / "toy.ipynb", 4)
    made = nbformat.read(notebook, 4)
    for cell, answer in zip(made.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "\n".join(line for line in answer.source.split("\n") if "SOLUTION" not in line)
    nbformat.write(made, notebook)
    for student in ("ada", "ben"):
        run(student, "submit", "toy", "--course", course)
    run("prof", "collect", "toy")
    for command in ("autograde", "generate_feedback", "release_feedback"):
        run("prof", command, "toy")
    run("ada", "fetch_feedback", "toy", "--course", course)
    (page,) = (run.top / "ada" / "toy" / "feedback").rglob("*.html")
    text = page.read_text("utf-8")
    assert "<script" not in text and "halfway" in text
    # Nobody reads, or takes back, what somebody else handed in.
    for path in (f"submission/{course}/toy/ada", f"feedback/{course}/toy/ada?timestamp=x", f"submissions/{course}/toy"):
        assert api(ngshare, path, "ben")["success"] is False, path
    assert api(ngshare, f"assignment/{course}/toy", "nobody")["success"] is False
    assert api(ngshare, f"assignment/{course}/other", "ben", {"files": "[]"})["success"] is False
