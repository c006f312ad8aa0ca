import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import designs

K, N, ROWS, COLS = 3, 4, 5, 4
ISOTROPIC = {
    "gaussian": designs.Gaussian(),
    "rademacher": designs.Rademacher(),
    "student-t": designs.StudentT(9.0),
    "rank-one": designs.RankOneGaussian(),
    "vector-output": designs.VectorOutputGaussian(),
    "entries": designs.UniformEntries(),
}
CORRELATED = {"correlated": designs.Correlated(9.0), "unequal": designs.UnequallyCorrelated(9.0)}
DESIGNS = ISOTROPIC | CORRELATED


def sample(design, key, samples=N):
    return design.sample(key, K, samples, ROWS, COLS, float)


def numbers(design, operator):
    return sum(leaf.size for leaf in jax.tree.leaves(operator)) / (K * N)


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_a_design_says_its_sizes(design, key):
    operator = sample(design, key)
    assert operator.weights_shape == (K, ROWS, COLS)
    assert operator.num_samples == N * design.scalars_per_sample(ROWS)
    assert numbers(design, operator) == design.numbers_per_sample(ROWS, COLS)
    assert operator(jnp.ones((K, ROWS, COLS))).dtype == jnp.float64


@pytest.mark.parametrize("design", ISOTROPIC.values(), ids=ISOTROPIC)
def test_moments_of_an_isotropic_design_are_unbiased(design, key):
    weights = jax.random.normal(jax.random.key(1), (K, ROWS, COLS))
    samples = min(N, design.most_samples(ROWS, COLS) or N)

    def moments(key):
        operator = sample(design, key, samples)
        measured = operator(weights)
        return operator.moments(measured, jnp.ones_like(measured))

    drawn = jax.vmap(moments)(jax.random.split(key, 4000))
    error = jnp.std(drawn, axis=0) / np.sqrt(4000)
    assert jnp.max(jnp.abs(jnp.mean(drawn, axis=0) - weights) / error) < 5


@pytest.mark.parametrize("design", CORRELATED.values(), ids=CORRELATED)
def test_a_correlated_design_has_its_condition_number(design, key):
    entries = sample(design, key, 20_000).entries
    for user in range(K):
        rows = np.linalg.eigvalsh(jnp.einsum("abn,cbn->ac", entries[:, :, user], entries[:, :, user]) / (20_000 * COLS))
        np.testing.assert_allclose(rows, np.sort(designs.base.spaced_variances(ROWS, 9.0)), rtol=0.05)
    np.testing.assert_allclose(jnp.mean(entries**2), 1.0, rtol=0.05)


def test_covariances_are_shared_or_not(key):
    def rows_of(design, user):
        entries = sample(design, key, 20_000).entries[:, :, user]
        return jnp.einsum("abn,cbn->ac", entries, entries) / (20_000 * COLS)

    shared, own = ([rows_of(design, user) for user in (0, 1)] for design in CORRELATED.values())
    assert jnp.linalg.norm(shared[0] - shared[1]) < 0.1
    assert jnp.linalg.norm(own[0] - own[1]) > 0.5


def test_the_default_draws_what_it_always_drew(key):
    entries = ct.sample_instance(key, ct.TaskFamily(K, ROWS, COLS, 2), N).problem.sensing.entries
    _, design_key, _ = jax.random.split(key, 3)
    np.testing.assert_array_equal(entries, jax.random.normal(design_key, (ROWS, COLS, K, N)))


def test_no_entry_is_seen_twice(key):
    mask = sample(designs.UniformEntries(), key, ROWS * COLS)
    for user in range(K):
        assert len({*zip(mask.rows[user].tolist(), mask.cols[user].tolist(), strict=True)}) == ROWS * COLS
    with pytest.raises(ValueError, match="num_samples 21 exceeds the 20 entries"):
        sample(designs.UniformEntries(), key, 21)


def test_vectors_are_padded_as_a_whole(key):
    family = ct.TaskFamily(K, ROWS, COLS, 2)
    design = designs.VectorOutputGaussian()
    problem = ct.sample_instance(key, family, 2, 0.1, capacity=4, design=design).problem
    assert problem.targets.shape == (K, 4 * ROWS)
    np.testing.assert_array_equal(problem.sample_weights, np.broadcast_to(np.arange(4 * ROWS) < 2 * ROWS, (K, 20)))


@pytest.mark.parametrize(
    "kind", [designs.GaussianNoise(), designs.StudentTNoise(9.0), designs.HeteroscedasticNoise(100.0)]
)
def test_noise_has_unit_variance(kind, key):
    drawn = kind.sample(key, 4, 50_000, jnp.float64)
    variances = jnp.var(drawn, axis=1)
    ratio = float(getattr(kind, "ratio", 1.0))
    # The fourth moment of the t is 4.2: a sample variance has a standard deviation of at most sqrt(3.2 / n).
    np.testing.assert_allclose(variances[0] / variances[-1], ratio, rtol=10 * np.sqrt(3.2 / 50_000))
    np.testing.assert_allclose(jnp.mean(variances), 1.0, rtol=5 * np.sqrt(3.2 / 50_000))


def test_another_value_of_a_knob_compiles_nothing(key):
    family = ct.TaskFamily(K, ROWS, COLS, 2)
    ct.sample_instance(key, family, N, 0.1, design=designs.Correlated(3.0))
    with jax.no_tracing():
        ct.sample_instance(key, family, N, 0.1, design=designs.Correlated(7.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: designs.StudentT(2.0), "degrees 2.0 must be above 2"),
        (lambda: designs.StudentTNoise(1.0), "degrees 1.0 must be above 2"),
        (lambda: designs.Correlated(0.5), "condition_number 0.5 is below 1"),
        (lambda: designs.UnequallyCorrelated(0.0), "condition_number 0.0 is below 1"),
        (lambda: designs.HeteroscedasticNoise(0.5), "ratio 0.5 is below 1"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_coherence_is_between_spread_and_concentrated():
    axis = jnp.eye(6)[:, :2]
    even = jnp.ones((6, 1)) / jnp.sqrt(6)
    np.testing.assert_allclose(ct.metrics.coherence(axis), 3.0)
    np.testing.assert_allclose(ct.metrics.coherence(even), 1.0)
    turned = axis @ jnp.array([[1.0, 2.0], [0.0, 1.0]])
    np.testing.assert_allclose(ct.metrics.coherence(turned), 3.0)
