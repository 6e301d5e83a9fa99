# expect: softmax<4 mistake:softmax=sums_without_their_axis temperature=3/3 attend=3/3 sdpa=7/7 causal_attention=4/4 mha=5/5 graph_attention=5/5 carried:temperature carried:sdpa carried:causal_attention carried:mha
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    e = jnp.exp(x - jnp.max(x, axis=axis, keepdims=True))
    return e / jnp.sum(e, axis=axis)


# %%
def temperature(scores, T):
    return softmax(scores / T, -1)


# %%
def attend(q, K, V):
    w = softmax(jnp.dot(K, q), 0)
    return w, jnp.dot(w, V)


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
