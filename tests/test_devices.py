"""Each precision stays what it is, and every program can be lowered for a GPU; traced only, nothing is computed."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import colora_theory as ct
from tests.registries import SENSING, SOLVERS, STARTS

USERS, SAMPLES, ROWS, COLS, RANK = 4, 24, 6, 5, (2, 2)
PRECISIONS = {"float32": jnp.float32, "float64": jnp.float64}
# Every solver, every start and every operator at least once.
TOGETHER = list(zip(SOLVERS, itertools.cycle(STARTS), itertools.cycle(SENSING), strict=False))


def problem_in_shapes(name, dtype):
    def build():
        sensing = SENSING[name](jax.random.key(0), USERS, SAMPLES, ROWS, COLS)
        ones = jnp.ones((USERS, sensing.num_samples))
        return ct.Problem(sensing, ones, ones, jnp.ones((ROWS, COLS)))

    def cast(leaf):
        return jax.ShapeDtypeStruct(leaf.shape, dtype if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf.dtype)

    return jax.tree.map(cast, jax.eval_shape(build))


def variables(jaxpr):
    yield from (variable for variable in (*jaxpr.invars, *jaxpr.constvars))
    for equation in jaxpr.eqns:
        yield from equation.outvars
        for inner in jaxprs_in_params(equation.params):
            yield from variables(inner)


def precisions(jaxpr):
    """Of all floating-point arrays; numbers of the source text, which take the precision of their neighbours, apart."""
    arrays = (variable.aval for variable in variables(jaxpr))
    floats = (array for array in arrays if jnp.issubdtype(getattr(array, "dtype", bool), jnp.floating))
    return {str(array.dtype) for array in floats if array.shape or not array.weak_type}


@pytest.mark.parametrize(("solver", "start", "operator"), TOGETHER)
def test_precision_and_lowering_for_a_gpu(solver, start, operator, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for name, dtype in PRECISIONS.items():
        program = jax.jit(lambda problem: ct.solve(problem, SOLVERS[solver], STARTS[start], RANK))
        traced = program.trace(problem_in_shapes(operator, dtype))
        assert precisions(traced.jaxpr.jaxpr) == {name}
    lowered = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "cusolver" in lowered
    assert "lapack" not in lowered
    assert "callback" not in lowered


def test_a_foreign_precision_is_seen():
    def mixed(values):
        return values.astype(np.float64).sum().astype(np.float32)

    assert precisions(jax.make_jaxpr(mixed)(jnp.ones(3, jnp.float32)).jaxpr) == {"float32", "float64"}
