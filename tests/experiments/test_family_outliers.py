"""Users unlike the rest as truths and fits of the family."""

import jax
import numpy as np
import pytest

from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.registry import FITS, TRUTHS


@pytest.mark.parametrize("truth", ["own_subspaces", "corrupted_data"])
def test_the_others_are_alike_and_fitted_as_if_known(truth):
    draw = FamilyDraw(truth, 10, 6, 5, 16, 0.01, 0, 0.3)
    instance = TRUTHS[truth].sample(jax.random.key(1), draw)
    assert TRUTHS[truth].unknowns(draw) == 4 * 2 + 3 * 2 + 10 * 4
    assert instance.judged.sum() == 7
    np.testing.assert_array_equal(instance.known["unlike"], ~instance.judged)
    for stack in (np.concatenate(instance.weights[instance.judged]), np.hstack(instance.weights[instance.judged])):
        assert np.linalg.matrix_rank(stack) == 2

    def error(method):
        found = FITS[method](instance, draw, jax.random.key(2))
        assert found.status_name == "CONVERGED"
        return np.sum((found.weights - instance.weights)[instance.judged] ** 2), found.measured

    (known, _), (found, measured), (ignored, _) = map(error, ("outliers_known", "outliers_found", "outliers_ignored"))
    assert measured == {"share_found": 1.0, "share_accused": 0.0}
    assert found == pytest.approx(known, rel=1e-6)
    assert ignored > 10 * known
