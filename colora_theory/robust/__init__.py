"""Fits that stand users unlike the rest, and noise with heavy tails."""

from colora_theory.robust.heavy_tails import HuberFit, huber
from colora_theory.robust.outliers import RobustFit, fit
from colora_theory.robust.scores import UserScores

__all__ = ["HuberFit", "RobustFit", "UserScores", "fit", "huber"]
