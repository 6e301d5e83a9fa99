# expect: score=43/43
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    # move the axis to the end, work on rows, and move it back
    rows = np.moveaxis(np.array(x, dtype=float), axis, -1)
    out = np.zeros(rows.shape)
    for place in np.ndindex(*rows.shape[:-1]):
        biggest = max(rows[place])
        total = 0.0
        for value in rows[place]:
            total += np.exp(value - biggest)
        for j in range(rows.shape[-1]):
            out[place + (j,)] = np.exp(rows[place][j] - biggest) / total
    return np.moveaxis(out, -1, axis)


# %%
def temperature(scores, T):
    out = []
    for row in np.array(scores):
        biggest = max(row)
        e = [np.exp((s - biggest) / T) for s in row]
        out.append([a / sum(e) for a in e])
    return out


# %%
def attend(q, K, V):
    scores = np.array([float(sum(a * b for a, b in zip(q, k))) for k in np.array(K)])
    w = softmax(scores, 0)
    out = np.zeros(V.shape[1])
    for j in range(len(w)):
        out += w[j] * np.array(V[j])
    return [w, out]


# %%
def sdpa(Q, K, V, mask=None):
    out = []
    for i in range(len(Q)):
        scores = []
        for j in range(len(K)):
            s = jnp.dot(Q[i], K[j]) / len(Q[i]) ** 0.5
            if mask is not None:
                s = jnp.where(mask[i, j], s, -1e20)
            scores.append(s)
        w = jax.nn.softmax(jnp.array(scores))
        row = jnp.zeros(V.shape[1])
        for j in range(len(K)):
            if mask is None:
                row = row + w[j] * V[j]
            else:
                row = row + jnp.where(mask[i, j], w[j], 0.0) * V[j]
        out.append(row)
    return jnp.stack(out)


# %%
def pointing_loss(scores, mask, target):
    biggest = jnp.max(jnp.where(mask, scores, -1e20))
    total = 0.0
    for j in range(len(scores)):
        s = jnp.where(mask[j], scores[j] - biggest, -1e20)
        total = total + jnp.exp(s)
    return jnp.log(total) + biggest - scores[target]


# %%
def positional_encoding(n, d):
    P = []
    for p in range(n):
        row = []
        for i in range(d // 2):
            w = 10000 ** (-2 * i / d)
            row += [np.sin(p * w), np.cos(p * w)]
        P.append(row)
    return P


# %%
def causal_mask(n):
    mask = []
    for i in range(n):
        mask.append([True] * (i + 1) + [False] * (n - i - 1))
    return mask


# %%
def causal_attention(Q, K, V):
    out = []
    for i in range(len(Q)):
        w, o = attend(Q[i] / np.sqrt(Q.shape[1]), K[: i + 1], V[: i + 1])
        out.append(o)
    return np.array(out)


# %%
def mha(X, Wq, Wk, Wv, Wo):
    total = 0
    for a in range(Wq.shape[0]):
        total = total + sdpa(X @ Wq[a], X @ Wk[a], X @ Wv[a]) @ Wo[a]
    return total


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = len(V)
    A = np.zeros((n, n), dtype=bool)
    for s, r in zip(np.array(src), np.array(dst)):
        A[r, s] = True
    return sdpa(V @ Wq, V @ Wk, V @ Wv, jnp.array(A))


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
        return keras.ops.stack([sdpa(x @ self.Wq, x @ self.Wk, x @ self.Wv) for x in X])
