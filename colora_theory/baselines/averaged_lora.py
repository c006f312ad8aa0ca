"""An adapter for each user, averaged in every round: what federated fine-tuning does without a shared structure."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.linalg import contract, safe_divide
from colora_theory.problem import Problem
from colora_theory.rounds import ended, seen_at, take_rounds
from colora_theory.solution import Solution, Trace
from colora_theory.solvers.first_order import tree_add, tree_dot
from colora_theory.solvers.linearization import Linearization
from colora_theory.starts import AbstractStart, Stacked

# Of the exact step along a gradient, as in `solvers.GradientDescent`.
_STEP = 0.9

Pair = tuple[Float[Array, "... d1 r"], Float[Array, "... d2 r"]]


def average_factors(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None = None,
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 100,
    local_steps: int = 10,
    observe: Callable[[Factors], Any] | None = None,
) -> Solution:
    """Every user trains an adapter W_i = B_i A_i^T of its own, and the server averages the B_i and the A_i.

    FedAvg (McMahan et al., arXiv 1602.05629) of LoRA. In a round every user takes `local_steps` gradient steps from the
    common factors, then these become the means of theirs, users with their share of the total weight. The product of
    the means is not the mean of the products, as Sun et al. (arXiv 2403.12313) point out; see `average_products`.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2), of which the smaller is taken.
        start: of the subspaces; stacked if left out. With the mean of the least-squares cores, shared evenly.
        key: randomness of the start.
        max_steps: number of rounds.
        local_steps: of each user in a round.
        observe: a pure function of the common adapter, traced along.

    Returns:
        A `Solution` whose `Factors` give every user the common adapter, with status MAX_STEPS, or NONFINITE, and a
        trace over the rounds.
    """
    return _rounds(problem, rank, start, key, max_steps, local_steps, observe, _mean_factors)


def average_products(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None = None,
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 100,
    local_steps: int = 10,
    observe: Callable[[Factors], Any] | None = None,
) -> Solution:
    """As `average_factors`, but the server averages the products B_i A_i^T and cuts their mean back to rank r.

    What is cut off is lost; still no user has anything of its own in the end, so the error tends to no less than the
    spread of the users about their mean. Arguments and result as there.
    """
    return _rounds(problem, rank, start, key, max_steps, local_steps, observe, _mean_product)


def _mean_factors(shares: Float[Array, " k"], own: Pair) -> Pair:
    return contract("k,kar->ar", shares, own[0]), contract("k,kbr->br", shares, own[1])


def _mean_product(shares: Float[Array, " k"], own: Pair) -> Pair:
    left, right = own
    return _halves(contract("kar,kbr->ab", shares[:, None, None] * left, right), left.shape[-1])


def _halves(matrix: Float[Array, "d1 d2"], rank: int) -> Pair:
    """The best approximation of a rank as a product of two factors of one size."""
    left, values, right = jnp.linalg.svd(matrix, full_matrices=False)
    roots = jnp.sqrt(values[:rank])[None, :]
    return left[:, :rank] * roots, right[:rank].T * roots


def _rounds(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None,
    key: PRNGKeyArray | None,
    max_steps: int,
    local_steps: int,
    observe: Callable[[Factors], Any] | None,
    average: Callable[[Float[Array, " k"], Pair], Pair],
) -> Solution:
    r = min(problem.check_rank(rank))
    first = (Stacked() if start is None else start)(problem, (r, r), jax.random.key(0) if key is None else key)
    totals = jnp.sum(problem.sample_weights, axis=1)
    shares = totals / jnp.sum(totals)
    own, merged, num_users = problem.split_users(), problem.merge_users(), len(totals)
    eye = jnp.eye(r, dtype=totals.dtype)[None]

    def train(user: Problem, common: Pair) -> Pair:
        def step(_: Array, pair: Pair) -> Pair:
            model = Linearization.at(user, Factors(pair[0], eye, pair[1]))
            gradient = model.transpose(model.residual)
            descent = eqx.tree_at(lambda factors: factors.cores, gradient, jnp.zeros_like(gradient.cores))
            length = safe_divide(tree_dot(descent, descent), jnp.sum(jnp.square(model.apply(descent))))
            moved = tree_add(model.factors, _STEP * length, descent)
            return moved.left, moved.right

        return jax.lax.fori_loop(0, local_steps, step, common)

    def see(common: Pair) -> Trace:
        adapter = Factors(common[0], eye, common[1])
        observed = None if observe is None else observe(_for_all(adapter, num_users))
        return seen_at(problem, Linearization.at(merged, adapter), observed)

    def turn(common: Pair, _: Array) -> Pair:
        return average(shares, jax.vmap(train, in_axes=(0, None))(own, common))

    mean_core = contract("ar,rs,bs->ab", first.left, jnp.mean(first.cores, axis=0), first.right)
    last, trace = take_rounds(turn, see, _halves(mean_core, r), max_steps)
    factors = _for_all(Factors(last[0], eye, last[1]), num_users).orthonormalize()
    return ended(problem, factors, max_steps, jax.tree.map(lambda each: each[-1], trace), trace)


def _for_all(adapter: Factors, num_users: int) -> Factors:
    return Factors(adapter.left, jnp.repeat(adapter.cores, num_users, axis=0), adapter.right)
