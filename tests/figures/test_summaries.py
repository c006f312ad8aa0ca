"""What stands between the table and the picture."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import binomtest

from colora_theory.figures import comparison, isometry, noise, style, summaries
from colora_theory.figures.convergence import curve
from colora_theory.figures.shapes import Shape


@pytest.mark.parametrize(("successes", "runs"), [(0, 4), (3, 7), (20, 20)])
def test_wilson_agrees_with_scipy(successes, runs):
    low, high = summaries.wilson(np.array([float(successes)]), np.array([float(runs)]))
    expected = binomtest(successes, runs).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_run_without_a_number_is_a_failure():
    rows = pd.DataFrame({"n": [1, 1, 1, 1], "relative_error": [1e-9, 1e-7, 1e-3, math.nan]})
    assert summaries.success_rates(rows, "n").loc[1, "rate"] == 0.5


def test_a_run_without_a_number_worsens_the_band():
    rows = pd.DataFrame({"n": [1, 1, 1], "error": [1.0, 2.0, math.nan]})
    band = summaries.bands(rows, "n", "error").loc[1]
    assert band["median"] == 2.0
    assert math.isnan(band["high"])


def rates(n, successes, runs):
    low, high = summaries.wilson(np.asarray(successes, float), np.full(len(n), float(runs)))
    columns = {"rate": np.asarray(successes) / runs, "low": low, "high": high, "runs": runs}
    return pd.DataFrame(columns, index=pd.Index(n, dtype=float))


def test_half_point_is_interpolated_over_the_logarithm():
    middle, first, last = summaries.half_point(rates([10, 40], [0, 20], 20))
    assert middle == pytest.approx(20)
    assert 10 < first < middle < last < 40


def test_half_point_sees_through_a_dip():
    # 12 and 8 of 20 are made monotone as 10 and 10: one half is reached at the first of the two.
    assert summaries.half_point(rates([8, 16, 32, 64], [0, 12, 8, 20], 20))[0] == pytest.approx(16)


@pytest.mark.parametrize("successes", [[0, 1], [20, 20]])
def test_half_point_outside_the_grid_is_unknown(successes):
    assert math.isnan(summaries.half_point(rates([10, 20], successes, 20))[0])


def test_the_mean_is_that_of_the_finite_values():
    mean, error = summaries.mean_and_error(pd.Series([1.0, 3.0, math.nan, math.inf]))
    assert (mean, error) == pytest.approx((2.0, 1.0))
    assert math.isnan(summaries.mean_and_error(pd.Series([1.0]))[1])


def test_curves_break_even_where_they_cross():
    grid = pd.Index([0.0, 0.1, 0.2])
    rising, level = pd.Series([0.25, 0.5, 2.0], grid), pd.Series([1.0, 1.0, 1.0], grid)
    assert summaries.break_even(rising, level) == pytest.approx(0.15)
    assert math.isnan(summaries.break_even(level / 2, level))


def test_a_quotient_needs_a_prediction():
    rows = pd.DataFrame({"seen": [1.0, 1.0, 1.0, 1.0], "told": [2.0, 0.0, math.inf, math.nan]})
    ratios = comparison.quotient(rows, "seen", "told")
    assert ratios.tolist() == pytest.approx([0.5, math.nan, math.nan, math.nan], nan_ok=True)
    assert comparison.in_words(ratios) == "0.500 on average, 0.500 to 0.500 over 1 runs"


def test_a_run_that_has_ended_keeps_its_last_error():
    rows = pd.DataFrame({"relative_error_trace": [[1.0, 0.1], [1.0, 0.5, 0.3, 0.1]], "seconds_per_step": [1.0, 3.0]})
    shown = curve(rows)
    assert shown.median.tolist() == pytest.approx([1.0, 0.3, 0.2, 0.1])
    assert shown.seconds_per_step == 2.0
    assert shown.end == 3


def test_laws():
    shape = Shape(20, 18, 3, 2)
    assert noise.law_together(shape, 4, 50, 0.1) == pytest.approx(0.01 * (6 + (3 * 17 + 2 * 16) / 4) / 50)
    assert noise.law_alone(shape, 50, 0.1) == pytest.approx(0.01 * 2 * (20 + 18 - 2) / 50)
    assert math.isnan(noise.law_oracle(shape, 7, 0.1))


def test_the_law_of_the_oracle_is_the_mean_of_least_squares():
    # E tr (X^T X)^-1 over Gaussian n x p designs, to five standard errors.
    shape, samples = Shape(9, 8, 2, 2), 20
    designs = np.random.default_rng(0).standard_normal((4000, samples, shape.core_size))
    traces = np.trace(np.linalg.inv(designs.transpose(0, 2, 1) @ designs), axis1=1, axis2=2)
    error = 5 * traces.std() / math.sqrt(len(traces))
    assert traces.mean() == pytest.approx(noise.law_oracle(shape, samples, 1.0), abs=error)


def luminance(color):
    red, green, blue = to_rgb(color)
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize(
    "family",
    [
        [style.LOOKS[method] for method in ("alternating", "alone", "pooled", "oracle")],
        [style.LOOKS[method] for method in ("alternating", "gradient_descent", "altgdmin")],
        [style.LOOKS[method] for method in ("auto", "annealed", "variable_projection", "alternating", "altgdmin")],
        [style.LOOKS[method] for method in ("auto", "empirical_bayes", "oracle")],
        [look for _, look in isometry.SERIES.values()],
        [style.LOOKS[start] for start in ("pooled", "stacked", "random")],
        *(style.sequence(length) for length in range(1, 8)),
    ],
)
def test_series_differ_in_grey(family):
    shades = sorted(luminance(look.color) for look in family)
    assert all(after - before > 0.07 for before, after in itertools.pairwise(shades))
    assert len({look.marker for look in family}) == len(family)
