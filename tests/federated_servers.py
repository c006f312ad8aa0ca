"""What the server does, method by method, from sums of answers alone; every question is a function of one user."""

import numpy as np

from tests.federated_users import outside, pack, polar, unpack


def begin(user, left, right):
    user.left, user.right = left, right
    user.fit_core()


def square(*blocks):
    return sum(np.sum(block**2) for block in blocks)


def solved(system, basis):
    """A factor moved by the solution of its normal equations."""
    numbers, descent = system
    return basis + np.linalg.solve(unpack(numbers, len(descent)), descent).reshape(basis.T.shape).T


def alternating(wire, left, right, steps):
    def normal_equations(user, design):
        return pack(design.T @ design), design.T @ user.residual()

    def hear_right(user, raw):
        user.right, triangle = np.linalg.qr(raw)
        user.core = user.core @ triangle.T

    def left_system(user, *message):
        begin(user, *message) if len(message) == 2 else hear_right(user, *message)
        user.fit_core()
        return normal_equations(user, user.left_design())

    def right_system(user, raw):
        user.left, triangle = np.linalg.qr(raw)
        user.core = triangle @ user.core
        return normal_equations(user, user.right_design())

    message = (left, right)
    for _ in range(steps):
        raw = solved(wire.ask(left_system, *message), left)
        left = np.linalg.qr(raw)[0]
        message = (solved(wire.ask(right_system, raw), right),)
        right = np.linalg.qr(message[0])[0]
    wire.tell(hear_right, *message)


def gradient_descent(wire, left, right, steps):
    def core_gram(user, left, right):
        begin(user, left, right)
        return (pack(user.core @ user.core.T),)

    def balance(user, scale):
        user.left, user.core, user.right = user.left * scale, user.core / scale**2, user.right * scale

    def move(user, length):
        for block, change in zip(("left", "core", "right"), user.descent, strict=True):
            setattr(user, block, getattr(user, block) + length * change)

    def gradient(user):
        own = (user.core_design().T @ user.residual()).reshape(user.core.shape)
        user.descent = (None, own, None)
        return (*user.gradient(user.residual()), square(own))

    def image(user, left, right):
        user.descent = (left, user.descent[1], right)
        return (square(user.along(left, right) + user.core_design() @ user.descent[1].ravel()),)

    (gram,) = wire.ask(core_gram, left, right)
    wire.tell(balance, np.linalg.eigvalsh(unpack(gram, left.shape[1]))[-1] ** (1 / 6))
    for _ in range(steps):
        left, right, cores = wire.ask(gradient)
        length = 0.9 * (square(left, right) + cores) / wire.ask(image, left, right)[0]
        wire.tell(move, length)


def altgdmin(wire, left, right, steps):
    def move(user, length):
        moved = user.left + length * user.descent[0], user.right + length * user.descent[1]
        begin(user, *(np.linalg.qr(basis)[0] for basis in moved))

    def gradient(user):
        return user.gradient(user.residual())

    def rest(user, *descent):
        user.descent = descent
        return (square(user.absorb(user.along(*descent))),)

    wire.tell(begin, left, right)
    for _ in range(steps):
        descent = wire.ask(gradient)
        wire.tell(move, 0.9 * square(*descent) / wire.ask(rest, *descent)[0])


def fedrep(wire, left, right, steps):
    def gradient(user, left, right, *, first):
        begin(user, np.linalg.qr(left)[0], np.linalg.qr(right)[0])
        return (*user.gradient(user.residual()), *([user.total] if first else []))

    message, total = (left, right), None
    for step in range(steps):
        (*descent,) = wire.ask(lambda user, *given, first=step == 0: gradient(user, *given, first=first), *message)
        total = descent.pop() if step == 0 else total
        bases = (left, right) if step == 0 else [np.linalg.qr(basis)[0] for basis in message]
        message = tuple(basis + 0.2 / total * change for basis, change in zip(bases, descent, strict=True))
    wire.tell(lambda user, left, right: begin(user, np.linalg.qr(left)[0], np.linalg.qr(right)[0]), *message)


def inverse_root(numbers, size):
    values, vectors = np.linalg.eigh(unpack(numbers, size))
    return vectors @ np.diag(values**-0.5) @ vectors.T


class Scaled:
    """The server's scaled coordinates at orthonormal U and V."""

    def __init__(self, left, right, grams):
        self.bases = left, right
        self.scales = [inverse_root(gram, basis.shape[1]) for gram, basis in zip(grams, self.bases, strict=True)]

    def outside(self, direction):
        return [outside(basis, block) for basis, block in zip(self.bases, direction, strict=True)]

    def change(self, direction):
        return [block @ scale for block, scale in zip(direction, self.scales, strict=True)]

    def gradient(self, sums):
        return self.outside(self.change(sums))


def dot(first, second):
    return sum(np.sum(one * other) for one, other in zip(first, second, strict=True))


def added(base, length, direction):
    return [one + length * other for one, other in zip(base, direction, strict=True)]


def accept(promised, gained, loss):
    rounding = 100 * np.finfo(float).eps * loss
    blind = promised < rounding
    return (gained > -rounding if blind else gained > 1e-4 * promised), blind


def scaled_gradient(wire, left, right, steps):
    """With conjugate directions."""

    def point(user):
        return (user.loss(), *user.gradient(user.residual()), *user.grams())

    def first(user, left, right):
        begin(user, left, right)
        return point(user)

    def rest(user, *change):
        # A new direction says that the last trial is where to go on from.
        user.base, user.change = (user.left, user.right), change
        return (square(user.absorb(user.along(*change))),)

    def trial(user, length):
        begin(user, *map(polar, added(user.base, length, user.change)))
        return point(user)

    def seen(answers, left, right):
        loss, *gradient = answers[:3]
        here = Scaled(left, right, answers[3:])
        return loss, here, here.gradient(gradient)

    loss, here, descent = seen(wire.ask(first, left, right), left, right)
    direction, length = descent, None
    for _ in range(steps):
        if length is None:
            direction = here.outside(direction)
            slope, steepest = dot(descent, direction), dot(descent, descent)
            if slope <= 1e-3 * np.sqrt(steepest * dot(direction, direction)):
                direction, slope = descent, steepest
            change = here.change(direction)
            length = slope / wire.ask(rest, *change)[0]
        bases = list(map(polar, added(here.bases, length, change)))
        trial_loss, there, there_descent = seen(wire.ask(trial, length), *bases)
        promised, gained = length * slope, loss - trial_loss
        if accept(promised, gained, loss)[0]:
            share = max(dot(there_descent, there_descent) - dot(there_descent, descent), 0) / dot(descent, descent)
            direction = added(there_descent, share, direction)
            loss, here, descent, length = trial_loss, there, there_descent, None
        else:
            length *= np.clip(0.5 * promised / (promised - gained), 0.1, 0.5)
    for user in wire.users:
        begin(user, *here.bases)


class Damping:
    """Levenberg-Marquardt as in `VariableProjection`, and the trial that all steps end with."""

    def __init__(self, wire, left, right):
        self.wire, self.left, self.right = wire, left, right
        self.damping, self.growth, self.curved, self.loss, self.energy = 1.0, 2.0, False, None, None

    @property
    def relative(self):
        return self.damping * 2 * self.loss / self.energy

    def attempt(self, left_change, right_change, promised):
        """Whether the users go on from the trial."""

        def trial(user, left_change, right_change):
            user.kept = user.left, user.right
            begin(user, np.linalg.qr(user.left + left_change)[0], np.linalg.qr(user.right + right_change)[0])
            return (user.loss(),)

        (loss,) = self.wire.ask(trial, left_change, right_change)
        gained = self.loss - loss
        accepted, blind = accept(promised, gained, self.loss)
        self.curved = gained < 0.1 * self.loss and not blind
        if accepted:
            quality = min(gained / promised, 1.0)
            self.damping *= 1.0 if blind else max(1 / 3, 1 - (2 * quality - 1) ** 3)
            self.growth, self.loss = 2.0, loss
            self.left = np.linalg.qr(self.left + left_change)[0]
            self.right = np.linalg.qr(self.right + right_change)[0]
        else:
            self.damping, self.growth = self.damping * self.growth, 2 * self.growth
            for user in self.wire.users:
                begin(user, *user.kept)
        return accepted


def energies(user):
    return user.loss(), square(user.y)


def variable_projection(wire, left, right, steps):
    def system(user, *, bent):
        sides = user.gradient(user.residual())
        extra = [user.reduced(bent=True)] if bent else []
        return (user.reduced(), np.concatenate([side.T.ravel() for side in sides]), *extra)

    def first(user, left, right):
        begin(user, left, right)
        return (*energies(user), *system(user, bent=False))

    state = Damping(wire, left, right)
    size, split = left.size + right.size, left.size
    state.loss, state.energy, *answers = wire.ask(first, left, right)
    reduced, hessian = unpack(answers[0], size), None
    descent = answers[1]
    for _ in range(steps):
        curved = state.curved
        if reduced is None:
            numbers, descent, *extra = wire.ask(lambda user, bent=curved: system(user, bent=bent))
            reduced, hessian = unpack(numbers, size), unpack(extra[0], size) if extra else None
        elif curved and hessian is None:
            hessian = unpack(wire.ask(lambda user: (user.reduced(bent=True),))[0], size)
        scale, matrix = np.trace(reduced) / size, reduced
        if curved:
            along = np.zeros((size, size))
            for basis, place in ((state.left, slice(split)), (state.right, slice(split, None))):
                rest = outside(basis, np.eye(len(basis)))
                along[place, place] = np.kron(np.eye(basis.shape[1]), rest)
            exact = along @ hessian @ along + scale * (np.eye(size) - along)
            matrix = exact if np.linalg.eigvalsh(exact)[0] > 0 else reduced
        shift = state.relative * scale
        change = np.linalg.solve(matrix + shift * np.eye(size), descent)
        promised = 0.5 * np.sum(change * (shift * change + descent))
        moves = (
            outside(state.left, change[:split].reshape(left.T.shape).T),
            outside(state.right, change[split:].reshape(right.T.shape).T),
        )
        if state.attempt(*moves, promised):
            reduced = hessian = None


def conjugate_gradients(wire, left, right, steps):
    def point(user):
        return (*user.gradient(user.residual()), *user.grams())

    def first(user, left, right):
        begin(user, left, right)
        return (*energies(user), *point(user))

    def product(user, *change):
        return user.gradient(user.absorb(user.along(*change)))

    def first_product(user, *change):
        return (square(user.absorb(user.along(*change))), *product(user, *change))

    state = Damping(wire, left, right)
    state.loss, state.energy, *answers = wire.ask(first, left, right)
    fresh = True
    for _ in range(steps):
        if fresh:
            answers = answers or wire.ask(point)
            here = Scaled(state.left, state.right, answers[2:])
            descent, answers = here.gradient(answers[:2]), None
            norm = np.sqrt(dot(descent, descent))
            curvature, *along_descent = wire.ask(first_product, *here.change(descent))
            curvature /= norm**2
        shift = state.relative * curvature
        residual_norm = np.sqrt(2 * state.loss)
        tol = min(0.1, residual_norm / np.sqrt(state.energy), norm / (np.sqrt(curvature) * residual_norm))
        change, remainder, direction = [np.zeros_like(block) for block in descent], descent, descent
        left_over, sums = norm**2, along_descent
        while sums or left_over > tol**2 * norm**2:
            sums = sums or wire.ask(product, *here.change(direction))
            image, sums = added(here.gradient(sums), shift, direction), None
            length = left_over / dot(direction, image)
            change, remainder = added(change, length, direction), added(remainder, -length, image)
            before, left_over = left_over, dot(remainder, remainder)
            direction = added(remainder, left_over / before, direction)
        promised = 0.5 * (dot(change, descent) + dot(change, remainder) + shift * dot(change, change))
        fresh = state.attempt(*here.change(change), promised)


def halves(matrix, rank):
    left, values, right = np.linalg.svd(matrix)
    return left[:, :rank] * np.sqrt(values[:rank]), right[:rank].T * np.sqrt(values[:rank])


def averaged(wire, left, right, steps, ask):
    """Two local steps a round; `ask` has the users send what they have trained, and makes it one adapter."""

    def first(user, left, right):
        begin(user, left, right)
        return user.core, user.total

    def hear(user, left, right):
        user.left, user.right, user.core = left, right, np.eye(left.shape[1])

    def train(user):
        for _ in range(2):
            descent = user.gradient(user.residual())
            length = 0.9 * square(*descent) / square(user.along(*descent))
            user.left, user.right = added((user.left, user.right), length, descent)

    core, total = wire.ask(first, left, right)
    wire.tell(hear, *halves(left @ (core / len(wire.users)) @ right.T, left.shape[1]))
    for _ in range(steps):
        wire.tell(train)
        wire.tell(hear, *ask(wire, total))


def average_factors(wire, left, right, steps):
    def ask(wire, total):
        return [each / total for each in wire.ask(lambda user: (user.total * user.left, user.total * user.right))]

    averaged(wire, left, right, steps, ask)


def average_products(wire, left, right, steps):
    """The server sees the factors of each user: their sum would not be enough."""

    def ask(wire, total):
        wire.ask(lambda user: (user.left, user.right))
        mean = sum(user.total * user.left @ user.right.T for user in wire.users) / total
        return halves(mean, left.shape[1])

    averaged(wire, left, right, steps, ask)


def fed_sgd(wire, left, right, steps):
    def first(user, left, right):
        begin(user, left, right)
        return user.core, user.total

    def hear(user, core):
        user.core = core

    def gradient(user):
        core = (user.core_design().T @ user.residual()).reshape(user.core.shape)
        left, right = user.gradient(user.residual())
        return left, core, right

    def move(user, left, core, right):
        user.left, user.core, user.right = left, core, right

    core, total = wire.ask(first, left, right)
    blocks = left, core / len(wire.users), right
    wire.tell(hear, blocks[1])
    for _ in range(steps):
        blocks = added(blocks, 0.2 / total, wire.ask(gradient))
        wire.tell(move, *blocks)
