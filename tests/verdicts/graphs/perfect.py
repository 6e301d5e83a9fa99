# expect: score=50/50
# %%
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
def norm_adj(A, norm, self_loops):
    if self_loops:
        A = A + jnp.eye(len(A))
    d = A.sum(1)
    inv = jnp.where(d > 0, 1 / d, 0)
    if norm == "row":
        return inv[:, None] * A
    return jnp.sqrt(inv)[:, None] * A * jnp.sqrt(inv)[None, :]


# %%
def gcn(V, A, W, act, norm):
    return act(norm_adj(A, norm, True) @ V @ W)


# %%
def mp_layer(V, src, dst, E, phi_e, phi_v, agg):
    n = len(V)
    messages = phi_e(E, V[dst], V[src])
    count = jnp.zeros(n).at[dst].add(1)[:, None]
    if agg == "max":
        inc = jnp.where(count > 0, jax.ops.segment_max(messages, dst, n), 0)
    else:
        inc = jax.ops.segment_sum(messages, dst, n)
    if agg == "mean":
        inc = inc / jnp.where(count > 0, count, 1)
    return phi_v(inc, V), messages


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
    n = len(A)
    step = (A + jnp.eye(n) > 0).astype(int)
    seen = jnp.eye(n, dtype=int)
    for _ in range(k):
        seen = jnp.minimum(step @ seen, 1)
    return seen > 0


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
    mask = mask & ~jnp.eye(len(x), dtype=bool)
    return jnp.where(mask[..., None], W * x, 0).sum(1)


# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


class GraphConvolution(keras.layers.Layer):
    def __init__(self, g, norm):
        super().__init__()
        self.g, self.norm = g, norm

    def build(self, input_shape):
        self.W = self.add_weight(shape=(input_shape[0][-1], self.g))
        self.b = self.add_weight(shape=(self.g,))

    def call(self, inputs):
        V, A = inputs
        Ahat = jnp.stack([norm_adj(a, self.norm, True) for a in A])
        return jax.nn.relu(Ahat @ V @ self.W + self.b)
