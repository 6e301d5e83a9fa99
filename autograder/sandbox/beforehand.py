"""What a fork server does before it forks, so that no worker has to: imports, first uses, and tracing.

None of it starts a thread or an XLA client, and none of it knows anything of a course but which of JAX's functions its
students will need, and at which shapes.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PRELOAD = """
    numpy scipy.linalg jax jax.numpy jax.scipy.linalg jax.scipy.special jax.scipy.stats optax
    IPython.core.ultratb stack_data pygments.formatters.terminal256 asyncio
    jaxlib.mlir.dialects.builtin jaxlib.mlir.dialects.mhlo rdkit.Chem rdkit.Chem.Scaffolds.MurckoScaffold
"""
"""What students may import, as far as this machine has it."""
PLOTS = "matplotlib.pyplot"
INLINE = "matplotlib_inline.backend_inline"
"""Every notebook imports the first, which with the second takes a fifth of a start; few use it where nobody looks."""
FIRST_CELL = """
1
undefined
"""
"""A result and a traceback: whatever the first of a kind loads and computes, workers inherit."""
FIRST_PICTURE = """
import numpy as _n, matplotlib.pyplot as _p
_f, (_a, _b) = _p.subplots(1, 2)
_a.loglog([0.01, 10.0], [1.0, 500.0], "o--", label="$x^2$")
_a.set(title="t", xlabel="x", ylabel="y")
_a.legend()
_a.text(1, 1, "t", rotation=90)
_f.colorbar(_b.imshow(_n.eye(3)))
_b.bar(["a", "b"], [-1.0, 2.0])
_p.show()
"""
"""The same for pictures, where somebody will look at them."""


def load(names: Sequence[str]) -> None:
    """Import these modules, as far as this machine has them, and what is put off of those that are named."""
    from autograder.lean import PUT_OFF, lean

    for name in names:
        with contextlib.suppress(ImportError), lean("sklearn", *PUT_OFF):
            getattr(importlib.import_module(name), "__all__", None)
    if "tensorflow" in names:
        with contextlib.suppress(Exception):  # of another version, say
            look_up_tensorflow()
    gc.freeze()  # it stays: nobody need look through it for garbage


def plots(*, drawn: bool) -> Iterator[None]:
    """Has plotting loaded, now if pictures will be drawn, and otherwise in two steps. Until then whoever uses it loads
    it."""
    from autograder.lean import lean

    if drawn:
        load([PLOTS, INLINE])
        return iter(())
    with contextlib.suppress(ImportError), lean(PLOTS):
        importlib.import_module(PLOTS)
    return map(load, ([PLOTS], [INLINE]))


def compile_as_of_old() -> None:
    """Workers compile element-wise code as XLA once did, in half of the time."""
    from jax._src import compiler

    compiled: Any = getattr(compiler, "backend_compile_and_load", None)
    if compiled is None:
        return  # another version of JAX, which compiles as it likes

    def compile(backend: Any, module: Any, devices: Any, options: Any, *rest: Any, **named: Any) -> Any:
        options.env_option_overrides = [*options.env_option_overrides, ("xla_cpu_use_fusion_emitters", False)]
        return compiled(backend, module, devices, options, *rest, **named)

    compiler.backend_compile_and_load = compile


def run_first_cells(shell: Any, *, drawn: bool) -> None:
    """What IPython, and Matplotlib if pictures will be drawn, load and compute when they are first used."""
    with folders_asked_once():
        for cell in (FIRST_PICTURE, FIRST_CELL) if drawn else (FIRST_CELL,):
            shell.run(cell, output_kb=64)
    shell.reset()


@contextlib.contextmanager
def folders_asked_once() -> Iterator[None]:
    """While inside, `os.path.realpath` goes down to each folder once. The first traceback asks where three thousand
    modules really lie."""
    realpath, folder = os.path.realpath, functools.cache(os.path.realpath)

    def real(path: Any, **options: Any) -> Any:
        above, name = os.path.split(path)
        if options or name in ("", ".", "..") or not os.path.isabs(path) or os.path.islink(path):
            return realpath(path, **options)
        return os.path.join(folder(above), name)

    os.path.realpath = real  # type: ignore[assignment]
    try:
        yield
    finally:
        os.path.realpath = realpath


def look_up_tensorflow() -> None:
    """TensorFlow goes through all of its operations and kernels, and through those that XLA has, when somebody asks for
    the first that does not exist, as its first computation does."""
    from tensorflow.python.framework import kernels, op_def_registry
    from tensorflow.python.util import pywrap_xla_ops

    op_def_registry.get("none")
    kernels.get_registered_kernels_for_op("Const")
    pywrap_xla_ops.get_cpu_kernel_names()


def compute_on_the_processor() -> None:
    """JAX needs no plugin for that, and looks for none: it would ask each package that is installed."""
    from jax._src import xla_bridge

    if hasattr(xla_bridge, "_plugins_registered"):
        xla_bridge._plugins_registered = True


def foreseen(fds: Sequence[int], *, computing: bool) -> Iterator[None]:
    """Has small programs computed from now on, and not compiled, if workers are `computing` on the processor; and those
    listed in the open file, if there is one, traced: one at each step."""
    listed: list[Mapping[str, Any]] = []
    for fd in fds:
        with open(fd, encoding="utf-8") as file, contextlib.suppress(ValueError, LookupError, TypeError):
            listed += json.load(file)["programs"]
    if not computing:
        return iter(())
    from autograder.eager import first_calls
    from autograder.sandbox import traced

    compile_as_of_old()
    return traced.trace(listed, first_calls.install())
