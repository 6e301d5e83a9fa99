# expect: score=50/50
# %%
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    from rdkit import Chem

    m = Chem.AddHs(Chem.MolFromSmiles(smiles))
    n = m.GetNumAtoms()
    V = np.zeros((n, len(elements)))
    for a in m.GetAtoms():
        if a.GetSymbol() in elements:
            V[a.GetIdx(), elements.index(a.GetSymbol())] = 1
    A = np.zeros((n, n))
    B = np.zeros((n, n, 5))
    types = {Chem.BondType.SINGLE: 0, Chem.BondType.DOUBLE: 1, Chem.BondType.TRIPLE: 2, Chem.BondType.AROMATIC: 3}
    for b in m.GetBonds():
        for u, v in ((b.GetBeginAtomIdx(), b.GetEndAtomIdx()), (b.GetEndAtomIdx(), b.GetBeginAtomIdx())):
            A[u, v] = 1
            B[u, v, types[b.GetBondType()]] = 1
            B[u, v, 4] = b.IsInRing()
    return V, A, B


# %%
@partial(jax.jit, static_argnames=("norm", "self_loops"))
def norm_adj(A: jax.Array, norm: str, self_loops: bool) -> jax.Array:
    A = jax.lax.cond(self_loops, lambda M: M + jnp.eye(M.shape[0]), lambda M: M, A)
    degree = jnp.einsum("ij->i", A)
    power = {"row": (-1.0, 0.0), "sym": (-0.5, -0.5)}[norm]
    left, right = (jnp.where(degree > 0, jnp.where(degree > 0, degree, 1.0) ** p, 0.0) if p else jnp.ones_like(degree) for p in power)
    return jnp.einsum("i,ij,j->ij", left, A, right)


# %%
@dataclass(frozen=True)
class Convolution:
    W: jax.Array
    act: object
    norm: str

    def __call__(self, V, A):
        propagate = jax.vmap(lambda row: jax.lax.fori_loop(0, len(V), lambda j, t: t + row[j] * V[j], jnp.zeros(V.shape[1])))
        return self.act(propagate(norm_adj(A, self.norm, True)) @ self.W)


def gcn(V, A, W, act, norm):
    return Convolution(W, act, norm)(V, A)


# %%
class Layer(NamedTuple):
    nodes: jax.Array
    edges: jax.Array


SEGMENT = {
    "sum": lambda m, dst, n: jax.ops.segment_sum(m, dst, num_segments=n),
    "mean": lambda m, dst, n: jax.ops.segment_sum(m, dst, num_segments=n)
    / jnp.clip(jnp.bincount(dst, length=n), 1)[:, None],
    "max": lambda m, dst, n: jnp.where(
        jnp.bincount(dst, length=n)[:, None] > 0, jax.ops.segment_max(m, dst, num_segments=n), 0.0
    ),
}


def mp_layer(V, src, dst, E, phi_e, phi_v, agg):
    gather = partial(jnp.take, V, axis=0)
    messages = phi_e(E, gather(dst), gather(src))
    return Layer(phi_v(SEGMENT[agg](messages, dst, len(V)), V), messages)


# %%
def graph_net_block(V, E, u, src, dst, phi_e, phi_v, phi_u):
    new_edges = phi_e(E, V[dst], V[src], u)
    new_nodes = phi_v(jax.ops.segment_sum(new_edges, dst, len(V)), V, u)
    return new_nodes, new_edges, phi_u(new_edges.sum(0), new_nodes.sum(0), u)


# %%
def readout(V, gid, G, mode):
    own = (gid == jnp.arange(G)[:, None])[..., None]
    count = own.sum(1)
    if mode == "max":
        return jnp.where(count > 0, jnp.where(own, V, -jnp.inf).max(1, initial=-jnp.inf), 0)
    total = jnp.where(own, V, 0).sum(1)
    return total / jnp.maximum(count, 1) if mode == "mean" else total


# %%
def symmetry_of(f, key):
    k1, k2, k3 = jax.random.split(key, 3)
    V = jax.random.normal(k1, (8, 4))
    A = (jax.random.uniform(k2, (8, 8)) < 0.5).astype(float)
    out = np.asarray(f(V, A))
    inv, equ = True, True
    for k in jax.random.split(k3, 20):
        p = np.asarray(jax.random.permutation(k, 8))
        new = np.asarray(f(V[p], A[p][:, p]))
        inv = inv and np.allclose(new, out, atol=1e-4)
        equ = equ and out.shape[:1] == (8,) and np.allclose(new, out[p], atol=1e-4)
    if inv:
        return "invariant"
    return "equivariant" if equ else "neither"


# %%
def gru_cell(x, h, W, U, b, c):
    r = jax.nn.sigmoid(x @ W[0].T + b[0] + h @ U[0].T + c[0])
    z = jax.nn.sigmoid(x @ W[1].T + b[1] + h @ U[1].T + c[1])
    n = jnp.tanh(x @ W[2].T + b[2] + r * (h @ U[2].T + c[2]))
    return (1 - z) * n + z * h


# %%
def receptive_field(A, k):
    hop = jnp.logical_or(A > 0, jnp.eye(len(A), dtype=bool))

    def body(_, seen):
        return jnp.any(hop[:, :, None] & seen[None, :, :], axis=1)

    return jax.lax.fori_loop(0, k, body, jnp.eye(len(A), dtype=bool))


# %%
def knn_graph(R, k):
    n = len(R)
    d = jnp.linalg.norm(R[:, None] - R, axis=-1).at[jnp.arange(n), jnp.arange(n)].set(jnp.inf)
    near = jnp.argsort(d, axis=1)[:, : min(k, n - 1)]
    return near.ravel(), jnp.repeat(jnp.arange(n), near.shape[1])


# %%
def rbf(r, centers, gamma):
    return jnp.exp(-gamma * (r[:, None] - centers) ** 2)


# %%
def ssp(x):
    return jax.nn.softplus(x) - np.log(2)


# %%
def cfconv(x, W, mask):
    allowed = jnp.logical_and(mask, jnp.logical_not(jnp.eye(len(x), dtype=bool)))
    safe = jnp.where(allowed[:, :, None], W, 0.0)
    return jax.vmap(jax.vmap(jnp.dot, in_axes=(1, 1)), in_axes=(0, None))(safe, x)


# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


class GraphConvolution(keras.layers.Layer):
    def __init__(self, g: int, norm: str, *, activation="relu", **options):
        super().__init__(**options)
        self.norm = norm
        self.dense = keras.layers.Dense(g, bias_initializer="zeros")
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.dense.build(input_shape[0])
        super().build(input_shape)

    def call(self, inputs):
        V, A = inputs
        return self.activation(self.dense(jnp.stack([norm_adj(a, self.norm, True) @ v for a, v in zip(A, V)])))
