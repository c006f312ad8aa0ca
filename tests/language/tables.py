"""Made-up tables of the language experiment."""

import itertools

import numpy as np
import pyarrow as pa

from colora_theory.language.methods import METHODS
from colora_theory.language.sweep import LINEAR, SCHEMA

SIMILARITY = {"similar": 0.5, "mixed": 0.1, "dissimilar": -0.1, "graded": 0.7}
ALL = (*METHODS, *LINEAR)


def table(accuracy, *, methods=ALL, groups=tuple(SIMILARITY), users=(8,), samples=(10, 20, 40), seeds=12):
    """Rows whose accuracies a function of row and noise gives; predictions that follow the similarity."""
    rng, rows = np.random.default_rng(0), []
    for group, num_users, num_samples, seed in itertools.product(groups, users, samples, range(seeds)):
        for method in methods:
            row = {
                "group": group,
                "num_users": num_users,
                "num_samples": num_samples,
                "seed": seed,
                "method": method,
                "similarity": SIMILARITY[group] + 0.02 * rng.standard_normal(),
                "trained_numbers": 100_000 if method == "alone" else 20_000,
                "status_name": "MAX_STEPS",
                "steps": 30,
                "seconds": 1.0,
                "loss": 0.3,
                "squared_error": 0.5 if method in LINEAR else None,
                "predicted_error": (0.5 if method == "linear_together" else 0.5 + SIMILARITY[group] / 4)
                if method in LINEAR
                else None,
            }
            score = accuracy(row) + 0.003 * rng.standard_normal()
            rows.append(row | {"accuracy": score, "accuracy_first": score})
    return pa.Table.from_pylist(rows, schema=SCHEMA).to_pandas()


def as_expected(row):
    """Accuracies that every claim holds on."""
    gain = {"similar": 0.03, "mixed": 0.0, "dissimilar": -0.1, "graded": 0.02}[row["group"]]
    return {
        "colora": 0.8 + gain + 0.001 * row["num_users"],
        "heads_together": 0.8 + gain + 0.001 * row["num_users"],
        "pooled": 0.55,
    }.get(row["method"], 0.808)


def the_other_way(row):
    """Accuracies that no claim on accuracies holds on."""
    gain = {"similar": -0.05, "mixed": 0.0, "dissimilar": 0.1, "graded": 0.02}[row["group"]]
    return {"colora": 0.8 + gain - 0.002 * row["num_users"], "heads_together": 0.7, "pooled": 0.9}.get(
        row["method"], 0.78
    )
