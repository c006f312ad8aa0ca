"""Reference software for the theory of collaborative low-rank adaptation (CoLoRA).

k users fine-tune one frozen model together, W_i = W_0 + U C_i V^T: shared subspaces U and V, personal cores C_i.
"""

from . import baselines as baselines
from . import designs as designs
from . import inference as inference
from . import metrics as metrics
from . import selection as selection
from . import sensing as sensing
from . import solvers as solvers
from . import starts as starts
from . import streaming as streaming
from . import structures as structures
from . import theory as theory
from .bootstrap import Bootstrap as Bootstrap
from .bootstrap import bootstrap as bootstrap
from .communication import Communication as Communication
from .communication import communication as communication
from .empirical_bayes import Prior as Prior
from .empirical_bayes import Shrunk as Shrunk
from .empirical_bayes import shrink as shrink
from .factors import Factors as Factors
from .factors import PersonalFactors as PersonalFactors
from .federation import Attendance as Attendance
from .federation import federated_alternating as federated_alternating
from .federation import federated_altgdmin as federated_altgdmin
from .fit import ConvergenceWarning as ConvergenceWarning
from .fit import FitError as FitError
from .fit import fit as fit
from .frames import user_names as user_names
from .inference import Uncertainty as Uncertainty
from .inference import estimate_noise as estimate_noise
from .output_moments import OutputMoments as OutputMoments
from .problem import IdentifiabilityWarning as IdentifiabilityWarning
from .problem import Problem as Problem
from .restarts import ESCALATION as ESCALATION
from .restarts import solve_with_restarts as solve_with_restarts
from .selection import Comparison as Comparison
from .selection import RankSelection as RankSelection
from .selection import choose_structure as choose_structure
from .selection import compare as compare
from .selection import select_rank as select_rank
from .sharding import shard as shard
from .sharding import shard_processes as shard_processes
from .sharding import unshard as unshard
from .solution import Attempts as Attempts
from .solution import Solution as Solution
from .solution import Status as Status
from .solution import Trace as Trace
from .solve import solve as solve
from .synthetic import Instance as Instance
from .synthetic import TaskFamily as TaskFamily
from .synthetic import sample_instance as sample_instance
from .whitening import Whitened as Whitened
from .whitening import side_covariances as side_covariances
from .whitening import whiten as whiten
