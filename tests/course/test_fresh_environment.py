"""A released notebook in an environment that has JAX and Jupyter, and of ours only what the first cell gets.

That is what Colab offers, and a student's own VS Code, JupyterLab or Notebook 7. Nothing is asked of the network: the
course is published by a server of the test's, on this machine.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autograder.notebook.published import WHEEL

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fresh")]
ROOT = Path(__file__).parents[2]
CHAPTER = "kernel"
OURS = ("autograder", "dmol_autograder", "__editable__", "solutions", "pip")
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[1])
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Fresh:
    """An environment of Python's own making, a folder with a notebook, and a folder that is published."""

    python: Path
    packages: Path
    work: Path
    published: Path
    address: str

    def setup(self) -> str:
        """What the first code cell prints, run alone in a new process."""
        (cell,) = [c for c in self.notebook()["cells"] if c["id"] == "setup"]
        return self.run(["-c", "".join(cell["source"])])

    def run(self, arguments: list[str]) -> str:
        command = [str(self.python), *arguments]
        own = {"HOME": str(self.work), "PATH": os.environ["PATH"], "IPYTHONDIR": str(self.work / ".ipython")}
        pip = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        jupyter = {name: str(self.work / ".jupyter") for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
        done = subprocess.run(
            command, cwd=self.work, env=own | pip | jupyter, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def notebook(self) -> dict:
        return json.loads((self.work / f"{CHAPTER}.ipynb").read_text("utf-8"))

    def installed(self) -> list[str]:
        return sorted(p.name for p in self.packages.iterdir() if "autograder" in p.name)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment that sees what is installed here, but nothing of ours: so that it needs no network."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True, capture_output=True)
    others = folder / "others"
    others.mkdir()
    for site in {Path(p) for p in sys.path if p.endswith("site-packages")}:
        for entry in site.iterdir():
            if not entry.name.lower().startswith(OURS) and not (others / entry.name).exists():
                (others / entry.name).symlink_to(entry)
    packages = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    (packages / "others.pth").write_text(f"{others}\n")
    return folder / "env"


@pytest.fixture
def fresh(environment: Path, tmp_path: Path) -> Iterator[Fresh]:
    """The environment with the released notebook, as a course that is published here would have built it."""
    published, work = tmp_path / "published", tmp_path / "work"
    published.mkdir()
    work.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(published)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    made = Fresh(environment / "bin" / "python", packages, work, published, address)
    document = json.loads((ROOT / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_text("utf-8"))
    (setup,) = [c for c in document["cells"] if c["id"] == "setup"]
    text = "".join(setup["source"])
    for name, path in {"package": WHEEL, "sheet": f"release/{CHAPTER}/{CHAPTER}.json"}.items():
        (old,) = [line for line in text.splitlines() if line.startswith(f"    {name}=")]
        text = text.replace(old, f'    {name}="{address}/{path}",')
    setup["source"] = text.splitlines(True)
    (work / f"{CHAPTER}.ipynb").write_text(json.dumps(document), "utf-8")
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def test_with_everything_missing_it_says_so_and_leaves_nothing_behind(fresh: Fresh) -> None:
    said = fresh.setup()
    assert said.startswith(
        f"The package autograder could not be installed from {fresh.address}/{WHEEL}.\n"
        "Is there a network? Then run this cell again, or ask your instructor for the file. pip said:\n"
    )
    assert "404" in said
    assert fresh.installed() == []
    assert [p.name for p in fresh.work.iterdir() if p.suffix in (".json", ".whl")] == []


def test_a_released_notebook_runs_with_what_its_first_cell_gets(fresh: Fresh, wheel: Path) -> None:
    sheet = ROOT / "release" / CHAPTER / f"{CHAPTER}.json"
    place = fresh.published / "release" / CHAPTER / f"{CHAPTER}.json"
    place.parent.mkdir(parents=True)
    shutil.copy(wheel, fresh.published / WHEEL)
    shutil.copy(sheet, place)
    (fresh.work / "run.py").write_text(RUN)
    fresh.run(["run.py", f"{CHAPTER}.ipynb", str(fresh.work)])

    assert fresh.installed() == ["autograder", WHEEL.replace("-py3-none-any.whl", ".dist-info")]
    assert (fresh.work / sheet.name).read_bytes() == sheet.read_bytes()
    cells = {c["id"]: c for c in fresh.notebook()["cells"]}
    assert cells["setup"]["outputs"] == []
    checks = [c for c in cells.values() if "check" in c["metadata"].get("tags", [])]
    shown = ["".join(o["data"]["text/plain"]) for c in checks for o in c["outputs"]]
    assert len(shown) == len(checks) > 10
    assert "nothing is written there yet" in shown[0], shown[0]

    assert fresh.setup() == ""  # all is there now
    place.write_text("{}")
    assert fresh.setup() == ""  # and nothing is fetched

    (fresh.work / sheet.name).unlink()
    assert "is of another version than this notebook, so it was not kept." in fresh.setup()
    assert not (fresh.work / sheet.name).exists()
    place.unlink()
    assert "could not be fetched from" in fresh.setup()
    shutil.copy(sheet, fresh.work)
    assert fresh.setup() == ""  # uploaded beside the notebook
