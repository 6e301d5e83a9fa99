"""How long a student waits: importing the client, the first check, and every later one.

    python benchmarks/client.py [release/kernel/kernel.json]

A check's own cost is what it takes beyond the student's code: the same answers are computed once without the client.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from autograder.client import check, example
from autograder.client_sheet import sheets_here

RUNS = 30


def rbf_kernel(x: Any, y: Any, gamma: float) -> Any:
    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))


def milliseconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begin)


def import_time(statement: str) -> float:
    """Milliseconds that a fresh Python needs for this statement, beyond starting."""

    def run(program: str) -> float:
        return min(milliseconds(lambda: subprocess.run([sys.executable, "-c", program], check=True)) for _ in range(5))

    return run(statement) - run("pass")


def main() -> None:
    root = Path(__file__).parents[1]
    sheet = Path(sys.argv[1]) if len(sys.argv) > 1 else root / "release" / "kernel" / "kernel.json"
    text = sheet.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("kernel.json").write_text(text, "utf-8")
        jnp.zeros(1).block_until_ready()
        reading = milliseconds(lambda: sheets_here(Path.cwd()))
        first = milliseconds(lambda: check(rbf_kernel))
        later = sorted(milliseconds(lambda: check(rbf_kernel)) for _ in range(RUNS))
        checks = sheets_here(Path.cwd())[0].exercise("rbf_kernel").checks
        calls = [example("rbf_kernel", i) for i, c in enumerate(checks) if c.call is not None]
        own = statistics.median(
            milliseconds(lambda: jax.block_until_ready([rbf_kernel(*args) for args in calls])) for _ in range(RUNS)
        )
    median, slowest = statistics.median(later), later[-1]
    print(f"import numpy                   {import_time('import numpy'):7.1f} ms")
    print(f"import autograder.client       {import_time('import autograder.client'):7.1f} ms")
    print(f"reading the sheet ({len(text) >> 10} kB)      {reading:7.1f} ms, once")
    print(f"first check, compiling         {first:7.1f} ms")
    print(f"later check, median of {RUNS}      {median:7.1f} ms (slowest {slowest:.1f})")
    print(f"  of which the student's code  {own:7.1f} ms, {len(calls)} calls without the client")
    if median - own > 50:
        raise SystemExit("a check costs more than 50 ms beyond the student's code")


if __name__ == "__main__":
    main()
