"""What float32 and float64 each reach: `python -m benchmarks.precision --draws 20` prints a table."""

import argparse
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import colora_theory as ct

SOLVERS: dict[str, ct.solvers.AbstractSolver] = {
    "alternating minimization": ct.solvers.AlternatingMinimization(),
    "AltGDmin": ct.solvers.AltGDmin(),
    "scaled gradient descent": ct.solvers.ScaledGradientDescent(),
    "variable projection": ct.solvers.VariableProjection(),
    "the same, conjugate gradients": ct.solvers.VariableProjection(reduced_step=ct.solvers.ConjugateGradient()),
}
SHAPE = {"num_users": 20, "num_rows": 24, "num_cols": 20, "rank": 3, "similarity": 0.5}
SAMPLES, MAX_STEPS = 40, 2000


def measure(
    solver: ct.solvers.AbstractSolver, dtype: Any, draws: int, condition: float, noise: float
) -> dict[str, Any]:
    """Status, steps, relative residual and gradient of every draw, and the relative error against the exact truth.

    The data are drawn in float64 and rounded; errors are measured in float64.
    """
    family = ct.TaskFamily(**SHAPE, condition_number=condition)

    @jax.jit
    def run(key: jax.Array) -> dict[str, jax.Array]:
        instance = ct.sample_instance(key, family, SAMPLES, noise)
        problem = jax.tree.map(lambda leaf: leaf.astype(dtype), instance.problem)
        solution = ct.solve(problem, solver, ct.starts.Stacked(), 3, max_steps=MAX_STEPS)
        factors = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), solution.factors)
        return {
            "status": solution.status,
            "steps": solution.num_steps,
            "residual": solution.relative_residual.astype(jnp.float64),
            "gradient": solution.relative_gradient.astype(jnp.float64),
            "error": ct.metrics.relative_error(factors, instance.truth),
        }

    rows = [jax.tree.map(np.asarray, run(jax.random.key(draw))) for draw in range(draws)]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one row for each solver, condition number, noise and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0])
    parser.add_argument("--condition", type=float, nargs="+", default=[1.0, 30.0])
    parser.add_argument("--solvers", nargs="+", choices=SOLVERS, default=list(SOLVERS))
    options = parser.parse_args(arguments)
    jax.config.update("jax_enable_x64", True)
    print("| noise | kappa | solver | precision | converged | steps | residual | gradient | error, median (worst) |")
    print("|---" * 9 + "|")
    for noise in options.noise:
        for condition in options.condition:
            for name in options.solvers:
                for dtype in (jnp.float32, jnp.float64):
                    seen = measure(SOLVERS[name], dtype, options.draws, condition, noise)
                    converged = int(np.sum(seen["status"] == ct.Status.CONVERGED))
                    median = {key: np.median(values) for key, values in seen.items()}
                    print(
                        f"| {noise:g} | {condition:g} | {name} | {dtype.__name__} | {converged} of {options.draws} | "
                        f"{median['steps']:.0f} | {median['residual']:.1e} | {median['gradient']:.1e} | "
                        f"{median['error']:.1e} ({seen['error'].max():.1e}) |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
