"""A sweep: a claim, what would refute it, and the grids that put it to the test."""

import dataclasses
from collections.abc import Mapping, Sequence

from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.errors import ConfigError, unknown_name


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A named experiment.

    Attributes:
        name: also the name of its folder in the results.
        claim: what should be seen.
        refuted_if: what would show that the claim is wrong.
        presets: grids by the name of a preset.
    """

    name: str
    claim: str
    refuted_if: str
    presets: Mapping[str, Sequence[Grid]]

    def config(self, preset: str) -> SweepConfig:
        """The configuration of one preset.

        Raises:
            ConfigError: If there is no such preset.
        """
        if preset not in self.presets:
            raise ConfigError(unknown_name("preset", preset, self.presets))
        return SweepConfig(name=self.name, grid=list(self.presets[preset]))
