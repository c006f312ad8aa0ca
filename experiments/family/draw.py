"""One drawn instance of the family: the axes that define its data, and what is known of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

import colora_theory as ct
from colora_theory.structures import AbstractStructure, Parameters


@dataclasses.dataclass(frozen=True)
class FamilyDraw:
    """Everything that the data of one cell depend on.

    Attributes:
        truth: name of the truth.
        num_users: k.
        num_rows: d1.
        num_cols: d2.
        num_samples: of one user.
        noise: standard deviation of the noise over the root mean square of the measurements without it.
        seed: number of the draw.
        level: the axis that a truth has of its own; None if it has none.
    """

    truth: str
    num_users: int
    num_rows: int
    num_cols: int
    num_samples: int
    noise: float
    seed: int
    level: float | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(k, d1, d2)."""
        return self.num_users, self.num_rows, self.num_cols


@dataclasses.dataclass(frozen=True)
class FamilyInstance:
    """Data with the truth that they were made of.

    Attributes:
        problem: the data.
        weights: the users' true weights, shape (k, d1, d2).
        sigma: standard deviation of the noise.
        judged: the users whose errors count, shape (k,).
        structure: of the truth, if its Cramer-Rao bound is to be told.
        parameters: of the truth, if its Cramer-Rao bound is to be told.
        known: what else single fits may need, by name.
    """

    problem: ct.Problem
    weights: np.ndarray
    sigma: float
    judged: np.ndarray
    structure: AbstractStructure | None = None
    parameters: Parameters | None = None
    known: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def bound(self) -> float | None:
        """The Cramer-Rao bound of the judged users' mean squared error; None if it is not told."""
        if self.structure is None or self.parameters is None:
            return None
        per_user = ct.structures.cramer_rao(self.problem, self.structure, self.parameters, self.sigma).per_user
        return float(np.mean(per_user[self.judged]))
