"""All truths and fits of the family by name: adding a module of them is one line here."""

from collections.abc import Mapping

from colora_theory.experiments.family import (
    budgeted,
    collaborative,
    fits,
    mixtures,
    outliers,
    posterior,
    retrieval,
    smooth,
    truths,
)
from colora_theory.experiments.family.fits import Fit
from colora_theory.experiments.family.truths import Truth

_MODULES = (truths, collaborative, budgeted, mixtures, outliers, posterior, retrieval)
TRUTHS: Mapping[str, Truth] = {name: truth for module in _MODULES for name, truth in module.TRUTHS.items()}
FITS: Mapping[str, Fit] = {
    name: fit
    for module in (fits, smooth, collaborative, budgeted, mixtures, outliers, posterior, retrieval)
    for name, fit in module.FITS.items()
}
