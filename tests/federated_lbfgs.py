"""L-BFGS on all blocks in rounds: the server remembers U and V, each user its own core, and sums tell the rest."""

import numpy as np

from tests.federated_servers import accept, begin, square
from tests.federated_users import pack, unpack


class Remembered:
    """Inner products of the last steps, the changes of the gradient along them, and the gradient: m, m and 1 vectors.

    Those of U and V the server has itself. Of the cores it knows the products: a new step is a combination of what is
    remembered, a change the difference of two gradients, so the products of the new gradient are all that is asked for.
    """

    def __init__(self, memory, subspaces, energy):
        self.memory, self.vectors = memory, np.zeros((2 * memory + 1, len(subspaces)))
        self.vectors[-1] = subspaces
        self.cores = np.zeros((2 * memory + 1,) * 2)
        self.cores[-1, -1] = energy
        self.alive = np.zeros(memory, bool)

    @property
    def products(self):
        return self.vectors @ self.vectors.T + self.cores

    def learn(self, combination, length, subspaces, products):
        m, size = self.memory, 2 * self.memory + 2
        known = np.zeros((size, size))
        known[:-1, :-1], known[-1, :], known[:, -1] = self.cores, products, products
        turn = np.zeros((size - 1, size))
        for place in [*range(m - 1), *range(m, 2 * m - 1)]:
            turn[place, place + 1] = 1
        turn[m - 1, :-1] = length * combination
        turn[2 * m - 1, -2:] = 1, -1
        turn[-1, -1] = 1
        self.vectors = turn @ np.vstack([self.vectors, subspaces])
        self.cores = turn @ known @ turn.T
        whole = self.products
        step, change = m - 1, 2 * m - 1
        curved = whole[step, change] > 1e-8 * np.sqrt(whole[step, step] * whole[change, change])
        self.alive = np.append(self.alive[1:], True) if curved else np.zeros(m, bool)
        kept = np.concatenate([self.alive, self.alive, [True]])
        self.vectors, self.cores = self.vectors * kept[:, None], self.cores * np.outer(kept, kept)

    def direction(self):
        """As a combination of what is remembered: the two loops, on coefficients."""
        m, whole = self.memory, self.products
        combination, shares = np.eye(2 * m + 1)[-1], {}
        places = np.flatnonzero(self.alive)
        for place in places[::-1]:
            shares[place] = whole[place] @ combination / whole[place, m + place]
            combination[m + place] -= shares[place]
        if len(places):
            combination = combination * whole[m - 1, 2 * m - 1] / whole[2 * m - 1, 2 * m - 1]
        for place in places:
            combination[place] += shares[place] - whole[m + place] @ combination / whole[place, m + place]
        return combination


def factored_lbfgs(wire, left, right, steps, memory):
    sought = [basis.shape[0] > basis.shape[1] for basis in (left, right)]

    def only(*pairs):
        return [block for block, wanted in zip(pairs, sought, strict=True) if wanted]

    def core_gram(user, left, right):
        begin(user, left, right)
        return pack(user.core @ user.core.T), user.total

    def grams(user):
        return only(pack(user.core @ user.core.T), pack(user.core.T @ user.core))

    def point(user):
        return (user.loss(), *only(*user.gradient(user.residual())), *grams(user))

    def balanced(user, scale, mean):
        share = scale ** (1 / (1 + sum(sought)))
        user.left, user.right = (
            basis * (share if wanted else 1) for basis, wanted in zip((user.left, user.right), sought, strict=True)
        )
        user.core, user.mean = user.core / share ** sum(sought), mean
        user.base = user.core
        return point(user)

    def core_descent(user, pulls):
        own = (user.core_design().T @ user.residual()).reshape(user.core.shape) / user.mean
        pulls = iter(unpack(pull, size) for pull, size in zip(pulls, only(*user.core.shape), strict=True))
        if sought[0]:
            own = own + next(pulls) @ user.core
        if sought[1]:
            own = own + user.core @ next(pulls)
        return own

    def image(user, *message):
        blocks, pulls = message[: sum(sought)], message[sum(sought) :]
        own = core_descent(user, pulls)
        user.remembered = [np.zeros_like(own) for _ in range(2 * memory)] + [own]
        user.direction = (*filled(blocks, user.left, user.right), own)
        return square(user.along(*user.direction[:2]) + user.core_design() @ own.ravel()), square(own)

    def filled(blocks, *like):
        """With zeros for a side that stays."""
        blocks = iter(blocks)
        return [next(blocks) if wanted else np.zeros_like(basis) for basis, wanted in zip(like, sought, strict=True)]

    def products(user, *pulls):
        new, (*pairs, old) = core_descent(user, pulls), user.remembered
        answer = np.array([np.sum(vector * new) for vector in [*pairs, old, new]])
        steps_, changes = pairs[:memory], pairs[memory:]
        user.remembered = [*steps_[1:], user.core - user.base, *changes[1:], old - new, new]
        user.base = user.core
        return (answer,)

    def ahead(user, *message):
        (*blocks, combination) = message
        own = sum(number * vector for number, vector in zip(combination, user.remembered, strict=True))
        user.direction = (*filled(blocks, user.left, user.right), own)
        user.from_here = user.left, user.right
        return moved(user, 1.0)

    def again(user, length):
        return moved(user, length)

    def moved(user, length):
        user.left, user.right = (
            basis + length * change for basis, change in zip(user.from_here, user.direction[:2], strict=True)
        )
        user.core = user.base + length * user.direction[2]
        return point(user)

    gram, total = wire.ask(core_gram, left, right)
    scale, mean = np.sqrt(np.linalg.eigvalsh(unpack(gram, left.shape[1]))[-1]), total / len(wire.users)
    share = scale ** (1 / (1 + sum(sought)))
    penalty = 0.125 * (scale / share**2) ** 2
    bases = [basis * share for basis in only(left, right)]

    def seen(answers, bases):
        """The objective, its descent along the bases that are sought, and what pulls at the cores."""
        loss, gradients, grams = answers[0], answers[1 : 1 + len(bases)], answers[1 + len(bases) :]
        excess = [basis.T @ basis - unpack(gram, basis.shape[1]) for basis, gram in zip(bases, grams, strict=True)]
        objective = loss / mean + penalty * square(*excess)
        parts = zip(bases, gradients, excess, strict=True)
        descent = [gradient / mean - 4 * penalty * basis @ over for basis, gradient, over in parts]
        return objective, descent, [pack(4 * penalty * over) for over in excess]

    objective, descent, pulls = seen(wire.ask(balanced, scale, mean), bases)
    curved, energy = wire.ask(image, *descent, *pulls)
    known = Remembered(memory, np.concatenate([block.ravel() for block in descent]), energy)
    combination, length = np.eye(2 * memory + 1)[-1], mean * known.products[-1, -1] / curved
    for user in wire.users:
        user.from_here = user.left, user.right
    fresh, direction = False, descent
    for _ in range(steps):
        if fresh:
            (answers,) = wire.ask(products, *pulls)
            known.learn(combination, length, np.concatenate([block.ravel() for block in descent]), answers)
            combination, length = known.direction(), 1.0
            flat = combination @ known.vectors
            parts = np.split(flat, np.cumsum([block.size for block in descent])[:-1])
            direction = [part.reshape(block.shape) for part, block in zip(parts, descent, strict=True)]
            answers = wire.ask(ahead, *direction, combination)
        else:
            answers = wire.ask(again, length)
        trial = [basis + length * change for basis, change in zip(bases, direction, strict=True)]
        there, there_descent, there_pulls = seen(answers, trial)
        promised, gained = length * (known.products[-1] @ combination), objective - there
        fresh = accept(promised, gained, objective)[0]
        if fresh:
            objective, descent, pulls, bases = there, there_descent, there_pulls, trial
        else:
            length *= np.clip(0.5 * promised / (promised - gained), 0.1, 0.5)
    if not fresh:
        for user in wire.users:
            moved(user, 0.0)
