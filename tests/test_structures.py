"""Every structure: what counting says of it, the bound that its derivative gives, and the fit that reaches it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures
from colora_theory.sensing import Dense
from colora_theory.solution import Status

SHAPE = (6, 7, 6)
TIMES = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0)
STRUCTURES = {
    "shared-both": structures.SharedBoth((2, 3)),
    "diagonal": structures.DiagonalCores(2),
    "scalar": structures.ScalarCores(2),
    "shared-right": structures.SharedRight(2),
    "shared-left": structures.SharedLeft(2),
    "additive": structures.Additive(2, 1),
    "mixture": structures.Mixture(3, 2),
    "smooth": structures.Smooth((2, 2), TIMES, 3),
    "depthwise": structures.DepthwisePointwise(),
    "alone": structures.Alone(2),
    "pooled": structures.Pooled(SHAPE[0], 2),
    "collaborative-full": structures.Collaborative(SHAPE[0], 4, 3, 2),
    "collaborative-heuristic": structures.Collaborative(SHAPE[0], 5, 2, 2, "heuristic"),
}


def truth_of(structure, seed=0):
    parameters = structure.sample(jax.random.key(seed), SHAPE)
    return parameters, jnp.asarray(structure.compose(parameters))


def measured(weights, num_samples, noise=0.0, seed=0, *, keep=None):
    """A problem with standard normal matrices; of every user only the samples before `keep` count."""
    key, noise_key = jax.random.split(jax.random.key(seed))
    matrices = jax.random.normal(key, (len(weights), num_samples, *weights.shape[1:]))
    targets = jnp.einsum("knab,kab->kn", matrices, weights) + noise * jax.random.normal(noise_key, matrices.shape[:2])
    counted = jnp.ones(targets.shape) if keep is None else jnp.where(jnp.arange(num_samples) < keep, 1.0, 0.0)[None]
    return ct.Problem(Dense.from_matrices(matrices), targets, jnp.broadcast_to(counted, targets.shape))


def samples_for(structure, oversampling):
    return int(np.ceil(oversampling * structure.degrees_of_freedom(SHAPE) / SHAPE[0]))


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_rank_of_the_derivative_is_what_counting_says(name):
    structure = STRUCTURES[name]
    parameters, weights = truth_of(structure)
    assert weights.shape == SHAPE
    basis = structures.tangent_basis(structure, parameters)
    count = structures.jacobian_rank(structure, parameters)
    assert basis.shape == (*SHAPE, count)
    assert count == structure.degrees_of_freedom(SHAPE)
    flat = basis.reshape(-1, count)
    np.testing.assert_allclose(flat.T @ flat, np.eye(count), atol=1e-12)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_tangent_space_holds_every_small_change(name):
    structure = STRUCTURES[name]
    parameters, _ = truth_of(structure)
    other, _ = truth_of(structure, 1)
    _, change = jax.jvp(structure.compose, (parameters,), (other,))
    basis = structures.tangent_basis(structure, parameters).reshape(-1, structure.degrees_of_freedom(SHAPE))
    flat = np.asarray(change).reshape(-1)
    np.testing.assert_allclose(basis @ (basis.T @ flat), flat, atol=1e-10 * np.linalg.norm(flat))


@pytest.mark.parametrize("name", STRUCTURES)
def test_without_noise_the_truth_is_found(name):
    """Three measurements for each degree of freedom, several truths."""
    structure = STRUCTURES[name]
    for seed in range(2):
        _, weights = truth_of(structure, seed)
        found = structures.fit(measured(weights, samples_for(structure, 3), seed=seed), structure, seed=seed)
        assert Status(int(found.status)) is Status.CONVERGED
        assert found.relative_residual < 1e-12
        assert np.linalg.norm(found.weights - weights) < 1e-10 * np.linalg.norm(weights)


@pytest.mark.parametrize("name", [name for name in STRUCTURES if name not in ("diagonal", "mixture", "additive")])
def test_a_start_at_weights_of_the_structure_is_exact(name):
    """Those that have to guess are left out, and the one whose parts no mean tells apart."""
    structure = STRUCTURES[name]
    _, weights = truth_of(structure)
    begun = structure.compose(structure.begin(jax.random.key(1), weights))
    np.testing.assert_allclose(begun, weights, atol=1e-7)


def test_the_bound_of_shared_subspaces_is_that_of_the_quick_formula():
    structure = STRUCTURES["shared-both"]
    parameters, weights = truth_of(structure)
    problem = measured(weights, 30, keep=25)
    quick = ct.theory.cramer_rao(problem, ct.Factors(**parameters), 0.3)
    np.testing.assert_allclose(structures.cramer_rao(problem, structure, parameters, 0.3).per_user, quick.per_user)


def test_the_fit_of_shared_subspaces_is_that_of_the_quick_solver():
    structure = structures.SharedBoth((2, 2))
    _, weights = truth_of(structure)
    problem = measured(weights, samples_for(structure, 4), 0.1)
    quick = ct.fit(problem, rank=(2, 2))
    np.testing.assert_allclose(structures.fit(problem, structure).weights, quick.weights, atol=1e-6)


def test_the_bound_is_infinite_where_something_is_not_measured_and_zero_without_noise():
    structure = STRUCTURES["alone"]
    parameters, weights = truth_of(structure)
    few = measured(weights, samples_for(structure, 1) - 1)
    assert np.isinf(structures.cramer_rao(few, structure, parameters, 0.1).per_user).all()
    assert structures.cramer_rao(few, structure, parameters, 0.0).total == 0


@pytest.mark.long
@pytest.mark.parametrize("name", STRUCTURES)
def test_the_squared_error_is_the_bound(name):
    """Of 40 draws with noise of a tenth of the signal at four measurements for each degree of freedom."""
    structure = STRUCTURES[name]
    parameters, weights = truth_of(structure)
    noise = 0.1 * float(np.sqrt(np.mean(np.sum(np.square(weights), axis=(1, 2)))))
    ratios = []
    for seed in range(40):
        problem = measured(weights, samples_for(structure, 4), noise, seed)
        error = np.sum(np.square(structures.fit(problem, structure, seed=seed).weights - weights))
        ratios.append(error / structures.cramer_rao(problem, structure, parameters, noise).total)
    mean, half = np.mean(ratios), 1.96 * np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    print(f"{name}: squared error over the bound {mean:.2f} +- {half:.2f}")
    assert half < 0.15  # or the draws do not tell
    assert mean + half > 0.95
    assert mean - half < 1.1


def test_smooth_cores_are_predicted_between_the_times():
    structure = STRUCTURES["smooth"]
    parameters, weights = truth_of(structure)
    found = structures.fit(measured(weights, samples_for(structure, 3)), structure)
    between = [0.5, 6.0]
    np.testing.assert_allclose(
        structure.predict(found.parameters, between), structure.predict(parameters, between), atol=1e-8
    )


def test_an_offset_is_part_of_the_weights():
    structure = STRUCTURES["shared-right"]
    _, weights = truth_of(structure)
    problem = measured(weights, samples_for(structure, 3))
    offset = jnp.ones(SHAPE[1:])
    held = ct.Problem(problem.sensing, problem.targets, problem.sample_weights, offset)
    np.testing.assert_allclose(structures.fit(held, structure).weights, weights + offset[None], atol=1e-8)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (structures.SharedBoth((8, 2)), "exceeds"),
        (structures.SharedRight(7), r"rank 7 is not in 1 .. min\(num_rows, num_cols\) = 6"),
        (structures.Additive(3, 2), "shared_rank \\+ 2 own_rank = 7 exceeds .* = 6"),
        (structures.Mixture(7, 1), "num_components 7 is not in 1 .. num_users = 6"),
        (structures.Mixture(2, 4), "2 rank = 8 exceeds"),
        (structures.Smooth((2, 2), (0.0, 1.0), 2), "2 times were given for 6 users"),
        (structures.Pooled(5, 2), "num_users is 5, the data have 6 users"),
        (structures.Alone(3), "measurements do not determine the 180 degrees of freedom of Alone"),
    ],
)
def test_what_the_data_cannot_have_is_refused(structure, message):
    problem = measured(jnp.ones(SHAPE), 20)
    with pytest.raises(ValueError, match=message):
        structures.fit(problem, structure)


def test_bad_bases_and_limits_are_refused():
    with pytest.raises(ValueError, match=r"num_terms 3 is not in 1 .. 2, the number of different times"):
        structures.Smooth((1, 1), (0.0, 1.0, 1.0), 3)
    with pytest.raises(ValueError, match="the time of user 1 is nan"):
        structures.Smooth((1, 1), (0.0, float("nan")), 1)
    with pytest.raises(ValueError, match="attempts 0 is below 1"):
        structures.fit(measured(jnp.ones(SHAPE), 20), STRUCTURES["pooled"], attempts=0)
    with pytest.raises(ValueError, match="1 user does not determine diagonal cores"):
        STRUCTURES["diagonal"].check((1, 7, 6))
    with pytest.raises(ValueError, match="1 user does not tell"):
        STRUCTURES["additive"].check((1, 7, 6))
    parameters, weights = truth_of(STRUCTURES["pooled"])
    with pytest.raises(ValueError, match=r"noise -1.0 is below 0"):
        structures.cramer_rao(measured(weights, 20), STRUCTURES["pooled"], parameters, -1.0)
    with pytest.raises(ValueError, match=r"weights of shape \(6, 7, 6\), the problem \(5, 7, 6\)"):
        structures.cramer_rao(measured(weights[:5], 20), STRUCTURES["pooled"], parameters, 1.0)
    with pytest.raises(TypeError, match="a tangent space needs float64"):
        structures.tangent_basis(STRUCTURES["pooled"], jax.tree.map(lambda leaf: leaf.astype(jnp.float32), parameters))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_equal_times_with_different_data_are_warned_of(noise):
    """The last user is told to be where the one before it is."""
    honest = structures.Smooth((1, 1), TIMES, 3)
    weights = honest.compose(honest.sample(jax.random.key(0), SHAPE))
    problem = measured(weights, 20, noise)
    wrong = structures.Smooth((1, 1), (*TIMES[:-1], TIMES[-2]), 3)
    with pytest.warns(structures.StructureWarning, match="users 4, 5 have one time, 5, but their data want"):
        structures.fit(problem, wrong, max_steps=50)


def test_equal_times_with_equal_weights_are_not():
    twice = structures.Smooth((1, 1), (*TIMES[:-1], TIMES[-2]), 3)
    for seed in range(3):
        weights = twice.compose(twice.sample(jax.random.key(seed), SHAPE))
        found = structures.fit(measured(weights, 20, 0.1 * (seed > 0), seed), twice)
        assert found.num_steps > 0
