"""An operator whose users live on several devices."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, PyTree

from colora_theory.sensing.base import AbstractRestriction, AbstractSensing, JointSystem, NormalSystem
from colora_theory.sensing.wrapped import AbstractWrapped

# The one axis of the mesh of devices.
USERS = "users"
# How arrays lie on the devices: the same on all of them, users first, users second.
SHARED, OWN, OWN_SECOND = PartitionSpec(), PartitionSpec(USERS), PartitionSpec(None, USERS)


class Sharded(AbstractWrapped):
    """Another operator, every device computing with its own users alone.

    What belongs to a user stays where its data are; what all users share (normal systems of U and V, pooled adjoints)
    is summed over the devices, once for each method. Users are spread evenly: `colora_theory.shard` pads them.

    Attributes:
        sensing: the operator, with its arrays spread over the devices.
        mesh: the devices, along one axis called "users".
        own_users: how many of the users on this process's devices are no padding; they come first.
    """

    mesh: Mesh = eqx.field(static=True)
    own_users: int = eqx.field(static=True)

    @property
    def specs(self) -> PyTree:
        """Where each array of the operator has its users."""
        return user_specs(self.sensing, self._one_more())

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return self._map(lambda sensing, each: sensing(each), OWN, OWN)(self.sensing, weights)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return self._map(lambda sensing, each: sensing.adjoint(each), OWN, OWN)(self.sensing, measurements)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        def pool(sensing: AbstractSensing, each: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
            return jax.lax.psum(sensing.pooled_adjoint(each), USERS)

        return self._map(pool, SHARED, OWN_SECOND)(self.sensing, measurements)

    def trim(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k n"]:
        return self.sensing.trim(targets, sample_weights)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> "ShardedRestriction":
        return self._restrict(lambda sensing, *arguments: sensing.restrict_right(*arguments), right, scale)

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> "ShardedRestriction":
        return self._restrict(lambda sensing, *arguments: sensing.restrict_left(*arguments), left, scale)

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "Sharded":
        return Sharded(self.sensing.transform_sides(row_map, col_map), self.mesh, self.own_users)

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        return self.sensing.side_covariances(shares)

    def take_samples(self, count: int) -> "Sharded":
        return Sharded(self.sensing.take_samples(count), self.mesh, self.own_users)

    def split_users(self) -> AbstractSensing:
        return self.sensing.split_users()

    def merge_users(self) -> AbstractSensing:
        return self.sensing.merge_users()

    def _one_more(self) -> AbstractSensing:
        """Shapes of the operator with another user."""
        padded: AbstractSensing = eqx.filter_eval_shape(lambda sensing: _with_another(sensing), self.sensing)
        return padded

    def _map(self, function: Callable[..., Any], out: PyTree, *specs: PyTree) -> Callable[..., Any]:
        return jax.shard_map(function, mesh=self.mesh, in_specs=(self.specs, *specs), out_specs=out)

    def _restrict(
        self, restrict: Callable[..., AbstractRestriction], fixed: Float[Array, "d r"], scale: Float[Array, "k n"]
    ) -> "ShardedRestriction":
        another = jax.ShapeDtypeStruct((len(scale) + 1, scale.shape[1]), scale.dtype)
        whole = eqx.filter_eval_shape(restrict, self.sensing, fixed, scale)
        specs = user_specs(whole, eqx.filter_eval_shape(restrict, self._one_more(), fixed, another))
        restriction = self._map(restrict, specs, SHARED, OWN)(self.sensing, fixed, scale)
        return ShardedRestriction(restriction, self.mesh, tuple(jax.tree.leaves(specs)))


class ShardedRestriction(AbstractRestriction):
    """The restriction of a sharded operator: each device holds that of its own users.

    Attributes:
        restriction: of all users, with its arrays spread over the devices.
        mesh: the devices.
        leaf_specs: where each array of the restriction has its users.
    """

    restriction: AbstractRestriction
    mesh: Mesh = eqx.field(static=True)
    leaf_specs: tuple[PartitionSpec, ...] = eqx.field(static=True)

    @property
    def specs(self) -> PyTree:
        """Where each array of the restriction has its users, as a tree of its structure."""
        return jax.tree.unflatten(jax.tree.structure(self.restriction), self.leaf_specs)

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        return self._map(lambda restriction, each: restriction(each), OWN, OWN)(self.restriction, products)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        return self._map(lambda restriction, each: restriction.adjoint(each), OWN, OWN)(self.restriction, measurements)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        design = self._map(lambda restriction, each: restriction.core_design(each), OWN_SECOND, SHARED)
        return design(self.restriction, free)

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        design = self._map(lambda restriction, each: restriction.factor_design(each), OWN_SECOND, OWN)
        return design(self.restriction, cores)

    def core_system(self, free: Float[Array, "d p"], residual: Float[Array, "k n"]) -> NormalSystem:
        system = self._map(lambda restriction, *each: restriction.core_system(*each), OWN, SHARED, OWN)
        return system(self.restriction, free, residual)

    def factor_system(self, cores: Float[Array, "k p r"], residual: Float[Array, "k n"]) -> NormalSystem:
        def total(restriction: AbstractRestriction, *each: Array) -> NormalSystem:
            return jax.lax.psum(restriction.factor_system(*each), USERS)

        return self._map(total, SHARED, OWN, OWN)(self.restriction, cores, residual)

    def joint_system(
        self,
        other: AbstractRestriction,
        core_design: Float[Array, "pr k n"],
        residual: Float[Array, "k n"],
        cores: Float[Array, "k p r"],
        other_cores: Float[Array, "k r p"],
    ) -> JointSystem:
        if not isinstance(other, ShardedRestriction):
            return super().joint_system(other, core_design, residual, cores, other_cores)

        def total(restriction: AbstractRestriction, other: AbstractRestriction, *each: Array) -> tuple[Array, ...]:
            system = restriction.joint_system(other, *each)
            return *jax.lax.psum((system.normal, system.descent), USERS), system.coupling

        system = self._map(total, (SHARED, SHARED, OWN), other.specs, OWN_SECOND, OWN, OWN, OWN)
        return JointSystem(*system(self.restriction, other.restriction, core_design, residual, cores, other_cores))

    def _map(self, function: Callable[..., Any], out: PyTree, *specs: PyTree) -> Callable[..., Any]:
        return jax.shard_map(function, mesh=self.mesh, in_specs=(self.specs, *specs), out_specs=out)


def user_specs(whole: PyTree, another: PyTree) -> PyTree:
    """Where the users are: the axis along which each array is longer in `another`, the same of one user more.

    Args:
        whole: arrays, or their shapes.
        another: of the same structure.
    """

    def spec(one: Any, other: Any) -> PartitionSpec:
        return PartitionSpec(*(None if a == b else USERS for a, b in zip(one.shape, other.shape, strict=True)))

    return jax.tree.map(spec, whole, another)


def _with_another(sensing: AbstractSensing) -> AbstractSensing:
    return sensing.pad(sensing.weights_shape[0] + 1, sensing.num_samples)
