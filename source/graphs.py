# %% [markdown]
# # Graph neural networks: atoms that talk to their neighbours
#
# A table of descriptors, however long, is the same for every shape of molecule: so many carbons, so many oxygens, a
# mass. But ethanol and dimethyl ether have the same atoms, and one of them is a drink. What differs is who is bonded to
# whom. A **graph neural network** takes the molecule as chemists draw it, atoms and bonds, and lets each atom learn
# about its surroundings from its neighbours, one bond a layer. In this chapter you build one, layer by layer.
#
# **When you are done you will be able to**
#
# - turn a SMILES string into the arrays that a network reads;
# - write a graph convolution, and say what is averaged over what;
# - let messages travel along bonds, and collect atoms into molecules of different sizes;
# - test whether a layer cares how the atoms are numbered, and tell how far each atom can see;
# - replace bonds by distances, as models of forces and energies do.
#
# **You need** a little NumPy (axes, broadcasting, indexing with arrays, `@`), the chapters on regression and standard
# layers, and two or three hours. RDKit is needed for the first task only.
#
# **Read along**: [*Graph Neural Networks*](https://dmol.pub/dl/gnn.html) in *Deep Learning for Molecules and Materials*
# by Andrew White tells the theory. The text and the tasks here are our own.

# %% [markdown]
# ## How this notebook works
#
# Complete the functions, and run the check below each as often as you like. The [course page](course.md) tells how checks
# and hints work, what happens after you hand in, and what holds in every notebook: axes, adjacency, randomness, what a
# function may take and return. In this chapter, besides:
#
# - The first axis counts atoms (or edges): `V[i]` is atom *i*.
# - Not every graph is a molecule: `A` may differ from `A.T`, and the row of `A` belongs to the one who listens.
# - In a list of edges, edge number x goes from atom `src[x]` to atom `dst[x]`.

# %%
import jax
import jax.numpy as jnp
import numpy as np

from autograder.client import check, example, hint

try:
    import matplotlib.pyplot as plt
except ImportError:  # the tasks need no plots
    plt = None


def reward(show):
    """Run `show`, or say politely what is still missing. Used for the pictures between the tasks."""
    try:
        show()
    except NotImplementedError:
        print("Nothing to see yet: complete the functions above, then run this cell again.")
    except Exception as problem:
        print(f"Nothing to see yet, one of the functions above stumbled: {type(problem).__name__}: {problem}")
    return show


# %% tags=["author"]
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from autograder.author import Key, Tolerance, close, exercise, given, written
from solutions import graphs

keras = graphs.keras  # imported there, because `solutions` chooses what it computes with


def arrays(*values):
    """The arguments as NumPy arrays, in the precision in which they came."""
    return [np.asarray(value) for value in values]


# %% [markdown]
# ## 1. A molecule is a graph
#
# Atoms are the nodes, bonds the edges. For a computer that makes three tables. **V** says what the atoms are: one row
# for each, with a 1 in the column of its element and 0 elsewhere (a *one-hot* row). **A**, the adjacency matrix, says
# who is bonded to whom. **B** says what kind of bond it is. Water, with its hydrogens, and with the columns O and H:
#
# ```
#         O  H           O  H  H
#     O   1  0       O   0  1  1
# V = H   0  1   A = H   1  0  0
#     H   0  1       H   1  0  0
# ```
#
# RDKit reads SMILES strings and knows the rest of chemistry. Five lines of it are enough to get started:

# %%
try:
    from rdkit import Chem

    ethanol = Chem.MolFromSmiles("CCO")
    print("atoms:", [atom.GetSymbol() for atom in ethanol.GetAtoms()])
    print("with hydrogens:", Chem.AddHs(ethanol).GetNumAtoms())
    for bond in ethanol.GetBonds():
        print("bond", bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondType(), "in a ring:", bond.IsInRing())
except ImportError:
    print("RDKit is not installed here. You can skip the first task: nothing below depends on it.")

# %% [markdown]
# Each bond is listed *once*, with its ends in some order. What does that mean for a table whose rows listen and whose
# columns send?

# %%
mol_graph = exercise(
    graphs.mol_graph,
    points=4,
    hints=(
        "`Chem.AddHs` returns a *new* molecule, with atoms for the hydrogens at the end.",
        "RDKit lists every bond once. Your tables need it twice: from either end.",
        "`bond.GetBondType()` is one of `Chem.BondType.SINGLE`, `DOUBLE`, `TRIPLE`, `AROMATIC`; `bond.IsInRing()` asks "
        "about the bond itself, not about its atoms.",
    ),
)

COH, HNOC, CCl = ["C", "O", "H"], ["H", "N", "O", "C"], ["Cl", "C", "H"]
SINGLE = np.zeros((6, 6, 5))
for i, j in ((0, 1), (0, 2), (0, 3), (0, 4), (1, 5)):
    SINGLE[i, j, 0] = SINGLE[j, i, 0] = 1

mol_graph.case(
    "methanol",
    "CO",
    COH,
    expect=(np.array([[1, 0, 0], [0, 1, 0], *[[0, 0, 1]] * 4], float), SINGLE[:, :, 0], SINGLE),
)
mol_graph.case("hydrogen cyanide", "C#N", HNOC)
mol_graph.case("cyclopropene", "C1=CC1", HNOC)
mol_graph.case("water, with the hydrogens first", "O", ["H", "O"], weight=0.5)
mol_graph.case("ethanol", "CCO", HNOC, hidden=True)
mol_graph.case("acetic acid", "CC(=O)O", COH, hidden=True)
mol_graph.case("furan", "c1ccoc1", HNOC, hidden=True)
mol_graph.case("styrene", "C=Cc1ccccc1", COH, hidden=True)
mol_graph.case("two rings and the bond between them", "C1CC1C1CC1", HNOC, hidden=True)
mol_graph.case("an aromatic ring beside another one", "C1CC1c1ccoc1", HNOC, hidden=True)
mol_graph.case("an element that is not in the list", "ClCC#C", COH, hidden=True)
mol_graph.case("two elements that are not in the list", "FCBr", COH, hidden=True)
mol_graph.case("hydrogens that are written", "[H]OC([H])=O", COH, hidden=True)
mol_graph.case("an ion pair without a bond", "[Na+].[Cl-]", ["Cl", "Na"], hidden=True)
mol_graph.case("a single atom", "[He]", ["He", "Ne"], hidden=True, weight=0.5)
mol_graph.case("chloromethane", "CCl", CCl, hidden=True)


@mol_graph.law
def tables_fit_together(f, rng):
    """A and B are symmetric, every bond has exactly one kind, and every atom one element."""
    V, A, B = f("OC=CC#N", ["C", "N", "O", "H"])
    both = np.array_equal(A, A.T) and np.array_equal(B, np.swapaxes(B, 0, 1)) and np.array_equal(B[..., :4].sum(-1), A)
    return both and V.shape == (8, 4) and bool(np.all(V.sum(1) == 1)) and A.sum() == 14


@mol_graph.law(hidden=True)
def spellings(f, rng):
    """Two spellings of one molecule give the same graph but for the order of the atoms; an isomer gives another."""
    (V, A, _), (V2, A2, _), (V3, A3, _) = (f(smiles, COH) for smiles in ("CCO", "OCC", "COC"))
    hears = [np.sort((table @ atoms) @ [1.0, 10.0, 100.0]) for atoms, table in ((V, A), (V2, A2), (V3, A3))]
    return close(hears[0], hears[1]) and not close(hears[0], hears[2]) and close(V.sum(0), V3.sum(0))


def graph_of(smiles, elements, *, add=True, kekulize=False, back=(1, 1), ring=None, order=None, other=None):
    """The right tables in NumPy, with one thing changed."""
    from rdkit import Chem

    mol = Chem.MolFromSmiles(smiles)
    mol = Chem.AddHs(mol) if add else mol
    if kekulize:
        Chem.Kekulize(mol, clearAromaticFlags=True)
    symbols, columns = [atom.GetSymbol() for atom in mol.GetAtoms()], order(elements) if order else elements
    n = len(symbols)
    V, A, B = np.zeros((n, len(elements))), np.zeros((n, n)), np.zeros((n, n, 5))
    for i, symbol in enumerate(symbols):
        if symbol in columns:
            V[i, columns.index(symbol)] = 1
        elif other is not None:
            V[i, other] = 1
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        kind = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC").index(str(bond.GetBondType()))
        circle = ring(bond) if ring else bond.IsInRing()
        A[i, j] = B[i, j, kind] = 1
        B[i, j, 4] = circle
        A[j, i], B[j, i] = max(back[0], A[j, i]), back[1] * B[i, j]
    return V, A, B


@mol_graph.mistake
def hydrogens_forgotten(smiles, elements):
    """The hydrogens that the SMILES string does not write are missing from your graph. `Chem.AddHs` returns a new
    molecule that has them."""
    return graph_of(smiles, elements, add=False)


@mol_graph.mistake
def one_direction(smiles, elements):
    """RDKit lists every bond once, and you write it once: from its first atom to its second, but not back. In a
    molecule both atoms hear each other."""
    return graph_of(smiles, elements, back=(0, 0))


@mol_graph.mistake
def kinds_in_one_direction(smiles, elements):
    """A knows every bond from both ends, B only from one: write the five features at [j, i] too."""
    return graph_of(smiles, elements, back=(1, 0))


@mol_graph.mistake
def bonded_to_itself(smiles, elements):
    """Your atoms are bonded to themselves: the diagonal of A should be 0. Some layers add such loops later, and would
    then count them twice."""
    V, A, B = graph_of(smiles, elements)
    return V, A + np.eye(len(A)), B


@mol_graph.mistake
def orders_in_A(smiles, elements):
    """Your A holds bond orders (2 for a double bond, 1.5 for an aromatic one). A only says whether there is a bond; its
    kind is the business of B."""
    V, _, B = graph_of(smiles, elements)
    return V, B @ np.array([1, 2, 3, 1.5, 0]), B


@mol_graph.mistake
def columns_in_alphabetical_order(smiles, elements):
    """Your columns are in alphabetical order. They should be in the order of `elements`, whatever that is."""
    return graph_of(smiles, elements, order=sorted)


@mol_graph.mistake
def columns_in_order_of_appearance(smiles, elements):
    """Your columns are in the order in which the elements appear in the molecule, so that the same column means carbon
    in one molecule and oxygen in the next. Use the order of `elements`."""
    from rdkit import Chem

    met = [atom.GetSymbol() for atom in Chem.AddHs(Chem.MolFromSmiles(smiles)).GetAtoms()]
    return graph_of(smiles, elements, order=lambda names: sorted(names, key=[*met, *names].index))


@mol_graph.mistake
def alternating_double_bonds(smiles, elements):
    """Your aromatic rings are made of single and double bonds in turn. RDKit gives these bonds a kind of their own,
    `AROMATIC`, because all bonds of the ring are alike; do not kekulize."""
    return graph_of(smiles, elements, kekulize=True)


@mol_graph.mistake
def atoms_in_rings(smiles, elements):
    """You call a bond a ring bond when both of its *atoms* are in rings. A bond that joins two rings is in neither: ask
    the bond."""
    return graph_of(smiles, elements, ring=lambda bond: bond.GetBeginAtom().IsInRing() and bond.GetEndAtom().IsInRing())


@mol_graph.mistake
def only_aromatic_rings(smiles, elements):
    """Your last feature is 1 for aromatic bonds only. Cyclopropane has a ring as well, and no aromatic bond."""
    return graph_of(smiles, elements, ring=lambda bond: bond.GetIsAromatic())


@mol_graph.mistake
def rings_left_out(smiles, elements):
    """The last of your five features is always 0: it says whether the bond is part of a ring."""
    return graph_of(smiles, elements, ring=lambda bond: False)


@mol_graph.mistake
def unknown_is_the_last(smiles, elements):
    """Atoms whose element is not in the list end up in the last column, as if they were of that element. (An index of
    -1 does that, silently.) Their row should be zeros."""
    return graph_of(smiles, elements, other=-1)


@mol_graph.mistake
def unknown_stops_everything(smiles, elements):
    """Your function stops with an error when `elements` lacks the element of an atom. Such an atom is still part of the
    molecule: its row in V should be zeros. (`elements.index` raises an error for what it does not find; comparing the
    symbol with each element does not.)"""
    from rdkit import Chem

    for atom in Chem.MolFromSmiles(smiles).GetAtoms():
        elements.index(atom.GetSymbol())
    return graph_of(smiles, elements)


@mol_graph.mistake
def unknown_is_the_first(smiles, elements):
    """Atoms whose element is not in the list end up in the first column, as if they were of that element. Their row
    should be zeros."""
    return graph_of(smiles, elements, other=0)


mol_graph.equivalent(
    "i, j = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) -> i, j = (bond.GetEndAtomIdx(), bond.GetBeginAtomIdx())",
    because="both directions are written",
)


@mol_graph.alternate
def matrices_of_rdkit(smiles, elements):
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    orders = np.asarray(Chem.GetAdjacencyMatrix(mol, useBO=True), np.float32)
    V = np.equal.outer([atom.GetSymbol() for atom in mol.GetAtoms()], elements).astype(np.float32)
    ring = np.zeros_like(orders)
    for bond in mol.GetRingInfo().BondRings():
        for number in bond:
            ends = mol.GetBondWithIdx(number)
            ring[ends.GetBeginAtomIdx(), ends.GetEndAtomIdx()] = ring[ends.GetEndAtomIdx(), ends.GetBeginAtomIdx()] = 1
    return V, np.sign(orders), np.stack([*(orders == order for order in (1, 2, 3, 1.5)), ring], axis=2).astype(float)


@mol_graph.alternate
def neighbours_of_each_atom(smiles, elements):
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    n = mol.GetNumAtoms()
    V, B = np.zeros((n, len(elements)), np.float32), np.zeros((n, n, 5), np.float32)
    for atom in mol.GetAtoms():
        for column, element in enumerate(elements):
            V[atom.GetIdx(), column] = atom.GetSymbol() == element
        for bond in atom.GetBonds():
            tests = [bond.GetBondTypeAsDouble() == order for order in (1.0, 2.0, 3.0, 1.5)]
            B[atom.GetIdx(), bond.GetOtherAtomIdx(atom.GetIdx())] = [*tests, bond.IsInRing()]
    return V, B[..., :4].any(axis=-1).astype(int), B


@mol_graph.alternate
def pair_by_pair(smiles, elements):
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    atoms = list(mol.GetAtoms())
    places = {element: place for place, element in enumerate(elements)}
    V = jax.nn.one_hot(jnp.array([places.get(atom.GetSymbol(), -1) for atom in atoms]), len(elements))
    types = ["SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"]
    B = []
    for a in atoms:
        B.append([])
        for b in atoms:
            bond = mol.GetBondBetweenAtoms(a.GetIdx(), b.GetIdx())
            name = bond.GetBondType().name if bond else None
            B[-1].append([*(name == t for t in types), bool(bond and bond.IsInRing())])
    B = np.array(B, dtype=np.float32)
    return V, jnp.asarray(B.sum(2) > 0).astype(float), B


@mol_graph.oracle
def molfile(smiles, elements):
    """The graph read from the text of a molfile, and rings found by taking bonds out one at a time."""
    from rdkit import Chem
    from scipy.sparse.csgraph import connected_components

    lines = Chem.MolToMolBlock(Chem.AddHs(Chem.MolFromSmiles(smiles)), kekulize=False).splitlines()
    n, bonds = int(lines[3][:3]), int(lines[3][3:6])
    V = np.array([[float(line.split()[3] == element) for element in elements] for line in lines[4 : 4 + n]])
    pairs = [(int(line[:3]) - 1, int(line[3:6]) - 1, int(line[6:9])) for line in lines[4 + n : 4 + n + bonds]]
    A, B = np.zeros((n, n)), np.zeros((n, n, 5))
    for i, j, _ in pairs:
        A[[i, j], [j, i]] = 1
    for i, j, kind in pairs:
        without = A.copy()
        without[[i, j], [j, i]] = 0
        B[[i, j], [j, i], kind - 1] = 1
        B[[i, j], [j, i], 4] = connected_components(without)[0] == connected_components(A)[0]
    return V, A, B


# %% [markdown]
# Your reward: three isomers of C₃H₆O. Their atoms are the same, and so is every count of atoms; their graphs are not.


# %%
@reward
def three_isomers():
    for name, smiles in (("acetone", "CC(C)=O"), ("propanal", "CCC=O"), ("oxetane", "C1COC1")):
        V, A, B = (np.asarray(table) for table in mol_graph(smiles, ["C", "O", "H"]))
        kinds = B.sum(axis=(0, 1)) / 2
        hydrogens = (A @ V)[:, 2][V[:, 0] == 1]
        print(f"{name:9s} C, O, H: {V.sum(axis=0).astype(int)}   hydrogens on each carbon: {hydrogens.astype(int)}")
        print(f"{'':9s} single {kinds[0]:.0f}, double {kinds[1]:.0f}, in a ring {kinds[4]:.0f}")


# %% [markdown]
# For the rest of the chapter, here are some molecules as graphs, so that you can go on whatever became of the first
# task. To keep tables small the hydrogens are left out. The number is the solubility in water, measured and rounded:
# its logarithm, log S, in log(mol/L).

# %%
TABLE = """
ethanol        1.1  CCO             0-1 1-2
urea           1.0  NCNO            0-1 1-2 1-3
phenol         0.0  OCCCCCC         0-1 1-2 2-3 3-4 4-5 5-6 6-1
aniline       -0.4  NCCCCCC         0-1 1-2 2-3 3-4 4-5 5-6 6-1
caffeine      -0.9  CNCOCCNCNCNCCO  0-1 1-2 2-3 2-4 4-5 5-6 6-7 7-8 8-9 5-10 10-11 10-12 12-13 12-1 8-4
paracetamol   -1.0  CCONCCCCOCC     0-1 1-2 1-3 3-4 4-5 5-6 6-7 7-8 7-9 9-10 10-4
benzene       -1.6  CCCCCC          0-1 1-2 2-3 3-4 4-5 5-0
toluene       -2.2  CCCCCCC         0-1 1-2 2-3 3-4 4-5 5-6 6-1
octanol       -2.4  CCCCCCCCO       0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8
naphthalene   -3.6  CCCCCCCCCC      0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-0 8-3
hexane        -3.8  CCCCCC          0-1 1-2 2-3 3-4 4-5
anthracene    -6.4  CCCCCCCCCCCCCC  0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-10 10-11 11-12 12-13 13-0 12-3 10-5
"""
ROWS = {row.split()[0]: row.split()[1:] for row in TABLE.strip().splitlines()}


def molecule(name):
    """Elements, one-hot features (C, N, O), and the bonds in both directions as `src` and `dst`."""
    _, elements, *bonds = ROWS[name]
    one_way = [tuple(map(int, bond.split("-"))) for bond in bonds]
    ends = np.array(one_way + [(b, a) for a, b in one_way], np.int32).T
    features = [[float(element == column) for column in "CNO"] for element in elements]
    return elements, jnp.array(features), jnp.array(ends[0]), jnp.array(ends[1])


def adjacency(src, dst, n):
    """The list of edges as a matrix: row `dst`, column `src`."""
    return jnp.zeros((n, n)).at[dst, src].set(1.0)


elements, features, src, dst = molecule("caffeine")
A = adjacency(src, dst, len(elements))
labels = [f"{element}{i}" for i, element in enumerate(elements)]
print("caffeine:", " ".join(labels))
print("its neighbours, counted:", A.sum(axis=1).astype(int))

# %% [markdown]
# ## 2. Sums over neighbours, and averages
#
# Multiply `A` with any table of features, and look at row *i*: it is the sum of the rows of all atoms that send to *i*.
# That one product is what graph networks are made of.

# %%
print("N1 of caffeine has the neighbours", [labels[j] for j in np.flatnonzero(np.asarray(A[1]))])
print("row 1 of A @ V counts them as C, N, O:", (A @ features)[1])

# %% [markdown]
# Sums have two weaknesses. An atom forgets itself: row *i* of `A @ V` knows nothing of atom *i*. The cure is a *loop*,
# an edge from every atom to itself, which is the identity matrix added to A. And sums grow with the number of
# neighbours, layer after layer, so crowded atoms shout. The cure is to divide by the **degree**: the sum over a row.
#
# There are two customs. `"row"` divides each row by its degree, which makes sums into averages. `"sym"`, the formula of
# the paper that gave the graph convolution its name, shares the division between the two ends of an edge: a sender with
# many listeners counts less. In the chain 0 → 1 → 2 with loops, atom 0 hears only itself, so its degree is 1; atom 1
# hears 0 and itself, so its degree is 2. Hence the entry [1, 0] is 1/2 with `"row"` and 1/√2 with `"sym"`.
#
# And a trap: what is 1 by the degree of an atom that hears nobody, not even itself?

# %%
norm_adj = exercise(
    graphs.norm_adj,
    points=4,
    hints=(
        "Do things in order: first the loops, then the degrees, then the division.",
        "The degrees as a column, [n, 1], divide rows; as a row, [1, n], they divide columns. Does a `norm` need one "
        "of the two, or both?",
        "Make the reciprocals of the degrees first, with `jnp.where(degree > 0, ..., 0)`, and multiply with them: a "
        "zero then stays a zero.",
    ),
)

# Directed on purpose: atom 4 hears nobody but is heard, atom 2 hears one and sends to two.
HEARD = np.array([[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]], float)
# The same, and an atom without any edge.
ALONE = np.pad(HEARD, ((1, 0), (1, 0)))
LOOPED = HEARD + np.diag([0.0, 1, 0, 0, 1])
WEIGHTS = HEARD * (1 + np.arange(1, 26).reshape(5, 5) % 3) / 2
CHAIN = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
ROOT = math.sqrt(0.5)


def renumbered(A):
    """The same graph in every draw, with the atoms in an order of the draw."""

    def drawn(rng):
        order = rng.permutation(len(A))
        return A[order][:, order]

    return drawn


norm_adj.case("a chain, row by row", CHAIN, "row", True, expect=np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]]))
norm_adj.case("a chain, both sides", CHAIN, "sym", True, expect=np.array([[1, 0, 0], [ROOT, 0.5, 0], [0, 0.5, 0.5]]))
norm_adj.case("a chain without loops", CHAIN, "row", False, expect=CHAIN)
norm_adj.probe("five atoms, both sides, no loops", n=5, A=renumbered(HEARD), norm="sym", self_loops=False)
for name, graph in (("five atoms", HEARD), ("an atom alone", ALONE), ("loops in A", LOOPED), ("weighted", WEIGHTS)):
    for norm in ("row", "sym"):
        for loops in (True, False):
            label = f"{name}: {norm}, {'with' if loops else 'without'} loops"
            norm_adj.probe(label, hidden=True, n=len(graph), A=renumbered(graph), norm=norm, self_loops=loops)
norm_adj.case("no edges", np.zeros((3, 3)), "row", False, hidden=True, weight=0.5, expect=np.zeros((3, 3)))
norm_adj.case("no edges, both sides", np.zeros((3, 3)), "sym", False, hidden=True, weight=0.5, expect=np.zeros((3, 3)))
norm_adj.case("a single atom", np.zeros((1, 1)), "sym", True, hidden=True, weight=0.5, expect=np.ones((1, 1)))


@norm_adj.law
def averages(f, rng):
    """With "row", the rows of atoms that hear somebody add up to 1; an average of equal numbers is that number."""
    A = np.array([[0, 2, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1], [0, 1, 0, 3]], float)
    looped, plain = f(A, "row", True), f(A, "row", False)
    return close(looped.sum(1), np.ones(4)) and close(plain.sum(1), np.array([1.0, 0.0, 1.0, 1.0]))


@norm_adj.law(hidden=True)
def other_numbers(f, rng):
    """Number the atoms differently, and rows and columns follow; turn all arrows round, and the answer changes."""
    order = np.array([3, 0, 4, 1, 2])
    outs = {norm: f(WEIGHTS, norm, True) for norm in ("row", "sym")}
    follows = all(close(f(WEIGHTS[order][:, order], norm, True), outs[norm][order][:, order]) for norm in outs)
    return follows and not any(close(f(WEIGHTS.T.copy(), norm, True).T, outs[norm], rtol=0.01) for norm in outs)


@norm_adj.law(hidden=True)
def a_stable_sum(f, rng):
    """Of an undirected graph, "sym" gives a symmetric table with no eigenvalue beyond 1, and "row" the same ones."""
    A = np.triu(rng.random((6, 6)) < 0.5, 1) + np.eye(6, k=1)
    A = (A + A.T > 0).astype(float)
    sym, row = f(A, "sym", True), f(A, "row", True)
    high = np.linalg.eigvalsh(sym.astype(float))
    return close(sym, sym.T) and close(high[-1], 1.0) and close(np.sort(np.linalg.eigvals(row).real), high, atol=1e-4)


def scaled(A, norm, self_loops, *, degrees=None, loop=None, power=None, zero=0.0):
    """The right answer in NumPy, with one thing changed. `degrees` makes both degrees from A and A with its loops."""
    A = np.asarray(A, float)
    looped = (A + np.eye(len(A)) if loop is None else loop(A)) if self_loops else A
    left, right = degrees(A, looped) if degrees else (looped.sum(axis=1),) * 2
    power = power or ((1, 0) if norm == "row" else (0.5, 0.5))
    with np.errstate(all="ignore"):
        left, right = (
            np.where(d > 0, d**-p, zero) if p else np.ones(len(A)) for d, p in zip((left, right), power, strict=True)
        )
        return left[:, None] * looped * right


@norm_adj.mistake
def degrees_before_the_loops(A, norm, self_loops):
    """Your degrees are those of A before the loops were added, so a row has one number more than its degree counts. Add
    I first, then sum the rows."""
    return scaled(A, norm, self_loops, degrees=lambda A, looped: (A.sum(axis=1),) * 2)


@norm_adj.mistake
def sums_of_columns(A, norm, self_loops):
    """Your degrees are sums of columns: to how many an atom *sends*. `A[i, j]` means that j sends to i, so what arrives
    at i is the sum of row i. In an undirected molecule you would never notice."""
    return scaled(A, norm, self_loops, degrees=lambda A, looped: (looped.sum(axis=0),) * 2)


@norm_adj.mistake
def rows_left_columns_right(A, norm, self_loops):
    """For "sym" you divide by the sum of the listener's row and by the sum of the sender's *column*. That is a custom
    for directed graphs, but here both degrees are sums of rows."""
    return scaled(A, norm, self_loops, degrees=lambda A, looped: (looped.sum(axis=1), looped.sum(axis=0)))


@norm_adj.mistake
def nothing_by_nothing(A, norm, self_loops):
    """An atom that hears nobody has degree 0, and 0 by 0 is NaN. Its row should be zeros."""
    looped = np.asarray(A, np.float32) + (np.eye(len(A), dtype=np.float32) if self_loops else 0)
    degree = looped.sum(axis=1)
    with np.errstate(all="ignore"):
        return looped / (degree[:, None] if norm == "row" else np.sqrt(degree[:, None] * degree))


@norm_adj.mistake
def always_row(A, norm, self_loops):
    """You divide each row by its degree, also when "sym" is asked for. A published layer with the name of that formula
    does the same; it makes another model."""
    return scaled(A, "row", self_loops)


@norm_adj.mistake
def always_sym(A, norm, self_loops):
    """You divide by both degrees, also when "row" is asked for."""
    return scaled(A, "sym", self_loops)


@norm_adj.mistake
def root_forgotten(A, norm, self_loops):
    """For "sym" you divide by the product of the two degrees. The formula has the *root* of that product."""
    return scaled(A, norm, self_loops, power=None if norm == "row" else (1, 1))


@norm_adj.mistake
def down_the_columns(A, norm, self_loops):
    """For "row" you divide each *column* by the degree of its sender, so the rows do not become averages. The degree
    needs an axis of length 1 at the end to divide row by row: `degree[:, None]`."""
    return scaled(A, norm, self_loops, power=(0, 1) if norm == "row" else None)


@norm_adj.mistake
def loops_always(A, norm, self_loops):
    """You add I also when `self_loops` is False."""
    return scaled(A, norm, True)


@norm_adj.mistake
def loops_never(A, norm, self_loops):
    """You do not add I when `self_loops` is True, so that atoms forget themselves."""
    return scaled(A, norm, False)


@norm_adj.mistake
def loops_overwritten(A, norm, self_loops):
    """You *set* the diagonal to 1. A loop that is in A already counts on top: I is added."""
    return scaled(A, norm, self_loops, loop=lambda A: np.where(np.eye(len(A)) > 0, 1.0, A))


@norm_adj.mistake
def neighbours_counted(A, norm, self_loops):
    """Your degrees count the edges. They should add up their weights, which need not be 1."""
    return scaled(A, norm, self_loops, degrees=lambda A, looped: ((looped > 0).sum(axis=1).astype(float),) * 2)


@norm_adj.mistake
def harmless_degrees(A, norm, self_loops):
    """You treat a degree of 0 as 1. That keeps NaN away, but the reciprocal of such a degree should count as 0: with
    "sym", what is sent by an atom that hears nobody is lost."""
    return scaled(A, norm, self_loops, zero=1.0)


norm_adj.equivalent(
    "looped = A + jnp.eye(A.shape[0]) if self_loops else A -> looped = A + jnp.eye(A.shape[1]) if self_loops else A",
    because="A is square",
)


@norm_adj.alternate
def in_numpy(A, norm, self_loops):
    A = np.array(A, dtype=float)
    if self_loops:
        A[np.diag_indices(len(A))] += 1
    d = A.sum(1, keepdims=True)
    root = np.divide(1, np.sqrt(d), out=np.zeros_like(d), where=d != 0)
    return root**2 * A if norm == "row" else root * A * root.T


@norm_adj.alternate
def diagonal_matrices(A, norm, self_loops):
    A = A + self_loops * jnp.identity(len(A))
    D = jnp.diag(A @ jnp.ones(len(A)))
    power = jnp.diag(jnp.nan_to_num(jnp.diag(D) ** (-1.0 if norm == "row" else -0.5), posinf=0.0))
    return power @ A if norm == "row" else power @ A @ power


@norm_adj.alternate
def entry_by_entry(A, norm, self_loops):
    A, n = np.asarray(A, np.float32), len(A)
    hat = [[float(A[i, j]) + (1.0 if self_loops and i == j else 0.0) for j in range(n)] for i in range(n)]
    d = [sum(row) for row in hat]
    out = np.zeros((n, n), np.float32)
    for i in range(n):
        for j in range(n):
            below = d[i] if norm == "row" else math.sqrt(d[i]) * math.sqrt(d[j])
            if below:
                out[i, j] = hat[i][j] / below
    return out


@norm_adj.oracle
def sparse_matrices(A, norm, self_loops):
    """By a pseudo-inverse, which knows that 1/0 is 0, and by sparse products."""
    from scipy.linalg import sqrtm
    from scipy.sparse import csr_array, eye_array

    A = csr_array(np.asarray(A, float))
    A = A + eye_array(A.shape[0]) if self_loops else A
    inverse = np.linalg.pinv(np.diag(np.asarray(A.sum(axis=1)).ravel()))
    if norm == "row":
        return inverse @ A.toarray()
    root = np.real(sqrtm(inverse))
    return root @ A.toarray() @ root


# %% [markdown]
# Your reward: averages of averages. Row *i* of the normalised table says how much atom *i* hears of each atom. Multiply
# the table with itself, and it hears the neighbours of its neighbours. What is left of an atom's own voice?


# %%
@reward
def own_voice():
    table = np.asarray(norm_adj(A, "row", True))
    print("share of its own voice that N1, C2, O3 and C4 of caffeine hear")
    for layers in (1, 2, 4, 16, 64):
        own = np.diagonal(np.linalg.matrix_power(table, layers))[1:5]
        print(f"after {layers:2d} layers: " + "  ".join(f"{share:.3f}" for share in own))
    degree = np.asarray(A.sum(axis=1)) + 1
    print("their degrees / all degrees: " + "  ".join(f"{share:.3f}" for share in (degree / degree.sum())[1:5]))


# %% [markdown]
# After many averages only the degrees are left: all atoms say the same, whatever they were. That is called
# *over-smoothing*, and it is why graph networks have few layers, and something to learn between them.
#
# ## 3. A graph convolution
#
# Now for that something. A **graph convolution** takes the normalised sum over the neighbours, multiplies it with a
# matrix of weights `W`, the same for all atoms, and bends the result with an *activation* such as relu. The bend comes
# last. Were it not there, ten layers could do no more than one: a product of matrices is a matrix.


# %% tags=["author"]
@given
def relu(x):
    return jnp.maximum(x, 0.0)


@given
def bent(x):
    return jnp.tanh(x) + 0.25 * x + 0.5


@given
def squashed(x):
    return 1.0 / (1.0 + jnp.exp(-2.0 * x))


# %%
gcn = exercise(
    graphs.gcn,
    points=4,
    needs=[norm_adj],
    hints=(
        "You have the normalised table. Its shape is [n, n], that of V is [n, f], that of W [f, g]: in which order can "
        "they be multiplied?",
        "One line: three matrices, and `act` of the product. Which argument of `norm_adj` is always the same here?",
    ),
)


gcn.case(
    "a chain of three, averaged",
    np.array([[2.0, 0.0], [4.0, 0.0], [-8.0, 1.0]]),
    CHAIN,
    np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    relu,
    "row",
    expect=np.array([[2.0, 0, 0], [3.0, 0, 0], [0, 0.5, 2.0]]),
)
gcn.probe("five atoms, both sides", n=5, f=3, g=2, A=renumbered(HEARD), act=bent, norm="sym")
gcn.probe("an atom alone, averaged", n=6, f=3, g=2, A=renumbered(ALONE), act=bent, norm="row")
gcn.probe("more features than before", hidden=True, n=5, f=2, g=4, A=renumbered(HEARD), act=squashed, norm="row")
gcn.probe("more features, both sides", hidden=True, n=5, f=2, g=4, A=renumbered(HEARD), act=squashed, norm="sym")
gcn.probe("as many features as atoms", hidden=True, n=5, f=5, g=5, A=renumbered(HEARD), act=bent, norm="row")
gcn.probe("as many features, both sides", hidden=True, n=5, f=5, g=5, A=renumbered(WEIGHTS), act=bent, norm="sym")
gcn.probe("relu, bonds with weights", hidden=True, n=5, f=2, g=4, A=renumbered(WEIGHTS), act=relu, norm="row")
gcn.probe("loops in the graph", hidden=True, n=5, f=2, g=4, A=renumbered(LOOPED), act=bent, norm="row")
gcn.probe("no edge at all", hidden=True, weight=0.5, n=5, f=2, g=4, A=lambda rng: np.zeros((5, 5)), act=bent,
          norm="sym")  # fmt: skip
gcn.probe("a single atom", hidden=True, weight=0.5, n=1, f=3, g=2, A=lambda rng: np.zeros((1, 1)), act=bent, norm="row")


@gcn.law
def numbering(f, rng):
    """Number the atoms differently, and the rows of the answer follow: the layer is equivariant."""
    V, W, order = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.array([2, 0, 3, 1])
    A = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0]], float)
    out = f(V, A, W, jnp.tanh, "sym")
    return close(f(V[order], A[order][:, order], W, jnp.tanh, "sym"), out[order])


@gcn.law(hidden=True)
def along_the_arrows(f, rng):
    """A change at an atom arrives at those it sends to, and at itself, and nowhere else."""
    V, W = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))
    other = V.copy()
    other[2] += 1.0
    pairs = [(f(other, HEARD, W, jnp.tanh, norm), f(V, HEARD, W, jnp.tanh, norm)) for norm in ("row", "sym")]
    told = [np.abs(new - old).max(axis=1) for new, old in pairs]
    return all(close(t[[1, 4]], 0.0, atol=1e-6) and bool(np.all(t[[0, 2, 3]] > 1e-5)) for t in told)


@gcn.law(hidden=True)
def the_last_word(f, rng):
    """`act` is called once, with a table of the right shape, and what it says is the answer."""
    seen, said = [], rng.normal(size=(5, 2))

    def act(table):
        seen.append(np.shape(table))
        return said

    return close(f(rng.normal(size=(5, 3)), HEARD, rng.normal(size=(3, 2)), act, "row"), said) and seen == [(5, 2)]


@gcn.mistake
def atoms_forget_themselves(V, A, W, act, norm):
    """The loops are missing: your atoms hear their neighbours and forget themselves. Normalise A + I."""
    return act(jnp.asarray(scaled(A, norm, False)) @ V @ W)


@gcn.mistake
def arrows_reversed(V, A, W, act, norm):
    """You use A transposed. `A[i, j] = 1` means that j sends to i, so A @ V collects at i. In an undirected molecule
    you would never notice."""
    return act(jnp.asarray(scaled(A, norm, True)).T @ V @ W)


@gcn.mistake
def sums_not_averages(V, A, W, act, norm):
    """You add up the neighbours without dividing by any degree, so that crowded atoms get large numbers."""
    return act((A + jnp.eye(len(V))) @ V @ W)


@gcn.mistake
def bent_before_collecting(V, A, W, act, norm):
    """You bend each atom's features first and average afterwards. The activation comes last."""
    return jnp.asarray(scaled(A, norm, True)) @ act(V @ W)


@gcn.mistake
def no_bend(V, A, W, act, norm):
    """You do not use `act`: without a bend, ten layers are worth no more than one."""
    return jnp.asarray(scaled(A, norm, True)) @ V @ W


@gcn.mistake
def normalised_twice(V, A, W, act, norm):
    """You normalise a table that is normalised already. `norm_adj` does the whole division; give it A itself."""
    return act(jnp.asarray(scaled(scaled(A, norm, True), norm, False)) @ V @ W)


@gcn.mistake
def loops_twice(V, A, W, act, norm):
    """You add I to A, and then ask for self-loops as well, so every atom hears itself twice."""
    return act(jnp.asarray(scaled(A + np.eye(len(V)), norm, True)) @ V @ W)


@gcn.mistake
def always_averaged(V, A, W, act, norm):
    """You always divide row by row, also when `norm` is "sym". A published layer with the name of that formula does the
    same; it makes another model."""
    return act(jnp.asarray(scaled(A, "row", True)) @ V @ W)


@gcn.mistake
def degrees_without_loops(V, A, W, act, norm):
    """Your degrees are those of A before I was added, so an average has one voice more than it is divided by."""
    table = scaled(A, norm, True, degrees=lambda A, looped: (np.maximum(A.sum(axis=1), 1),) * 2)
    return act(jnp.asarray(table) @ V @ W)


@gcn.alternate
def in_numpy(V, A, W, act, norm):
    A = np.asarray(A) + np.eye(len(A))
    d = A.sum(-1)
    left, right = (1 / d, np.ones_like(d)) if norm == "row" else (d**-0.5, d**-0.5)
    return np.asarray(act(np.einsum("i,ij,j,jf,fg->ig", left, A, right, np.asarray(V), np.asarray(W))))


@gcn.alternate
def weights_first(V, A, W, act, norm):
    messages, d = V @ W, A.sum(1) + 1
    if norm == "sym":
        messages = messages / jnp.sqrt(d)[:, None]
    collected = A @ messages + messages
    return act(collected / (d if norm == "row" else jnp.sqrt(d))[:, None])


@gcn.alternate
def edge_by_edge(V, A, W, act, norm):
    V, A, W = (np.asarray(x, np.float32) for x in (V, A, W))
    n, d = len(V), A.sum(axis=1) + 1
    out = np.zeros((n, W.shape[1]), np.float32)
    for i in range(n):
        for j in range(n):
            weight = A[i, j] + (i == j)
            if weight:
                out[i] += weight / (d[i] if norm == "row" else math.sqrt(d[i] * d[j])) * (V[j] @ W)
    return act(out)


@gcn.oracle
def sparse_products(V, A, W, act, norm):
    from scipy.sparse import csr_array, diags_array, eye_array

    V, W = arrays(V, W)
    hat = csr_array(np.asarray(A, float)) + eye_array(len(V))
    d = hat.sum(axis=1)
    walk = diags_array(1 / d) @ hat if norm == "row" else diags_array(d**-0.5) @ hat @ diags_array(d**-0.5)
    return act(jnp.asarray(walk @ V @ W))


# %% [markdown]
# Your reward: all carbons of caffeine begin with the same row, (1, 0, 0). After one layer, whoever has other neighbours
# has another row. How many kinds of atom can the network tell apart, layer by layer?


# %%
@reward
def kinds_of_atoms():
    hidden = features
    for layer in range(5):
        kinds = {}
        for label, row in zip(labels, np.round(np.asarray(hidden), 4), strict=True):
            kinds.setdefault(tuple(row.tolist()), []).append(label)
        shared = ["=".join(group) for group in kinds.values() if len(group) > 1]
        print(f"{layer} layers: {len(kinds):2d} kinds of atoms" + ("; alike: " + ", ".join(shared) if shared else ""))
        hidden = gcn(hidden, A, jnp.array([[1.0, 0.3, 0.2], [0.1, 1.0, -0.4], [-0.3, 0.5, 1.0]]), jnp.tanh, "sym")


# %% [markdown]
# ## 4. A layer that owns its weights
#
# So far the matrix W was handed in. In practice a **layer** owns its weights: it makes them when it first sees its
# input, and training changes them. [Keras](https://keras.io) is a library of such layers, and yours becomes one by
# saying three things: how it is made, which weights it has, and what it computes. Keras computes with JAX here (it can
# do so with TensorFlow and PyTorch as well), so your functions work inside a layer.
#
# Keras likes batches: `V` gets one axis more, for several molecules of the same size, and so does `A`.

# %%
import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before Keras is imported for the first time
import keras


def with_weights(layer, V, A, W, bias):
    """What the layer makes of `(V, A)` with these weights: how your layer will be checked."""
    layer((V, A))  # the first call builds it
    layer.set_weights([np.asarray(W), np.asarray(bias)])
    return layer((V, A))


# %% tags=["author"]
def with_weights(layer, V, A, W, bias):
    layer((V, A))
    layer.set_weights([np.asarray(W), np.asarray(bias)])
    return layer((V, A))


with_weights = given(
    with_weights,
    V=Float[Array, "b n f"],
    A=Float[Array, "b n n"],
    W=Float[Array, "f g"],
    bias=Float[Array, "g"],
    returns=Float[Array, "b n g"],
)


def one_way_streets(rng, b, n):
    """Random graphs in which the first two nodes are joined by an arrow in one direction only."""
    A = (rng.random((b, n, n)) < 0.4).astype(float)
    A[:, 0, 1], A[:, 1, 0] = 1.0, 0.0
    return A


class Sketch:
    """A layer without Keras, whose kinds differ in one thing each."""

    def __init__(self, g, norm):
        self.norm, self.weights = norm, None

    def __call__(self, inputs):
        V, A = (np.asarray(x, float) for x in inputs)
        return np.stack(self.of(V, A, *self.weights)) if self.weights else None

    def set_weights(self, weights):
        self.weights = [np.asarray(W, float) for W in weights]

    def get_weights(self):
        return self.weights

    def of(self, V, A, W, bias):
        return [self.one(v, self.heard(a), W, bias) for v, a in zip(V, A, strict=True)]

    def one(self, v, heard, W, bias):
        return np.maximum(heard @ v @ W + bias, 0)

    def heard(self, a):
        looped = a + np.eye(len(a))
        degree = looped.sum(1)
        if self.norm == "row":
            return looped / degree[:, None]
        return looped / np.sqrt(degree[:, None] * degree)


# %%
GraphConvolution = exercise(
    graphs.GraphConvolution,
    points=3,
    needs=[norm_adj],
    hints=(
        "`build` makes two weights: `self.add_weight(shape=(f, self.g))` is the first. The last entry of the first shape "
        "is f.",
        "`call` gets the pair: begin with `V, A = inputs`. A weight is used like an array.",
        "Your `norm_adj` takes one molecule at a time: loop over `A` and stack the results, or use `jax.vmap`.",
    ),
    draw={"A": one_way_streets, "W": lambda rng, f, g: rng.normal(0.3, 1.0, (f, g)), "bias": lambda rng, g: rng.random(g)},
    limits={"check_seconds": 20},
)

STEPS = (with_weights,)
GraphConvolution.probe("two molecules of five atoms", b=2, n=5, f=3, g=4, norm="row", then=STEPS)
GraphConvolution.probe("the other norm", b=2, n=5, f=3, g=4, norm="sym", then=STEPS)
GraphConvolution.probe("three of four atoms", hidden=True, b=3, n=4, f=2, g=5, norm="row", then=STEPS)
GraphConvolution.probe("three of four atoms, the other norm", hidden=True, b=3, n=4, f=2, g=5, norm="sym", then=STEPS)
GraphConvolution.probe("all sizes equal", hidden=True, b=3, n=3, f=3, g=3, norm="sym", then=STEPS)
GraphConvolution.probe("one molecule", hidden=True, b=1, n=5, f=3, g=4, norm="row", then=STEPS)
GraphConvolution.probe(
    "molecules without bonds", hidden=True, b=2, n=5, f=3, g=4, norm="sym", A=lambda rng, b, n: np.zeros((b, n, n)), then=STEPS
)


@GraphConvolution.law(hidden=True)
def molecules_do_not_meet(f, rng):
    """What a molecule gets does not depend on the others in its batch, but does depend on its own atoms and bonds."""
    V, A = rng.random((3, 4, 2)), (rng.random((3, 4, 4)) < 0.5).astype(float)
    A[1, 0] = [0.0, 1.0, 0.0, 0.0]
    layer = f(3, "row")
    layer((V, A))
    layer.set_weights([rng.random((2, 3)), rng.random(3)])
    moved, cut = V.copy(), A.copy()
    moved[1, 1] += 1.0
    cut[1, 0] = 0.0
    before, after, apart = layer((V, A)), layer((moved, A)), layer((V, cut))
    alone = close(before[[0, 2]], after[[0, 2]]) and close(before[[0, 2]], apart[[0, 2]])
    return alone and not close(before[1, 0], after[1, 0]) and not close(before[1, 0], apart[1, 0])


@GraphConvolution.law(hidden=True)
def weights_belong_to_the_layer(f, rng):
    """The layer owns exactly its two weights, in their order, and two layers share none."""
    pair = rng.random((2, 3, 4)), np.ones((2, 3, 3))
    weights = [rng.random((4, 5)), rng.random(5)]
    one, two = f(5, "sym"), f(5, "sym")
    one(pair), two(pair)
    one.set_weights(weights)
    before = one(pair)
    two.set_weights([W + 1.0 for W in weights])
    kept = one.get_weights()
    return len(kept) == 2 and all(close(a, b) for a, b in zip(kept, weights)) and close(one(pair), before)


@GraphConvolution.mistake
class no_loops(Sketch):
    """Your atoms forget themselves: add the identity to A before normalising."""

    def heard(self, a):
        degree = a.sum(1)
        inverse = np.where(degree > 0, 1 / np.where(degree > 0, degree, 1), 0)
        return inverse[:, None] * a if self.norm == "row" else np.sqrt(np.outer(inverse, inverse)) * a


@GraphConvolution.mistake
class arrows_reversed(Sketch):
    """Your messages run against the arrows: `A[i, j] = 1` means that j sends to i, so row i of A picks what i hears."""

    def heard(self, a):
        return Sketch.heard(self, a.T)


@GraphConvolution.mistake
class bias_aggregated(Sketch):
    """You add the bias before the neighbours are gathered, so an atom gets it as often as it has neighbours. It comes
    once, after the sum."""

    def one(self, v, heard, W, bias):
        return np.maximum(heard @ (v @ W + bias), 0)


@GraphConvolution.mistake
class relu_before_the_sum(Sketch):
    """You apply relu before the neighbours are gathered. It comes last, on what an atom has heard in all."""

    def one(self, v, heard, W, bias):
        return heard @ np.maximum(v @ W, 0) + bias


@GraphConvolution.mistake
class relu_forgotten(Sketch):
    """Your output has negative entries: the relu is missing."""

    def one(self, v, heard, W, bias):
        return heard @ v @ W + bias


@GraphConvolution.mistake
class bias_forgotten(Sketch):
    """The bias is not added."""

    def one(self, v, heard, W, bias):
        return np.maximum(heard @ v @ W, 0)


@GraphConvolution.mistake
class always_by_rows(Sketch):
    """Your layer ignores its `norm`, and always divides by the rows."""

    def heard(self, a):
        looped = a + np.eye(len(a))
        return looped / looped.sum(1, keepdims=True)


@GraphConvolution.mistake
class one_graph_for_all(Sketch):
    """All molecules of the batch get the bonds of the first. Every molecule has a matrix of its own: `A[b]`."""

    def of(self, V, A, W, bias):
        return [self.one(v, self.heard(A[0]), W, bias) for v in V]


@GraphConvolution.mistake
class weights_not_registered:
    """Keras does not know of your weights: it could neither train nor save nor set them. Make them with
    `self.add_weight` in `build`."""

    def __init__(self, g, norm):
        self.g = g

    def __call__(self, inputs):
        return np.zeros((*np.shape(inputs[0])[:2], self.g))

    def set_weights(self, weights):
        raise ValueError("You called `set_weights(weights)` with 2 weights, but the layer was expecting 0 weights.")

    def get_weights(self):
        return []


@GraphConvolution.alternate
class AllAtOnce(keras.layers.Layer):
    """For the whole batch at once, with Keras's own operations."""

    def __init__(self, g, norm):
        super().__init__()
        self.units, self.rows = g, norm == "row"

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[0][-1], self.units), initializer="glorot_uniform")
        self.offset = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs):
        V, A = inputs
        looped = A + keras.ops.eye(A.shape[-1])
        degree = keras.ops.sum(looped, axis=-1, keepdims=True)
        other = degree if self.rows else keras.ops.sqrt(degree * keras.ops.swapaxes(degree, -1, -2))
        return keras.ops.relu(keras.ops.einsum("bij,bjf,fg->big", looped / other, V, self.kernel) + self.offset)


@GraphConvolution.alternate
class OfADenseLayer(keras.layers.Layer):
    """Put together from a layer that Keras has."""

    def __init__(self, g, norm):
        super().__init__()
        self.dense, self.how = keras.layers.Dense(g, activation="relu"), norm

    def build(self, input_shape):
        self.dense.build(input_shape[0])

    def call(self, inputs):
        V, A = inputs
        return self.dense(jax.vmap(lambda v, a: graphs.norm_adj(a, self.how, True) @ v)(V, A))


@GraphConvolution.alternate
class AtomByAtom(keras.layers.Layer):
    """Loops in NumPy, in single precision: a layer need not be fast to be right."""

    def __init__(self, g, norm):
        super().__init__()
        self.g, self.norm = g, norm

    def build(self, input_shape):
        self.matrix = self.add_weight(shape=(input_shape[0][-1], self.g), name="matrix")
        self.constant = self.add_weight(shape=(self.g,), name="constant")

    def call(self, inputs):
        V, A, W, bias = (np.asarray(x, np.float32) for x in (*inputs, self.matrix, self.constant))
        out = np.zeros((*V.shape[:2], self.g), np.float32)
        for b in range(len(V)):
            looped = A[b] + np.eye(V.shape[1], dtype=np.float32)
            degree = looped.sum(1)
            for i in range(V.shape[1]):
                for j in range(V.shape[1]):
                    root = degree[i] if self.norm == "row" else np.sqrt(degree[i] * degree[j])
                    out[b, i] += looped[i, j] / root * (V[b, j] @ W)
        return np.maximum(out + bias, 0)


@GraphConvolution.oracle
class InDoublePrecision(Sketch):
    """Matrices in double precision, with the degrees as diagonal matrices."""

    def heard(self, a):
        looped = a + np.eye(len(a))
        D = np.diag(looped.sum(1))
        if self.norm == "row":
            return np.linalg.solve(D, looped)
        root = np.diag(np.diag(D) ** -0.5)
        return root @ looped @ root


# %% [markdown]
# ## 5. Messages along bonds
#
# A convolution has one matrix for all bonds: what an atom says is the same on a single bond and on a double bond, and
# whoever listens. **Message passing** is freer. A function `phi_e` looks at a bond and at the atoms at its two ends,
# and says what travels along it. What arrives at an atom is collected, and a second function `phi_v` makes the new
# features of the atom. In a real model both are small networks; here they are handed to you, and your work is the
# traffic: who sends, who receives, what is collected where.
#
# Now a graph is two lists, `src` and `dst`, with one entry for each *directed* edge: a bond of a molecule is two edges.
# Indexing with a list brings one row for each edge; that is half of the traffic. For the other half there is a tool:

# %%
print("edges 0-3 go from", src[:4], "to", dst[:4])
print("what the senders are (C, N, O):", features[src[:4]].tolist())
print(
    "collected by three groups:", jax.ops.segment_sum(jnp.array([1.0, 10.0, 100.0, 1000.0]), jnp.array([2, 0, 2, 2]), 3)
)

# %% [markdown]
# The third group has three numbers, the second none. A sum of nothing is 0. A mean of nothing is 0 by 0, and a maximum
# of nothing minus infinity: neither is good news for an atom without neighbours, which gets zeros instead.


# %% tags=["author"]
@given
def stretch(E, receiver, sender):
    return jnp.concatenate([sender - 0.5 * receiver, E * E], axis=-1)


@given
def beside(incoming, V):
    return jnp.concatenate([incoming, 0.5 * V], axis=-1)


@given
def attract(E, receiver, sender):
    pull = jnp.tanh(2.0 * sender - receiver)
    return jnp.concatenate([pull - 3.0, E[..., :1] * pull], axis=-1)


@given
def stir(incoming, V):
    return jnp.tanh(0.3 * incoming).sum(axis=-1, keepdims=True) * jnp.cos(V) + incoming[..., :1]


# %%
mp_layer = exercise(
    graphs.mp_layer,
    points=5,
    hints=(
        "`V[src]` has one row for each edge: its sender. Which three tables does `phi_e` get, in which order?",
        "Collect the *new* messages, at the atoms that receive them. `jax.ops.segment_sum(rows, groups, n)` adds up, "
        "`segment_max` takes the highest, and `segment_sum` of ones counts.",
        "Where the count is 0, put zeros, whatever `agg` is; for a mean, let no 0 reach the division.",
    ),
)

# Nothing arrives at atom 4; the edge from 1 to 0 is there twice; 2 hears itself.
SRC, DST = np.array([1, 2, 0, 3, 1, 4, 2]), np.array([0, 0, 1, 1, 0, 3, 2])


def edges(src, dst):
    """The same edges in every draw."""
    return {"src": lambda rng: np.array(src, np.int32), "dst": lambda rng: np.array(dst, np.int32)}


NOBODY = {"src": lambda rng: np.zeros(0, np.int32), "dst": lambda rng: np.zeros(0, np.int32)}

for agg in ("sum", "mean", "max"):
    mp_layer.probe(f"five atoms, seven edges: {agg}", n=5, e=7, d=3, h=2, phi_e=stretch, phi_v=beside, agg=agg,
                   **edges(SRC, DST))  # fmt: skip
    mp_layer.probe(f"the edges the other way round: {agg}", hidden=True, n=5, e=7, d=3, h=2, phi_e=attract, phi_v=stir,
                   agg=agg, **edges(DST, SRC))  # fmt: skip
    mp_layer.probe(f"negative messages: {agg}", hidden=True, n=5, e=7, d=3, h=2, phi_e=attract, phi_v=beside, agg=agg,
                   **edges(SRC, DST))  # fmt: skip
    mp_layer.probe(f"as many edges as atoms: {agg}", hidden=True, n=4, e=4, d=4, h=4, phi_v=stir, agg=agg,
                   phi_e=attract if agg == "max" else stretch, **edges([1, 2, 0, 1], [0, 0, 3, 0]))  # fmt: skip
    mp_layer.probe(f"no edges: {agg}", hidden=True, weight=0.5, n=3, e=0, d=3, h=2, phi_e=attract, phi_v=beside,
                   agg=agg, **NOBODY)  # fmt: skip
mp_layer.probe("a single atom that hears itself twice", hidden=True, n=1, e=2, d=3, h=2, phi_e=stretch, phi_v=stir,
               agg="mean", **edges([0, 0], [0, 0]))  # fmt: skip


@mp_layer.law
def edges_in_any_order(f, rng):
    """List the edges in another order, and the atoms get the same; the messages follow the list."""
    V, E, order = rng.normal(size=(4, 3)), rng.normal(size=(5, 2)), np.array([3, 0, 4, 1, 2])
    src, dst = np.array([0, 1, 1, 3, 2]), np.array([1, 0, 2, 2, 0])

    def message(E, receiver, sender):
        return np.concatenate([E, receiver - 2 * sender], axis=1)

    def update(incoming, V):
        return np.concatenate([incoming, V], axis=1)

    V2, E2 = f(V, src, dst, E, message, update, "sum")
    moved, told = f(V, src[order], dst[order], E[order], message, update, "sum")
    return close(moved, V2) and close(told, E2[order]) and not close(told, E2)


@mp_layer.law(hidden=True)
def renumbered_atoms(f, rng):
    """Number the atoms differently, and they get the same; a change at an atom arrives where its edges go only."""
    V, E, order = rng.normal(size=(5, 3)), rng.normal(size=(7, 2)), np.array([2, 4, 1, 0, 3])
    place, other = np.argsort(order), V.copy()
    other[3] += 1.0  # sends to atom 1

    def message(E, receiver, sender):
        return np.tanh(sender) + 0.1 * E[:, :1]

    def update(incoming, V):
        return incoming

    out, told = f(V, SRC, DST, E, message, update, "mean"), f(other, SRC, DST, E, message, update, "mean")
    same = close(f(V[order], place[SRC], place[DST], E, message, update, "mean")[0], out[0][order])
    heard = np.abs(told[0] - out[0]).max(axis=1)
    return same and close(heard[[0, 2, 3, 4]], 0.0) and bool(heard[1] > 1e-4)


@mp_layer.law(hidden=True)
def one_call_each(f, rng):
    """`phi_e` is called once, with edges, receivers and senders; what it says is collected and given to `phi_v`."""
    V, E, said, seen = rng.normal(size=(5, 3)), rng.normal(size=(7, 2)), rng.normal(size=(7, 4)), []

    def message(*tables):
        seen.append(tables)
        return said

    def update(*tables):
        seen.append(tables)
        return tables[0] - 1.0

    V2, E2 = f(V, SRC, DST, E, message, update, "sum")
    total = np.array([said[np.equal(DST, i)].sum(axis=0) for i in range(5)])
    fine = len(seen) == 2 and all(close(a, b) for a, b in zip(seen[0], (E, V[DST], V[SRC]), strict=True))
    return fine and close(seen[1][0], total) and close(seen[1][1], V) and close(V2, total - 1.0) and close(E2, said)


def passed(V, src, dst, E, phi_e, phi_v, agg, *, swap=False, at=None, old=False, divide=None, start=None, empty=0.0,
           keep=False, turned=False):  # fmt: skip
    """The right answer in NumPy, with one thing changed."""
    receiver, sender = (src, dst) if swap else (dst, src)
    E2 = np.asarray(phi_e(E, V[receiver], V[sender]), float)
    messages, at = np.asarray(E, float) if old else E2, np.asarray(dst if at is None else at)
    incoming = np.zeros((len(V), messages.shape[1]))
    for i in range(len(V)):
        rows = messages[at == i]
        if not len(rows):
            incoming[i] = empty if agg != "sum" else 0.0
        elif agg == "max":
            incoming[i] = rows.max(axis=0) if start is None else np.maximum(rows.max(axis=0), start)
        else:
            incoming[i] = rows.sum(axis=0) / (1 if agg == "sum" else len(rows) if divide is None else divide)
    tables = (V, jnp.asarray(incoming)) if turned else (jnp.asarray(incoming), V)
    return phi_v(*tables), E if keep else E2


@mp_layer.mistake
def receiver_and_sender_exchanged(V, src, dst, E, phi_e, phi_v, agg):
    """`phi_e` gets the sender where it expects the receiver. The order is: edge, receiver (`dst`), sender (`src`)."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, swap=True)


@mp_layer.mistake
def collected_at_the_sender(V, src, dst, E, phi_e, phi_v, agg):
    """You collect messages at the atoms that *sent* them. They arrive at `dst`. In a molecule, where every bond is
    listed both ways, you would hardly notice."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, at=src)


@mp_layer.mistake
def arrows_reversed(V, src, dst, E, phi_e, phi_v, agg):
    """All your messages run from `dst` to `src`. Edge x goes from `src[x]` to `dst[x]`."""
    return passed(V, dst, src, E, phi_e, phi_v, agg)


@mp_layer.mistake
def old_edges_collected(V, src, dst, E, phi_e, phi_v, agg):
    """You collect the old features of the edges. It is the new ones, E2, that travel."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, old=True)


@mp_layer.mistake
def mean_over_all_edges(V, src, dst, E, phi_e, phi_v, agg):
    """Your mean divides by the number of *all* edges. Every atom divides by the number of those that arrive at it."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, divide=max(len(np.asarray(src)), 1))


@mp_layer.mistake
def mean_over_all_atoms(V, src, dst, E, phi_e, phi_v, agg):
    """Your mean divides by the number of atoms, as a dense matrix of zeros would. Every atom divides by the number of
    edges that arrive at it."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, divide=len(V))


@mp_layer.mistake
def maximum_with_zero(V, src, dst, E, phi_e, phi_v, agg):
    """Your maximum starts at 0, so negative messages are never heard. Zeros are for atoms at which *nothing* arrives;
    the others get the highest message, even if it is negative."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, start=0.0)


@mp_layer.mistake
def nothing_is_minus_infinity(V, src, dst, E, phi_e, phi_v, agg):
    """For "max", an atom at which nothing arrives gets minus infinity: that is the maximum of nothing. It should get
    zeros."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, empty=-np.inf if agg == "max" else 0.0)


@mp_layer.mistake
def nothing_is_nan(V, src, dst, E, phi_e, phi_v, agg):
    """For "mean", an atom at which nothing arrives gets NaN: its sum and its count are 0. It should get zeros."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, empty=np.nan if agg == "mean" else 0.0)


@mp_layer.mistake
def last_message_wins(V, src, dst, E, phi_e, phi_v, agg):
    """Each atom keeps only the last of its messages: `incoming[dst] = ...` and `incoming[dst] += ...` write once for
    each atom, not once for each edge. Look up `np.add.at`, `.at[dst].add` or `segment_sum`."""
    E2 = np.asarray(phi_e(E, V[dst], V[src]))
    incoming = np.zeros((len(V), E2.shape[1]))
    incoming[np.asarray(dst)] = E2
    return phi_v(jnp.asarray(incoming), V), E2


@mp_layer.mistake
def parallel_edges_merged(V, src, dst, E, phi_e, phi_v, agg):
    """Where two edges join the same two atoms, only one of them is heard. A table with one entry for each *pair* of
    atoms has no room for both; work with one row for each edge."""
    if agg == "max":
        return passed(V, src, dst, E, phi_e, phi_v, agg)
    pairs = {pair: x for x, pair in enumerate(zip(np.asarray(src).tolist(), np.asarray(dst).tolist(), strict=True))}
    kept, E2 = np.array(sorted(pairs.values()), int), phi_e(E, V[dst], V[src])
    return passed(V, src[kept], dst[kept], E[kept], phi_e, phi_v, agg)[0], E2


@mp_layer.mistake
def always_the_sum(V, src, dst, E, phi_e, phi_v, agg):
    """You always add the messages up, whatever `agg` says."""
    return passed(V, src, dst, E, phi_e, phi_v, "sum")


@mp_layer.mistake
def edges_left_as_they_were(V, src, dst, E, phi_e, phi_v, agg):
    """The edges you return are the old ones. The next layer needs the new ones, E2."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, keep=True)


@mp_layer.mistake
def atom_before_its_messages(V, src, dst, E, phi_e, phi_v, agg):
    """`phi_v` gets the atoms first and what arrived second. The order is: incoming, V."""
    return passed(V, src, dst, E, phi_e, phi_v, agg, turned=True)


@mp_layer.alternate
def in_numpy(V, src, dst, E, phi_e, phi_v, agg):
    s, t = np.asarray(src), np.asarray(dst)
    E2 = np.asarray(phi_e(E, V[t], V[s]))
    out = np.full((len(V), E2.shape[1]), -np.inf if agg == "max" else 0.0)
    (np.maximum if agg == "max" else np.add).at(out, t, E2)
    count = np.bincount(t, minlength=len(V))[:, None]
    if agg == "mean":
        out = out / np.clip(count, 1, None)
    out[count[:, 0] == 0] = 0
    return np.asarray(phi_v(out, np.asarray(V))), E2


@mp_layer.alternate
def one_matrix_of_arrivals(V, src, dst, E, phi_e, phi_v, agg):
    E2 = phi_e(E, V[dst], V[src])
    arrives = jax.nn.one_hot(dst, len(V), axis=0)
    if agg == "max":
        best = jnp.where(arrives[:, :, None] > 0, E2[None], -jnp.inf).max(axis=1, initial=-jnp.inf)
        return phi_v(jnp.where(jnp.isfinite(best), best, 0), V), E2
    if agg == "mean":
        arrives = arrives / jnp.clip(arrives.sum(1, keepdims=True), min=1)
    return phi_v(arrives @ E2, V), E2


@mp_layer.alternate
def atom_by_atom(V, src, dst, E, phi_e, phi_v, agg):
    E2 = phi_e(E, V[dst], V[src])
    box = [[] for _ in range(len(V))]
    for target, message in zip(dst.tolist(), np.asarray(E2, np.float32), strict=True):
        box[target].append(message)
    incoming = np.zeros((len(V), E2.shape[1]), np.float32)
    for i, letters in enumerate(box):
        if letters:
            incoming[i] = {"sum": np.sum, "mean": np.mean, "max": np.max}[agg](np.stack(letters), axis=0)
    return phi_v(jnp.array(incoming), V), E2


@mp_layer.alternate
def scattered(V, src, dst, E, phi_e, phi_v, agg):
    E2 = phi_e(E, jnp.take(V, dst, axis=0), jnp.take(V, src, axis=0))
    zeros = jnp.zeros((V.shape[0], E2.shape[1]))
    count = zeros.at[dst].add(1.0)
    if agg == "max":
        heard = jnp.where(count > 0, (zeros - 1e30).at[dst].max(E2), 0.0)
    else:
        heard = zeros.at[dst].add(E2) / (jnp.maximum(count, 1) if agg == "mean" else 1.0)
    return phi_v(heard, V), E2


@mp_layer.oracle
def sorted_and_split(V, src, dst, E, phi_e, phi_v, agg):
    """The edges sorted by receiver and cut into pieces, with the statistics of SciPy."""
    from scipy.ndimage import labeled_comprehension

    E2 = np.asarray(phi_e(E, V[dst], V[src]), float)
    collect = {"sum": np.sum, "mean": np.mean, "max": np.max}[agg]
    columns = [
        labeled_comprehension(column, np.asarray(dst), np.arange(len(V)), collect, float, 0.0)
        if len(column)
        else np.zeros(len(V))
        for column in E2.T
    ]
    return phi_v(jnp.asarray(np.stack(columns, axis=1)), V), E2


# %% [markdown]
# Your reward: partial charges. Each atom pulls at the electrons of its bonds, the harder the higher its
# electronegativity: O 3.5, N 3.0, C 2.5 on Pauling's scale. Let what travels along a bond be the difference. What one
# atom gains, its neighbour loses, so the charges of a molecule must add up to zero.


# %%
@reward
def partial_charges():
    pull = features @ jnp.array([[2.5], [3.0], [3.5]])
    charge, _ = mp_layer(
        pull,
        src,
        dst,
        jnp.zeros((len(src), 1)),
        lambda edge, receiver, sender: 0.2 * (sender - receiver),
        lambda incoming, atoms: incoming,
        "sum",
    )
    charge = np.asarray(charge)[:, 0]
    for i in np.argsort(charge):
        print(f"  {labels[i]:>4s} {charge[i]:+.2f} " + ("+" if charge[i] > 0 else "-") * round(40 * abs(charge[i])))
    print(f"all of caffeine: {abs(charge.sum()):.2f}")


# %% [markdown]
# ## 6. The molecule has a say
#
# Some things belong to the molecule as a whole: the solvent it swims in, the temperature, its charge. A **graph network
# block** gives it a row `u` of its own. Edges are updated first, then atoms, then the whole; each of them may look at
# `u`, and each step uses what the step before has *made*. Nearly every graph network ever published is this block with
# some of its parts left out.


# %% tags=["author"]
@given
def edge_rule(E, receiver, sender, u):
    return jnp.concatenate([jnp.tanh(E) + u[0], sender - 2.0 * receiver + u[-1]], axis=-1)


@given
def atom_rule(incoming, V, u):
    return jnp.concatenate([0.5 * incoming * u[0], V - u[-1]], axis=-1)


@given
def whole_rule(edges, nodes, u):
    return jnp.concatenate([0.1 * edges, 0.1 * nodes, u * u])


@given
def edge_rule_2(E, receiver, sender, u):
    return jnp.cos(sender + 0.3 * receiver) * jnp.sum(E, axis=-1, keepdims=True) + jnp.max(u)


@given
def atom_rule_2(incoming, V, u):
    return jnp.tanh(jnp.sum(V, axis=-1, keepdims=True) + u[0]) + 0.4 * incoming + u[-1]


@given
def whole_rule_2(edges, nodes, u):
    return jnp.concatenate([u, jnp.tanh(0.2 * edges), jnp.sum(nodes)[None]])


# %%
graph_net_block = exercise(
    graphs.graph_net_block,
    points=4,
    hints=(
        "Four lines: messages, what arrives at each atom, new atoms, new whole. Write the names of the arguments of "
        "each function above its call.",
        "Which sum runs over the edges that arrive at one atom, and which over all edges? The latter has no axis for "
        "edges left.",
        "Everything that goes into `phi_u` but `u` was made by this very block.",
    ),
)

graph_net_block.case(
    "two atoms, one edge",
    np.array([[1.0], [2.0]]),
    np.array([[0.0]]),
    np.array([3.0]),
    np.array([0], np.int32),
    np.array([1], np.int32),
    edge_rule,
    atom_rule,
    whole_rule,
    # The message is (0 + 3, 1 - 4 + 3) = (3, 0); atom 0 hears (0, 0), atom 1 hears 1.5 times the message.
    expect=(
        np.array([[0.0, 0.0, -2.0], [4.5, 0.0, -1.0]]),
        np.array([[3.0, 0.0]]),
        np.array([0.3, 0.0, 0.45, 0.0, -0.3, 9.0]),
    ),
)
FIRST = {"phi_e": edge_rule, "phi_v": atom_rule, "phi_u": whole_rule}
SECOND = {"phi_e": edge_rule_2, "phi_v": atom_rule_2, "phi_u": whole_rule_2}
graph_net_block.probe("five atoms, seven edges", n=5, e=7, d=3, h=2, c=2, **edges(SRC, DST), **FIRST)
graph_net_block.probe("other functions", n=5, e=7, d=3, h=2, c=2, **edges(SRC, DST), **SECOND)
graph_net_block.probe("the edges the other way round", hidden=True, n=5, e=7, d=3, h=2, c=2, **edges(DST, SRC), **FIRST)
graph_net_block.probe("functions of another kind", hidden=True, n=5, e=7, d=3, h=2, c=2, **edges(DST, SRC), **SECOND)
graph_net_block.probe(
    "all sizes alike", hidden=True, n=4, e=4, d=4, h=4, c=4, **edges([1, 2, 0, 1], [0, 0, 3, 0]), **FIRST
)
graph_net_block.probe("all sizes alike, other functions", hidden=True, n=4, e=4, d=4, h=4, c=4,
                      **edges([1, 2, 0, 1], [0, 0, 3, 0]), **SECOND)  # fmt: skip
graph_net_block.probe("without edges", hidden=True, weight=0.5, n=3, e=0, d=3, h=2, c=2, **NOBODY, **FIRST)
graph_net_block.probe(
    "a single atom, two loops", hidden=True, n=1, e=2, d=3, h=2, c=2, **edges([0, 0], [0, 0]), **FIRST
)


@graph_net_block.law
def numbering(f, rng):
    """Number the atoms differently: atoms follow, edges stay, and the whole does not notice."""
    V, E, u, order = rng.normal(size=(4, 3)), rng.normal(size=(5, 2)), rng.normal(size=2), np.array([2, 0, 3, 1])
    src, dst, place = np.array([0, 1, 1, 3, 2]), np.array([1, 0, 2, 2, 0]), np.argsort(order)
    rules = (
        lambda E, r, s, u: np.concatenate([E + u, r - 2 * s], axis=1),
        lambda incoming, V, u: np.concatenate([incoming + u[0], V], axis=1),
        lambda edges, nodes, u: np.concatenate([edges, nodes, u]),
    )
    V2, E2, u2 = f(V, E, u, src, dst, *rules)
    moved = f(V[order], E, u, place[src], place[dst], *rules)
    return close(moved[0], V2[order]) and close(moved[1], E2) and close(moved[2], u2)


@graph_net_block.law(hidden=True)
def each_step_uses_the_last(f, rng):
    """What each function says goes into the next one, and each is called once, with the tables in their order."""
    V, E, u = rng.normal(size=(5, 3)), rng.normal(size=(7, 2)), rng.normal(size=2)
    said, seen = (rng.normal(size=(7, 4)), rng.normal(size=(5, 2)), rng.normal(size=3)), []

    def saying(number):
        def rule(*tables):
            seen.append((number, tables))
            return said[number]

        return rule

    V2, E2, u2 = f(V, E, u, SRC, DST, saying(0), saying(1), saying(2))
    incoming = np.array([said[0][np.equal(DST, i)].sum(axis=0) for i in range(5)])
    wanted = ((E, V[DST], V[SRC], u), (incoming, V, u), (said[0].sum(axis=0), said[1].sum(axis=0), u))
    fine = [number for number, _ in seen] == [0, 1, 2] and close(V2, said[1]) and close(E2, said[0])
    return (
        fine
        and close(u2, said[2])
        and all(
            close(a, b) for (_, got), want in zip(seen, wanted, strict=True) for a, b in zip(got, want, strict=True)
        )
    )


@graph_net_block.law(hidden=True)
def everybody_hears_the_whole(f, rng):
    """A change of u reaches edges, atoms and the whole; a change of an atom reaches the whole too, in one block."""
    V, E, u = rng.normal(size=(5, 3)), rng.normal(size=(7, 2)), rng.normal(size=2)
    rules = (
        lambda E, r, s, u: E + u + s[:, :1],
        lambda incoming, V, u: incoming[:, :1] + V + u[0],
        lambda edges, nodes, u: np.concatenate([edges[:1], nodes[:1]]),
    )
    out, warm, louder = f(V, E, u, SRC, DST, *rules), f(V, E, u + 1.0, SRC, DST, *rules), V.copy()
    louder[4] += 1.0  # sends along one edge, to atom 3
    told = f(louder, E, u, SRC, DST, *rules)
    fine = close(warm[1] - out[1], np.ones((7, 2)), rtol=1e-3) and close(
        warm[2] - out[2], np.array([7.0, 12.0]), rtol=1e-3
    )
    return fine and close(told[2] - out[2], np.array([1.0, 2.0]), rtol=1e-3)


def block(V, E, u, src, dst, phi_e, phi_v, phi_u, *, swap=False, at=None, old=(), mean=(), mute=(), turned=False):
    """The right answer in NumPy, with one thing changed."""
    receiver, sender = (src, dst) if swap else (dst, src)
    us = [0 * u if number in mute else u for number in range(3)]
    E2 = np.asarray(phi_e(E, V[receiver], V[sender], us[0]))
    at, rows = np.asarray(dst if at is None else at), np.asarray(E) if "incoming" in old else E2
    incoming = np.zeros((len(V), rows.shape[1]), E2.dtype)
    np.add.at(incoming, at, rows)
    if "incoming" in mean:
        incoming = incoming / np.maximum(np.bincount(at, minlength=len(V)), 1)[:, None]
    V2 = np.asarray(phi_v(jnp.asarray(incoming), V, us[1]))
    edges, nodes = np.asarray(E) if "edges" in old else E2, np.asarray(V) if "nodes" in old else V2
    edges = edges.sum(axis=0) / (max(len(edges), 1) if "whole" in mean else 1)
    nodes = nodes.sum(axis=0) / (len(nodes) if "whole" in mean else 1)
    parts = (nodes, edges) if turned else (edges, nodes)
    return V2, E2, phi_u(*(jnp.asarray(part) for part in parts), us[2])


@graph_net_block.mistake
def old_edges_arrive(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """What arrives at your atoms are the old features of the edges. Edges are updated first; the new ones arrive."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, old=("incoming",))


@graph_net_block.mistake
def the_whole_sees_old_edges(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """`phi_u` gets the sum of the *old* edges. It should see those that this block has made."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, old=("edges",))


@graph_net_block.mistake
def the_whole_sees_old_atoms(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """`phi_u` gets the sum of the *old* atoms. It should see those that this block has made."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, old=("nodes",))


@graph_net_block.mistake
def the_whole_goes_first(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """You update `u` first, from the old edges and atoms, and use the new one everywhere. The whole comes last."""
    u2 = phi_u(E.sum(0), V.sum(0), u)
    return (*block(V, E, u2, src, dst, phi_e, phi_v, phi_u)[:2], u2)


@graph_net_block.mistake
def means_for_the_whole(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """`phi_u` gets means. Here it is sums: with means, a molecule and twice that molecule look the same."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, mean=("whole",))


@graph_net_block.mistake
def means_for_the_atoms(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """What arrives at your atoms is averaged. In this block everything is a sum."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, mean=("incoming",))


@graph_net_block.mistake
def receiver_and_sender_exchanged(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """`phi_e` gets the sender where it expects the receiver. The order is: edge, receiver (`dst`), sender (`src`), and
    u last."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, swap=True)


@graph_net_block.mistake
def collected_at_the_sender(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """Your messages arrive at the atoms that sent them. They should arrive at `dst`."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, at=src)


@graph_net_block.mistake
def edges_returned_first(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """You return (E2, V2, u2), in the order in which they are made. The answer is (V2, E2, u2)."""
    V2, E2, u2 = block(V, E, u, src, dst, phi_e, phi_v, phi_u)
    return E2, V2, u2


@graph_net_block.mistake
def atoms_before_edges(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """`phi_u` gets the atoms first. The order is: edges, nodes, u."""
    return block(V, E, u, src, dst, phi_e, phi_v, phi_u, turned=True)


@graph_net_block.mistake
def u_left_as_it_was(V, E, u, src, dst, phi_e, phi_v, phi_u):
    """You return the old `u`: the third function is never heard."""
    return (*block(V, E, u, src, dst, phi_e, phi_v, phi_u)[:2], u)


@graph_net_block.alternate
def in_numpy(V, E, u, src, dst, phi_e, phi_v, phi_u):
    V, E, u, src, dst = arrays(V, E, u, src, dst)
    E2 = np.array(phi_e(E, V[dst], V[src], u))
    heard = np.zeros((V.shape[0], E2.shape[1]))
    np.add.at(heard, dst, E2)
    V2 = np.array(phi_v(heard, V, u))
    return V2, E2, np.array(phi_u(E2.sum(0), V2.sum(0), u))


@graph_net_block.alternate
def by_incidence(V, E, u, src, dst, phi_e, phi_v, phi_u):
    leaves, arrives = (jax.nn.one_hot(ends, len(V)) for ends in (src, dst))
    E2 = phi_e(E, arrives @ V, leaves @ V, u)
    incoming = arrives.T @ E2
    V2 = phi_v(incoming, V, u)
    return V2, E2, phi_u(jnp.sum(incoming, axis=0), jnp.ones(len(V)) @ V2, u)


@graph_net_block.alternate
def by_loops(V, E, u, src, dst, phi_e, phi_v, phi_u):
    E2 = phi_e(E, V[dst], V[src], u)
    rows = np.asarray(E2, np.float32)
    incoming, edges = np.zeros((len(V), rows.shape[1]), np.float32), np.zeros(rows.shape[1], np.float32)
    for x, target in enumerate(dst.tolist()):
        for q in range(rows.shape[1]):
            incoming[target, q] += rows[x, q]
            edges[q] += rows[x, q]
    V2 = phi_v(jnp.array(incoming), V, u)
    nodes = sum(V2[i] for i in range(len(V)))
    return V2, E2, phi_u(jnp.array(edges), nodes, u)


@graph_net_block.oracle
def sparse_incidence(V, E, u, src, dst, phi_e, phi_v, phi_u):
    from scipy.sparse import coo_array

    V, E = arrays(V, E)
    n, e = len(V), len(E)
    leaves, arrives = (coo_array((np.ones(e), (np.arange(e), np.asarray(ends))), shape=(e, n)) for ends in (src, dst))
    E2 = np.asarray(phi_e(jnp.asarray(E), jnp.asarray(arrives @ V), jnp.asarray(leaves @ V), u))
    V2 = np.asarray(phi_v(jnp.asarray(arrives.T @ E2), jnp.asarray(V), u))
    return V2, E2, phi_u(jnp.asarray(np.ones(e) @ E2), jnp.asarray(np.ones(n) @ V2), u)


# %% [markdown]
# Your reward: rings without looking. In a connected molecule, the number of rings is the number of bonds minus the
# number of atoms plus one. Let every edge say 1/2 (each bond is listed twice) and every atom 1, and let the whole do
# the sum.


# %%
@reward
def counted_rings():
    for name in ROWS:
        _, atoms, sources, targets = molecule(name)
        _, _, rings = graph_net_block(
            atoms,
            jnp.full((len(sources), 1), 0.5),
            jnp.ones(1),
            sources,
            targets,
            lambda edge, receiver, sender, u: edge,
            lambda incoming, old, u: jnp.ones((len(old), 1)),
            lambda edges, nodes, u: edges - nodes + u,
        )
        print(f"  {name:12s} " + "o" * round(float(rings[0])))


# %% [markdown]
# ## 7. From atoms to molecules
#
# Solubility belongs to a molecule, not to an atom. A **readout** makes one row of all rows of a molecule: their sum,
# their mean or their maximum. Which of them depends on the property. The mass of two molecules is twice that of one:
# such *extensive* properties want sums. A boiling point is no larger for two molecules: *intensive* properties want
# means. And whether there is any acid group at all is a question for a maximum.
#
# Molecules come in batches, and they have different sizes. So all atoms of a batch stand in one long table, with a list
# `gid` that says which molecule each belongs to. Often the table is filled up with rows that are no atoms, so that all
# batches are of the same size (compiled code likes that). Such **padding** carries a number that no molecule has.

# %%
batch = [molecule(name) for name in ROWS]
atoms = jnp.concatenate([part[1] for part in batch])
gid = jnp.array(np.repeat(np.arange(len(batch)), [len(part[0]) for part in batch]))
print("all atoms of the table:", atoms.shape, "the molecules they belong to:", gid[:20], "...")

# %%
readout = exercise(
    graphs.readout,
    points=4,
    hints=(
        "It is the same collecting as for messages, with molecules instead of atoms at the end of it.",
        "NumPy counts -1 from the end: without care, padding joins the last molecule. A table `gid == s`, with one row "
        "for each molecule s, needs no care.",
        "How many rows has the answer if the last molecule has no atoms? Whom can you ask for that number?",
    ),
)

GID = np.array([2, 0, 2, 2, 0, 3, 2], np.int32)
PADDED = np.array([1, -1, 3, 1, 4, 3, -1, 1, 9], np.int32)


def mixed(rng, N, f):
    """Features of either sign, the lower the later; those of molecule 3, a single atom, are below zero."""
    return 1.0 - 0.4 * np.arange(N)[:, None] + 0.3 * rng.random((N, f))


def loud(rng, N, f):
    """Positive features, the lower the later, but those of padding the largest."""
    later = 0.1 * np.arange(N)[:, None] + 0.05 * rng.random((N, f))
    return 1.5 - later + 5.0 * ~np.isin(PADDED, range(4))[:, None]


def below(rng, N, f):
    """Features below zero, the lower the later, but those of padding the highest."""
    padding = ~np.isin(PADDED, range(4))[:N, None] if len(PADDED) == N else np.zeros((N, 1), bool)
    return np.where(padding, -0.2, -0.5 - 0.1 * np.arange(N)[:, None] - 0.05 * rng.random((N, f)))


for mode in ("sum", "mean", "max"):
    readout.probe(f"seven atoms, molecule 1 is empty: {mode}", N=7, f=3, G=4, mode=mode, V=mixed,
                  gid=lambda rng: GID)  # fmt: skip
    readout.probe(f"more molecules than atoms say: {mode}", hidden=True, N=7, f=3, G=6, mode=mode, V=mixed,
                  gid=lambda rng: GID)  # fmt: skip
    readout.probe(f"with padding: {mode}", hidden=True, N=9, f=2, G=4, mode=mode, V=loud,
                  gid=lambda rng: PADDED)  # fmt: skip
    readout.probe(f"with padding, features below zero: {mode}", hidden=True, N=9, f=2, G=4, mode=mode, V=below,
                  gid=lambda rng: PADDED)  # fmt: skip
    readout.probe(f"as many molecules as features: {mode}", hidden=True, N=4, f=4, G=4, mode=mode, V=below,
                  gid=lambda rng: np.array([3, 3, 0, 3], np.int32))  # fmt: skip
readout.case(
    "padding at the end", np.array([[1.0], [5.0], [7.0], [100.0]]), np.array([0, 1, 0, -1], np.int32), 2, "mean",
    expect=np.array([[4.0], [5.0]]),
)  # fmt: skip
readout.case("a batch of no atoms", np.zeros((0, 2)), np.zeros(0, np.int32), 3, "max", hidden=True, weight=0.5,
             expect=np.zeros((3, 2)))  # fmt: skip
readout.case("nothing but padding", np.ones((3, 2)), np.array([-1, 2, -1], np.int32), 2, "mean", hidden=True,
             weight=0.5, expect=np.zeros((2, 2)))  # fmt: skip


@readout.law
def atoms_in_any_order(f, rng):
    """Shuffle the atoms of a batch, together with `gid`, and nothing changes; change one, and its molecule does."""
    V, gid, order = rng.normal(size=(6, 2)), np.array([0, 1, 0, 2, 1, 1]), np.array([4, 2, 0, 5, 3, 1])
    out, other = f(V, gid, 3, "mean"), V.copy()
    other[4] += 3.0
    told = f(other, gid, 3, "mean")
    same = close(f(V[order], gid[order], 3, "mean"), out) and close(told[[0, 2]], out[[0, 2]])
    return same and close(told[1] - out[1], np.ones(2), rtol=1e-3)


@readout.law(hidden=True)
def one_molecule_after_the_other(f, rng):
    """A batch gives what its molecules give alone; a molecule twice as large has twice the sum and the same mean."""
    V, gid = -0.5 - rng.random((6, 3)), np.array([1, 1, 0, 1, 0, -1])
    for mode in ("sum", "mean", "max"):
        both = f(V, gid, 2, mode)
        alone = [f(V[np.equal(gid, s)], np.zeros(int(np.sum(np.equal(gid, s))), int), 1, mode)[0] for s in (0, 1)]
        double = f(np.concatenate([V, V]), np.concatenate([gid, gid]), 2, mode)
        if not close(both, np.array(alone)) or not close(double, both * (2 if mode == "sum" else 1)):
            return False
    return True


def collected(V, gid, G, mode, *, where=None, divide=None, start=None, empty=None):
    """The right answer in NumPy, with one thing changed."""
    V, gid = np.asarray(V, float), np.asarray(gid)
    gid = gid if where is None else where(gid)
    out = np.zeros((G, V.shape[1]))
    for s in range(G):
        rows = V[gid == s]
        if not len(rows):
            out[s] = 0.0 if empty is None else empty
        elif mode == "max":
            out[s] = rows.max(axis=0) if start is None else np.maximum(rows.max(axis=0), start)
        else:
            out[s] = rows.sum(axis=0) / (1 if mode == "sum" else divide or len(rows))
    return out


@readout.mistake
def padding_joins_the_last(V, gid, G, mode):
    """Atoms with the number -1 end up in the last molecule: an index of -1 counts from the end. They are padding, and
    belong to none."""
    return collected(V, gid, G, mode, where=lambda gid: np.where(gid == -1, G - 1, np.where(gid < 0, -1, gid)))


@readout.mistake
def padding_joins_the_first(V, gid, G, mode):
    """Atoms with a negative number end up in molecule 0, as if you had clipped the number. They are padding."""
    return collected(V, gid, G, mode, where=lambda gid: np.maximum(gid, 0))


@readout.mistake
def large_numbers_join_the_last(V, gid, G, mode):
    """Atoms whose number is G or more end up in the last molecule, as if you had clipped the number. They are
    padding."""
    return collected(V, gid, G, mode, where=lambda gid: np.minimum(gid, G - 1))


@readout.mistake
def mean_over_the_batch(V, gid, G, mode):
    """Your mean divides by the number of rows in the whole batch. Every molecule divides by the number of its own
    atoms."""
    return collected(V, gid, G, mode, divide=len(V))


@readout.mistake
def mean_over_padded_rows(V, gid, G, mode):
    """Your mean divides all molecules by the number of atoms of the largest, as if the smaller ones were filled up with
    zeros. Every molecule divides by the number of its own atoms."""
    counts = [int(np.sum(np.asarray(gid) == s)) for s in range(G)]
    return collected(V, gid, G, mode, divide=max(counts) or 1)


@readout.mistake
def always_the_sum(V, gid, G, mode):
    """You add up, whatever `mode` says."""
    return collected(V, gid, G, "sum")


@readout.mistake
def maximum_with_zero(V, gid, G, mode):
    """Your maximum starts at 0, so negative features are never seen. Zeros are for molecules without atoms."""
    return collected(V, gid, G, mode, start=0.0)


@readout.mistake
def maximum_of_nothing(V, gid, G, mode):
    """The maximum over a molecule without atoms is minus infinity in your answer. It should be 0."""
    return collected(V, gid, G, mode, empty=-np.inf if mode == "max" else 0.0)


@readout.mistake
def mean_of_nothing(V, gid, G, mode):
    """The mean over a molecule without atoms is NaN in your answer: 0 by 0. It should be 0."""
    return collected(V, gid, G, mode, empty=np.nan if mode == "mean" else 0.0)


@readout.mistake
def number_of_molecules_guessed(V, gid, G, mode):
    """You take the number of molecules from the largest number in `gid`. The last molecules may have no atoms, and the
    largest number may be padding. G says how many there are."""
    return collected(V, gid, int(np.max(np.asarray(gid), initial=-1)) + 1, mode)


@readout.mistake
def neighbours_in_the_table(V, gid, G, mode):
    """You cut the table where `gid` changes. Atoms of one molecule need not stand together."""
    V, gid = np.asarray(V, float), np.asarray(gid)
    out = np.zeros((G, V.shape[1]))
    starts = [i for i in range(len(gid)) if i == 0 or gid[i] != gid[i - 1]]
    for begin, end in zip(starts, [*starts[1:], len(gid)], strict=True):
        if 0 <= gid[begin] < G:
            rows = V[begin:end]
            out[gid[begin]] = {"sum": rows.sum(0), "mean": rows.mean(0), "max": rows.max(0)}[mode]
    return out


@readout.alternate
def segments_of_jax(V, gid, G, mode):
    place = jnp.where((gid >= 0) & (gid < G), gid, G)
    count = jnp.bincount(place, length=G + 1)[:G, None]
    if mode == "max":
        return jnp.nan_to_num(jax.ops.segment_max(V, place, G + 1)[:G], neginf=0.0)
    total = jax.ops.segment_sum(V, place, G + 1)[:G]
    return total if mode == "sum" else total / jnp.where(count == 0, 1, count)


@readout.alternate
def in_numpy(V, gid, G, mode):
    V, gid = np.asarray(V, float), np.asarray(gid)
    real = (gid >= 0) & (gid < G)
    V, gid = V[real], gid[real]
    out = np.full((G, V.shape[1]), -np.inf if mode == "max" else 0.0)
    (np.maximum if mode == "max" else np.add).at(out, gid, V)
    count = np.bincount(gid, minlength=G)[:, None]
    if mode == "mean":
        out = out / np.maximum(count, 1)
    return np.where(count == 0, 0, out)


@readout.alternate
def boxes(V, gid, G, mode):
    found = []
    for s in range(G):
        mine = [row for row, number in zip(np.asarray(V, np.float32), gid.tolist(), strict=True) if number == s]
        if not mine:
            found.append(np.zeros(V.shape[1], np.float32))
        elif mode == "max":
            found.append([max(column) for column in zip(*mine, strict=True)])
        else:
            found.append(sum(mine) / (len(mine) if mode == "mean" else 1))
    return np.array(found)


@readout.oracle
def pieces_of_scipy(V, gid, G, mode):
    from scipy import ndimage

    V, gid = arrays(V, gid)
    function = {"sum": ndimage.sum_labels, "mean": ndimage.mean, "max": ndimage.maximum}[mode]
    some = np.isin(np.arange(G), gid)
    columns = [function(column, gid, np.arange(G)[some]) if some.any() else np.zeros(0) for column in V.T]
    out = np.zeros((G, V.shape[1]))
    out[some] = np.stack(columns, axis=1)
    return out


# %% [markdown]
# Your reward: solubility from a readout. Carbons that see an O or N next door dissolve more easily than those that do
# not, so one step over the neighbours comes first. Three numbers are then fitted to twelve molecules: far too few for
# science, but look at benzene, naphthalene and anthracene. What does the mean not know about them?


# %%
@reward
def solubility():
    measured = np.array([float(ROWS[name][0]) for name in ROWS])
    near = []
    for _, rows, sources, targets in batch:
        hears = adjacency(sources, targets, len(rows)) @ rows
        polar = rows[:, 1] + rows[:, 2] + 0.5 * rows[:, 0] * (hears[:, 1] + hears[:, 2] > 0)
        near.append(jnp.stack([1.0 - polar, polar], axis=1))
    for mode in ("sum", "mean"):
        table = np.column_stack([np.ones(len(batch)), readout(jnp.concatenate(near), gid, len(batch), mode)])
        weights = np.linalg.lstsq(table[:, : 3 if mode == "sum" else 2], measured, rcond=None)[0]
        fitted = table[:, : len(weights)] @ weights
        print(f"{mode}: typical error {np.sqrt(np.mean((fitted - measured) ** 2)):.1f} log(mol/L)")
        for name in ("benzene", "naphthalene", "anthracene"):
            place = list(ROWS).index(name)
            print(f"    {name:12s} measured {measured[place]:5.1f}, fitted {fitted[place]:5.1f}")


# %% [markdown]
# ## 8. Does it care how the atoms are numbered?
#
# The numbers of the atoms in a file mean nothing. A layer should treat them like that, and there are two ways. If the
# atoms are renumbered, the answer of an **equivariant** function is renumbered with them: one row for each atom, in the
# new order. The answer of an **invariant** function does not change at all. A function that is *neither* has learnt
# something about the file. The two words are often mixed up, even in books. You never will again, for you write the
# function that tells them apart.
#
# Renumbering means: take the rows of V in another order, and the rows *and* the columns of A.

# %%
order = np.array([2, 0, 1])
small = jnp.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
print("A:", small.tolist(), " renumbered:", small[order][:, order].tolist())


# %% tags=["author"]
@given
def heard_by_each(V, A):
    return np.tanh(np.asarray(A) @ np.asarray(V))


@given
def told_by_each(V, A):
    return np.asarray(A).T @ np.cos(np.asarray(V)) + 0.1 * np.asarray(V)


@given
def everything_added(V, A):
    return np.tanh(np.asarray(A) @ np.asarray(V)).sum(axis=0)


@given
def the_first_atom(V, A):
    return np.asarray(V)[0]


@given
def the_last_atom(V, A):
    return np.asarray(V)[-1] * 2.0


@given
def an_average_for_all(V, A):
    return np.ones_like(V) * np.asarray(V).mean(axis=0)


@given
def one_number_for_all(V, A):
    return np.full(len(V), np.asarray(V).max() + np.asarray(A).sum())


@given
def places_matter_a_little(V, A):
    return np.tanh(np.asarray(V)) + 0.02 * np.arange(len(V))[:, None]


@given
def the_first_a_little_more(V, A):
    return np.sin(np.asarray(V)).mean(axis=0) + 0.03 * np.asarray(V)[0]


@given
def the_first_two_compared(V, A):
    return np.asarray(V) * np.sign(np.asarray(V)[0, 0] - np.asarray(V)[1, 0])


@given
def two_of_them_compared(V, A):
    return np.cos(np.asarray(V)).sum(axis=0) * np.sign(np.asarray(V)[2, 0] - np.asarray(V)[1, 0])


@given
def nothing_but_rounding(V, A):
    terms = np.exp(np.asarray(V, np.float32))
    return terms.sum(axis=0, dtype=np.float32) - np.sort(terms, axis=0).sum(axis=0, dtype=np.float32)


@given
def rows_and_rounding(V, A):
    terms = np.exp(np.asarray(V, np.float32))
    error = terms.sum(axis=0, dtype=np.float32) - np.sort(terms, axis=0).sum(axis=0, dtype=np.float32)
    return np.concatenate([np.asarray(V), np.tile(error, (len(V), 1))], axis=1)


@given
def nothing_for_all(V, A):
    return np.zeros((len(V), 2), np.float32)


@given
def sorted_columns(V, A):
    return np.sort(np.asarray(V), axis=0)


@given
def running_sums(V, A):
    return np.cumsum(np.asarray(V), axis=0)


@given
def places_matter(V, A):
    return np.asarray(V) * np.cos(np.arange(len(V)))[:, None]


@given
def round_the_table(V, A):
    return (np.asarray(V) * np.roll(np.asarray(V), 1, axis=0)).sum()


@given
def uphill_arrows(V, A):
    return np.asarray(np.triu(A - np.asarray(A).T).sum(), np.float32) + np.asarray(V).mean()


@given
def how_many_hear_me(V, A):
    return np.asarray(A).sum(axis=0)


@given
def ways_back(V, A):
    return np.asarray(np.diagonal(np.asarray(A) @ A @ A)) + 0.0


@given
def all_edges(V, A):
    return np.asarray(A).sum() / len(V)


@given
def heard_by_the_first(V, A):
    return np.asarray(A)[0] @ np.asarray(V)


@given
def first_row_of_arrows(V, A):
    return np.asarray(A)[0].sum() + 0.0


@given
def many_small_terms(V, A):
    return np.asarray(np.exp(np.asarray(V)) / 3.0).sum(axis=0)


# %%
symmetry_of = exercise(
    graphs.symmetry_of,
    points=5,
    hints=(
        "Ask `f` once, keep its answer, and ask again with everything renumbered. What must be equal to what?",
        "If atoms are alike, or nothing is bonded, a test cannot see anything. Random features tell atoms apart; a "
        "random directed A tells rows from columns.",
        'One permutation can be lucky, and a shift or a reversal is special. Say "invariant" only if it holds for all '
        "of at least ten random ones.",
    ),
)

SAYS = {
    "equivariant": (heard_by_each, told_by_each, how_many_hear_me, ways_back, rows_and_rounding),
    "invariant": (everything_added, sorted_columns, an_average_for_all, nothing_for_all, one_number_for_all, all_edges,
                  many_small_terms, nothing_but_rounding),
    "neither": (the_first_atom, the_last_atom, the_first_a_little_more, running_sums, places_matter,
                places_matter_a_little, round_the_table,
                the_first_two_compared, two_of_them_compared, uphill_arrows, heard_by_the_first, first_row_of_arrows),
}  # fmt: skip
SHOWN = (heard_by_each, everything_added, the_first_atom, nothing_for_all)

for said, functions in SAYS.items():
    for number, function in enumerate(functions):
        symmetry_of.case(
            f"the function {function.name}", function, Key(number), hidden=function not in SHOWN, expect=said
        )


@symmetry_of.law
def sums_and_rows(f, rng):
    """A random layer is equivariant, its sum over the atoms is invariant, its first row is neither."""
    W = 0.5 + rng.random(2)

    def layer(V, A):
        V, A = np.asarray(V), np.asarray(A)
        return np.cos((V + 0.5 * A @ V) * W[0] + A.sum(axis=1, keepdims=True) * W[1])

    keys = [jax.random.key(int(seed)) for seed in rng.integers(1000, size=3)]
    said = [
        f(layer, keys[0]),
        f(lambda V, A: layer(V, A).sum(axis=0), keys[1]),
        f(lambda V, A: layer(V, A)[0], keys[2]),
    ]
    return said == ["equivariant", "invariant", "neither"]


@symmetry_of.law(hidden=True)
def ten_different_orders(f, rng):
    """`f` is asked about ten renumberings or more of one graph, which is directed and whose atoms are all different."""
    seen = []

    def spy(V, A):
        seen.append((np.asarray(V), np.asarray(A)))
        return np.asarray(V)

    f(spy, jax.random.key(int(rng.integers(1000))))
    (V, A), rest = seen[0], seen[1:]
    orders = [np.array([int(np.argmin(np.abs(V - row).sum(axis=1))) for row in moved]) for moved, _ in rest]
    fair = all(
        np.allclose(V[order], moved) and np.array_equal(A[order][:, order], edges)
        for order, (moved, edges) in zip(orders, rest, strict=True)
    )
    unlike = len(np.unique(np.round(V, 5), axis=0)) == len(V) and not np.array_equal(A, A.T)
    return fair and unlike and len(rest) >= 10 and len({tuple(order.tolist()) for order in orders}) >= 6


@symmetry_of.law(hidden=True, draws=2)
def decided_by_the_key(f, rng):
    """The same key makes the same experiment, another key another one."""

    def experiment(seed):
        seen = []

        def spy(V, A):
            seen.append(np.concatenate([np.asarray(V, float).ravel(), np.asarray(A, float).ravel()]))
            return np.asarray(V).sum()

        f(spy, jax.random.key(int(seed)))
        return np.concatenate(seen)

    one, two = rng.choice(1000, 2, replace=False)
    first, again, other = experiment(one), experiment(one), experiment(two)
    return np.array_equal(first, again) and not np.array_equal(first, other)


def tried(f, key, *, V=None, A=None, orders=None, also=(True, True), back=False, first="invariant", exact=False, n=7):
    """The right experiment in NumPy, with one thing changed."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    features = rng.normal(size=(n, 3)) if V is None else V(rng, n)
    edges = (rng.random((n, n)) < 0.4).astype(float) if A is None else A(rng, n)
    orders = [rng.permutation(n) for _ in range(12)] if orders is None else orders(n)
    before, same, follows = np.asarray(f(features, edges)), [], []
    for order in orders:
        moved = edges[order] if also[0] else edges
        after = np.asarray(f(features[order], moved[:, order] if also[1] else moved))
        near = np.array_equal if exact else lambda a, b: bool(np.allclose(a, b, rtol=1e-3, atol=1e-4))
        same.append(near(after, before))
        where = np.argsort(order) if back else order
        follows.append(before.ndim > 0 and len(before) == n and near(after, before[where]))
    names = {"invariant": all(same), "equivariant": all(follows)}
    words = [first, *(name for name in names if name != first)]
    return next((word for word in words if names[word]), "neither")


@symmetry_of.mistake
def nothing_moved(f, key):
    """Your permutation leaves everything in place, so any function looks invariant. Shuffle the atoms."""
    return tried(f, key, orders=lambda n: [np.arange(n)] * 12)


@symmetry_of.mistake
def only_the_features(f, key):
    """You renumber the features and leave A alone, so atoms get other neighbours: that is another molecule. The rows
    and the columns of A have to follow."""
    return tried(f, key, also=(False, False))


@symmetry_of.mistake
def only_the_rows(f, key):
    """You renumber the rows of A, but not its columns. Both belong to atoms: `A[order][:, order]`."""
    return tried(f, key, also=(True, False))


@symmetry_of.mistake
def identical_atoms(f, key):
    """All atoms of your test are alike, and exchanging two that are alike shows nothing. Use random features."""
    return tried(f, key, V=lambda rng, n: np.tile([[0.0, 1.0, 0.0]], (n, 1)))


@symmetry_of.mistake
def no_bonds(f, key):
    """Your test graph has no edges, so whatever a function does with A goes unseen. Use a random one."""
    return tried(f, key, A=lambda rng, n: np.zeros((n, n)))


@symmetry_of.mistake
def undirected_test(f, key):
    """Your A is symmetric. Then a function may confuse rows and columns, and you do not see it. Use a directed one."""

    def both_ways(rng, n):
        half = np.triu(rng.random((n, n)) < 0.4, 1).astype(float)
        return half + half.T

    return tried(f, key, A=both_ways)


@symmetry_of.mistake
def one_reversal(f, key):
    """You only turn the order round. Some functions do not mind that, and mind others: try random permutations."""
    return tried(f, key, orders=lambda n: [np.arange(n)[::-1]])


@symmetry_of.mistake
def two_atoms_exchanged(f, key):
    """You only exchange the first two atoms. A function that looks at the last one does not notice."""
    return tried(f, key, orders=lambda n: [np.array([1, 0, *range(2, n)])])


@symmetry_of.mistake
def equivariant_first(f, key):
    """An answer that is the same for all atoms fulfils both equations, and then the word is "invariant": test that
    first."""
    return tried(f, key, first="equivariant")


@symmetry_of.mistake
def the_other_way_round(f, key):
    """You compare with the rows in the *inverse* order. If you shuffle with `V[order]`, the answer to expect is
    `before[order]`."""
    return tried(f, key, back=True)


@symmetry_of.mistake
def to_the_last_digit(f, key):
    """You ask for equality to the last digit. Numbers added in another order are rounded differently: compare with a
    tolerance."""
    return tried(f, key, exact=True, n=60)


@symmetry_of.mistake
def judged_by_shape(f, key):
    """You judge by the shape of the answer: one row for each atom, so it must be equivariant. A running sum has one row
    for each atom as well."""
    found = tried(f, key)
    return "equivariant" if np.shape(f(np.ones((7, 3)), np.eye(7)))[:1] == (7,) else found


@symmetry_of.mistake
def words_exchanged(f, key):
    """You have the two words the wrong way round. In*variant*: nothing varies. Equi*variant*: it varies as the atoms
    do. A published text mixes them up, too."""
    found = tried(f, key)
    return {"invariant": "equivariant", "equivariant": "invariant"}.get(found, found)


for count in (8, 6):
    symmetry_of.equivalent(f"n = 7 -> n = {count}", because="any number of atoms will do")
for count in (15, 13):
    symmetry_of.equivalent(
        "features, edges, *shuffles = jax.random.split(key, 14) -> "
        f"features, edges, *shuffles = jax.random.split(key, {count})",
        because="any number of permutations from ten will do",
    )
for count in (4, 2):
    symmetry_of.equivalent(
        f"V = jax.random.normal(features, (n, 3)) -> V = jax.random.normal(features, (n, {count}))",
        because="any number of features will do",
    )
for word, rows in (("invariant", "before"), ("equivariant", "before[order]")):
    symmetry_of.equivalent(
        f"{word} = {word} and bool(jnp.allclose(after, {rows}, atol=0.0001)) -> "
        f"{word} = {word} and bool(jnp.allclose({rows}, after, atol=0.0001))",
        because="it does not matter which of two equal tables is called the first",
    )


@symmetry_of.alternate
def in_numpy(f, key):
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    V, A = rng.uniform(-2, 2, size=(9, 4)), rng.integers(0, 2, size=(9, 9)).astype(float)
    base = np.asarray(f(V, A))
    verdicts = set()
    for _ in range(25):
        p = rng.permutation(9)
        new = np.asarray(f(V[p], A[np.ix_(p, p)]))
        if new.shape != base.shape:
            return "neither"
        verdicts.add(
            (np.allclose(new, base, atol=1e-5), new.shape[:1] == (9,) and np.allclose(new, base[p], atol=1e-5))
        )
    if all(same for same, _ in verdicts):
        return "invariant"
    return "equivariant" if all(follows for _, follows in verdicts) else "neither"


@symmetry_of.alternate
def permutation_matrices(f, key):
    n, keys = 6, jax.random.split(key, 17)
    V = jax.random.uniform(keys[0], (n, 5), minval=-1.0)
    A = (jax.random.uniform(keys[1], (n, n)) < 0.5) * 1.0
    invariant = equivariant = True
    for k in keys[2:]:
        P = jnp.eye(n)[jax.random.permutation(k, n)]
        before, after = np.asarray(f(V, A)), np.asarray(f(P @ V, P @ A @ P.T))
        invariant &= bool(np.allclose(before, after, atol=1e-3))
        moved = np.asarray(jnp.tensordot(P, before, axes=1)) if before.shape[:1] == (n,) else np.inf
        equivariant &= bool(np.allclose(after, moved, atol=1e-3))
    return "invariant" if invariant else "equivariant" if equivariant else "neither"


@symmetry_of.alternate
def exchanges_in_a_row(f, key):
    """Swaps random pairs, one after the other; every state is a permutation of the first one."""
    rng = np.random.default_rng([int(word) for word in np.asarray(jax.random.key_data(key)).ravel()])
    n = 5
    V, A = rng.normal(size=(n, 2)).astype(np.float32), np.float32(rng.random((n, n)) < 0.5)
    A[0, 1], A[1, 0] = 1, 0
    first, order, states = np.asarray(f(V, A)), np.arange(n), []
    for _ in range(40):
        i, j = rng.choice(n, 2, replace=False)
        order[[i, j]] = order[[j, i]]
        states.append((order.copy(), np.asarray(f(V[order], A[order][:, order]))))
    if all(abs(out - first).max() < 1e-3 for _, out in states):
        return "invariant"
    by_atom = first.ndim >= 1 and first.shape[0] == n
    return "equivariant" if by_atom and all(abs(out - first[p]).max() < 1e-3 for p, out in states) else "neither"


# %% [markdown]
# Your reward: your layers before the judge. The last one is a convolution with a weight for each *place* in the file.


# %%
@reward
def judged():
    key = jax.random.key(3)

    def layer(V, A):
        return gcn(V, A, jnp.ones((V.shape[1], 2)), jnp.tanh, "row")

    def whole(V, A):
        return readout(layer(V, A), jnp.zeros(len(V), int), 1, "mean")

    def by_place(V, A):
        return layer(V, A) * jnp.arange(len(V))[:, None]

    for name, f in (("a convolution", layer), ("its readout", whole), ("a weight for each place", by_place)):
        print(f"{name:24s} {symmetry_of(f, key)}")


# %%
three_variants = written(
    "three_variants",
    """
    Three layers are proposed. (1) Each atom takes the mean of its neighbours' rows, times W, and a bend. (2) The same,
    but each atom has a matrix W_i of its own, i being its number in the file. (3) The rows of (1), sorted along each
    column. (a) Which of them is equivariant, invariant or neither under renumbering of the atoms, and why? (b) Which of
    them can end a network that predicts solubility, and what is missing in the others? (c) A test with benzene, whose
    carbons carry the same features, finds (2) equivariant if only the carbons are exchanged in their order around the
    ring. Explain, and suggest a better test.
    """,
    points=3,
    rubric="""
    1 point: (1) equivariant: means over neighbours and the common W do not refer to numbers, so rows follow the atoms;
    (2) neither: the matrices stay in place when the atoms move; (3) invariant: the set of numbers in a column is the
    same, and sorting forgets the order (one row for each place of the file is not one row for each atom).
    1 point: a prediction for the molecule must be invariant: (1) needs a readout (sum, mean, max); (3) is invariant but
    its shape depends on the number of atoms, so it needs padding or a readout too; (2) would give other predictions for
    another file.
    1 point: equal rows (and equal neighbours) make permuted inputs identical, so nothing was tested; random, all
    different features, a graph without symmetry, several random permutations (and a function known to be neither as
    control).
    """,
)


# %% [markdown]
# ## 9. Atoms with a memory
#
# With every layer an atom's row is replaced by a new one, and what it was fades away. A *gated* network lets the atom
# decide: its row is a memory `h`, the message that arrives is `x`, and two gates, numbers between 0 and 1, say how much
# of the old memory goes into the new one, and how much of the old one stays. The **gated recurrent unit** was made for
# sentences; in a graph network it takes the place of `phi_v`, and may be used for many layers in a row.
#
# A gate is a sigmoid: 0 for very negative numbers, 1 for very positive ones, and 1/2 for 0.

# %%
print("sigmoid of -5, 0, 5:", jax.nn.sigmoid(jnp.array([-5.0, 0.0, 5.0])))

# %%
gru_cell = exercise(
    graphs.gru_cell,
    points=3,
    hints=(
        "W[0], W[1], W[2] belong to the gates in the order reset, update, new. Rows of x and h stand on the left: "
        "which of the two matrices has to be transposed in a product?",
        "In the third line r multiplies everything that comes from h, its bias c[2] included, and nothing else.",
        "If z is 1 everywhere, the answer should be h.",
    ),
    draw={
        "W": lambda rng, k, d: 0.4 * rng.normal(size=(3, k, d)),
        "U": lambda rng, k: 0.4 * rng.normal(size=(3, k, k)),
    },
)

gru_cell.case(
    "half open, with nothing learnt",
    np.array([[1.0, 2.0]]),
    np.array([[0.8, -0.4]]),
    np.zeros((3, 2, 2)),
    np.zeros((3, 2, 2)),
    np.zeros((3, 2)),
    np.zeros((3, 2)),
    expect=np.array([[0.4, -0.2]]),
)
gru_cell.probe("three atoms", n=3, d=4, k=2)
gru_cell.probe("more memory than message", hidden=True, n=5, d=2, k=6)
gru_cell.probe("all sizes alike", hidden=True, n=3, d=3, k=3)
gru_cell.probe("loud messages", hidden=True, n=5, d=2, k=6, x=lambda rng, n, d: 1e6 * rng.normal(size=(n, d)))
gru_cell.probe("a single atom", hidden=True, weight=0.5, n=1, d=4, k=2)


@gru_cell.law
def atom_by_atom(f, rng):
    """Every atom is updated by itself: in another order of the rows the answers follow."""
    parts = [rng.normal(size=shape) for shape in ((3, 4, 2), (3, 4, 4), (3, 4), (3, 4))]
    x, h, order = rng.normal(size=(5, 2)), rng.normal(size=(5, 4)), np.array([3, 0, 4, 1, 2])
    return close(f(x[order], h[order], *parts), f(x, h, *parts)[order])


@gru_cell.law(hidden=True)
def gates(f, rng):
    """With the update gate open the memory stays; with it and the reset gate shut, only the message counts."""
    x, h = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    W, U, c = 0.3 * rng.normal(size=(3, 2, 3)), 0.3 * rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2))
    keep, forget = np.zeros((3, 2)), np.zeros((3, 2))
    keep[1], forget[:2] = 60.0, -60.0
    new = f(x, h, W, U, forget, c)
    return (
        close(f(x, h, W, U, keep, c), h)
        and close(new, np.tanh(x @ W[2].T))
        and close(f(x, 2 * h, W, U, forget, c), new)
    )


@gru_cell.law(hidden=True)
def between_old_and_new(f, rng):
    """Every number of the answer lies between the old memory and a number from -1 to 1, and depends on all it is
    made of."""
    parts = [rng.normal(size=shape) for shape in ((4, 3), (4, 2), (3, 2, 3), (3, 2, 2), (3, 2), (3, 2))]
    out, h = f(*parts), parts[1]
    inside = bool(np.all(out <= np.maximum(h, 1) + 1e-5) and np.all(out >= np.minimum(h, -1) - 1e-5))
    changed = [f(*parts[:i], part + 0.5, *parts[i + 1 :]) for i, part in enumerate(parts)]
    return inside and not any(close(other, out, rtol=1e-3, atol=1e-3) for other in changed)


def gated(x, h, W, U, b, c, *, order=(0, 1, 2), turned=False, reset="after", both=False, kept=1.0, transpose=True,
          squash=None, bias=True):  # fmt: skip
    """The right answer in NumPy, with one thing changed."""
    from scipy.special import expit

    x, h, W, U, b, c = arrays(x, h, W, U, b, c)
    c = c * kept
    given = [x @ W[g].T + b[g] for g in order]
    old = [h @ (U[g].T if transpose else U[g]) + c[g] for g in order]
    r, z = expit(given[0] + old[0]), expit(given[1] + old[1])
    if reset == "before":
        old[2] = (r * h) @ U[order[2]].T + c[order[2]]
    elif reset == "none":
        r = 1.0
    g, o = given[2], old[2]
    inside = (
        g + o
        if reset == "before"
        else r * (g + o)
        if both
        else g + r * (o if bias else o - c[2]) + (0 if bias else c[2])
    )
    m = (squash or np.tanh)(inside)
    return z * m + (1 - z) * h if turned else (1 - z) * m + z * h


@gru_cell.mistake
def update_turned_round(x, h, W, U, b, c):
    """Your update gate works the other way round: z = 1 should keep the old memory. (Papers differ in this; here it is
    as in PyTorch.)"""
    return gated(x, h, W, U, b, c, turned=True)


@gru_cell.mistake
def reset_before_the_product(x, h, W, U, b, c):
    """You multiply r with h before the product with U[2]. The first paper did that; here, as in PyTorch, r multiplies
    what comes out of it."""
    return gated(x, h, W, U, b, c, reset="before")


@gru_cell.mistake
def update_first(x, h, W, U, b, c):
    """You take the gates in the order update, reset, new. That is the order of Keras; here the first is reset."""
    return gated(x, h, W, U, b, c, order=(1, 0, 2))


@gru_cell.mistake
def one_bias(x, h, W, U, b, c):
    """The second bias, c, is missing. For the gates one bias would be enough, but c[2] stands inside the part that r
    multiplies."""
    return gated(x, h, W, U, b, c, kept=0.0)


@gru_cell.mistake
def everything_reset(x, h, W, U, b, c):
    """You multiply the whole of the new memory's argument with r. Only the part that comes from h is reset, the message
    is not."""
    return gated(x, h, W, U, b, c, both=True)


@gru_cell.mistake
def bias_outside(x, h, W, U, b, c):
    """Your c[2] stands outside of what r multiplies. It belongs to the part that comes from h."""
    return gated(x, h, W, U, b, c, bias=False)


@gru_cell.mistake
def never_reset(x, h, W, U, b, c):
    """You compute the reset gate and do not use it: r multiplies the part of the new memory that comes from h."""
    return gated(x, h, W, U, b, c, reset="none")


@gru_cell.mistake
def rows_times_U(x, h, W, U, b, c):
    """You multiply h with U instead of its transpose. U is square, so the shapes fit, but U[gate][i, j] says what comes
    from j to i: rows of h need `U[gate].T`."""
    return gated(x, h, W, U, b, c, transpose=False)


@gru_cell.mistake
def sigmoid_for_the_memory(x, h, W, U, b, c):
    """Your new memory goes through a sigmoid, so it can never be negative. It is the gates that are sigmoids; the
    memory is a tanh."""
    from scipy.special import expit

    return gated(x, h, W, U, b, c, squash=expit)


for row in (
    "given = [x @ W[gate].T + b[gate] for gate in (0, 1, {})]",
    "kept = [h @ U[gate].T + c[gate] for gate in (0, 1, {})]",
):
    gru_cell.equivalent(
        f"{row.format(2)} -> {row.format(3)}",
        because="for an index beyond the end JAX takes the last matrix, which is 2",
    )


@gru_cell.alternate
def in_numpy(x, h, W, U, b, c):
    x, h, W, U, b, c = (np.asarray(part, float) for part in (x, h, W, U, b, c))
    xs, hs = np.einsum("nd,gkd->gnk", x, W) + b[:, None], np.einsum("nj,gkj->gnk", h, U) + c[:, None]
    r, z = (1 + np.tanh((xs[:2] + hs[:2]) / 2)) / 2
    return h + (1 - z) * (np.tanh(xs[2] + r * hs[2]) - h)


@gru_cell.alternate
def stacked_as_in_pytorch(x, h, W, U, b, c):
    k = h.shape[1]
    xr, xz, xn = jnp.split(x @ W.reshape(3 * k, -1).T + b.reshape(-1), 3, axis=1)
    hr, hz, hn = jnp.split(h @ U.reshape(3 * k, k).T + c.reshape(-1), 3, axis=1)
    z = jax.nn.sigmoid(xz + hz)
    return z * h + (1 - z) * jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)


@gru_cell.alternate
def number_by_number(x, h, W, U, b, c):
    x, h, W, U, b, c = (np.asarray(part, np.float32) for part in (x, h, W, U, b, c))
    out = np.zeros_like(h)

    def gate(value):
        return 1 / (1 + math.exp(-value)) if value > -80 else 0.0

    for i in range(h.shape[0]):
        for a in range(h.shape[1]):
            xs = [sum(W[g, a] * x[i]) + b[g, a] for g in range(3)]
            hs = [sum(U[g, a] * h[i]) + c[g, a] for g in range(3)]
            r, z = gate(xs[0] + hs[0]), gate(xs[1] + hs[1])
            out[i, a] = (1 - z) * math.tanh(xs[2] + r * hs[2]) + z * h[i, a]
    return out


@gru_cell.oracle
def one_large_matrix(x, h, W, U, b, c):
    """All six products as one with a block matrix, and the gates by SciPy."""
    from scipy.special import expit

    x, h, W, U, b, c = arrays(x, h, W, U, b, c)
    k = h.shape[1]
    inputs = np.hstack([x, h, np.ones((len(x), 1))])
    rows = [np.hstack([W[g], U[g], (b[g] + c[g])[:, None]]) for g in (0, 1)]
    rows.append(np.hstack([W[2], 0 * U[2], b[2][:, None]]))
    rows.append(np.hstack([0 * W[2], U[2], c[2][:, None]]))
    r, z, new, old = np.split(inputs @ np.vstack(rows).T, [k, 2 * k, 3 * k], axis=1)
    return np.where(expit(z) > 0.5, h + expit(-z) * (np.tanh(new + expit(r) * old) - h),
                    np.tanh(new + expit(r) * old) + expit(z) * (h - np.tanh(new + expit(r) * old)))  # fmt: skip


# %% [markdown]
# Your reward: over-smoothing again, and a cure. In section 2, averages of averages made all atoms alike. Here the same
# averages arrive at a memory whose update gate is nearly shut, half open, or wide open for keeping.


# %%
@reward
def memories_that_last():
    hears = norm_adj(A, "row", True)
    W = jnp.stack([jnp.zeros((3, 3)), jnp.zeros((3, 3)), jnp.eye(3)])
    for name, bias in (("forgets", -4.0), ("half and half", 0.0), ("keeps", 4.0)):
        memory, b = features, jnp.zeros((3, 3)).at[1].set(bias)
        for _ in range(30):
            memory = gru_cell(hears @ memory, memory, W, jnp.zeros((3, 3, 3)), b, jnp.zeros((3, 3)))
        apart = float(jnp.abs(memory - memory.mean(axis=0)).max() / jnp.abs(memory).max())
        print(f"{name:14s} after 30 layers, atoms still differ by {100 * apart:4.1f} % of the largest number")


# %% [markdown]
# ## 10. How far does an atom see?
#
# One layer carries news over one bond; two layers, over two. So after k layers an atom knows what lies within k bonds,
# and *nothing* else, whatever the weights. If a drug acts because of two groups ten bonds apart, a network with four
# layers cannot know it. The set of atoms that an atom has heard of is its **receptive field**.
#
# You have all you need: a table says who hears whom in one step. What does the product of that table with itself say?

# %%
step = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
print("one step:\n", step, "\ntwo steps, in how many ways:\n", step @ step)

# %%
receptive_field = exercise(
    graphs.receptive_field,
    points=3,
    hints=(
        "The product counts the *ways* from j to i. You only want to know whether there is one.",
        "Every atom also hears itself, in each step. Which matrix do you have to add to A for that?",
        "Numbers of ways grow until they overflow. Say `> 0` after every step, not only at the end.",
    ),
)

RING = np.roll(np.eye(6), 1, axis=0)  # one way round

receptive_field.case("a chain, after one layer", CHAIN, 1, expect=np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1]]) > 0)
receptive_field.probe("five atoms, two layers", n=5, A=renumbered(HEARD), k=2)
receptive_field.probe("no layer at all", n=5, A=renumbered(HEARD), k=0)
receptive_field.probe("one layer", hidden=True, n=5, A=renumbered(HEARD), k=1)
receptive_field.probe("three layers", hidden=True, n=5, A=renumbered(HEARD), k=3)
receptive_field.probe("a ring with one-way bonds, two layers", hidden=True, n=6, A=renumbered(RING), k=2)
receptive_field.probe("a ring with one-way bonds, four layers", hidden=True, n=6, A=renumbered(RING), k=4)
receptive_field.probe("a ring of six, two layers", hidden=True, n=6, A=renumbered(RING + RING.T), k=2)
receptive_field.probe("a ring of six, three layers", hidden=True, n=6, A=renumbered(RING + RING.T), k=3)
receptive_field.probe("an atom alone, with loops elsewhere", hidden=True, n=6, k=2,
                      A=renumbered(np.pad(LOOPED, ((1, 0), (1, 0)))))  # fmt: skip
receptive_field.probe("two hundred layers", hidden=True, n=6, A=renumbered(ALONE), k=200)
receptive_field.probe("two hundred layers in a ring and a chain", hidden=True, n=9, k=200,
                      A=renumbered(np.block([[RING, np.zeros((6, 3))], [np.zeros((3, 6)), CHAIN]])))  # fmt: skip
receptive_field.probe("a single atom", hidden=True, weight=0.5, n=1, A=lambda rng: np.zeros((1, 1)), k=3)


@receptive_field.law
def layers_add_up(f, rng):
    """Whom an atom sees after two layers, and what these see after three, is what it sees after five; fields only
    grow."""
    A = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], float)
    two, three, five = f(A, 2), f(A, 3), f(A, 5)
    grows = bool(np.all(three >= two)) and three.sum() > two.sum()
    return grows and np.array_equal(two.astype(int) @ three.astype(int) > 0, five)


@receptive_field.law(hidden=True)
def what_a_network_can_know(f, rng):
    """After k layers of averages, an atom's number depends on just those it sees."""
    A = renumbered(HEARD)(rng)
    walk = (A + np.eye(5)) / (A.sum(axis=1, keepdims=True) + 1)
    return all(np.array_equal(np.linalg.matrix_power(walk, k) > 1e-12, f(A, k)) for k in (1, 2, 3, 4))


def reached(A, k, *, loops=True):
    A = np.asarray(A, float)
    found, step = np.eye(len(A)), A + np.eye(len(A)) if loops else A
    for _ in range(k):
        found = (step @ found > 0).astype(float)
    return found > 0


@receptive_field.mistake
def exactly_k_steps(A, k):
    """You find the atoms from which there is a way of exactly k bonds. Atoms hear themselves in each layer, so shorter
    ways count too: add I to A."""
    return reached(A, k, loops=False)


@receptive_field.mistake
def k_steps_and_itself(A, k):
    """You add the atom itself at the end, but news from one bond away is lost unless atoms hear themselves in *every*
    layer: add I before you multiply."""
    return reached(A, k, loops=False) | (np.eye(len(A)) > 0)


@receptive_field.mistake
def one_layer_too_many(A, k):
    """Your field is that of one layer more: after k = 0 layers everybody knows only themselves."""
    return reached(A, k + 1)


@receptive_field.mistake
def one_layer_too_few(A, k):
    """Your field is that of one layer less: one layer carries news over one bond."""
    return reached(A, max(k - 1, 0))


@receptive_field.mistake
def who_hears_me(A, k):
    """Your table is transposed: [i, j] should say whether i hears of j, not whether j hears of i."""
    return reached(A, k).T


@receptive_field.mistake
def both_directions(A, k):
    """You let news travel against the arrows, too. `A[i, j] = 1` without `A[j, i] = 1` is a one-way street."""
    return reached(A + A.T, k)


@receptive_field.mistake
def all_of_its_component(A, k):
    """You find all atoms from which there is any way at all. After k layers only those within k bonds count."""
    return reached(A, len(A) if k else 0)


@receptive_field.mistake
def squared_each_time(A, k):
    """You multiply the table with *itself* in every step, so the reach doubles: that is 2^k layers. Multiply with the
    table of one step."""
    return reached(A, 2**k if k else 0) if k < 20 else reached(A, len(A))


@receptive_field.mistake
def ways_overflow(A, k):
    """Right for a few layers. But the numbers of ways grow without end, become infinite, and infinity times 0 is NaN.
    Say `> 0` after every step."""
    step, found = np.asarray(A, np.float32) + np.eye(len(A), dtype=np.float32), np.eye(len(A), dtype=np.float32)
    with np.errstate(all="ignore"):
        for _ in range(k):
            found = step @ found
    return found > 0


@receptive_field.alternate
def in_numpy(A, k):
    heard = np.eye(len(A), dtype=bool)
    hop = np.asarray(A).astype(bool) | heard
    for _ in range(k):
        heard = (hop[:, :, None] & heard[None]).any(axis=1)
    return heard


@receptive_field.alternate
def wave_by_wave(A, k):
    A, n = np.asarray(A, np.float32), len(A)
    answer = [[False] * n for _ in range(n)]
    for i in range(n):
        front, seen = {i}, {i}
        for _ in range(k):
            front = {j for a in front for j in range(n) if A[a, j] and j not in seen}
            seen |= front
        for j in seen:
            answer[i][j] = True
    return np.array(answer)


@receptive_field.alternate
def scaled_powers(A, k):
    walk = A + jnp.eye(len(A))
    walk = walk / walk.sum(axis=1, keepdims=True)
    return jnp.linalg.matrix_power(walk, min(k, len(A))) > 0


receptive_field.equivalent(
    "step = jnp.maximum(A, jnp.eye(A.shape[0])) -> step = jnp.maximum(A, jnp.eye(A.shape[1]))", because="A is square"
)
receptive_field.equivalent(
    "heard = jnp.eye(A.shape[0], dtype=bool) -> heard = jnp.eye(A.shape[1], dtype=bool)", because="A is square"
)
receptive_field.equivalent("heard = step @ heard > 0 -> heard = heard @ step > 0", because="both are powers of step")


@receptive_field.oracle
def shortest_paths(A, k):
    from scipy.sparse.csgraph import shortest_path

    arrows = np.array(np.asarray(A, float).T, order="C")  # SciPy's entry [j, i] is an edge from j to i
    return np.less_equal(shortest_path(arrows, unweighted=True).T, k)


# %% [markdown]
# Your reward: how deep must a network be? Count the layers until every atom has heard of every other one.


# %%
@reward
def how_deep():
    for name in ROWS:
        names, _, sources, targets = molecule(name)
        table = adjacency(sources, targets, len(names))
        depth = next(k for k in range(len(names)) if np.all(receptive_field(table, k)))
        print(f"  {name:12s} {len(names):3d} atoms, {depth} layers " + "#" * depth)


# %%
across_the_ring = written(
    "across_the_ring",
    """
    (a) How many layers does a graph convolution need before each atom of a six-membered ring has heard of all others,
    and how many in a chain of six atoms? Give the rule for any molecule. (b) A colleague wants to see across a whole
    protein and stacks 50 convolutions of the kind "row". What will go wrong, although the receptive field is large
    enough? (c) Suggest two changes of the network that help, and say for each what it costs.
    """,
    points=3,
    rubric="""
    1 point: 3 in the ring, 5 in the chain (for its end atoms); the diameter, i.e. the longest of all shortest paths.
    1 point: over-smoothing: repeated averages converge to one and the same row for all atoms (the second eigenvalue to
    the power of 50; without activations, weights by degree only); also vanishing gradients, or messages of too many
    atoms squeezed into one row.
    1 point: any two with their price: residual connections or gates (more parameters or memory), a node or vector u
    connected with all atoms (everything passes one bottleneck), edges beyond bonds, such as neighbours in space (more
    edges, a cut-off to choose), attention over all pairs (quadratic cost), jumping knowledge, fewer layers with higher
    powers of A.
    """,
)

# %% [markdown]
# ## 11. Distances instead of bonds
#
# Forces do not ask which atoms are bonded; they ask how far apart they are. Models of energies and forces, such as
# **SchNet**, therefore make their graph from positions: each atom listens to its nearest neighbours, and what it hears
# is *filtered* by the distance. Four small functions make one such layer. First, the graph.
#
# The trap: who is the nearest neighbour of an atom? Nobody is nearer to it than itself.

# %%
knn_graph = exercise(
    graphs.knn_graph,
    points=4,
    hints=(
        "A table of distances from all to all: `R[:, None] - R[None]` has one vector for each pair. Sort each row with "
        "`argsort`, which gives places, not distances.",
        "Make the diagonal infinite, and an atom comes last in its own row, even if another atom sits on top of it.",
        "One list is the sorted table, row after row; the other says to which row each entry belongs: look up "
        "`repeat`. Who listens is `dst`.",
    ),
)


SPACE = np.array([[0, 0, 0], [1, 0.9, 0.9], [-2.2, 0, 0], [3, 2.5, -1], [-1.5, 3, 1.7], [0.4, -3, 2], [4, -2, 3.3]])
PLANE = np.array([[0.0, 0.0], [1.6, 0.0], [1.0, 1.0], [-3.0, 1.0], [0.5, -4.0]])
CORNER = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [1.0, 0.5, 0.2]])


def about(places, far=0.0):
    """Atoms near these places, in which straight lines and coordinates disagree about who is near."""
    return lambda rng: places + far + 0.03 * rng.normal(size=places.shape)


knn_graph.case(
    "three atoms on a line", np.array([[0.0], [3.0], [4.0]]), 1, expect=(np.array([1, 2, 1]), np.array([0, 1, 2]))
)
knn_graph.probe("five atoms in a plane", n=5, d=2, k=2, R=about(PLANE))
knn_graph.case(
    "fewer atoms than neighbours asked for",
    np.array([[0.0], [3.0], [4.0]]),
    5,
    expect=(np.array([1, 2, 2, 0, 1, 0]), np.array([0, 0, 1, 1, 2, 2])),
)
knn_graph.probe("seven atoms in space", hidden=True, n=7, d=3, k=3, R=about(SPACE))
knn_graph.probe("seven atoms in space, one neighbour", hidden=True, n=7, d=3, k=1, R=about(SPACE))
knn_graph.probe("as many atoms as coordinates", hidden=True, n=3, d=3, k=2, R=about(CORNER))
knn_graph.probe("all the others", hidden=True, n=7, d=3, k=6, R=about(SPACE))
knn_graph.probe("more neighbours than there are", hidden=True, n=5, d=2, k=9, R=about(PLANE))
knn_graph.probe("far from the origin", hidden=True, n=7, d=3, k=3, R=about(SPACE[::-1], 5000.0))
knn_graph.probe("far from the origin, one neighbour", hidden=True, n=7, d=3, k=1, R=about(SPACE[::-1], 5000.0))
knn_graph.case("a single atom", np.array([[1.0, 2.0]]), 2, hidden=True, weight=0.5,
               expect=(np.zeros(0, int), np.zeros(0, int)))  # fmt: skip


@knn_graph.law
def moved_and_turned(f, rng):
    """Moving, turning and mirroring all atoms together changes no neighbour; stretching one axis changes some."""
    R = np.array([[0, 0], [1, 0], [0.85, 0.65], [9, 0], [0, 9.5], [6, 6]]) + 0.01 * rng.normal(size=(6, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    src, dst = f(R, 1)
    stretched = f(R * np.array([4.0, 0.25]), 1)[0]
    same = all(np.array_equal(f(moved, 1)[0], src) for moved in (R + 5.0, R @ turn, R * np.array([-1.0, 1.0])))
    return same and np.array_equal(dst, np.arange(6)) and not np.array_equal(stretched, src)


@knn_graph.law(hidden=True, draws=2)
def at_one_place(f, rng):
    """Two atoms at one place are each other's nearest neighbours, and none is its own."""
    R = 4.0 * rng.normal(size=(6, 3))
    order = rng.permutation(6)
    R[order[1]] = R[order[0]]
    src, dst = f(R, 1)
    first = {int(i): int(j) for j, i in zip(src, dst, strict=True)}
    fine = first.get(int(order[0])) == order[1] and first.get(int(order[1])) == order[0]
    return fine and bool(np.all(src != dst)) and np.array_equal(dst, np.arange(6))


def nearest(R, k, *, itself=False, drop_first=False, far=False, swap=False, pad=False, gram=False, sort=False):
    """The right answer in NumPy, with one thing changed."""
    R = np.asarray(R)
    n = len(R)
    square = np.sum((R[:, None] - R[None]) ** 2, axis=2)
    if gram:
        R = R.astype(np.float32)
        lengths = np.sum(R * R, axis=1)
        square = lengths[:, None] + lengths[None] - 2 * R @ R.T
    if not itself and not drop_first:
        square = np.where(np.eye(n) > 0, -np.inf if far else np.inf, square)
    order = np.argsort(-square if far else square, axis=1, kind="stable")
    order = order[:, 1:] if drop_first else order
    order = order[:, : k if itself or drop_first else min(k, n - 1)]
    order = np.sort(order, axis=1) if sort else order
    if pad and order.shape[1] < k:
        order = np.pad(order, ((0, 0), (0, k - order.shape[1])))
    src, dst = order.ravel(), np.repeat(np.arange(n), order.shape[1])
    return (dst, src) if swap else (src, dst)


@knn_graph.mistake
def its_own_neighbour(R, k):
    """Every atom is its own nearest neighbour in your list. It should only have others."""
    return nearest(R, k, itself=True)


@knn_graph.mistake
def first_one_dropped(R, k):
    """You sort and drop the first, which you take for the atom itself. If another atom sits at the same place, either
    of the two may come first. Exclude the atom by its number, for example by an infinite diagonal."""
    return nearest(R, k, drop_first=True)


@knn_graph.mistake
def arrows_reversed(R, k):
    """Your edges go from the centre to its neighbours. The centre listens: it is `dst`; its neighbours are `src`."""
    return nearest(R, k, swap=True)


@knn_graph.mistake
def farthest_atoms(R, k):
    """You list the atoms that are farthest away."""
    return nearest(R, k, far=True)


@knn_graph.mistake
def sorted_by_number(R, k):
    """The neighbours of each atom are sorted by their numbers. They should be sorted by distance, nearest first."""
    return nearest(R, k, sort=True)


@knn_graph.mistake
def filled_up(R, k):
    """Where there are fewer than k others, you fill up with atom 0. List only those that exist."""
    return nearest(R, k, pad=True)


@knn_graph.mistake
def large_squares(R, k):
    """You compute distances from squared lengths and dot products. Far from the origin these are large numbers that
    nearly cancel, and in single precision nothing is left of the distances. Subtract positions first."""
    return nearest(R, k, gram=True)


@knn_graph.mistake
def by_the_sum_of_differences(R, k):
    """You compare sums of coordinate differences, along the axes, like a taxi. Distances are straight lines."""
    R = np.asarray(R)
    taxi = np.where(np.eye(len(R)) > 0, np.inf, np.abs(R[:, None] - R[None]).sum(axis=2))
    order = np.argsort(taxi, axis=1)[:, : min(k, len(R) - 1)]
    return order.ravel(), np.repeat(np.arange(len(R)), order.shape[1])


knn_graph.equivalent(
    "near = jnp.argsort(jnp.where(jnp.eye(n, dtype=bool), jnp.inf, distance), axis=1)[:, :min(k, n - 1)] -> "
    "near = jnp.argsort(jnp.where(jnp.eye(n, dtype=bool), jnp.inf, distance))[:, :min(k, n - 1)]",
    because="the last axis is meant by default",
)


@knn_graph.alternate
def top_k(R, k):
    n = len(R)
    gaps = jnp.sum((R[:, None] - R) ** 2, axis=-1) + jnp.diag(jnp.full(n, jnp.inf))
    _, places = jax.lax.top_k(-gaps, min(k, n - 1))
    return places.flatten(), jnp.arange(n).repeat(places.shape[1])


@knn_graph.alternate
def tree_of_scipy(R, k):
    from scipy.spatial import cKDTree

    R, n = np.asarray(R, float), len(R)
    if n == 1:
        return np.zeros(0, int), np.zeros(0, int)
    tree, src, dst = cKDTree(R), [], []
    for i in range(n):
        _, found = tree.query(R[i], k=n)
        others = [int(j) for j in np.atleast_1d(found) if j != i][:k]
        src, dst = src + others, dst + [i] * len(others)
    return np.array(src), np.array(dst)


@knn_graph.alternate
def by_loops(R, k):
    points = np.asarray(R, np.float32)
    src, dst = [], []
    for i, here in enumerate(points):
        others = [(math.dist(here, there), j) for j, there in enumerate(points) if j != i]
        for _, j in sorted(others)[:k]:
            src.append(j)
            dst.append(i)
    return np.array(src, int), np.array(dst, int)


@knn_graph.oracle
def scikit_learn(R, k):
    from sklearn.neighbors import NearestNeighbors

    R = np.asarray(R, float)
    k = min(k, len(R) - 1)
    if not k:
        return np.zeros(0, int), np.zeros(0, int)
    near = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(R).kneighbors(return_distance=False)
    return near.ravel(), np.repeat(np.arange(len(R)), k)


# %% [markdown]
# Next, the distances. A single number is a poor input: a network would have to bend it sharply to tell 1.3 Å, a double
# bond, from 1.5 Å, a single one. So each distance is laid out as a row of smooth bumps, one for each of many centres,
# just as a one-hot row lays out an element: softly, so that its slope is a force.

# %%
rbf = exercise(
    graphs.rbf,
    points=2,
    hints=(
        "The table has one row for each distance and one column for each centre: how do you subtract all from all?",
        "First the difference, then its square, then gamma, then the minus, then the exponential.",
    ),
)

DISTANCES = {"r": lambda rng, m: rng.uniform(0.5, 4.0, m), "centers": lambda rng, c: np.sort(rng.uniform(0, 5, c))}

rbf.case("at a centre and 1 Å from it", np.array([1.0, 2.0]), np.array([1.0]), 2.0,
         expect=np.array([[1.0], [math.exp(-2.0)]]))  # fmt: skip
rbf.probe("four distances, three centres", m=4, c=3, gamma=0.7, **DISTANCES)
rbf.probe("three distances, six centres", hidden=True, m=3, c=6, gamma=0.4, **DISTANCES)
rbf.probe("as many centres as distances", hidden=True, m=4, c=4, gamma=1.5, **DISTANCES)
rbf.probe("narrow bumps", hidden=True, m=3, c=6, gamma=4.0, r=lambda rng, m: rng.uniform(0, 2, m),
          centers=lambda rng, c: rng.uniform(0, 2, c))  # fmt: skip
rbf.probe("one distance", hidden=True, m=1, c=6, gamma=0.4, **DISTANCES)
rbf.probe("no distance", hidden=True, weight=0.5, m=0, c=3, gamma=0.4, **DISTANCES)


@rbf.law
def bumps(f, rng):
    """A bump is 1 at its centre, falls to both sides alike, and never below 0."""
    centers, gap = np.array([0.5, 1.5, 3.0]), float(rng.uniform(0.2, 0.4))
    here, left, right = f(centers, centers, 1.3), f(centers - gap, centers, 1.3), f(centers + gap, centers, 1.3)
    falls = bool(np.all(np.diag(left) < 0.99) and np.all(here >= 0))
    return close(np.diag(here), np.ones(3)) and close(np.diag(left), np.diag(right)) and falls


@rbf.law(hidden=True)
def units(f, rng):
    """In other units (lengths times 10, gamma by 100) nothing changes; a larger gamma makes bumps narrower."""
    r, centers = rng.uniform(0.5, 4.0, 5), np.array([0.0, 2.0, 4.5])
    out = f(r, centers, 0.6)
    return close(f(10 * r, 10 * centers, 0.006), out, rtol=1e-3) and bool(np.all(f(r, centers, 1.2) < out))


@rbf.mistake
def not_squared(r, centers, gamma):
    """You exponentiate the distance from the centre itself. It should be squared, or the bump has a kink at its top. (A
    published docstring of this layer leaves the square out.)"""
    r, centers = arrays(r, centers)
    return np.exp(-gamma * np.abs(r[:, None] - centers))


@rbf.mistake
def gamma_inside_the_square(r, centers, gamma):
    """gamma is squared together with the difference. Square first, then multiply."""
    r, centers = arrays(r, centers)
    return np.exp(-((gamma * (r[:, None] - centers)) ** 2))


@rbf.mistake
def gamma_as_a_width(r, centers, gamma):
    """You divide by gamma, as if it were a width in Å. It has the unit 1/Å² and multiplies."""
    r, centers = arrays(r, centers)
    return np.exp(-((r[:, None] - centers) ** 2) / gamma)


@rbf.mistake
def as_a_normal_distribution(r, centers, gamma):
    """Your exponent has a factor 1/2 as in a normal distribution. Here gamma stands alone."""
    r, centers = arrays(r, centers)
    return np.exp(-gamma * (r[:, None] - centers) ** 2 / 2)


@rbf.mistake
def rows_of_centres(r, centers, gamma):
    """Your rows belong to centres and your columns to distances. It should be the other way round: each distance
    becomes one row."""
    r, centers = arrays(r, centers)
    return np.exp(-gamma * (r - centers[:, None]) ** 2)


@rbf.mistake
def rows_add_up_to_one(r, centers, gamma):
    """Your rows add up to 1. Bumps are not shares: a distance between two centres, or far from all, may have small
    numbers everywhere."""
    r, centers = arrays(r, centers)
    out = np.exp(-gamma * (r[:, None] - centers) ** 2)
    return out / out.sum(axis=1, keepdims=True)


@rbf.mistake
def minus_missing(r, centers, gamma):
    """The minus in the exponent is missing: your numbers grow with the distance from the centre."""
    r, centers = arrays(r, centers)
    return np.exp(gamma * (r[:, None] - centers) ** 2)


@rbf.alternate
def in_numpy(r, centers, gamma):
    return np.exp(-gamma * np.square(np.subtract.outer(np.asarray(r), np.asarray(centers))))


@rbf.alternate
def mapped(r, centers, gamma):
    return jax.vmap(lambda one: jnp.exp(-gamma * jnp.square(centers - one)))(r)


@rbf.alternate
def number_by_number(r, centers, gamma):
    out = np.zeros((len(r), len(centers)), np.float32)
    for x in range(len(r)):
        for a in range(len(centers)):
            out[x, a] = math.exp(-gamma * (float(r[x]) - float(centers[a])) ** 2)
    return out


@rbf.oracle
def densities_of_scipy(r, centers, gamma):
    from scipy.stats import norm

    width = (2 * gamma) ** -0.5
    r, centers = (np.asarray(x, float) for x in (r, centers))
    return norm.pdf(r[:, None], centers[None], width) / norm.pdf(0.0, 0.0, width)


# %% [markdown]
# Then a bend for the filter. A relu has a corner, and a force with a jump is no force. The *softplus*, ln(1 + exp(x)),
# is smooth; SchNet shifts it down by ln 2, so that 0 stays 0.

# %%
ssp = exercise(
    graphs.ssp,
    points=2,
    hints=(
        "exp(1000) is infinite. For large x the whole is nearly x - ln 2, for very negative x nearly -ln 2: which "
        "function of `jnp` or `jax.nn` adds up exponentials safely?",
        "A `jnp.where` between two formulas can still have a NaN gradient, from the branch that is not taken.",
    ),
)

ssp.case("at zero", np.zeros(3), expect=np.zeros(3), weight=0.5)
ssp.case("near zero", np.array([-1.0, 0.5, 2.0]))
ssp.case("far out", np.array([1000.0, -1000.0]), expect=np.array([1000 - math.log(2), -math.log(2)]))
ssp.case("the slope at 1", 1.0, grad=0)
for value in (-3.0, 0.25, 40.0, 150.0, 800.0, -800.0):
    ssp.case(f"the slope at {value:g}", value, grad=0, hidden=True)
ssp.probe("a vector", hidden=True, x=lambda rng: 3 * rng.normal(size=5))
ssp.probe("a table", hidden=True, x=lambda rng: 3 * rng.normal(size=(2, 4)))
ssp.case("a table far out", np.array([[500.0, -400.0], [90.0, -90.0]]), hidden=True)
ssp.probe("further out", hidden=True, x=lambda rng: rng.uniform(200, 900, 4) * np.array([1, -1, 1, -1]))


@ssp.law
def smooth_and_rising(f, rng):
    """The bend rises everywhere, never falls below -ln 2, and ssp(x) - ssp(-x) is x."""
    x = np.sort(rng.normal(size=9)) * 2
    y = f(x)
    return bool(np.all(np.diff(y) > 0) and np.all(y > -0.6932)) and close(y - f(-x), x)


@ssp.law(hidden=True)
def slopes(f, rng):
    """The slope goes from 0 to 1 as a sigmoid does."""
    points = rng.normal(size=4)
    found = np.array([float(f.grad(0)(float(x))) for x in points])
    return close(found, 1 / (1 + np.exp(-points)), rtol=1e-3)


@ssp.mistake
def overflowing(x):
    """Right for small x, but the exponential of 1000 is infinite, and so is your answer. `jax.nn.softplus` or
    `jnp.logaddexp` take care of that."""
    x = jnp.asarray(x, jnp.float32)
    return jnp.log(0.5 * jnp.exp(x) + 0.5)


@ssp.mistake
def not_shifted(x):
    """Your bend is ln 2 at 0. The *shifted* softplus goes through 0."""
    return jnp.logaddexp(x, 0.0)


@ssp.mistake
def shifted_upwards(x):
    """You add ln 2; the shift goes down, so that 0 stays 0."""
    return jnp.logaddexp(x, 0.0) + np.log(2.0)


@ssp.mistake
def minus_in_the_exponent(x):
    """Your bend falls: the exponent has a minus too many. (A published docstring of this function has it, too.)"""
    return jnp.logaddexp(-x, 0.0) - np.log(2.0)


@ssp.mistake
def shifted_by_one_half(x):
    """You subtract 1/2. The logarithm of the factor 1/2 is -ln 2, about -0.69."""
    return jnp.logaddexp(x, 0.0) - 0.5


@ssp.mistake
def a_relu(x):
    """Your function has a corner at 0, like relu. The bend should be smooth."""
    return jax.nn.relu(x)


@ssp.mistake
def slope_behind_a_where(x):
    """Your values are right, but the slope far out is NaN: `jnp.where` picks the good branch, and the gradient of the
    other one, infinity by infinity, still comes through as 0 times NaN. Make the *input* of the exponential harmless,
    or use a function that is safe by itself."""
    x = jnp.asarray(x, jnp.float32)
    return jnp.where(x > 30.0, x, jnp.log(jnp.exp(x) + 1.0)) - np.log(2.0)


@ssp.alternate
def largest_taken_out(x):
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))) - jnp.log(2.0)


@ssp.alternate
def sum_of_exponentials(x):
    x = jnp.asarray(x)
    return jax.nn.logsumexp(jnp.stack([x, jnp.zeros_like(x)]), axis=0) - jnp.log(2.0)


@ssp.alternate
def minus_log_sigmoid(x):
    return -jax.nn.log_sigmoid(-jnp.asarray(x)) - math.log(2)


@ssp.oracle
def numpy_logaddexp(x):
    return np.logaddexp(np.asarray(x, float), 0.0) - np.log(2.0)


# %% [markdown]
# And the layer. For each pair there is a filter `W[i, j]`, made from the distance by a small network of the two
# functions above. It multiplies what atom j says, feature by feature. What atom i hears is the sum. Note what the sum
# leaves out.

# %%
cfconv = exercise(
    graphs.cfconv,
    points=3,
    hints=(
        "x has one row for each sender, W one for each pair of receiver and sender: which new axis does x need?",
        "A product with 0 does not silence an infinite filter: infinity times 0 is NaN. `jnp.where` does.",
        "The mask of a hidden check may be True on the diagonal. What do you have to combine it with?",
    ),
)


def nearby(rng, n):
    """A mask that is not symmetric, True here and there on the diagonal; atom 1 hears nobody."""
    i, j = np.indices((n, n))
    return ((2 * i + 3 * j) % 5 < 3) & (i != 1)


def with_holes(fill):
    """Filters of which those that are not used hold `fill`."""

    def drawn(rng, n, f):
        unused = ~nearby(rng, n) | np.eye(n, dtype=bool)
        return np.where(unused[:, :, None], fill, rng.normal(size=(n, n, f)))

    return drawn


cfconv.case(
    "three atoms, one feature",
    np.array([[1.0], [10.0], [100.0]]),
    np.array([[[9.0], [2.0], [3.0]], [[1.0], [9.0], [0.5]], [[4.0], [5.0], [9.0]]]),
    np.array([[True, True, False], [True, False, True], [False, False, False]]),
    expect=np.array([[20.0], [51.0], [0.0]]),
)
cfconv.probe("five atoms, three features", n=5, f=3, mask=nearby)
cfconv.probe("unused filters are infinite", n=5, f=3, mask=nearby, W=with_holes(np.inf))
cfconv.probe("six atoms, two features", hidden=True, n=6, f=2, mask=nearby)
cfconv.probe("as many features as atoms", hidden=True, n=5, f=5, mask=nearby)
cfconv.probe("everybody near, themselves too", hidden=True, n=5, f=3, mask=lambda rng, n: np.ones((n, n), bool))
cfconv.probe("everybody near but themselves", hidden=True, n=6, f=2, mask=lambda rng, n: ~np.eye(n, dtype=bool))
cfconv.probe("unused filters are NaN", hidden=True, n=5, f=3, mask=nearby, W=with_holes(np.nan))
cfconv.probe("other unused filters are NaN", hidden=True, n=6, f=2, mask=nearby, W=with_holes(np.nan))
cfconv.probe("a single atom", hidden=True, weight=0.5, n=1, f=2, mask=lambda rng, n: np.ones((n, n), bool))


@cfconv.law
def renumbered_atoms(f, rng):
    """Number the atoms differently, and the answers follow; a change far away, or at the atom itself, is not heard."""
    x, W, order = rng.normal(size=(4, 3)), rng.normal(size=(4, 4, 3)), np.array([2, 0, 3, 1])
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 0]], bool)
    out, other = f(x, W, mask), x.copy()
    other[2] += 1.0
    told = f(other, W, mask)
    same = close(f(x[order], W[order][:, order], mask[order][:, order]), out[order])
    return same and close(told[[0, 2, 3]], out[[0, 2, 3]]) and close(told[1] - out[1], W[1, 2], rtol=1e-3, atol=1e-4)


@cfconv.law(hidden=True)
def features_apart(f, rng):
    """Features do not mix; twice the filters give twice the answer; and it is a sum: more neighbours, more."""
    x, W, mask = 0.5 + rng.random((5, 3)), 0.5 + rng.random((5, 5, 3)), ~np.eye(5, dtype=bool)
    out, other, fewer = f(x, W, mask), x.copy(), mask.copy()
    other[:, 1] = 0.0
    fewer[:, 4] = False
    quiet = f(other, W, mask)
    less = f(x, W, fewer)
    fine = (
        close(quiet[:, [0, 2]], out[:, [0, 2]]) and bool(np.all(quiet[:, 1] == 0)) and close(f(x, 2 * W, mask), 2 * out)
    )
    return fine and bool(np.all(less[:4] < out[:4] - 0.1))


def filtered(x, W, mask, *, own=False, mean=False, times=False, receiver=False, turned=False, ignore=False):
    """The right answer in NumPy, with one thing changed."""
    x, W, mask = arrays(x, W, mask)
    mask = np.ones_like(mask) if ignore else mask
    used = mask if own else mask & ~np.eye(len(x), dtype=bool)
    W = W.swapaxes(0, 1) if turned else W
    terms = (x[:, None] if receiver else x[None]) * W
    with np.errstate(all="ignore"):
        out = (terms * used[:, :, None] if times else np.where(used[:, :, None], terms, 0.0)).sum(axis=1)
    return out / np.maximum(used.sum(axis=1, keepdims=True), 1) if mean else out


@cfconv.mistake
def hears_itself(x, W, mask):
    """Where the diagonal of the mask is True, your atoms hear themselves. The sum runs over j other than i, whatever
    the mask says."""
    return filtered(x, W, mask, own=True)


@cfconv.mistake
def averaged(x, W, mask):
    """You divide by the number of neighbours. It is a sum: energies grow with the number of neighbours."""
    return filtered(x, W, mask, mean=True)


@cfconv.mistake
def silenced_by_zero(x, W, mask):
    """You multiply unused filters with 0. If such a filter is infinite or NaN, as 1/r is for an atom and itself, the
    product is NaN. Use `where`."""
    return filtered(x, W, mask, times=True)


@cfconv.mistake
def own_features(x, W, mask):
    """Your filters multiply the features of the receiver. It is the *sender*, j, who is heard: x needs its new axis in
    front."""
    return filtered(x, W, mask, receiver=True)


@cfconv.mistake
def filters_transposed(x, W, mask):
    """You use W[j, i] for what i hears of j. The first index is the one who listens."""
    return filtered(x, W, mask, turned=True)


@cfconv.mistake
def everybody_heard(x, W, mask):
    """You do not use the mask: atoms that are too far away are heard as well."""
    return filtered(x, W, mask, ignore=True)


@cfconv.mistake
def mask_the_other_way(x, W, mask):
    """You leave out those that the mask allows. True means: near enough to be heard."""
    return filtered(x, W, ~mask)


@cfconv.mistake
def summed_over_receivers(x, W, mask):
    """Your sum runs over the atoms that listen, so row j holds what j *said*. Sum over the second axis of W."""
    x, W, mask = arrays(x, W, mask)
    used = mask & ~np.eye(len(x), dtype=bool)
    return np.where(used[:, :, None], x[None] * W, 0.0).sum(axis=0)


@cfconv.alternate
def in_numpy(x, W, mask):
    x, W, mask = np.asarray(x), np.array(W), np.array(mask)
    np.fill_diagonal(mask, False)
    W[~mask] = 0
    return np.einsum("ijf,jf->if", W, x)


@cfconv.alternate
def mapped(x, W, mask):
    def heard(filters, looks, i):
        looks = looks & (jnp.arange(len(x)) != i)
        return jnp.where(looks[:, None], filters * x, 0).sum(0)

    return jax.vmap(heard)(W, mask, jnp.arange(len(x)))


@cfconv.alternate
def pair_by_pair(x, W, mask):
    x, W, mask = np.asarray(x, np.float32), np.asarray(W, np.float32), np.asarray(mask)
    out = np.zeros(x.shape, np.float32)
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j and mask[i, j]:
                out[i] += x[j] * W[i, j]
    return out


@cfconv.oracle
def a_matrix_for_each_feature(x, W, mask):
    from scipy.sparse import coo_array

    x, W, mask = arrays(x, W, mask)
    i, j = np.nonzero(mask & ~np.eye(len(x), dtype=bool))
    columns = [coo_array((W[i, j, a], (i, j)), shape=mask.shape) @ x[:, [a]] for a in range(x.shape[1])]
    return np.hstack(columns)


# %% [markdown]
# Your reward: the four functions together, as one layer that reads positions. It does not care where a water molecule
# lies or how it is turned, but notices at once when a bond is stretched. Networks for forces are built on just that.


# %%
@reward
def a_layer_that_reads_positions():
    kinds = jnp.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])  # O, H, H
    water = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])  # in ångström
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    mix = jnp.asarray(np.random.default_rng(11).normal(size=(8, 2)), jnp.float32)

    def energy(R):
        listeners = knn_graph(jnp.asarray(R, jnp.float32), 2)
        near = np.zeros((3, 3), bool)
        near[np.asarray(listeners[1]), np.asarray(listeners[0])] = True
        distances = np.linalg.norm(R[:, None] - R[None], axis=-1)
        bumps = rbf(jnp.asarray(distances.ravel(), jnp.float32), jnp.linspace(0.0, 3.0, 8), 4.0)
        filters = ssp(jnp.asarray(bumps) @ mix).reshape(3, 3, 2)
        return float(jnp.sum(cfconv(kinds, filters, jnp.asarray(near))))

    longer = water + np.array([[0.0, 0, 0], [0.1, 0, 0], [0, 0, 0]])
    for name, R in (("as it is", water), ("moved", water + 7.0), ("turned", water @ turn.T), ("stretched", longer)):
        print(f"{name:10s} {energy(R):.4f}")


# %%
which_graph = written(
    "which_graph",
    """
    (a) A graph made of the k nearest neighbours is not symmetric: give an arrangement of three atoms in which atom a
    listens to b, but b does not listen to a, for k = 1. (b) Atoms move in a simulation. What happens to the energy at
    the moment when another atom becomes the k-th neighbour, and what does that mean for the forces? Suggest a remedy.
    (c) For which properties would you rather use bonds, for which distances? One example each, with the reason.
    """,
    points=3,
    rubric="""
    1 point: e.g. on a line a at 0, b at 2, c at 3: a listens to b, b to c.
    1 point: the energy jumps, as one term is replaced by another; the force, its derivative, is not defined there and
    energy is not conserved. Remedy: all atoms within a cut-off radius, with a factor that goes smoothly to 0 at it (or
    all pairs).
    1 point: e.g. bonds: properties of the compound, such as solubility, toxicity, log P, when no geometry is known;
    distances: energies, forces, conformers, anything that differs between shapes of one molecule.
    """,
)

# %% [markdown]
# ## The picture
#
# One last time caffeine, with news from one oxygen. On the left, atoms are coloured by the number of layers after which
# they have heard of it, which is your `receptive_field`. On the right, they are coloured by how loud the news is after
# four layers of your `gcn`: nothing at all arrives beyond the fourth bond, and not much there. Change `start`, and look
# again.

# %%
PLACES = """
2.4,-2.3 1.5,-1.2 0.0,-1.4 -0.5,-2.8 -0.9,-0.2 -0.4,1.2 -1.6,2.1 -2.8,1.3 -2.4,-0.2 -3.4,-1.3 1.1,1.4 1.6,2.8 2.0,0.2
3.5,0.5
"""
places = np.array([[float(number) for number in pair.split(",")] for pair in PLACES.split()])
start = 3


@reward
def the_picture():
    count = len(elements)
    fields = [np.asarray(receptive_field(A, k))[:, start] for k in range(count)]
    depth = np.array([next(k for k in range(count) if fields[k][i]) for i in range(count)])
    heard = jnp.eye(count)
    for _ in range(4):
        heard = gcn(heard, A, jnp.eye(count), lambda table: table, "row")
    loudness = 100 * np.asarray(heard)[:, start]
    for k in range(depth.max() + 1):
        print(f"after {k} layers:", ", ".join(f"{labels[i]} ({loudness[i]:.0f} %)" for i in np.flatnonzero(depth == k)))
    if plt is None:
        return
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 4.2))
    for axes, values, title in zip(panels, (depth, loudness), ("layers until heard", "loudness, %"), strict=True):
        for a, b in zip(np.asarray(src), np.asarray(dst), strict=True):
            axes.plot(*places[[a, b]].T, color="0.6", linewidth=2, zorder=1)
        dots = axes.scatter(*places.T, c=values, s=420, cmap="viridis_r" if values is depth else "viridis", zorder=2)
        for label, place, value in zip(labels, places, dots.norm(values), strict=True):
            dark = value > 0.6 if values is depth else value < 0.4
            axes.text(*place, label, ha="center", va="center", fontsize=9, color="white" if dark else "black")
        axes.set_title(f"{title}, from {labels[start]}", fontsize=10)
        axes.set_aspect("equal")
        axes.margins(0.12)
        axes.axis("off")
        figure.colorbar(dots, ax=axes, shrink=0.8)
    plt.show()


# %% [markdown]
# ## Where to go from here
#
# - The chapter [*Graph Neural Networks*](https://dmol.pub/dl/gnn.html) of the book puts such layers into a network and
#   trains it on measured solubilities.
# - T. N. Kipf and M. Welling, [*Semi-Supervised Classification with Graph Convolutional
#   Networks*](https://arxiv.org/abs/1609.02907) (2017): where `"sym"` comes from, and why.
# - P. W. Battaglia et al., [*Relational inductive biases, deep learning, and graph
#   networks*](https://arxiv.org/abs/1806.01261) (2018): the block of section 5, and what others leave out of it.
# - K. T. Schütt et al., [*SchNet*](https://arxiv.org/abs/1706.08566) (2017): section 10, grown up.
