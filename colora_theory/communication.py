"""The federated ledger: what a run would have sent if the users had kept their data.

User i keeps (A_i, y_i) and its core C_i. In a **round** the server sends the same message to all users, and each
answers with numbers of which the server needs only the sum over the users. Counted are the floats that the iterates
depend on, trial steps that were turned down included; not the flags that say what a message is, nor the few scalars
that only the stop rule looks at. A change of basis costs nothing: users who know a factor before the QR do the QR
themselves.

With q = d1 r1 + d2 r2, p = r1 r2 and T(m) = m (m + 1) / 2 for a symmetric matrix, a step sends (see docs/scaling.md):

* alternating minimization: the normal equations of U, then of V, T(d1 r1) + T(d2 r2) + q up; the new factors, q down;
* gradient methods: the gradient, q up; its sum, q down, to learn the change of the measurements along it, 1 up; the
  length, 1 down. `GradientDescent` also needs the squares of the gradients of the cores; `FedRep`, whose step is given,
  the gradient only;
* scaled methods: loss, gradient and both Gram matrices of the cores, 1 + q + T(r1) + T(r2) up, for every trial;
* L-BFGS on all blocks: the server remembers U and V of m past steps, every user its own core of them, and the inner
  products of the cores are sums, 2 m + 2 new ones after every accepted step, with which the two loops run on the
  coefficients of a combination, 2 m + 1 down (places of the memory that are still empty are counted, too);
* variable projection, directly: the reduced normal equations, T(q) + q up, at every new iterate, T(q) more for an exact
  Hessian; with conjugate gradients: q up and q down for each product. A trial is q down, its loss 1 up.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from colora_theory import baselines, solvers, starts
from colora_theory.factors import Factors
from colora_theory.solution import Solution
from colora_theory.solvers.scaled_gradient import AbstractReducedDescent


@dataclasses.dataclass(frozen=True)
class Communication:
    """What was sent, of every user and summed up over the steps; place 0 is what there was before the first step.

    Attributes:
        rounds: integers, shape (num_steps + 1,).
        floats_up: from one user to the server, the same shape.
        floats_down: from the server to one user, the same shape.
        num_users: k.
        float_bytes: size of a float.
    """

    rounds: np.ndarray
    floats_up: np.ndarray
    floats_down: np.ndarray
    num_users: int
    float_bytes: int

    @property
    def total_floats(self) -> int:
        """Of all users in both directions, to the end."""
        return self.num_users * int(self.floats_up[-1] + self.floats_down[-1])

    @property
    def megabytes(self) -> np.ndarray:
        """Of all users in both directions, summed up over the steps, shape (num_steps + 1,); a megabyte is 10^6."""
        return self.num_users * self.float_bytes * (self.floats_up + self.floats_down) / 1e6

    def summary(self) -> str:
        """Rounds, floats of a user and megabytes of all in one line."""
        return (
            f"{self.rounds[-1]} rounds, {self.floats_up[-1]} floats up and {self.floats_down[-1]} down for each of "
            f"{self.num_users} users, {self.megabytes[-1]:.3g} MB in all"
        )


class Sent(NamedTuple):
    """Rounds, and floats of one user."""

    rounds: int = 0
    up: int = 0
    down: int = 0


class Run(NamedTuple):
    """What the messages of a run depend on.

    Attributes:
        num_rows: d1.
        num_cols: d2.
        rank: (r1, r2).
        num_steps: how many were taken.
        effort: of each step; None where the solver tells none.
    """

    num_rows: int
    num_cols: int
    rank: tuple[int, int]
    num_steps: int
    effort: solvers.Effort | None

    @property
    def sides(self) -> tuple[int, int]:
        """Numbers in U and in V."""
        return self.num_rows * self.rank[0], self.num_cols * self.rank[1]

    @property
    def subspaces(self) -> int:
        """Numbers in U and V together: q."""
        return sum(self.sides)

    @property
    def core(self) -> int:
        """Numbers in a core: p."""
        return self.rank[0] * self.rank[1]

    @property
    def core_grams(self) -> int:
        """Numbers in sum C_i C_i^T and sum C_i^T C_i."""
        return triangle(self.rank[0]) + triangle(self.rank[1])

    @property
    def factor_systems(self) -> int:
        """Numbers in the normal equations of U and in those of V."""
        return sum(triangle(side) + side for side in self.sides)

    def alike(self, step: Sent) -> list[Sent]:
        """As many steps as were taken, all of them alike."""
        return [step] * self.num_steps


def triangle(size: int) -> int:
    """The numbers of a symmetric matrix."""
    return size * (size + 1) // 2


def communication(
    method: solvers.AbstractSolver | Callable[..., Solution],
    solution: Solution,
    start: starts.AbstractStart | None = None,
) -> Communication:
    """What a run has sent, step by step: exact, from the sizes and from what the trace says of the steps.

    Nothing is computed again and nothing compiled. Needs concrete arrays.

    Args:
        method: the solver, or a baseline of `baselines` that runs in rounds.
        solution: what came out, of one attempt.
        start: counted as well, if given.

    Raises:
        TypeError: for a method or a start whose messages are not known.
        ValueError: for a solution of several attempts, without common subspaces, or without the trace that is needed.
    """
    factors = solution.factors
    if not isinstance(factors, Factors):
        raise ValueError(f"the solution has {type(factors).__name__}, one of shared subspaces is needed")
    if solution.attempts is not None:
        raise ValueError("the solution is of several attempts: count each of them, from `solve`")
    steps = int(solution.num_steps)
    (d1, r1), (d2, r2) = factors.left.shape, factors.right.shape
    effort = None if solution.trace is None else solution.trace.effort
    run = Run(d1, d2, (r1, r2), steps, effort)
    opening, after = _find(_PROTOCOLS, method, "method")(method, run)
    before = Sent() if start is None else sent_by_start(start, (d1, d2), run.rank)
    rows = np.array([np.add(before, opening), *after], np.int64)
    rounds, up, down = np.cumsum(rows, axis=0).T
    return Communication(rounds, up, down, len(factors.cores), factors.left.dtype.itemsize)


def sent_by_start(start: starts.AbstractStart, shape: tuple[int, int], rank: tuple[int, int]) -> Sent:
    """What a start sends before the server knows U and V; that the users be told them is part of a method.

    Args:
        start: with concrete hyperparameters.
        shape: (d1, d2).
        rank: (r1, r2).

    Raises:
        TypeError: for a start whose messages are not known.
    """
    sent: Sent = _find(_STARTS, start, "start")(start, Run(*shape, rank, 0, None))
    return sent


def _find(table: dict[Any, Any], method: Any, role: str) -> Any:
    """The entry of a function, or of the class of a module or one that it inherits from."""
    kinds = [method] if callable(method) and hasattr(method, "__name__") else type(method).__mro__
    for kind in kinds:
        if kind in table:
            return table[kind]
    known = ", ".join(kind.__name__ for kind in table)
    raise TypeError(f"what {role} {getattr(method, '__name__', type(method).__name__)} sends is not known; of: {known}")


Protocol = Callable[[Any, Run], tuple[Sent, list[Sent]]]


def _alternating(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # Each factor is updated once a step, whatever the order, and the cores stay with the users.
    return Sent(down=run.subspaces), run.alike(Sent(2, run.factor_systems, run.subspaces))


def _gradient(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # Factors are balanced by the Gram matrix of the first cores, and told the scale.
    opening = Sent(1, triangle(run.rank[0]), run.subspaces + 1)
    return opening, run.alike(Sent(2, run.subspaces + 2, run.subspaces + 1))


def _altgdmin(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    return Sent(down=run.subspaces), run.alike(Sent(2, run.subspaces + 1, run.subspaces + 1))


def _fedrep(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # The total weight, once.
    return Sent(up=1, down=run.subspaces), run.alike(Sent(1, run.subspaces, run.subspaces))


def _reduced_descent(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    point = 1 + run.subspaces + run.core_grams
    steps, fresh = [], True
    for accepted, *_ in _efforts(run):
        direction = Sent(1, 1, run.subspaces) if fresh else Sent()
        steps.append(Sent(1 + direction.rounds, point + direction.up, 1 + direction.down))
        fresh = accepted > 0
    return Sent(1, point, run.subspaces), steps


def _factored_lbfgs(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # A side whose rank is its size stays where it is.
    sought = [(size, r) for size, r in zip((run.num_rows, run.num_cols), run.rank, strict=True) if r < size]
    moving, excess = sum(size * r for size, r in sought), sum(triangle(r) for _, r in sought)
    point, remembered = 1 + moving + excess, 2 * solver.memory_size + 1
    steps, fresh = [], False
    for accepted, *_ in _efforts(run):
        # The users learn what pulls at their cores, then where to go next; after a rejected step only how far.
        ahead = Sent(1, remembered + 1, excess + moving + remembered) if fresh else Sent(down=1)
        steps.append(Sent(1 + ahead.rounds, point + ahead.up, ahead.down))
        fresh = accepted > 0
    # The Gram matrix of the first cores and the total weight, for scale and mean weight; the first point; then the
    # length of the gradient and of the change along it, which is the first direction.
    opening = Sent(3, triangle(run.rank[0]) + 1 + point + 2, run.subspaces + 2 + moving + excess)
    return opening, steps


def _variable_projection(solver: Any, run: Run) -> tuple[Sent, list[Sent]]:
    direct = isinstance(solver.reduced_step, solvers.Direct)
    if not direct and not isinstance(solver.reduced_step, solvers.ConjugateGradient):
        raise TypeError(f"what reduced_step {type(solver.reduced_step).__name__} sends is not known")
    q = run.subspaces
    steps, fresh, bent = [], True, False
    for accepted, curved, products in _efforts(run):
        rounds = up = down = 0
        if direct:
            # The exact Hessian goes with the normal equations, or follows them where it is asked for later.
            second = bool(curved) and (fresh or not bent)
            rounds, up = int(fresh or second), fresh * (triangle(q) + q) + second * triangle(q)
            bent = second or (bent and not fresh)
        else:
            # The first product is that along the gradient, known since the point is; it also tells the curvature.
            further = int(products) - 1
            rounds, up, down = further, further * q, further * q
            if fresh:
                rounds, up, down = rounds + 2, up + 2 * q + run.core_grams + 1, down + q
        steps.append(Sent(rounds + 1, up + 1, down + q))
        fresh = accepted > 0
    # The first loss, and the energy of the targets that it is compared with.
    return Sent(up=2, down=q), steps


def _efforts(run: Run) -> list[tuple[float, float, float]]:
    """Of every step: whether it was accepted, whether it was curved, its products."""
    if run.effort is None:
        raise ValueError("the solution has no effort in its trace: what its steps have sent cannot be told")
    effort = run.effort
    columns = (np.asarray(each)[1 : run.num_steps + 1] for each in (effort.accepted, effort.curved, effort.products))
    return [
        (float(accepted), float(curved), float(products)) for accepted, curved, products in zip(*columns, strict=True)
    ]


def _fed_sgd(baseline: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # The mean of the first cores and the total weight; then the common core is sent like U and V.
    whole = run.subspaces + run.core
    return Sent(1, run.core + 1, whole), run.alike(Sent(1, whole, whole))


def _averaging(baseline: Any, run: Run) -> tuple[Sent, list[Sent]]:
    # The mean of the first cores and the weight of the user; then both factors there and back.
    # Of products the server must see each, not the sum.
    return Sent(1, run.core + 1, 2 * run.subspaces), run.alike(Sent(1, run.subspaces, run.subspaces))


_PROTOCOLS: dict[Any, Protocol] = {
    solvers.AlternatingMinimization: _alternating,
    solvers.GradientDescent: _gradient,
    solvers.AltGDmin: _altgdmin,
    solvers.FedRep: _fedrep,
    AbstractReducedDescent: _reduced_descent,
    solvers.FactoredLBFGS: _factored_lbfgs,
    solvers.VariableProjection: _variable_projection,
    baselines.fed_sgd: _fed_sgd,
    baselines.average_factors: _averaging,
    baselines.average_products: _averaging,
}


def _nothing(start: Any, run: Run) -> Sent:
    return Sent()


def _moments(start: Any, run: Run) -> Sent:
    # With the weight of the user, for the mean.
    return Sent(1, run.num_rows * run.num_cols + 1)


def _grams(start: Any, run: Run) -> Sent:
    return Sent(1, triangle(run.num_rows) + triangle(run.num_cols))


def _both(start: Any, run: Run) -> Sent:
    return Sent(1, run.num_rows * run.num_cols + triangle(run.num_rows) + triangle(run.num_cols))


def _method_of_moments(start: Any, run: Run) -> Sent:
    sought = [size for size, r in zip((run.num_rows, run.num_cols), run.rank, strict=True) if r < size]
    return Sent(int(bool(sought)), sum(map(triangle, sought)))


def _of_inner(start: Any, run: Run) -> Sent:
    sent: Sent = _find(_STARTS, start.start, "start")(start.start, run)
    return sent


def _annealed(start: Any, run: Run) -> Sent:
    # Where the path begins; the Gram matrix of the cores, curvature and energy for scale and ridge; then the sweeps,
    # the last V of which comes with the first message of the solver.
    first, sweeps, q = _of_inner(start, run), int(start.sweeps), run.subspaces
    return Sent(
        first.rounds + 1 + 2 * sweeps,
        first.up + triangle(run.rank[0]) + 2 + sweeps * run.factor_systems,
        first.down + q + 2 + sweeps * q - run.sides[1],
    )


_STARTS: dict[Any, Callable[[Any, Run], Sent]] = {
    starts.Random: _nothing,
    starts.Near: _nothing,
    starts.Pooled: _moments,
    starts.Stacked: _grams,
    starts.Corrected: _grams,
    starts.TwoReplica: _grams,
    starts.Weighted: _both,
    starts.MethodOfMoments: _method_of_moments,
    starts.Turned: _of_inner,
    starts.Annealed: _annealed,
}
