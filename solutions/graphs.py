"""Graph neural networks: molecules as graphs, layers that pass messages along bonds, and readouts.

Axes: n atoms, f or d features of an atom (d also counts coordinates), g features after a layer, e directed edges,
h features of an edge, p and q features of an updated atom and edge, c and r features of a whole graph before and after,
N atoms of a batch, G graphs in it, k features of a memory, m distances, c centres. `A[i, j] = 1` means that j sends to
i; edge x goes from atom `src[x]` to atom `dst[x]`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


def mol_graph(
    smiles: str, elements: list[str]
) -> tuple[Float[Array, "n f"], Float[Array, "n n"], Float[Array, "n n 5"]]:
    """The graph of a molecule: return (V, A, B).

        V[i, a] = 1 if atom i is of the element elements[a]
        A[i, j] = 1 if a bond joins the atoms i and j
        B[i, j] = (single, double, triple, aromatic, in a ring), each 1 or 0, for that bond

    and 0 everywhere else. Hydrogens are atoms like all others, also those that the SMILES string does not write. Atoms
    are in the order in which RDKit has them after `AddHs`. An aromatic bond is neither single nor double. Bonds have no
    direction: both A and B are the same with i and j exchanged, and an atom is not bonded to itself. An atom whose
    element is not in the list has a row of zeros. NumPy is fine here.
    """
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    V = jnp.array([[float(atom.GetSymbol() == element) for element in elements] for atom in mol.GetAtoms()])
    kinds = [Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC]
    B = jnp.zeros((V.shape[0], V.shape[0], 5))
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        row = jnp.array([*(float(bond.GetBondType() == kind) for kind in kinds), float(bond.IsInRing())])
        B = B.at[i, j].set(row).at[j, i].set(row)
    return V, jnp.sum(B[:, :, :4], axis=2), B


def norm_adj(A: Float[Array, "n n"], norm: str, self_loops: bool) -> Float[Array, "n n"]:
    """The adjacency matrix with its rows made comparable.

        A' = A + I if self_loops, else A            degree_i = sum_j A'[i, j]
        norm = "row":  A'[i, j] / degree_i          norm = "sym":  A'[i, j] / sqrt(degree_i degree_j)

    Degrees are sums of *rows*, after I was added: what arrives at an atom, for `A[i, j] = 1` means that j sends to i,
    and A need not be symmetric. A loop that is in A already counts on top. A has no negative entries. Where a degree is
    0, its reciprocal and the root of that count as 0: an atom without neighbours has a row of zeros, never NaN. NumPy
    is fine here. Source of "sym": Kipf and Welling, Semi-Supervised Classification with Graph Convolutional Networks
    (2017).
    """
    looped = A + jnp.eye(A.shape[0]) if self_loops else A
    degree = jnp.sum(looped, axis=1)
    inverse = jnp.where(degree > 0, 1.0 / degree, 0.0)
    if norm == "row":
        return inverse[:, None] * looped
    return jnp.sqrt(inverse)[:, None] * looped * jnp.sqrt(inverse)


def gcn(
    V: Float[Array, "n f"],
    A: Float[Array, "n n"],
    W: Float[Array, "f g"],
    act: Callable[[Float[Array, "n g"]], Float[Array, "n g"]],
    norm: str,
) -> Float[Array, "n g"]:
    """One graph convolution: every atom takes the (normalised) sum over its neighbours and itself.

        output = act( normalised(A + I) V W )

    The normalisation is that of `norm_adj` with self-loops always added, `norm` is "row" or "sym", and `act` is a
    function of the whole table, used once, last. There is no bias. NumPy is fine here, and you may call your earlier
    functions.
    """
    return act(norm_adj(A, norm, True) @ V @ W)


class GraphConvolution(keras.layers.Layer):
    """A graph convolution as a layer of Keras, for a batch of molecules with equally many atoms.

        output[b] = relu( normalised(A[b] + I) V[b] W + bias )     for every molecule b of the batch

    `GraphConvolution(g, norm)` is made with the number g of features that it gives to every atom, and with the `norm`
    of `norm_adj`, "row" or "sym". It is called with a pair, `layer((V, A))`. The layer owns two weights, made with
    `self.add_weight` when it first sees its input, in this order: the matrix W [f, g] and the bias [g]. What they are
    in the beginning is free: they are set from outside. relu(x) is x where x > 0, and 0 elsewhere.
    """

    def __init__(self, g: int, norm: str):
        """Call Keras's own `__init__` before anything else."""
        super().__init__()
        self.g, self.norm = g, norm

    def build(self, input_shape: Any) -> None:
        """Make the weights. `input_shape` is a pair: (b, n, f) for V, and (b, n, n) for A."""
        f = input_shape[0][-1]
        self.W = self.add_weight(shape=(f, self.g))
        self.bias = self.add_weight(shape=(self.g,))

    def call(self, inputs: tuple[Float[Array, "b n f"], Float[Array, "b n n"]]) -> Float[Array, "b n g"]:
        """What the layer makes of a batch."""
        V, A = inputs
        heard = jnp.stack([norm_adj(a, self.norm, True) for a in A])
        return keras.ops.relu(keras.ops.matmul(heard @ V, self.W) + self.bias)


def mp_layer(
    V: Float[Array, "n d"],
    src: Int[Array, "e"],
    dst: Int[Array, "e"],
    E: Float[Array, "e h"],
    phi_e: Callable[..., Float[Array, "e q"]],
    phi_v: Callable[..., Float[Array, "n p"]],
    agg: str,
) -> tuple[Float[Array, "n p"], Float[Array, "e q"]]:
    """One layer of message passing: bonds are updated first, then atoms. Return (V2, E2).

        e'_x = phi_e(e_x, v_r, v_s)     for every edge x, from the sender s = src[x] to the receiver r = dst[x]
        incoming_i = agg over the e'_x that arrive at atom i
        v'_i = phi_v(incoming_i, v_i)   for every atom i

    Small letters are rows: e_x is `E[x]`, v_i is `V[i]`; V2 and E2 hold the v'_i and e'_x. `phi_e` and `phi_v` take
    whole tables instead of rows, in the same order: call each of them once. They decide how long their rows are. `agg`
    is "sum", "mean" or "max", feature by feature. An atom at which nothing arrives gets zeros as `incoming`. Two edges
    may join the same two atoms: both count. The list may be empty. NumPy is fine here. Source: Battaglia et al.,
    Relational inductive biases, deep learning, and graph networks (2018).
    """
    n = V.shape[0]
    E2 = phi_e(E, V[dst], V[src])
    arriving = jax.ops.segment_sum(jnp.ones((dst.shape[0], 1)), dst, n)
    if agg == "max":
        incoming = jnp.where(arriving > 0, jax.ops.segment_max(E2, dst, n), 0.0)
    elif agg == "mean":
        incoming = jax.ops.segment_sum(E2, dst, n) / jnp.maximum(arriving, 1.0)
    else:
        incoming = jax.ops.segment_sum(E2, dst, n)
    return phi_v(incoming, V), E2


def graph_net_block(
    V: Float[Array, "n d"],
    E: Float[Array, "e h"],
    u: Float[Array, "c"],
    src: Int[Array, "e"],
    dst: Int[Array, "e"],
    phi_e: Callable[..., Float[Array, "e q"]],
    phi_v: Callable[..., Float[Array, "n p"]],
    phi_u: Callable[..., Float[Array, "r"]],
) -> tuple[Float[Array, "n p"], Float[Array, "e q"], Float[Array, "r"]]:
    """A full block of a graph network: edges, atoms and the graph as a whole are updated, in this order.

        e'_x = phi_e(e_x, v_r, v_s, u)         for every edge x, from the sender s = src[x] to the receiver r = dst[x]
        v'_i = phi_v(incoming_i, v_i, u)       incoming_i is the sum of the e'_x that arrive at atom i
        u' = phi_u(edges, nodes, u)            edges is the sum of all e'_x, nodes the sum of all v'_i

    Return (V2, E2, u2): the tables of the v'_i and the e'_x, and u'. `phi_e` and `phi_v` take whole tables instead of
    rows, as in `mp_layer`; `u` goes into all three functions as the vector it is. Call each of them once. The list of
    edges may be empty. NumPy is fine here. Source: Battaglia et al. (2018), algorithm 1.
    """
    E2 = phi_e(E, V[dst], V[src], u)
    V2 = phi_v(jax.ops.segment_sum(E2, dst, V.shape[0]), V, u)
    return V2, E2, phi_u(jnp.sum(E2, axis=0), jnp.sum(V2, axis=0), u)


def readout(V: Float[Array, "N f"], gid: Int[Array, "N"], G: int, mode: str) -> Float[Array, "G f"]:
    """One row for each of G molecules, made of the rows of its atoms.

        output[s] = mode over { V[i] : gid[i] = s },     s = 0, ..., G - 1

    `mode` is "sum", "mean" or "max", feature by feature. The atoms of a batch stand in one table, and `gid[i]` says
    which molecule atom i belongs to; they may be in any order. An atom whose `gid` is negative, or G or more, is
    padding and belongs to none. A molecule without atoms gets zeros. NumPy is fine here.
    """
    member = gid[None, :] == jnp.arange(G)[:, None]
    count = jnp.sum(member, axis=1)[:, None]
    if mode == "max":
        highest = jnp.max(jnp.where(member[:, :, None], V, -jnp.inf), axis=1, initial=-jnp.inf)
        return jnp.where(count > 0, highest, 0.0)
    total = member.astype(V.dtype) @ V
    return total / jnp.maximum(count, 1) if mode == "mean" else total


def symmetry_of(f: Callable[..., Any], key: PRNGKeyArray) -> str:
    """What happens to f(V, A) when the atoms are numbered differently: "equivariant", "invariant" or "neither".

        "invariant":    f(P V, P A P^T) = f(V, A)          "equivariant":  f(P V, P A P^T) = P f(V, A)

    for every permutation P of the atoms. `f` takes features V[n, d] and a directed adjacency matrix A[n, n] of zeros
    and ones, for any n and d that you choose, and its answer is one array. Find out by experiment: choose a graph and
    at least ten permutations at random, from `key`. If both equations hold, as for an answer that is the same for all
    atoms, say "invariant". Only an answer with one row for each atom can be equivariant. Compare with a tolerance, as
    rounding differs from order to order. Call `f` plainly: it need not be made for `jit` or `vmap`. The random numbers
    may come from `jax.random`, or from a NumPy generator seeded with `jax.random.key_data(key)`.
    """
    n = 7
    features, edges, *shuffles = jax.random.split(key, 14)
    V = jax.random.normal(features, (n, 3))
    A = jax.random.bernoulli(edges, 0.4, (n, n)).astype(V.dtype)
    before = jnp.asarray(f(V, A))
    invariant, equivariant = True, before.ndim > 0 and before.shape[0] == n
    for shuffle in shuffles:
        order = jax.random.permutation(shuffle, n)
        after = jnp.asarray(f(V[order], A[order][:, order]))
        invariant = invariant and bool(jnp.allclose(after, before, atol=1e-4))
        equivariant = equivariant and bool(jnp.allclose(after, before[order], atol=1e-4))
    return "invariant" if invariant else "equivariant" if equivariant else "neither"


def gru_cell(
    x: Float[Array, "n d"],
    h: Float[Array, "n k"],
    W: Float[Array, "3 k d"],
    U: Float[Array, "3 k k"],
    b: Float[Array, "3 k"],
    c: Float[Array, "3 k"],
) -> Float[Array, "n k"]:
    """One step of a gated recurrent unit, for each row: what arrives is x, what is remembered is h.

        r = sigmoid(W[0] x + b[0] + U[0] h + c[0])        reset
        z = sigmoid(W[1] x + b[1] + U[1] h + c[1])        update: 1 keeps the old memory
        m = tanh(W[2] x + b[2] + r * (U[2] h + c[2]))     the new memory
        output = (1 - z) * m + z * h

    The formulas are for one row, with x and h as columns; * goes entry by entry. The order of the gates (reset, update,
    new) and the place of r are those of PyTorch's `GRUCell`. NumPy is fine here.
    """
    given = [x @ W[gate].T + b[gate] for gate in (0, 1, 2)]
    kept = [h @ U[gate].T + c[gate] for gate in (0, 1, 2)]
    reset = jax.nn.sigmoid(given[0] + kept[0])
    update = jax.nn.sigmoid(given[1] + kept[1])
    memory = jnp.tanh(given[2] + reset * kept[2])
    return (1 - update) * memory + update * h


def receptive_field(A: Float[Array, "n n"], k: int) -> Bool[Array, "n n"]:
    """Who is heard of by whom after k layers of `gcn`: True at [i, j] if a change at atom j can reach atom i.

    `A[i, j] = 1` means that j sends to i in one layer, and every atom keeps hearing itself. A holds zeros and ones, may
    be directed and may have loops. After k = 0 layers everybody knows only themselves. k may be as large as 200. The
    answer is a table of `True` and `False`. NumPy is fine here.
    """
    step = jnp.maximum(A, jnp.eye(A.shape[0]))
    heard = jnp.eye(A.shape[0], dtype=bool)
    for _ in range(k):
        heard = step @ heard > 0
    return heard


def knn_graph(R: Float[Array, "n d"], k: int) -> tuple[Int[Array, "e"], Int[Array, "e"]]:
    """Every atom listens to the k atoms that are nearest to it, however far that is. Return (src, dst).

    Edges go from the neighbour to the atom in the centre: `dst` is the centre. They are listed by centre, 0 first, and
    for each centre by distance, nearest first; neighbours that are equally far may come in any order. No atom is its
    own neighbour, even if another one sits at the same place. Where there are fewer than k others, all of them are
    neighbours; a single atom has none, and both lists are empty. R may lie far from the origin. The answers hold
    integers. NumPy is fine here.
    """
    n = R.shape[0]
    distance = jnp.linalg.norm(R[:, None] - R[None], axis=2)
    near = jnp.argsort(jnp.where(jnp.eye(n, dtype=bool), jnp.inf, distance), axis=1)[:, : min(k, n - 1)]
    return near.reshape(-1), jnp.repeat(jnp.arange(n), near.shape[1])


def rbf(r: Float[Array, "m"], centers: Float[Array, "c"], gamma: float) -> Float[Array, "m c"]:
    """Each distance as a row of smooth bumps.

        output[x, a] = exp(-gamma (r[x] - centers[a])^2)

    Distances and centres are in ångström, gamma in 1/Å². NumPy is fine here. Source: Schütt et al., SchNet (2017).
    """
    return jnp.exp(-gamma * (r[:, None] - centers[None, :]) ** 2)


def ssp(x: Any) -> Any:
    """Shifted softplus, entry by entry: a smooth bend that is 0 at 0.

        ssp(x) = ln(exp(x) / 2 + 1 / 2)

    x is one number or an array. Both the value and its slope stay finite and right for x = 1000 and x = -1000. Use
    `jnp`: forces are gradients, and they go through this function. Source: Schütt et al., SchNet (2017).
    """
    return jax.nn.softplus(x) - jnp.log(2.0)


def cfconv(x: Float[Array, "n f"], W: Float[Array, "n n f"], mask: Bool[Array, "n n"]) -> Float[Array, "n f"]:
    """A convolution whose weights come from distances: W[i, j] is a filter made from how far j is from i.

        output_i = sum over { j : j != i and mask[i, j] } of x_j * W[i, j]

    * goes feature by feature. `mask` is True where i and j are near enough. An atom never hears itself, whatever the
    diagonal of the mask says. Filters that are not used, by the mask or on the diagonal, may hold anything, even
    infinities or NaN. NumPy is fine here. Source: Schütt et al., SchNet (2017).
    """
    used = mask & ~jnp.eye(x.shape[0], dtype=bool)
    return jnp.sum(jnp.where(used[:, :, None], x[None, :, :] * W, 0.0), axis=1)
