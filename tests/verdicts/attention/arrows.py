# expect: graph_attention<5 mistake:graph_attention=arrows_reversed mha<5 mistake:mha=without_wo sdpa<7 mistake:sdpa=not_scaled causal_attention<4 mistake:causal_attention=future_not_masked softmax<4 mistake:softmax=always_the_last_axis attend=0/3 mistake:attend=in_the_other_order
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def softmax(x, axis):
    return jax.nn.softmax(x.astype(float))


# %%
def temperature(scores, T):
    return softmax(scores / T, -1)


# %%
def attend(q, K, V):
    w = jax.nn.softmax(K @ q)
    return w @ V, w


# %%
def sdpa(Q, K, V, mask=None):
    S = Q @ K.T
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
    return jax.nn.softmax(jnp.inner(Q, K) / Q.shape[1] ** 0.5, axis=1) @ V


# %%
def mha(X, Wq, Wk, Wv, Wo):
    heads = [jax.nn.softmax((X @ q) @ (X @ k).T / np.sqrt(q.shape[1])) @ (X @ v) for q, k, v in zip(Wq, Wk, Wv)]
    return sum(heads)


# %%
def graph_attention(V, src, dst, Wq, Wk, Wv):
    n = len(V)
    A = jnp.zeros((n, n), bool).at[src, dst].set(True)
    return sdpa(V @ Wq, V @ Wk, V @ Wv, A)
