import pytest

from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.presets import PRESETS
from colora_theory.experiments.sweeps import SWEEPS


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
def test_a_sweep_says_what_it_claims_and_grows_with_its_presets(sweep):
    assert SWEEPS[sweep.name] is sweep
    assert sweep.claim.endswith(".")
    assert sweep.refuted_if.endswith(".")
    assert list(sweep.presets) == list(PRESETS)
    cells = [make_plan(sweep.config(preset), preset).num_cells for preset in sweep.presets]
    assert cells == sorted(cells)
    assert cells[0] < 100 < cells[1] < cells[2]
