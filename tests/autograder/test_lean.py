"""jupytext is imported without what takes a second, and nobody else notices."""

import subprocess
import sys

import pytest

CODE = """
import sys
{before}
from autograder.lean import LEFT_OUT, jupytext
library = jupytext()
cells = library.reads("# %% [markdown]\\n# Text.\\n\\n# %%\\nx = 1\\n", fmt="py:percent").cells
assert [c.cell_type for c in cells] == ["markdown", "code"]
import nbformat
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
print(*(name in sys.modules for name in LEFT_OUT))
import jupyter_server, rfc3987_syntax
assert jupytext() is library
"""


@pytest.mark.parametrize(
    ("before", "loaded"),
    [("", "False False"), ("import jupyter_server", "False True"), ("import jupytext", "True True")],
)
def test_what_is_left_out(before: str, loaded: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(before=before)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == loaded.split()
