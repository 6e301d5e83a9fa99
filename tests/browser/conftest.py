"""One hub and one browser for all of these tests, and a folder for their pictures."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.hubs import Hub, hub_of
from tests.browser.loop import Class, walk
from tests.headless import NAMES


@pytest.fixture(scope="package")
def pictures(pytestconfig: pytest.Config) -> Path:
    """Where the pictures of a run are kept: $ARTEFACTS, else pytest's cache (.pytest_cache/d/browser)."""
    assert pytestconfig.cache is not None
    folder = Path(os.environ.get("ARTEFACTS") or pytestconfig.cache.mkdir("browser"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hub_of(tmp_path_factory.mktemp("hub")) as found:
        yield found


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, driven by playwright. `make browser` installs it."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, but there should be: `make browser` installs it")
        pytest.skip("there is no chromium: `make browser` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def walked(hub: Hub, chromium: Browser, pictures: Path) -> Iterator[Class]:
    """The whole loop, once, for the tests that ask what came of it."""
    yield from walk(hub, chromium, pictures)
