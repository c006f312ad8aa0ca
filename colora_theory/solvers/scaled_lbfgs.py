"""Limited-memory BFGS on the reduced cost."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.linalg import contract, safe_divide
from colora_theory.solvers.scaled_gradient import AbstractReducedDescent, Direction, ReducedPoint, Search

# A pair is kept if the cosine of its angle is at least this: a smaller one is rounding, a negative one no curvature.
_PAIR_COSINE = 1e-8


class Pairs(eqx.Module):
    """The last steps and the changes of the gradient along them, oldest first; zero where there is none yet.

    Attributes:
        steps: in scaled coordinates, shape (memory_size, d1 r1 + d2 r2).
        changes: the same shape.
    """

    steps: Float[Array, "m q"]
    changes: Float[Array, "m q"]

    def push(self, step: Float[Array, " q"], change: Float[Array, " q"]) -> "Pairs":
        """With a new pair in place of the oldest; without any, if the new one shows no positive curvature."""
        size = jnp.linalg.norm(step) * jnp.linalg.norm(change)
        curved = contract("q,q->", step, change) > _PAIR_COSINE * size

        def shift(rows: Float[Array, "m q"], newest: Float[Array, " q"]) -> Float[Array, "m q"]:
            return jnp.where(curved, jnp.roll(rows, -1, axis=0).at[-1].set(newest), 0.0)

        return Pairs(shift(self.steps, step), shift(self.changes, change))

    def apply(self, descent: Float[Array, " q"]) -> Float[Array, " q"]:
        """The approximate inverse Hessian times a vector, by the two-loop recursion."""
        inner = contract("mq,mq->m", self.steps, self.changes)
        inverses = safe_divide(jnp.ones_like(inner), inner)

        def back(vector: Array, pair: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            step, change, inverse = pair
            share = inverse * contract("q,q->", step, vector)
            return vector - share * change, share

        def forth(vector: Array, pair: tuple[tuple[Array, Array, Array], Array]) -> tuple[Array, None]:
            (step, change, inverse), share = pair
            return vector + (share - inverse * contract("q,q->", change, vector)) * step, None

        pairs = (self.steps, self.changes, inverses)
        vector, shares = jax.lax.scan(back, descent, pairs, reverse=True)
        newest = contract("q,q->", self.changes[-1], self.changes[-1])
        scaled = jnp.where(newest == 0, 1.0, safe_divide(inner[-1], newest)) * vector
        return jax.lax.scan(forth, scaled, (pairs, shares))[0]


class ScaledLBFGS(AbstractReducedDescent):
    """Limited-memory BFGS (Liu and Nocedal, Mathematical Programming 45, 1989) on range(U) and range(V).

    The cores are eliminated as in variable projection. Scaled coordinates make the first guess of the Hessian, a
    multiple of the identity, a good one whatever the condition number of the cores; pairs are carried along by the
    isometric transport that Riemannian BFGS asks for (Huang, Gallivan and Absil, SIAM J. Optim. 25, 2015). Memory and
    work beyond the two passes grow with d r, never with its square.

    Attributes:
        memory_size: how many pairs are remembered.
    """

    memory_size: int = eqx.field(static=True, default=10)

    def __check_init__(self) -> None:
        if self.memory_size < 1:
            raise ValueError(f"memory_size {self.memory_size} is below 1")

    def first_history(self, point: ReducedPoint) -> Pairs:
        descent = _flat(point.descent)
        blank = jnp.zeros((self.memory_size, descent.size), descent.dtype)
        return Pairs(blank, blank)

    def next_direction(self, search: Search, point: ReducedPoint, history: Pairs) -> tuple[Direction, Pairs]:
        change = _flat(search.point.descent) - _flat(point.descent)
        pairs = history.push(search.length * _flat(search.direction), change)
        direction = pairs.apply(_flat(point.descent))
        split = point.descent.left.size
        left, right = point.descent.left.shape, point.descent.right.shape
        return Direction(direction[:split].reshape(left), direction[split:].reshape(right)), pairs


def _flat(direction: Direction) -> Float[Array, " q"]:
    return jnp.concatenate([direction.left.ravel(), direction.right.ravel()])
