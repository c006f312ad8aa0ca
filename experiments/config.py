"""What a sweep runs: grids of axes, checked before anything is computed."""

import itertools
import math
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from colora_theory.experiments.designs import DESIGNS, NOISE_KINDS
from colora_theory.experiments.draw import Rank, samples_for
from colora_theory.experiments.errors import ConfigError, shown, unknown_name
from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.methods import METHODS, STARTS
from colora_theory.experiments.predictions import PREDICTIONS
from colora_theory.experiments.schema import LARGEST_INTEGER, MOST_CELLS, Axes, Strict, check_cells
from colora_theory.factors import check_rank

# Far beyond what anyone writes by hand: what is larger is not a file of grids, and would be read or planned for hours.
_LARGEST_FILE = 2**20
_MOST_STEPS = 10**6
_LONGEST_NAME = 100
_DEEP_KEY = re.compile(rb"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){32}""")


class Grid(Axes):
    """A Cartesian product of axes: every axis takes one value or a list of values.

    The samples of a user are given either by `num_samples` or by `oversampling`, the number of scalar measurements
    of all users over the degrees of freedom. `max_steps`, `num_seeds`, `trace` and `predict`, the theory to be
    put beside what is measured, hold for the whole grid.
    """

    num_users: int | list[int] = Field(description="an integer")
    num_rows: int | list[int] = Field(description="an integer")
    num_cols: int | list[int] = Field(description="an integer")
    rank: int | list[int] | list[list[int]] = Field(description="an integer or a pair [left, right]; a list of pairs")
    num_samples: int | list[int] | None = Field(None, description="an integer, samples of one user")
    oversampling: float | list[float] | None = Field(None, description="a number, measurements over unknowns")
    similarity: float | list[float] = Field(0.0, description="a number in [0, 1]")
    misalignment: float | list[float] | None = Field(None, description="a number in [0, 1], sine of an angle")
    condition_number: float | list[float] | None = Field(None, description="a number of at least 1")
    noise: float | list[float] = Field(0.0, description="a number, standard deviation of the noise")
    design: str | list[str] = Field("gaussian", description="a name")
    noise_kind: str | list[str] = Field("gaussian", description="a name")
    method: str | list[str] = Field("alternating", description="a name")
    start: str | list[str] = Field("stacked", description="a name")
    max_steps: int = Field(500, description="one integer")
    num_seeds: int = Field(1, description="one integer")
    trace: bool = Field(False, description="true or false")
    predict: list[str] = Field([], description="a list of names")

    bounds: ClassVar[dict[str, tuple[float, float]]] = {
        "num_users": (1, LARGEST_INTEGER),
        "num_rows": (1, LARGEST_INTEGER),
        "num_cols": (1, LARGEST_INTEGER),
        "num_samples": (1, LARGEST_INTEGER),
        "similarity": (0, 1),
        "misalignment": (0, 1),
        "condition_number": (1, math.inf),
        "noise": (0, math.inf),
        "max_steps": (1, _MOST_STEPS),
        "num_seeds": (1, MOST_CELLS),
    }

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_axes(may_be_empty=("predict",))
        for pair in self.ranks:
            if max(map(abs, pair)) > LARGEST_INTEGER:
                raise ValueError(f"rank {shown(pair)} exceeds {LARGEST_INTEGER}")
        if (self.num_samples is None) == (self.oversampling is None):
            raise ValueError("give exactly one of num_samples and oversampling")
        for value in self.values("oversampling"):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"oversampling {value} must be positive and finite")
            if value is not None and value > LARGEST_INTEGER:
                raise ValueError(f"oversampling {value} exceeds {LARGEST_INTEGER}")
        registries: dict[str, tuple[str, Collection[str]]] = {
            "design": ("design", DESIGNS),
            "noise_kind": ("kind of noise", NOISE_KINDS),
            "method": ("method", METHODS),
            "start": ("start", STARTS),
            "predict": ("prediction", PREDICTIONS),
        }
        for axis, (kind, known) in registries.items():
            for name in self.values(axis):
                if name not in known:
                    raise ValueError(unknown_name(kind, name, known))
        check_cells(self.num_cells)
        turned = [sine for sine in self.values("misalignment") if sine is not None]
        for name in self.predict:
            if turned and not PREDICTIONS[name].misaligned:
                raise ValueError(f"predict {name!r} needs shared subspaces, not those of misalignment {turned[0]}")
        shapes = (self.values(name) for name in ("num_users", "num_rows", "num_cols", "rank"))
        for num_users, num_rows, num_cols, rank in itertools.product(*shapes):
            check_rank(rank, num_users, num_rows, num_cols)
            for design in self.values("design"):
                self._check_samples(design, num_users, num_rows, num_cols, rank)
        for name in type(self).model_fields:
            seen = set()
            for value in self.values(name):
                if value in seen:
                    raise ValueError(f"{name} lists {value} twice; every value may be given once")
                seen.add(value)
        return self

    def _check_samples(self, design: str, num_users: int, num_rows: int, num_cols: int, rank: Rank) -> None:
        counts = [count for count in self.values("num_samples") if count is not None]
        for amount in self.values("oversampling"):
            if amount is not None:
                counts.append(samples_for(amount, num_users, num_rows, num_cols, rank, design))
        most = DESIGNS[design].most_samples(num_rows, num_cols)
        if most is not None and max(counts) > most:
            raise ValueError(f"num_samples {max(counts)} exceeds the {most} that design {design!r} has for a user")
        if max(counts) > LARGEST_INTEGER:
            raise ValueError(f"oversampling asks for num_samples {max(counts)}, which exceeds {LARGEST_INTEGER}")

    @property
    def num_cells(self) -> int:
        """Number of rows at most: one for each draw, method and start."""
        whole = {"max_steps", "num_seeds", "trace", "predict"}
        return self.num_seeds * math.prod(
            len(self.values(name)) for name in type(self).model_fields if name not in whole
        )

    def values(self, name: str) -> list[Any]:
        """The values of one axis, a scalar as a list of one."""
        return self.ranks if name == "rank" else super().values(name)

    @property
    def ranks(self) -> list[Rank]:
        """The ranks as pairs (left, right): a flat list of two is one pair."""
        if isinstance(self.rank, int):
            return [(self.rank, self.rank)]
        pairs: list[Any] = self.rank if any(isinstance(item, list) for item in self.rank) else [self.rank]
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError(f"rank {shown(pair)} is not a pair [left, right]; several ranks are a list of pairs")
        return [(left, right) for left, right in pairs]


class _Named(Strict):
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        max_length=_LONGEST_NAME,
        description=f"at most {_LONGEST_NAME} letters, digits, - and _",
    )


class SweepConfig(_Named):
    """A named list of grids: the schema of a TOML file for `colora sweep`."""

    grid: list[Grid] = Field(min_length=1, description="at least one [[grid]]")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_cells(sum(grid.num_cells for grid in self.grid))
        return self


class FamilyConfig(_Named):
    """A named list of grids of the family: the schema of a TOML file with [[family]] in the place of [[grid]]."""

    family: list[FamilyGrid] = Field(min_length=1, description="at least one [[family]]")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_cells(sum(grid.num_cells for grid in self.family))
        return self


AnyConfig = SweepConfig | FamilyConfig


def schema_of(document: Mapping[str, Any]) -> type[SweepConfig] | type[FamilyConfig]:
    """What a document is to be: its key says which grids it has."""
    return FamilyConfig if "family" in document else SweepConfig


def load_config(path: Path) -> AnyConfig:
    """Read a user's own sweep from a TOML file.

    Raises:
        ConfigError: If the file cannot be read, is not TOML, or does not fit the schema; the message says where.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError(f"{path} is larger than {_LARGEST_FILE} bytes, the most that is read as a file of grids")
    if _DEEP_KEY.search(content):
        raise ConfigError(
            f"{path} has a key of 32 parts or more, with dots between them; a grid needs no dots in its keys"
        )
    try:
        # Some editors begin a file with a byte order mark.
        document = tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply; a grid needs lists of lists at most") from error
    except ValueError as error:  # Not only TOMLDecodeError: dates and numbers raise others.
        raise ConfigError(f"{path} is not a TOML file: {str(error)[:200]}") from error
    schema = schema_of(document)
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, schema)}") from error


def explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """The first complaint of pydantic as one line in the words of the schema."""
    first = error.errors()[0]
    where, location = "", list(first["loc"])
    grids: dict[str, type[Strict]] = {"grid": Grid, "family": FamilyGrid}
    if len(location) > 1 and location[0] in grids:
        kind = str(location[0])
        where, schema, location = f"{kind} {int(location[1]) + 1}: ", grids[kind], location[2:]
    key = str(location[0]) if location else ""
    match first["type"]:
        case "value_error":
            return where + str(first["ctx"]["error"])
        case "extra_forbidden":
            return where + unknown_name("key", key, schema.model_fields)
        case "missing":
            return f"{where}{key} is missing; it is {schema.model_fields[key].description}"
        case _:
            wanted = schema.model_fields[key].description if key else "a table of axes"
            return f"{where}{key} = {shown(first['input'])} does not fit; it is {wanted}"
