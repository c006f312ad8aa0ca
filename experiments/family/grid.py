"""The grids of the family: truths, sizes and fits, checked before anything is computed."""

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterator
from typing import ClassVar, Self

from pydantic import Field, model_validator

from colora_theory.experiments.errors import shown, unknown_name
from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.registry import FITS, TRUTHS
from colora_theory.experiments.schema import LARGEST_INTEGER, MOST_CELLS, Axes, check_cells


class FamilyGrid(Axes):
    """A Cartesian product of axes: every axis takes one value or a list of values.

    The samples of a user are given either by `num_samples` or by `oversampling`, the measurements of all users over the
    degrees of freedom of the truth. `level` is the axis that some truths have of their own.
    """

    truth: str | list[str] = Field(description="a name")
    method: str | list[str] = Field(description="a name")
    num_users: int | list[int] = Field(description="an integer")
    num_rows: int | list[int] = Field(description="an integer")
    num_cols: int | list[int] = Field(description="an integer")
    num_samples: int | list[int] | None = Field(None, description="an integer, samples of one user")
    oversampling: float | list[float] | None = Field(None, description="a number, measurements over unknowns")
    level: float | list[float] | None = Field(None, description="a number, what the truth says")
    noise: float | list[float] = Field(0.0, description="a number, standard deviation over that of the signal")
    num_seeds: int = Field(1, description="one integer")

    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "num_users": (1, LARGEST_INTEGER),
        "num_rows": (1, LARGEST_INTEGER),
        "num_cols": (1, LARGEST_INTEGER),
        "num_samples": (1, LARGEST_INTEGER),
        "noise": (0, math.inf),
        "num_seeds": (1, MOST_CELLS),
    }

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_axes()
        for name in type(self).model_fields:
            values = self.values(name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} lists a value twice: {shown(values)}; every value may be given once")
        registries: dict[str, Collection[str]] = {"truth": TRUTHS, "method": FITS}
        for axis, known in registries.items():
            for name in self.values(axis):
                if name not in known:
                    raise ValueError(unknown_name(axis, name, known))
        if (self.num_samples is None) == (self.oversampling is None):
            raise ValueError("give exactly one of num_samples and oversampling")
        for value in self.values("oversampling"):
            if value is not None and not 0 < value <= LARGEST_INTEGER:
                raise ValueError(f"oversampling {value} must be positive and at most {LARGEST_INTEGER}")
        for name, level in itertools.product(self.values("truth"), self.values("level")):
            if bool(TRUTHS[name].level) != (level is not None):
                wanted = f"a level, {TRUTHS[name].level}" if TRUTHS[name].level else "no level"
                raise ValueError(f"level {level} does not fit truth {name!r}, which has {wanted}")
        check_cells(self.num_cells)
        for draw in self.model_copy(update={"num_seeds": 1}).draws():
            TRUTHS[draw.truth].unknowns(draw)
        return self

    @property
    def num_cells(self) -> int:
        """Number of rows: one for each draw and method."""
        axes = [name for name in type(self).model_fields if name != "num_seeds"]
        return self.num_seeds * math.prod(len(self.values(name)) for name in axes)

    def draws(self) -> Iterator[FamilyDraw]:
        """The Cartesian product of the data axes; seeds run fastest."""
        axes = ["truth", "num_users", "num_rows", "num_cols", "noise", "level"]
        amounts = "num_samples" if self.oversampling is None else "oversampling"
        for *values, amount, seed in itertools.product(*map(self.values, [*axes, amounts]), range(self.num_seeds)):
            draw = FamilyDraw(**dict(zip(axes, values, strict=True)), num_samples=1, seed=seed)
            samples = amount if self.oversampling is None else _samples_for(amount, draw)
            yield dataclasses.replace(draw, num_samples=samples)


def _samples_for(oversampling: float, draw: FamilyDraw) -> int:
    """The fewest samples per user with so many measurements over degrees of freedom."""
    return math.ceil(oversampling * TRUTHS[draw.truth].unknowns(draw) / draw.num_users)
