# expect: mol_graph<4 readout<4 mp_layer<5 gru_cell<3 norm_adj=4/4
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    n = mol.GetNumAtoms()
    V = np.array([[a.GetSymbol() == e for e in elements] for a in mol.GetAtoms()], float)
    A = np.zeros((n, n))
    B = np.zeros((n, n, 5))
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        A[i, j] = bond.GetBondTypeAsDouble()
        A[j, i] = bond.GetBondTypeAsDouble()
        B[i, j, [1.0, 2.0, 3.0, 1.5].index(bond.GetBondTypeAsDouble())] = 1
        B[i, j, 4] = bond.IsInRing()
        B[j, i] = B[i, j]
    return V, A, B


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
    E2 = phi_e(E, V[src], V[dst])
    incoming = np.zeros((len(V), E2.shape[1]))
    for x in range(len(src)):
        if agg == "max":
            incoming[int(dst[x])] = np.maximum(incoming[int(dst[x])], E2[x])
        else:
            incoming[int(dst[x])] += E2[x]
    if agg == "mean":
        incoming /= len(src)
    return phi_v(jnp.array(incoming), V), E2


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
    out = np.zeros((G, V.shape[1]))
    count = np.zeros(G)
    for i in range(len(V)):
        if int(gid[i]) < G:
            out[int(gid[i])] += np.asarray(V[i])
            count[int(gid[i])] += 1
    if mode == "mean":
        out = out / count[:, None]
    if mode == "max":
        out = np.array([np.asarray(V)[np.asarray(gid) == s].max(0, initial=0) for s in range(G)])
    return out


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
        r = jax.nn.sigmoid(W[0] @ x[i] + b[0] + U[0] @ h[i])
        z = jax.nn.sigmoid(W[1] @ x[i] + b[1] + U[1] @ h[i])
        m = jnp.tanh(W[2] @ x[i] + b[2] + U[2] @ (r * h[i]))
        rows.append(z * m + (1 - z) * h[i])
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
