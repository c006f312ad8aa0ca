import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colora_theory.language import adapters
from colora_theory.language.methods import METHODS
from colora_theory.structures import Additive, Alone, Collaborative, Pooled, SharedBoth, SharedRight

USERS, ROWS, COLS = 3, 6, 5
STRUCTURES = {
    "both": SharedBoth((2, 2)),
    "right": SharedRight(2),
    "alone": Alone(2),
    "pooled": Pooled(USERS, 2),
    "full": Collaborative(USERS, 3, 2, 2, "full"),
    "heuristic": Collaborative(USERS, 3, 2, 2, "heuristic"),
    "random": Collaborative(USERS, 3, 2, 2, "random"),
}


@pytest.fixture(params=STRUCTURES)
def structure(request):
    return STRUCTURES[request.param]


def frozen_weight():
    return jax.random.normal(jax.random.key(9), (ROWS, COLS))


def test_factors_are_those_of_the_weights(structure):
    parameters = structure.sample(jax.random.key(0), (USERS, ROWS, COLS))
    found = adapters.factors(structure, parameters)
    np.testing.assert_allclose(found.compose(), structure.compose(parameters), atol=1e-12)


def test_applied_they_are_the_weights_times_the_input(structure):
    parameters = structure.sample(jax.random.key(0), (USERS, ROWS, COLS))
    inputs = jax.random.normal(jax.random.key(1), (USERS, 4, 7, COLS))
    found = adapters.apply(adapters.factors(structure, parameters), inputs)
    np.testing.assert_allclose(found, np.einsum("kab,kntb->knta", structure.compose(parameters), inputs), atol=1e-12)


def test_training_begins_at_the_frozen_weight(structure):
    weight = frozen_weight()
    begun = adapters.begin(structure, jax.random.key(0), weight, USERS)
    rest = adapters.remainder(structure, begun, weight)
    np.testing.assert_allclose(
        rest[None] + structure.compose(begun), np.broadcast_to(weight, (USERS, ROWS, COLS)), atol=1e-12
    )


def test_the_first_gradient_is_not_zero(structure):
    """Where every factor of a product is zero nothing would ever be learnt."""
    begun = adapters.begin(structure, jax.random.key(0), frozen_weight(), USERS)
    target = jax.random.normal(jax.random.key(2), (USERS, ROWS, COLS))
    gradient = jax.grad(lambda some: jnp.sum(structure.compose(some) * target))(begun)
    assert max(float(jnp.max(jnp.abs(each))) for each in gradient.values()) > 1e-3


def test_random_pairings_have_the_full_mean():
    structure = STRUCTURES["random"]
    parameters = structure.sample(jax.random.key(0), (USERS, ROWS, COLS))
    keys = jax.random.split(jax.random.key(3), 4000)
    drawn = jax.vmap(lambda key: adapters.factors(structure, parameters, key).compose()[0])(keys)
    error = jnp.std(drawn, axis=0) / np.sqrt(len(keys))
    assert (jnp.abs(jnp.mean(drawn, axis=0) - structure.compose(parameters)[0]) < 5 * error).all()


def test_a_rank_above_the_size_is_refused():
    with pytest.raises(ValueError, match="rank 6 is not in 1"):
        adapters.begin(Alone(6), jax.random.key(0), frozen_weight(), USERS)


def test_other_structures_are_refused_by_name():
    structure = Additive(1, 1)
    parameters = structure.sample(jax.random.key(0), (USERS, ROWS, COLS))
    with pytest.raises(TypeError, match="Additive has no factors"):
        adapters.factors(structure, parameters)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_fits_the_maps_of_the_encoder(name):
    method = METHODS[name]
    method.head(8).check((8, 1, 385))
    if method.body is not None:
        method.body(8).check((8, 1536, 384))
