"""Several A and several B in one adapter for all users."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import (
    AbstractStructure,
    Parameters,
    Shape,
    check_sizes,
    halves,
    low_rank_dimension,
    random_subspaces,
)

STRATEGIES = ("full", "heuristic", "random")


class Collaborative(AbstractStructure):
    """W_i = sum_ji p_ji B_j A_i, the same for all users: CoLA (arXiv 2505.15471), M matrices A_i and N matrices B_j.

    Three strategies, which differ in the pairing p only:

    * full: every pair counts, W = (sum_j B_j)(sum_i A_i). The matrices of rank r.
    * heuristic: the B_j are dealt out in consecutive groups of floor(N / M) to A_1 .. A_M, the rest one each from A_1
      on, and W = sum_i (sum of the group's B_j) A_i. The matrices of rank min(M r, d1, d2).
    * random: in each step of training every A_i meets one B_j, drawn independently and uniformly, and counts N times,
      so that the expected product is that of the full strategy. It is the one that `compose` gives.

    Parameters: `left` (N, d1, r), the B_j; `right` (M, d2, r), the transposes of the A_i. Many more numbers than
    degrees of freedom: the strategies differ in how they are trained, see `train_collaborative`.

    Attributes:
        num_users: k; the parameters do not tell.
        num_left: N.
        num_right: M.
        rank: r, of each matrix.
        strategy: full, heuristic or random.
    """

    num_users: int = eqx.field(static=True)
    num_left: int = eqx.field(static=True)
    num_right: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)
    strategy: str = eqx.field(static=True, default="full")

    def __check_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy {self.strategy!r} is not one of {', '.join(STRATEGIES)}")
        for name in ("num_left", "num_right"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is below 1")
        if self.strategy == "heuristic" and self.num_right > self.num_left:
            raise ValueError(
                f"num_right {self.num_right} exceeds num_left {self.num_left}: the heuristic strategy deals out the "
                "B_j, and leaves no A_i without one; take the full strategy, or more B_j"
            )

    @property
    def groups(self) -> np.ndarray:
        """Which A_i each B_j is dealt to by the heuristic strategy, shape (N,)."""
        each, rest = divmod(self.num_left, self.num_right)
        return np.concatenate([np.repeat(np.arange(self.num_right), each), np.arange(rest)])

    def pairing(self, dtype: Any = float) -> Float[Array, "n m"]:
        """How often each B_j counts with each A_i in the weights, shape (N, M); for random pairs, the mean."""
        if self.strategy == "heuristic":
            return jnp.asarray(np.eye(self.num_right)[self.groups], dtype)
        return jnp.ones((self.num_left, self.num_right), dtype)

    def draw_pairing(self, key: PRNGKeyArray, dtype: Any = float) -> Float[Array, "n m"]:
        """The pairing of one step of training, whose mean over keys is `pairing`."""
        if self.strategy != "random":
            return self.pairing(dtype)
        drawn = jax.random.randint(key, (self.num_right,), 0, self.num_left)
        return self.num_left * jax.nn.one_hot(drawn, self.num_left, dtype=dtype, axis=0)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return self.compose_pairs(parameters, self.pairing(parameters["left"].dtype))

    def compose_pairs(self, parameters: Parameters, pairing: Float[AnyArray, "n m"]) -> Float[AnyArray, "k d1 d2"]:
        """The users' weights under a given pairing, shape (num_users, num_rows, num_cols)."""
        met = contract("jar,ji->iar", jnp.asarray(parameters["left"]), pairing)
        shared = contract("iar,ibr->ab", met, parameters["right"])
        return jnp.broadcast_to(shared, (self.num_users, *shared.shape))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, right_key = jax.random.split(key)
        return {
            "left": random_subspaces(left_key, self.num_left, shape[1], self.rank),
            "right": jax.random.normal(right_key, (self.num_right, shape[2], self.rank)),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        mean = jnp.mean(weights, axis=0)
        if self.strategy != "heuristic":
            return self.share_out(*halves(mean, self.rank))
        # Each group takes the next r singular directions, as long as there are any.
        left, right = (
            jnp.pad(half, ((0, 0), (0, self.num_right * self.rank - half.shape[1])))
            .reshape(-1, self.num_right, self.rank)
            .swapaxes(0, 1)
            for half in halves(mean, self._reach(weights.shape))
        )
        sizes = jnp.asarray(np.bincount(self.groups), weights.dtype)
        return {"left": (left / sizes[:, None, None])[self.groups], "right": right}

    def share_out(self, left: Float[Array, "d1 r"], right: Float[Array, "d2 r"]) -> Parameters:
        """All B_j equal to 1 / N of one matrix, all A_i equal to 1 / M of another: CoLA's equal start."""
        return {
            "left": jnp.broadcast_to(left / self.num_left, (self.num_left, *left.shape)),
            "right": jnp.broadcast_to(right / self.num_right, (self.num_right, *right.shape)),
        }

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)
        if shape[0] != self.num_users:
            raise ValueError(f"num_users is {self.num_users}, the data have {shape[0]} users")

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return low_rank_dimension(*shape[1:], self._reach(shape))

    def trained_numbers(self, shape: Shape) -> int:
        """(N d1 + M d2) r: what is trained and stored, which the degrees of freedom do not show.

        Raises:
            ValueError: see `check`.
        """
        self.check(shape)
        return (self.num_left * shape[1] + self.num_right * shape[2]) * self.rank

    def _reach(self, shape: tuple[int, ...]) -> int:
        """The largest rank of the weights."""
        groups = self.num_right if self.strategy == "heuristic" else 1
        return min(groups * self.rank, *shape[1:])
