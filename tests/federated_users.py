"""A federation, literally: users who see their own data and the messages, and a wire that sums answers and counts."""

import numpy as np


def pack(symmetric):
    return symmetric[np.triu_indices(len(symmetric))]


def unpack(numbers, size):
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = numbers
    return matrix + np.triu(matrix, 1).T


def polar(basis):
    left, _, right = np.linalg.svd(basis, full_matrices=False)
    return left @ right


def outside(basis, change):
    return change - basis @ (basis.T @ change)


class User:
    """Own data in full precision, weighted; U, V and a core as far as the messages have told."""

    def __init__(self, A, y, weights):
        self.plain_A, self.plain_y, self.weights, self.shaken = A, y, weights, []
        self.total = np.sum(weights)
        self.A, self.y = A * np.sqrt(weights)[:, None, None], y * np.sqrt(weights)
        self.left = self.core = self.right = None

    def core_design(self):
        return np.einsum("nab,ar,bs->nrs", self.A, self.left, self.right).reshape(len(self.A), -1)

    def left_design(self):
        return np.einsum("nab,bs,rs->nra", self.A, self.right, self.core).reshape(len(self.A), -1)

    def right_design(self):
        return np.einsum("nab,ar,rs->nsb", self.A, self.left, self.core).reshape(len(self.A), -1)

    def both_designs(self):
        return np.concatenate([self.left_design(), self.right_design()], axis=1)

    def fit_core(self):
        shape = self.left.shape[1], self.right.shape[1]
        self.core = np.linalg.lstsq(self.core_design(), self.y, rcond=None)[0].reshape(shape)

    def residual(self):
        return self.y - np.einsum("nab,ar,rs,bs->n", self.A, self.left, self.core, self.right)

    def loss(self):
        return 0.5 * np.sum(self.residual() ** 2)

    def along(self, left, right):
        """The change of the measurements, the core at rest."""
        return self.both_designs() @ np.concatenate([left.T.ravel(), right.T.ravel()])

    def absorb(self, change):
        """What the core cannot explain of a change of the measurements."""
        design = self.core_design()
        return change - design @ np.linalg.lstsq(design, change, rcond=None)[0]

    def gradient(self, measurements):
        """Minus the gradients of U and V."""
        left, right = self.left_design().T @ measurements, self.right_design().T @ measurements
        return left.reshape(self.left.T.shape).T, right.reshape(self.right.T.shape).T

    def grams(self):
        """Of the core, with the weight of the user."""
        return pack(self.total * self.core @ self.core.T), pack(self.total * self.core.T @ self.core)

    def reduced(self, bent=False):
        """The reduced normal matrix, or the reduced Hessian."""
        design, both = self.core_design(), self.both_designs()
        normal, coupling = both.T @ both, design.T @ both
        if bent:
            residual, left_size = self.residual(), self.left.size
            across = np.einsum("n,rs,nab->rasb", residual, self.core, self.A).reshape(left_size, -1)
            normal[:left_size, left_size:] -= across
            normal[left_size:, :left_size] -= across.T
            r1, r2 = self.core.shape
            with_left = np.einsum("n,nab,bs,pq->psqa", residual, self.A, self.right, np.eye(r1)).reshape(r1 * r2, -1)
            with_right = np.einsum("n,nab,ap,st->pstb", residual, self.A, self.left, np.eye(r2)).reshape(r1 * r2, -1)
            coupling = coupling - np.concatenate([with_left, with_right], axis=1)
        return pack(normal - coupling.T @ np.linalg.solve(design.T @ design, coupling))


class Wire:
    """Carries one message to all users and the sum of their answers back, and counts both for one user."""

    def __init__(self, users):
        self.users, self.rounds, self.up, self.down = users, 0, 0, 0

    def tell(self, action, *message):
        self.down += sum(map(np.size, message))
        for user in self.users:
            action(user, *message)

    def ask(self, question, *message):
        self.rounds += 1
        self.down += sum(map(np.size, message))
        answers = [question(user, *message) for user in self.users]
        self.up += sum(map(np.size, answers[0]))
        return [sum(parts) for parts in zip(*answers, strict=True)]

    @property
    def sent(self):
        return self.rounds, self.up, self.down
