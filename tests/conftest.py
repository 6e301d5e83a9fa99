"""A toy course, loaded once, for the tests of the engine."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.compiled import keep_compiled
from autograder.course import Chapter, load_chapter, load_course
from autograder.records import Sheet
from autograder.sandbox.layers import TRUSTED, Plan
from autograder.sandbox.pool import WarmSandbox, open_sandbox

ROOT = Path(__file__).parents[1]
TOY = Path(__file__).parent / "toy"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def pytest_configure(config: pytest.Config) -> None:
    """What JAX compiled is kept from one run of the tests to the next, apart for each process of a run."""
    assert config.cache is not None
    keep_compiled(config.cache.mkdir(f"jax-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the tests of an `xdist_group` on one worker: pytest 9.2 no longer hears of it from pytest-xdist 3.8."""
    for item in items if getattr(config.option, "loadgroup", False) else ():
        groups = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        suffix = f"@{'_'.join(groups)}"
        if groups and not item.nodeid.endswith(suffix):
            item._id = type(item._id).parse(item.nodeid + suffix)  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees or makes the seeds of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def toy_root(tmp_path: Path) -> Path:
    """A copy of the toy course that a test may change."""
    return Path(shutil.copytree(TOY, tmp_path / "course"))


@pytest.fixture(scope="session")
def toy() -> Chapter:
    """The toy chapter."""
    return load_chapter(load_course(TOY), "toy")


@pytest.fixture(scope="session")
def toy_sheet(toy: Chapter) -> Sheet:
    """Its whole sheet, for one secret."""
    return toy.sheet(b"a secret for the tests")


@pytest.fixture(scope="session")
def toy_source() -> str:
    """A perfect submission: the source of its solutions."""
    return (TOY / "solutions" / "toy.py").read_text()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmSandbox]:
    """The sandbox that grades, one for all tests."""
    with open_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def bare() -> Iterator[WarmSandbox]:
    """The same without any layer, to show that an attack is stopped by the layers and not by chance."""
    with WarmSandbox(
        Plan(None, privileged=False, uid=None, landlock=False, seccomp=False, layers=(TRUSTED,))
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that nothing is left in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("autograder", "solutions", "source", "release", "tests/autograder", "docs/design"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "nbgrader_config.py"):
        shutil.copy(ROOT / name, folder / "copy" / name)
    build = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    subprocess.run([*PIP, *build, str(folder / "copy")], check=True, capture_output=True, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
