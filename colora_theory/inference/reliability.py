"""Whether first order in the noise is enough for a fit's intervals."""

import dataclasses

import numpy as np

from colora_theory.inference.noise import NoiseEstimate
from colora_theory.theory import FactorCovariance

_LARGEST_TILT = 0.2
_FEWEST_SPARE = 10


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What the intervals of a fit rest on.

    Attributes:
        reliable: whether their level can be trusted, if the fit is the global minimum: that it does not tell.
        reason: why, or why not, in a sentence.
        tilt: see `of`.
        spare: N - DoF.
        oversampling: N / DoF.
    """

    reliable: bool
    reason: str
    tilt: float
    spare: int
    oversampling: float

    @classmethod
    def of(cls, covariance: FactorCovariance, noise: NoiseEstimate) -> "Reliability":
        """The judgement.

        The intervals straighten out a curved model. How curved it is on the scale of the noise says the tilt: the root
        mean square length of dU (or dV) along its worst direction in U, which is its standard error over the singular
        values of the stacked cores, and to first order the tangent of a principal angle.
        """
        tilt = max(_tilt(covariance.left_block), _tilt(covariance.right_block))
        undetermined = np.flatnonzero(~covariance.determined)
        if noise.spare <= 0:
            told = f"{noise.measurements} measurements for {noise.unknowns} unknowns: the noise cannot be estimated"
        elif undetermined.size == len(covariance.determined):
            told = "the measurements leave directions of the subspaces unseen"
        elif undetermined.size:
            told = f"the measurements do not determine the core of user {undetermined[0]}"
        elif noise.spare < _FEWEST_SPARE:
            told = f"{noise.spare} spare measurements, fewer than {_FEWEST_SPARE}, tell too little of the noise"
        elif tilt > _LARGEST_TILT:
            told = (
                f"the subspaces are uncertain by a tangent of {tilt:.2g}, more than {_LARGEST_TILT}: the model is not "
                "linear on this scale. Take more samples, or compare with a bootstrap"
            )
        else:
            return cls(
                True,
                f"the subspaces are uncertain by a tangent of {tilt:.2g} only, at most {_LARGEST_TILT}",
                tilt,
                noise.spare,
                noise.oversampling,
            )
        return cls(False, told, tilt, noise.spare, noise.oversampling)


def _tilt(block: np.ndarray) -> float:
    """Largest eigenvalue's root of E dU^T dU."""
    lengths = np.einsum("paqa->pq", block)
    return float(np.sqrt(max(np.linalg.eigvalsh(lengths)[-1], 0.0)))
