"""Structures: ways to write the weights of k users with few numbers, of which CoLoRA's is one."""

from colora_theory.structures.additive import Additive
from colora_theory.structures.alone import Alone
from colora_theory.structures.base import AbstractStructure, Parameters, StructureWarning
from colora_theory.structures.bound import cramer_rao
from colora_theory.structures.budgeted import Budgeted, allot, allot_evenly
from colora_theory.structures.clusters import Clusters
from colora_theory.structures.collaborative import STRATEGIES, Collaborative
from colora_theory.structures.depthwise_pointwise import DepthwisePointwise
from colora_theory.structures.diagonal_cores import DiagonalCores
from colora_theory.structures.fitting import StructureFit, fit
from colora_theory.structures.merging import (
    average_of_factors,
    average_of_products,
    balanced_factors,
    joint_subspace,
    project_conflicts,
    weighted_joint_subspace,
)
from colora_theory.structures.mixture import Mixture
from colora_theory.structures.pooled import Pooled
from colora_theory.structures.scalar_cores import ScalarCores
from colora_theory.structures.shared_both import SharedBoth
from colora_theory.structures.shared_left import SharedLeft
from colora_theory.structures.shared_right import SharedRight
from colora_theory.structures.simplex_mixture import SimplexMixture
from colora_theory.structures.smooth import Smooth
from colora_theory.structures.tangent import jacobian_rank, tangent_basis
from colora_theory.structures.training import (
    GradientSteps,
    Optimizer,
    Training,
    pairing_penalty,
    principal_start,
    train_collaborative,
    training_loss,
)

__all__ = [
    "STRATEGIES",
    "AbstractStructure",
    "Additive",
    "Alone",
    "Budgeted",
    "Clusters",
    "Collaborative",
    "DepthwisePointwise",
    "DiagonalCores",
    "GradientSteps",
    "Mixture",
    "Optimizer",
    "Parameters",
    "Pooled",
    "ScalarCores",
    "SharedBoth",
    "SharedLeft",
    "SharedRight",
    "SimplexMixture",
    "Smooth",
    "StructureFit",
    "StructureWarning",
    "Training",
    "allot",
    "allot_evenly",
    "average_of_factors",
    "average_of_products",
    "balanced_factors",
    "cramer_rao",
    "fit",
    "jacobian_rank",
    "joint_subspace",
    "pairing_penalty",
    "principal_start",
    "project_conflicts",
    "tangent_basis",
    "train_collaborative",
    "training_loss",
    "weighted_joint_subspace",
]
