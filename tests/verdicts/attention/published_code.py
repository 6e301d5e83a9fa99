# expect: softmax<4 sdpa<7 temperature<3 mistake:sdpa=scaled_by_the_number_of_keys mistake:temperature=outside_the_exponential attend=3/3 SelfAttention<3 mistake:SelfAttention=scaled_by_the_length
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    return np.exp(x) / np.sum(np.exp(x), axis=axis)


# %%
def temperature(scores, T):
    e = jnp.exp(scores - scores.max(-1, keepdims=True)) / T
    return e / e.sum(-1, keepdims=True)


# %%
def attend(q, K, V):
    q, K, V = np.array(q), np.array(K), np.array(V)
    w = softmax(K.dot(q), 0)
    return w, w.dot(V)


# %%
def sdpa(Q, K, V, mask=None):
    S = Q @ K.T / jnp.sqrt(len(K))
    if mask is None:
        return jax.nn.softmax(S, -1) @ V
    return jnp.where(mask, jax.nn.softmax(jnp.where(mask, S, -1e9), -1), 0) @ V


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
def mha(X, Wq, Wk, Wv, Wo):
    heads = jax.vmap(lambda q, k, v: sdpa(X @ q, X @ k, X @ v))(Wq, Wk, Wv)
    return jnp.einsum("hnk,hkd->nd", heads, Wo)


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
    def __init__(self, k, e):
        super().__init__()
        self.k = k
        self.e = e

    def build(self, input_shape):
        d = input_shape[-1]
        self.Wq = self.add_weight(shape=(d, self.k))
        self.Wk = self.add_weight(shape=(d, self.k))
        self.Wv = self.add_weight(shape=(d, self.e))

    def call(self, X):
        scores = X @ self.Wq @ keras.ops.swapaxes(X @ self.Wk, 1, 2) / X.shape[1] ** 0.5
        return keras.ops.softmax(scores, axis=-1) @ (X @ self.Wv)
