"""Honest submissions of the toy chapter in every shape that editors, habits and accidents give them: `HONEST`.

Each is a function from the cells of a perfect submission to a notebook, as a tree or as the bytes of a file. None of
them changes what the notebook defines in the end, so each earns everything, but for those in `SCORES`.
"""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Tree = dict[str, Any]
Shape = Callable[[Sequence[str]], Tree | bytes]

IMPORTS = "import jax\nimport jax.numpy as jnp\n\nfrom autograder.client import check"
HALFWAY = "def halfway(x, z):\n    return (x + z) / 2"
SQDIST = "def sqdist(x, z):\n    return jnp.sum((x - z) ** 2)"
TABLE = "def table(f, A, B):\n    return jnp.stack([jnp.stack([f(a, b) for b in B]) for a in A])"
NEAREST = "def nearest(A, B):\n    return jnp.min(table(sqdist, A, B), axis=1)"
LINE = """class Line:
    def __init__(self, lam):
        self.lam = lam

    def fit(self, x, y):
        self.w = x @ y / (x @ x + self.lam)

    def predict(self, x):
        return self.w * x"""
VISITS = "def visits(places, call):\n    for place in places:\n        call(place)\n    return len(places)"
CELLS = (IMPORTS, HALFWAY, SQDIST, TABLE, NEAREST, LINE, VISITS)

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
INFO = {"name": "python", "version": "3.11.9", "mimetype": "text/x-python", "file_extension": ".py"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": ["<Figure>"]}, "metadata": {}}
TRACE = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "x", "traceback": ["\x1b[31mold\x1b[0m"]}
RESULT = {"output_type": "execute_result", "execution_count": 7, "data": {"text/plain": "12.0"}, "metadata": {}}
NOISE = {"output_type": "stream", "name": "stderr", "text": ["WARNING: no GPU\n"]}
WIDGET = {"model_id": "3f", "version_major": 2, "version_minor": 0}
WIDGETS = {"application/vnd.jupyter.widget-state+json": {"state": {"3f": {"model_name": "FloatProgressModel"}}}}

HONEST: dict[str, Shape] = {}
SCORES: Mapping[str, float] = {
    "an_answer_turned_into_markdown": 10,
    "only_the_first_exercises": 7,
    "a_syntax_error_in_one_answer": 10,
    "an_answer_deleted_again": 10,
    "timeit_defines_nothing": 10,
}


def cell(source: Any, kind: str = "code", **more: Any) -> Tree:
    extra = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source} | extra | more


def book(cells: Sequence[Any], **more: Any) -> Tree:
    numbered = [{"id": f"c{i}"} | c if isinstance(c, dict) else c for i, c in enumerate(cells)]
    metadata = {"kernelspec": KERNEL, "language_info": INFO}
    return {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5} | more


def plain(cells: Sequence[str], **more: Any) -> Tree:
    return book([cell(c) for c in cells], **more)


def shape(make: Shape) -> Shape:
    HONEST[make.__name__] = make
    return make


def with_cells(name: str, *sources: str, at: int = 1) -> None:
    """A notebook with more code cells, put before the cell at `at`."""
    HONEST[name] = lambda cells: plain([*cells[:at], *sources, *cells[at:]])


def told(name: str, change: Callable[[Tree], Any]) -> None:
    """A plain notebook that `change` alters in place."""

    def make(cells: Sequence[str]) -> Tree:
        tree = copy.deepcopy(plain(cells))
        change(tree)
        return tree

    HONEST[name] = make


def each(name: str, change: Callable[[int, Tree], Any]) -> None:
    def make(cells: Sequence[str]) -> Tree:
        tree = plain(cells)
        for i, c in enumerate(tree["cells"]):
            change(i, c)
        return tree

    HONEST[name] = make


# ---- as editors leave them --------------------------------------------------------------------------------------


@shape
def as_jupyterlab_4_saves(cells: Sequence[str]) -> bytes:
    made = [
        cell(c.splitlines(keepends=True), id=f"0a1b2c3d-{i:04d}", execution_count=i, outputs=[NOISE, RESULT])
        for i, c in enumerate(cells, 1)
    ]
    for c in made:
        c["metadata"] = {"execution": {"iopub.execute_input": "2026-03-01T10:00:00.1Z"}, "trusted": True}
    info = INFO | {"codemirror_mode": {"name": "ipython", "version": 3}, "nbconvert_exporter": "python"}
    return json.dumps(book(made, metadata={"kernelspec": KERNEL, "language_info": info}), indent=1).encode() + b"\n"


@shape
def as_notebook_7_saves(cells: Sequence[str]) -> Tree:
    made = [cell("# Toys", "markdown"), *(cell(c, metadata={"jupyter": {"source_hidden": False}}) for c in cells)]
    return book(made, metadata={"kernelspec": KERNEL, "language_info": INFO, "toc-autonumbering": True})


@shape
def as_vs_code_saves(cells: Sequence[str]) -> Tree:
    made = [cell(c, metadata={"vscode": {"languageId": "python"}}, execution_count=3) for c in cells]
    for c in made:
        c.pop("id", None)
    kernel = {"display_name": ".venv (3.11.9)", "language": "python", "name": "python3"}
    tree = book(made, metadata={"kernelspec": kernel, "language_info": INFO, "orig_nbformat": 4}, nbformat_minor=2)
    for c in tree["cells"]:
        del c["id"]
    return tree


@shape
def as_colab_saves(cells: Sequence[str]) -> Tree:
    head = cell("from google.colab import drive\ndrive.mount('/content/drive')", outputs=[TRACE])
    made = [
        head,
        *(cell(c, metadata={"id": f"Xy_{i}", "outputId": "a-b"}, outputs=[PICTURE]) for i, c in enumerate(cells)),
    ]
    info = {"colab": {"provenance": [], "gpuType": "T4"}, "accelerator": "GPU"}
    tree = book(made, metadata=info | {"kernelspec": {"name": "python3", "display_name": "Python 3"}}, nbformat_minor=0)
    for c in tree["cells"]:
        del c["id"]
    return tree


@shape
def as_deepnote_exports(cells: Sequence[str]) -> Tree:
    facts = {"cell_id": "9f", "deepnote_cell_type": "code", "deepnote_to_be_reexecuted": False, "source_hash": "af"}
    made = [cell(c, metadata=facts | {"execution_start": 1710000000000 + i}) for i, c in enumerate(cells)]
    made.append(cell("<a style='...' href='https://deepnote.com'>Created in deepnote.com</a>", "markdown"))
    return book(made, metadata={"deepnote": {}, "deepnote_notebook_id": "7d", "orig_nbformat": 2})


@shape
def as_kaggle_exports(cells: Sequence[str]) -> Tree:
    facts = {"_uuid": "8f2839f25d086af7", "_cell_guid": "b1076dfc", "execution": {"iopub.status.idle": "x"}}
    walk = "import os\nfor d, _, files in os.walk('/kaggle/input'):\n    print(d, files)"
    info = {"kaggle": {"accelerator": "none", "dataSources": []}, "kernelspec": KERNEL, "language_info": INFO}
    return book([cell(c, metadata=facts) for c in (walk, *cells)], metadata=info)


@shape
def as_jupytext_makes_it_of_a_script(cells: Sequence[str]) -> Tree:
    info = {"jupytext": {"cell_metadata_filter": "-all", "main_language": "python", "notebook_metadata_filter": "-all"}}
    return book([cell(c) for c in cells], metadata=info)


@shape
def after_a_jupytext_round_trip(cells: Sequence[str]) -> bytes:
    import jupytext

    script = "".join(f"# %%\n{c}\n\n" for c in ("%matplotlib inline", *cells))
    written: str = jupytext.writes(jupytext.reads(script, fmt="py:percent"), fmt="ipynb")
    return written.encode()


@shape
def as_nbformat_3(cells: Sequence[str]) -> Tree:
    old = [{"cell_type": "code", "input": c.splitlines(True), "language": "python", "outputs": []} for c in cells]
    old.insert(0, {"cell_type": "heading", "level": 1, "source": ["Toys"], "metadata": {}})
    return {"metadata": {"name": "toy"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": old}]}


@shape
def as_an_assistant_in_a_browser_saves(cells: Sequence[str]) -> bytes:
    return json.dumps(plain(cells), separators=(",", ":"), ensure_ascii=True).encode()


# ---- files and metadata -----------------------------------------------------------------------------------------

HONEST["with_a_byte_order_mark"] = lambda cells: b"\xef\xbb\xbf" + json.dumps(plain(cells)).encode()
HONEST["in_utf_16"] = lambda cells: json.dumps(plain([*cells, "'é'"]), ensure_ascii=False).encode("utf-16")
HONEST["in_windows_1252"] = lambda cells: json.dumps(plain([*cells, "'é'"]), ensure_ascii=False).encode("cp1252")
HONEST["with_windows_line_ends"] = lambda cells: (
    json.dumps(plain([c.replace("\n", "\r\n") for c in cells]), indent=1).replace("\n", "\r\n").encode()
)
HONEST["with_old_macintosh_line_ends"] = lambda cells: plain([c.replace("\n", "\r") for c in cells])
HONEST["with_lone_surrogates"] = lambda cells: json.dumps(plain([*cells, "s = '\ud800'"])).encode()
HONEST["with_not_a_number_in_metadata"] = lambda cells: json.dumps(
    plain(cells, metadata={"score": float("nan"), "most": float("inf")})
).encode()
HONEST["without_line_breaks_in_lists"] = lambda cells: book([cell(c.split("\n")) for c in cells])
HONEST["with_lists_of_lines"] = lambda cells: book([cell(c.splitlines(keepends=True)) for c in cells])
HONEST["with_one_letter_a_line"] = lambda cells: book([cell([x for x in c]) for c in cells])
told("without_any_metadata", lambda t: t.pop("metadata"))
told("without_a_format_number", lambda t: (t.pop("nbformat"), t.pop("nbformat_minor")))
told("with_a_format_of_the_future", lambda t: t.update(nbformat=7, nbformat_minor=99))
told("with_widgets", lambda t: t["metadata"].update(widgets=WIDGETS))
told("with_huge_metadata", lambda t: t["metadata"].update(blob="x" * 2_000_000))
told("with_metadata_that_is_a_list", lambda t: t.update(metadata=[1, 2]))
told("with_a_kernel_of_another_name", lambda t: t["metadata"].update(kernelspec={"name": "conda-env-dmol-py"}))
told("with_python_2_kernel", lambda t: t["metadata"].update(kernelspec={"name": "python2", "language": "python"}))
each("with_no_ids", lambda i, c: c.pop("id"))
each("with_double_ids", lambda i, c: c.update(id="same"))
each("with_ids_that_are_none", lambda i, c: c.update(id=[None, 5, "", "a b", "é", {}, "x" * 500][i]))
each("with_outputs_kept", lambda i, c: c.update(outputs=[RESULT, PICTURE, NOISE, TRACE], execution_count=9))
each("with_outputs_that_are_none", lambda i, c: c.update(outputs=["x", 5, None, {"output_type": []}]))
each(
    "with_widgets_in_outputs",
    lambda i, c: c.update(
        outputs=[{"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": WIDGET}}]
    ),
)
each("without_outputs_or_counts", lambda i, c: (c.pop("outputs"), c.pop("execution_count")))
each("without_cell_metadata", lambda i, c: c.pop("metadata"))
each("with_collapsed_and_tagged_cells", lambda i, c: c["metadata"].update(collapsed=True, tags=["a", 5]))
each("with_attachments_on_code", lambda i, c: c.update(attachments={"a.png": {"image/png": PNG}}))
each("with_stale_nbgrader_metadata", lambda i, c: c["metadata"].update(nbgrader={"grade_id": "other", "points": 99}))

# ---- cells ------------------------------------------------------------------------------------------------------

HONEST["in_one_cell"] = lambda cells: plain(["\n\n\n".join(cells)])
HONEST["merged_in_pairs"] = lambda cells: plain(["\n".join(cells[i : i + 2]) for i in range(0, len(cells), 2)])
HONEST["in_reverse_order"] = lambda cells: plain(cells[::-1])
HONEST["imports_last"] = lambda cells: plain([*cells[1:], cells[0]])
HONEST["one_import_a_cell"] = lambda cells: plain([*cells[0].split("\n\n")[0].split("\n"), *cells[1:]])
HONEST["everything_twice"] = lambda cells: plain([*cells, *cells])
HONEST["between_empty_cells"] = lambda cells: plain([x for c in cells for x in ("", c, "   \n", "# nothing")])
HONEST["between_text_and_raw_cells"] = lambda cells: book(
    [x for c in cells for x in (cell("# Text", "markdown"), cell(c), cell("raw", "raw"), {"cell_type": "magic"}, 5)]
)
HONEST["with_cells_without_source"] = lambda cells: book(
    [{"cell_type": "code"}, *(cell(c) for c in cells), {"cell_type": "code", "source": None}, {}]
)
HONEST["a_notebook_within_a_notebook"] = lambda cells: plain([*cells, f"inner = {plain(cells)!r}"])
HONEST["an_answer_turned_into_markdown"] = lambda cells: book(
    [cell(c, "markdown" if c == HALFWAY else "code") for c in cells]
)
HONEST["only_the_first_exercises"] = lambda cells: plain(cells[:4])
HONEST["an_answer_deleted_again"] = lambda cells: plain([*cells, "del halfway"])
HONEST["a_syntax_error_in_one_answer"] = lambda cells: plain([c + " return" if c == HALFWAY else c for c in cells])
HONEST["first_wrong_then_right"] = lambda cells: plain([cells[0], "def halfway(x, z):\n    return x", *cells[1:]])
HONEST["indented_as_a_whole"] = lambda cells: plain(["    " + c.replace("\n", "\n    ") for c in cells])
HONEST["with_future_annotations"] = lambda cells: plain([f"from __future__ import annotations\n{c}" for c in cells])
HONEST["compiled_by_hand"] = lambda cells: plain([*cells, "halfway = jax.jit(halfway)\nsqdist = jax.jit(sqdist)"])
HONEST["as_lambdas"] = lambda cells: plain([cells[0], "halfway = lambda x, z: (x + z) / 2", *cells[2:]])
HONEST["under_main"] = lambda cells: plain(
    [*cells[:-1], "if __name__ == '__main__':\n    " + cells[-1].replace("\n", "\n    ")]
)

# ---- habits -----------------------------------------------------------------------------------------------------

HONEST["timed_cells"] = lambda cells: plain([cells[0], *("%%time\n" + c for c in cells[1:])])
HONEST["captured_cells"] = lambda cells: plain([cells[0], *("%%capture\n" + c for c in cells[1:])])
HONEST["timeit_defines_nothing"] = lambda cells: plain(["%%timeit\n" + c if c == HALFWAY else c for c in cells])
HONEST["checks_after_each_cell"] = lambda cells: plain(
    [cells[0], *(x for c in cells[1:] for x in (c, f"check({c.split()[1].partition('(')[0].rstrip(':')})"))]
)
with_cells("line_magics", "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n%config InlineBackend.dpi = 90")
with_cells("cell_magics", "%%html\n<b>hi</b>", "%%javascript\nalert(1)", "%%bash\necho hi", "%%writefile a.py\nx = 1")
with_cells("shell_commands", "!ls", "!pip install -q dmol", "%pip install dmol", "files = !ls", "%conda list", "%cd /")
with_cells("questions", "jnp.sum?", "?jnp", "jnp.sum??", "%who", "%whos", "%history", "%lsmagic", "help(jnp.sum)")
with_cells(
    "top_level_await", "import asyncio\nawait asyncio.sleep(0)", "async def g():\n    return 1\nassert await g() == 1"
)
with_cells("pictures", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", "plt.savefig('a.png')")
with_cells(
    "cells_that_raise", "1 / 0", "undefined", "raise SystemExit", "assert False", "import a_module_of_mine", at=4
)
with_cells("typing_errors", "def (", "'", "\t x = 1\n  y = 2", "return 5", "x = = 1", at=3)
with_cells("input_and_exit", "input('name?')", "exit()", "quit()", "import sys\nsys.exit(0)", at=5)
with_cells("breakpoints", "import pdb", "%debug", "%pdb on", at=5)
with_cells("helper_cells", "def square(x):\n    return x * x", "N = 5", "data = jnp.ones((N, 3))", "data")
with_cells("letters_of_all_kinds", "α, β = 1, 2\nprint('Größe 数 🧪', α)", "σ²='x'", "名前 = 'Zoë'")
with_cells("widgets_in_use", "import ipywidgets\nipywidgets.IntSlider()", "from tqdm.auto import tqdm")
with_cells("the_shell_itself", "get_ipython()", "get_ipython().run_line_magic('time', '1')", "_", "In[-1]", "_i", "Out")
with_cells("a_loop_with_prints", "for i in range(200):\n    print(i, end='\\r')")
with_cells("double_precision", "jax.config.update('jax_enable_x64', True)")
with_cells("star_imports", "from jax.numpy import *\nfrom math import *\nfrom random import *")
with_cells("names_of_the_exercises_as_values", "halfway = sqdist = table = nearest = visits = None")
with_cells(
    "changed_folder_and_environment", "import os\nos.chdir('/')\nos.environ['JAX_PLATFORMS'] = 'cpu'", "%env A=1"
)
with_cells("interrupted", "raise KeyboardInterrupt", at=3)
