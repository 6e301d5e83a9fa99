"""The class of `graded/`, graded once for all tests that look at it."""

from pathlib import Path

import pytest

from autograder.sandbox.pool import WarmSandbox
from inheriting import inheriting_sandbox
from nbgrader_class import Class, graded_twice


@pytest.fixture(scope="session")
def graded(warm: WarmSandbox, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Everyone's verdicts, and the course they lie in. Those who ask for it belong to the group "graded"."""
    folder = tmp_path_factory.mktemp("attacked")
    with inheriting_sandbox(tmp_path_factory.mktemp("warm")) as inheriting:
        return graded_twice(folder, warm, inheriting)
