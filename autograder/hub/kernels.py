"""The kernels that people choose from: "Course (CPU)", and "Course (GPU)" where a card and its libraries are."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path

CPU = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
GPU = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # a card is shared: nobody takes three quarters of it at once
    "XLA_PYTHON_CLIENT_MEM_FRACTION": ".20",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",  # as checks compare: TF32 keeps three digits
}
PLUGINS = ("jax_cuda13_plugin", "jax_cuda12_plugin")


def has_card(devices: Path = Path("/dev")) -> bool:
    """Whether an NVIDIA card is in this machine."""
    return (devices / "nvidiactl").exists() and any(devices.glob("nvidia[0-9]*"))


def has_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether JAX could use one."""
    return has_card(devices) and any(importlib.util.find_spec(plugin) for plugin in PLUGINS)


def specs(*, gpu: bool) -> Mapping[str, Mapping[str, object]]:
    """Kernel specifications by name. Released notebooks ask for `python3`, so that is the one on the CPU."""
    made = {"python3": _spec("Course (CPU)", CPU)}
    return made | ({"course-gpu": _spec("Course (GPU)", GPU)} if gpu else {})


def write(folder: Path, *, gpu: bool) -> None:
    """Writes them under a folder of JUPYTER_PATH, and removes others."""
    for name in ("python3", "course-gpu"):
        (folder / "kernels" / name / "kernel.json").unlink(missing_ok=True)
    for name, spec in specs(gpu=gpu).items():
        place = folder / "kernels" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "kernel.json").write_text(json.dumps(spec, indent=1), "utf-8")


def _spec(shown: str, environment: Mapping[str, str]) -> Mapping[str, object]:
    return {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": shown,
        "language": "python",
        "env": environment,
        "metadata": {"debugger": True},
    }
