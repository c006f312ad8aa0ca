"""What is written by hand for the peers, and that every one of them recovers a tiny problem."""

import importlib
import math

import numpy as np
import pytest

from benchmarks.draws import Factors, relative_error
from benchmarks.errors import BenchError, NotPossibleError
from benchmarks.methods import METHODS, Method, base, select
from benchmarks.methods.factored import value_and_gradient
from benchmarks.methods.projection import ProjectedCost

STEP = 1e-6


@pytest.fixture
def noisy(data, rng):
    """Measurements with a residual everywhere, so that no term of a derivative vanishes."""
    return data.y + rng.standard_normal(data.y.shape)


def test_the_projected_cost_is_that_of_the_best_cores(data, noisy):
    left, cores, right = data.start.blocks
    best = ProjectedCost(data.A, noisy).value(left, right)
    found, _ = value_and_gradient(
        data.A, noisy, Factors(left, ProjectedCost(data.A, noisy).at(left, right).cores, right)
    )
    assert best == pytest.approx(found)
    assert best < value_and_gradient(data.A, noisy, Factors(left, cores, right))[0]


def test_gradient_and_hessian_of_the_projected_cost_are_its_differences(data, noisy, rng):
    cost, left, right = ProjectedCost(data.A, noisy), data.start.left, data.start.right
    change = rng.standard_normal(left.shape), rng.standard_normal(right.shape)
    ahead = left + STEP * change[0], right + STEP * change[1]
    behind = left - STEP * change[0], right - STEP * change[1]
    slope = sum(np.sum(block * moved) for block, moved in zip(cost.gradient(left, right), change, strict=True))
    assert (cost.value(*ahead) - cost.value(*behind)) / (2 * STEP) == pytest.approx(slope, rel=1e-6)
    for fore, aft, product in zip(
        cost.gradient(*ahead), cost.gradient(*behind), cost.hessian(left, right, *change), strict=True
    ):
        np.testing.assert_allclose((fore - aft) / (2 * STEP), product, rtol=1e-5, atol=1e-6 * np.abs(product).max())


def test_the_gradient_of_the_factored_cost_is_its_difference(data, noisy, rng):
    change = Factors(*(rng.standard_normal(block.shape) for block in data.start.blocks))

    def moved(by):
        blocks = zip(data.start.blocks, change.blocks, strict=True)
        return value_and_gradient(data.A, noisy, Factors(*(block + by * step for block, step in blocks)))[0]

    _, gradient = value_and_gradient(data.A, noisy, data.start)
    slope = sum(np.sum(block * step) for block, step in zip(gradient.blocks, change.blocks, strict=True))
    assert (moved(STEP) - moved(-STEP)) / (2 * STEP) == pytest.approx(slope, rel=1e-6)


def test_torch_cores_and_descent_are_those_of_numpy(data):
    torch = pytest.importorskip("torch")
    from benchmarks.methods.altgdmin import Model

    model, cost = Model(data), ProjectedCost(data.A, data.y)
    left, right = torch.from_numpy(data.start.left), torch.from_numpy(data.start.right)
    cores, residual = model.fit(left, right)
    np.testing.assert_allclose(cores.numpy(), cost.at(*_subspaces(data)).cores, rtol=1e-9)
    for ours, theirs in zip(model.descent(left, cores, right, residual), cost.gradient(*_subspaces(data)), strict=True):
        np.testing.assert_allclose(-ours.numpy(), theirs, rtol=1e-8, atol=1e-10)


def _subspaces(data):
    return data.start.left, data.start.right


def test_balancing_keeps_the_weights_and_evens_the_blocks(data):
    balanced = data.start.balance()
    np.testing.assert_allclose(balanced.compose(), data.start.compose(), atol=1e-12)
    left = balanced.left.T @ balanced.left
    stacked = np.einsum("krs,st,kpt->rp", balanced.cores, balanced.right.T @ balanced.right, balanced.cores)
    # The curvature of U is that of the cores in the directions of U: their product is that of the weights.
    assert np.linalg.cond(left) < np.linalg.cond(left @ stacked)


PEERS = [name for name, method in METHODS.items() if not method.ours and name not in ("tensorly-default", "cvxpy")]


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore")  # of the packages
def test_every_peer_recovers_a_tiny_problem(name, data):
    method = METHODS[name]
    pytest.importorskip(method.package)
    outcome = method.measure(data, cap=30.0, on_first=lambda: None)
    assert outcome.reason == ""
    assert outcome.errors[0] > base.TARGET >= outcome.errors[-1]
    assert 0 < outcome.seconds_to_target <= outcome.seconds_total
    assert outcome.steps > 0


@pytest.mark.filterwarnings("ignore")
def test_nuclear_norms_need_more_samples_but_no_rank(rng):
    pytest.importorskip("cvxpy")
    truth = Factors(rng.standard_normal((4, 1)), rng.standard_normal((3, 1, 1)), rng.standard_normal((4, 1)))
    A = rng.standard_normal((3, 14, 4, 4))
    from benchmarks.draws import Data

    problem = Data(A, np.einsum("knab,kab->kn", A, truth.compose()), truth, truth)
    assert METHODS["cvxpy"].measure(problem, cap=30.0, on_first=lambda: None).reason == ""


def test_nuclear_norms_say_what_is_too_large(data, monkeypatch):
    pytest.importorskip("cvxpy")
    nuclear = importlib.import_module("benchmarks.methods.nuclear")
    monkeypatch.setattr(nuclear, "_LARGEST", 10)
    with pytest.raises(NotPossibleError, match="90 unknowns"):
        nuclear.prepare(data)


def test_a_package_that_is_missing_is_said_so(data):
    method = Method("nothing", "nothing", "no-such-distribution", "lbfgs")
    with pytest.raises(NotPossibleError, match="no-such-distribution is not installed"):
        method.measure(data, 1.0, lambda: None)


def test_the_cap_ends_a_run_and_keeps_its_trace(data):
    def prepare(data):
        def solve(recorder):
            while True:
                recorder(data.start)

        return solve

    outcome = base.measure(prepare, data, 0.01, lambda: None)
    assert outcome.reason == "time cap"
    assert math.isnan(outcome.seconds_to_target)
    assert outcome.errors[-1] == pytest.approx(relative_error(data.start, data.truth))


def test_slow_runs_are_not_repeated_and_quick_ones_are(data, monkeypatch):
    def prepare(data):
        return lambda recorder: recorder(data.truth)

    assert base.measure(prepare, data, 1.0, lambda: None).repeats == 3
    monkeypatch.setattr(base, "_QUICK", -1.0)
    assert base.measure(prepare, data, 1.0, lambda: None).repeats == 0


@pytest.mark.parametrize(
    ("residuals", "errors", "stops_at"),
    [
        ([1.0, 0.1, 1e-7, 1e-9], [1.0, 0.1, 5e-7, 1e-9], 2),
        # The residual was as small before: the run stops at the next new minimum.
        ([1.0, 1e-8, 1e-7, 1e-9], [1.0, 1e-5, 5e-7, 1e-9], 3),
        ([1.0, 0.1], [1.0, 0.1], None),
        ([1e-9, 1e-12], [1e-9, 1e-12], 0),
    ],
)
def test_our_runs_stop_where_the_error_first_reaches_the_target(residuals, errors, stops_at):
    from benchmarks.methods.ours import stopping_tolerance

    tolerance = stopping_tolerance(np.array(residuals), np.array(errors))
    if stops_at is None:
        assert tolerance is None
    else:
        assert tolerance is not None
        assert next(step for step, residual in enumerate(residuals) if residual <= tolerance) == stops_at


def test_unknown_methods_are_named_in_one_line():
    with pytest.raises(BenchError, match=r"^unknown method 'scipi'; known: variable_projection, .*, cvxpy, all$"):
        select(["scipy-lbfgs", "scipi"])
