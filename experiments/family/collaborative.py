"""CoLA's strategies beside LoRA and CoLoRA, on users that are more or less similar."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import UNDETERMINED, Fit, Found
from colora_theory.experiments.family.truths import Truth, measured
from colora_theory.experiments.methods import LOOSE_GRADIENT, STEPS_OF_ATTEMPT

RANK = 2
# N and M of all strategies.
COPIES = 3
STEPS = 3000
# Of the largest singular value of the mean moment; short enough for random pairs, whose steps are N times as long.
STEP = 0.02
# Of an entry of the equal start, relative to the root mean square of all.
DISTURBANCE = 0.01


def _structure(draw: FamilyDraw) -> ct.structures.SharedBoth:
    return ct.structures.SharedBoth((RANK, RANK))


def _sample(key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
    """Cores C_i = sqrt(s) C_0 + sqrt(1 - s) Z_i, s being the level."""
    assert draw.level is not None
    truth_key, common_key, data_key = jax.random.split(key, 3)
    structure = _structure(draw)
    parameters = structure.sample(truth_key, draw.shape)
    common = jax.random.normal(common_key, (1, RANK, RANK))
    cores = np.sqrt(draw.level) * common + np.sqrt(1 - draw.level) * jnp.asarray(parameters["cores"])
    return measured(data_key, draw, structure, parameters | {"cores": cores})


def _trained(
    strategy: str, copies: int, rank: int, shaken: float, instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray
) -> Found:
    """Gradient descent from equal shares of the principal factors of the mean moment."""
    structure = ct.structures.Collaborative(draw.num_users, copies, copies, rank, strategy)
    mean = jnp.mean(instance.problem.moments(), axis=0, keepdims=True)
    left, right = (each[0] for each in ct.structures.balanced_factors(mean, rank))
    begun = structure.share_out(left, right)
    pair_key, *shake_keys = jax.random.split(key, 3)
    for name, shake_key in zip(("left", "right"), shake_keys, strict=True):
        size = shaken * jnp.sqrt(jnp.mean(jnp.square(begun[name])))
        begun[name] = begun[name] + size * jax.random.normal(shake_key, begun[name].shape)
    step = STEP / float(jnp.linalg.norm(mean[0], 2))
    found = ct.structures.train_collaborative(
        instance.problem,
        structure,
        ct.structures.GradientSteps({"left": step, "right": step}),
        begun,
        num_steps=STEPS,
        key=pair_key,
    )
    unknowns = structure.degrees_of_freedom(draw.shape)
    return Found(np.asarray(found.weights), ct.Status(int(found.status)).name, STEPS, unknowns)


def _personal(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    """CoLoRA, by its own solver."""
    unknowns = _structure(draw).degrees_of_freedom(draw.shape)
    if unknowns > instance.problem.targets.size:
        return Found(None, UNDETERMINED, unknowns=unknowns)
    found = ct.solve(
        instance.problem,
        ct.solvers.VariableProjection(),
        ct.starts.Stacked(),
        RANK,
        key=key,
        max_steps=STEPS_OF_ATTEMPT,
        gradient_tol=LOOSE_GRADIENT,
    )
    status = ct.Status(int(found.status)).name
    return Found(np.asarray(found.factors.compose()), status, int(found.num_steps), unknowns)


def _trainer(strategy: str, copies: int = COPIES, rank: int = RANK, shaken: float = 0.0) -> Any:
    return functools.partial(_trained, strategy, copies, rank, shaken)


TRUTHS = {
    "similar_users": Truth(
        lambda draw: _structure(draw).degrees_of_freedom(draw.shape), _sample, "the similarity s of the cores"
    )
}
FITS: dict[str, Fit] = {
    "lora": _trainer("full", copies=1),
    "lora_wide": _trainer("full", copies=1, rank=COPIES * RANK),
    "cola_full": _trainer("full"),
    "cola_heuristic": _trainer("heuristic"),
    "cola_random": _trainer("random"),
    "cola_disturbed": _trainer("heuristic", shaken=DISTURBANCE),
    "colora": _personal,
}
