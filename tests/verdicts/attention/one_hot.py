# expect: attend<3 mistake:attend=all_to_the_best mha<5 mistake:mha=scaled_by_all_features positional_encoding<4 mistake:positional_encoding=a_frequency_for_each_column causal_attention<4 mistake:causal_attention=scores_multiplied_by_the_mask
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    e = jnp.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %%
def temperature(scores, T):
    return softmax(scores / T, -1)


# %%
def attend(q, K, V):
    j = int(jnp.argmax(K @ q))
    w = np.zeros(len(K))
    w[j] = 1
    return w, np.array(V[j])


# %%
def sdpa(Q, K, V, mask=None):
    S = jnp.matmul(Q, K.T) / jnp.sqrt(K.shape[-1])
    if mask is None:
        return softmax(S, -1) @ V
    A = softmax(jnp.where(mask, S, -1e9), -1)
    return jnp.where(mask, A, 0) @ V


# %%
def pointing_loss(scores, mask, target):
    s = jnp.where(mask, scores, -1e9)
    return -jax.nn.log_softmax(s)[target]


# %%
def positional_encoding(n, d):
    P = np.zeros((n, d))
    for p in range(n):
        for i in range(d):
            angle = p / 10000 ** (i / d)
            P[p, i] = np.sin(angle) if i % 2 == 0 else np.cos(angle)
    return P


# %%
def causal_mask(n):
    i = jnp.arange(n)
    return i[None, :] <= i[:, None]


# %%
def causal_attention(Q, K, V):
    S = Q @ K.T / jnp.sqrt(Q.shape[1])
    return jax.nn.softmax(S * jnp.tril(jnp.ones(S.shape)), axis=-1) @ V


# %%
def mha(X, Wq, Wk, Wv, Wo):
    out = jnp.zeros(X.shape)
    for q, k, v, o in zip(Wq, Wk, Wv, Wo):
        A = jax.nn.softmax((X @ q) @ (X @ k).T / jnp.sqrt(X.shape[1]), axis=-1)
        out = out + A @ (X @ v) @ o
    return out


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = V.shape[0]
    s = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(-1) / jnp.sqrt(Wk.shape[-1])
    s = s - jax.ops.segment_max(s, dst, n)[dst]
    e = jnp.exp(s)
    out = jax.ops.segment_sum(e[:, None] * (V @ Wv)[src], dst, n)
    total = jax.ops.segment_sum(e, dst, n)
    return out / jnp.where(total == 0, 1, total)[:, None]
