"""The reference solutions of the attention chapter against other libraries, other algorithms and numbers found by hand.

Inputs are rectangular on purpose. Run with `--jaxtyping-packages=solutions,beartype.beartype` to check every shape.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from solutions import attention


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


def normal(rng: np.random.Generator, *shape: int) -> jax.Array:
    return jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)


def test_shares_by_hand() -> None:
    np.testing.assert_allclose(attention.softmax(jnp.log(jnp.array([3.0, 1.0])), 0), [0.75, 0.25], rtol=1e-6)


@pytest.mark.parametrize(("shape", "axis"), [((4,), 0), ((3, 5), 0), ((3, 5), 1), ((3, 5), -2), ((2, 3, 4), 1)])
def test_shares_agree_with_scipy(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> None:
    x = 3 * normal(rng, *shape)
    np.testing.assert_allclose(attention.softmax(x, axis), softmax(np.asarray(x), axis=axis), rtol=1e-5)


def test_shares_of_large_scores_are_finite_in_every_row() -> None:
    x = jnp.array([[1000.0, 1000.0], [-1000.0, -1001.0]])
    np.testing.assert_allclose(attention.softmax(x, 1)[:, 0], [0.5, 1 / (1 + np.exp(-1))], rtol=1e-5)


def test_shares_of_whole_numbers_are_no_whole_numbers() -> None:
    assert attention.softmax(jnp.array([[1, 1]]), 1).tolist() == [[0.5, 0.5]]


def test_cold_is_sharp_and_hot_is_even() -> None:
    scores = jnp.array([[2.0, 0.0, 2.0]])
    np.testing.assert_allclose(attention.temperature(scores, 0.01), [[0.5, 0.0, 0.5]], atol=1e-6)
    np.testing.assert_allclose(attention.temperature(scores, 1e7), np.full((1, 3), 1 / 3), rtol=1e-5)


def test_one_query_by_hand() -> None:
    weights, output = attention.attend(jnp.array([2.0, 0.0]), jnp.eye(2), jnp.array([[-0.5], [0.5]]))
    np.testing.assert_allclose(weights, [0.880797, 0.119203], rtol=1e-5)
    np.testing.assert_allclose(output, [-0.380797], rtol=1e-5)


@pytest.mark.parametrize(("n", "m", "d", "e"), [(3, 5, 4, 2), (5, 3, 6, 4), (1, 4, 2, 3)])
def test_attention_row_by_row(rng: np.random.Generator, n: int, m: int, d: int, e: int) -> None:
    Q, K, V = normal(rng, n, d), normal(rng, m, d), normal(rng, m, e)
    expected = [softmax(np.asarray(K) @ np.asarray(q) / d**0.5) @ np.asarray(V) for q in Q]
    np.testing.assert_allclose(attention.sdpa(Q, K, V), expected, rtol=1e-4, atol=1e-5)


def test_attention_agrees_with_the_library_of_jax(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 3, 4), normal(rng, 5, 4), normal(rng, 5, 4)
    mask = jnp.asarray(rng.random((3, 5)) < 0.7).at[:, 0].set(True)
    expected = jax.nn.dot_product_attention(Q[:, None], K[:, None], V[:, None], mask=mask[None])[:, 0]
    np.testing.assert_allclose(attention.sdpa(Q, K, V, mask), expected, rtol=1e-4, atol=1e-5)


def test_hidden_keys_are_as_good_as_absent(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 3, 4), normal(rng, 5, 4), normal(rng, 5, 2)
    hidden = attention.sdpa(Q, K.at[4].set(500.0), V, jnp.ones((3, 5), bool).at[:, 4].set(False))
    np.testing.assert_allclose(hidden, attention.sdpa(Q, K[:4], V[:4]), rtol=1e-5)


def test_nothing_to_see_gives_zeros_and_a_finite_gradient(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 3, 4), normal(rng, 5, 4), normal(rng, 5, 2)
    mask = jnp.ones((3, 5), bool).at[1].set(False).at[0, 2].set(False)

    def total(Q: jax.Array, K: jax.Array, V: jax.Array) -> jax.Array:
        return jnp.sum(attention.sdpa(Q, K, V, mask) ** 2)

    np.testing.assert_array_equal(attention.sdpa(Q, K, V, mask)[1], np.zeros(2))
    gradients = jax.grad(total, argnums=(0, 1, 2))(Q, K, V)
    assert all(np.isfinite(g).all() for g in gradients)
    np.testing.assert_array_equal(gradients[0][1], np.zeros(4))


def test_attention_works_under_jit_and_vmap(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 2, 3, 4), normal(rng, 2, 5, 4), normal(rng, 2, 5, 2)
    mask = jnp.ones((3, 5), bool).at[1].set(False)
    both = jax.jit(jax.vmap(attention.sdpa, in_axes=(0, 0, 0, None)))(Q, K, V, mask)
    for i in range(2):
        np.testing.assert_allclose(both[i], attention.sdpa(Q[i], K[i], V[i], mask), rtol=1e-4, atol=1e-5)


def test_the_loss_of_pointing_agrees_with_scipy(rng: np.random.Generator) -> None:
    scores, mask = 5 * normal(rng, 6), jnp.array([True, False, True, True, False, True])
    expected = -log_softmax(np.asarray(scores)[np.asarray(mask)])[2]  # atom 3 is the third that is allowed
    assert float(attention.pointing_loss(scores, mask, 3)) == pytest.approx(expected, rel=1e-4)


def test_the_gradient_of_pointing_is_the_shares_less_the_target() -> None:
    scores, mask = jnp.array([400.0, -300.0, 399.0, 0.0]), jnp.array([True, True, True, False])
    expected = softmax([400.0, -300.0, 399.0, -np.inf]) - np.array([0, 1, 0, 0])
    np.testing.assert_allclose(jax.grad(attention.pointing_loss)(scores, mask, 1), expected, atol=1e-5)


def test_positions_by_hand() -> None:
    expected = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]]
    np.testing.assert_allclose(attention.positional_encoding(2, 4), expected, rtol=1e-5)


def test_positions_are_turned_by_a_step() -> None:
    P = np.asarray(attention.positional_encoding(7, 6))
    for i, omega in enumerate(10000.0 ** (-np.arange(3) / 3)):
        turn = np.array([[np.cos(omega), -np.sin(omega)], [np.sin(omega), np.cos(omega)]])
        np.testing.assert_allclose(P[1:, 2 * i : 2 * i + 2], P[:-1, 2 * i : 2 * i + 2] @ turn, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_tokens_look_back_only(n: int) -> None:
    mask = attention.causal_mask(n)
    assert mask.dtype == bool
    assert mask.tolist() == [[j <= i for j in range(n)] for i in range(n)]


def test_the_jacobian_of_causal_attention_is_triangular(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 5, 4), normal(rng, 5, 4), normal(rng, 5, 2)
    for jacobian in jax.jacrev(attention.causal_attention, argnums=(1, 2))(Q, K, V):
        influence = np.abs(jacobian).sum(axis=(1, 3))
        np.testing.assert_array_equal(influence[np.triu_indices(5, 1)], 0.0)
    assert (influence[np.tril_indices(5)] > 0).all()


def test_causal_attention_agrees_with_the_library_of_jax(rng: np.random.Generator) -> None:
    Q, K, V = normal(rng, 5, 4), normal(rng, 5, 4), normal(rng, 5, 4)
    expected = jax.nn.dot_product_attention(Q[:, None], K[:, None], V[:, None], is_causal=True)[:, 0]
    np.testing.assert_allclose(attention.causal_attention(Q, K, V), expected, rtol=1e-4, atol=1e-5)


def test_heads_agree_with_the_library_of_jax_and_concatenation(rng: np.random.Generator) -> None:
    X, Wq, Wk, Wv = normal(rng, 5, 4), *(normal(rng, 2, 4, 3) for _ in range(3))
    Wo = normal(rng, 2, 3, 4)
    Q, K, V = (jnp.einsum("nD,hDk->nhk", X, W) for W in (Wq, Wk, Wv))
    side_by_side = jax.nn.dot_product_attention(Q, K, V).reshape(5, 6)
    np.testing.assert_allclose(attention.mha(X, Wq, Wk, Wv, Wo), side_by_side @ Wo.reshape(6, 4), rtol=1e-4, atol=1e-4)


def test_heads_do_not_mind_the_order_of_atoms_but_see_positions(rng: np.random.Generator) -> None:
    X, order = normal(rng, 6, 4), np.array([3, 5, 0, 1, 4, 2])
    W, Wo = [normal(rng, 2, 4, 3) for _ in range(3)], normal(rng, 2, 3, 4)
    np.testing.assert_allclose(attention.mha(X[order], *W, Wo), attention.mha(X, *W, Wo)[order], rtol=1e-3, atol=1e-4)
    P = attention.positional_encoding(6, 4)
    gap = attention.mha(X[order] + P, *W, Wo) - attention.mha(X + P, *W, Wo)[order]
    assert float(jnp.abs(gap).max()) > 0.01


def test_graph_attention_by_hand() -> None:
    V, zero, one = jnp.array([[1.0, 0.0], [2.0, 0.0], [4.0, 1.0]]), jnp.zeros((2, 1)), jnp.array([[1.0], [0.0]])
    src, dst = jnp.array([1, 0, 0, 1]), jnp.array([0, 1, 2, 2])
    np.testing.assert_allclose(attention.graph_attention(V, src, dst, zero, zero, one), [[2.0], [1.0], [1.5]])


def test_graph_attention_is_attention_with_a_mask(rng: np.random.Generator) -> None:
    V, Wq, Wk, Wv = normal(rng, 6, 4), normal(rng, 4, 3), normal(rng, 4, 3), normal(rng, 4, 2)
    mask = rng.random((6, 6)) < 0.4
    mask[2] = False  # nothing arrives at atom 2
    dst, src = np.nonzero(mask)
    found = attention.graph_attention(V, jnp.asarray(src), jnp.asarray(dst), Wq, Wk, Wv)
    expected = attention.sdpa(V @ Wq, V @ Wk, V @ Wv, jnp.asarray(mask))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found[2], np.zeros(2))


def test_graph_attention_without_edges() -> None:
    nothing = jnp.zeros(0, jnp.int32)
    ones = jnp.ones((2, 3))
    found = attention.graph_attention(jnp.ones((4, 2)), nothing, nothing, ones, ones, ones)
    np.testing.assert_array_equal(found, np.zeros((4, 3)))
