"""What operators that wrap another one have in common."""

from colora_theory.sensing.base import AbstractSensing


class AbstractWrapped(AbstractSensing):
    """An operator of the sizes and units of another one.

    Attributes:
        sensing: the other one.
    """

    sensing: AbstractSensing

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        return self.sensing.weights_shape

    @property
    def num_samples(self) -> int:
        return self.sensing.num_samples

    @property
    def moment_factor(self) -> float:
        return self.sensing.moment_factor

    def measurements_of_core(self, rank: tuple[int, int]) -> int:
        return self.sensing.measurements_of_core(rank)
