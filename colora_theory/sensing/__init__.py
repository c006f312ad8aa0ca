"""Measurement operators, one file each."""

from colora_theory.sensing.base import AbstractRestriction as AbstractRestriction
from colora_theory.sensing.base import AbstractSensing as AbstractSensing
from colora_theory.sensing.base import NormalSystem as NormalSystem
from colora_theory.sensing.base import own_normal as own_normal
from colora_theory.sensing.base import shared_normal as shared_normal
from colora_theory.sensing.dense import Dense as Dense
from colora_theory.sensing.entry_mask import EntryMask as EntryMask
from colora_theory.sensing.rank_one import RankOne as RankOne
from colora_theory.sensing.scaled import Scaled as Scaled
from colora_theory.sensing.sharded import Sharded as Sharded
from colora_theory.sensing.streamed import Streamed as Streamed
from colora_theory.sensing.vector_output import VectorOutput as VectorOutput
