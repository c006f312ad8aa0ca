"""Spectral starts from sums of answers: what is sent, and what the server makes of it."""

import numpy as np

from tests.federated_servers import begin
from tests.federated_users import pack, unpack


def moment(user, chosen=slice(None)):
    weights = user.weights[chosen]
    return np.einsum("n,n,nab->ab", weights, user.plain_y[chosen], user.plain_A[chosen]) / weights.sum()


def top(gram, rank):
    return np.linalg.eigh(gram)[1][:, ::-1][:, :rank]


def tops(packed, rank):
    """Of the Gram matrices for U and for V, of size 5 and 4."""
    return [top(unpack(gram, size), r) for gram, size, r in zip(packed, (5, 4), rank, strict=True)]


def pooled(wire, rank):
    total_moment, total = wire.ask(lambda user: (user.total * moment(user), user.total))
    left, _, right = np.linalg.svd(total_moment / total)
    return left[:, : rank[0]], right[: rank[1]].T


def stacked(wire, rank):
    return tops(wire.ask(lambda user: (pack(moment(user) @ moment(user).T), pack(moment(user).T @ moment(user)))), rank)


def two_replica(wire, rank):
    def products(user):
        even, odd = moment(user, slice(0, None, 2)), moment(user, slice(1, None, 2))
        return pack(even @ odd.T + odd @ even.T), pack(even.T @ odd + odd.T @ even)

    return tops(wire.ask(products), rank)


def weighted(wire, rank):
    def answer(user):
        own = moment(user) * user.total / np.linalg.norm(user.weights * user.plain_y)
        return own, pack(own @ own.T), pack(own.T @ own)

    total, *packed = wire.ask(answer)
    k, (d1, d2) = len(wire.users), total.shape
    mean, found = total / k, []
    for r, noise, size, numbers in zip(rank, (d2, d1), (d1, d2), packed, strict=True):
        common = k * (mean @ mean.T if size == d1 else mean.T @ mean)
        parts = (common, 1), (unpack(numbers, size) - common, k - 1)
        signals = [max(np.trace(gram) / count - d1 * d2, 0.0) / r for gram, count in parts]
        shares = [signal / (signal + noise) for signal in signals]
        found.append(top(sum(share * gram for share, (gram, _) in zip(shares, parts, strict=True)), r))
    return found


def method_of_moments(wire, rank):
    def answer(user):
        energy = user.weights * user.plain_y**2
        rows = np.einsum("n,nab,ncb->ac", energy, user.plain_A, user.plain_A)
        return pack(rows), pack(np.einsum("n,nab,nac->bc", energy, user.plain_A, user.plain_A))

    return tops(wire.ask(answer), rank)


def annealed(wire, left, right):
    """Sweeps under a ridge that all are told, with sample weights that every user has drawn for itself."""
    steps, strength, shrinkage = 2, 0.8, 0.03

    def first(user, left, right):
        begin(user, left, right)
        design = user.core_design()
        return pack(user.core @ user.core.T), np.sum(design**2) / design.shape[1], np.sum(user.y**2)

    def hear(user, scale, ridge):
        user.left, user.core, user.right = user.left * scale, user.core / scale**2, user.right * scale
        user.ridge, user.sweep = ridge, 0
        user.A_plain, user.y_plain = user.A, user.y

    def system(user, design):
        return pack(design.T @ design), design.T @ user.residual()

    def left_system(user):
        shake = np.sqrt(user.shaken[user.sweep])
        user.A, user.y = user.A_plain * shake[:, None, None], user.y_plain * shake
        user.now, user.sweep = user.ridge * shrinkage**user.sweep, user.sweep + 1
        design, flat = user.core_design(), user.core.ravel()
        normal = design.T @ design + user.now * np.eye(flat.size)
        user.core = (flat + np.linalg.solve(normal, design.T @ user.residual() - user.now * flat)).reshape(
            user.core.shape
        )
        return system(user, user.left_design())

    def right_system(user, left):
        user.left = left
        return system(user, user.right_design())

    def hear_right(user, right):
        user.right = right

    def solved(answers, basis, ridge):
        normal = unpack(answers[0], basis.size) + ridge * np.eye(basis.size)
        change = np.linalg.solve(normal, answers[1] - ridge * basis.T.ravel())
        return basis + change.reshape(basis.T.shape).T

    gram, curvature, energy = wire.ask(first, left, right)
    curvature, r1 = curvature / len(wire.users), left.shape[1]
    critical = 3 / 4 ** (4 / 3)
    ridge = strength * curvature * critical * (energy / curvature / min(r1, right.shape[1])) ** (2 / 3)
    scale = np.linalg.eigvalsh(unpack(gram, r1))[-1] ** (1 / 6)
    wire.tell(hear, scale, ridge)
    left, right = left * scale, right * scale
    for sweep in range(steps):
        now = ridge * shrinkage**sweep
        left = solved(wire.ask(left_system), left, now)
        right = solved(wire.ask(right_system, left), right, now)
        if sweep < steps - 1:
            wire.tell(hear_right, right)
    return np.linalg.qr(left)[0], np.linalg.qr(right)[0]
