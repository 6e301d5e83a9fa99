# expect: gru_cell<3 mistake:gru_cell=update_first norm_adj<4 mistake:norm_adj=degrees_before_the_loops gcn=4/4 carried:gcn readout<4 mistake:readout=mean_over_padded_rows
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    symbols = np.array([atom.GetSymbol() for atom in mol.GetAtoms()])
    orders = Chem.GetAdjacencyMatrix(mol, useBO=True)
    ring = np.array([[bool(b and b.IsInRing()) for b in [mol.GetBondBetweenAtoms(i, j) for j in range(len(symbols))]]
                     for i in range(len(symbols))])
    V = (symbols[:, None] == np.array(elements)).astype(float)
    B = np.dstack([orders == 1, orders == 2, orders == 3, orders == 1.5, ring]).astype(float)
    return V, (orders > 0).astype(float), B


# %%
def norm_adj(A, norm, self_loops):
    A = np.array(A)
    d = A.sum(axis=1)
    if self_loops:
        A = A + np.eye(len(A))
    inv = np.divide(1.0, d, out=np.zeros_like(d), where=d > 0)
    if norm == "row":
        return inv[:, None] * A
    return np.sqrt(inv)[:, None] * A * np.sqrt(inv)[None]


# %%
def gcn(V, A, W, act, norm):
    return act(np.linalg.multi_dot([norm_adj(A, norm, True), np.array(V), np.array(W)]))


# %%
def mp_layer(V, src, dst, E, phi_e, phi_v, agg):
    V, src, dst = np.array(V), np.array(src), np.array(dst)
    E2 = np.array(phi_e(np.array(E), V[dst], V[src]))
    incoming = np.zeros((V.shape[0], E2.shape[1]))
    for i in range(V.shape[0]):
        mine = E2[dst == i]
        if mine.size:
            incoming[i] = getattr(mine, agg)(axis=0)
    return np.array(phi_v(incoming, V)), E2


# %%
def graph_net_block(V, E, u, src, dst, phi_e, phi_v, phi_u):
    V, E, u, src, dst = map(np.array, (V, E, u, src, dst))
    E2 = np.array(phi_e(E, V[dst], V[src], u))
    inc = np.zeros((len(V), E2.shape[1]))
    np.add.at(inc, dst, E2)
    V2 = np.array(phi_v(inc, V, u))
    return V2, E2, np.array(phi_u(E2.sum(0), V2.sum(0), u))


# %%
def readout(V, gid, G, mode):
    V, gid = np.array(V), np.array(gid)
    lengths = [int((gid == s).sum()) for s in range(G)]
    longest = max(lengths) or 1
    padded = np.zeros((G, longest, V.shape[1]))
    for s in range(G):
        padded[s, : lengths[s]] = V[gid == s]
    if mode == "max":
        for s in range(G):
            if lengths[s]:
                padded[s, lengths[s] :] = padded[s, 0]
        return padded.max(1)
    return padded.mean(1) if mode == "mean" else padded.sum(1)


# %%
def symmetry_of(f, key):
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    V, A = rng.random((10, 3)) - 0.5, (rng.random((10, 10)) > 0.6) * 1.0
    out = np.array(f(V, A))
    perms = [rng.permutation(10) for _ in range(15)]
    news = [np.array(f(V[p], A[np.ix_(p, p)])) for p in perms]
    if all(np.abs(new - out).max() < 1e-4 for new in news):
        return "invariant"
    if out.ndim and len(out) == 10 and all(np.abs(new - out[p]).max() < 1e-4 for p, new in zip(perms, news)):
        return "equivariant"
    return "neither"


# %%
def gru_cell(x, h, W, U, b, c):
    x, h, W, U, b, c = map(np.array, (x, h, W, U, b, c))
    kernel = [x @ W[i].T + b[i] for i in range(3)]
    recurrent = [h @ U[i].T + c[i] for i in range(3)]
    z = 1 / (1 + np.exp(-np.clip(kernel[0] + recurrent[0], -60, 60)))
    r = 1 / (1 + np.exp(-np.clip(kernel[1] + recurrent[1], -60, 60)))
    hh = np.tanh(kernel[2] + r * recurrent[2])
    return z * h + (1 - z) * hh


# %%
def receptive_field(A, k):
    M = np.minimum(np.array(A) + np.eye(len(A)), 1)
    F = np.eye(len(A))
    for _ in range(k):
        F = np.minimum(M @ F, 1)
    return F.astype(bool)


# %%
def knn_graph(R, k):
    R = np.array(R, dtype=np.float64)
    n = len(R)
    D = ((R[:, None] - R[None]) ** 2).sum(-1)
    np.fill_diagonal(D, np.inf)
    order = D.argsort(1)[:, : max(0, min(k, n - 1))]
    return order.reshape(-1), np.arange(n).repeat(order.shape[1])


# %%
def rbf(r, centers, gamma):
    return np.exp(-gamma * np.subtract.outer(np.array(r), np.array(centers)) ** 2)


# %%
def ssp(x):
    return jnp.logaddexp(x, 0.0) - jnp.log(2.0)


# %%
def cfconv(x, W, mask):
    x, W, mask = np.array(x), np.array(W), np.array(mask)
    np.fill_diagonal(mask, False)
    W[~mask] = 0
    return (W * x[None]).sum(axis=1)
