"""The Gram matrix on the tangent space, against derivatives of the measurements by automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import TangentGram

SHAPE = ct.TaskFamily(4, 6, 5, (3, 2))


@pytest.fixture(scope="module")
def instance():
    drawn = ct.sample_instance(jax.random.key(0), SHAPE, 15)
    weights = jnp.abs(jax.random.normal(jax.random.key(1), (4, 15))).at[2, 9:].set(0.0)
    return ct.Instance(ct.Problem(drawn.problem.sensing, drawn.problem.targets, weights), drawn.truth)


@pytest.fixture(scope="module")
def gram(instance):
    return TangentGram.at(instance.problem, instance.truth)


def tangent_basis(truth):
    """An orthonormal basis of the tangent space in the space of all weights, by an SVD of the derivative of compose."""

    def weights(left, cores, right):
        return ct.Factors(left, cores, right).compose().reshape(-1)

    blocks = jax.jacobian(weights, argnums=(0, 1, 2))(truth.left, truth.cores, truth.right)
    derivative = np.concatenate([np.asarray(block).reshape(len(block), -1) for block in blocks], axis=1)
    left, values, _ = np.linalg.svd(derivative, full_matrices=False)
    return left[:, values > 1e-10 * values[0]]


def test_the_spectrum_is_that_of_the_operator_on_an_orthonormal_basis(instance, gram):
    problem, basis = instance.problem, tangent_basis(instance.truth)
    assert gram.dimension == basis.shape[1] == ct.theory.degrees_of_freedom(4, 6, 5, (3, 2))
    measured = np.stack(
        [np.ravel(problem.scale * problem.sensing(jnp.asarray(column.reshape(4, 6, 5)))) for column in basis.T], axis=1
    )
    expected = np.linalg.eigvalsh(measured.T @ measured)
    np.testing.assert_allclose(np.linalg.eigvalsh(gram.dense()), expected, rtol=1e-9, atol=1e-9)


def test_apply_is_the_dense_matrix(gram):
    dense = gram.dense()
    np.testing.assert_allclose(dense, dense.T, atol=1e-12)
    vectors = np.random.default_rng(0).standard_normal((gram.dimension, 3))
    np.testing.assert_allclose(gram.apply(vectors), dense @ vectors, atol=1e-10)


def test_reduced_is_the_schur_complement(gram):
    reduced, _ = gram.reduced()
    covariance = np.linalg.inv(gram.dense())
    np.testing.assert_allclose(np.linalg.inv(reduced), covariance[-len(reduced) :, -len(reduced) :], rtol=1e-8)


def test_the_bases_do_not_matter(instance, gram):
    truth, problem = instance.truth, instance.problem
    left = jnp.array([[2.0, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.0, 3.0]])
    right = jnp.array([[1.0, 2.0], [0.5, -1.0]])
    turned = ct.Factors(
        truth.left @ left, jnp.linalg.inv(left) @ truth.cores @ jnp.linalg.inv(right).T, truth.right @ right
    )
    np.testing.assert_allclose(
        np.linalg.eigvalsh(TangentGram.at(problem, turned).dense()), np.linalg.eigvalsh(gram.dense()), rtol=1e-8
    )


def test_unseen_names_the_users_with_too_few_samples(instance):
    weights = instance.problem.sample_weights.at[1, 5:].set(0.0)
    few = ct.Problem(instance.problem.sensing, instance.problem.targets, weights)
    assert TangentGram.at(few, instance.truth).unseen().tolist() == [False, True, False, False]


def test_a_truth_without_a_tangent_space_is_refused(instance):
    truth = instance.truth
    flat = ct.Factors(truth.left, truth.cores.at[:, 0].set(0.0), truth.right)
    with pytest.raises(ValueError, match=r"ranks \(2, 2\), not \(3, 2\)"):
        TangentGram.at(instance.problem, flat)
    personal = ct.TaskFamily(4, 6, 5, (3, 2), misalignment=0.3).sample_truth(jax.random.key(0))
    with pytest.raises(TypeError, match="PersonalFactors"):
        TangentGram.at(instance.problem, personal)
