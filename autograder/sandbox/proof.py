"""Proves that an enclosed worker computes on a card, and how exactly, before anything is graded there."""

from __future__ import annotations

import numpy as np

from autograder.errors import OurError
from autograder.records import Call, Limits, Returned
from autograder.sandbox.device import Device, NoGpu
from autograder.sandbox.seam import Sandbox

TRIAL_SECONDS = 120.0
SIDE = 64
TRIAL = f"""
def _trial():
    import jax, jax.numpy as jnp, numpy as np
    x = jnp.arange({SIDE * SIDE}.0, dtype="float32").reshape({SIDE}, {SIDE}) / {SIDE * SIDE}
    return jax.devices()[0].platform, np.asarray(x @ x)
"""


def prove(sandbox: Sandbox, device: Device, limits: Limits) -> None:
    """Returns if an enclosed worker computes on `device`, at full precision. `NoGpu` with the reason otherwise."""
    x = np.arange(float(SIDE * SIDE)).reshape(SIDE, SIDE) / SIDE**2
    try:
        with sandbox.open(limits) as worker:
            worker.run(TRIAL, seconds=TRIAL_SECONDS)
            outcome = worker.call("_trial", Call(()), seconds=TRIAL_SECONDS)
    except OurError as error:
        raise NoGpu(_refusal(device, str(error))) from None
    if not isinstance(outcome, Returned):
        raise NoGpu(_refusal(device, str(outcome)))
    found, product = outcome.value
    if found != device.platform:
        raise NoGpu(_refusal(device, f"JAX computes on the platform {found}, but should on {device.platform}"))
    if not np.allclose(product, x @ x, rtol=1e-5, atol=0):
        raise NoGpu(_refusal(device, "products of matrices are rounded, but should have single precision"))


def _refusal(device: Device, reason: str) -> str:
    return (
        f"An enclosed worker could not compute on {device.name}: {reason.strip()[-600:]}. Nothing was graded. "
        "--device cpu grades on the CPU; docs/gpu.md says what a worker needs of a card."
    )
