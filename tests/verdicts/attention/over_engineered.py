# expect: score=43/43
# %%
from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Found(NamedTuple):
    weights: jax.Array
    output: jax.Array


# %%
@partial(jax.jit, static_argnames="axis")
def softmax(x: jax.Array, axis: int = -1) -> jax.Array:
    """Via the log-partition function of the shifted scores."""
    x = jnp.asarray(x, jnp.float32)
    x = x - jax.lax.stop_gradient(x.max(axis, keepdims=True))
    return jnp.exp(x - jnp.log(jnp.exp(x).sum(axis, keepdims=True)))


# %%
def temperature(scores, T):
    return softmax(scores / T, -1)


# %%
def attend(q, K, V) -> Found:
    weights = softmax(jax.vmap(partial(jnp.dot, q))(K), axis=0)
    return Found(weights, jnp.tensordot(weights, V, axes=1))


# %%
@jax.jit
def sdpa(Q, K, V, mask=None):
    def one(q, looks):
        def step(carry, this):
            top, total, out = carry
            key, value, look = this
            score = jnp.where(look, jnp.dot(q, key) * K.shape[1] ** -0.5, -1e30)
            new = jnp.maximum(top, score)
            shrink, grow = jnp.exp(top - new), jnp.where(look, jnp.exp(score - new), 0.0)
            return (new, total * shrink + grow, out * shrink + grow * value), None

        start = (jnp.float32(-1e30), jnp.float32(0), jnp.zeros(V.shape[1]))
        (_, total, out), _ = jax.lax.scan(step, start, (K, V, looks))
        return out / jnp.where(total == 0, 1.0, total)

    mask = jnp.ones((Q.shape[0], K.shape[0]), bool) if mask is None else mask
    return jax.vmap(one)(Q, mask)


# %%
def pointing_loss(scores, mask, target):
    s = jnp.where(mask, scores, -1e9)
    return -jax.nn.log_softmax(s)[target]


# %%
def positional_encoding(n, d):
    omega = 10000.0 ** (-jnp.arange(0, d, 2) / d)
    a = jnp.outer(jnp.arange(n), omega)
    P = jnp.zeros((n, d))
    return P.at[:, 0::2].set(jnp.sin(a)).at[:, 1::2].set(jnp.cos(a))


# %%
def causal_mask(n):
    i = jnp.arange(n)
    return i[None, :] <= i[:, None]


# %%
def causal_attention(Q, K, V):
    return sdpa(Q, K, V, causal_mask(len(Q)))


# %%
@dataclass(frozen=True)
class Head:
    q: jax.Array
    k: jax.Array
    v: jax.Array
    o: jax.Array

    def __call__(self, X: jax.Array) -> jax.Array:
        return sdpa(X @ self.q, X @ self.k, X @ self.v) @ self.o


def mha(X, Wq, Wk, Wv, Wo):
    return jnp.stack([Head(*weights)(X) for weights in zip(Wq, Wk, Wv, Wo, strict=True)]).sum(0)


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = V.shape[0]
    s = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(-1) / jnp.sqrt(Wk.shape[-1])
    s = s - jax.ops.segment_max(s, dst, n)[dst]
    e = jnp.exp(s)
    out = jax.ops.segment_sum(e[:, None] * (V @ Wv)[src], dst, n)
    total = jax.ops.segment_sum(e, dst, n)
    return out / jnp.where(total == 0, 1, total)[:, None]


# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


class SelfAttention(keras.layers.Layer):
    """Configurable, serialisable, and with a hook for dropout that nobody asked for."""

    def __init__(self, k: int, e: int, *, dropout: float = 0.0, **options):
        super().__init__(**options)
        self.k, self.e, self.dropout = k, e, dropout
        self._projections = [keras.layers.Dense(units, use_bias=False) for units in (k, k, e)]

    def build(self, input_shape):
        for projection in self._projections:
            projection.build(input_shape)
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "k": self.k, "e": self.e, "dropout": self.dropout}

    def call(self, X, training=False):
        Q, K, V = (projection(X) for projection in self._projections)
        scores = keras.ops.matmul(Q, keras.ops.swapaxes(K, -1, -2)) / keras.ops.sqrt(float(self.k))
        return keras.ops.matmul(keras.ops.softmax(scores, axis=-1), V)
