"""The wheel that students install: the engine alone, useful in an environment that holds nothing but JAX and it."""

import ast
import json
import site
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest
import sample_chapter

ROOT = Path(__file__).parents[2]
JAX = ("jax", "jaxlib", "numpy", "numpy.libs", "ml_dtypes", "opt_einsum", "scipy", "scipy.libs")
LONG = 30
"""Statements shorter than this may well be written twice."""

SCRIPT = """
import importlib.util, json, sys
import jax.numpy as jnp
from autograder.client import check, example, hint

def rbf_kernel(x, y, gamma):
    return jnp.exp(-gamma * jnp.linalg.norm(x[:, None] - y[None], axis=-1))

x, y, gamma = example(rbf_kernel, 0)
wrong, said = check(rbf_kernel), hint()
assert "<details" in wrong._repr_html_()

def rbf_kernel(x, y, gamma):
    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))

absent = "jaxtyping nbformat IPython nbgrader typer rich jupytext solutions source tests".split()
print(json.dumps({
    "shape": x.shape,
    "wrong": repr(wrong),
    "hint": repr(said),
    "right": repr(check("rbf_kernel")),
    "found": [name for name in absent if importlib.util.find_spec(name)],
}))
"""


@pytest.mark.slow
def test_the_wheel_holds_the_engine_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].removesuffix(".dist-info").rpartition("-")[0] or "autograder" for name in names} == {
        "autograder",
        "dmol_autograder",
    }
    assert "autograder/client.py" in names and "autograder/schema/grade.schema.json" in names
    assert not [
        name for name in names if "solution" in name or name.endswith(".ipynb") or "test" in name.split("/")[-1]
    ]
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "autograder").rglob("*.*") if p.suffix != ".pyc" and p.is_file()}
    assert not ours - set(names), "pyproject.toml leaves a package or its data out"


def statements(path: Path, wanted) -> set[str]:
    """The longer statements in the functions of a file, written in one way."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and wanted(node):
            inner = (s for s in ast.walk(node) if isinstance(s, ast.Return | ast.Assign | ast.AugAssign))
            found |= {ast.unparse(s) for s in inner}
    return {s for s in found if len(s) >= LONG}


def is_mistake(node) -> bool:
    return any(isinstance(d, ast.Attribute) and d.attr in ("mistake", "alternate") for d in node.decorator_list)


@pytest.mark.slow
def test_no_solution_and_no_mistake_is_in_the_wheel(wheel):
    archive = zipfile.ZipFile(wheel)
    shipped = "\n".join(ast.unparse(ast.parse(archive.read(n))) for n in archive.namelist() if n.endswith(".py"))
    answers = set().union(*(statements(p, lambda node: True) for p in (ROOT / "solutions").glob("*.py")))
    answers |= set().union(*(statements(p, is_mistake) for p in (ROOT / "source").glob("*.py")))
    assert len(answers) > 20
    assert not [s for s in answers if s in shipped]
    assert "return Returned(settled(value), changed)" in shipped  # what is there is found


@pytest.mark.slow
def test_check_example_and_hint_need_nothing_but_jax(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    packages = next((tmp_path / "env" / "lib").glob("python*")) / "site-packages"
    for name in JAX:
        for folder in map(Path, site.getsitepackages()):
            if (folder / name).exists():
                (packages / name).symlink_to(folder / name)
    zipfile.ZipFile(wheel).extractall(packages)
    notebook = tmp_path / "notebook"
    notebook.mkdir()
    sample_chapter.write_sheet(notebook)
    (notebook / "work.py").write_text(SCRIPT)
    command = [python, "-I", "work.py"]
    done = subprocess.run(command, cwd=notebook, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["found"] == []
    assert seen["shape"] == [4, 3]
    assert "Hint: You exponentiated the distance." in seen["wrong"]
    assert "You exponentiated the distance." in seen["hint"]
    assert seen["right"] == "✓ rbf_kernel: 3 of 3 visible checks pass. 4 more checks run after you submit."
