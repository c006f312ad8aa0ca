import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.lanes import map_lanes


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_batched_or_one_by_one_the_same(key, monkeypatch, backend):
    """What an accelerator would do with lanes, done on this machine."""
    family = ct.TaskFamily(4, 6, 5, 2)

    def weights(key):
        drawn = ct.sample_instance(key, family, 24, 0.1)
        return ct.solve(drawn.problem, ct.solvers.VariableProjection(), ct.starts.Stacked(), 2).factors.compose()

    keys = jax.random.split(key, 3)
    expected = jnp.stack([weights(lane) for lane in keys])
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    np.testing.assert_allclose(jax.jit(lambda keys: map_lanes(weights, keys))(keys), expected, atol=1e-10)
