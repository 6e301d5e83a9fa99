"""A plain IPython shell whose outputs go to a collector: rich displays, tracebacks, magics and top-level `await`.

No kernel, no sockets, no history. Made once by the fork server; each student's process owns a copy by forking.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.records import Outcome, Returned
from autograder.sandbox.outputs import Collector
from autograder.sandbox.telling import message, told


class Screen:
    """Where outputs go: to the cell that runs, or nowhere."""

    def __init__(self) -> None:
        self.cell: Collector | None = None

    def stream(self, name: str, text: str) -> None:
        if self.cell is not None:
            self.cell.stream(name, text)

    def display(self, kind: str, data: Mapping[str, Any]) -> None:
        if self.cell is not None:
            self.cell.display(kind, data)

    def clear(self) -> None:
        if self.cell is not None:
            self.cell.clear()

    def error(self, error: BaseException | None, kind: type, lines: list[str]) -> None:
        if self.cell is not None:
            self.cell.error(kind.__name__, message(error), lines)


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the student's process."""

    encoding = "utf-8"

    def __init__(self, name: str, screen: Screen):
        self._name, self._screen = name, screen

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._screen.stream(self._name, text)
        return len(text)

    def writable(self) -> bool:
        return True


class Publisher(DisplayPublisher):
    """`display(...)`."""

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **options: Any) -> None:
        self.shell.screen.display("display_data", data)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.screen.clear()


class Hook(DisplayHook):
    """The value of a cell's last line."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Mapping[str, Any], md_dict: Any = None) -> None:
        if self.shell is not None:
            self.shell.screen.display("execute_result", format_dict)

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    """IPython without a terminal; `run` is all that is used of it."""

    display_pub_class = Publisher
    displayhook_class = Hook

    def __init__(self, **options: Any):
        self.screen = Screen()
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def run(self, source: str, *, output_kb: int, drawn: bool = True) -> tuple[bytes, Outcome]:
        """The outputs of a cell, as JSON, and how it ended. Nothing is shown before or after."""
        self.screen.cell = collector = Collector(output_kb)
        try:
            if self.display_formatter is not None:
                self.display_formatter.formatters["image/png"].enabled = drawn
            result = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
            error = result.error_before_exec or result.error_in_exec
            outcome: Outcome = Returned(None) if error is None else told(error)
        except BaseException as error:  # a shell that the student rebuilt
            outcome = told(error)
        finally:
            self.screen.cell = None
        return collector.finished(), outcome

    def ask_exit(self) -> None:
        """`exit` and `quit` in a cell end nothing."""

    def enable_gui(self, gui: str | None = None) -> None:
        pass

    def _showtraceback(self, etype: type, evalue: BaseException | None, stb: list[str]) -> None:
        self.screen.error(evalue, etype, [str(line) for line in stb])


def make() -> Shell:
    """A shell with an empty namespace, as the one IPython shell of this process."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell: Shell = Shell.instance(config=config)
    sys.stdout, sys.stderr = Stream("stdout", shell.screen), Stream("stderr", shell.screen)
    return shell
