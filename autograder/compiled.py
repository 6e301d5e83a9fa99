"""Keeping what JAX compiled for the authors' own code, so that the next command need not compile it again.

The folder belongs to the trusted side alone: no worker sees it, because a compiled reference is the answer, and nothing a
worker could write is ever loaded from it.
"""

from __future__ import annotations

from pathlib import Path


def keep_compiled(state: Path) -> None:
    """Makes JAX in this process keep compiled programs in the state folder, and use those kept there."""
    import jax

    folder = state / "compiled"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
