"""What the contract suites run over: a new operator, solver or start is one line here."""

import jax

import colora_theory as ct
from colora_theory.sensing import Dense

SENSING = {
    "dense": lambda key, users, samples, rows, cols: Dense.from_matrices(
        jax.random.normal(key, (users, samples, rows, cols))
    ),
}

SOLVERS = {
    "alternating": ct.solvers.AlternatingMinimization(),
    "alternating-reverse": ct.solvers.AlternatingMinimization(order=("right", "cores", "left")),
    "alternating-resolve": ct.solvers.AlternatingMinimization(resolve_cores=True),
    "gradient": ct.solvers.GradientDescent(),
    "altgdmin": ct.solvers.AltGDmin(),
    "scaled-gradient": ct.solvers.ScaledGradientDescent(),
    "scaled-lbfgs": ct.solvers.ScaledLBFGS(),
    "variable-projection": ct.solvers.VariableProjection(),
    "variable-projection-cg": ct.solvers.VariableProjection(reduced_step=ct.solvers.ConjugateGradient()),
}

STARTS = {
    "pooled": ct.starts.Pooled(),
    "stacked": ct.starts.Stacked(),
    "weighted": ct.starts.Weighted(),
    "random": ct.starts.Random(),
    "turned": ct.starts.Turned(),
    "annealed": ct.starts.Annealed(sweeps=30),
}
