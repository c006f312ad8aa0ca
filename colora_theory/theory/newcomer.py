"""What a new user's core costs: fitted to its own measurements, or taken from similar old users."""

import math

from colora_theory.factors import rank_pair


def fitted_core_error(rank: int | tuple[int, int], num_samples: int, noise: float) -> float:
    """E ||C^ - C||_F^2 of the least-squares core in known subspaces, for a Gaussian design of unit variance.

    sigma^2 times the mean trace of an inverse Wishart matrix: sigma^2 r1 r2 / (n - r1 r2 - 1). Infinite up to
    n = r1 r2 + 1.

    Args:
        rank: of the core.
        num_samples: n, of the new user.
        noise: sigma, standard deviation of a measurement.
    """
    r1, r2 = rank_pair(rank)
    free = num_samples - r1 * r2 - 1
    return noise**2 * r1 * r2 / free if free > 0 else math.inf


def retrieved_core_error(rank: int | tuple[int, int], within: float, members: int, old_error: float = 0.0) -> float:
    """E ||C^ - C||_F^2 of the mean core of the old users of one's group, once the group is found.

    The new user scatters about the group's centre, and so does the mean of its old members: r1 r2 within (1 + 1 / m),
    and the errors of their cores are averaged.

    Args:
        rank: of the cores.
        within: variance of an entry of a core within a group.
        members: m, old users of the group.
        old_error: E ||C^_i - C_i||_F^2 of an old user.
    """
    r1, r2 = rank_pair(rank)
    return r1 * r2 * within * (1 + 1 / members) + old_error / members


def retrieval_crossing(
    rank: int | tuple[int, int], noise: float, within: float, members: int, old_error: float = 0.0
) -> float:
    """The samples of a new user from which on a fitted core errs less than a retrieved one; see both laws.

    Returns:
        r1 r2 + 1 + sigma^2 r1 r2 / (error of the retrieved core); infinite if that is zero.
    """
    r1, r2 = rank_pair(rank)
    error = retrieved_core_error(rank, within, members, old_error)
    return r1 * r2 + 1 + noise**2 * r1 * r2 / error if error > 0 else math.inf
