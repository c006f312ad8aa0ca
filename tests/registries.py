"""What the contract suites run over: a new operator, solver or start is one line here."""

import jax
import jax.numpy as jnp

import colora_theory as ct
from colora_theory.sensing import Dense, EntryMask, RankOne, Scaled, VectorOutput


def _dense(key, users, samples, rows, cols):
    return Dense.from_matrices(jax.random.normal(key, (users, samples, rows, cols)))


def _rank_one(key, users, samples, rows, cols):
    left_key, right_key = jax.random.split(key)
    left, right = (users, samples, rows), (users, samples, cols)
    return RankOne.from_vectors(jax.random.normal(left_key, left), jax.random.normal(right_key, right))


def _vector_output(key, users, samples, rows, cols):
    return VectorOutput(jax.random.normal(key, (users, -(-samples // rows), cols)), rows)


def _entry_mask(key, users, samples, rows, cols):
    order = jnp.argsort(jax.random.uniform(key, (users, rows * cols)), axis=1)[:, :samples]
    return EntryMask(*jnp.unravel_index(order, (rows, cols)), (rows, cols))


# At least `samples` scalar measurements of each user under the operator's isotropic design.
SENSING = {
    "dense": _dense,
    "scaled": lambda *arguments: Scaled(_dense(*arguments), jnp.asarray(0.5)),
    "rank-one": _rank_one,
    "vector-output": _vector_output,
    "entry-mask": _entry_mask,
}


def dense_oracle(operator):
    """The same measurements by dense matrices."""
    users, rows, cols = operator.weights_shape
    basis = jnp.eye(rows * cols).reshape(-1, 1, rows, cols)
    entries = jax.vmap(lambda entry: operator(jnp.broadcast_to(entry, operator.weights_shape)))(basis)
    return Dense(entries.reshape(rows, cols, users, -1))


# Not `FedRep`: its step of given length has a unit, which these contracts forbid (see test_vector_tasks.py).
SOLVERS = {
    "alternating": ct.solvers.AlternatingMinimization(),
    "gradient": ct.solvers.GradientDescent(),
    "altgdmin": ct.solvers.AltGDmin(),
    "scaled-gradient": ct.solvers.ScaledGradientDescent(),
    "factored-lbfgs": ct.solvers.FactoredLBFGS(),
    "scaled-lbfgs": ct.solvers.ScaledLBFGS(),
    "variable-projection": ct.solvers.VariableProjection(),
    "variable-projection-cg": ct.solvers.VariableProjection(reduced_step=ct.solvers.ConjugateGradient()),
}

# Other options of the same code: they recover the truth, and the rest of the contract is that of the solver.
VARIANTS = {
    "alternating-reverse": ct.solvers.AlternatingMinimization(order=("right", "cores", "left")),
    "alternating-resolve": ct.solvers.AlternatingMinimization(resolve_cores=True),
}

STARTS = {
    "pooled": ct.starts.Pooled(),
    "stacked": ct.starts.Stacked(),
    "weighted": ct.starts.Weighted(),
    "random": ct.starts.Random(),
    "two-replica": ct.starts.TwoReplica(),
    "method-of-moments": ct.starts.MethodOfMoments(),
    "turned": ct.starts.Turned(),
    "few-users": ct.starts.FewUsers(),
    "annealed": ct.starts.Annealed(sweeps=30),
}
