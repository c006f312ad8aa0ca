"""First guesses of the subspaces, one file each."""

from colora_theory.starts.annealed import Annealed as Annealed
from colora_theory.starts.base import AbstractStart as AbstractStart
from colora_theory.starts.base import first_guess as first_guess
from colora_theory.starts.base import fit_cores as fit_cores
from colora_theory.starts.corrected import Corrected as Corrected
from colora_theory.starts.few_users import FewUsers as FewUsers
from colora_theory.starts.method_of_moments import MethodOfMoments as MethodOfMoments
from colora_theory.starts.near import Near as Near
from colora_theory.starts.pooled import Pooled as Pooled
from colora_theory.starts.random import Random as Random
from colora_theory.starts.stacked import Stacked as Stacked
from colora_theory.starts.turned import Turned as Turned
from colora_theory.starts.two_replica import TwoReplica as TwoReplica
from colora_theory.starts.weighted import Weighted as Weighted
