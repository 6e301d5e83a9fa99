"""What a submission's code computes on: the processor, or a card whose driver is opened to it and to nothing else.

`find_gpu` looks at this machine without touching the card, and is asked only if somebody wants a GPU, because a driver
is one more way into the kernel.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from autograder.errors import UsageError

OURS_OF_A_CARD = 0.9
"""The share of a card's memory that all workers have together; contexts of CUDA need the rest."""
PLUGINS = ("jax_cuda13_plugin", "jax_cuda12_plugin")
NEEDED_NODES = ("dev/nvidiactl", "dev/nvidia-uvm")
OTHER_NODES = ("dev/nvidia-uvm-tools",)
MIG_NODES = "dev/nvidia-caps"
DRIVER_FACTS = ("/proc/driver/nvidia", "/proc/driver/nvidia-uvm", "/proc/devices", "/proc/modules")
SYSTEM_PLACES = ("usr/lib/{0}-linux-gnu", "usr/lib64", "lib/{0}-linux-gnu", "lib64")
OTHER_PLACES = ("usr/local/nvidia/lib64",)  # Kubernetes on Google's machines; the loader does not look there by itself


@dataclass(frozen=True)
class Device:
    """What a worker computes on. `platforms` is JAX's setting, `platform` what JAX then calls its devices.

    `nodes` are opened for reading and writing, `facts` of the kernel and `libraries` for reading. `share` is that of
    the card's memory which one worker may take.
    """

    kind: Literal["cpu", "gpu"] = "cpu"
    name: str = "CPU"
    platforms: str = "cpu"
    platform: str = "cpu"
    nodes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    share: float = 1.0
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """What a report says of it."""
        return (f"GPU {self.name}: its driver is open to submissions",) if self.kind == "gpu" else ()


CPU = Device()


class NoGpu(UsageError):
    """This machine cannot grade on a GPU; the message says what is missing, and what to do."""


def find_gpu(*, slots: int = 1, root: Path = Path("/"), has: Callable[[str], object] = find_spec) -> Device:
    """The first card of this machine, shared by `slots` workers. `NoGpu` says what it lacks."""
    cards = sorted((root / "dev").glob("nvidia[0-9]*"))
    places = [p.format(platform.machine()) for p in (*SYSTEM_PLACES, *OTHER_PLACES)]
    library = next((p for p in places if (root / p / "libcuda.so.1").exists()), None)
    missing = [
        *([] if cards else ["no card is visible (there is no /dev/nvidia0)"]),
        *(f"/{node} is not there" for node in NEEDED_NODES if cards and not (root / node).exists()),
        *([] if library else ["NVIDIA's driver library libcuda.so.1 is not there"]),
        *([] if any(map(has, PLUGINS)) else ["JAX has no plugin for CUDA (pip install 'jax[cuda12]')"]),
    ]
    if missing:
        raise NoGpu(f"There is no GPU to grade on: {'; '.join(missing)}. --device cpu grades everything on the CPU.")
    assert library is not None
    others = [root / node for node in (*NEEDED_NODES, *OTHER_NODES) if (root / node).exists()]
    nodes = [cards[0], *others, *sorted((root / MIG_NODES).glob("nvidia-cap*"))]
    return Device(
        kind="gpu",
        name=_name(root, cards[0].name.removeprefix("nvidia")),
        platforms="cuda,cpu",
        platform="gpu",
        nodes=tuple(f"/{node.relative_to(root)}" for node in nodes),
        facts=DRIVER_FACTS,
        libraries=(f"/{library}",) if library in OTHER_PLACES else (),
        share=share_of(slots),
        variables={"CUDA_VISIBLE_DEVICES": "0"},  # of the cards whose nodes are open: there is one
    )


def share_of(slots: int) -> float:
    """What each of `slots` workers may take of a card's memory, rounded down."""
    return int(100 * OURS_OF_A_CARD / slots) / 100


def variables(device: Device) -> Mapping[str, str]:
    """What the environment of a worker on `device` holds that others do not. Products of matrices are never rounded to
    TF32, and no memory is taken before it is needed."""
    if device.kind == "cpu":
        return {}
    return {
        "JAX_PLATFORMS": device.platforms,
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{device.share:.2f}",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "NVIDIA_TF32_OVERRIDE": "0",
        # A worker may start no program, ptxas included; the driver compiles where JAX's own compiler is not built in.
        "XLA_FLAGS": "--xla_gpu_unsafe_fallback_to_driver_on_ptxas_not_found=true",
        "CUDA_CACHE_DISABLE": "1",
        # The driver's folder alone: no CUDA of the system's beside JAX's own.
        **({"LD_LIBRARY_PATH": ":".join(device.libraries)} if device.libraries else {}),
        **device.variables,
    }


def _name(root: Path, minor: str) -> str:
    """What the driver calls the card."""
    for file in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        try:
            lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if lines.get("Device Minor", minor).strip() == minor:
            return lines.get("Model", "").strip() or "NVIDIA"
    return "NVIDIA"
