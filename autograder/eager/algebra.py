"""Factorisations, by the same LAPACK that JAX calls on a CPU: SciPy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from autograder.eager.unknown import Step, Unknown

Array = np.ndarray[Any, Any]


def _matrix(a: Array) -> Array:
    if a.ndim != 2 or a.dtype.kind != "f" or not a.size:
        raise Unknown
    return a


def lu(params: Mapping[str, Any], a: Array) -> Any:
    (getrf,) = get_lapack_funcs(("getrf",), (_matrix(a),))
    factors, pivots, info = getrf(a)
    if info < 0:
        raise Unknown
    order = np.arange(len(a), dtype=np.int32)
    for i, pivot in enumerate(pivots):
        order[[i, pivot]] = order[[pivot, i]]
    return factors, pivots.astype(np.int32), order


def triangular_solve(params: Mapping[str, Any], a: Array, b: Array) -> Any:
    (trsm,) = get_blas_funcs(("trsm",), (_matrix(a), _matrix(b)))
    if params["conjugate_a"]:
        raise Unknown
    return trsm(
        1.0,
        a,
        b,
        side=0 if params["left_side"] else 1,
        lower=params["lower"],
        trans_a=1 if params["transpose_a"] else 0,
        diag=1 if params["unit_diagonal"] else 0,
    )


def cholesky(params: Mapping[str, Any], a: Array) -> Any:
    (potrf,) = get_lapack_funcs(("potrf",), (_matrix(a),))
    factor, info = potrf(a, lower=True, clean=True)
    return np.full_like(a, np.nan) if info else factor


def eigh(params: Mapping[str, Any], a: Array) -> Any:
    if params["algorithm"] is not None or params["subset_by_index"] is not None:
        raise Unknown
    (syevd,) = get_lapack_funcs(("syevd",), (_matrix(a),))
    values, vectors, info = syevd(a, compute_v=True, lower=params["lower"])
    if info:
        raise Unknown
    return vectors, values


def svd(params: Mapping[str, Any], a: Array) -> Any:
    (gesdd,) = get_lapack_funcs(("gesdd",), (_matrix(a),))
    if params["algorithm"] is not None or params["subset_by_index"] is not None:
        raise Unknown
    u, s, vt, info = gesdd(a, compute_uv=params["compute_uv"], full_matrices=params["full_matrices"])
    if info:
        raise Unknown
    return (s, u, vt) if params["compute_uv"] else (s,)


def qr(params: Mapping[str, Any], a: Array) -> Any:
    geqrf, orgqr = get_lapack_funcs(("geqrf", "orgqr"), (_matrix(a),))
    if params["pivoting"]:
        raise Unknown
    factors, taus, _, info = geqrf(a)
    m, n = a.shape
    columns = m if m < n or params["full_matrices"] else n
    wide = np.zeros((m, columns), a.dtype)
    wide[:, : min(n, columns)] = factors[:, :columns]
    q, _, failed = orgqr(wide, taus)
    if info or failed:
        raise Unknown
    return q, np.triu(factors[:columns])


ALGEBRA: dict[str, Step] = {
    "lu": lu,
    "triangular_solve": triangular_solve,
    "cholesky": cholesky,
    "eigh": eigh,
    "svd": svd,
    "qr": qr,
}
