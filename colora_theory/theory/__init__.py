"""Formulas and bounds, one topic per file; statements and proofs in docs/theory.md."""

from colora_theory.theory.counting import collaboration_gain as collaboration_gain
from colora_theory.theory.counting import degrees_of_freedom as degrees_of_freedom
from colora_theory.theory.counting import degrees_of_freedom_alone as degrees_of_freedom_alone
from colora_theory.theory.counting import identifiability_rank as identifiability_rank
from colora_theory.theory.counting import necessary_samples as necessary_samples
from colora_theory.theory.counting import oversampling as oversampling
