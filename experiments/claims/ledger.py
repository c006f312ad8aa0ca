"""All claims: adding one is one entry in one of the modules that are gathered here."""

from collections.abc import Sequence

from colora_theory.experiments.claims import (
    abstract,
    communication,
    designs,
    family,
    mixtures,
    ours,
    outliers,
    plans,
    posterior,
    predictions,
    published,
    retrieval,
    sharing,
)
from colora_theory.experiments.claims.claim import Claim
from colora_theory.experiments.errors import ConfigError, unknown_name

_MODULES = (
    abstract,
    ours,
    predictions,
    plans,
    designs,
    communication,
    published,
    family,
    sharing,
    mixtures,
    outliers,
    posterior,
    retrieval,
)
CLAIMS: dict[str, Claim] = {claim.name: claim for module in _MODULES for claim in module.CLAIMS}


def find_claims(names: Sequence[str]) -> list[Claim]:
    """The claims of those names, all of them if none is given.

    Raises:
        ConfigError: If there is no such claim.
    """
    for name in names:
        if name not in CLAIMS:
            raise ConfigError(unknown_name("claim", name, CLAIMS))
    return [CLAIMS[name] for name in names] if names else list(CLAIMS.values())
