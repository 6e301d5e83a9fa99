# %% tags=["author"]
import numpy as np
from solutions import toy

from autograder.author import close, exercise, given, written

# %% [markdown]
# # Toys

# %%
import jax
import jax.numpy as jnp

from autograder.client import check

# %%
halfway = exercise(toy.halfway, points=2, hints=("What is halfway between 0 and 1?",))
halfway.probe("three dimensions", d=3)
halfway.probe("two dimensions", d=2, hidden=True)
halfway.probe("seven dimensions", d=7, hidden=True)


@halfway.mistake
def not_halved(x, z):
    """You added the points, but half of that sum lies in the middle."""
    return x + z


@halfway.oracle
def mean(x, z):
    return np.mean([x, z], axis=0)


# %%
sqdist = exercise(toy.sqdist, points=3)
sqdist.probe("three dimensions", d=3)
sqdist.case("by hand", np.array([1.0, 2.0]), np.array([4.0, 6.0]), expect=25.0)
sqdist.probe("five dimensions", d=5, hidden=True)
sqdist.probe("its gradient", d=4, grad=0, hidden=True)
sqdist.probe("mapped over rows", d=4, batch=3, vmap=(0, None), hidden=True)
sqdist.probe("compiled", d=4, jit=True, hidden=True)


@sqdist.law
def symmetry(f, rng):
    """The distance there is the distance back."""
    x, z = rng.normal(size=4), rng.normal(size=4)
    return close(f(x, z), f(z, x))


@sqdist.mistake
def not_squared(x, z):
    """This is the distance, but the squared distance is asked for."""
    return jnp.sqrt(jnp.sum((x - z) ** 2))


@sqdist.oracle
def dot(x, z):
    return np.dot(x - z, x - z)


# %%
@given
def first(a, b):
    return a[0] + 10 * b[0]


table = exercise(toy.table, points=2)
table.probe("three rows and four", f=first, n=3, m=4, d=2)
table.probe("five rows and two", f=first, n=5, m=2, d=3, hidden=True)
table.probe("two rows and five", f=first, n=2, m=5, d=3, hidden=True)


@table.mistake
def swapped(f, A, B):
    """The rows of A run along the second axis in your answer, but should run along the first."""
    return jnp.stack([jnp.stack([f(a, b) for a in A]) for b in B])


@table.oracle
def loops(f, A, B):
    return np.array([[f(a, b) for b in B] for a in A])


# %%
nearest = exercise(toy.nearest, points=2, needs=[sqdist, table])
nearest.probe("three rows and four", n=3, m=4, d=2)
nearest.probe("six rows and two", n=6, m=2, d=3, hidden=True)


@nearest.oracle
def by_broadcasting(A, B):
    return ((np.asarray(A)[:, None] - np.asarray(B)) ** 2).sum(-1).min(1)


# %%
Line = exercise(toy.Line, points=2)
Line.probe("five points", n=5, m=3, lam=0.1, then=("fit", "predict"))
Line.probe("nine points", n=9, m=2, lam=0.3, then=("fit", "predict"), hidden=True)


@Line.law
def linear(make, rng):
    """Twice the targets give twice the predictions."""
    x, y = rng.normal(size=5), rng.normal(size=5)
    once, twice = make(0.1), make(0.1)
    once.fit(x, y)
    twice.fit(x, 2 * y)
    return close(2 * once.predict(x), twice.predict(x))


# %%
visits = exercise(toy.visits, points=1)


@visits.law
def in_order(f, rng):
    """Every place is visited once, in order."""
    seen = []
    f([3, 1, 2], seen.append)
    return seen == [3, 1, 2]


@visits.law(hidden=True, draws=2)
def many(f, rng):
    """Any number of places is visited in order."""
    places, seen = rng.integers(0, 100, 7).tolist(), []
    return f(places, seen.append) == 7 and seen == places


# %%
why = written("why", "Why is a squared distance not a distance?", points=2, rubric="Names the triangle inequality.")
