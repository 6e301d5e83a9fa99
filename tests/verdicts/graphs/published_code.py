# expect: mol_graph<4 norm_adj<4 mistake:norm_adj=always_row carried:gcn gcn=4/4 symmetry_of<5 mistake:symmetry_of=words_exchanged rbf<2 mistake:rbf=not_squared ssp<2 mistake:ssp=minus_in_the_exponent
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    from rdkit import Chem

    m = Chem.AddHs(Chem.MolFromSmiles(smiles))
    nodes = np.zeros((m.GetNumAtoms(), len(elements)))
    for a in m.GetAtoms():
        nodes[a.GetIdx(), elements.index(a.GetSymbol())] = 1
    adj = np.zeros((m.GetNumAtoms(), m.GetNumAtoms()))
    bonds = np.zeros((m.GetNumAtoms(), m.GetNumAtoms(), 5))
    order = {"SINGLE": 0, "DOUBLE": 1, "TRIPLE": 2, "AROMATIC": 3}
    for b in m.GetBonds():
        i, j = b.GetBeginAtomIdx(), b.GetEndAtomIdx()
        adj[i, j] = adj[j, i] = 1
        bonds[i, j, order[str(b.GetBondType())]] = 1
        bonds[i, j, 4] = b.IsInRing()
    return nodes, adj, bonds


# %%
def norm_adj(A, norm, self_loops):
    if self_loops:
        A = A + jnp.eye(A.shape[0])
    degree = A.sum(-1)
    return jnp.einsum("i,ij->ij", jnp.where(degree > 0, 1 / degree, 0), A)


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
    ks = jax.random.split(key, 14)
    V, A = jax.random.normal(ks[0], (6, 3)), jax.random.bernoulli(ks[1], 0.5, (6, 6)).astype(float)
    before = np.asarray(f(V, A))
    ps = [jax.random.permutation(k, 6) for k in ks[2:]]
    after = [np.asarray(f(V[p], A[p][:, p])) for p in ps]
    if all(np.allclose(a, before, atol=1e-4) for a in after):
        return "equivariant"
    if before.shape[:1] == (6,) and all(np.allclose(a, before[np.asarray(p)], atol=1e-4) for a, p in zip(after, ps)):
        return "invariant"
    return "neither"


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
    return jnp.exp(-gamma * jnp.abs(r[:, None] - centers[None]))


# %%
def ssp(x):
    return jax.nn.softplus(-x) - jnp.log(2.0)


# %%
def cfconv(x, W, mask):
    mask = mask & ~jnp.eye(len(x), dtype=bool)
    return jnp.where(mask[..., None], W * x, 0).sum(1)
