# expect: softmax<4 graph_attention<5 mistake:softmax=nothing_subtracted mistake:graph_attention=exponentials_overflow temperature=3/3 attend=3/3 sdpa=7/7 causal_mask=2/2 causal_attention=4/4 mha=5/5 carried:temperature carried:attend carried:sdpa carried:causal_attention
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    return jnp.exp(x) / jnp.sum(jnp.exp(x), axis=axis, keepdims=True)


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
    total = 0
    for a in range(Wq.shape[0]):
        total = total + sdpa(X @ Wq[a], X @ Wk[a], X @ Wv[a]) @ Wo[a]
    return total


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = len(V)
    s = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(1) / np.sqrt(Wk.shape[1])
    e = jnp.exp(s)
    w = e / jax.ops.segment_sum(e, dst, n)[dst]
    return jax.ops.segment_sum(w[:, None] * (V @ Wv)[src], dst, n)
