"""All truths and fits of the family by name: adding a module of them is one line here."""

from collections.abc import Mapping

from colora_theory.experiments.family import budgeted, collaborative, fits, outliers, smooth, truths
from colora_theory.experiments.family.fits import Fit
from colora_theory.experiments.family.truths import Truth

TRUTHS: Mapping[str, Truth] = {**truths.TRUTHS, **collaborative.TRUTHS, **budgeted.TRUTHS, **outliers.TRUTHS}
FITS: Mapping[str, Fit] = {**fits.FITS, **smooth.FITS, **collaborative.FITS, **budgeted.FITS, **outliers.FITS}
