"""Less compiling for the authors' own code: small programs are computed without, and what JAX compiled is kept.

The folder belongs to the trusted side alone: no worker sees it, because a compiled reference is the answer, and nothing
a worker could write is ever loaded from it.
"""

from __future__ import annotations

import warnings
from pathlib import Path


def keep_compiled(state: Path) -> None:
    """Makes JAX in this process keep compiled programs in the state folder, and use those kept there.

    As in workers, JAX's own small programs are not compiled at all: `first_calls`.
    """
    import jax

    from autograder.eager import first_calls

    # A damaged entry, or a full disk, costs a compilation and nothing else.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")
    folder = state / "compiled"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        # Answers are computed in double precision on the CPU, also where JAX has a card: its memory is the workers'.
        "jax_platforms": "cpu",
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in options.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    first_calls.install()
