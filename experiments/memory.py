"""What a chunk needs in memory where its lanes are computed together, as on a GPU: a bound, before anything runs."""

from colora_theory.experiments.designs import DESIGNS
from colora_theory.experiments.plan import Chunk, Plan

# The data, what was drawn to make them, and the copies that the costliest methods hold (whitening, each user alone).
_COPIES = 7
# Sketches of the data at two iterates and one in passing; designs of both factors; residuals and weights.
_SKETCHES, _DESIGNS, _VECTORS = 3, 2, 10
# Of every user: moments and weights in full; what couples its core with both factors.
_MATRICES, _COUPLINGS = 6, 4
# Normal matrices, what is projected out of them, their factors.
_SYSTEMS = 8
_FLOAT = 8


def chunk_bytes(chunk: Chunk) -> int:
    """An upper bound on the bytes of a chunk, data and working memory of all its lanes, in double precision.

    Counted are the arrays of variable projection, the method that needs most: for each scalar measurement sketches of
    d1 r2 + d2 r1 + r1 r2 and designs of q = d1 r1 + d2 r2 numbers, for each user the coupling of its core, r1 r2 q, and
    normal matrices of q^2 (for each user where users are fitted alone).
    """
    layout, (r1, r2) = chunk.layout, chunk.layout.rank
    d1, d2, users, samples = layout.num_rows, layout.num_cols, layout.num_users, layout.capacity
    design, unknowns = DESIGNS[layout.design], d1 * r1 + d2 * r2
    of_sample = _COPIES * design.numbers_per_sample(d1, d2)
    of_scalar = _SKETCHES * (d1 * r2 + d2 * r1 + r1 * r2) + _DESIGNS * unknowns + _VECTORS
    of_user = _MATRICES * d1 * d2 + _COUPLINGS * r1 * r2 * unknowns
    systems = users if any(recipe.method == "alone" for recipe in chunk.recipes) else 1
    measured = samples * (of_sample + design.scalars_per_sample(d1) * of_scalar)
    return _FLOAT * layout.width * (users * (measured + of_user) + systems * _SYSTEMS * unknowns**2)


def largest_chunk(plan: Plan) -> Chunk:
    """The chunk of a plan with the largest bound; draws of the family are computed one by one and have none."""
    return max((chunk for chunk in plan.chunks if isinstance(chunk, Chunk)), key=chunk_bytes)
