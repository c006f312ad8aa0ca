"""What the data leave open about the weights when the cores have a prior: closed forms, and their calibration."""

from colora_theory.bayes.closed import given_subspaces as given_subspaces
from colora_theory.bayes.closed import isotropic as isotropic
from colora_theory.bayes.closed import laplace as laplace
from colora_theory.bayes.posterior import Posterior as Posterior
