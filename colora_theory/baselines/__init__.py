"""Estimators to compare with, one file each."""

from colora_theory.baselines.alone import alone as alone
from colora_theory.baselines.oracle import oracle as oracle
from colora_theory.baselines.pooled import pooled as pooled
