"""Least squares for any structure."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from colora_theory.display import Rows, Shown, is_known, number
from colora_theory.linalg import AnyArray, safe_divide
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.solution import Status
from colora_theory.structures.base import AbstractStructure, Parameters, StructureWarning

# Relative residuals up to this many epsilons are zero; so are relative gradients up to this power of epsilon, unless a
# tolerance is given.
_EXACT_IN_EPS = 20.0
_FLAT = 0.6
# Attempts whose losses differ by less than this share have met the same minimum; if so many have, it is taken.
_SAME = 1e-6
_AGREEING = 3


class StructureFit(Shown):
    """What came out.

    Attributes:
        structure: what was fitted.
        parameters: its arrays, by name.
        status: a `Status`.
        num_steps: of the attempt that was kept.
        relative_residual: sqrt(sum w (target - prediction)^2 / sum w target^2).
        relative_gradient: ||J^T e|| / (||J||_F ||e||) before the last step.
        losses: half the weighted sum of squares at the end of every attempt, shape (attempts,); NaN for those that were
            not needed.
        offset: the frozen weight of the problem, shape (num_rows, num_cols), or None.
    """

    structure: AbstractStructure
    parameters: Parameters
    status: Int[AnyArray, ""]
    num_steps: Int[AnyArray, ""]
    relative_residual: Float[AnyArray, ""]
    relative_gradient: Float[AnyArray, ""]
    losses: Float[AnyArray, " attempts"]
    offset: Float[AnyArray, "d1 d2"] | None = None

    @property
    def weights(self) -> Float[AnyArray, "k d1 d2"]:
        """The users' weight matrices W_i, the frozen weight included; shape (num_users, num_rows, num_cols)."""
        adapters = self.structure.compose(self.parameters)
        return adapters if self.offset is None else adapters + self.offset[None]

    def facts(self) -> Rows:
        known = is_known(self.status)
        return [
            ("structure", type(self.structure).__name__),
            ("status", Status(int(self.status)).name if known else number(self.status)),
            ("steps", number(self.num_steps, "d")),
            ("relative residual", number(self.relative_residual)),
            ("relative gradient", number(self.relative_gradient)),
        ]


def fit(
    problem: Problem,
    structure: AbstractStructure,
    *,
    seed: int = 0,
    attempts: int = 8,
    max_steps: int = 300,
    gradient_tol: float | None = None,
    begin: Parameters | None = None,
) -> StructureFit:
    """Fits weights of a structure by least squares, from several starts.

    The structure's own `minimize` (Levenberg and Marquardt's method unless it has a better one) from the moments of
    the data, then from moments that are disturbed by noise of their own size, until the least loss has been met three
    times, or is zero. Levenberg and Marquardt form the derivative, N by the number of parameters: this is for problems
    of moderate size. In the precision of the data.

    Args:
        problem: the data.
        structure: of the weights.
        seed: randomness of the starts.
        attempts: how many at most.
        max_steps: the limit of each.
        gradient_tol: relative gradients up to this are zero; the power .6 of epsilon unless given.
        begin: parameters from which the only attempt begins, such as those of a fit to nearly the same data.

    Raises:
        ValueError: if weights of the problem's shape cannot have the structure, for more degrees of freedom than
            measurements, limits below 1, or a tolerance that is not positive.

    Warns:
        StructureWarning: of what speaks against the structure, see `AbstractStructure.doubts`.
    """
    for name, value in (("attempts", attempts), ("max_steps", max_steps)):
        if value < 1:
            raise ValueError(f"{name} {value} is below 1")
    if gradient_tol is not None and not gradient_tol > 0:
        raise ValueError(f"gradient_tol {gradient_tol} is not positive")
    unknowns = structure.degrees_of_freedom(problem.sensing.weights_shape)
    measurements = int(np.count_nonzero(np.asarray(problem.sample_weights)))
    if measurements < unknowns:
        raise ValueError(
            f"{measurements} measurements do not determine the {unknowns} degrees of freedom of "
            f"{type(structure).__name__}: take more samples, or a smaller structure"
        )
    with precision_of(problem.targets):
        dtype = problem.targets.dtype
        flat = jnp.asarray(float(np.finfo(dtype).eps) ** _FLAT if gradient_tol is None else gradient_tol, dtype)
        if begin is None:
            found = _best(problem, structure, jax.random.split(jax.random.key(seed), attempts), flat, max_steps)
        else:
            given = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), begin)
            found = _descend(problem, structure, given, flat, max_steps)
        for doubt in structure.doubts(problem, found.parameters):
            warnings.warn(doubt, StructureWarning, stacklevel=2)
        return jax.tree.map(np.asarray, found)


def _best(
    problem: Problem,
    structure: AbstractStructure,
    keys: Key[Array, " attempts"],
    flat: Float[Array, ""],
    max_steps: int,
) -> StructureFit:
    """The best of several attempts, as few as will do."""
    dtype = problem.targets.dtype
    losses = np.full(len(keys), np.nan)
    best, least, met = None, np.inf, 0
    for attempt, key in enumerate(keys):
        found = _attempt(problem, structure, key, jnp.asarray(float(attempt > 0), dtype), flat, max_steps)
        loss = losses[attempt] = float(found.losses[0])
        met = met + 1 if abs(loss - least) <= _SAME * least else 1 if loss < least else met
        if best is None or loss < least:
            best, least = found, loss
        if met == _AGREEING or float(best.relative_residual) <= _EXACT_IN_EPS * np.finfo(dtype).eps:
            break
    assert best is not None
    return eqx.tree_at(lambda each: each.losses, best, losses)


@eqx.filter_jit
def _attempt(
    problem: Problem,
    structure: AbstractStructure,
    key: PRNGKeyArray,
    disturbance: Float[Array, ""],
    flat: Float[Array, ""],
    max_steps: int,
) -> StructureFit:
    guess_key, noise_key = jax.random.split(key)
    moments = problem.moments()
    size = jnp.sqrt(jnp.mean(jnp.square(moments)))
    noise = jax.random.normal(noise_key, moments.shape, moments.dtype)
    return _descend(
        problem, structure, structure.begin(guess_key, moments + disturbance * size * noise), flat, max_steps
    )


@eqx.filter_jit
def _descend(
    problem: Problem, structure: AbstractStructure, begun: Parameters, flat: Float[Array, ""], max_steps: int
) -> StructureFit:
    whole = 0.5 * jnp.sum(jnp.square(problem.scaled_targets))
    exact = whole * (_EXACT_IN_EPS * jnp.finfo(whole.dtype).eps) ** 2
    end = structure.minimize(problem, begun, exact=exact, gradient_tol=flat, max_steps=max_steps)
    stopped = jnp.where(end.num_steps < max_steps, Status.STALLED, Status.MAX_STEPS)
    return StructureFit(
        structure,
        end.parameters,
        jnp.where(end.optimal, Status.CONVERGED, stopped).astype(jnp.int32),
        end.num_steps,
        jnp.sqrt(safe_divide(end.loss, whole)),
        end.relative_gradient,
        end.loss[None],
        problem.offset,
    )
