"""One large problem on several devices: every device holds the data of its own users."""

import zlib
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.sensing import Sharded
from colora_theory.sensing.sharded import OWN, SHARED, USERS
from colora_theory.solution import Solution


def shard(problem: Problem, devices: Sequence[jax.Device] | None = None) -> Problem:
    """Spreads the users of a problem over devices of this process.

    `solve` takes the result like any other problem. A device makes the passes over its own users' data; what is sent
    between devices is of the size of the normal system of U and V, whatever the numbers of users and samples. Where
    the users cannot be spread evenly, users of weight zero are added, which `unshard` drops again.

    Args:
        problem: the data, on one device or on the host.
        devices: at most one for each user; all devices of one kind by default.

    Raises:
        ValueError: for more devices than users, devices twice or of different kinds or of another process, a problem
            that is spread over devices already, or an operator that cannot be padded where that is needed.
    """
    chosen = tuple(jax.devices() if devices is None else devices)
    num_users, num_samples = problem.targets.shape
    _check_devices(chosen)
    for device in chosen:
        if device.process_index != jax.process_index():
            raise ValueError(
                f"{device} belongs to process {device.process_index}, this is process {jax.process_index()}: "
                "shard_processes takes the users of each process"
            )
    if len(chosen) > num_users:
        raise ValueError(
            f"{len(chosen)} devices for {num_users} users: at most one device for each user, "
            f"for instance devices=jax.devices()[:{num_users}]"
        )
    _check_unsharded(problem)
    padded_users = -(-num_users // len(chosen)) * len(chosen)
    padded = problem if padded_users == num_users else problem.pad(padded_users, num_samples)
    return _place(padded, Mesh(np.array(chosen), (USERS,)), num_users, jax.device_put)


def shard_processes(problem: Problem) -> Problem:
    """One problem from the users that each process holds; every process calls it, after `jax.distributed.initialize`.

    The users of all processes together are solved on all of their devices, and no process ever sees the data of
    another. Every process then makes the same calls (`solve`, metrics) and has the same U and V; `unshard` gives each
    the cores of its own users. Users and samples of weight zero are added where processes hold different numbers of
    them. With a single process this is `shard` over all devices.

    Args:
        problem: the data of this process's users. Operator, sizes of the weights, precision and frozen weight must be
            the same everywhere.

    Raises:
        ValueError: if the processes' problems do not fit together, for devices of different kinds, fewer users than
            devices, or a problem that is spread over devices already.
    """
    _check_unsharded(problem)
    # By process: then the users of one process are neighbours.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    _check_devices(devices)
    own = [device for device in devices if device.process_index == jax.process_index()]
    num_users = len(problem.targets)
    if len(own) > num_users:
        raise ValueError(
            f"process {jax.process_index()} has {len(own)} devices for {num_users} users: at most one device for each "
            "user, see the argument local_device_ids of jax.distributed.initialize"
        )
    per_device, most_samples = _agree(problem, -(-num_users // len(own)))
    padded = problem.pad(per_device * len(own), most_samples)

    def spread(array: Array, sharding: NamedSharding) -> Array:
        return jax.make_array_from_process_local_data(sharding, np.asarray(array))

    return _place(padded, Mesh(np.array(devices), (USERS,)), num_users, spread)


def unshard(solution: Solution, problem: Problem) -> Solution:
    """A solution in arrays of this process alone, with the cores of its own users and without padding.

    Args:
        solution: of the sharded problem.
        problem: what `shard` or `shard_processes` gave.

    Raises:
        TypeError: if the users have subspaces of their own.
        ValueError: if the problem is not spread over devices.
    """
    sensing = problem.sensing
    if not isinstance(sensing, Sharded):
        raise ValueError(f"a problem with {type(sensing).__name__} sensing is not spread over devices")
    factors = solution.factors
    if not isinstance(factors, Factors):
        raise TypeError(f"{type(factors).__name__} cannot be gathered: shared subspaces and personal cores are needed")
    spread = jax.jit(lambda cores: cores, out_shardings=NamedSharding(sensing.mesh, OWN))(factors.cores)
    parts = sorted(spread.addressable_shards, key=lambda part: part.index[0].start or 0)
    cores = np.concatenate([np.asarray(part.data) for part in parts])[: sensing.own_users]
    return jax.tree.map(jnp.asarray, eqx.tree_at(lambda solution: solution.factors.cores, solution, cores))


def _place(problem: Problem, mesh: Mesh, own_users: int, put: Any) -> Problem:
    """The arrays of a padded problem on the devices of a mesh, those of the users spread over it."""
    specs = Sharded(problem.sensing, mesh, own_users).specs

    def place(array: Array, spec: PartitionSpec) -> Array:
        return put(array, NamedSharding(mesh, spec))

    return Problem(
        Sharded(jax.tree.map(place, problem.sensing, specs), mesh, own_users),
        place(problem.targets, OWN),
        place(problem.sample_weights, OWN),
        None if problem.offset is None else place(problem.offset, SHARED),
    )


def _check_devices(devices: Sequence[jax.Device]) -> None:
    if not devices:
        raise ValueError("no devices: at least 1 is needed")
    if len(set(devices)) < len(devices):
        raise ValueError(f"{len(devices)} devices, but only {len(set(devices))} different ones: name each once")
    kinds = sorted({f"{device.platform} ({device.device_kind})" for device in devices})
    if len(kinds) > 1:
        raise ValueError(
            f"devices of different kinds, {' and '.join(kinds)}: the slowest would hold up all; choose one"
        )


def _check_unsharded(problem: Problem) -> None:
    for leaf in jax.tree.leaves(problem):
        holders = len(leaf.sharding.device_set) if isinstance(leaf, jax.Array) else 1
        if holders > 1 or isinstance(problem.sensing, Sharded):
            raise ValueError(f"the problem is spread over {holders} device(s) already: shard the original one")


def _agree(problem: Problem, per_device: int) -> tuple[int, int]:
    """The most users of a device and samples of a user on any process; collective.

    Raises:
        ValueError: on every process, if the problems do not fit together.
    """
    _, num_rows, num_cols = problem.sensing.weights_shape
    offset = b"" if problem.offset is None else np.asarray(problem.offset).tobytes()
    kind = f"{jax.tree.structure(problem.sensing)} {problem.targets.dtype}".encode()
    mine = [num_rows, num_cols, zlib.crc32(kind), zlib.crc32(offset), per_device, problem.targets.shape[1]]
    # In words of 31 bits: without x64 JAX carries no longer integers.
    table = np.asarray(multihost_utils.process_allgather(np.array(mine, np.uint32).view(np.int32)))
    table = np.atleast_2d(table).view(np.uint32)
    names = ("num_rows", "num_cols", "the operator or its precision", "the frozen weight")
    for place, name in enumerate(names):
        different = np.flatnonzero(table[:, place] != table[0, place])
        if different.size:
            told = f" ({table[0, place]} and {table[different[0], place]})" if place < 2 else ""
            raise ValueError(f"processes 0 and {different[0]} disagree about {name}{told}: all must have the same")
    return int(table[:, 4].max()), int(table[:, 5].max())
