# expect: score=0/50 missing:mol_graph missing:norm_adj missing:gcn missing:mp_layer missing:graph_net_block missing:readout missing:symmetry_of missing:gru_cell missing:receptive_field missing:knn_graph missing:rbf missing:ssp missing:cfconv missing:GraphConvolution
# %%
import jax
import jax.numpy as jnp
import numpy as np


# %%
def mol_graph(smiles, elements):
    raise NotImplementedError("Yours to write.")


# %%
def norm_adj(A, norm, self_loops):
    raise NotImplementedError("Yours to write.")


# %%
def gcn(V, A, W, act, norm):
    raise NotImplementedError("Yours to write.")


# %%
def mp_layer(V, src, dst, E, phi_e, phi_v, agg):
    raise NotImplementedError("Yours to write.")


# %%
def graph_net_block(V, E, u, src, dst, phi_e, phi_v, phi_u):
    raise NotImplementedError("Yours to write.")


# %%
def readout(V, gid, G, mode):
    raise NotImplementedError("Yours to write.")


# %%
def symmetry_of(f, key):
    raise NotImplementedError("Yours to write.")


# %%
def gru_cell(x, h, W, U, b, c):
    raise NotImplementedError("Yours to write.")


# %%
def receptive_field(A, k):
    raise NotImplementedError("Yours to write.")


# %%
def knn_graph(R, k):
    raise NotImplementedError("Yours to write.")


# %%
def rbf(r, centers, gamma):
    raise NotImplementedError("Yours to write.")


# %%
def ssp(x):
    raise NotImplementedError("Yours to write.")


# %%
def cfconv(x, W, mask):
    raise NotImplementedError("Yours to write.")
