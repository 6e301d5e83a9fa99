"""What a fork server does before it forks looks to a student as if nothing had been done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import beforehand

PLOTS = """
import os, sys
os.environ.update(MPLBACKEND="module://matplotlib_inline.backend_inline", MPLCONFIGDIR={folder!r})
from autograder.sandbox import beforehand, shell
kept = os.dup(1)
made = shell.make()
left = beforehand.plots(drawn={drawn})
def kind(): return type(sys.modules["matplotlib.pyplot"]).__name__
told = [kind()]
if {idle}: list(left)
told.append(kind())
outputs, outcome = made.run("import matplotlib.pyplot as plt\\nimport numpy", output_kb=512)
told += [kind(), str(outcome)]
outputs, outcome = made.run({cell!r}, output_kb=512)
told += [kind(), str("image/png" in outputs.decode()), str(outcome)]
os.write(kept, "|".join(told).encode())
"""
FINE = "Returned(value=None, changed=())"


@pytest.mark.parametrize(
    ("drawn", "idle", "kinds"),
    [
        (False, False, "_Later _Later _Later module"),
        (False, True, "_Later module module module"),
        (True, False, "module " * 4),
    ],
)
@pytest.mark.parametrize("cell", ["plt.plot([1, 2])", "figure, axes = plt.subplots()\naxes.plot([1, 2])\nplt.show()"])
def test_a_picture_is_shown_whenever_plotting_was_loaded(
    drawn: bool, idle: bool, kinds: str, cell: str, tmp_path: Path
) -> None:
    code = PLOTS.format(folder=str(tmp_path), drawn=drawn, idle=idle, cell=cell)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, imported, outcome, drew, picture, shown = done.stdout.split("|")
    assert [first, second, imported, drew] == kinds.split()
    assert (outcome, picture, shown) == (FINE, "True", FINE)


def test_where_a_file_really_lies_is_found_as_python_finds_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "real" / name).touch()
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "link.py").symlink_to("../folder/b.py")
    (tmp_path / "round").symlink_to("round")
    names = (
        "real/a.py",
        "folder/a.py",
        "folder/b.py",
        "folder/link.py",
        "folder/../real/a.py",
        "folder/..",
        "folder/.",
    )
    paths = [f"{tmp_path}/{n}" for n in (*names, "folder/", "real", "none/at/all.py", "round", "round/a.py")]
    paths += [
        "a.py",
        "",
        "/",
        os.__file__,
        *(m.__file__ or "" for m in list(sys.modules.values()) if hasattr(m, "__file__")),
    ]
    expected = [os.path.realpath(p) for p in paths]
    with beforehand.folders_asked_once():
        assert [os.path.realpath(p) for p in paths] == expected
        assert os.path.realpath.__name__ == "real"
        with pytest.raises(OSError):
            os.path.realpath(f"{tmp_path}/none", strict=True)
    assert os.path.realpath.__name__ == "realpath"
