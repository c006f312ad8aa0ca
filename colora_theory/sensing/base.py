"""What every measurement operator offers."""

import abc
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from colora_theory.lanes import map_lanes
from colora_theory.linalg import combine_slices, contract, mix_slices, safe_divide


class NormalSystem(eqx.Module):
    """The normal equations of one block: the Hessian of the squared loss and minus its gradient.

    Attributes:
        normal: J^T J, shape (..., p, p).
        descent: J^T residual, shape (..., p).
    """

    normal: Float[Array, "*batch p p"]
    descent: Float[Array, "*batch p"]


class JointSystem(eqx.Module):
    """The normal equations of both factors at once, and how they are coupled with the cores.

    The unknowns are the entries of the two transposed factors, one after the other.

    Attributes:
        normal: J^T J, shape (q, q) with q = d1 r1 + d2 r2.
        descent: J^T residual, shape (q,).
        coupling: of each user's core with both factors, shape (num_users, r1 r2, q).
    """

    normal: Float[Array, "q q"]
    descent: Float[Array, " q"]
    coupling: Float[Array, "k p q"]


class AbstractRestriction(eqx.Module):
    """An operator with one of the two factors fixed: a linear map of what remains.

    With V fixed it maps the products Z_i = U C_i, shape (k, d, r), to the measurements of Z_i V^T; with U fixed, the
    products Z_i = V C_i^T to those of U Z_i^T. The factor that stays free is called `free` (d x p); `cores` are seen
    from its side, shape (k, p, r), hence transposed when U is fixed.
    """

    @abc.abstractmethod
    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        """Measurements of the products."""

    @abc.abstractmethod
    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        """The transpose of the call."""

    @abc.abstractmethod
    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        """The measurements' derivatives by the entries of each user's own core, in row-major order."""

    @abc.abstractmethod
    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        """The measurements' derivatives by the transposed free factor, (p, d) in row-major order."""

    def core_system(self, free: Float[Array, "d p"], residual: Float[Array, "k n"]) -> NormalSystem:
        """Normal equations for increments of the cores, one system for each user."""
        return own_normal(self.core_design(free), residual)

    def factor_system(self, cores: Float[Array, "k p r"], residual: Float[Array, "k n"]) -> NormalSystem:
        """Normal equations for an increment of the transposed free factor."""
        return shared_normal(self.factor_design(cores), residual)

    def joint_system(
        self,
        other: "AbstractRestriction",
        core_design: Float[Array, "pr k n"],
        residual: Float[Array, "k n"],
        cores: Float[Array, "k p r"],
        other_cores: Float[Array, "k r p"],
    ) -> JointSystem:
        """Normal equations for increments of both factors.

        Args:
            other: the restriction of the same operator whose free factor is the one that is fixed here.
            core_design: the derivatives by the cores at these two factors.
            residual: scaled targets less scaled measurements.
            cores: as `factor_design` wants them.
            other_cores: the same for `other`.
        """
        designs = self.factor_design(cores), other.factor_design(other_cores)
        # As they stand: XLA would compute each other view of them again.
        first, second = jax.lax.optimization_barrier(tuple(design.reshape(len(design), -1) for design in designs))
        own = jnp.moveaxis(core_design, 1, 0)

        def couple(user: Int[Array, ""]) -> Float[Array, "p q"]:
            start, length = user * own.shape[2], own.shape[2]
            samples = (jax.lax.dynamic_slice_in_dim(design, start, length, axis=1) for design in (first, second))
            return jnp.concatenate([contract("pn,qn->pq", own[user], each) for each in samples], axis=1)

        flat = residual.reshape(residual.size)
        # User by user, since XLA's CPU backend would transpose the designs for a batched product.
        return join_systems(
            shared_normal(first, flat),
            shared_normal(second, flat),
            contract("pm,qm->pq", first, second),
            map_lanes(couple, jnp.arange(len(own))),
        )


def own_normal(design: Float[Array, "p k n"], residual: Float[Array, "k n"]) -> NormalSystem:
    """The normal equations of unknowns that each user has alone, one system for each."""
    own = jnp.moveaxis(design, 1, 0)
    return NormalSystem(contract("kpn,kqn->kpq", own, own), contract("kpn,kn->kp", own, residual))


def shared_normal(design: Float[Array, "p *m"], residual: Float[Array, "*m"]) -> NormalSystem:
    """The normal equations of unknowns that all users share, as one large matrix product over all samples."""
    flat = design.reshape(design.shape[0], -1)
    return NormalSystem(contract("pm,qm->pq", flat, flat), contract("pm,m->p", flat, residual.reshape(residual.size)))


def join_systems(
    first: NormalSystem, second: NormalSystem, across: Float[Array, "p q"], *couplings: Float[Array, "k r _"]
) -> JointSystem:
    """The joint system of two factors from their own systems, the block between them, and both couplings."""
    normal = jnp.block([[first.normal, across], [across.T, second.normal]])
    descent = jnp.concatenate([first.descent, second.descent])
    return JointSystem(normal, descent, jnp.concatenate(couplings, axis=2))


def outer_design(first: Float[Array, "p k n"], second: Float[Array, "r k n"]) -> Float[Array, "pr k n"]:
    """The design whose slices are all products of a slice of the first and one of the second, row-major."""
    return (first[:, None] * second[None]).reshape(-1, *first.shape[1:])


class SketchRestriction(AbstractRestriction):
    """A restriction through the stored products of the design with the fixed factor.

    Users and samples are the trailing axes: every design is then a combination of few long rows, and no product needs
    a transposed copy.

    Attributes:
        sketch: A_ij V (or A_ij^T U) for every sample, axes in the order that `axes` says.
        axes: "arkn" or "rakn", with a (free rows), r (rank of the fixed factor), k (users), n (samples).
    """

    sketch: Float[Array, "_ _ k n"]
    axes: str = eqx.field(static=True)

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        weights = contract(f"kar->k{self.axes[:2]}", products).reshape(len(products), -1)
        return combine_slices(weights, self.sketch.reshape(-1, *self.sketch.shape[2:]))

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        # Multiplied and summed in place; as a batched product the sketch is transposed first.
        summed = jnp.sum(self.sketch * measurements[None, None], axis=-1)
        return contract(f"{self.axes[:3]}->kar", summed)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        num_users, num_samples = self.sketch.shape[2:]
        if self.axes == "arkn":
            mixed = mix_slices(free, self.sketch.reshape(1, len(free), -1))
        else:
            mixed = jnp.moveaxis(mix_slices(free, self.sketch.reshape(len(self.sketch), len(free), -1)), 0, 1)
        return mixed.reshape(-1, num_users, num_samples)

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        num_users, num_samples = self.sketch.shape[2:]
        columns = jnp.moveaxis(self.sketch, self.axes.index("r"), 0)
        weights = jnp.moveaxis(cores, 0, 2)[:, :, None, :, None]
        # Term by term, which fuses into one loop; as a sum over an axis it does not.
        design = functools.reduce(jnp.add, (weights[:, index] * columns[index][None] for index in range(len(columns))))
        return design.reshape(-1, num_users, num_samples)


class AbstractSensing(eqx.Module):
    """A linear map from the weights of all users to their measurements."""

    @property
    @abc.abstractmethod
    def weights_shape(self) -> tuple[int, int, int]:
        """(num_users, num_rows, num_cols)."""

    @property
    @abc.abstractmethod
    def num_samples(self) -> int:
        """Scalar measurements of one user, padding included."""

    @property
    def moment_factor(self) -> float:
        """What makes the mean of y_ij A_ij unbiased for W_i: one over the mean square of an entry of the A_ij.

        For the operator's isotropic design: vectors and matrices with uncorrelated entries of unit variance, or entries
        drawn uniformly.
        """
        return 1.0

    @abc.abstractmethod
    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        """The measurements of the weights."""

    @abc.abstractmethod
    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        """The transpose of the call."""

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        """The adjoint summed over the users, of several sets of measurements."""
        return jax.lax.map(lambda each: jnp.sum(self.adjoint(each), axis=0), measurements)

    def measurements_of_core(self, rank: tuple[int, int]) -> int:
        """The fewest scalar measurements that can determine a core of this rank in known subspaces."""
        return rank[0] * rank[1]

    def moments(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        """The weighted means of target_ij A_ij, times `moment_factor`; zero for a user without weight.

        Of trimmed targets, see `trim`.
        """
        totals = jnp.sum(sample_weights, axis=1, keepdims=True)
        shares = safe_divide(sample_weights, totals)
        return self.moment_factor * self.adjoint(shares * self.trim(targets, sample_weights))

    def trim(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k n"]:
        """The targets as the moments take them: an operator may scale some down that would dominate."""
        return targets

    @abc.abstractmethod
    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        """The operator at fixed V, each measurement multiplied by its `scale`."""

    @abc.abstractmethod
    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        """The operator at fixed U, each measurement multiplied by its `scale`."""

    def restrict_both(
        self, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]
    ) -> tuple[AbstractRestriction, AbstractRestriction]:
        """The operator at fixed V and at fixed U, in one pass over the data if it can be had so."""
        return self.restrict_right(right, scale), self.restrict_left(left, scale)

    @abc.abstractmethod
    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "AbstractSensing":
        """The operator of other weights: of W' it gives what this one gives of `row_map` W' `col_map`^T.

        A map that is left out is the identity.

        Raises:
            ValueError: if such measurements are not of the operator's kind.
        """

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        """Second moments (S_r, S_c) of the design on its two sides; None for a side that is not drawn.

        Args:
            shares: of each scalar measurement in the mean; they sum to one.

        Raises:
            ValueError: if the operator has no such sides.
        """
        raise ValueError(f"{type(self).__name__} has no sides whose covariance could be estimated")

    @abc.abstractmethod
    def take_samples(self, count: int) -> "AbstractSensing":
        """The operator of the first `count` scalar measurements of every user, rounded up to whole samples."""

    def sample_users(self, count: int) -> slice:
        """`count` users who can stand for all: spread evenly, since neighbours may be alike."""
        step = self.weights_shape[0] // count
        return slice(0, count * step, step)

    def take_users(self, users: slice) -> "AbstractSensing":
        """The operator of some users.

        Raises:
            ValueError: if these users cannot be had apart.
        """
        raise ValueError(f"{type(self).__name__} cannot leave users out")

    def pad(self, num_users: int, num_samples: int) -> "AbstractSensing":
        """The operator with further users, and further samples of each, to these numbers (rounded up to whole samples).

        What is added is meant to have weight zero. At least the present numbers.

        Raises:
            ValueError: if the operator cannot grow.
        """
        raise ValueError(f"{type(self).__name__} cannot take further users or samples")

    @abc.abstractmethod
    def split_users(self) -> "AbstractSensing":
        """One operator for each user, stacked along a new leading axis of every array."""

    @abc.abstractmethod
    def merge_users(self) -> "AbstractSensing":
        """All samples as those of a single user."""
