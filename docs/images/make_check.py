"""Draws check-light.png and check-dark.png: what a student sees, in an imitation of a JupyterLab notebook.

    python docs/images/make_check.py [--sheet release/kernel/kernel.json] [--all FOLDER]

Runs the real `check` of the kernel chapter on wrong solutions, and photographs the cards with Chromium. With `--all`,
every kind of card is drawn into FOLDER: light, dark, and on a page without Jupyter's colours.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import linecache
import shutil
import subprocess
import tempfile
from pathlib import Path

from autograder.client import check, hint

ROOT = Path(__file__).parents[2]

MISTAKE = """\
def rbf_kernel(x, y, gamma):
    difference = x[:, None, :] - y[None, :, :]
    distance = jnp.sqrt(jnp.sum(difference**2, axis=-1))
    return jnp.exp(-gamma * distance)
"""
SWAPPED = """\
def rbf_kernel(x, y, gamma):
    return jnp.exp(-gamma * jnp.sum((y[:, None] - x[None]) ** 2, axis=-1))
"""
RAISES = """\
def rbf_kernel(x, y, gamma):
    return jnp.exp(-gamma * jnp.sum((x - y) ** 2))
"""
RIGHT = """\
def rbf_kernel(x, y, gamma):
    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))
"""
STARTER = """\
def rbf_kernel(x, y, gamma):
    # YOUR CODE HERE
    raise NotImplementedError("Yours to write.")
"""

LIGHT = {
    "--jp-layout-color0": "#fff",
    "--jp-cell-editor-background": "#f5f5f5",
    "--jp-content-font-color1": "rgba(0,0,0,.87)",
    "--jp-content-font-color2": "rgba(0,0,0,.6)",
    "--jp-border-color2": "#e0e0e0",
    "--jp-success-color1": "#388e3c",
    "--jp-warn-color1": "#f57c00",
    "--jp-info-color1": "#0097a7",
    "--prompt": "#307fc1",
}
DARK = {
    "--jp-layout-color0": "#111",
    "--jp-cell-editor-background": "#212121",
    "--jp-content-font-color1": "#fff",
    "--jp-content-font-color2": "rgba(255,255,255,.7)",
    "--jp-border-color2": "#424242",
    "--jp-success-color1": "#66bb6a",
    "--jp-warn-color1": "#ff9800",
    "--jp-info-color1": "#26c6da",
    "--prompt": "#64b5f6",
}
STYLE = """
:root {--jp-content-font-family: system-ui, "DejaVu Sans", sans-serif}
:root {--jp-code-font-family: "DejaVu Sans Mono", monospace}
body {margin: 0; padding: 14px 14px 8px 0; font-size: 14px}
body {background: var(--jp-layout-color0); color: var(--jp-content-font-color1)}
.row {display: flex; margin-bottom: 6px}
.in {width: 52px; flex: none; text-align: right; padding: 8px 8px 0 0; color: var(--prompt)}
.in, .code {font: 12.5px/1.4 var(--jp-code-font-family)}
.code {flex: 1; margin: 0; padding: 7px 10px}
.code {background: var(--jp-cell-editor-background); border: 1px solid var(--jp-border-color2)}
.out {flex: 1}
"""


def solved(source: str) -> object:
    """The student's function, defined as if in a cell of a notebook."""
    namespace: dict[str, object] = {}
    exec("import jax.numpy as jnp", namespace)
    file = "/tmp/ipykernel_1/1.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), namespace)
    return namespace["rbf_kernel"]


def page(cells: list[tuple[str, str]], colours: dict[str, str]) -> str:
    """A notebook's cells: code, and the HTML that it put out."""
    rows = []
    for number, (code, out) in enumerate(cells, 1):
        source = f'<pre class="code">{html.escape(code.rstrip())}</pre>'
        rows.append(f'<div class="row"><div class="in">[{number}]:</div>{source}</div>')
        if out:
            rows.append(f'<div class="row"><div class="in"></div><div class="out">{out}</div></div>')
    variables = ";".join(f"{k}:{v}" for k, v in colours.items())
    return f'<!doctype html><meta charset="utf-8"><style>:root{{{variables}}}{STYLE}</style>{"".join(rows)}'


def photograph(document: str, target: Path, height: int) -> None:
    """The page as Chromium draws it, at twice the resolution."""
    browser = next(b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(document, "utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1.6"]
        command = [browser, *flags, f"--window-size=760,{height}", f"--screenshot={target.resolve()}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


def opened(card: str) -> str:
    return card.replace("<details ", "<details open ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    parser.add_argument("--sheet", type=Path, default=ROOT / "release" / "kernel" / "kernel.json")
    options = parser.parse_args()
    folder: Path | None = options.all
    sheet = options.sheet.read_text("utf-8")
    with tempfile.TemporaryDirectory() as beside, contextlib.chdir(beside):
        Path("kernel.json").write_text(sheet, "utf-8")
        sources = {"mistake": MISTAKE, "shape": SWAPPED, "raised": RAISES, "passes": RIGHT, "starter": STARTER}
        cards = {name: check(solved(source))._repr_html_() for name, source in sources.items()}
        cards["hint"] = hint()._repr_html_()
    ask = "check(rbf_kernel)"
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        readme = page([(MISTAKE, ""), (ask, opened(cards["mistake"]))], colours)
        photograph(readme, Path(__file__).with_name(f"check-{theme}.png"), 412)
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            cells = [(ask, card) for card in cards.values()]
            photograph(page(cells, colours), folder / f"all-{theme}.png", 1240)
            photograph(page(cells, {}), folder / "all-no-variables.png", 1240)


if __name__ == "__main__":
    main()
