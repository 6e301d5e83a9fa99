# expect: mha<5 mistake:mha=reshaped_without_exchanging_axes graph_attention<5 mistake:graph_attention=shared_by_the_senders causal_mask=0/2 mistake:causal_mask=numbers_instead
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
    return jnp.tril(jnp.ones((n, n)))


# %%
def causal_attention(Q, K, V):
    return sdpa(Q, K, V, causal_mask(len(Q)))


# %%
def mha(X, Wq, Wk, Wv, Wo):
    h, D, k = Wq.shape
    heads = jax.vmap(lambda q, k, v: sdpa(X @ q, X @ k, X @ v))(Wq, Wk, Wv)
    return heads.reshape(X.shape[0], h * k) @ Wo.reshape(h * k, D)


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = len(V)
    s = ((V @ Wq)[dst] * (V @ Wk)[src]).sum(1) / np.sqrt(Wk.shape[1])
    e = jnp.exp(s - jax.ops.segment_max(s, src, n)[src])
    w = e / jax.ops.segment_sum(e, src, n)[src]
    return jax.ops.segment_sum(w[:, None] * (V @ Wv)[src], dst, n)
