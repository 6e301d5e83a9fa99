# expect: mol_graph<4 knn_graph<4 rbf=2/2 readout<4 mp_layer=0/5
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    V = np.eye(len(elements))[[elements.index(a.GetSymbol()) for a in mol.GetAtoms()]]
    n = len(V)
    B = np.zeros((n, n, 5))
    for b in mol.GetBonds():
        i, j = b.GetBeginAtomIdx(), b.GetEndAtomIdx()
        B[i, j, int(b.GetBondTypeAsDouble()) - 1] = B[j, i, int(b.GetBondTypeAsDouble()) - 1] = 1
        B[i, j, 4] = B[j, i, 4] = b.IsInRing()
    return V, B[:, :, :4].sum(2), B


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
    messages = phi_e(V[src], V[dst], E)
    return phi_v(V, messages), messages


# %%
def graph_net_block(V, E, u, src, dst, phi_e, phi_v, phi_u):
    new_edges = phi_e(E, V[dst], V[src], u)
    new_nodes = phi_v(jax.ops.segment_sum(new_edges, dst, len(V)), V, u)
    return new_nodes, new_edges, phi_u(new_edges.sum(0), new_nodes.sum(0), u)


# %%
def readout(V, gid, G, mode):
    V[gid < 0] = 0
    return getattr(jax.ops, f"segment_{mode}")(V, gid, G)


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
    d = jnp.linalg.norm(R[:, None] - R, axis=-1)
    near = jnp.argsort(d, axis=1)[:, 1 : k + 1]
    return near.reshape(len(R) * k), jnp.repeat(jnp.arange(len(R)), k)


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
