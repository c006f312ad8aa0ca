"""Random problems with a known truth."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from colora_theory.designs import AbstractDesign, AbstractNoise, Gaussian, GaussianNoise
from colora_theory.factors import AbstractFactors, Factors, PersonalFactors, check_rank
from colora_theory.grassmann import random_subspace, rotate
from colora_theory.linalg import contract
from colora_theory.problem import Problem

# The alternating projection onto both prescribed spectra converges linearly; this is past machine precision
# for a handful of users or more.
_CONDITIONING_SWEEPS = 60


class TaskFamily(eqx.Module):
    """A distribution of ground truths.

    The shared subspaces are uniform; cores are C_i = sqrt(s) C_0 + sqrt(1 - s) Z_i with standard normal entries.
    The sizes are static, the other fields may be traced: one compiled program serves a whole sweep over them.

    Attributes:
        num_users: k.
        num_rows: d1.
        num_cols: d2.
        rank: r, or the pair (r1, r2).
        similarity: s in [0, 1], the share of the common core: 0 independent cores, 1 one core for all.
        misalignment: sine of the largest principal angle, in [0, 1], by which the subspaces of every user are turned
            away from the shared ones, in directions of its own; None for truly shared subspaces.
        condition_number: largest over smallest singular value of the stacked cores [C_1 .. C_k] and of their vertical
            stack, at least 1, with geometric spacing between; None leaves the cores as drawn.
    """

    num_users: int = eqx.field(static=True)
    num_rows: int = eqx.field(static=True)
    num_cols: int = eqx.field(static=True)
    rank: tuple[int, int] = eqx.field(static=True)
    similarity: float | Float[Array, ""] = 0.0
    misalignment: float | Float[Array, ""] | None = None
    condition_number: float | Float[Array, ""] | None = None

    def __init__(
        self,
        num_users: int,
        num_rows: int,
        num_cols: int,
        rank: int | tuple[int, int],
        similarity: float | Float[Array, ""] = 0.0,
        misalignment: float | Float[Array, ""] | None = None,
        condition_number: float | Float[Array, ""] | None = None,
    ):
        """See the class.

        Raises:
            ValueError: for sizes below 1, an impossible rank, or a concrete knob outside its range.
        """
        for name, size in (("num_users", num_users), ("num_rows", num_rows), ("num_cols", num_cols)):
            if size < 1:
                raise ValueError(f"{name} {size} is below 1")
        self.num_users, self.num_rows, self.num_cols = num_users, num_rows, num_cols
        self.rank = check_rank(rank, num_users, num_rows, num_cols)
        _check_range("similarity", similarity, 0.0, 1.0)
        _check_range("misalignment", misalignment, 0.0, 1.0)
        _check_range("condition_number", condition_number, 1.0, float("inf"))
        self.similarity, self.misalignment, self.condition_number = similarity, misalignment, condition_number

    def sample_truth(self, key: PRNGKeyArray) -> AbstractFactors:
        """A ground truth: `Factors`, or `PersonalFactors` if the family has a misalignment."""
        left_key, right_key, core_key, turn_key = jax.random.split(key, 4)
        left = random_subspace(left_key, self.num_rows, self.rank[0])
        right = random_subspace(right_key, self.num_cols, self.rank[1])
        cores = self._sample_cores(core_key)
        if self.misalignment is None:
            return Factors(left, cores, right)
        turn_left, turn_right = jax.random.split(turn_key)
        sine = jnp.asarray(self.misalignment, left.dtype)
        return PersonalFactors(
            jax.vmap(lambda k: rotate(k, left, sine))(jax.random.split(turn_left, self.num_users)),
            cores,
            jax.vmap(lambda k: rotate(k, right, sine))(jax.random.split(turn_right, self.num_users)),
        )

    def _sample_cores(self, key: PRNGKeyArray) -> Float[Array, "k r1 r2"]:
        common_key, own_key = jax.random.split(key)
        common = jax.random.normal(common_key, (1, *self.rank))
        own = jax.random.normal(own_key, (self.num_users, *self.rank))
        similarity = jnp.asarray(self.similarity, own.dtype)
        cores = jnp.sqrt(similarity) * common + jnp.sqrt(1.0 - similarity) * own
        return cores if self.condition_number is None else condition_cores(cores, self.condition_number)


def condition_cores(
    cores: Float[Array, "k r1 r2"], condition_number: float | Float[Array, ""]
) -> Float[Array, "k r1 r2"]:
    """Cores C_i -> L C_i R whose horizontal and vertical stacks both have the given condition number.

    Alternates between the two prescriptions (operator scaling); the overall scale of the cores is kept. Where both
    cannot hold at once (one user with r1 != r2), the vertical stack has it.
    """

    def prescribe(cores: Float[Array, "k r1 r2"]) -> Float[Array, "k r1 r2"]:
        gram = contract("krs,kps->rp", cores, cores)
        values, vectors = jnp.linalg.eigh(gram)
        wanted = jnp.asarray(condition_number, cores.dtype) ** -jnp.linspace(0.0, 2.0, gram.shape[0], dtype=cores.dtype)
        wanted = wanted * (jnp.sum(values) / jnp.sum(wanted))
        root = jnp.sqrt(wanted / jnp.maximum(values[::-1], jnp.finfo(cores.dtype).tiny))
        return contract("pr,krs->kps", root[:, None] * vectors[:, ::-1].T, cores)

    return jax.lax.fori_loop(0, _CONDITIONING_SWEEPS, lambda _, cores: prescribe(prescribe(cores).mT).mT, cores)


class Instance(eqx.Module):
    """A problem and the truth behind it, kept apart.

    Attributes:
        problem: all that a solver may see.
        truth: what the metrics compare with.
    """

    problem: Problem
    truth: AbstractFactors


def sample_instance(
    key: PRNGKeyArray,
    family: TaskFamily,
    num_samples: int | np.integer | Int[Array, ""] | Int[Array, " k"],
    noise: float | Float[Array, ""] = 0.0,
    *,
    capacity: int | None = None,
    design: AbstractDesign = Gaussian(),  # noqa: B008
    noise_kind: AbstractNoise = GaussianNoise(),  # noqa: B008
) -> Instance:
    """Draws a truth, a measurement operator, and noisy measurements.

    Args:
        key: split by role: the truth, the design and the noise are independent of each other.
        family: the distribution of the truth.
        num_samples: samples per user, one number or one for each user. May be traced if `capacity` is given. A sample
            of a design of vector outputs is a vector, of num_rows scalar measurements.
        noise: standard deviation sigma of the noise.
        capacity: length of the sample axis; samples beyond `num_samples` get weight 0, so that one compiled program
            serves many sample sizes. Defaults to `num_samples`.
        design: the distribution of the operator; dense matrices with standard normal entries unless given.
        noise_kind: the distribution of the noise; normal unless given.

    Raises:
        ValueError: if `num_samples` is below 1 or above the capacity, the capacity above what the design can give, or
            the noise negative.
    """
    if isinstance(num_samples, np.integer):
        num_samples = int(num_samples)
    if capacity is None:
        if not isinstance(num_samples, int):
            raise ValueError("num_samples is an array: give the capacity, the length of the sample axis, too")
        capacity = num_samples
    if isinstance(num_samples, int) and not 1 <= num_samples <= capacity:
        raise ValueError(f"num_samples {num_samples} is outside [1, capacity = {capacity}]")
    _check_range("noise", noise, 0.0, float("inf"))
    # As arrays, so that another value of a knob does not compile another program.
    laws = jax.tree.map(lambda knob: jnp.asarray(knob, float), (family, design, noise_kind))
    return _sample_instance(key, laws, jnp.asarray(num_samples), jnp.asarray(noise, float), capacity)


@eqx.filter_jit
def _sample_instance(
    key: PRNGKeyArray,
    laws: tuple[TaskFamily, AbstractDesign, AbstractNoise],
    num_samples: Int[Array, "..."],
    noise: Float[Array, ""],
    capacity: int,
) -> Instance:
    family, design, noise_kind = laws
    truth_key, design_key, noise_key = jax.random.split(key, 3)
    truth = family.sample_truth(truth_key)
    weights = jnp.asarray(truth.compose())
    k, d1, d2 = family.num_users, family.num_rows, family.num_cols
    sensing = design.sample(design_key, k, capacity, d1, d2, weights.dtype)
    errors = noise_kind.sample(noise_key, k, sensing.num_samples, weights.dtype)
    targets = sensing(weights) + noise.astype(weights.dtype) * errors
    counts = jnp.broadcast_to(num_samples, (k,))
    present = jnp.repeat(jnp.arange(capacity), design.scalars_per_sample(d1))[None, :] < counts[:, None]
    return Instance(Problem(sensing, targets, present.astype(targets.dtype)), truth)


def _check_range(name: str, value: float | Array | None, low: float, high: float) -> None:
    # Numbers only: traced values cannot be looked at.
    if isinstance(value, int | float) and not low <= value <= high:
        bound = f"below {low:g}" if high == float("inf") else f"outside [{low:g}, {high:g}]"
        raise ValueError(f"{name} {value} is {bound}")
