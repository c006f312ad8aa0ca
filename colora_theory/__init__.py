"""Reference software for the theory of collaborative low-rank adaptation (CoLoRA).

k users fine-tune one frozen model together, W_i = W_0 + U C_i V^T: shared subspaces U and V, personal cores C_i.
"""

from colora_theory import baselines as baselines
from colora_theory import designs as designs
from colora_theory import inference as inference
from colora_theory import metrics as metrics
from colora_theory import selection as selection
from colora_theory import sensing as sensing
from colora_theory import solvers as solvers
from colora_theory import starts as starts
from colora_theory import streaming as streaming
from colora_theory import theory as theory
from colora_theory.bootstrap import Bootstrap as Bootstrap
from colora_theory.bootstrap import bootstrap as bootstrap
from colora_theory.communication import Communication as Communication
from colora_theory.communication import communication as communication
from colora_theory.empirical_bayes import Prior as Prior
from colora_theory.empirical_bayes import Shrunk as Shrunk
from colora_theory.empirical_bayes import shrink as shrink
from colora_theory.factors import Factors as Factors
from colora_theory.factors import PersonalFactors as PersonalFactors
from colora_theory.federation import Attendance as Attendance
from colora_theory.federation import federated_alternating as federated_alternating
from colora_theory.federation import federated_altgdmin as federated_altgdmin
from colora_theory.fit import ConvergenceWarning as ConvergenceWarning
from colora_theory.fit import FitError as FitError
from colora_theory.fit import fit as fit
from colora_theory.inference import Uncertainty as Uncertainty
from colora_theory.inference import estimate_noise as estimate_noise
from colora_theory.output_moments import OutputMoments as OutputMoments
from colora_theory.problem import IdentifiabilityWarning as IdentifiabilityWarning
from colora_theory.problem import Problem as Problem
from colora_theory.restarts import ESCALATION as ESCALATION
from colora_theory.restarts import solve_with_restarts as solve_with_restarts
from colora_theory.selection import Comparison as Comparison
from colora_theory.selection import RankSelection as RankSelection
from colora_theory.selection import compare as compare
from colora_theory.selection import select_rank as select_rank
from colora_theory.sharding import shard as shard
from colora_theory.sharding import shard_processes as shard_processes
from colora_theory.sharding import unshard as unshard
from colora_theory.solution import Attempts as Attempts
from colora_theory.solution import Solution as Solution
from colora_theory.solution import Status as Status
from colora_theory.solution import Trace as Trace
from colora_theory.solve import solve as solve
from colora_theory.synthetic import Instance as Instance
from colora_theory.synthetic import TaskFamily as TaskFamily
from colora_theory.synthetic import sample_instance as sample_instance
from colora_theory.whitening import Whitened as Whitened
from colora_theory.whitening import side_covariances as side_covariances
from colora_theory.whitening import whiten as whiten
