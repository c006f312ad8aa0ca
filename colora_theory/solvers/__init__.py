"""Iterative methods, one file each."""

from colora_theory.solvers.alternating import AlternatingMinimization as AlternatingMinimization
from colora_theory.solvers.altgdmin import AltGDmin as AltGDmin
from colora_theory.solvers.base import AbstractSolver as AbstractSolver
from colora_theory.solvers.base import Effort as Effort
from colora_theory.solvers.base import State as State
from colora_theory.solvers.factored_lbfgs import FactoredLBFGS as FactoredLBFGS
from colora_theory.solvers.fedrep import FedRep as FedRep
from colora_theory.solvers.gradient import GradientDescent as GradientDescent
from colora_theory.solvers.reduced_step import AbstractReducedStep as AbstractReducedStep
from colora_theory.solvers.reduced_step import ConjugateGradient as ConjugateGradient
from colora_theory.solvers.reduced_step import Direct as Direct
from colora_theory.solvers.scaled_gradient import ScaledGradientDescent as ScaledGradientDescent
from colora_theory.solvers.scaled_lbfgs import ScaledLBFGS as ScaledLBFGS
from colora_theory.solvers.variable_projection import VariableProjection as VariableProjection
