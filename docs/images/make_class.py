"""Draws docs/images/class.svg, the class table of the README, from the sample class that `make demo` has graded."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.demo.showing import show

HERE = Path(__file__).resolve().parent


def main() -> None:
    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
    show(HERE.parents[1], "kernel", {}, 0, console)
    text = console.export_text(clear=False, styles=True)
    table = re.split("Most frequent misconceptions|Took", text)[0].rstrip()
    picture = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
    picture.print(Text.from_ansi(table))
    svg = picture.export_svg(title="make demo")
    # A page that shows the picture should load nothing from elsewhere.
    svg = re.sub(r"<!--.*?-->|@font-face\s*{.*?}\s*", "", svg, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace, Menlo, Consolas"
    )
    (HERE / "class.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE), "utf-8")


if __name__ == "__main__":
    main()
