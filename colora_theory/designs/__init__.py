"""Random designs, what is measured, and the noise of the measurements."""

from colora_theory.designs.base import AbstractDesign as AbstractDesign
from colora_theory.designs.correlated import Correlated as Correlated
from colora_theory.designs.correlated import UnequallyCorrelated as UnequallyCorrelated
from colora_theory.designs.dense import Gaussian as Gaussian
from colora_theory.designs.dense import Rademacher as Rademacher
from colora_theory.designs.dense import StudentT as StudentT
from colora_theory.designs.noise import AbstractNoise as AbstractNoise
from colora_theory.designs.noise import GaussianNoise as GaussianNoise
from colora_theory.designs.noise import HeteroscedasticNoise as HeteroscedasticNoise
from colora_theory.designs.noise import StudentTNoise as StudentTNoise
from colora_theory.designs.structured import RankOneGaussian as RankOneGaussian
from colora_theory.designs.structured import UniformEntries as UniformEntries
from colora_theory.designs.structured import VectorOutputGaussian as VectorOutputGaussian
