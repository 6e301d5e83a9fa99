# %% [markdown]
# # Attention: which atoms matter to each other?
#
# Draw a molecule, and cover all of it but one carbon. What can you say about that atom? Not much: whether it is acidic,
# whether a metal likes it, how it shows in a spectrum depends on the *others*: on the oxygen two bonds away more than
# on the hydrogen next door. **Attention** is the layer in which every atom decides for itself whom to listen to. In
# this chapter you build it from a single formula, step by step, until it reads molecules as sets, as strings and as
# graphs.
#
# **When you are done you will be able to**
#
# - turn scores into shares that add up to 1, without overflow, and make them sharp or soft;
# - write scaled dot-product attention, with a mask, and say why it is scaled;
# - tell a layer what comes first in a SMILES string, and keep it from looking ahead;
# - let several heads look at once, and let atoms look along their bonds only.
#
# **You need** a little NumPy (axes, broadcasting, `@`), the chapter on standard layers, and an hour or two.
#
# **Read along**: [*Attention Layers*](https://dmol.pub/dl/attention.html) in *Deep Learning for Molecules and
# Materials* by Andrew White tells the theory. The text and the tasks here are our own.

# %% [markdown]
# ## How this notebook works
#
# Complete the functions, and run the check below each as often as you like. The [course page](course.md) tells how checks
# and hints work, what happens after you hand in, and what holds in every notebook: axes, randomness, what a function may
# take and return. In this chapter, besides:
#
# - An example is an atom, a token or a query: `X[i]` is atom *i*.
# - In a table of weights, `w[i, j]` says how much *i* looks at *j*: each row belongs to the one who looks.
# - A mask is `True` where looking is allowed.
# - Nothing here is random: all parameters are passed in.

# %%
import jax
import jax.numpy as jnp
import numpy as np

from autograder.client import check, example, hint

try:
    import matplotlib.pyplot as plt
except ImportError:  # the tasks need no plots
    plt = None


def reward(show):
    """Run `show`, or say politely what is still missing. Used for the pictures between the tasks."""
    try:
        show()
    except NotImplementedError:
        print("Nothing to see yet: complete the functions above, then run this cell again.")
    except Exception as problem:
        print(f"Nothing to see yet, one of the functions above stumbled: {type(problem).__name__}: {problem}")
    return show


def heat_map(table, rows, columns, title):
    """A table of weights with a label for every row and column; as text where there is no matplotlib."""
    table = np.asarray(table)
    if plt is None:
        print(title)
        for name, row in zip(rows, table, strict=True):
            print(f"  {name:>4s} " + " ".join(f"{value:5.2f}" for value in row))
        return
    _, axes = plt.subplots(figsize=(0.38 * len(columns) + 1.5, 0.38 * len(rows) + 1))
    axes.imshow(table, cmap="Purples", vmin=0)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(title, fontsize=10)
    plt.show()


# %% tags=["author"]
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from autograder.author import Tolerance, close, exercise, given, written
from solutions import attention

keras = attention.keras  # imported there, because `solutions` chooses what it computes with


def shares(scores, axis=-1):
    """The softmax of another library, for the mistakes."""
    from scipy.special import softmax

    return softmax(np.asarray(scores), axis=axis)


def arrays(*values):
    """The arguments as NumPy arrays, in the precision in which they came."""
    return [np.asarray(value) for value in values]


# %% [markdown]
# ## The molecules
#
# Three of them, as lists of heavy atoms and of bonds; no other package is needed. Every atom gets six features: whether
# it is C, N or O, how many heavy neighbours it has, whether it carries a hydrogen that it could *donate* to a hydrogen
# bond, and whether it has a lone pair with which it could *accept* one.

# %%
MOLECULES = {
    "acetic acid": ("C C O O", "0-1 1-2 1-3", "3"),
    "glycine": ("N C C O O", "0-1 1-2 2-3 2-4", "0 4"),
    "paracetamol": ("C C O N C C C C O C C", "0-1 1-2 1-3 3-4 4-5 5-6 6-7 7-8 7-9 9-10 10-4", "3 8"),
}


def molecule(name):
    """Elements, bonds (in both directions) as two lists of atom numbers, and one row of features for each atom."""
    elements, bonds, donors = (text.split() for text in MOLECULES[name])
    pairs = [tuple(map(int, bond.split("-"))) for bond in bonds]
    pairs += [(b, a) for a, b in pairs]
    src, dst = np.array(pairs).T
    features = np.zeros((len(elements), 6), np.float32)
    for i, element in enumerate(elements):
        features[i, "CNO".index(element)] = 1
        features[i, 3] = np.sum(dst == i)
        features[i, 4] = str(i) in donors
        features[i, 5] = element == "O"  # the nitrogens here are busy with a neighbour, or protonated
    return elements, jnp.array(src), jnp.array(dst), jnp.array(features)


elements, src, dst, features = molecule("paracetamol")
labels = [f"{element}{i}" for i, element in enumerate(elements)]
print("paracetamol:", " ".join(labels))
print(features.astype(int))

# %% [markdown]
# ## 1. From scores to shares
#
# Attention is a matter of *how much*: an atom has one unit of attention, and hands it out. So we need a way to turn
# scores, which may be anything, into positive shares that add up to 1. Dividing by the sum fails at the first negative
# score. Chemists know the way out, for it decides how molecules spread over energy levels: exponentials first, then
# divide. By hand, for the scores (ln 3, 0): the exponentials are 3 and 1, their sum is 4, the shares are 3/4 and 1/4.
#
# In a table there is one such sum for each row, or for each column. Summing along an axis makes that axis disappear,
# unless you ask to keep it:

# %%
numbers = jnp.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
print("shape of the sums along axis 1:", jnp.sum(numbers, axis=1).shape)
print("the same with the axis kept:   ", jnp.sum(numbers, axis=1, keepdims=True).shape)
print("the exponential of 1000:       ", jnp.exp(jnp.array(1000.0)))

# %% [markdown]
# The last line is a warning. The *formula* has no trouble with 1000, but numbers on a computer have an end. What can
# you do to all scores without changing any share?

# %%
softmax = exercise(
    attention.softmax,
    points=4,
    hints=(
        "Which axis does the sum run along, and what shape must it have so that the division matches row by row?",
        "Adding the same number to all scores changes no share: it multiplies the numerator and the denominator by "
        "the same factor. Which number makes the largest exponential equal to 1?",
        "One number for the whole table is not enough: a row that lies far below the others would only have zeros to "
        "divide. Use the maximum along the same axis.",
    ),
)


def table(*shape, spread=1.0):
    return lambda rng: spread * rng.normal(size=shape)


def far_rows(axis):
    """Scores whose rows (or columns) lie more than 200 apart."""
    return lambda rng: np.moveaxis(rng.normal(size=(3, 5)) + np.array([[-300.0], [0.0], [300.0]]), 1, axis)


softmax.case("the scores ln 3 and 0", np.array([math.log(3), 0.0]), 0, expect=np.array([0.75, 0.25]))
softmax.probe("the rows of a table", x=table(3, 5), axis=1)
softmax.probe("the columns of a table", x=table(3, 5), axis=0)
softmax.case(
    "scores of 1000",
    np.array([[1000.0, 1000.0, 998.0]]),
    -1,
    expect=np.array([[1.0, 1.0, math.exp(-2)]]) / (2 + math.exp(-2)),
)
softmax.probe("the rows of another table", hidden=True, x=table(5, 3, spread=2.0), axis=-1)
softmax.probe("the columns of another table", hidden=True, x=table(5, 3), axis=-2)
softmax.probe("the rows of a square table", hidden=True, x=table(4, 4), axis=1)
softmax.probe("the columns of a square table", hidden=True, x=table(4, 4), axis=0)
softmax.probe("the middle of three axes", hidden=True, x=table(2, 3, 4), axis=1)
softmax.probe("the first of three axes", hidden=True, x=table(2, 3, 4), axis=0)
softmax.probe("scores around 1000", hidden=True, x=lambda rng: 1000 + rng.normal(size=(3, 5)), axis=1)
softmax.probe("rows far apart", hidden=True, x=far_rows(1), axis=1)
softmax.probe("columns far apart", hidden=True, x=far_rows(0), axis=0)
softmax.case("far apart in one row", np.array([[-120.0, 0.0, 119.0, 120.0], [300.0, 299.0, 0.0, 1.0]]), 1, hidden=True)
softmax.case("whole numbers", np.array([[1, 2, 0], [0, 0, 3]], np.int32), 1, hidden=True)
softmax.case("whole numbers, by columns", np.array([[3, 1, 1], [2, 0, 1]], np.int32), 0, hidden=True)
softmax.case("a single score", np.array([[-7.0]]), 1, hidden=True, expect=np.array([[1.0]]))


@softmax.law
def sums_to_one(f, rng):
    """The shares are positive and add up to 1 along the axis, whichever it is."""
    x = 2.0 * rng.normal(size=(4, 4))
    return all(close(np.sum(f(x, axis), axis=axis), 1.0) and np.all(f(x, axis) > 0) for axis in (0, 1))


@softmax.law(hidden=True)
def shift(f, rng):
    """The same number added to all scores of a row changes nothing; added to one of them, it changes that row alone."""
    x = rng.normal(size=(3, 5))
    plain, raised = f(x, 1), x.copy()
    raised[1, 2] += 1.0
    moved = f(raised, 1)
    return (
        close(f(x + np.array([[5.0], [-3.0], [40.0]]), 1), plain)
        and close(moved[[0, 2]], plain[[0, 2]])
        and bool(moved[1, 2] > plain[1, 2] + 0.01)
    )


@softmax.mistake
def sums_without_their_axis(x, axis):
    """The sums have lost their axis, so every score is divided by the sum of some *other* row, or the shapes do not fit
    at all. A published version of this formula has that slip: it works on single rows, and on tables the rows do not
    add up to 1. Look up `keepdims`."""
    grown = jnp.exp(x - jnp.max(x, axis=axis, keepdims=True))
    return grown / jnp.sum(grown, axis=axis)


@softmax.mistake
def one_sum_for_all(x, axis):
    """You divide by the sum over the *whole* table, so that all its entries together add up to 1. Each row (or column)
    has a sum of its own."""
    return shares(np.asarray(x, float), axis=None)


@softmax.mistake
def nothing_subtracted(x, axis):
    """Right for small scores, but the exponential of a large one is infinite, and infinity by infinity is NaN. A
    published version of this formula stops there too. Subtract something from all scores first that changes no
    share."""
    with np.errstate(all="ignore"):
        grown = np.exp(np.asarray(x, np.float32))
        return grown / grown.sum(axis=axis, keepdims=True)


@softmax.mistake
def one_maximum_for_all(x, axis):
    """You subtract the maximum of the whole table. Where a row lies far below it, all exponentials are 0, and 0 by 0 is
    NaN. Subtract the maximum of each row (or column) along the axis."""
    with np.errstate(all="ignore"):
        grown = np.exp(np.asarray(x - np.max(x), np.float32))
        return grown / grown.sum(axis=axis, keepdims=True)


@softmax.mistake
def always_the_last_axis(x, axis):
    """Your sums run along the last axis, whatever `axis` says."""
    return shares(np.asarray(x, float), axis=-1)


@softmax.mistake
def always_the_first_axis(x, axis):
    """Your sums run along the first axis, whatever `axis` says."""
    return shares(np.asarray(x, float), axis=0)


@softmax.mistake
def no_exponential(x, axis):
    """You divide the scores by their sum. Negative scores make that meaningless: the exponential comes first."""
    return np.asarray(x) / np.sum(np.asarray(x), axis=axis, keepdims=True)


@softmax.mistake
def kept_as_whole_numbers(x, axis):
    """For whole numbers you return whole numbers, and shares between 0 and 1 become 0. Make an array of floats to write
    the answer into."""
    answer = np.zeros_like(np.asarray(x))
    answer[...] = shares(np.asarray(x, float), axis=axis)
    return answer


@softmax.alternate
def in_numpy(x, axis):
    x = np.array(x, dtype=float)
    x -= x.max(axis=axis, keepdims=True)
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


@softmax.alternate
def rows_in_float32_loops(x, axis):
    def one(row):
        top = max(row)
        powers = [np.exp(score - top) for score in row]
        return np.array([power / sum(powers) for power in powers])

    return np.apply_along_axis(one, axis, np.asarray(x, np.float32))


@softmax.alternate
def by_differences(x, axis):
    rows = np.moveaxis(np.asarray(x, float), axis, -1)
    with np.errstate(over="ignore"):
        answer = 1 / np.exp(rows[..., None, :] - rows[..., :, None]).sum(-1)
    return np.moveaxis(answer, -1, axis)


@softmax.alternate
def ready_made(x, axis):
    return jax.nn.softmax(x.astype(float), axis=axis)


@softmax.oracle
def scipy_special(x, axis):
    from scipy.special import softmax

    return softmax(np.asarray(x, float), axis=axis)


# %% [markdown]
# At high temperature molecules spread evenly over their energy levels; at low temperature all sit in the lowest. The
# same knob turns attention from "listen to everybody" into "listen to one": scores are divided by a temperature before
# they become shares.

# %%
temperature = exercise(
    attention.temperature,
    points=3,
    needs=[softmax],
    hints=(
        "You have a function for T = 1. What do you have to give it instead of the scores?",
        "Where does T go: inside the exponential, or outside? Outside, it would cancel.",
    ),
)

LEVELS = np.array([[2.0, 0.0, 1.0, 2.0, -1.0], [0.0, 3.0, 0.0, 1.0, 0.5]])

temperature.case("ln 9 and 0 at T = 2", np.array([[math.log(9), 0.0]]), 2.0, expect=np.array([[0.75, 0.25]]))
temperature.probe("warm", n=3, m=5, T=1.7)
temperature.case("very cold", LEVELS, 0.015625, expect=np.array([[0.5, 0.0, 0.0, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0]]))
temperature.probe("lukewarm", hidden=True, n=5, m=3, T=0.6)
temperature.probe("hot", hidden=True, n=3, m=5, T=6.0)
temperature.probe("cool, as many rows as columns", hidden=True, n=4, m=4, T=0.4)
temperature.case("very hot", LEVELS, 1e8, hidden=True, expect=np.full((2, 5), 0.2))
temperature.case("cold and exactly tied", np.array([[4.0, 4.0, 4.0, -4.0, 0.0]]), 0.00390625, hidden=True)
temperature.case("cold, with a tie at the end", np.array([[1.0, 0.0, -2.0, 5.0, 5.0]] * 3), 0.0078125, hidden=True)
temperature.case("large scores, large T", 300.0 * LEVELS, 150.0, hidden=True)
temperature.probe("one score in each row", hidden=True, weight=0.5, n=5, m=1, T=0.3)


@temperature.law
def colder_is_sharper(f, rng):
    """The colder, the larger the share of the highest score; at T = 1 a gap of ln 2 makes it twice as large."""
    x = np.array([[0.6931472, 0.0, -1.0]])
    cold, mild, hot = f(x, 0.5), f(x, 1.0), f(x, 3.0)
    return bool(cold[0, 0] > mild[0, 0] > hot[0, 0] > 0.34) and close(mild[0, 0], 2 * mild[0, 1])


@temperature.law(hidden=True)
def only_the_ratio_counts(f, rng):
    """Doubling scores and temperature changes nothing, doubling one of them does, and rows are independent."""
    x = rng.normal(size=(3, 5))
    w = f(x, 0.8)
    return close(f(2 * x, 1.6), w) and not close(f(2 * x, 0.8), w, rtol=0.01) and close(f(x[::-1].copy(), 0.8), w[::-1])


@temperature.mistake
def multiplied(scores, T):
    """You multiply the scores by T. Then a *low* temperature makes everything equal. Divide."""
    return shares(np.asarray(scores) * T)


@temperature.mistake
def outside_the_exponential(scores, T):
    """You divide the exponentials by T, and then by their sum: T cancels, and has no effect. It belongs inside the
    exponential. A published version of this formula has it outside."""
    return shares(scores)


@temperature.mistake
def shares_divided(scores, T):
    """You divide the finished shares by T, so they no longer add up to 1. T belongs inside the exponential. A published
    version of this formula has it outside."""
    return shares(scores) / T


@temperature.mistake
def winner_takes_all(scores, T):
    """You give everything to the first of the highest scores. That is the limit of T towards 0, and even there equal
    scores share evenly."""
    scores = np.asarray(scores)
    return np.eye(scores.shape[1])[scores.argmax(axis=1)]


@temperature.mistake
def down_the_columns(scores, T):
    """Your columns add up to 1 instead of your rows: the sum runs over the last axis."""
    return shares(np.asarray(scores) / T, axis=0)


@temperature.mistake
def over_the_whole_table(scores, T):
    """All entries of your answer together add up to 1. Each row has a sum of its own."""
    return shares(np.asarray(scores) / T, axis=None)


@temperature.mistake
def minus_sign_of_energies(scores, T):
    """You have a minus in the exponent, as for energies. Here high scores win, not low ones."""
    return shares(-np.asarray(scores) / T)


@temperature.mistake
def cold_overflows(scores, T):
    """At low temperature scores / T is large, and its exponential infinite. Your `softmax` knows what to do about
    that."""
    with np.errstate(all="ignore"):
        grown = np.exp(np.asarray(scores, np.float32) / np.float32(T))
        return grown / grown.sum(axis=1, keepdims=True)


@temperature.alternate
def in_numpy(scores, T):
    x = np.asarray(scores, float) / T
    e = np.exp(x - x.max(1)[:, None])
    return e / e.sum(1)[:, None]


@temperature.alternate
def shifted_before_division(scores, T):
    return jnp.exp((scores - scores.max(-1, keepdims=True)) / T) / jnp.exp(
        (scores - scores.max(-1, keepdims=True)) / T
    ).sum(-1, keepdims=True)


@temperature.alternate
def by_float32_loops(scores, T):
    answer = []
    for row in np.asarray(scores, np.float32):
        top = max(row)
        powers = [np.exp((s - top) / np.float32(T)) for s in row]
        answer.append([p / sum(powers) for p in powers])
    return np.array(answer)


@temperature.alternate
def by_differences(scores, T):
    """Each share is 1 over the sum of all ratios to it."""
    gaps = (scores[:, None, :] - scores[:, :, None]) / T
    return jax.lax.reciprocal(jnp.sum(jnp.exp(gaps), axis=2))


@temperature.oracle
def jax_nn(scores, T):
    return jax.nn.softmax(jnp.asarray(scores) / T, axis=-1)


# %% [markdown]
# Your reward: the staggered and the two gauche shapes of butane. The gauche ones lie 3.8 kJ/mol higher. What share of
# the molecules has which shape, from dry ice to a hot oven? The scores are minus the energies, and T is R times the
# temperature in kelvin.


# %%
@reward
def butane():
    energies = jnp.array([[0.0, 3.8, 3.8]])  # kJ/mol
    for kelvin in (20, 195, 298, 500, 5000):
        anti, *gauche = np.asarray(temperature(-energies, 0.0083145 * kelvin))[0]
        print(f"{kelvin:5d} K: {100 * anti:5.1f} % anti " + "#" * round(30 * anti) + "." * round(30 * sum(gauche)))


# %% [markdown]
# ## 2. One atom looks around
#
# Now let the scores have a meaning. The atom that looks has a **query**: what am I looking for? Every atom that can be
# looked at has a **key**: what am I? Their dot product is the score. And every atom has a **value**: what it answers if
# it is listened to. The result is the average of the values, weighted by the shares.
#
# An example with two numbers a key: "am I an oxygen?" and "am I a carbon?". The query (2, 0) looks for oxygens. With an
# oxygen and a carbon to look at, the scores are 2 and 0, the shares 0.88 and 0.12. Let the values be partial charges,
# -0.5 for the oxygen and +0.5 for the carbon: the answer is 0.88 times -0.5 plus 0.12 times 0.5, about -0.38.

# %%
attend = exercise(
    attention.attend,
    points=3,
    needs=[softmax],
    hints=(
        "Three lines: scores, shares, average. The scores are one matrix-vector product.",
        "K has one row for each key. Which product gives one number for each of them? Then the weights meet V: which "
        "axis do they have in common?",
    ),
)


def large_query(rng, d):
    return np.append(rng.normal(size=d - 1), 110.0)


def large_keys(rng, n, d):
    """Keys that add the same large number to all scores, so that the shares stay soft."""
    return np.concatenate([rng.normal(size=(n, d - 1)), np.ones((n, 1))], axis=1)


SHARE = 1 / (1 + math.exp(-2))
attend.case(
    "an oxygen and a carbon",
    np.array([2.0, 0.0]),
    np.array([[1.0, 0.0], [0.0, 1.0]]),
    np.array([[-0.5], [0.5]]),
    expect=(np.array([SHARE, 1 - SHARE]), np.array([0.5 - SHARE])),
)
attend.probe("five atoms", n=5, d=4, e=2)
attend.case(
    "a query that looks for nothing",
    np.zeros(3),
    np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, 0.0]]),
    np.array([[1.0, 10.0], [3.0, 20.0]]),
    expect=(np.array([0.5, 0.5]), np.array([2.0, 15.0])),
)
attend.probe("three atoms with six features", hidden=True, n=3, d=6, e=5)
attend.probe("five atoms, long values", hidden=True, n=5, d=4, e=7, V=lambda rng, n, e: 5 + 3 * rng.normal(size=(n, e)))
attend.probe("as many atoms as features", hidden=True, n=4, d=4, e=4)
attend.probe("a single atom", hidden=True, weight=0.5, n=1, d=4, e=2)
attend.probe("large scores", hidden=True, n=5, d=4, e=2, q=large_query, K=large_keys)
attend.case(
    "scores of 500 that are tied",
    np.array([5.0, 1.0]),
    np.array([[100.0, 0.0], [98.0, 10.0], [90.0, 3.0]]),
    np.array([[1.0, 0.0, 2.0], [3.0, 1.0, 8.0], [70.0, 50.0, 90.0]]),
    hidden=True,
    expect=(np.array([0.5, 0.5, 0.0]), np.array([2.0, 0.5, 5.0])),
)


@attend.law
def an_average(f, rng):
    """The weights are positive and add up to 1, and if all values are equal, so is the answer."""
    q, K = rng.normal(size=4), rng.normal(size=(5, 4))
    w, out = f(q, K, np.tile([[3.0, -2.0]], (5, 1)))
    return close(np.sum(w), 1.0) and bool(np.all(w > 0)) and close(out, np.array([3.0, -2.0]))


@attend.law(hidden=True)
def a_set_of_atoms(f, rng):
    """In another order of the atoms the weights follow them and the output stays; the opposite query changes both."""
    q, K, V, order = rng.normal(size=4), rng.normal(size=(5, 4)), rng.normal(size=(5, 2)), [3, 0, 4, 1, 2]
    (w, out), (w2, out2), (w3, out3) = f(q, K, V), f(q, K[order], V[order]), f(-q, K, V)
    same = close(w2, w[order]) and close(out2, out)
    return same and not close(w3, w, rtol=1e-3) and not close(out3, out, rtol=1e-3)


@attend.mistake
def not_normalised(q, K, V):
    """Your weights do not add up to 1: the exponentials still have to be divided by their sum."""
    q, K, V = (np.asarray(value, np.float32) for value in (q, K, V))
    with np.errstate(all="ignore"):
        w = np.exp(K @ q)
        return w, w @ V


@attend.mistake
def all_to_the_best(q, K, V):
    """You listen to the best key alone. Attention is soft: every key gets its share."""
    q, K, V = arrays(q, K, V)
    w = np.eye(len(K))[np.argmax(K @ q)]
    return w, w @ V


@attend.mistake
def already_scaled(q, K, V):
    """You divide the scores by the root of d. That is a good idea, and comes in the next task; here the dot products
    are taken as they are."""
    q, K, V = arrays(q, K, V)
    w = shares(K @ q / np.sqrt(len(q)))
    return w, w @ V


@attend.mistake
def overflows(q, K, V):
    """Right for small scores, NaN for large ones: the exponential overflows. Your `softmax` takes care of that."""
    q, K, V = (np.asarray(value, np.float32) for value in (q, K, V))
    with np.errstate(all="ignore"):
        w = np.exp(K @ q) / np.exp(K @ q).sum()
        return w, w @ V


@attend.mistake
def everybody_alike(q, K, V):
    """Your output is the plain average of the values; the weights should decide how much each of them counts."""
    q, K, V = arrays(q, K, V)
    return shares(K @ q), V.mean(axis=0)


@attend.mistake
def summed_up(q, K, V):
    """Your output is the sum of the values; each has to be multiplied by its weight before."""
    q, K, V = arrays(q, K, V)
    return shares(K @ q), V.sum(axis=0)


@attend.mistake
def in_the_other_order(q, K, V):
    """You return (output, weights). The order is (weights, output)."""
    q, K, V = arrays(q, K, V)
    w = shares(K @ q)
    return w @ V, w


@attend.mistake
def cosines(q, K, V):
    """You divide by the lengths of query and keys: these are cosines. The score is the dot product itself."""
    q, K, V = arrays(q, K, V)
    lengths = np.linalg.norm(K, axis=1) * np.linalg.norm(q)
    w = shares(K @ q / np.where(lengths == 0, 1, lengths))
    return w, w @ V


@attend.alternate
def in_numpy(q, K, V):
    q, K, V = arrays(q, K, V)
    s = np.einsum("nd,d->n", K, q)
    w = np.exp(s - s.max())
    w = w / w.sum()
    return w, (w[:, None] * V).sum(0)


@attend.alternate
def by_float32_loops(q, K, V):
    q, K, V = (np.asarray(rows, np.float32) for rows in (q, K, V))
    scores = [sum(a * b for a, b in zip(q, key, strict=True)) for key in K]
    top = max(scores)
    total = sum(np.exp(s - top) for s in scores)
    weights = [np.exp(s - top) / total for s in scores]
    output = [sum(w * value[c] for w, value in zip(weights, V, strict=True)) for c in range(V.shape[1])]
    return np.array(weights), np.array(output)


@attend.alternate
def one_key_after_the_other(q, K, V):
    """Keeps a running maximum, as the fast versions of attention do."""
    top, total, out, scores = -np.inf, 0.0, np.zeros(V.shape[1]), []
    for key, value in zip(*arrays(K, V), strict=True):
        score = float(key @ np.asarray(q))
        new = max(top, score)
        shrink, grow = math.exp(top - new), math.exp(score - new)
        total, out, top = total * shrink + grow, out * shrink + grow * value, new
        scores.append(score)
    return np.exp(np.array(scores) - top) / total, out / total


attend.equivalent(
    "weights = softmax(K @ q, axis=0) -> weights = softmax(K @ q, axis=-1)",
    because="a vector has one axis",
)


@attend.oracle
def scipy_and_numpy(q, K, V):
    from scipy.special import logsumexp

    scores = np.inner(np.asarray(K), np.asarray(q))
    weights = np.exp(scores - logsumexp(scores))
    return weights, np.average(np.asarray(V), axis=0, weights=weights)


# %% [markdown]
# Your reward: the hydrogen on the nitrogen of paracetamol looks for a partner. Its query asks for an atom with a lone
# pair, and does not mind an oxygen. Whom does it look at?


# %%
@reward
def looking_for_a_partner():
    query = jnp.array([0.0, 0.0, 0.5, 0.0, 0.0, 2.0])
    weights, found = attend(query, features, features)
    for label, weight in zip(labels, np.asarray(weights), strict=True):
        print(f"  {label:>4s} {weight:.2f} " + "#" * round(60 * float(weight)))
    print("the average atom it sees:", np.round(np.asarray(found), 2))


# %% [markdown]
# ## 3. All atoms look at once
#
# With n queries as the rows of a matrix, the scores are a table: row *i* belongs to query *i*, column *j* to key *j*.
# The numbers of queries and keys need not be equal: the atoms of a drug may look at those of its receptor.
#
# One more thing is needed. Dot products of long vectors are large, simply because they have many terms, and large
# scores make a softmax that listens to one key only, and hardly learns. How large?

# %%
rng = np.random.default_rng(0)
for size in (4, 64, 1024):
    products = np.sum(rng.normal(size=(400, size)) * rng.normal(size=(400, size)), axis=1)
    print(f"{size:5d} features: dot products scatter by {products.std():5.1f}")

# %% [markdown]
# They grow like the root of the number of *features*, so that root is taken out. Last, a **mask** says who may look at
# whom: padding, which is no atom at all, or the future of a sentence. What is masked must not count in the sums either.

# %%
sdpa = exercise(
    attention.sdpa,
    points=7,
    needs=[softmax],
    hints=(
        "The table of scores has the shape [n, m]. Which axis of Q and of K disappears in it, and how long is it?",
        "Where looking is not allowed, the exponential should be 0 *before* you take the sum. A large negative score "
        "does that; minus infinity too, but a row of nothing else becomes NaN.",
        "For a row that is masked completely, shares do not exist. Put zeros there with `jnp.where`.",
    ),
)


def some(rng, n, m):
    """A mask in which every query sees something, and none everything."""
    return (np.arange(n)[:, None] + 2 * np.arange(m)) % 3 != 0


def blind_row(rng, n, m):
    """The same, but the second query may look at nothing."""
    return some(rng, n, m) & (np.arange(n) != 1)[:, None]


def padded(rng, n, m):
    """The last key is padding."""
    return np.broadcast_to(np.arange(m) < m - 1, (n, m)).copy()


def loud_padding(rng, m, d):
    """Keys of which the last is far longer than the others, in both directions of every query's scores."""
    return np.concatenate([rng.normal(size=(m - 1, d)), 200.0 * np.ones((1, d))])


def large(rng, n, d):
    """Queries that, with the keys below, add the same large number to all scores: the shares stay soft."""
    return np.concatenate([rng.normal(size=(n, d - 1)), np.full((n, 1), 230.0)], axis=1)


def plain_end(rng, m, d):
    return np.concatenate([rng.normal(size=(m, d - 1)), np.ones((m, 1))], axis=1)


def positive(rng, n, d):
    return 0.5 + rng.random((n, d))


sdpa.probe("three queries, five keys", n=3, m=5, d=4, e=2)
sdpa.case(
    "one query, two keys, four features",
    np.array([[2.0, 0.0, 0.0, 0.0]]),
    np.array([[math.log(3), 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0]]),
    np.array([[4.0], [8.0]]),
    expect=np.array([[5.0]]),
)
sdpa.probe("with a mask", n=3, m=5, d=4, e=2, mask=some)
sdpa.probe("a query that may look at nothing", n=3, m=5, d=4, e=2, mask=blind_row)
sdpa.probe("compiled by jit, with a mask", n=3, m=5, d=4, e=2, mask=some, jit=True)
sdpa.probe("six features", hidden=True, n=5, m=3, d=6, e=4)
sdpa.probe("as many queries as keys and features", hidden=True, n=4, m=4, d=4, e=4)
sdpa.probe("six features, with a mask", hidden=True, n=5, m=3, d=6, e=4, mask=some)
sdpa.probe("a square mask", hidden=True, n=4, m=4, d=4, e=4, mask=some)
sdpa.probe("another query that may look at nothing", hidden=True, n=5, m=3, d=6, e=4, mask=blind_row)
sdpa.probe(
    "nobody may look at anything", hidden=True, n=3, m=5, d=4, e=2, mask=lambda rng, n, m: np.zeros((n, m), bool)
)
sdpa.probe("large scores", hidden=True, n=3, m=5, d=4, e=2, Q=large, K=plain_end)
sdpa.probe("large scores, with a mask", hidden=True, n=3, m=5, d=4, e=2, mask=some, Q=large, K=plain_end)
sdpa.probe("padding with the highest score", hidden=True, n=3, m=5, d=4, e=2, Q=positive, K=loud_padding, mask=padded)
sdpa.probe("padding again", hidden=True, n=4, m=4, d=4, e=4, Q=positive, K=loud_padding, mask=padded)
sdpa.probe("a single key", hidden=True, weight=0.5, n=3, m=1, d=4, e=2)
sdpa.probe("compiled by jit", hidden=True, n=5, m=3, d=6, e=4, jit=True)
sdpa.probe("two molecules at once, with vmap", hidden=True, n=3, m=5, d=4, e=2, batch=2, vmap=(0, 0, 0))
sdpa.probe("two masks at once, with vmap", hidden=True, n=3, m=5, d=4, e=2, batch=2, vmap=(None, None, None, 0),
           mask=lambda rng, n, m: np.stack([some(rng, n, m), blind_row(rng, n, m)]))  # fmt: skip


@sdpa.law
def constant_values(f, rng):
    """If all values are equal, every query gets that value."""
    out = f(rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), np.tile([[3.0, -2.0]], (5, 1)))
    return close(out, np.tile([[3.0, -2.0]], (3, 1)))


@sdpa.law(hidden=True)
def sets_of_keys_and_queries(f, rng):
    """The order of the keys does not matter, that of the queries is kept, and every value has a say."""
    Q, K, V, order = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2)), [3, 0, 4, 1, 2]
    out, louder = f(Q, K, V), V.copy()
    louder[2] += 10.0
    same = close(f(Q, K[order], V[order]), out) and close(f(Q[[2, 0, 1]], K, V), out[[2, 0, 1]])
    return same and bool(np.all(f(Q, K, louder) > out + 1e-4))


@sdpa.law(hidden=True)
def hidden_keys(f, rng):
    """What may not be looked at has no influence at all; what may be looked at has."""
    Q, K, V = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    mask = np.ones((3, 5), bool)
    mask[:, 4] = False
    mask[0, 1] = False
    out = f(Q, K, V, mask)
    K2, V2, V3 = K.copy(), V.copy(), V.copy()
    K2[4], V2[4] = 30.0, 1e3
    V3[1] += 5.0
    told = f(Q, K, V3, mask)
    return close(f(Q, K2, V2, mask), out) and close(told[0], out[0]) and bool(np.all(told[1:] > out[1:] + 1e-4))


def seen(mask, scores):
    return jnp.ones(scores.shape, bool) if mask is None else mask


def masked_shares(scores, mask, axis=-1):
    visible = seen(mask, scores)
    return jnp.where(visible, jax.nn.softmax(jnp.where(visible, scores, -1e30), axis=axis), 0.0)


@sdpa.mistake
def not_scaled(Q, K, V, mask=None):
    """The scores are not scaled: divide the dot products by the root of the number of features."""
    return masked_shares(jnp.inner(Q, K), mask) @ V


@sdpa.mistake
def scaled_by_the_number_of_keys(Q, K, V, mask=None):
    """You divide by the root of the number of *keys*. A published version of this formula does that too, for batches.
    What makes dot products large is the number of features, the length of a key."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(K.shape[0]), mask) @ V


@sdpa.mistake
def scaled_by_the_number_of_queries(Q, K, V, mask=None):
    """You divide by the root of the number of *queries*. A published version of this formula divides by the length of
    the sequence; what makes dot products large is the number of features, the length of a query."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[0]), mask) @ V


@sdpa.mistake
def scaled_by_the_length_of_a_value(Q, K, V, mask=None):
    """You divide by the root of the number of features of a *value*. Values take no part in the dot product; queries
    and keys do."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(V.shape[1]), mask) @ V


@sdpa.mistake
def root_forgotten(Q, K, V, mask=None):
    """You divide by d. Dot products of random vectors grow like its *root*."""
    return masked_shares(jnp.inner(Q, K) / Q.shape[-1], mask) @ V


@sdpa.mistake
def shares_down_the_columns(Q, K, V, mask=None):
    """In your table the columns add up to 1: every key hands out its attention. It is the queries that look, so the
    rows add up to 1."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[-1]), mask, axis=0) @ V


@sdpa.mistake
def one_sum_for_the_table(Q, K, V, mask=None):
    """All weights of your table together add up to 1, so each query has only a part of its attention. Every row needs
    a sum of its own."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[-1]), mask, axis=None) @ V


@sdpa.mistake
def sums_lost_their_axis(Q, K, V, mask=None):
    """The sums have lost their axis, so that the rows are divided by one another's sums, or the shapes do not fit. A
    published version of this formula has that slip. Look up `keepdims`, or use your `softmax`."""
    scores = jnp.inner(Q, K) / np.sqrt(Q.shape[-1])
    visible = seen(mask, scores)
    scores = jnp.where(visible, scores, -1e30)
    grown = jnp.where(visible, jnp.exp(scores - scores.max(axis=-1, keepdims=True)), 0.0)
    total = grown.sum(axis=-1)
    return (grown / jnp.where(total == 0, 1, total)) @ V


@sdpa.mistake
def mask_the_other_way(Q, K, V, mask=None):
    """You hide what the mask allows, and show what it hides. Here `True` means that looking is allowed; some libraries
    have it the other way round."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[-1]), None if mask is None else ~mask) @ V


@sdpa.mistake
def mask_not_used(Q, K, V, mask=None):
    """You do not use the mask."""
    return masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[-1]), None) @ V


@sdpa.mistake
def masked_too_late(Q, K, V, mask=None):
    """You set the hidden weights to 0 after the softmax, and what is left of a row no longer adds up to 1. Hidden keys
    must not be in the sum."""
    weights = masked_shares(jnp.inner(Q, K) / np.sqrt(Q.shape[-1]), None)
    return jnp.where(seen(mask, weights), weights, 0.0) @ V


@sdpa.mistake
def hidden_scores_are_zero(Q, K, V, mask=None):
    """You set hidden *scores* to 0, but the exponential of 0 is 1: hidden keys still get their share."""
    scores = jnp.inner(Q, K) / np.sqrt(Q.shape[-1])
    visible = seen(mask, scores)
    return jnp.where(visible.any(axis=1, keepdims=True), jax.nn.softmax(jnp.where(visible, scores, 0.0)) @ V, 0.0)


@sdpa.mistake
def nothing_to_see_is_nan(Q, K, V, mask=None):
    """A query that may look at nothing gets NaN: its row holds only minus infinity. It should get zeros."""
    scores = jnp.inner(Q, K) / np.sqrt(Q.shape[-1])
    return jax.nn.softmax(jnp.where(seen(mask, scores), scores, -jnp.inf)) @ V


@sdpa.mistake
def nothing_to_see_is_everything(Q, K, V, mask=None):
    """A query that may look at nothing gets the average of *all* values, because equally bad scores share evenly. It
    should get zeros."""
    scores = jnp.inner(Q, K) / np.sqrt(Q.shape[-1])
    return jax.nn.softmax(jnp.where(seen(mask, scores), scores, -1e30)) @ V


@sdpa.mistake
def maximum_over_hidden_scores(Q, K, V, mask=None):
    """You subtract the maximum of a row including what is hidden. If a hidden score is far above the others, all
    visible exponentials are 0. Hide first, then take the maximum."""
    scores = (jnp.inner(Q, K) / np.sqrt(Q.shape[-1])).astype(jnp.float32)
    grown = jnp.where(seen(mask, scores), jnp.exp(scores - scores.max(axis=-1, keepdims=True)), 0.0)
    total = grown.sum(axis=-1, keepdims=True)
    return (grown / jnp.where(total == 0, 1, total)) @ V


@sdpa.mistake
def exponentials_overflow(Q, K, V, mask=None):
    """Right for small scores, but exponentials of large ones are infinite, and your answer is NaN. Your `softmax` takes
    care of that."""
    scores = (jnp.inner(Q, K) / np.sqrt(Q.shape[-1])).astype(jnp.float32)
    grown = jnp.where(seen(mask, scores), jnp.exp(scores), 0.0)
    total = grown.sum(axis=-1, keepdims=True)
    return (grown / jnp.where(total == 0, 1, total)) @ V


@sdpa.alternate
def minus_infinity_and_repair(Q, K, V, mask=None):
    scores = jnp.einsum("nd,md->nm", Q, K) * Q.shape[-1] ** -0.5
    if mask is not None:
        scores = jnp.where(mask, scores, -jnp.inf)
    return jnp.nan_to_num(jax.nn.softmax(scores, axis=-1)) @ V


@sdpa.alternate
def added_mask(Q, K, V, mask=None):
    bias = 0.0 if mask is None else (1.0 - mask) * -1e9
    weights = jax.nn.softmax((Q / jnp.sqrt(Q.shape[1])) @ K.T + bias, axis=-1)
    return (weights if mask is None else weights * mask) @ V


@sdpa.alternate
def a_scan_over_keys(Q, K, V, mask=None):
    # There is no alternate in NumPy: the prompt asks for `jnp`, because `jit` and `vmap` hand the function tracers.
    looks = jnp.ones((Q.shape[0], K.shape[0]), bool) if mask is None else mask

    def further(so_far, key):
        top, total, out = so_far
        row, value, look = key
        score = jnp.where(look, jax.lax.dot(Q, row) * jax.lax.rsqrt(jnp.float32(Q.shape[1])), -1e30)
        new = jnp.maximum(top, score)
        shrink, grow = jnp.exp(top - new), jnp.where(look, jnp.exp(score - new), 0.0)
        return (new, total * shrink + grow, out * shrink[:, None] + jnp.outer(grow, value)), None

    begin = jnp.full(Q.shape[0], -1e30), jnp.zeros(Q.shape[0]), jnp.zeros((Q.shape[0], V.shape[1]))
    (_, total, out), _ = jax.lax.scan(further, begin, (K, V, looks.T))
    return out / jnp.where(total == 0, 1.0, total)[:, None]


@sdpa.alternate
def one_query_after_the_other(Q, K, V, mask=None):
    rows = []
    for i in range(Q.shape[0]):
        top, total, out = -1e30, 0.0, jnp.zeros(V.shape[1])
        for j in range(K.shape[0]):
            score = jnp.dot(Q[i], K[j]) / math.sqrt(Q.shape[1])
            looks = True if mask is None else mask[i, j]
            new = jnp.where(looks, jnp.maximum(top, score), top)
            grow = jnp.where(looks, jnp.exp(jnp.where(looks, score, 0.0) - jnp.where(looks, new, 0.0)), 0.0)
            total, out, top = total * jnp.exp(top - new) + grow, out * jnp.exp(top - new) + grow * V[j], new
        rows.append(out / jnp.where(total == 0, 1.0, total))
    return jnp.stack(rows)


@sdpa.oracle
def jax_library(Q, K, V, mask=None):
    Q, K, V = jnp.asarray(Q), jnp.asarray(K), jnp.asarray(V)
    size = max(Q.shape[1], V.shape[1])  # the library wants values as long as keys

    def wide(rows):
        return jnp.pad(rows, ((0, 0), (0, size - rows.shape[1])))[:, None]

    looks = None if mask is None else jnp.asarray(mask)[None]
    out = jax.nn.dot_product_attention(wide(Q), wide(K), wide(V), mask=looks, scale=Q.shape[1] ** -0.5)
    out = np.asarray(out)[:, 0, : V.shape[1]]
    return out if mask is None else np.where(np.asarray(mask).any(axis=1, keepdims=True), out, 0.0)


@sdpa.oracle
def scipy_row_by_row(Q, K, V, mask=None):
    from scipy.special import softmax

    Q, K, V = arrays(Q, K, V)
    looks = np.ones((len(Q), len(K)), bool) if mask is None else np.asarray(mask)
    out = np.zeros((len(Q), V.shape[1]))
    for i in range(len(Q)):
        if looks[i].any():
            out[i] = softmax(K[looks[i]] @ Q[i] / np.sqrt(len(Q[i]))) @ V[looks[i]]
    return out


# %% [markdown]
# Your reward: paracetamol, every atom looking at every other. Donors look for lone pairs; the others for atoms with
# many neighbours. A little trick shows the weights: if the values are the rows of the identity, the output of your
# function *is* the table of weights.


# %%
@reward
def who_looks_at_whom():
    wanted = np.zeros((6, 6), np.float32)
    wanted[4, 5], wanted[0, 3], wanted[3, 3] = 9.0, 1.5, 1.0  # donors want lone pairs, the others company
    queries = jnp.asarray(np.asarray(features) @ wanted)
    table = np.asarray(sdpa(queries, features, jnp.asarray(np.eye(len(elements), dtype=np.float32))))
    heat_map(table, labels, labels, "who looks (row) at whom (column)")
    N = labels.index("N3")
    others = sorted(range(len(labels)), key=lambda j: -float(table[N, j]))[:3]
    print("N3 looks at", ", ".join(f"{labels[j]} ({float(table[N, j]):.2f})" for j in others))


# %%
why_the_root = written(
    "why_the_root",
    """
    Suppose the entries of queries and keys are independent, with mean 0 and variance 1. (a) What are the mean and the
    standard deviation of a dot product of d such entries? (b) A published program divides the scores by the root of the
    *number of keys*. With which inputs would a test not notice, and what goes wrong when the same layer is used on
    molecules of different sizes? (c) What happens to the gradient of a softmax whose scores are very large?
    """,
    points=3,
    rubric="""
    1 point: mean 0, variance d (d terms of variance 1), so the standard deviation is the root of d.
    1 point: not noticed when the number of keys equals d (square test inputs); otherwise the sharpness depends on the
    size of the molecule: the larger, the more even, and a trained layer meets another temperature than it learnt with.
    1 point: one share is near 1, the others near 0; the derivatives w_i (delta_ij - w_j) vanish, nothing is learnt.
    """,
)

# %% [markdown]
# Shares can also *point*: which atom will react? Then the scores are those of one query, atoms that cannot react are
# masked, and the model is trained to put the share of the right atom near 1. Its loss is minus the logarithm of that
# share, and training needs the gradient of it. This is where masks bite: a value can be right, and its gradient NaN.
# Here is how:


# %%
def root_or_zero(x):
    """Looks safe: the root of a negative number is never used."""
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


print("value at -1:   ", root_or_zero(-1.0))
print("gradient at -1:", jax.grad(root_or_zero)(-1.0))

# %% [markdown]
# The branch that is not taken still sends its NaN backwards, multiplied by zero. The cure is to make the *input* of the
# dangerous function harmless, before it is called.

# %%
pointing_loss = exercise(
    attention.pointing_loss,
    points=3,
    hints=(
        "The logarithm of a quotient is a difference. One of its two parts needs no exponential at all.",
        "If the value is right and the gradient NaN: which function sees the masked scores, and is it harmless there?",
        "`jax.nn.logsumexp` subtracts the maximum for you.",
    ),
)

ATOMS = np.array([2.0, -1.0, 0.5, 3.0, 0.0])
SOME_ATOMS = np.array([True, True, False, False, True])
ALL_ATOMS = np.ones(5, bool)
FAR = np.array([200.0, 0.0, -150.0, 400.0, 100.0])

pointing_loss.case("three equal scores", np.zeros(3), np.ones(3, bool), 1, expect=math.log(3))
pointing_loss.case("two of five atoms are out", ATOMS, SOME_ATOMS, 1)
pointing_loss.case("its gradient", ATOMS, SOME_ATOMS, 1, grad=0)
pointing_loss.case(
    "a single atom to point at", ATOMS, np.array([False, True, False, False, False]), 1, expect=0.0, weight=0.5
)
pointing_loss.probe("five atoms", hidden=True, m=5, mask=lambda rng: ALL_ATOMS, target=3)
pointing_loss.probe("five atoms, two out", hidden=True, m=5, mask=lambda rng: SOME_ATOMS, target=4)
pointing_loss.probe("the gradient for five atoms", hidden=True, m=5, mask=lambda rng: ALL_ATOMS, target=2, grad=0)
pointing_loss.probe("the gradient, two out", hidden=True, m=5, mask=lambda rng: SOME_ATOMS, target=0, grad=0)
pointing_loss.case("scores of hundreds", FAR, SOME_ATOMS, 1, hidden=True, expect=200.0)
pointing_loss.case("scores of hundreds, nobody out", FAR, ALL_ATOMS, 2, hidden=True, expect=550.0)
pointing_loss.case("the gradient for scores of hundreds", FAR, SOME_ATOMS, 1, hidden=True, grad=0)
pointing_loss.case("the gradient for hundreds, nobody out", FAR, ALL_ATOMS, 2, hidden=True, grad=0)


@pointing_loss.law(hidden=True)
def a_gradient_of_shares(f, rng):
    """Adding the same to all scores changes nothing, a better score of the target helps, a masked one is ignored."""
    x = rng.normal(size=5)
    loss, better, other = f(x, SOME_ATOMS, 4), x.copy(), x.copy()
    better[4] += 0.5
    other[2] += 3.0
    slope = f.grad(0)(x, SOME_ATOMS, 4)
    return (
        close(f(x + 7.0, SOME_ATOMS, 4), loss)
        and close(f(other, SOME_ATOMS, 4), loss)
        and bool(f(better, SOME_ATOMS, 4) < loss - 0.01)
        and close(np.sum(slope), 0.0)
        and bool(slope[4] < -0.01)
    )


@pointing_loss.mistake
def logarithm_of_a_share(scores, mask, target):
    """You compute the share first, and its logarithm afterwards. For scores far apart the share is 0, and its logarithm
    infinite. Take the logarithm of the formula by hand first."""
    allowed = jnp.where(mask, scores, -1e30).astype(jnp.float32)
    return -jnp.log(jax.nn.softmax(allowed)[target])


@pointing_loss.mistake
def nan_behind_the_mask(scores, mask, target):
    """Your values are right, but the gradient is NaN: a masked atom has share 0, and its logarithm, although thrown
    away, sends infinity times 0 backwards. Make the input of the logarithm harmless, not its output."""
    found = jax.nn.softmax(jnp.where(mask, scores, -1e30).astype(jnp.float32))
    logarithms = jnp.where(mask, jnp.log(found), 0.0)
    return -logarithms[target]


@pointing_loss.mistake
def overflowing_sum(scores, mask, target):
    """Right for small scores, but the exponential of a score of some hundreds is infinite. Subtract the maximum of the
    allowed scores first."""
    scores = scores.astype(jnp.float32)
    return jnp.log(jnp.sum(jnp.where(mask, jnp.exp(scores), 0.0))) - scores[target]


@pointing_loss.mistake
def everybody_is_allowed(scores, mask, target):
    """You do not use the mask: atoms that cannot react still compete."""
    return jax.nn.logsumexp(scores) - scores[target]


@pointing_loss.mistake
def masked_scores_count_as_zero(scores, mask, target):
    """You set masked *scores* to 0, and the exponential of 0 is 1: these atoms still compete."""
    return jax.nn.logsumexp(scores * mask) - scores[target]


@pointing_loss.mistake
def sign_missing(scores, mask, target):
    """Your loss is negative: a logarithm of a share is below 0, so a minus is missing."""
    return scores[target] - jax.nn.logsumexp(jnp.where(mask, scores, -1e30))


@pointing_loss.mistake
def share_without_logarithm(scores, mask, target):
    """You return one minus the share of the target. The loss is minus its logarithm."""
    return 1.0 - jax.nn.softmax(jnp.where(mask, scores, -1e30))[target]


@pointing_loss.mistake
def averaged_over_atoms(scores, mask, target):
    """Your sum of exponentials has become a mean. Then the loss of equal scores is 0, however many atoms there are."""
    return jax.nn.logsumexp(jnp.where(mask, scores, -1e30)) - jnp.log(jnp.sum(mask)) - scores[target]


@pointing_loss.alternate
def log_softmax(scores, mask, target):
    return -jax.nn.log_softmax(jnp.where(mask, scores, -jnp.inf))[target]


@pointing_loss.alternate
def by_differences_to_the_target(scores, mask, target):
    gaps = jnp.where(mask, scores - scores[target], -jnp.inf)
    top = jnp.max(gaps)
    return top + jnp.log(jnp.sum(jnp.exp(gaps - top)))


@pointing_loss.alternate
def by_a_loop(scores, mask, target):
    total = scores[target]
    for i in range(len(scores)):
        if mask[i] and i != target:
            total = jnp.logaddexp(total, scores[i])
    return total - scores[target]


@pointing_loss.alternate
def with_its_own_derivative(scores, mask, target):
    # There is no alternate in NumPy, because `jax.grad` cannot see through it. This one says by itself what the
    # derivative is: the shares, less 1 for the target.
    @jax.custom_jvp
    def loss(scores):
        gaps = jnp.where(mask, scores, -jnp.inf) - scores[target]
        return jax.lax.reduce(gaps, jnp.asarray(-jnp.inf, gaps.dtype), jnp.logaddexp, (0,))

    @loss.defjvp
    def slope(at, along):
        shares = jnp.exp(jnp.where(mask, at[0] - at[0][target], -jnp.inf) - loss(at[0]))
        return loss(at[0]), shares @ along[0] - along[0][target]

    return loss(scores)


@pointing_loss.oracle
def scipy_logsumexp(scores, mask, target):
    from scipy.special import logsumexp

    scores, mask = arrays(scores, mask)
    return logsumexp(scores[mask]) - scores[target]


# %% [markdown]
# ## 4. What comes first
#
# Shuffle the atoms of a molecule, and attention gives the same answers, shuffled. For a *set* of atoms that is what you
# want. For a SMILES string it is not: `CCO` and `COC` have the same letters, and are ethanol and dimethyl ether. So the
# position must be written into the features. A bare number would do, but grows without end; a clock does better: the
# second hand tells positions that are near, the hour hand those that are far apart. Each clock has two coordinates, a
# sine and a cosine.

# %%
positional_encoding = exercise(
    attention.positional_encoding,
    points=4,
    hints=(
        "Make a table of angles first: one row for each position, one column for each frequency. It has half as many "
        "columns as the answer.",
        "Sines go to columns 0, 2, 4, ..., cosines to 1, 3, 5, ...: slices with a step of 2 do that, or stacking along "
        "a new last axis and `reshape`.",
        "Positions start at 0, so the first row is 0, 1, 0, 1, ...",
    ),
)

positional_encoding.case(
    "two positions, two columns", 2, 2, expect=np.array([[0.0, 1.0], [math.sin(1.0), math.cos(1.0)]])
)
positional_encoding.case(
    "three positions, four columns",
    3,
    4,
    expect=np.array([[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in range(3)]),
)
positional_encoding.probe("five positions, six columns", n=5, d=6)
positional_encoding.probe("twelve positions, eight columns", hidden=True, n=12, d=8)
positional_encoding.probe("more columns than positions", hidden=True, n=4, d=12)
positional_encoding.probe("as many columns as positions", hidden=True, n=6, d=6)
positional_encoding.probe("a long string", hidden=True, n=600, d=4)
positional_encoding.probe("a single position", hidden=True, weight=0.5, n=1, d=6)
positional_encoding.probe("a single clock", hidden=True, n=9, d=2)


@positional_encoding.law(hidden=True)
def distance_decides(f, rng):
    """How alike two positions are depends on how far apart they are, and on nothing else; all positions differ."""
    P = f(9, 8)
    alike = P @ P.T
    steps = all(close(np.diagonal(alike, k), alike[0, k]) for k in range(9))
    return steps and close(np.diagonal(alike), 4.0) and bool(np.all(alike[0, 1:] < 3.99))


def angle_table(n, d, base=10000.0, first=0):
    return np.arange(first, first + n)[:, None] / base ** (np.arange(0, d, 2) / d)


def woven(sines, cosines):
    return np.stack([sines, cosines], axis=-1).reshape(len(sines), -1)


@positional_encoding.mistake
def sines_then_cosines(n, d):
    """All your sines come first and all cosines after them. Here they alternate: sine in even columns, cosine in odd
    ones."""
    angles = angle_table(n, d)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


@positional_encoding.mistake
def cosine_first(n, d):
    """Sine and cosine are exchanged: your first row is 1, 0, 1, 0, ..., but the even columns hold sines."""
    return woven(np.cos(angle_table(n, d)), np.sin(angle_table(n, d)))


@positional_encoding.mistake
def counted_from_one(n, d):
    """Your positions start at 1. The first one is 0."""
    return woven(np.sin(angle_table(n, d, first=1)), np.cos(angle_table(n, d, first=1)))


@positional_encoding.mistake
def base_of_a_thousand(n, d):
    """The base of your frequencies is 1000. Here it is 10000."""
    return woven(np.sin(angle_table(n, d, 1000.0)), np.cos(angle_table(n, d, 1000.0)))


@positional_encoding.mistake
def factor_two_missing(n, d):
    """Your frequencies are 10000^(-i/d): a factor 2 is missing in the exponent, so the slowest clock is too fast."""
    return woven(np.sin(angle_table(n, d, 100.0)), np.cos(angle_table(n, d, 100.0)))


@positional_encoding.mistake
def a_frequency_for_each_column(n, d):
    """In your table every column has a frequency of its own. A sine and the cosine beside it share one: the exponent of
    columns 2i and 2i + 1 is the same."""
    angles = np.arange(n)[:, None] / 10000.0 ** (np.arange(d) / d)
    return np.where(np.arange(d) % 2 == 0, np.sin(angles), np.cos(angles))


@positional_encoding.mistake
def doubled_exponent(n, d):
    """Your exponent is doubled: i counts the *pairs* of columns, so column 2i has the exponent -2i/d, not -4i/d."""
    angles = np.arange(n)[:, None] / 10000.0 ** (2 * np.arange(0, d, 2) / d)
    return woven(np.sin(angles), np.cos(angles))


@positional_encoding.mistake
def faster_and_faster(n, d):
    """Your frequencies grow from column to column. The exponent is negative: the clocks become slower."""
    angles = (np.arange(n)[:, None] * 10000.0 ** (np.arange(0, d, 2) / d)).astype(np.float64)
    return woven(np.sin(angles), np.cos(angles))


@positional_encoding.alternate
def filled_by_slices(n, d):
    P = np.zeros((n, d))
    omega = np.exp(-np.log(10000.0) * np.arange(0, d, 2) / d)
    P[:, ::2] = np.sin(np.arange(n)[:, None] * omega)
    P[:, 1::2] = np.cos(np.arange(n)[:, None] * omega)
    return P


@positional_encoding.alternate
def float32_number_by_number(n, d):
    P = np.zeros((n, d), np.float32)
    for p in range(n):
        for c in range(d):
            angle = np.float32(p) / np.float32(10000 ** ((c - c % 2) / d))
            P[p, c] = np.cos(angle) if c % 2 else np.sin(angle)
    return P.tolist()


@positional_encoding.alternate
def turning_the_clocks(n, d):
    turn = np.exp(1j * 10000.0 ** (-np.arange(0, d, 2) / d))
    hands = np.cumprod(np.vstack([np.ones(d // 2, complex), np.tile(turn, (n - 1, 1))]), axis=0)
    return woven(hands.imag, hands.real)


@positional_encoding.oracle
def complex_exponentials(n, d):
    omega = np.logspace(0, -4, d // 2, endpoint=False)
    z = np.exp(1j * np.outer(np.arange(n), omega))
    return np.dstack([z.imag, z.real]).reshape(n, d)


# %% [markdown]
# Your reward: the clocks of forty positions, and two molecules that only a layer with clocks can tell apart.


# %%
@reward
def clocks():
    pattern = np.asarray(positional_encoding(40, 16))
    ticks = np.asarray(positional_encoding(3, 4), np.float32)
    for title, strength in (("without", 0), ("with", 1)):
        pooled = []
        for text in ("CCO", "COC"):
            X = jnp.asarray(np.array([[c == "C", c == "O", 0, 0] for c in text], np.float32) + strength * ticks)
            pooled.append(np.asarray(sdpa(X, X, X)).sum(axis=0))
        gap = np.abs(pooled[0] - pooled[1]).max()
        print(f"{title:>8s} positions, CCO and COC differ by {gap:.3f}")
    if plt is not None:
        _, axes = plt.subplots(figsize=(6, 3.2))
        axes.imshow(pattern.T, cmap="RdBu", aspect="auto", vmin=-1, vmax=1)
        axes.set_xlabel("position")
        axes.set_ylabel("column")
        plt.show()


# %% [markdown]
# ## 5. Reading without looking ahead
#
# A model that *writes* molecules sees the beginning of a SMILES string, and guesses the next token. While it learns, it
# sees whole strings, and could simply copy the answer. So every token gets blinkers: it may look back, but not ahead.

# %%
causal_mask = exercise(
    attention.causal_mask,
    points=2,
    hints=(
        "Row i belongs to the token that looks. In the first row only one entry is True, in the last row all are.",
        "Compare the numbers of the rows with those of the columns, or look up `tril`.",
    ),
)

causal_mask.case("three tokens", 3, expect=np.array([[True, False, False], [True, True, False], [True, True, True]]))
causal_mask.case("a single token", 1, expect=np.array([[True]]), weight=0.5)
causal_mask.case("five tokens", 5, hidden=True)
causal_mask.case("eleven tokens", 11, hidden=True)


@causal_mask.mistake
def looks_ahead(n):
    """Your table is the mirror image: tokens see the future and not the past. Row i belongs to the one who looks."""
    return np.triu(np.ones((n, n), bool))


@causal_mask.mistake
def blind_to_itself(n):
    """In your table a token does not see itself, and the first one sees nothing at all. The diagonal is True."""
    return np.tri(n, k=-1, dtype=bool)


@causal_mask.mistake
def one_step_too_far(n):
    """Every token sees one step ahead, which is just the token that it should guess."""
    return np.tri(n, k=1, dtype=bool)


@causal_mask.mistake
def true_means_hidden(n):
    """Your table is True where looking is forbidden. Some libraries have it so; here True means allowed."""
    return ~np.tri(n, dtype=bool)


@causal_mask.mistake
def numbers_instead(n):
    """The triangle is right, but it holds numbers. `jnp.where` and `~` want True and False."""
    return np.tri(n)


@causal_mask.mistake
def to_be_added(n):
    """You return 0 and minus infinity, to be added to the scores. `sdpa` wants a table of True and False."""
    return np.where(np.tri(n, dtype=bool), 0.0, -np.inf)


@causal_mask.mistake
def everything_visible(n):
    """Your table hides nothing."""
    return np.ones((n, n), bool)


@causal_mask.alternate
def by_comparison(n):
    return np.arange(n)[:, None] >= np.arange(n)[None, :]


@causal_mask.alternate
def by_loops(n):
    return [[j <= i for j in range(n)] for i in range(n)]


@causal_mask.alternate
def by_counting(n):
    return jnp.cumsum(jnp.eye(n), axis=1).T > 0.5


@causal_mask.oracle
def by_indices(n):
    table = np.zeros((n, n), bool)
    table[np.tril_indices(n)] = True
    return table


# %%
causal_attention = exercise(
    attention.causal_attention,
    points=4,
    needs=[softmax, sdpa, causal_mask],
    hints=(
        "You have everything: one function makes the mask, another uses it.",
        "The first token sees only itself, so its output is the first value. Is it?",
    ),
)

causal_attention.probe("three tokens", n=3, d=4, e=2)
causal_attention.case(
    "two tokens by hand",
    np.array([[1.0, 5.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]]),
    np.array([[math.log(3), 0.0, 0.0, 0.0], [0.0, 9.0, 0.0, 0.0]]),
    np.array([[4.0], [8.0]]),
    expect=np.array([[4.0], [5.0]]),
)
causal_attention.probe("five tokens", hidden=True, n=5, d=4, e=2)
causal_attention.probe("five tokens with six features", hidden=True, n=5, d=6, e=4)
causal_attention.probe("as many tokens as features", hidden=True, n=4, d=4, e=4)
causal_attention.probe("a single token", hidden=True, weight=0.5, n=1, d=4, e=2)
causal_attention.probe("large scores", hidden=True, n=5, d=4, e=2, Q=large, K=large_keys)


@causal_attention.law
def the_first_token(f, rng):
    """The first token gets its own value, and the last one an average of all."""
    V = np.array([[1.0, -1.0], [5.0, 2.0], [9.0, 4.0]])
    out = f(np.zeros((3, 4)), rng.normal(size=(3, 4)), V)
    return close(out[0], V[0]) and close(out[2], V.mean(axis=0))


@causal_attention.law(hidden=True)
def no_news_from_the_future(f, rng):
    """A changed token leaves everything before it as it was, and changes itself and everything after it."""
    Q, K, V = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    out, Q2, K2, V2 = f(Q, K, V), Q.copy(), K.copy(), V.copy()
    Q2[3], K2[3], V2[3] = Q2[3] + 2.0, K2[3] - 1.0, 50.0
    changed, told = f(Q2, K2, V2), V.copy()
    told[2] += 20.0
    return close(changed[:3], out[:3]) and bool(np.all(f(Q, K, told)[2:] > out[2:] + 1e-4))


def causal_shares(Q, K, visible, scale=None):
    Q, K = arrays(Q, K)
    scores = np.where(visible, Q @ K.T / (np.sqrt(Q.shape[1]) if scale is None else scale), -np.inf)
    with np.errstate(all="ignore"):
        return shares(scores)


@causal_attention.mistake
def future_not_masked(Q, K, V):
    """Your tokens see the whole string, the future included."""
    return causal_shares(Q, K, True) @ np.asarray(V)


@causal_attention.mistake
def past_masked_instead(Q, K, V):
    """You masked the wrong triangle: your tokens see the future and not the past."""
    return causal_shares(Q, K, np.triu(np.ones((len(Q), len(Q)), bool))) @ np.asarray(V)


@causal_attention.mistake
def masked_after_the_softmax(Q, K, V):
    """You mask the finished shares, and what is left of a row no longer adds up to 1. The future must not be in the sum
    either: mask the scores."""
    return (causal_shares(Q, K, True) * np.tri(len(Q))) @ np.asarray(V)


@causal_attention.mistake
def itself_masked_too(Q, K, V):
    """Your tokens do not see themselves, and the first sees nothing. The diagonal of the mask is True."""
    past = np.tri(len(Q), k=-1, dtype=bool)
    return np.where(past.any(axis=1, keepdims=True), causal_shares(Q, K, past) @ np.asarray(V), 0.0)


@causal_attention.mistake
def scores_multiplied_by_the_mask(Q, K, V):
    """You multiply the *scores* by the mask. A score of 0 is no small score: its exponential is 1."""
    Q, K, V = arrays(Q, K, V)
    return shares(Q @ K.T / np.sqrt(Q.shape[1]) * np.tri(len(Q))) @ V


@causal_attention.mistake
def scale_missing(Q, K, V):
    """The scores are not divided by the root of the number of features."""
    return causal_shares(Q, K, np.tri(len(Q), dtype=bool), scale=1.0) @ np.asarray(V)


@causal_attention.mistake
def scale_from_the_length(Q, K, V):
    """You divide by the root of the number of tokens. A published version of this formula does that too. It is the
    number of features that counts."""
    return causal_shares(Q, K, np.tri(len(Q), dtype=bool), scale=np.sqrt(len(Q))) @ np.asarray(V)


@causal_attention.alternate
def in_numpy(Q, K, V):
    Q, K, V = arrays(Q, K, V)
    s = Q @ K.T / np.sqrt(Q.shape[1])
    s[np.triu_indices(len(Q), 1)] = -np.inf
    e = np.exp(s - s.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True) @ V


@causal_attention.alternate
def prefix_by_prefix(Q, K, V):
    return np.concatenate([attention.sdpa(Q[i : i + 1], K[: i + 1], V[: i + 1]) for i in range(Q.shape[0])])


@causal_attention.alternate
def float32_number_by_number(Q, K, V):
    Q, K, V = (np.asarray(rows, np.float32) for rows in (Q, K, V))
    out, root = [], np.sqrt(np.float32(Q.shape[1]))
    for i, query in enumerate(Q):
        scores = [sum(a * b for a, b in zip(query, K[j], strict=True)) / root for j in range(i + 1)]
        powers = [np.exp(s - max(scores)) for s in scores]
        out.append([sum(p * V[j, c] for j, p in enumerate(powers)) / sum(powers) for c in range(V.shape[1])])
    return np.array(out)


@causal_attention.oracle
def jax_library(Q, K, V):
    Q, K, V = jnp.asarray(Q), jnp.asarray(K), jnp.asarray(V)
    size = max(Q.shape[1], V.shape[1])
    Q_, K_, V_ = (jnp.pad(rows, ((0, 0), (0, size - rows.shape[1])))[:, None] for rows in (Q, K, V))
    out = jax.nn.dot_product_attention(Q_, K_, V_, is_causal=True, scale=Q.shape[1] ** -0.5)
    return np.asarray(out)[:, 0, : V.shape[1]]


# %% [markdown]
# Your reward: acetic acid as a string of tokens. The weights are those of a layer that looks for the same letter and
# for places nearby. White is what no token may see.


# %%
@reward
def blinkers():
    tokens = list("CC(=O)O")
    same = np.array([[1.2 * (a == b) for b in sorted(set(tokens))] for a in tokens])
    X = np.concatenate([same, positional_encoding(len(tokens), 4)], axis=1).astype(np.float32)
    table = causal_attention(*(jnp.asarray(rows) for rows in (1.5 * X, X, np.eye(len(tokens), dtype=np.float32))))
    heat_map(table, tokens, tokens, "reading CC(=O)O from left to right")
    print("tokens in view:", np.sum(np.asarray(causal_mask(len(tokens))), axis=1))


# %%
sets_and_strings = written(
    "sets_and_strings",
    """
    (a) Self-attention without positions is *equivariant* to permutations: if P shuffles the rows of X, the output of
    P X is P times the output of X. Show it from the formula. (b) For which of these inputs would you add positional
    encodings, and why: the atoms of a molecule in a file; the tokens of a SMILES string; the residues of a protein?
    (c) Somebody tests a layer by shuffling its input and comparing, and the test passes. Name a wrong layer that would
    pass it too, and a further test that it would not.
    """,
    points=4,
    rubric="""
    1 point: the scores become P S P^T; the softmax of rows commutes with shuffling rows and columns; (P A P^T)(P V) =
    P A V.
    1 point: none for atoms (their order in the file means nothing: the same molecule could get two predictions);
    positions for tokens of a string and for residues along a chain, whose order is the molecule.
    1 point: a wrong layer that passes: without scale, average of all rows, the identity, zeros, a transposed table ...
    1 point: a further test: values against another implementation or by hand, and sensitivity (the output changes
    when a feature changes).
    """,
)


# %% [markdown]
# ## 6. Several opinions
#
# One table of weights is one opinion: "oxygens matter". Another may be "neighbours matter". A layer has several
# **heads**, each with its own way to see queries, keys and values in the features of the atoms: three matrices. What
# the heads found is put together by a last one, `Wo`.
#
# With a leading axis for the heads, JAX multiplies all of them at once; each head is a matrix of its own:

# %%
heads = jnp.stack([jnp.eye(6)[:, :2], jnp.eye(6)[:, 2:4], jnp.eye(6)[:, 4:]])
print("features", features.shape, "times heads", heads.shape, "gives", (features @ heads).shape)

# %%
mha = exercise(
    attention.mha,
    points=5,
    needs=[softmax, sdpa],
    hints=(
        "With one head you would call your attention once, and multiply by `Wo[0]`. With several, add up the results.",
        "A loop over the heads is fine; `jax.vmap` does the same.",
        "If you reshape [h, n, k] to [n, h * k], the axes must be exchanged first: `reshape` never moves a number past "
        "another.",
    ),
    draw={
        "Wq": lambda rng, h, D, k: 0.6 * rng.normal(size=(h, D, k)),
        "Wk": lambda rng, h, D, k: 0.6 * rng.normal(size=(h, D, k)),
    },
)

mha.probe("five atoms, two heads", n=5, D=4, h=2, k=3)
mha.probe("one head", n=5, D=4, h=1, k=3)
mha.case(
    "two heads that see one feature each",
    np.array([[1.0, 10.0], [3.0, 20.0]]),
    np.zeros((2, 2, 1)),
    np.zeros((2, 2, 1)),
    np.array([[[1.0], [0.0]], [[0.0], [1.0]]]),
    np.array([[[1.0, 0.0]], [[0.0, 2.0]]]),
    expect=np.array([[2.0, 30.0], [2.0, 30.0]]),
)
mha.probe("three atoms, three heads", hidden=True, n=3, D=6, h=3, k=4)
mha.probe("heads that share the features exactly", hidden=True, n=5, D=6, h=3, k=2)
mha.probe("as many heads as atoms", hidden=True, n=3, D=4, h=3, k=5)
mha.probe("all sizes equal", hidden=True, n=3, D=3, h=3, k=3)
mha.probe("a single atom", hidden=True, weight=0.5, n=1, D=4, h=2, k=3)
mha.probe("one feature in each head", hidden=True, n=5, D=4, h=4, k=1)


@mha.law
def shuffled_atoms(f, rng):
    """Shuffle the atoms, and the outputs are shuffled with them; change one atom, and all outputs change."""
    X, order = rng.normal(size=(5, 4)), [3, 0, 4, 1, 2]
    Wq, Wk, Wv = 0.3 * rng.normal(size=(3, 2, 4, 3))
    Wo, other = rng.normal(size=(2, 3, 4)), X.copy()
    other[1] += 1.0
    out = f(X, Wq, Wk, Wv, Wo)
    moved = np.abs(f(other, Wq, Wk, Wv, Wo) - out).max(axis=1)
    return close(f(X[order], Wq, Wk, Wv, Wo), out[order]) and bool(np.all(moved > 1e-4))


@mha.law(hidden=True)
def heads_are_independent(f, rng):
    """Heads in another order give the same, the contribution of a head does not depend on the others, and all count."""
    X = rng.normal(size=(5, 4))
    Wq, Wk, Wv = 0.3 * rng.normal(size=(3, 2, 4, 3))
    Wo = rng.normal(size=(2, 3, 4))
    out, back = f(X, Wq, Wk, Wv, Wo), [1, 0]
    first, second = Wo.copy(), Wo.copy()
    first[1], second[0] = 0.0, 0.0
    one, two = f(X, Wq, Wk, Wv, first), f(X, Wq, Wk, Wv, second)
    same = close(f(X, Wq[back], Wk[back], Wv[back], Wo[back]), out)
    return same and close(one + two, out) and not close(one, out, rtol=0.01) and not close(two, out, rtol=0.01)


def in_heads(X, *weights):
    X = np.asarray(X)
    return [np.einsum("nD,hDk->hnk", X, np.asarray(W)) for W in weights]


def head_by_head(Q, K, V, scale):
    return shares(np.einsum("hnk,hmk->hnm", Q, K) / scale) @ V


@mha.mistake
def reshaped_without_exchanging_axes(X, Wq, Wk, Wv, Wo):
    """You write the heads side by side with `reshape` alone. It keeps the order of the numbers, so features of
    different *atoms* end up in one row. Exchange the axes of heads and atoms first."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    h, n, k = V.shape
    mixed = head_by_head(Q, K, V, np.sqrt(k)).reshape(n, h * k)
    return mixed @ np.asarray(Wo).reshape(h * k, -1)


@mha.mistake
def scaled_by_all_features(X, Wq, Wk, Wv, Wo):
    """You divide by the root of D, the features of an atom. The dot products are taken inside a head, over k
    features."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return np.einsum("hnk,hkD->nD", head_by_head(Q, K, V, np.sqrt(X.shape[1])), np.asarray(Wo))


@mha.mistake
def scaled_by_all_heads(X, Wq, Wk, Wv, Wo):
    """You divide by the root of h * k, the features of all heads together. Each head takes its dot products over its
    own k features."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return np.einsum("hnk,hkD->nD", head_by_head(Q, K, V, np.sqrt(Q.shape[0] * Q.shape[2])), np.asarray(Wo))


@mha.mistake
def scaled_by_the_number_of_atoms(X, Wq, Wk, Wv, Wo):
    """You divide by the root of the number of atoms. A published version of this formula, for batches, does that too.
    It is the number of features inside a head that counts."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return np.einsum("hnk,hkD->nD", head_by_head(Q, K, V, np.sqrt(len(X))), np.asarray(Wo))


@mha.mistake
def no_scale(X, Wq, Wk, Wv, Wo):
    """The dot products inside a head are not scaled: divide them by the root of k."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return np.einsum("hnk,hkD->nD", head_by_head(Q, K, V, 1.0), np.asarray(Wo))


@mha.mistake
def averaged_over_heads(X, Wq, Wk, Wv, Wo):
    """You take the mean over the heads. Their contributions are added."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return (head_by_head(Q, K, V, np.sqrt(Q.shape[2])) @ np.asarray(Wo)).mean(axis=0)


@mha.mistake
def heads_summed_before_wo(X, Wq, Wk, Wv, Wo):
    """You add up the heads first, and multiply by the sum of the matrices of `Wo`. Each head has a matrix of its own:
    multiply first, and add up then."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return head_by_head(Q, K, V, np.sqrt(Q.shape[2])).sum(axis=0) @ np.asarray(Wo).sum(axis=0)


@mha.mistake
def without_wo(X, Wq, Wk, Wv, Wo):
    """You add up the heads and leave out `Wo`, so the output does not have the features of an atom."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return head_by_head(Q, K, V, np.sqrt(Q.shape[2])).sum(axis=0)


@mha.mistake
def keys_for_values(X, Wq, Wk, Wv, Wo):
    """Your heads average the keys. It is the values, made with `Wv`, that are averaged."""
    Q, K = in_heads(X, Wq, Wk)
    return np.einsum("hnk,hkD->nD", head_by_head(Q, K, K, np.sqrt(Q.shape[2])), np.asarray(Wo))


@mha.mistake
def queries_and_keys_exchanged(X, Wq, Wk, Wv, Wo):
    """Queries and keys are exchanged: the atom that looks uses `Wq`, the one that is looked at uses `Wk`."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    return np.einsum("hnk,hkD->nD", head_by_head(K, Q, V, np.sqrt(Q.shape[2])), np.asarray(Wo))


@mha.mistake
def one_softmax_for_all_heads(X, Wq, Wk, Wv, Wo):
    """Your heads share one sum in the softmax, so a loud head silences the others. Every head has its own shares."""
    Q, K, V = in_heads(X, Wq, Wk, Wv)
    scores = np.einsum("hnk,hmk->hnm", Q, K) / np.sqrt(Q.shape[2])
    return np.einsum("hnm,hmk,hkD->nD", shares(scores, axis=(0, 2)), V, np.asarray(Wo))


@mha.alternate
def concatenated(X, Wq, Wk, Wv, Wo):
    found = [attention.sdpa(X @ q, X @ k, X @ v) for q, k, v in zip(Wq, Wk, Wv, strict=True)]
    return jnp.concatenate(found, axis=1) @ Wo.reshape(-1, X.shape[1])


@mha.alternate
def in_numpy(X, Wq, Wk, Wv, Wo):
    X, Wq, Wk, Wv, Wo = arrays(X, Wq, Wk, Wv, Wo)
    h, D, k = Wq.shape
    Q, K, V = ((X @ W.transpose(1, 0, 2).reshape(D, h * k)).reshape(-1, h, k).swapaxes(0, 1) for W in (Wq, Wk, Wv))
    s = Q @ K.swapaxes(1, 2) / k**0.5
    e = np.exp(s - s.max(-1, keepdims=True))
    heads = (e / e.sum(-1, keepdims=True)) @ V
    return heads.swapaxes(0, 1).reshape(-1, h * k) @ Wo.reshape(h * k, D)


@mha.alternate
def without_queries_and_values(X, Wq, Wk, Wv, Wo):
    """Two matrices for each head: one compares atoms, the other carries what is heard straight to the output."""
    out = jnp.zeros(X.shape)
    for q, k, v, o in zip(Wq, Wk, Wv, Wo, strict=True):
        scores = X @ (q @ k.T) @ X.T / Wq.shape[2] ** 0.5
        out += jnp.exp(scores - jax.nn.logsumexp(scores, axis=1, keepdims=True)) @ (X @ (v @ o))
    return out


@mha.alternate
def by_float32_loops(X, Wq, Wk, Wv, Wo):
    X, Wq, Wk, Wv, Wo = (np.asarray(value, np.float32) for value in (X, Wq, Wk, Wv, Wo))
    out = np.zeros(X.shape, np.float32)
    for a in range(len(Wq)):
        for i in range(len(X)):
            scores = [X[i] @ Wq[a] @ (X[j] @ Wk[a]) / np.sqrt(np.float32(Wq.shape[2])) for j in range(len(X))]
            powers = [np.exp(s - max(scores)) for s in scores]
            head = sum(p * (X[j] @ Wv[a]) for j, p in enumerate(powers)) / sum(powers)
            out[i] = out[i] + head @ Wo[a]
    return out


@mha.oracle
def jax_library(X, Wq, Wk, Wv, Wo):
    Q, K, V = (jnp.einsum("nD,hDk->nhk", jnp.asarray(X), jnp.asarray(W)) for W in (Wq, Wk, Wv))
    return np.einsum("nhk,hkD->nD", np.asarray(jax.nn.dot_product_attention(Q, K, V)), np.asarray(Wo))


# %% [markdown]
# Your reward: paracetamol once more, seen by two heads. To see which of them says what, one matrix of `Wo` is turned
# off at a time, and the values are the names of the atoms.


# %%
@reward
def two_opinions():
    count = len(elements)
    X = np.concatenate([features, np.eye(count)], axis=1).astype(np.float32)  # features, then names
    Wq, Wk, Wv = np.zeros((3, 2, 6 + count, count), np.float32)
    Wq[:, 3, 0], Wk[0, 2, 0], Wk[1, 3, 0] = 4.0, 4.0, 2.0
    Wv[:, 6:] = np.eye(count)
    for a, title in enumerate(("head 0 likes oxygens", "head 1 likes crowded atoms")):
        Wo = np.zeros((2, count, 6 + count), np.float32)
        Wo[a, :, 6:] = np.eye(count)
        table = np.asarray(mha(*(jnp.asarray(value) for value in (X, Wq, Wk, Wv, Wo))))[:, 6:]
        favourites = np.argsort(-table.sum(axis=0))[:3]
        print(f"{title}: it looks most at", ", ".join(labels[j] for j in favourites))


# %% [markdown]
# ## 7. A layer that owns its weights
#
# So far all weights were handed in. In practice a **layer** owns them: it makes them when it first sees its input, and
# training changes them. [Keras](https://keras.io) is a library of such layers, and yours becomes one by saying three
# things: how it is made, which weights it has, and what it computes. Then it can be stacked, trained and saved like all
# others. Keras computes with JAX here (it can do so with TensorFlow and PyTorch as well), so your functions work inside
# a layer.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before Keras is imported for the first time
import keras


def with_weights(layer, X, Wq, Wk, Wv):
    """What the layer makes of `X` with these weights: how your layer will be checked."""
    layer(X)  # the first call builds it
    layer.set_weights([np.asarray(W) for W in (Wq, Wk, Wv)])
    return layer(X)


# %% tags=["author"]
def with_weights(layer, X, Wq, Wk, Wv):
    layer(X)
    layer.set_weights([np.asarray(W) for W in (Wq, Wk, Wv)])
    return layer(X)


with_weights = given(
    with_weights,
    X=Float[Array, "b n d"],
    Wq=Float[Array, "d k"],
    Wk=Float[Array, "d k"],
    Wv=Float[Array, "d e"],
    returns=Float[Array, "b n e"],
)


class Sketch:
    """A layer without Keras, whose kinds differ in one thing each."""

    def __init__(self, k, e):
        self.weights = None

    def __call__(self, X):
        return self.of(np.asarray(X, float), *self.weights) if self.weights else None

    def set_weights(self, weights):
        self.weights = weights

    def get_weights(self):
        return self.weights

    def of(self, X, Wq, Wk, Wv):
        scores = np.einsum("bik,bjk->bij", X @ Wq, X @ Wk) / np.sqrt(self.scale(X, Wq))
        return shares(scores, self.axis) @ (X @ Wv)

    def scale(self, X, Wq):
        return Wq.shape[1]

    axis = -1


# %%
SelfAttention = exercise(
    attention.SelfAttention,
    points=3,
    needs=[softmax, sdpa],
    hints=(
        "`build` makes three weights: `self.add_weight(shape=(d, self.k))` is the first. The last entry of `input_shape` is d.",
        "In `call`, a weight is used like an array: `X @ self.Wq`, or `keras.ops.matmul(X, self.Wq)`.",
        "`X` has one axis more than your attention expects. `jax.vmap(sdpa)` does the same for every molecule.",
    ),
    draw={
        "Wq": lambda rng, d, k: 0.6 * rng.normal(size=(d, k)),
        "Wk": lambda rng, d, k: 0.6 * rng.normal(size=(d, k)),
    },
    limits={"check_seconds": 20},
)

STEPS = (with_weights,)
SelfAttention.probe("two molecules of five atoms", b=2, n=5, d=4, k=3, e=2, then=STEPS)
SelfAttention.probe("as many molecules as atoms", hidden=True, b=4, n=4, d=3, k=2, e=5, then=STEPS)
SelfAttention.probe("all sizes equal", hidden=True, b=3, n=3, d=3, k=3, e=3, then=STEPS)
SelfAttention.probe("one molecule", hidden=True, b=1, n=5, d=4, k=3, e=3, then=STEPS)
SelfAttention.probe("single atoms", hidden=True, weight=0.5, b=3, n=1, d=4, k=3, e=2, then=STEPS)


@SelfAttention.law(hidden=True)
def molecules_do_not_meet(f, rng):
    """What a molecule gets does not depend on the others in its batch, but does depend on all of its own atoms."""
    X, weights = rng.normal(size=(3, 4, 5)), 0.5 * rng.normal(size=(3, 5, 2))
    layer = f(2, 2)
    layer(X)
    layer.set_weights(list(weights))
    other = X.copy()
    other[1, 2] += 1.0
    before, after = layer(X), layer(other)
    return close(before[[0, 2]], after[[0, 2]]) and not any(close(before[1, i], after[1, i]) for i in range(4))


@SelfAttention.law(hidden=True)
def weights_belong_to_the_layer(f, rng):
    """The layer owns exactly the three weights, in their order, and two layers share none."""
    X, weights = rng.normal(size=(2, 3, 4)), list(rng.normal(size=(2, 4, 2))) + [rng.normal(size=(4, 5))]
    one, two = f(2, 5), f(2, 5)
    one(X), two(X)
    one.set_weights(weights)
    before = one(X)
    two.set_weights([W + 1.0 for W in weights])
    kept = one.get_weights()
    return len(kept) == 3 and all(close(a, b) for a, b in zip(kept, weights)) and close(one(X), before)


@SelfAttention.mistake
class scaled_by_the_input(Sketch):
    """Your scores are divided by the root of d, the features of the input. It should be the root of k, the features of a
    query: they are what the products add up."""

    def scale(self, X, Wq):
        return Wq.shape[0]


@SelfAttention.mistake
class scaled_by_the_length(Sketch):
    """A published version of this layer divides by the root of the number of atoms. It should be the root of k: the
    scores grow with the features that are added up, not with the molecule."""

    def scale(self, X, Wq):
        return X.shape[1]


@SelfAttention.mistake
class not_scaled(Sketch):
    """Your scores are not divided by the root of k."""

    def scale(self, X, Wq):
        return 1.0


@SelfAttention.mistake
class shares_of_the_keys(Sketch):
    """Your weights add up to 1 over the atoms that look, so a popular atom hands out more than it has. Every atom that
    looks has one unit: normalise over the keys, the last axis."""

    axis = -2


@SelfAttention.mistake
class molecules_mixed(Sketch):
    """Your molecules look at each other: the batch was flattened, or the softmax runs over all of it. Each molecule is
    a world of its own: `jax.vmap` your attention over the first axis."""

    def of(self, X, *weights):
        flat = Sketch.of(self, X.reshape(1, -1, X.shape[-1]), *weights)
        return flat.reshape(*X.shape[:2], -1)


@SelfAttention.mistake
class softmax_over_the_batch(Sketch):
    """Your softmax runs over the molecules of the batch, the first axis. It should run over the keys, the last one."""

    axis = 0


@SelfAttention.mistake
class queries_and_keys_exchanged(Sketch):
    """Queries and keys are exchanged: the first weight makes the queries, those who look, and the second the keys."""

    def of(self, X, Wq, Wk, Wv):
        return Sketch.of(self, X, Wk, Wq, Wv)


@SelfAttention.mistake
class weights_not_registered:
    """Keras does not know of your weights: it could neither train nor save nor set them. Make them with
    `self.add_weight` in `build`."""

    def __init__(self, k, e):
        self.shape = k, e

    def __call__(self, X):
        return np.zeros((*X.shape[:2], self.shape[1]))

    def set_weights(self, weights):
        raise ValueError("You called `set_weights(weights)` with 3 weights, but the layer was expecting 0 weights.")

    def get_weights(self):
        return []


@SelfAttention.alternate
class AllAtOnce(keras.layers.Layer):
    """With one `einsum` for all molecules."""

    def __init__(self, k, e):
        super().__init__()
        self.sizes = (k, k, e)

    def build(self, input_shape):
        self.kernels = [self.add_weight(shape=(input_shape[-1], size)) for size in self.sizes]

    def call(self, X):
        Q, K, V = (keras.ops.einsum("bnd,dk->bnk", X, W) for W in self.kernels)
        scores = keras.ops.einsum("bik,bjk->bij", Q, K) / keras.ops.sqrt(float(self.sizes[0]))
        return keras.ops.einsum("bij,bje->bie", keras.ops.softmax(scores, axis=-1), V)


@SelfAttention.alternate
class OfLayers(keras.layers.Layer):
    """Put together from layers that Keras has."""

    def __init__(self, k, e):
        super().__init__()
        self.query = keras.layers.Dense(k, use_bias=False)
        self.key = keras.layers.Dense(k, use_bias=False)
        self.value = keras.layers.Dense(e, use_bias=False)
        self.root = k**0.5

    def build(self, input_shape):
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)

    def call(self, X):
        return keras.layers.Attention()([self.query(X) / self.root, self.value(X), self.key(X)])


@SelfAttention.alternate
class MoleculeByMolecule(keras.layers.Layer):
    """Loops in NumPy, in single precision: a layer need not be fast to be right."""

    def __init__(self, k, e):
        super().__init__()
        self.k, self.e = k, e

    def build(self, input_shape):
        for name, size in (("a", self.k), ("b", self.k), ("c", self.e)):
            setattr(self, name, self.add_weight(shape=(input_shape[-1], size), name=name))

    def call(self, X):
        a, b, c = (np.asarray(W) for W in (self.a, self.b, self.c))
        return np.stack([shares((x @ a) @ (x @ b).T / np.sqrt(np.float32(self.k))) @ (x @ c) for x in np.asarray(X)])


@SelfAttention.oracle
class InDoublePrecision(Sketch):
    """Row by row, with SciPy's softmax."""

    def of(self, X, Wq, Wk, Wv):
        rows = [[shares((x @ Wq) @ (X[i] @ Wk).T / Wq.shape[1] ** 0.5) @ X[i] @ Wv for x in X[i]] for i in range(len(X))]
        return np.array(rows)


# %% [markdown]
# Your reward: a layer knows how to learn. Gradient descent teaches *yours* to tell, for every atom of paracetamol, how
# many heavy neighbours it has. That number is among the features, but attention has to find the atom itself among all.


# %%
@reward
def it_learns():
    layer, X = SelfAttention(4, 1), features[None]
    target = features[None, :, 3:4]
    layer(X)
    weights = [0.5 * jax.random.normal(jax.random.key(i), W.shape) for i, W in enumerate(layer.trainable_variables)]

    def loss(weights):
        return jnp.mean((layer.stateless_call(weights, [], X)[0] - target) ** 2)

    step = jax.jit(jax.value_and_grad(loss))
    losses = []
    for _ in range(200):
        value, slopes = step(weights)
        losses.append(float(value))
        weights = [W - 0.05 * slope for W, slope in zip(weights, slopes, strict=True)]
    print(f"mean squared error before {losses[0]:.2f}, after 200 steps {losses[-1]:.2f}")


# %% [markdown]
# ## 8. Along the bonds
#
# So far every atom saw every other. Chemistry has a say in that: bonds. In *graph attention* an atom looks along the
# edges that arrive at it, and at nothing else. That is attention with a mask again, but for a protein with 10 000 atoms
# the table would have a hundred million entries, nearly all of them masked. So graphs come as two lists: edge number x
# goes from atom `src[x]` to atom `dst[x]`. Work with one number for each *edge*, and collect what arrives at an atom:

# %%
arriving = jax.ops.segment_sum(jnp.ones(len(dst)), dst, num_segments=len(elements))
print(
    "edges that arrive at", " ".join(f"{label}:{int(number)}" for label, number in zip(labels, arriving, strict=True))
)

# %%
graph_attention = exercise(
    attention.graph_attention,
    points=5,
    needs=[softmax, sdpa],
    hints=(
        "Indexing with the lists gives one row for each edge: the query of its receiver, the key of its sender.",
        "One score for each edge, then a softmax over the edges with the same receiver: `jax.ops.segment_max` and "
        "`segment_sum` do what `max` and `sum` do, group by group. Index with `dst` to get back to edges.",
        "A table works too: where is the edge from src[x] to dst[x] in a mask whose rows belong to the one who looks?",
    ),
    draw={"Wq": lambda rng, d, k: 0.6 * rng.normal(size=(d, k)), "Wk": lambda rng, d, k: 0.6 * rng.normal(size=(d, k))},
)

# Directed on purpose: not every edge has a way back, and at the last atom nothing arrives.
SRC, DST = np.array([1, 2, 0, 3, 4, 4, 2]), np.array([0, 0, 1, 1, 2, 3, 3])
SQUARE_SRC, SQUARE_DST = np.array([0, 1, 2, 3, 0, 2, 3, 1]), np.array([1, 2, 3, 0, 2, 1, 1, 0])


def edges(src, dst):
    """The same edges in every draw, in an order of the draw."""
    return {"src": lambda rng: np.array(src, np.int32), "dst": lambda rng: np.array(dst, np.int32)}


graph_attention.probe("five atoms, seven edges", n=5, b=7, d=4, k=3, c=2, **edges(SRC, DST))
graph_attention.case(
    "three atoms: two look at one another, one at both",
    np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 1.0]]),
    np.array([0, 1, 0, 1], np.int32),
    np.array([1, 0, 2, 2], np.int32),
    np.zeros((2, 1)),
    np.zeros((2, 1)),
    np.array([[1.0], [0.0]]),
    expect=np.array([[2.0], [1.0], [1.5]]),
)
graph_attention.case(
    "no edge at all",
    np.array([[1.0, 2.0], [3.0, 4.0]]),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.ones((2, 1)),
    np.ones((2, 1)),
    np.ones((2, 3)),
    expect=np.zeros((2, 3)),
    weight=0.5,
)
graph_attention.probe("longer messages", hidden=True, n=5, b=7, d=4, k=3, c=6, **edges(SRC, DST))
graph_attention.probe("all sizes alike", hidden=True, n=4, b=8, d=4, k=4, c=4, **edges(SQUARE_SRC, SQUARE_DST))
graph_attention.probe("the edges the other way round", hidden=True, n=5, b=7, d=4, k=3, c=2, **edges(DST, SRC))
graph_attention.probe(
    "edges in another order",
    hidden=True,
    n=5,
    b=7,
    d=4,
    k=3,
    c=2,
    **edges(SRC[[5, 2, 0, 6, 4, 1, 3]], DST[[5, 2, 0, 6, 4, 1, 3]]),
)
graph_attention.probe(
    "an edge to itself", hidden=True, n=5, b=7, d=4, k=3, c=2, **edges([1, 0, 0, 3, 3, 4, 2], [0, 0, 1, 1, 3, 3, 3])
)
graph_attention.probe("a ring of four", hidden=True, n=4, b=8, d=4, k=4, c=4,
                      **edges([0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3]))  # fmt: skip


def loud(rng, n, d):
    """Atoms that ask at very different loudness (feature 0), and answer alike (feature 1)."""
    return np.column_stack([200.0 * np.array([0, 1, -1, 0.5, -0.5])[:n], np.ones(n), rng.normal(size=(n, d - 2))])


def loud_queries(rng, d, k):
    """Feature 0 goes straight into the scores, the others stay out of its way."""
    return np.block([[np.eye(1, k)], [np.zeros((d - 1, 1)), rng.normal(size=(d - 1, k - 1))]])


def even_keys(rng, d, k):
    plain = np.block([np.zeros((d, 1)), rng.normal(size=(d, k - 1))])
    return np.where(np.arange(d)[:, None] == 0, 0.0, plain) + np.outer(np.arange(d) == 1, np.arange(k) == 0)


for label, source, target in (("large scores", SRC, DST), ("large scores, the other way round", DST, SRC)):
    graph_attention.probe(label, hidden=True, n=5, b=7, d=4, k=3, c=2, V=loud, Wq=loud_queries, Wk=even_keys,
                          tolerance=Tolerance(rtol=5e-4, atol=1e-4), **edges(source, target))  # fmt: skip


@graph_attention.law
def renumbered_atoms(f, rng):
    """Number the atoms differently, and the outputs are renumbered with them; equal messages stay as they are."""
    V, W = rng.normal(size=(5, 4)), 0.4 * rng.normal(size=(3, 4, 2))
    src, dst = np.array([1, 2, 0, 3, 4, 4, 2]), np.array([0, 0, 1, 1, 2, 3, 3])
    order = np.array([2, 4, 1, 0, 3])
    place = np.argsort(order)
    out = f(V, src, dst, *W)
    alike = f(np.ones((5, 4)), src, dst, *W)
    return close(f(V[order], place[src], place[dst], *W), out[order]) and close(alike[3], W[2].sum(axis=0))


@graph_attention.law(hidden=True)
def only_along_edges(f, rng):
    """An atom hears of a change if there is an edge to it, and only then; without edges to it, it gets zeros."""
    V, W = rng.normal(size=(5, 4)), 0.4 * rng.normal(size=(3, 4, 2))
    out, other = f(V, SRC, DST, *W), V.copy()
    other[3] += 1.0
    changed = f(other, SRC, DST, *W)  # atom 3 sends to atom 1, and is itself a receiver
    told = np.abs(changed - out).max(axis=1)
    return close(changed[[0, 2, 4]], out[[0, 2, 4]]) and bool(told[1] > 1e-4) and bool(np.all(out[4] == 0))


def along_edges(V, src, dst, Wq, Wk, Wv, *, groups=None, values_of=None, scale=None, loops=False, flat=False):
    """The right answer, with one thing changed."""
    V, src, dst, Wq, Wk, Wv = arrays(V, src, dst, Wq, Wk, Wv)
    if loops:
        own = np.setdiff1d(np.arange(len(V)), src[src == dst])
        src, dst = np.append(src, own), np.append(dst, own)
    scores = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(axis=1) / (np.sqrt(Wk.shape[1]) if scale is None else scale)
    chosen, out = {"src": src, "all": 0 * dst}.get(groups, dst), np.zeros((len(V), Wv.shape[1]))
    for x in range(len(src)):
        with np.errstate(all="ignore"):
            weight = 1 / np.sum(np.exp(scores[chosen == chosen[x]] - scores[x]))
        weight = 1 / np.sum(chosen == chosen[x]) if flat else weight
        out[dst[x]] += weight * (V @ Wv)[(dst if values_of == "dst" else src)[x]]
    return out


@graph_attention.mistake
def shared_by_the_senders(V, src, dst, Wq, Wk, Wv):
    """Your shares add up to 1 over the edges that *leave* an atom. It is the receiver that hands out attention: over
    the edges that arrive."""
    return along_edges(V, src, dst, Wq, Wk, Wv, groups="src")


@graph_attention.mistake
def shared_by_all_edges(V, src, dst, Wq, Wk, Wv):
    """Your shares add up to 1 over *all* edges of the molecule. Every receiver has a sum of its own."""
    return along_edges(V, src, dst, Wq, Wk, Wv, groups="all")


@graph_attention.mistake
def arrows_reversed(V, src, dst, Wq, Wk, Wv):
    """Your messages run against the edges: they go from `src` to `dst`, and `dst` is the one who looks."""
    return along_edges(V, dst, src, Wq, Wk, Wv)


@graph_attention.mistake
def queries_from_the_sender(V, src, dst, Wq, Wk, Wv):
    """The queries come from the senders, and the keys from the receivers. The receiver asks, the senders answer."""
    return along_edges(V, src, dst, Wk, Wq, Wv)


@graph_attention.mistake
def own_values(V, src, dst, Wq, Wk, Wv):
    """Every atom receives its *own* value again. The values are those of the senders."""
    return along_edges(V, src, dst, Wq, Wk, Wv, values_of="dst")


@graph_attention.mistake
def loops_added(V, src, dst, Wq, Wk, Wv):
    """You let every atom look at itself as well. That is a custom of some graph layers; here only the listed edges
    count."""
    return along_edges(V, src, dst, Wq, Wk, Wv, loops=True)


@graph_attention.mistake
def no_scale(V, src, dst, Wq, Wk, Wv):
    """The scores are not divided by the root of k, the number of features of a key."""
    return along_edges(V, src, dst, Wq, Wk, Wv, scale=1.0)


@graph_attention.mistake
def scaled_by_the_features_of_an_atom(V, src, dst, Wq, Wk, Wv):
    """You divide by the root of d, the features of an atom. The dot products run over the k features of a key."""
    return along_edges(V, src, dst, Wq, Wk, Wv, scale=np.sqrt(np.shape(V)[1]))


@graph_attention.mistake
def plain_average(V, src, dst, Wq, Wk, Wv):
    """All neighbours get the same share: that is a graph convolution. The scores should decide."""
    return along_edges(V, src, dst, Wq, Wk, Wv, flat=True)


@graph_attention.mistake
def exponentials_overflow(V, src, dst, Wq, Wk, Wv):
    """Right for small scores, but exponentials of large ones are infinite, and your answer is NaN. Subtract the highest
    score that arrives at the atom first: `jax.ops.segment_max` finds it."""
    V, src, dst, Wq, Wk, Wv = arrays(V, src, dst, Wq, Wk, Wv)
    scores = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(axis=1) / np.sqrt(Wk.shape[1])
    total, out = np.zeros(len(V), np.float32), np.zeros((len(V), Wv.shape[1]), np.float32)
    with np.errstate(all="ignore"):
        grown = np.exp(scores.astype(np.float32))
        np.add.at(total, dst, grown)
        np.add.at(out, dst, (grown / total[dst])[:, None] * (V @ Wv)[src].astype(np.float32))
    return out


@graph_attention.mistake
def lonely_atoms_are_nan(V, src, dst, Wq, Wk, Wv):
    """An atom at which no edge arrives gets NaN: a row of nothing has a sum of 0. It should get zeros."""
    out = along_edges(V, src, dst, Wq, Wk, Wv)
    return np.where(np.isin(np.arange(len(out)), np.asarray(dst))[:, None], out, np.nan)


@graph_attention.alternate
def a_masked_table(V, src, dst, Wq, Wk, Wv):
    mask = jnp.zeros((len(V), len(V)), bool).at[dst, src].set(True)
    return attention.sdpa(V @ Wq, V @ Wk, V @ Wv, mask)


@graph_attention.alternate
def in_numpy(V, src, dst, Wq, Wk, Wv):
    V, src, dst, Wq, Wk, Wv = arrays(V, src, dst, Wq, Wk, Wv)
    s = np.einsum("bk,bk->b", (V @ Wq)[dst], (V @ Wk)[src]) / np.sqrt(Wq.shape[1])
    top = np.full(len(V), -np.inf)
    np.maximum.at(top, dst, s)
    e = np.exp(s - top[dst])
    total, out = np.zeros(len(V)), np.zeros((len(V), Wv.shape[1]))
    np.add.at(total, dst, e)
    np.add.at(out, dst, (e / total[dst])[:, None] * (V @ Wv)[src])
    return out


@graph_attention.alternate
def atom_by_atom_in_float32(V, src, dst, Wq, Wk, Wv):
    V, Wq, Wk, Wv = (np.asarray(value, np.float32) for value in (V, Wq, Wk, Wv))
    out = []
    for i in range(len(V)):
        senders = [int(s) for s, r in zip(src, dst, strict=True) if r == i]
        scores = [V[i] @ Wq @ (V[j] @ Wk) / np.sqrt(np.float32(Wq.shape[1])) for j in senders]
        powers = [np.exp(s - max(scores)) for s in scores]
        found = np.zeros(Wv.shape[1], np.float32)
        for j, power in zip(senders, powers, strict=True):
            found = found + power / sum(powers) * (V[j] @ Wv)
        out.append(found)
    return np.array(out)


@graph_attention.oracle
def dense_softmax(V, src, dst, Wq, Wk, Wv):
    V, src, dst, Wq, Wk, Wv = arrays(V, src, dst, Wq, Wk, Wv)
    scores = np.full((len(V), len(V)), -np.inf)
    scores[dst, src] = (V @ Wq @ (V @ Wk).T / np.sqrt(Wk.shape[1]))[dst, src]
    out = np.zeros((len(V), Wv.shape[1]))
    busy = np.unique(dst)
    if len(busy):
        out[busy] = shares(scores[busy]) @ V @ Wv
    return out


# %% [markdown]
# Your reward: how news travel. One layer carries a message over one bond. The nitrogen of paracetamol shouts; after how
# many layers has every atom heard it?


# %%
@reward
def how_news_travel():
    own = np.arange(len(elements))
    loops = jnp.asarray(np.append(src, own)), jnp.asarray(np.append(dst, own))
    heard = np.array([[float(label == "N3")] for label in labels], np.float32)
    zero, one = jnp.asarray(np.zeros((1, 1), np.float32)), jnp.asarray(np.ones((1, 1), np.float32))
    for layer in range(1, 6):
        heard = np.asarray(graph_attention(jnp.asarray(heard), *loops, zero, zero, one))
        reached = [label for label, value in zip(labels, heard[:, 0], strict=True) if value > 0]
        print(f"after {layer} layer{'s' if layer > 1 else ' '}:", " ".join(reached))


# %%
heat_maps = written(
    "heat_maps",
    """
    A paper shows a heat map of attention weights over the atoms of a drug, and says: "the model recognises that the
    amide causes the toxicity". (a) Give two reasons why a large weight need not mean a large influence on the
    prediction. (b) Suggest an experiment, on the model alone, that would test the claim.
    """,
    points=3,
    rubric="""
    2 points, one for each reason: the value that is averaged may be small, or be ignored by later layers; after some
    layers an "atom" contains information of others; heads and layers may cancel, different weights can give the same
    output; the weights say where, not in which direction; weights must go somewhere, as they add up to 1.
    1 point: an intervention, such as masking or replacing the amide (and, as control, other groups with equal weight),
    gradients or counterfactual molecules, and compare the predictions.
    """,
)

# %% [markdown]
# ## Where to go from here
#
# - The chapter [*Attention Layers*](https://dmol.pub/dl/attention.html) of the book continues with how these layers are
#   used in models of molecules.
# - A. Vaswani et al., [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762) (2017): the layers of this
#   chapter, piled up to the first transformer.
# - P. Veličković et al., [*Graph Attention Networks*](https://arxiv.org/abs/1710.10903) (2018): attention along edges,
#   with another formula for the scores. Which of your tests would have to change?
