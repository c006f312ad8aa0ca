"""Tables of what is stored, for the eye."""

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from benchmarks.methods import METHODS, OURS
from benchmarks.neighbours import BUSY
from benchmarks.sizes import SIZES


def run_tables(runs: pd.DataFrame) -> list[Table]:
    """One table for every size: seconds to a relative error of 1e-6, failures, and the ratio to the best of ours."""
    return [_run_table(size, runs[runs["size"] == size]) for size in SIZES if (runs["size"] == size).any()]


def summarize(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per method, in the order of the table of methods.

    A run that failed counts as infinitely slow in the median and the quartiles, which are infinite where too many did.
    The ratio of a peer is that of its median to the smallest median of our methods, on the same draws.
    """
    summary = pd.DataFrame(
        {method: _summarize(rows[rows["method"] == method]) for method in METHODS if (rows["method"] == method).any()}
    ).T
    ours = summary.loc[summary["package"] == OURS, "median"]
    best = float(ours.min()) if not ours.empty else np.nan
    return summary.assign(ratio=summary["median"].astype(float) / best if np.isfinite(best) else np.nan)


def quantiles(values: np.ndarray, levels: list[float]) -> np.ndarray:
    """Quantiles along the first axis of values that may be infinite: between a number and infinity lies infinity."""
    with np.errstate(invalid="ignore"):
        found = np.quantile(values, levels, axis=0, method="averaged_inverted_cdf")
    return np.where(np.isnan(found), np.inf, found)


def _summarize(rows: pd.DataFrame) -> pd.Series:
    failed = rows["status"] == "failed"
    seconds = rows["seconds_to_1e6"].where(~failed, np.inf).to_numpy(float)
    low, median, high = quantiles(seconds, [0.25, 0.5, 0.75])
    reasons = rows.loc[failed, "reason"].value_counts()
    return pd.Series(
        {
            "package": rows["package"].iloc[0],
            "version": rows["version"].iloc[-1],
            "low": low,
            "median": median,
            "high": high,
            "runs": len(rows),
            "failures": int(failed.sum()),
            "reasons": "; ".join(f"{reason} ({count})" for reason, count in reasons.items()),
            "error": rows["error_final"].median(),
            "total": rows["seconds_total"].median(),
            "cold": rows["seconds_cold"].median(),
            "peak": rows["peak_bytes"].median(),
            "steps": rows["steps"].median(),
        }
    )


def _run_table(size: str, rows: pd.DataFrame) -> Table:
    rows_of = summarize(rows).to_dict("index")
    data = float(rows["data_bytes"].iloc[0])
    notes = [f"{name} failed: {row['reasons']}" for name, row in rows_of.items() if row["reasons"]]
    elsewhere = rows["busy_elsewhere"].median()
    if elsewhere > BUSY:
        notes.append(f"the machine was not quiet: others used {elsewhere:.1f} cores (median of the runs)")
    table = Table(
        "method",
        *(Column(name, justify="right") for name in _COLUMNS),
        title=f"{size}: {SIZES[size].describe()}; {data / 1e6:.3g} MB; medians of {rows['draw'].nunique()} draws",
        caption="\n".join(notes) or None,
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
    )
    for name, row in rows_of.items():
        ours = row["package"] == OURS
        table.add_row(
            f"{name} {'' if ours else row['version'] or ''}".strip(),
            _number(row["median"], "{:.3g}"),
            f"{_number(row['low'], '{:.3g}')} .. {_number(row['high'], '{:.3g}')}",
            _number(row["ratio"], "{:.1f}"),
            f"{row['failures']}/{row['runs']}",
            _number(row["error"], "{:.0e}"),
            _number(row["total"], "{:.3g}"),
            _number(row["cold"], "{:.1f}"),
            _number(row["peak"] / 1e6, "{:.0f}"),
            _number(row["steps"], "{:.0f}"),
            style="bold" if ours else None,
        )
    return table


_COLUMNS = ("s to 1e-6", "quartiles", "x ours", "failed", "error", "total s", "cold s", "peak MB", "steps")


def floor_table(floors: pd.DataFrame) -> Table:
    """What the machine allows and what a step of ours takes."""
    table = Table(
        "size",
        "solver",
        "data MB",
        "GB/s",
        "dgemm GF/s",
        "A V GF/s",
        "U^T A GF/s",
        "floor ms",
        "step ms",
        "step / floor",
        "peak / data",
        title="Floor of a step: the data read once, or the arithmetic at the rate of a square product",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for row in floors.to_dict("records"):
        table.add_row(
            row["size"],
            row["solver"],
            f"{row['data_bytes'] / 1e6:.1f}",
            *(f"{row[rate] / 1e9:.1f}" for rate in ("bandwidth", "dgemm_rate", "right_rate", "left_rate")),
            f"{1e3 * row['floor_seconds']:.2f}",
            f"{1e3 * row['step_seconds']:.2f}",
            f"{row['step_seconds'] / row['floor_seconds']:.1f}",
            f"{row['peak_bytes'] / row['data_bytes']:.2f}",
        )
    return table


def _number(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "-"
