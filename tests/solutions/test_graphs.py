"""The reference solutions of the graphs chapter against other libraries, other algorithms and numbers found by hand.

Inputs are rectangular and graphs directed on purpose. Run with `--jaxtyping-packages=solutions,beartype.beartype` to
check every shape.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse.csgraph import laplacian, shortest_path
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from solutions import graphs

CHAIN = jnp.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # 0 sends to 1, 1 sends to 2


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def normal(rng: np.random.Generator, *shape: int) -> jax.Array:
    return jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)


def directed(rng: np.random.Generator, n: int, share: float = 0.4) -> jax.Array:
    return jnp.asarray(rng.random((n, n)) < share, dtype=jnp.float32)


# ---- molecules


def test_methanol_by_hand() -> None:
    V, A, B = graphs.mol_graph("CO", ["O", "C", "H"])
    assert V.tolist() == [[0, 1, 0], [1, 0, 0], *([[0, 0, 1]] * 4)]
    bonds = {(0, 1), (0, 2), (0, 3), (0, 4), (1, 5)}
    assert {(i, j) for i, j in zip(*np.nonzero(np.asarray(A)), strict=True) if i < j} == bonds
    np.testing.assert_array_equal(A, A.T)
    np.testing.assert_array_equal(B[..., 0], A)
    assert float(B[..., 1:].sum()) == 0


@pytest.mark.parametrize("smiles", ["CCO", "C#N", "c1ccccc1C(=O)O", "C1CC1C=C", "[Na+].[Cl-]", "[H][H]", "c1cc[nH]c1"])
def test_bonds_agree_with_the_matrices_of_rdkit(smiles: str) -> None:
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    V, A, B = graphs.mol_graph(smiles, ["C", "N", "O", "H"])
    np.testing.assert_array_equal(A, Chem.GetAdjacencyMatrix(mol))
    np.testing.assert_array_equal(B @ jnp.array([1.0, 2.0, 3.0, 1.5, 0.0]), Chem.GetAdjacencyMatrix(mol, useBO=True))
    np.testing.assert_array_equal(B, jnp.swapaxes(B, 0, 1))
    rings = [set(bond) for bond in mol.GetRingInfo().BondRings()]
    assert float(B[..., 4].sum()) == 2 * len(set().union(*rings))
    numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
    assert (V @ jnp.array([6.0, 7.0, 8.0, 1.0])).tolist() == [z if z in (6, 7, 8, 1) else 0 for z in numbers]


def test_benzene_has_no_single_bond_in_its_ring() -> None:
    _, _, B = graphs.mol_graph("c1ccccc1", ["C", "H"])
    assert B[0, 1].tolist() == [0, 0, 0, 1, 1]
    assert B[0, 6].tolist() == [1, 0, 0, 0, 0]


# ---- convolutions


def test_rows_by_hand() -> None:
    np.testing.assert_allclose(graphs.norm_adj(CHAIN, "row", True), [[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]])
    np.testing.assert_array_equal(graphs.norm_adj(CHAIN, "row", False), CHAIN)


def test_both_sides_by_hand() -> None:
    root = np.sqrt(0.5)
    np.testing.assert_allclose(graphs.norm_adj(CHAIN, "sym", True), [[1, 0, 0], [root, 0.5, 0], [0, 0.5, 0.5]])
    # Atom 0 hears nobody, so the reciprocal of its degree counts as 0, and what it sends is lost.
    np.testing.assert_array_equal(graphs.norm_adj(CHAIN, "sym", False), [[0, 0, 0], [0, 0, 0], [0, 1, 0]])


def test_both_sides_agree_with_the_laplacian_of_scipy(rng: np.random.Generator) -> None:
    A = np.triu(rng.random((6, 6)) < 0.5, 1).astype(float)
    A = A + A.T
    A[3] = A[:, 3] = 0  # alone
    expected = np.diag(A.sum(axis=1) > 0) - laplacian(A, normed=True)
    np.testing.assert_allclose(graphs.norm_adj(jnp.asarray(A), "sym", False), expected, atol=1e-6)


def test_rows_are_a_walk(rng: np.random.Generator) -> None:
    A = directed(rng, 7)
    np.testing.assert_allclose(graphs.norm_adj(A, "row", True).sum(axis=1), np.ones(7), rtol=1e-6)
    np.testing.assert_array_equal(graphs.norm_adj(jnp.zeros((3, 3)), "sym", False), np.zeros((3, 3)))
    assert graphs.norm_adj(jnp.zeros((1, 1)), "row", True).tolist() == [[1.0]]


@pytest.mark.parametrize("norm", ["row", "sym"])
def test_a_convolution_atom_by_atom(rng: np.random.Generator, norm: str) -> None:
    V, A, W = normal(rng, 5, 3), directed(rng, 5), normal(rng, 3, 4)
    hears = np.asarray(A, float) + np.eye(5)
    degree = hears.sum(axis=1)
    expected = np.zeros((5, 4))
    for i in range(5):
        for j in range(5):
            scale = degree[i] if norm == "row" else np.sqrt(degree[i] * degree[j])
            expected[i] += hears[i, j] / scale * (np.asarray(V[j], float) @ np.asarray(W, float))
    np.testing.assert_allclose(graphs.gcn(V, A, W, jnp.tanh, norm), np.tanh(expected), rtol=1e-4, atol=1e-5)


def test_a_convolution_agrees_with_pytorch_geometric(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    conv = pytest.importorskip("torch_geometric.nn").GCNConv(3, 4, bias=False)
    A = np.triu(rng.random((6, 6)) < 0.5, 1).astype(np.float32)
    A, V = A + A.T, normal(rng, 6, 3)
    dst, src = np.nonzero(A)
    with torch.no_grad():
        expected = conv(torch.tensor(np.asarray(V)), torch.tensor(np.stack([src, dst]))).numpy()
        W = jnp.asarray(conv.lin.weight.numpy().T)
    np.testing.assert_allclose(graphs.gcn(V, jnp.asarray(A), W, lambda x: x, "sym"), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["row", "sym"])
def test_a_convolution_does_not_mind_the_numbers_of_atoms(rng: np.random.Generator, norm: str) -> None:
    V, A, W, order = normal(rng, 5, 3), directed(rng, 5), normal(rng, 3, 4), np.array([3, 0, 4, 1, 2])
    out = graphs.gcn(V, A, W, jnp.tanh, norm)
    moved = graphs.gcn(V[order], A[order][:, order], W, jnp.tanh, norm)
    np.testing.assert_allclose(moved, out[order], rtol=1e-4, atol=1e-6)
    assert float(jnp.abs(graphs.gcn(V, A.T, W, jnp.tanh, norm) - out).max()) > 0.01


# ---- messages

SRC, DST = jnp.array([1, 2, 0, 3, 1, 1]), jnp.array([0, 0, 1, 1, 2, 2])  # the last edge twice; nothing arrives at 3


def edge_model(E: jax.Array, receiver: jax.Array, sender: jax.Array) -> jax.Array:
    return jnp.concatenate([jnp.tanh(sender - 2 * receiver) - 3.0, E * E], axis=1)


def atom_model(incoming: jax.Array, V: jax.Array) -> jax.Array:
    return jnp.concatenate([incoming, 10 * V], axis=1)


@pytest.mark.parametrize(("agg", "collect"), [("sum", np.sum), ("mean", np.mean), ("max", np.max)])
def test_messages_edge_by_edge(rng: np.random.Generator, agg: str, collect: object) -> None:
    V, E = normal(rng, 4, 3), normal(rng, 6, 2)
    V2, E2 = graphs.mp_layer(V, SRC, DST, E, edge_model, atom_model, agg)
    v, e = np.asarray(V, float), np.asarray(E, float)
    messages = [
        np.append(np.tanh(v[s] - 2 * v[r]) - 3, e[x] ** 2) for x, (s, r) in enumerate(zip(SRC, DST, strict=True))
    ]
    expected = np.zeros((4, 5))
    for i in range(3):
        expected[i] = collect([m for m, r in zip(messages, DST, strict=True) if r == i], axis=0)  # type: ignore[operator]
    np.testing.assert_allclose(E2, messages, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(V2, np.hstack([expected, 10 * v]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("agg", ["sum", "mean", "max"])
def test_messages_without_edges(rng: np.random.Generator, agg: str) -> None:
    nobody = jnp.zeros(0, jnp.int32)
    V2, E2 = graphs.mp_layer(normal(rng, 2, 3), nobody, nobody, jnp.zeros((0, 2)), edge_model, atom_model, agg)
    assert E2.shape == (0, 5)
    np.testing.assert_array_equal(V2[:, :5], np.zeros((2, 5)))


def test_a_block_by_hand() -> None:
    V, E, u = jnp.array([[1.0], [2.0]]), jnp.array([[10.0]]), jnp.array([100.0])
    V2, E2, u2 = graphs.graph_net_block(
        V,
        E,
        u,
        jnp.array([0]),
        jnp.array([1]),
        lambda E, r, s, u: E + 2 * r + 3 * s + u,  # 10 + 4 + 3 + 100
        lambda incoming, V, u: incoming + V - u,  # 0 + 1 - 100 and 117 + 2 - 100
        lambda edges, nodes, u: jnp.concatenate([edges, nodes, u]),
    )
    assert (V2.tolist(), E2.tolist(), u2.tolist()) == ([[-99.0], [19.0]], [[117.0]], [117.0, -80.0, 100.0])


def test_a_convolution_is_a_special_block(rng: np.random.Generator) -> None:
    V, A, W = normal(rng, 5, 3), directed(rng, 5), normal(rng, 3, 2)
    hat = np.asarray(graphs.norm_adj(A, "sym", True))
    dst, src = np.nonzero(hat)
    V2, _, _ = graphs.graph_net_block(
        V,
        jnp.asarray(hat[dst, src])[:, None],
        jnp.zeros(1),
        jnp.asarray(src),
        jnp.asarray(dst),
        lambda E, r, s, u: E * s,
        lambda incoming, V, u: jnp.tanh(incoming @ W),
        lambda edges, nodes, u: u,
    )
    np.testing.assert_allclose(V2, graphs.gcn(V, A, W, jnp.tanh, "sym"), rtol=1e-4, atol=1e-5)


# ---- readouts and symmetry


@pytest.mark.parametrize(("mode", "collect"), [("sum", np.sum), ("mean", np.mean), ("max", np.max)])
def test_readout_molecule_by_molecule(rng: np.random.Generator, mode: str, collect: object) -> None:
    V, gid = normal(rng, 8, 3) - 5.0, np.array([2, 0, -1, 2, 0, 4, 2, 9])
    expected = np.zeros((4, 3))
    for s in (0, 2):
        expected[s] = collect(np.asarray(V)[gid == s], axis=0)  # type: ignore[operator]
    np.testing.assert_allclose(graphs.readout(V, jnp.asarray(gid), 4, mode), expected, rtol=1e-5)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_readout_of_nothing_is_zero(mode: str) -> None:
    np.testing.assert_array_equal(graphs.readout(jnp.ones((0, 2)), jnp.zeros(0, int), 3, mode), np.zeros((3, 2)))


def weighted_by_place(V: jax.Array, A: jax.Array) -> jax.Array:
    return V * jnp.arange(V.shape[0])[:, None]


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda V, A: jnp.tanh(A @ V), "equivariant"),
        (lambda V, A: jnp.sum(A @ V, axis=0), "invariant"),
        (lambda V, A: jnp.sort(V, axis=0), "invariant"),
        (lambda V, A: jnp.zeros((V.shape[0], 2)), "invariant"),
        (lambda V, A: V[0], "neither"),
        (lambda V, A: jnp.cumsum(V, axis=0), "neither"),
        (lambda V, A: jnp.sum(V * jnp.roll(V, 1, axis=0)), "neither"),
        (lambda V, A: jnp.sum(A, axis=0), "equivariant"),
        (weighted_by_place, "neither"),
    ],
)
def test_symmetries_by_reasoning(f: object, expected: str) -> None:
    assert {graphs.symmetry_of(f, jax.random.key(seed)) for seed in range(10)} == {expected}  # type: ignore[arg-type]


# ---- memory, reach and distances


def test_a_gated_cell_row_by_row(rng: np.random.Generator) -> None:
    parts = normal(rng, 5, 4), normal(rng, 5, 3), normal(rng, 3, 3, 4), normal(rng, 3, 3, 3), normal(rng, 3, 3)
    x, h, W, U, b = (np.asarray(part, float) for part in parts)
    c = np.asarray(normal(rng, 3, 3), float)
    expected = np.zeros((5, 3))
    for row in range(5):
        r, z = (1 / (1 + np.exp(-(W[g] @ x[row] + b[g] + U[g] @ h[row] + c[g]))) for g in (0, 1))
        m = np.tanh(W[2] @ x[row] + b[2] + r * (U[2] @ h[row] + c[2]))
        expected[row] = (1 - z) * m + z * h[row]
    np.testing.assert_allclose(graphs.gru_cell(*parts, jnp.asarray(c, jnp.float32)), expected, rtol=1e-4, atol=1e-5)


def test_a_gated_cell_can_keep_and_replace() -> None:
    x, h, none, zero = jnp.ones((1, 2)), jnp.array([[0.3, -0.7, 2.0]]), jnp.zeros((3, 3, 2)), jnp.zeros((3, 3, 3))
    b = jnp.zeros((3, 3))
    np.testing.assert_allclose(graphs.gru_cell(x, h, none, zero, b.at[1].set(50.0), b), h)
    np.testing.assert_allclose(graphs.gru_cell(x, h, none, zero, b.at[1].set(-50.0).at[2].set(9.0), b), [[1, 1, 1]])


def test_a_gated_cell_agrees_with_pytorch(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    cell = torch.nn.GRUCell(4, 3)
    x, h = normal(rng, 5, 4), normal(rng, 5, 3)
    with torch.no_grad():
        expected = cell(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(h))).numpy()
        W, U = (jnp.asarray(m.numpy()).reshape(3, 3, -1) for m in (cell.weight_ih, cell.weight_hh))
        b, c = (jnp.asarray(m.numpy()).reshape(3, 3) for m in (cell.bias_ih, cell.bias_hh))
    np.testing.assert_allclose(graphs.gru_cell(x, h, W, U, b, c), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 200])
def test_reach_agrees_with_shortest_paths(rng: np.random.Generator, k: int) -> None:
    A = directed(rng, 8, 0.15)
    lengths = shortest_path(np.asarray(A).T, unweighted=True).T  # scipy's entry [i, j] is an edge from i to j
    found = graphs.receptive_field(A, k)
    assert found.dtype == bool
    np.testing.assert_array_equal(found, lengths <= k)


def test_reach_is_where_the_jacobian_of_layers_is_not_zero(rng: np.random.Generator) -> None:
    A, V = directed(rng, 7, 0.2), normal(rng, 7, 2)
    weights = [normal(rng, 2, 2) for _ in range(3)]

    def layers(V: jax.Array) -> jax.Array:
        for W in weights:
            V = graphs.gcn(V, A, W, jnp.tanh, "row")
        return V

    influence = jnp.abs(jax.jacrev(layers)(V)).sum(axis=(1, 3)) > 0
    np.testing.assert_array_equal(graphs.receptive_field(A, 3), influence)


@pytest.mark.parametrize(("n", "d", "k"), [(6, 2, 3), (5, 3, 1), (4, 3, 3), (7, 1, 2)])
def test_neighbours_agree_with_scikit_learn(rng: np.random.Generator, n: int, d: int, k: int) -> None:
    R = 100 + rng.normal(size=(n, d)).astype(np.float32)
    src, dst = graphs.knn_graph(jnp.asarray(R), k)
    expected = NearestNeighbors(n_neighbors=k).fit(R).kneighbors(return_distance=False)
    np.testing.assert_array_equal(src, expected.ravel())
    np.testing.assert_array_equal(dst, np.repeat(np.arange(n), k))


def test_few_atoms_and_atoms_at_one_place() -> None:
    src, dst = graphs.knn_graph(jnp.array([[0.0], [3.0], [4.0]]), 5)
    assert (src.tolist(), dst.tolist()) == ([1, 2, 2, 0, 1, 0], [0, 0, 1, 1, 2, 2])
    assert [part.tolist() for part in graphs.knn_graph(jnp.zeros((1, 3)), 2)] == [[], []]
    src, _ = graphs.knn_graph(jnp.zeros((2, 3)), 1)
    assert src.tolist() == [1, 0]


def test_bumps_agree_with_distances_of_scipy(rng: np.random.Generator) -> None:
    r, centers = np.abs(rng.normal(size=5)), np.linspace(0, 3, 4)
    expected = np.exp(-2.5 * cdist(r[:, None], centers[:, None], "sqeuclidean"))
    np.testing.assert_allclose(graphs.rbf(jnp.asarray(r), jnp.asarray(centers), 2.5), expected, rtol=1e-4, atol=1e-6)


def test_the_bend_agrees_with_numpy_far_out_as_well() -> None:
    x = np.array([-1000.0, -30.0, -1.0, 0.0, 0.5, 20.0, 1000.0])
    np.testing.assert_allclose(graphs.ssp(jnp.asarray(x)), np.logaddexp(x, 0) - np.log(2), rtol=1e-5, atol=1e-6)
    slopes = [float(jax.grad(graphs.ssp)(value)) for value in x]
    np.testing.assert_allclose(slopes, [0, 0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-0.5)), 1, 1], atol=1e-6)


def test_filters_pair_by_pair(rng: np.random.Generator) -> None:
    x, W, mask = normal(rng, 5, 3), normal(rng, 5, 5, 3), rng.random((5, 5)) < 0.5
    mask[1] = False
    mask[2, 2] = True
    expected = np.zeros((5, 3))
    for i in range(5):
        for j in range(5):
            if i != j and mask[i, j]:
                expected[i] += np.asarray(x[j]) * np.asarray(W[i, j])
    unused = jnp.asarray(~mask | np.eye(5, dtype=bool))[:, :, None]
    for filters in (W, jnp.where(unused, jnp.nan, W), jnp.where(unused, jnp.inf, W)):
        np.testing.assert_allclose(graphs.cfconv(x, filters, jnp.asarray(mask)), expected, rtol=1e-4, atol=1e-5)
