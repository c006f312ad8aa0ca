"""Formulas and bounds, one topic per file; statements and proofs in docs/theory.md."""

from colora_theory.theory.counting import collaboration_gain as collaboration_gain
from colora_theory.theory.counting import degrees_of_freedom as degrees_of_freedom
from colora_theory.theory.counting import degrees_of_freedom_alone as degrees_of_freedom_alone
from colora_theory.theory.counting import identifiability_rank as identifiability_rank
from colora_theory.theory.counting import necessary_samples as necessary_samples
from colora_theory.theory.counting import oversampling as oversampling
from colora_theory.theory.cramer_rao import CramerRao as CramerRao
from colora_theory.theory.cramer_rao import cramer_rao as cramer_rao
from colora_theory.theory.isometry import core_isometry as core_isometry
from colora_theory.theory.isometry import isometry_constant as isometry_constant
from colora_theory.theory.isometry import spread_isometry_bound as spread_isometry_bound
from colora_theory.theory.laws import contraction_law as contraction_law
from colora_theory.theory.laws import noise_law as noise_law
from colora_theory.theory.overlap import StartOverlap as StartOverlap
from colora_theory.theory.overlap import start_overlap as start_overlap
from colora_theory.theory.plan import Plan as Plan
from colora_theory.theory.plan import plan as plan
from colora_theory.theory.rates import contraction_factor as contraction_factor
from colora_theory.theory.tangent import TangentGram as TangentGram
from colora_theory.theory.transfer import TransferErrors as TransferErrors
from colora_theory.theory.transfer import misalignment_crossing as misalignment_crossing
from colora_theory.theory.transfer import transfer_errors as transfer_errors
