"""What tests/test_sharding.py runs in processes of its own: several devices, or several processes; prints JSON.

`python -m tests.sharding_worker devices [every]` with four simulated devices; `.. process RANK PORT`, one of two
processes with two simulated devices each.
"""

import json
import re
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import colora_theory as ct
from tests.registries import SENSING, SOLVERS, STARTS

DEVICES, PROCESSES = 4, 2
ROWS, COLS, RANK = 6, 5, (2, 2)
# Users and samples; 6 users on 4 devices are padded to 8.
SMALL = 6, 16
# What becomes of these two where there shall be more: no other axis is as long as they are, in dense problems.
MORE = {8: 12, 16: 40}
# Where processes wait for each other, a step takes long.
FEW_STEPS, MAX_STEPS = 5, 1000
COUNTED = "alternating", "variable-projection"
# Keeps a history of all blocks, the cores included, in one vector.
GATHERS = "factored-lbfgs"
# Solver, operator, start.
SOLVE = "altgdmin", "dense", "stacked"
SOLVES = [
    *((solver, "dense", "stacked") for solver in SOLVERS),
    *((solver, name, "pooled") for solver in COUNTED for name in SENSING if name != "dense"),
    *(("altgdmin", name, "stacked") for name in SENSING if name != "dense"),
    *(("altgdmin", "dense", start) for start in STARTS),
]
COLLECTIVE = re.compile(
    r" = (.*?) ((?:all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute|collective-broadcast)[a-z-]*)\("
)


def draw(name, users, samples):
    """Noisy data of rank two. Dense ones are drawn by numpy, which compiles nothing."""
    generator = np.random.default_rng(0)
    left, cores, right = (generator.standard_normal(shape) for shape in ((ROWS, 2), (users, 2, 2), (COLS, 2)))
    weights = np.einsum("ar,krs,bs->kab", left, cores, right)
    if name == "dense":
        entries = generator.standard_normal((ROWS, COLS, users, samples))
        sensing, exact = ct.sensing.Dense(jnp.asarray(entries)), np.einsum("abkn,kab->kn", entries, weights)
    else:
        sensing = SENSING[name](jax.random.key(1), users, samples, ROWS, COLS)
        exact = sensing(jnp.asarray(weights))
    noise = generator.standard_normal(exact.shape)
    return ct.Problem(sensing, jnp.asarray(exact + 0.1 * noise), jnp.asarray(np.ones_like(noise)))


def difference(ours, theirs):
    """Between the factors of two states, relative."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return max(float(np.abs(np.asarray(one) - other).max() / np.abs(other).max()) for one, other in pairs)


def collectives(program):
    """Of a compiled program: what is done together, and how many numbers go into each array of it."""
    found = COLLECTIVE.findall(program.as_text())
    shapes = ((name, re.findall(r"\[([\d,]*)\]", result)) for result, name in found)
    return [
        [name, [int(np.prod([int(size) for size in shape.split(",") if size])) for shape in each]]
        for name, each in shapes
    ]


def first_factors(problem):
    left, right = (jnp.asarray(np.linalg.qr(np.arange(size * 2.0).reshape(size, 2) ** 2)[0]) for size in (ROWS, COLS))
    cores = jnp.where(jnp.any(problem.sample_weights > 0, axis=1)[:, None, None], jnp.eye(*RANK)[None], 0.0)
    return ct.Factors(left, cores, right)


def step_on_devices(solver, name, more=True):
    """A step on all devices: what it sends, here and with more users and samples, and how far it ends from one."""
    problem = draw(name, *SMALL)
    sharded, users = ct.shard(problem), len(problem.targets)
    state = eqx.filter_jit(solver.init)(sharded, first_factors(sharded))
    step = jax.jit(lambda problem, state: solver.step(problem, state))
    program = step.lower(sharded, state).compile()
    larger = step.lower(*jax.tree.map(enlarge, (sharded, state))).compile() if more else program
    state = program(sharded, state)
    alone = eqx.filter_jit(lambda *start: solver.step(problem, solver.init(*start)))(problem, first_factors(problem))
    factors = state.factors
    own = ct.Factors(factors.left, factors.cores[:users], factors.right)
    return {
        "collectives": collectives(program),
        "collectives_of_more": collectives(larger),
        "difference": max(difference(own, alone.factors), abs(float(state.loss / alone.loss) - 1)),
        "padding": float(jnp.abs(factors.cores[users:]).max()),
        "users_of_a_device": len(factors.cores.addressable_shards[0].data),
    }


def enlarge(leaf):
    """The shape of an array with more users and samples, spread in the same way."""
    shape = tuple(MORE.get(length, length) for length in leaf.shape)
    return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=leaf.sharding)


def solve(problem, solver, start, max_steps):
    return ct.solve(problem, SOLVERS[solver], STARTS[start], RANK, max_steps=max_steps)


def solve_on_devices(solver, name, start):
    sharded = ct.shard(draw(name, *SMALL))
    solution = ct.unshard(solve(sharded, solver, start, MAX_STEPS), sharded)
    return {"status": int(solution.status), "weights": np.asarray(solution.weights).tolist()}


def on_devices(every):
    if every:
        solves = [[*each, solve_on_devices(*each)] for each in SOLVES]
        steps = [
            [solver, name, step_on_devices(SOLVERS[solver], name, name == "dense" and solver != GATHERS)]
            for solver in SOLVERS
            for name in SENSING
            if name == "dense" or solver in COUNTED
        ]
        return {"solves": solves, "steps": steps}
    return {solver: step_on_devices(SOLVERS[solver], "dense") for solver in COUNTED}


def in_process(rank, port):
    """One of two processes, which hold 2 and 4 of the 6 users and different numbers of samples."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"localhost:{port}", PROCESSES, rank, initialization_timeout=60)
    whole = draw("dense", *SMALL)
    begin, end = ((0, 2), (2, 6))[rank]
    own = ct.Problem(
        ct.sensing.Dense(whole.sensing.entries[:, :, begin:end]),
        whole.targets[begin:end],
        whole.sample_weights[begin:end],
    )
    sharded = ct.shard_processes(own if rank else own.pad(2, SMALL[1] + 3))
    solution = ct.unshard(solve(sharded, SOLVE[0], SOLVE[2], FEW_STEPS), sharded)
    told = {"shape": list(sharded.targets.shape), "status": int(solution.status)}
    try:
        ct.shard_processes(own if rank else ct.Problem(*jax.tree.map(_single, (own.sensing, own.targets, own.targets))))
    except ValueError as error:
        told["refused"] = str(error)
    return told | {"weights": np.asarray(solution.weights).tolist()}


def _single(leaf):
    return leaf.astype(jnp.float32)


def main(role, *arguments):
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")
    seen = on_devices(bool(arguments)) if role == "devices" else in_process(*map(int, arguments))
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
