"""A toy chapter: one exercise of every kind, small enough to be read in a minute. Its sheets are drawn in memory."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from autograder.author import Exercise, close, exercise, given
from autograder.records import Sheet
from autograder.sheet import PUBLIC, draw, visible
from autograder.wire import to_text

SECRET = b"a secret for tests"


def rbf_kernel(x: Float[Array, "n d"], y: Float[Array, "m d"], gamma: float) -> Float[Array, "n m"]:
    """The RBF kernel between every row of `x` and every row of `y`."""
    return jnp.exp(-gamma * jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))


def gram(
    kernel: Callable[[Float[Array, "d"], Float[Array, "d"]], Float[Array, ""]],
    A: Float[Array, "n d"],
    B: Float[Array, "m d"],
) -> Float[Array, "n m"]:
    """The matrix of all kernel values between two sets of molecules."""
    return jax.vmap(lambda a: jax.vmap(lambda b: kernel(a, b))(B))(A)


def energy(x: Float[Array, "d"]) -> Float[Array, ""]:
    """Half of the squared length of `x`."""
    return jnp.sum(x**2) / 2


class Scaler:
    """Remembers the mean of what it is fitted to, and subtracts it."""

    def __init__(self, factor: float):
        self.factor = factor

    def fit(self, X: Float[Array, "n d"]) -> "Scaler":
        self.mean = X.mean(axis=0)
        return self

    def transform(self, X: Float[Array, "m d"]) -> Float[Array, "m d"]:
        return self.factor * (X - self.mean)


@given
def lopsided(x, z):
    return jnp.sum(x) - 2 * jnp.sum(z)


@lru_cache(maxsize=1)
def exercises() -> tuple[Exercise, ...]:
    """The exercises, with visible and hidden checks."""
    rbf = exercise(rbf_kernel, points=3, hints=["Which axis do you sum over?", "Try two rows by hand."])
    rbf.probe("four molecules against six", n=4, m=6, d=3, gamma=0.5)
    rbf.case("two molecules by hand", np.eye(2), np.zeros((1, 2)), 1.0)

    @rbf.law
    def self_similarity(k, rng):
        """Every molecule compared with itself scores exactly 1."""
        x = rng.normal(size=(5, 3)).astype(np.float32)
        return close(np.diagonal(k(x, x, 0.3)), 1.0)

    rbf.probe("seventeen descriptors", n=7, m=5, d=17, gamma=0.1, hidden=True)
    rbf.probe("one molecule", n=1, m=5, d=2, gamma=0.4, hidden=True)
    rbf.probe("a wide kernel", n=3, m=4, d=3, gamma=0.01, hidden=True)

    @rbf.law(hidden=True)
    def symmetric(k, rng):
        """Swapping the two sets transposes the answer."""
        x, y = rng.normal(size=(5, 3)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
        return close(k(x, y, 0.3), k(y, x, 0.3).T)

    @rbf.mistake
    def distance_not_squared(x, y, gamma):
        """You exponentiated the distance. The RBF kernel uses its *square*: `jnp.sum((x - y) ** 2)`."""
        return jnp.exp(-gamma * jnp.linalg.norm(x[:, None] - y[None], axis=-1))

    @rbf.mistake
    def gamma_forgotten(x, y, gamma):
        """Your answer does not depend on `gamma`."""
        return jnp.exp(-jnp.sum((x[:, None] - y[None]) ** 2, axis=-1))

    matrix = exercise(gram, points=2, needs=[rbf])
    matrix.probe("a lopsided kernel", kernel=lopsided, n=3, m=2, d=4)
    matrix.probe("more rows", kernel=lopsided, n=5, m=8, d=2, hidden=True)
    half = exercise(energy, points=1)
    half.probe("its gradient", d=3, grad=0)
    half.probe("many at once", d=3, vmap=(0,), batch=4)
    half.probe("compiled", d=3, jit=True)
    scaler = exercise(Scaler, points=1)
    scaler.case("fit, then transform", 2.0, then=[("fit", np.eye(3)), ("transform", np.ones((2, 3)))])
    return (rbf, matrix, half, scaler)


@lru_cache(maxsize=2)
def whole(secret: bytes = SECRET) -> Sheet:
    """The sheet with its hidden checks."""
    helpers = {"lopsided": lopsided}
    return draw(exercises(), helpers, secret, course="toy", chapter="toy", title="A toy chapter")


def visible_text() -> str:
    """The visible sheet as the file that ships with the notebook."""
    return to_text(visible(whole(PUBLIC)))


def write_sheet(folder: Path, name: str = "toy.json") -> Path:
    """The visible sheet, put beside a notebook in `folder`."""
    path = folder / name
    path.write_text(visible_text(), "utf-8")
    return path
