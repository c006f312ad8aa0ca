"""Several layers, each with shared subspaces of its own, and one budget for all their ranks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray
from colora_theory.structures.base import AbstractStructure, Parameters, Shape
from colora_theory.structures.shared_both import SharedBoth


class Budgeted(AbstractStructure):
    """L layers on top of each other, W_i = [W_i^1; ..; W_i^L], layer l being U_l C_il V_l^T of a rank r_l of its own.

    Degrees of freedom: r_l (d1 / L + d2) + (k - 2) r_l^2, summed over the layers. One budget, the sum of the r_l, is
    allotted by each layer's contribution (`allot`) or evenly (`allot_evenly`). Parameters, for each l from 0: `left_l`
    (d1 / L, r_l), `cores_l` (k, r_l, r_l), `right_l` (d2, r_l).

    Attributes:
        ranks: (r_1 .. r_L).
    """

    ranks: tuple[int, ...] = eqx.field(static=True)

    def __check_init__(self) -> None:
        if not self.ranks:
            raise ValueError("ranks are empty: at least one layer is needed")

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        parts = [
            jnp.asarray(layer.compose({name: parameters[f"{name}_{place}"] for name in ("left", "cores", "right")}))
            for place, layer in enumerate(self._layers)
        ]
        return jnp.concatenate(parts, axis=1)

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        own = _layer_shape(shape, len(self.ranks))
        keys = jax.random.split(key, len(self.ranks))
        return _named([layer.sample(each, own) for layer, each in zip(self._layers, keys, strict=True)])

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        parts = jnp.split(weights, len(self.ranks), axis=1)
        return _named([layer.begin(key, part) for layer, part in zip(self._layers, parts, strict=True)])

    def check(self, shape: Shape) -> None:
        own = _layer_shape(shape, len(self.ranks))
        for place, layer in enumerate(self._layers):
            try:
                layer.check(own)
            except ValueError as error:
                raise ValueError(f"layer {place}: {error}") from None

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        own = _layer_shape(shape, len(self.ranks))
        return sum(layer.degrees_of_freedom(own) for layer in self._layers)

    @property
    def _layers(self) -> list[SharedBoth]:
        return [SharedBoth((rank, rank)) for rank in self.ranks]


def allot(weights: Float[AnyArray, "k d1 d2"], num_layers: int, budget: int) -> tuple[int, ...]:
    """The ranks of the layers, of a given sum, that capture the most energy of a first estimate of the weights.

    What a layer contributes at rank r is the energy of its cores in its r leading directions on both sides; among all
    ranks of the sum the best are found, not only greedily. In numpy.

    Args:
        weights: a first estimate, layer under layer, shape (k, d1, d2): `problem.moments()`, or a fit at large ranks.
        num_layers: L.
        budget: the sum of the ranks.

    Raises:
        ValueError: for rows that are no multiple of the layers, or a budget that cannot be spent.
    """
    whole = np.asarray(weights, float)
    own = _check_budget(whole.shape, num_layers, budget)
    largest = min(own[1:])
    # For every sum so far, the most energy and the ranks that capture it; each layer has one at least.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for layer in np.split(whole, num_layers, axis=1):
        captured = _captured(layer, largest)
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for spent, (energy, ranks) in best.items():
            for rank in range(1, min(largest, budget - spent) + 1):
                candidate = (energy + float(captured[rank - 1]), (*ranks, rank))
                if candidate > longer.get(spent + rank, (-np.inf, ())):
                    longer[spent + rank] = candidate
        best = longer
    return best[budget][1]


def allot_evenly(shape: Shape, num_layers: int, budget: int) -> tuple[int, ...]:
    """The same rank for every layer, the first ones having one more if the budget is no multiple of them.

    Args:
        shape: (num_users, num_rows, num_cols) of all layers together.
        num_layers: L.
        budget: the sum of the ranks.

    Raises:
        ValueError: see `allot`.
    """
    _check_budget(shape, num_layers, budget)
    each, rest = divmod(budget, num_layers)
    return tuple(each + (place < rest) for place in range(num_layers))


def _captured(layer: Float[np.ndarray, "k d1 d2"], largest: int) -> Float[np.ndarray, " ranks"]:
    """Energy of the leading cores of all sizes from 1 on, in the layer's own singular directions."""
    left = np.linalg.eigh(np.einsum("kab,kcb->ac", layer, layer))[1][:, ::-1]
    right = np.linalg.eigh(np.einsum("kab,kac->bc", layer, layer))[1][:, ::-1]
    squares = np.sum(np.einsum("ar,kab,bs->krs", left, layer, right, optimize=True) ** 2, axis=0)
    return np.array([np.sum(squares[:rank, :rank]) for rank in range(1, largest + 1)])


def _layer_shape(shape: tuple[int, ...], num_layers: int) -> Shape:
    """That of a single layer."""
    num_users, num_rows, num_cols = shape
    if num_layers < 1:
        raise ValueError(f"num_layers {num_layers} is below 1")
    if num_rows % num_layers:
        raise ValueError(f"num_rows {num_rows} is no multiple of {num_layers} layers of one size")
    return num_users, num_rows // num_layers, num_cols


def _check_budget(shape: tuple[int, ...], num_layers: int, budget: int) -> Shape:
    own = _layer_shape(shape, num_layers)
    largest = num_layers * min(own[1:])
    if not num_layers <= budget <= largest:
        raise ValueError(
            f"budget {budget} cannot be spent: {num_layers} layers of {own[1]} x {own[2]} take ranks of "
            f"{num_layers} .. {largest} together"
        )
    return own


def _named(layers: list[Parameters]) -> Parameters:
    return {f"{name}_{place}": each for place, layer in enumerate(layers) for name, each in layer.items()}
