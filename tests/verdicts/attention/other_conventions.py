# expect: sdpa<7 causal_mask=0/2 attend<3 positional_encoding<4 mistake:sdpa=mask_the_other_way mistake:causal_mask=true_means_hidden mistake:attend=already_scaled mistake:positional_encoding=sines_then_cosines
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
    w = jax.nn.softmax(K @ q / jnp.sqrt(len(q)))
    return w, w @ V


# %%
def sdpa(Q, K, V, mask=None):
    S = Q @ K.T / jnp.sqrt(K.shape[1])
    if mask is not None:  # True is masked, as in MultiheadAttention
        mask = jnp.logical_not(mask)
        return jnp.where(mask, jax.nn.softmax(jnp.where(mask, S, -1e9), -1), 0) @ V
    return jax.nn.softmax(S, -1) @ V


# %%
def pointing_loss(scores, mask, target):
    s = jnp.where(mask, scores, -1e9)
    return -jax.nn.log_softmax(s)[target]


# %%
def positional_encoding(n, d):
    a = np.arange(n)[:, None] * 10000.0 ** (-2 * np.arange(d // 2) / d)
    return np.hstack([np.sin(a), np.cos(a)])


# %%
def causal_mask(n):
    return jnp.triu(jnp.ones((n, n), dtype=bool), k=1)


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
