"""What can be said of a fit without knowing the truth: noise, intervals, and whether a new user belongs."""

from colora_theory.inference.adapted import Adapted as Adapted
from colora_theory.inference.adapted import adapt as adapt
from colora_theory.inference.interval import Interval as Interval
from colora_theory.inference.noise import NoiseEstimate as NoiseEstimate
from colora_theory.inference.noise import estimate_noise as estimate_noise
from colora_theory.inference.reliability import Reliability as Reliability
from colora_theory.inference.subspaces import SubspaceBounds as SubspaceBounds
from colora_theory.inference.uncertainty import Uncertainty as Uncertainty
