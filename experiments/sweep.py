"""A sweep: a claim, what would refute it, and the grids that put it to the test."""

import dataclasses
from collections.abc import Mapping, Sequence

from colora_theory.experiments.config import AnyConfig, FamilyConfig, Grid, SweepConfig
from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.family.grid import FamilyGrid


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A named experiment.

    Attributes:
        name: also the name of its folder in the results.
        claim: what should be seen.
        refuted_if: what would show that the claim is wrong.
        presets: grids by the name of a preset, all of one kind.
    """

    name: str
    claim: str
    refuted_if: str
    presets: Mapping[str, Sequence[Grid]] | Mapping[str, Sequence[FamilyGrid]]

    def config(self, preset: str) -> AnyConfig:
        """The configuration of one preset.

        Raises:
            ConfigError: If there is no such preset.
        """
        if preset not in self.presets:
            raise ConfigError(unknown_name("preset", preset, self.presets))
        grids = self.presets[preset]
        family = [grid for grid in grids if isinstance(grid, FamilyGrid)]
        if family:
            return FamilyConfig(name=self.name, family=family)
        return SweepConfig(name=self.name, grid=[grid for grid in grids if isinstance(grid, Grid)])
