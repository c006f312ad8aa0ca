"""Which rank the data support, whether the users should share, and by which structure."""

from colora_theory.selection.comparison import Comparison as Comparison
from colora_theory.selection.comparison import Gain as Gain
from colora_theory.selection.comparison import compare as compare
from colora_theory.selection.criterion import information_criterion as information_criterion
from colora_theory.selection.rank_selection import Candidate as Candidate
from colora_theory.selection.rank_selection import RankSelection as RankSelection
from colora_theory.selection.rank_selection import select_rank as select_rank
from colora_theory.selection.samples import AbstractSamples as AbstractSamples
from colora_theory.selection.samples import OutputSamples as OutputSamples
from colora_theory.selection.samples import ProblemSamples as ProblemSamples
from colora_theory.selection.samples import assign_folds as assign_folds
from colora_theory.selection.structure_choice import StructureCandidate as StructureCandidate
from colora_theory.selection.structure_choice import StructureChoice as StructureChoice
from colora_theory.selection.structure_choice import choose_structure as choose_structure
from colora_theory.selection.structure_choice import default_structures as default_structures
