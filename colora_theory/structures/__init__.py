"""Structures: ways to write the weights of k users with few numbers, of which CoLoRA's is one."""

from colora_theory.structures.additive import Additive
from colora_theory.structures.alone import Alone
from colora_theory.structures.base import AbstractStructure, Parameters
from colora_theory.structures.bound import cramer_rao
from colora_theory.structures.depthwise_pointwise import DepthwisePointwise
from colora_theory.structures.diagonal_cores import DiagonalCores
from colora_theory.structures.fitting import StructureFit, fit
from colora_theory.structures.mixture import Mixture
from colora_theory.structures.pooled import Pooled
from colora_theory.structures.scalar_cores import ScalarCores
from colora_theory.structures.shared_both import SharedBoth
from colora_theory.structures.shared_left import SharedLeft
from colora_theory.structures.shared_right import SharedRight
from colora_theory.structures.smooth import Smooth
from colora_theory.structures.tangent import jacobian_rank, tangent_basis

__all__ = [
    "AbstractStructure",
    "Additive",
    "Alone",
    "DepthwisePointwise",
    "DiagonalCores",
    "Mixture",
    "Parameters",
    "Pooled",
    "ScalarCores",
    "SharedBoth",
    "SharedLeft",
    "SharedRight",
    "Smooth",
    "StructureFit",
    "cramer_rao",
    "fit",
    "jacobian_rank",
    "tangent_basis",
]
