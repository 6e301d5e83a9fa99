# expect: gcn<4 mistake:gcn=arrows_reversed norm_adj=4/4 gru_cell=3/3 mp_layer=5/5 receptive_field<3 mistake:receptive_field=who_hears_me knn_graph<4 mistake:knn_graph=arrows_reversed
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
    # x_i' = sum over edges (j, i); edge_index = A.nonzero().t()
    edge_index = np.argwhere(np.asarray(A) != 0).T
    row, col = edge_index
    weight = np.asarray(A)[row, col]
    n = len(V)
    hat = np.eye(n)
    np.add.at(hat, (row, col), weight)
    deg = hat.sum(1)
    if norm == "sym":
        hat = deg[:, None] ** -0.5 * hat * deg[None, :] ** -0.5
    else:
        hat = hat / deg[:, None]
    out = np.zeros((n, W.shape[1]))
    x = np.asarray(V) @ np.asarray(W)
    for j in range(n):
        for i in range(n):
            out[i] += hat[j, i] * x[j]
    return act(out)


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
    hidden = h.shape[1]
    weight_ih, weight_hh = W.reshape(3 * hidden, -1), U.reshape(3 * hidden, hidden)
    gi = x @ weight_ih.T + b.reshape(-1)
    gh = h @ weight_hh.T + c.reshape(-1)
    i_r, i_z, i_n = jnp.split(gi, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(gh, 3, axis=-1)
    resetgate = jax.nn.sigmoid(i_r + h_r)
    inputgate = jax.nn.sigmoid(i_z + h_z)
    newgate = jnp.tanh(i_n + resetgate * h_n)
    return newgate + inputgate * (h - newgate)


# %%
def receptive_field(A, k):
    n = len(A)
    hop = np.asarray(A).T + np.eye(n)
    out = np.eye(n)
    for _ in range(k):
        out = ((hop @ out) > 0).astype(float)
    return out > 0


# %%
def knn_graph(R, k):
    n = len(R)
    d = jnp.linalg.norm(R[:, None] - R[None], axis=-1) + jnp.diag(jnp.full(n, jnp.inf))
    near = jnp.argsort(d, axis=1)[:, : min(k, n - 1)]
    row = jnp.repeat(jnp.arange(n), near.shape[1])
    col = near.reshape(-1)
    return row, col


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
