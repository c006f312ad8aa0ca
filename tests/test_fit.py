import jax
import numpy as np
import pytest

import colora_theory as ct

rng = np.random.default_rng(5)
K, N, D1, D2, RANK = 8, 40, 12, 9, (3, 2)
A = rng.standard_normal((K, N, D1, D2))
OFFSET = rng.standard_normal((D1, D2))
WEIGHTS = OFFSET + np.einsum(
    "ar,krs,bs->kab",
    np.linalg.qr(rng.standard_normal((D1, 3)))[0],
    rng.standard_normal((K, 3, 2)),
    np.linalg.qr(rng.standard_normal((D2, 2)))[0],
)
Y = np.einsum("knab,kab->kn", A, WEIGHTS)


def shorten(lengths):
    return [a[:n] for a, n in zip(A, lengths, strict=True)], [y[:n] for y, n in zip(Y, lengths, strict=True)]


@pytest.mark.parametrize("x64", [True, False])
def test_own_data_are_fitted_in_their_own_precision(x64):
    with jax.enable_x64(x64):
        solution = ct.fit(A, Y, RANK, offset=OFFSET)
        weights = solution.weights
    assert isinstance(weights, np.ndarray)
    np.testing.assert_allclose(weights, WEIGHTS, atol=1e-11)


def test_float32_data_give_float32_results():
    solution = ct.fit(A.astype(np.float32), Y.astype(np.float32), RANK, offset=OFFSET.astype(np.float32))
    assert solution.weights.dtype == np.float32
    np.testing.assert_allclose(solution.weights, WEIGHTS, atol=1e-3)


def test_unequal_samples():
    lengths = [40, 20, 14, 40, 33, 25, 17, 40]
    solution = ct.fit(*shorten(lengths), RANK, offset=OFFSET)
    np.testing.assert_allclose(solution.weights, WEIGHTS, atol=1e-11)


def test_solver_and_start_can_be_chosen():
    solution = ct.fit(
        A, Y, RANK, offset=OFFSET, solver=ct.solvers.AltGDmin(), start=ct.starts.Random(), seed=3, max_steps=5000
    )
    np.testing.assert_allclose(solution.weights, WEIGHTS, atol=1e-10)


def test_few_samples_of_a_user_warn_unless_weights_say_so():
    lengths = [N] * (K - 1) + [4]
    matrices, targets = shorten(lengths)
    with pytest.warns(ct.IdentifiabilityWarning, match="user 7 has 4"):
        ct.fit(matrices, targets, RANK, offset=OFFSET)
    weights = np.ones((K, N))
    weights[7, 4:] = 0
    ct.fit(A, Y, RANK, offset=OFFSET, sample_weights=weights)


def test_fewer_measurements_than_unknowns_warn():
    lengths = [8] * K
    matrices, targets = shorten(lengths)
    with pytest.warns(ct.IdentifiabilityWarning, match=f"{8 * K} measurements for the"):
        ct.fit(matrices, targets, RANK, offset=OFFSET, solver=ct.solvers.VariableProjection())


def test_a_rank_that_the_cores_do_not_use_warns():
    left, right = np.linalg.qr(np.ones((9, 1)))[0], np.linalg.qr(np.arange(8.0)[:, None])[0]
    A = np.random.default_rng(0).standard_normal((K, 30, 9, 8))
    y = np.einsum("knab,a,b,k->kn", A, left[:, 0], right[:, 0], np.arange(1.0, K + 1))
    with pytest.warns(ct.IdentifiabilityWarning, match=r"rank \(1, 1\) of \(2, 2\).*Fit again with rank \(1, 1\)"):
        ct.fit(A, y, 2)


def test_not_optimal_warns():
    with pytest.warns(ct.ConvergenceWarning, match="MAX_STEPS after 10 steps"):
        ct.fit(A, Y, RANK, offset=OFFSET, max_steps=1)


def test_divergence_raises_with_advice_and_keeps_the_solution():
    with pytest.raises(ct.FitError, match="reduce the step size") as caught:
        ct.fit(A, Y, RANK, offset=OFFSET, solver=ct.solvers.GradientDescent(100.0))
    assert np.isfinite(caught.value.solution.weights).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rank": 10}, ValueError, r"rank 10 exceeds min\(num_rows, num_cols\) = 9"),
        ({"rank": 0}, ValueError, "rank 0"),
        ({"A": A[:1], "y": Y[:1], "rank": (3, 2)}, ValueError, "more than 1 core"),
        ({"A": (100 * A).astype(int)}, TypeError, "int64"),
        ({"A": [], "y": []}, ValueError, "0 users"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ct.fit(**({"A": A, "y": Y, "rank": RANK} | arguments))
