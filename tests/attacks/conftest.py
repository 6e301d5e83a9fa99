"""The class of `graded/`, graded once for all tests that look at it."""

import tempfile
from pathlib import Path

import pytest

from autograder.sandbox.pool import WarmSandbox
from inheriting import inheriting_sandbox
from nbgrader_class import Class, graded_twice


@pytest.fixture(scope="session")
def graded(warm: WarmSandbox, tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Everyone's verdicts, and the course they lie in. Those who ask for it belong to the group "graded"."""
    folder = tmp_path_factory.mktemp("attacked")
    with (
        tempfile.TemporaryDirectory() as apart,  # where nobody else leaves anything meanwhile
        pytest.MonkeyPatch.context() as patch,
        inheriting_sandbox(tmp_path_factory.mktemp("warm")) as inheriting,
    ):
        Path(apart).chmod(0o755)
        patch.setattr(tempfile, "tempdir", apart)
        return graded_twice(folder, warm, inheriting)
