"""Libraries are imported without what takes a second, and nobody else notices."""

import subprocess
import sys

import pytest

JUPYTEXT = """
{before}
from autograder.lean import LEFT_OUT, lean
with lean("jupytext"):
    import jupytext
cells = jupytext.reads("# %% [markdown]\\n# Text.\\n\\n# %%\\nx = 1\\n", fmt="py:percent").cells
assert [c.cell_type for c in cells] == ["markdown", "code"]
import nbformat
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
print(*(name in sys.modules for name in LEFT_OUT["jupytext"]))
import jupyter_server, rfc3987_syntax
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("before", "loaded"),
    [("", "False False"), ("import jupyter_server", "False True"), ("import jupytext", "True True")],
)
def test_what_is_left_out_of_jupytext(before: str, loaded: str) -> None:
    assert said(JUPYTEXT.format(before=before)) == loaded


SKLEARN = """
from autograder.lean import lean
with lean("sklearn", "scipy.stats"):
    import sklearn.base, sklearn.utils.validation
print(*(name in sys.modules for name in ("pandas", "scipy.optimize")))
"""


def test_what_scikit_learn_does_without_is_there_for_others() -> None:
    rest = """
import numpy, pandas
from scipy.stats import *
from scipy import stats
from sklearn.preprocessing import StandardScaler
table = pandas.DataFrame({"a": [1.0, 3.0]})
print(stats.norm.cdf(0), norm is stats.norm, type(stats).__name__, stats.__spec__.loader is stats.__loader__)
print(StandardScaler().set_output(transform="pandas").fit_transform(table)["a"].tolist())
"""
    first, *others = said(SKLEARN + rest).splitlines()
    assert first == "False False"
    assert others == ["0.5 True module True", "[-1.0, 1.0]"]


def test_what_is_put_off_looks_like_a_module_until_it_is_used() -> None:
    rest = """
import importlib, inspect, scipy.stats
print(type(scipy.stats).__name__, inspect.ismodule(scipy.stats), scipy.stats.__file__.endswith("__init__.py"))
import scipy.stats.qmc
print(hasattr(scipy.stats, "nothing"), type(scipy.stats).__name__)
"""
    assert said(SKLEARN + rest).splitlines()[1:] == ["_Later True True", "False module"]


def test_what_is_put_off_is_loaded_before_somebody_changes_it() -> None:
    rest = """
import scipy.stats
scipy.stats.mine = 1
print(type(scipy.stats).__name__, scipy.stats.mine, scipy.stats.norm.cdf(0))
"""
    assert said(SKLEARN + rest).splitlines()[1:] == ["module 1 0.5"]


@pytest.mark.parametrize("way", ["keras.wrappers.SKLearnRegressor", "__import__('keras.wrappers')"])
def test_keras_without_its_wrappers_has_them_when_they_are_used(way: str) -> None:
    pytest.importorskip("keras")
    code = f"""
import os
os.environ["KERAS_BACKEND"] = "jax"
from autograder.lean import lean
with lean():
    import keras
print(*(name in sys.modules for name in ("pandas", "sklearn", "matplotlib.pyplot", "keras.src.wrappers")))
{way}
print(keras.wrappers.SKLearnRegressor.__mro__[1].__name__, keras._tf_keras.keras.wrappers.SKLearnClassifier.__name__)
"""
    assert said(code).splitlines() == ["False False False False", "RegressorMixin SKLearnClassifier"]


def test_an_import_that_fails_leaves_nothing_behind() -> None:
    code = """
from autograder import lean
lean.LEFT_OUT["json.tool"] = ("argparse",)
sys.modules.pop("argparse", None)
try:
    with lean.lean("json.tool"):
        import json.tool
except ImportError as error:
    print(error.name, "argparse" in sys.modules, any("lean" in type(f).__module__ for f in sys.meta_path))
import argparse
"""
    assert said(code) == "argparse False False"
