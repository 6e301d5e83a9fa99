# expect: softmax=4/4 temperature=3/3 attend=3/3 sdpa=7/7 missing:pointing_loss missing:positional_encoding missing:causal_mask missing:mha missing:graph_attention missing:causal_attention score=17/43 missing:SelfAttention
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
    raise NotImplementedError("Yours to write.")


# %%
def positional_encoding(n, d):
    raise NotImplementedError("Yours to write.")


# %%
def causal_mask(n):
    raise NotImplementedError("Yours to write.")


# %%
def causal_attention(Q, K, V):
    raise NotImplementedError("Yours to write.")


# %%
def mha(X, Wq, Wk, Wv, Wo):
    raise NotImplementedError("Yours to write.")
