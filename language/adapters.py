"""Adapters of linear maps for many users: the theory's structures, as the factors that a forward pass needs."""

import functools

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import AbstractFactors, Factors, PersonalFactors
from colora_theory.linalg import contract
from colora_theory.structures import (
    AbstractStructure,
    Alone,
    Collaborative,
    Parameters,
    Pooled,
    SharedBoth,
    SharedRight,
)
from colora_theory.structures.base import Shape, halves


@functools.singledispatch
def factors(structure: AbstractStructure, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    """The adapters of all users as factors, whose product with an input costs O(r), not O(d).

    Args:
        structure: what is shared.
        parameters: of the structure.
        key: of the pairing, for CoLA's random strategy; its mean unless given.

    Raises:
        TypeError: for a structure that no adapter here has.
    """
    raise TypeError(f"{type(structure).__name__} has no factors for a forward pass")


@factors.register
def _(structure: SharedBoth, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    return Factors(*_arrays(parameters, "left", "cores", "right"))


@factors.register
def _(structure: Alone, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    left, right = _arrays(parameters, "left", "right")
    return PersonalFactors(left, _identities(len(left), structure.rank, left.dtype), right)


@factors.register
def _(structure: SharedRight, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    own, shared = _arrays(parameters, "own", "shared")
    everybody = jnp.broadcast_to(shared, (len(own), *shared.shape))
    return PersonalFactors(own, _identities(len(own), structure.rank, own.dtype), everybody)


@factors.register
def _(structure: Pooled, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    left, right = _arrays(parameters, "left", "right")
    return Factors(left, _identities(structure.num_users, structure.rank, left.dtype), right)


@factors.register
def _(structure: Collaborative, parameters: Parameters, key: PRNGKeyArray | None = None) -> AbstractFactors:
    left, right = _arrays(parameters, "left", "right")
    pairing = structure.pairing(left.dtype) if key is None else structure.draw_pairing(key, left.dtype)
    met = contract("jar,ji->air", left, pairing).reshape(left.shape[1], -1)
    rows = jnp.moveaxis(right, 0, 1).reshape(right.shape[1], -1)
    return Factors(met, _identities(structure.num_users, rows.shape[1], left.dtype), rows)


def _arrays(parameters: Parameters, *names: str) -> tuple[Array, ...]:
    return tuple(jnp.asarray(parameters[name]) for name in names)


def _identities(count: int, rank: int, dtype: jnp.dtype) -> Float[Array, "k r r"]:
    return jnp.broadcast_to(jnp.eye(rank, dtype=dtype), (count, rank, rank))


def apply(adapters: AbstractFactors, inputs: Float[Array, "k *batch d2"]) -> Float[Array, "k *batch d1"]:
    """W_i x for every input of every user."""
    own = "k" if isinstance(adapters, PersonalFactors) else ""
    seen = contract(f"k...b,{own}bs->k...s", inputs, adapters.right)
    met = contract("k...s,krs->k...r", seen, adapters.cores)
    return contract(f"k...r,{own}ar->k...a", met, adapters.left)


def begin(structure: AbstractStructure, key: PRNGKeyArray, frozen: Float[Array, "d1 d2"], num_users: int) -> Parameters:
    """Where training begins: at the frozen weight, as LoRA does, with one factor zero and the others drawn.

    Of CoLA the start is that of its paper, equal shares of the frozen weight's principal factors: what the adapter then
    is has to leave the frozen weight, see `remainder`.

    Args:
        structure: what is shared.
        key: randomness.
        frozen: W_0, shape (num_rows, num_cols).
        num_users: k.

    Raises:
        ValueError: if maps of this size cannot have the structure, as for a rank above the size.
    """
    shape: Shape = (num_users, frozen.shape[0], frozen.shape[1])
    structure.check(shape)
    if isinstance(structure, Collaborative):
        return structure.share_out(*halves(frozen, structure.rank))
    zero = {SharedBoth: "cores", SharedRight: "own"}.get(type(structure), "left")
    drawn: Parameters = {
        name: _evened(jnp.asarray(each, frozen.dtype)) for name, each in structure.sample(key, shape).items()
    }
    return drawn | {zero: jnp.zeros_like(drawn[zero])}


def _evened(factor: Float[Array, "*batch d r"]) -> Float[Array, "*batch d r"]:
    """With entries of mean square d^(-1/2): between an orthonormal factor and one of standard normals.

    Then a step of Adam, which is as long in every entry, moves all factors of a product by about as much.
    """
    return factor * (factor.shape[-2] ** -0.25 / jnp.sqrt(jnp.mean(jnp.square(factor))))


def remainder(structure: AbstractStructure, begun: Parameters, frozen: Float[Array, "d1 d2"]) -> Float[Array, "d1 d2"]:
    """The frozen weight less what the adapters of all users are at the start, so that training begins at W_0."""
    return frozen - jnp.asarray(structure.compose(begun))[0]
