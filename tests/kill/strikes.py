"""`nbgrader autograde`, ended by SIGKILL before a chosen one of its writes, and the same command again. A program.

    strikes.py BASE TO [STEP...]

copies the folder BASE (`course/` and `state/`) for every step. Without steps it runs to the end, and writes down the
steps. Each run is a process of its own, forked from one that has imported everything and has a single thread.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR
NAMED = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link"}


class Nothing:
    """A sandbox in which nothing can be graded: what an earlier run has kept is all there is."""

    layers = ("shared",)

    def open(self, limits: Any, **options: Any) -> Any:
        raise AssertionError("graded twice")

    def expect(self, frameworks: Any) -> None: ...

    def close(self) -> None: ...


def open_nothing(**options: object) -> Nothing:
    return Nothing()


def watch(root: Path, step: Callable[[str], None]) -> None:
    """Calls `step` with a name before each change of a file under `root` and each commit, also one half done."""
    from nbconvert.writers import FilesWriter
    from sqlalchemy import Engine, event

    def hook(what: str, args: tuple[Any, ...]) -> None:
        writes = what in NAMED or (what == "open" and isinstance(args[2], int) and args[2] & WRITES)
        if writes and isinstance(args[0], str | os.PathLike):
            path = Path(os.path.abspath(args[0]))
            if path.is_relative_to(root) and "gradebook" not in path.name:
                step(f"{what} {path.relative_to(root)}")

    def write(self: Any, output: str, resources: Any, notebook_name: str) -> None:
        path = Path(self.build_directory) / f"{notebook_name}.ipynb"
        self._makedir(self.build_directory)
        with path.open("w", encoding="utf-8") as file:
            file.write(output[: len(output) // 2])
            file.flush()
            step(f"half of {path.relative_to(root)}")
            file.write(output[len(output) // 2 :])

    def note(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        if (words := statement.split())[0] in ("INSERT", "UPDATE", "DELETE"):
            connection.info["changed"] = words[1 if words[0] == "UPDATE" else 2]

    def commit(connection: Any) -> None:
        if table := connection.info.pop("changed", None):
            step(f"commit {table}")

    def rmtree(folder: str, **options: Any) -> None:
        """In the worst of orders: the notebook last."""
        step(f"rmtree {Path(folder).relative_to(root)}")
        for path in sorted(Path(folder).rglob("*"), key=lambda path: (path.suffix == ".ipynb", path.name)):
            os.remove(path)
        os.rmdir(folder)

    shutil.rmtree = rmtree
    FilesWriter.write = write
    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "commit", commit)
    sys.addaudithook(hook)


def run(root: Path, log: Path, step: Callable[[str], None] | None) -> None:
    """The command, in this process, which ends with it."""
    from nbgrader.apps.nbgraderapp import main

    status = 70
    try:
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.environ["AUTOGRADER_STATE"] = str(root.parent / "state")
        os.chdir(root)
        sys.argv = ["nbgrader", "autograde", "toy"]
        if step:
            watch(root, step)
        main()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def ended(root: Path, log: Path, step: Callable[[str], None] | None = None) -> int:
    """The exit status of the command in a process of its own; the signal below zero."""
    pid = os.fork()
    if not pid:
        run(root, log, step)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killer(number: int) -> Callable[[str], None]:
    """Ends the process before step `number`."""
    left = [number]

    def step(name: str) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return step


def listing(path: Path) -> Callable[[str], None]:
    """Writes the steps down as they come."""

    def step(name: str) -> None:
        with path.open("a") as file:
            file.write(name + "\n")

    return step


def strike(base: Path, to: Path, number: int) -> None:
    """One killed run and the next. What each left is in the folder `to`/`number`."""
    here = Path(shutil.copytree(base, to / str(number)))
    root, log = here / "course", here / "log"
    first = ended(root, log, killer(number))
    shutil.copytree(root, here / "killed")
    again = ended(root, log)
    (here / "ended.json").write_text(json.dumps([first, again]))


def imports() -> None:
    """All that is slow, and starts no thread."""
    import jax  # noqa: F401
    import nbgrader.apps.nbgraderapp  # noqa: F401

    import autograder.backends.nbgrader.judging
    import autograder.sandbox.pool  # noqa: F401

    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads must not fork"


if __name__ == "__main__":
    base, to, *numbers = sys.argv[1:]
    sys.modules["strikes"] = sys.modules["__main__"]
    imports()
    if not numbers:
        root = Path(shutil.copytree(base, Path(to) / "whole")) / "course"
        (Path(to) / "ended").write_text(str(ended(root, Path(to) / "log", listing(Path(to) / "steps"))))
    for number in numbers:
        strike(Path(base), Path(to), int(number))
