"""Attention layers: who looks at whom, from one softmax to several heads and to attention along bonds.

Axes: n queries or atoms, m keys, d features of a query and of a key, e features of a value, h heads, D features of an
atom, k features inside a head, b directed bonds, c features of a message. `Q`, `K`, `V` hold one row for each query,
key and value.
"""

from typing import Any

import jax
import jax.numpy as jnp
import keras
from jaxtyping import Array, Bool, Float, Int


def softmax(x: Any, axis: int) -> Any:
    """Scores turned into shares: positive numbers that add up to 1 along one axis.

        softmax(x)_i = exp(x_i) / sum_j exp(x_j)

    The sum runs along `axis` alone, and the answer has the shape of `x`, which may have one, two or three axes. `axis`
    is one integer and may count from the end (-1 is the last). Scores may be integers; the answer always holds
    floating-point numbers. It stays finite and right for scores of 1000 or -1000 too. NumPy is fine here.
    """
    grown = jnp.exp(x - jnp.max(x, axis=axis, keepdims=True))
    return grown / jnp.sum(grown, axis=axis, keepdims=True)


def temperature(scores: Float[Array, "n m"], T: float) -> Float[Array, "n m"]:
    """The shares at temperature `T`, as in the Boltzmann distribution: each row of the answer adds up to 1.

        w[i, j] = exp(scores[i, j] / T) / sum_l exp(scores[i, l] / T)

    0 < T < infinity, and T = 1 is the plain softmax over the last axis. When T is small, nearly everything goes to the
    highest score of the row, and scores that are equally high share it evenly; when T is large, all get the same. The
    answer stays finite for scores / T of a few thousand. NumPy is fine here.
    """
    return softmax(scores / T, axis=1)


def attend(
    q: Float[Array, "d"], K: Float[Array, "n d"], V: Float[Array, "n e"]
) -> tuple[Float[Array, "n"], Float[Array, "e"]]:
    """What one query finds: how much it looks at each of n keys, and the average of their values.

        w_j = exp(q . K_j) / sum_l exp(q . K_l),     output = sum_j w_j V_j

    The dot products are taken as they are: no scale and no temperature. Return (w, output): n weights that add up to
    1, and a vector as long as a value. NumPy is fine here.
    """
    weights = softmax(K @ q, axis=0)
    return weights, weights @ V


def sdpa(
    Q: Float[Array, "n d"], K: Float[Array, "m d"], V: Float[Array, "m e"], mask: Bool[Array, "n m"] | None = None
) -> Float[Array, "n e"]:
    """Scaled dot-product attention of n queries over m keys.

        output_i = sum_j w[i, j] V_j,     w[i, j] = exp(s[i, j]) / sum_l exp(s[i, l]),     s[i, j] = Q_i . K_j / sqrt(d)

    `mask[i, j]` is True where query i may look at key j. Both sums run over these j alone; without a mask, over all. A
    query that may look at nothing gets zeros. The answer stays finite for large scores. Use `jnp`: the function should
    work under `jax.jit` and `jax.vmap`, because later you map it over the heads of a layer.
    """
    visible = jnp.ones((Q.shape[0], K.shape[0]), bool) if mask is None else mask
    scores = jnp.where(visible, Q @ K.T / Q.shape[1] ** 0.5, -1e30)
    return jnp.where(visible, softmax(scores, axis=1), 0.0) @ V


def pointing_loss(scores: Float[Array, "m"], mask: Bool[Array, "m"], target: int) -> Float[Array, ""]:
    """How surprised a model is that `target` is the atom to point at.

        loss = -log( exp(scores[target]) / sum_j exp(scores[j]) ),   the sum over the j where mask[j] is True

    `mask[target]` is always True. The loss is one number, never negative. It stays right for scores of a few hundred,
    and so does its gradient in `scores`: finite everywhere, and 0 where the mask is False. Use `jnp`, because that
    gradient is what a model learns from.
    """
    allowed = jnp.where(mask, scores, -1e30)
    return jax.nn.logsumexp(allowed) - scores[target]


def positional_encoding(n: int, d: int) -> Float[Array, "n d"]:
    """A pattern of d numbers for each of the positions p = 0, ..., n - 1 of a sequence.

        P[p, 2i] = sin(p * omega_i),     P[p, 2i + 1] = cos(p * omega_i),     omega_i = 10000^(-2i / d)

    for i = 0, ..., d/2 - 1; d is even. Columns therefore come in pairs, a sine and a cosine of the same frequency.
    NumPy is fine here. Source: Vaswani et al., Attention Is All You Need (2017), section 3.5.
    """
    angles = jnp.arange(n)[:, None] / 10000 ** (jnp.arange(0, d, 2) / d)
    return jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=2).reshape(n, d)


def causal_mask(n: int) -> Bool[Array, "n n"]:
    """Who may look at whom when a sequence of n tokens is read from left to right.

        mask[i, j] = True if token i may look at token j:  itself and everything before it, nothing after it

    The answer is a table of `True` and `False`, in the convention of `sdpa`. NumPy is fine here.
    """
    return jnp.tril(jnp.ones((n, n), bool))


def causal_attention(Q: Float[Array, "n d"], K: Float[Array, "n d"], V: Float[Array, "n e"]) -> Float[Array, "n e"]:
    """Scaled dot-product attention in which no token sees what comes after it.

        output_i = sum_{j <= i} w[i, j] V_j,     w[i, j] = exp(s[i, j]) / sum_{l <= i} exp(s[i, l])

    with s[i, j] = Q_i . K_j / sqrt(d). The answer stays finite for large scores. You may call your earlier functions.
    """
    return sdpa(Q, K, V, causal_mask(Q.shape[0]))


def mha(
    X: Float[Array, "n D"],
    Wq: Float[Array, "h D k"],
    Wk: Float[Array, "h D k"],
    Wv: Float[Array, "h D k"],
    Wo: Float[Array, "h k D"],
) -> Float[Array, "n D"]:
    """Multi-head self-attention: h opinions on who matters to whom, put together.

        head_a = attention(X Wq[a], X Wk[a], X Wv[a]),     output = sum_a head_a Wo[a]

    `attention` is scaled dot-product attention without a mask, and its scale is the root of k, the number of features
    inside a head. (Writing the heads side by side, and multiplying by the h matrices of `Wo` stacked on each other, is
    the same.) There is no bias. h * k need not be D. You may call your earlier functions.
    """
    heads = jax.vmap(sdpa)(X @ Wq, X @ Wk, X @ Wv)
    return jnp.sum(heads @ Wo, axis=0)


class SelfAttention(keras.layers.Layer):
    """Self-attention with one head as a layer of Keras, for a batch of molecules.

        output[b] = attention(X[b] Wq, X[b] Wk, X[b] Wv)     for every molecule b of the batch

    `attention` is scaled dot-product attention without a mask. `SelfAttention(k, e)` is made with the number k of
    features of queries and keys, and the number e of features of values and of the output. The layer owns three weights
    without bias, made with `self.add_weight` when it first sees its input, in this order: the queries' Wq [d, k], the
    keys' Wk [d, k], the values' Wv [d, e]. What they are in the beginning is free: they are set from outside.
    """

    def __init__(self, k: int, e: int):
        """Call Keras's own `__init__` before anything else."""
        super().__init__()
        self.k, self.e = k, e

    def build(self, input_shape: Any) -> None:
        """Make the weights. `input_shape` is (b, n, d), where b and n may be None."""
        d = input_shape[-1]
        self.Wq = self.add_weight(shape=(d, self.k))
        self.Wk = self.add_weight(shape=(d, self.k))
        self.Wv = self.add_weight(shape=(d, self.e))

    def call(self, X: Float[Array, "b n d"]) -> Float[Array, "b n e"]:
        """What the layer makes of a batch."""
        return jax.vmap(sdpa)(*(keras.ops.matmul(X, W) for W in (self.Wq, self.Wk, self.Wv)))


def graph_attention(
    V: Float[Array, "n d"],
    src: Int[Array, "b"],
    dst: Int[Array, "b"],
    Wq: Float[Array, "d k"],
    Wk: Float[Array, "d k"],
    Wv: Float[Array, "d c"],
) -> Float[Array, "n c"]:
    """Attention along bonds: every atom looks at the atoms that send to it, and at no others.

        output_i = sum_{j -> i} w[i, j] (V Wv)_j,     w[i, j] = exp(s[i, j]) / sum_{l -> i} exp(s[i, l]),
        s[i, j] = (V Wq)_i . (V Wk)_j / sqrt(k)

    Edge number x goes from atom `src[x]` to atom `dst[x]`: the receiver asks, the senders answer. Sums run over the
    edges that arrive at i; nothing is added to them, so an atom sees itself only if there is an edge from it to itself.
    No edge is listed twice, and the list may be empty. An atom at which no edge arrives gets zeros. The answer stays
    finite for large scores. NumPy is fine here.
    """
    queries, keys, values = V @ Wq, V @ Wk, V @ Wv
    scores = jnp.sum(queries[dst] * keys[src], axis=1) / keys.shape[1] ** 0.5
    highest = jax.ops.segment_max(scores, dst, V.shape[0])
    grown = jnp.exp(scores - highest[dst])
    shares = grown / jax.ops.segment_sum(grown, dst, V.shape[0])[dst]
    return jax.ops.segment_sum(shares[:, None] * values[src], dst, V.shape[0])
