# expect: score=50/50
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    import rdkit.Chem as rd

    mol = rd.AddHs(rd.MolFromSmiles(smiles))
    V, A, B = [], [], []
    for a in mol.GetAtoms():
        V.append([1 if a.GetSymbol() == e else 0 for e in elements])
        arow, brow = [], []
        for b in mol.GetAtoms():
            bond = mol.GetBondBetweenAtoms(a.GetIdx(), b.GetIdx())
            arow.append(0 if bond is None else 1)
            if bond is None:
                brow.append([0, 0, 0, 0, 0])
            else:
                kind = str(bond.GetBondType())
                brow.append([int(kind == k) for k in ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")] + [int(bond.IsInRing())])
        A.append(arow)
        B.append(brow)
    return np.array(V), np.array(A), np.array(B)


# %%
def norm_adj(A, norm, self_loops):
    n = len(A)
    M = [[float(A[i, j]) + (1 if self_loops and i == j else 0) for j in range(n)] for i in range(n)]
    d = [sum(row) for row in M]
    for i in range(n):
        for j in range(n):
            if norm == "row":
                M[i][j] = M[i][j] / d[i] if d[i] > 0 else 0
            else:
                M[i][j] = M[i][j] / (d[i] ** 0.5 * d[j] ** 0.5) if d[i] > 0 and d[j] > 0 else 0
    return np.array(M)


# %%
def gcn(V, A, W, act, norm):
    M = norm_adj(A, norm, True)
    out = []
    for i in range(len(V)):
        total = 0
        for j in range(len(V)):
            if M[i][j] != 0:
                total = total + float(M[i][j]) * V[j]
        out.append(total @ W)
    return act(jnp.stack(out))


# %%
def mp_layer(V, src, dst, E, phi_e, phi_v, agg):
    E2 = phi_e(E, V[dst], V[src])
    incoming = []
    for i in range(len(V)):
        mine = [np.asarray(E2[x]) for x in range(len(src)) if int(dst[x]) == i]
        if not mine:
            incoming.append(np.zeros(E2.shape[1]))
        elif agg == "max":
            incoming.append(np.max(mine, axis=0))
        else:
            incoming.append(sum(mine) / (len(mine) if agg == "mean" else 1))
    return phi_v(jnp.array(np.array(incoming)), V), E2


# %%
def graph_net_block(V, E, u, src, dst, phi_e, phi_v, phi_u):
    E2 = phi_e(E, V[dst], V[src], u)
    incoming = np.zeros((len(V), E2.shape[1]), np.float32)
    for x in range(len(dst)):
        incoming[int(dst[x])] += np.asarray(E2[x])
    V2 = phi_v(jnp.array(incoming), V, u)
    return V2, E2, phi_u(sum(E2, start=jnp.zeros(E2.shape[1])), sum(V2, start=jnp.zeros(V2.shape[1])), u)


# %%
def readout(V, gid, G, mode):
    rows = []
    for s in range(G):
        mine = [np.asarray(V[i]) for i in range(len(V)) if int(gid[i]) == s]
        if len(mine) == 0:
            rows.append([0.0] * V.shape[1])
        elif mode == "sum":
            rows.append(sum(mine))
        elif mode == "mean":
            rows.append(sum(mine) / len(mine))
        else:
            rows.append([max(m[c] for m in mine) for c in range(V.shape[1])])
    return np.array(rows)


# %%
def symmetry_of(f, key):
    n = 5
    V = jax.random.normal(key, (n, 2))
    A = np.array(jax.random.uniform(jax.random.fold_in(key, 1), (n, n)) > 0.5, float)
    A[0][1], A[1][0] = 1, 0
    before = np.array(f(V, A))
    results = []
    for t in range(12):
        p = [int(i) for i in jax.random.permutation(jax.random.fold_in(key, 2 + t), n)]
        V2 = np.array([V[i] for i in p])
        A2 = np.array([[A[i][j] for j in p] for i in p])
        after = np.array(f(V2, A2))
        same = np.allclose(after, before, atol=1e-4)
        moved = before.ndim > 0 and len(before) == n and np.allclose(after, np.array([before[i] for i in p]), atol=1e-4)
        results.append((same, moved))
    if all(same for same, _ in results):
        return "invariant"
    if all(moved for _, moved in results):
        return "equivariant"
    return "neither"


# %%
def gru_cell(x, h, W, U, b, c):
    rows = []
    for i in range(len(x)):
        r = jax.nn.sigmoid(W[0] @ x[i] + b[0] + U[0] @ h[i] + c[0])
        z = jax.nn.sigmoid(W[1] @ x[i] + b[1] + U[1] @ h[i] + c[1])
        m = jnp.tanh(W[2] @ x[i] + b[2] + r * (U[2] @ h[i] + c[2]))
        rows.append((1 - z) * m + z * h[i])
    return jnp.array(rows)


# %%
def receptive_field(A, k):
    A = np.asarray(A)
    n = len(A)
    seen = [{i} for i in range(n)]
    for _ in range(min(k, n)):
        seen = [set().union(seen[i], *(seen[j] for j in range(n) if A[i, j] > 0)) for i in range(n)]
    return np.array([[j in seen[i] for j in range(n)] for i in range(n)])


# %%
def knn_graph(R, k):
    R = np.asarray(R)
    src, dst = [], []
    for i in range(len(R)):
        others = sorted((float(((R[i] - R[j]) ** 2).sum()), j) for j in range(len(R)) if j != i)
        for distance, j in others[:k]:
            src.append(j)
            dst.append(i)
    return np.array(src, dtype=int), np.array(dst, dtype=int)


# %%
def rbf(r, centers, gamma):
    return np.array([[np.exp(-gamma * (a - b) ** 2) for b in centers] for a in r]).reshape(len(r), len(centers))


# %%
def ssp(x):
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x))) - jnp.log(2.0)


# %%
def cfconv(x, W, mask):
    out = []
    for i in range(len(x)):
        total = np.zeros(x.shape[1])
        for j in range(len(x)):
            if j != i and bool(mask[i, j]):
                total = total + np.asarray(x[j]) * np.asarray(W[i, j])
        out.append(total)
    return np.array(out)


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
