"""What comes out of a solve, and how it ended."""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from colora_theory.display import Rows, Shown, is_known, number
from colora_theory.factors import AbstractFactors
from colora_theory.inference import Adapted, Uncertainty, adapt
from colora_theory.linalg import AnyArray
from colora_theory.problem import Problem

if TYPE_CHECKING:
    import pandas as pd


class Status(enum.IntEnum):
    """How a solve ended. Converged means optimal, never merely that nothing moved."""

    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    MAX_STEPS = 3
    DIVERGED = 4
    NONFINITE = 5

    @property
    def advice(self) -> str:
        """What happened, and what to do about it."""
        return _ADVICE[self]


_ADVICE = {
    Status.RUNNING: "the solver has not finished",
    Status.CONVERGED: "the data are met exactly or the gradient is zero, to the tolerances asked for",
    Status.STALLED: "neither loss nor gradient improves although the iterate is not optimal: "
    "a step size too small, tolerances below the floating-point floor, or a degenerate problem",
    Status.MAX_STEPS: "the step limit came first: raise max_steps, or give more samples (near the counting limit "
    "convergence is slow)",
    Status.DIVERGED: "the loss grew far above its first value: reduce the step size or improve the start",
    Status.NONFINITE: "a step produced a number that is not finite; the last finite iterate is returned: "
    "reduce the step size, or rescale the data",
}


class Trace(eqx.Module):
    """What was seen before the first step and after each one; NaN from the end of the run on.

    Attributes:
        relative_residual: sqrt(sum w (target - prediction)^2 / sum w target^2), shape (max_steps + 1,).
        relative_gradient: the optimality measure, shape (max_steps + 1,).
        observed: the values of `observe`, each with a leading axis of max_steps + 1; None without it.
        effort: what every step came to, each number with that axis, see `solvers.Effort`; None for solvers all of whose
            steps are alike.
    """

    relative_residual: Float[Array, "*steps"]
    relative_gradient: Float[Array, "*steps"]
    observed: PyTree
    effort: PyTree = None


class Attempts(eqx.Module):
    """What became of each attempt of a solve with restarts.

    Attributes:
        relative_residual: at the end of each attempt, shape (attempts,); NaN for those that were not needed.
        status: a `Status` each, shape (attempts,); RUNNING for those that were not needed.
        num_steps: shape (attempts,).
        kept: which one the solution is, counted from 0.
        starts: names of the starts; the last one served all attempts that follow.
    """

    relative_residual: Float[Array, "*attempts"]
    status: Int[Array, "*attempts"]
    num_steps: Int[Array, "*attempts"]
    kept: Int[Array, "..."]
    starts: tuple[str, ...] = eqx.field(static=True)

    @property
    def num_made(self) -> Int[Array, "..."]:
        """How many attempts were made."""
        return jnp.sum(~jnp.isnan(self.relative_residual), axis=-1)

    def start_of(self, attempt: int) -> str:
        """The name of an attempt's start."""
        return self.starts[min(attempt, len(self.starts) - 1)]

    def summary(self) -> str:
        """What was tried, one line for each attempt. Needs concrete arrays."""
        return "\n".join(
            f"attempt {number + 1} from {self.start_of(number)}: {Status(int(self.status[number])).name} after "
            f"{int(self.num_steps[number])} steps, relative residual {float(self.relative_residual[number]):.2e}"
            + (" (kept)" if number == int(self.kept) else "")
            for number in range(int(self.num_made))
        )


class Solution(Shown):
    """What came out.

    Attributes:
        factors: the last finite iterate (zero if not even the first one is finite), with orthonormal `left` and
            `right` where the subspaces are shared.
        status: a `Status` as an integer array, so that it passes through jit, vmap and tables.
        num_steps: steps taken.
        relative_residual: at `factors`; see `Trace`.
        relative_gradient: the optimality measure at the end, see `solvers.base.relative_gradient`.
        trace: the run, step by step; None for estimates that are not iterative.
        offset: the frozen weight of the problem, shape (num_rows, num_cols), or None.
        attempts: what was tried, if there were several attempts.
    """

    factors: AbstractFactors
    status: Int[Array, "..."]
    num_steps: Int[Array, "..."]
    relative_residual: Float[Array, "..."]
    relative_gradient: Float[Array, "..."]
    trace: Trace | None
    offset: Float[Array, "d1 d2"] | None = None
    attempts: Attempts | None = None

    @property
    def weights(self) -> Float[AnyArray, "k d1 d2"]:
        """The users' weight matrices W_i, the frozen weight included; shape (num_users, num_rows, num_cols)."""
        adapters = self.factors.compose()
        return adapters if self.offset is None else adapters + self.offset[None]

    def facts(self) -> Rows:
        users, *core = self.factors.cores.shape[-3:]
        sizes = self.factors.left.shape[-2], self.factors.right.shape[-2]
        known = is_known(self.status)
        rows = [
            ("status", Status(int(self.status)).name if known else number(self.status)),
            ("steps", number(self.num_steps, "d")),
            ("relative residual", number(self.relative_residual)),
            ("relative gradient", number(self.relative_gradient)),
            ("users", str(users)),
            ("weights", "{} x {}".format(*sizes)),
            ("rank", "({}, {})".format(*core)),
        ]
        if known and self.attempts is not None:
            kept = int(self.attempts.kept)
            rows.append(
                ("attempts", f"{int(self.attempts.num_made)}, kept {kept + 1} from {self.attempts.start_of(kept)}")
            )
        return rows

    def to_frame(
        self, users: Sequence[object] | None = None, *, uncertainty: Uncertainty | None = None
    ) -> "pd.DataFrame":
        """One row for each user: its name, the norm of W_i - W_0, and the entries of its core.

        Args:
            users: names, in the order of the weights (of a table, see `user_names`); numbers from 0 if left out.
            uncertainty: of this fit; with it, there are also columns `estimated_error`, of ||W^_i - W_i||_F, and
                `estimated_relative_error`, the same over the adapter's norm.

        Raises:
            ValueError: for another number of names, or of users in `uncertainty`, than of users.
        """
        import pandas as pd

        cores = np.asarray(self.factors.cores)
        names = list(range(len(cores))) if users is None else list(users)
        if len(names) != len(cores):
            raise ValueError(f"{len(names)} names were given for {len(cores)} users")
        entries = {f"core_{p + 1}_{q + 1}": cores[:, p, q] for p, q in np.ndindex(*cores.shape[1:])}
        norms = np.linalg.norm(np.asarray(self.factors.compose()), axis=(1, 2))
        errors = {}
        if uncertainty is not None:
            own = np.asarray(uncertainty.errors)
            if len(own) != len(cores):
                raise ValueError(
                    f"uncertainty is of {len(own)} users, the solution of {len(cores)}: give that of this fit"
                )
            relative = np.divide(own, norms, out=np.full_like(own, np.nan), where=norms > 0)
            errors = {"estimated_error": own, "estimated_relative_error": relative}
        return pd.DataFrame({"user": names, "adapter_norm": norms, **errors, **entries})

    def adapt(
        self,
        A: np.ndarray | Problem,
        y: np.ndarray | None = None,
        *,
        sample_weights: np.ndarray | None = None,
        uncertainty: Uncertainty | None = None,
        noise: float | None = None,
        level: float = 0.05,
    ) -> Adapted:
        """The core of a new user in these subspaces, its error, and a test whether they serve it.

        Args:
            A: sensing matrices of the new user, shape (n, d1, d2); or a `Problem` of one user, by any door.
            y: measurements, shape (n,).
            sample_weights: of the squared residuals, shape (n,); one means the noise of the old users.
            uncertainty: of this fit; without it the subspaces are taken as known.
            noise: standard deviation of a measurement of weight one; by default that of `uncertainty`.
            level: of the test.

        Raises:
            TypeError, ValueError: see `inference.adapt`.
        """
        return adapt(
            self.factors,
            A,
            y,
            offset=None if self.offset is None else np.asarray(self.offset),
            sample_weights=sample_weights,
            uncertainty=uncertainty,
            noise=noise,
            level=level,
        )

    def summary(self) -> str:
        """Status, steps, optimality and attempts in one line."""
        tried = self.attempts
        of_attempts = (
            ""
            if tried is None
            else f" (attempt {int(tried.kept) + 1} of {int(tried.num_made)}, from {tried.start_of(int(tried.kept))})"
        )
        return (
            f"{Status(int(self.status)).name} after {int(self.num_steps)} steps{of_attempts}: relative residual "
            f"{float(self.relative_residual):.2e}, relative gradient {float(self.relative_gradient):.2e}"
        )
