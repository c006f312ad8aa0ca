"""Estimators to compare with, one file each."""

from colora_theory.baselines.alone import alone as alone
from colora_theory.baselines.averaged_lora import average_factors as average_factors
from colora_theory.baselines.averaged_lora import average_products as average_products
from colora_theory.baselines.fed_sgd import fed_sgd as fed_sgd
from colora_theory.baselines.nuclear_norm import nuclear_norm as nuclear_norm
from colora_theory.baselines.oracle import oracle as oracle
from colora_theory.baselines.pooled import pooled as pooled
