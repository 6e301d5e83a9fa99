# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    x = np.asarray(x, dtype=float)
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


# %%
def temperature(scores, T):
    s = np.array(scores) / T
    s = s - s.max(axis=1, keepdims=True)
    return np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)


# %%
def attend(q, K, V):
    q, K, V = np.array(q), np.array(K), np.array(V)
    w = softmax(K.dot(q), 0)
    return w, w.dot(V)


# %%
def sdpa(Q, K, V, mask=None):
    # jnp here, the task asks for it
    s = jnp.einsum("nd,md->nm", Q, K) / K.shape[1] ** 0.5
    if mask is not None:
        s = jnp.where(mask, s, -jnp.inf)
    top = jnp.max(s, axis=1, keepdims=True)
    e = jnp.exp(s - jnp.where(jnp.isinf(top), 0, top))
    total = e.sum(axis=1, keepdims=True)
    return (e / jnp.where(total == 0, 1, total)) @ V


# %%
def pointing_loss(scores, mask, target):
    gap = jnp.where(mask, scores - scores[target], -1e10)
    m = gap.max()
    return m + jnp.log(jnp.sum(jnp.exp(gap - m)))


# %%
def positional_encoding(n, d):
    P = np.zeros((n, d))
    p = np.arange(n)[:, None]
    freq = np.exp(np.arange(0, d, 2) * -(np.log(10000.0) / d))
    P[:, 0::2] = np.sin(p * freq)
    P[:, 1::2] = np.cos(p * freq)
    return P


# %%
def causal_mask(n):
    return np.tril(np.ones((n, n))).astype(bool)


# %%
def causal_attention(Q, K, V):
    Q, K, V = np.array(Q), np.array(K), np.array(V)
    s = Q @ K.T / np.sqrt(Q.shape[1])
    s = np.where(causal_mask(len(Q)), s, -np.inf)
    return softmax(s, 1) @ V


# %%
def mha(X, Wq, Wk, Wv, Wo):
    X = np.array(X)
    parts = []
    for a in range(len(Wq)):
        Q, K, V = X @ np.array(Wq[a]), X @ np.array(Wk[a]), X @ np.array(Wv[a])
        parts.append(softmax(Q @ K.T / np.sqrt(Q.shape[1]), 1) @ V)
    return np.concatenate(parts, axis=1) @ np.concatenate(list(np.array(Wo)), axis=0)


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    V, src, dst = np.array(V), np.array(src), np.array(dst)
    q, k, v = V @ np.array(Wq), V @ np.array(Wk), V @ np.array(Wv)
    out = np.zeros((len(V), v.shape[1]))
    for i in range(len(V)):
        js = src[dst == i]
        if len(js) == 0:
            continue
        out[i] = softmax(k[js] @ q[i] / np.sqrt(k.shape[1]), 0) @ v[js]
    return out


# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


class SelfAttention(keras.layers.Layer):
    def __init__(self, k, e):
        super().__init__()
        self.k, self.e = k, e

    def build(self, input_shape):
        self.W = [self.add_weight(shape=(input_shape[-1], size)) for size in (self.k, self.k, self.e)]

    def call(self, X):
        Q, K, V = [np.asarray(X) @ np.asarray(W) for W in self.W]
        return np.array([sdpa(q, k, v) for q, k, v in zip(Q, K, V)])
