import numpy as np
import pytest

from colora_theory.experiments.claims.evidence import Verdict
from colora_theory.experiments.claims.verify import judge
from colora_theory.language.claims import CLAIMS, gains, predicted_gains
from colora_theory.language.sweep import NAME, SCHEMA
from tests.language.tables import as_expected, table, the_other_way


@pytest.fixture(scope="module")
def expected():
    return table(as_expected, users=(4, 8, 16))


@pytest.fixture(scope="module")
def contrary():
    told = table(the_other_way, users=(4, 8, 16))
    return told.assign(squared_error=3 * told["predicted_error"])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_can_hold_and_be_refuted(claim, expected, contrary):
    for frame, verdict in ((expected, Verdict.HOLDS), (contrary, Verdict.REFUTED)):
        found = judge(claim, frame)
        assert found.verdict is verdict, found
        assert found.evidence.low <= found.evidence.value <= found.evidence.high


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_an_entry_is_complete(claim):
    assert claim.sweep == NAME
    assert claim.statement.endswith(".")
    assert set(claim.columns) <= set(SCHEMA.names)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_too_little_is_no_data(claim, expected):
    assert judge(claim, expected[expected["seed"] < 1].iloc[:5]).verdict is Verdict.NO_DATA
    assert judge(claim, expected.iloc[:0]).verdict is Verdict.NO_DATA


def test_gains_are_of_the_same_draws(expected):
    shuffled = expected.sample(frac=1, random_state=0)
    found = gains(shuffled, "colora", "alone")
    assert len(found) == len(expected) // expected["method"].nunique()
    one = found[(found["group"] == "similar") & (found["num_users"] == 8)]
    assert one["gain"].mean() == pytest.approx(0.03, abs=0.003)


def test_predicted_gains_are_logarithms_of_the_errors_ratio(expected):
    found = predicted_gains(expected)
    np.testing.assert_allclose(found[found["group"] == "similar"]["gain"], np.log(0.625 / 0.5))
