"""Toy solutions for the tests of the engine. Axes: n points, m other points, d dimensions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def halfway(x: Float[Array, "d"], z: Float[Array, "d"]) -> Float[Array, "d"]:
    """The point in the middle between x and z: (x + z) / 2."""
    return (x + z) / 2


def sqdist(x: Float[Array, "d"], z: Float[Array, "d"]) -> Float[Array, ""]:
    """The squared distance of two points: Σ (x - z)²."""
    return jnp.sum((x - z) ** 2)


def table(f: Callable, A: Float[Array, "n d"], B: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """f of every row of A with every row of B, entry [i, j] = f(A[i], B[j])."""
    return jax.vmap(lambda a: jax.vmap(lambda b: f(a, b))(B))(A)


def nearest(A: Float[Array, "n d"], B: Float[Array, "m d"]) -> Float[Array, "n"]:
    """The squared distance of each row of A to the nearest row of B."""
    return jnp.min(table(sqdist, A, B), axis=1)


class Line:
    """A line through the origin, y = w x, fitted by least squares with penalty lam."""

    def __init__(self, lam: float):
        self.lam = lam

    def fit(self, x: Float[Array, "n"], y: Float[Array, "n"]) -> None:
        """Finds w."""
        self.w = x @ y / (x @ x + self.lam)

    def predict(self, x: Float[Array, "m"]) -> Float[Array, "m"]:
        """The line at x."""
        return self.w * x


def visits(places: list, call: Callable) -> int:
    """Calls `call` once for each of the places, in order; answers how many there were."""
    for place in places:
        call(place)
    return len(places)
