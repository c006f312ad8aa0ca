"""Measurement operators, one file each."""

from colora_theory.sensing.base import AbstractRestriction as AbstractRestriction
from colora_theory.sensing.base import AbstractSensing as AbstractSensing
from colora_theory.sensing.base import NormalSystem as NormalSystem
from colora_theory.sensing.base import own_normal as own_normal
from colora_theory.sensing.base import shared_normal as shared_normal
from colora_theory.sensing.dense import Dense as Dense
