"""From a configuration to chunks: the same configuration always gives the same partition."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Self

import pyarrow as pa

from colora_theory.experiments.chunk import AbstractChunk, in_words
from colora_theory.experiments.config import AnyConfig, FamilyConfig, Grid
from colora_theory.experiments.designs import DESIGNS
from colora_theory.experiments.draw import Draw, Rank, samples_for
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.family import plan as family
from colora_theory.experiments.methods import METHODS
from colora_theory.experiments.provenance import source_hash
from colora_theory.experiments.seeding import fingerprint

# A chunk is what is lost when a sweep is killed: a matter of seconds, and of memory that every machine has.
MAX_LANES = 32
MAX_BYTES = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A method and the start it sets out from."""

    method: str
    start: str


@dataclasses.dataclass(frozen=True)
class Layout:
    """What draws must have in common to be handled by one compiled program.

    Attributes:
        num_users: k.
        num_rows: d1.
        num_cols: d2.
        rank: (r1, r2).
        capacity: samples per user after padding.
        misaligned: whether the users have subspaces of their own.
        conditioned: whether the condition number is prescribed.
        design: name of the design.
        noise_kind: name of the kind of noise.
        width: number of lanes. The chunks of a group share it, so a shorter one needs no program of its own.
    """

    num_users: int
    num_rows: int
    num_cols: int
    rank: Rank
    capacity: int
    misaligned: bool
    conditioned: bool
    design: str
    noise_kind: str
    width: int

    @property
    def lane_bytes(self) -> int:
        """Size of the design of one draw."""
        return (
            8 * self.num_users * self.capacity * DESIGNS[self.design].numbers_per_sample(self.num_rows, self.num_cols)
        )


@dataclasses.dataclass(frozen=True)
class Chunk(AbstractChunk):
    """Draws of one layout, each solved by every recipe."""

    layout: Layout
    draws: tuple[Draw, ...]
    recipes: tuple[Recipe, ...]
    max_steps: int
    trace: bool
    predict: tuple[str, ...]

    @property
    def id(self) -> str:
        """See `AbstractChunk`."""
        versions = {recipe.method: version for recipe in self.recipes if (version := METHODS[recipe.method].version)}
        own = {"versions": versions} if versions else {}
        return fingerprint(dataclasses.asdict(self) | {"source": source_hash()} | own)[:32]

    @property
    def num_recipes(self) -> int:
        """See `AbstractChunk`."""
        return len(self.recipes)

    @property
    def lane_bytes(self) -> int:
        """See `AbstractChunk`."""
        return self.layout.lane_bytes

    def with_draws(self, draws: tuple[Draw, ...]) -> Self:
        """See `AbstractChunk`; they are lanes of a program of their own."""
        return dataclasses.replace(self, layout=dataclasses.replace(self.layout, width=len(draws)), draws=draws)

    def compute(self) -> pa.Table:
        """See `AbstractChunk`."""
        from colora_theory.experiments.trial import run_chunk

        return run_chunk(self)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A sweep in one preset, cut into chunks."""

    sweep: str
    preset: str
    chunks: tuple[AbstractChunk, ...]

    @property
    def config_hash(self) -> str:
        """A name for all of the rows in their order."""
        return fingerprint([chunk.id for chunk in self.chunks])

    @property
    def num_cells(self) -> int:
        """Number of rows."""
        return sum(chunk.num_cells for chunk in self.chunks)


def make_plan(config: AnyConfig, preset: str) -> Plan:
    """Cut every grid of `config` into chunks, in the order of the grids.

    Raises:
        ConfigError: If two grids have a cell in common, which would count twice.
    """
    if isinstance(config, FamilyConfig):
        return Plan(config.name, preset, family.chunks(config.family))
    # Two values of the oversampling can round to the same number of samples: those draws are one.
    drawn = [tuple(dict.fromkeys(draws(grid))) for grid in config.grid]
    _refuse_common(config.grid, drawn)
    chunks = tuple(itertools.chain.from_iterable(map(_chunks, config.grid, drawn)))
    return Plan(config.name, preset, chunks)


def _refuse_common(grids: Sequence[Grid], drawn: Sequence[tuple[Draw, ...]]) -> None:
    owners: dict[Draw, list[int]] = {}
    for number, draws_of_grid in enumerate(drawn):
        for draw in draws_of_grid:
            for other in owners.setdefault(draw, []):
                common = [recipe for recipe in recipes(grids[number]) if recipe in recipes(grids[other])]
                if common and grids[number].max_steps == grids[other].max_steps:
                    raise ConfigError(
                        f"grids {other + 1} and {number + 1} have a cell in common, take it out of one of them: "
                        f"method {common[0].method!r} from start {common[0].start!r}, {in_words(draw)}"
                    )
            owners[draw].append(number)


def recipes(grid: Grid) -> tuple[Recipe, ...]:
    """Every method from every start; a method with a start of its own once, whatever the starts of the grid."""
    pairs = (
        Recipe(method, METHODS[method].own_start or start)
        for method in grid.values("method")
        for start in grid.values("start")
    )
    return tuple(dict.fromkeys(pairs))


def draws(grid: Grid) -> Iterator[Draw]:
    """The Cartesian product of the data axes; seeds run fastest."""
    samples = "num_samples" if grid.oversampling is None else "oversampling"
    axes = [field.name for field in dataclasses.fields(Draw) if field.name not in ("num_samples", "seed")]
    for *values, amount, seed in itertools.product(*map(grid.values, [*axes, samples]), range(grid.num_seeds)):
        point = dict(zip(axes, values, strict=True))
        num_samples = amount
        if samples == "oversampling":
            shape = (point[name] for name in ("num_users", "num_rows", "num_cols", "rank", "design"))
            num_samples = samples_for(amount, *shape)
        yield Draw(**point, num_samples=num_samples, seed=seed)


def _chunks(grid: Grid, drawn: Sequence[Draw]) -> Iterator[Chunk]:
    groups: dict[Layout, list[Draw]] = {}
    for draw in drawn:
        groups.setdefault(_single_lane(draw), []).append(draw)
    for lane, group in groups.items():
        limit = max(1, min(MAX_LANES, MAX_BYTES // lane.lane_bytes))
        # Of equal length up to one, so that padding to the width costs at most one lane.
        number = math.ceil(len(group) / limit)
        layout = dataclasses.replace(lane, width=math.ceil(len(group) / number))
        cuts = [len(group) * index // number for index in range(number + 1)]
        for begin, end in itertools.pairwise(cuts):
            cells = tuple(group[begin:end]), recipes(grid)
            yield Chunk(layout, *cells, grid.max_steps, grid.trace, tuple(grid.predict))


def _single_lane(draw: Draw) -> Layout:
    capacity, most = padded(draw.num_samples), _most_samples(draw.design, draw.num_rows, draw.num_cols)
    return Layout(
        draw.num_users,
        draw.num_rows,
        draw.num_cols,
        draw.rank,
        capacity=capacity if most is None else min(capacity, most),
        misaligned=draw.misalignment is not None,
        conditioned=draw.condition_number is not None,
        design=draw.design,
        noise_kind=draw.noise_kind,
        width=1,
    )


@functools.cache  # Asked for every draw, and to look up a method of an equinox module takes a tenth of a millisecond.
def _most_samples(design: str, num_rows: int, num_cols: int) -> int | None:
    return DESIGNS[design].most_samples(num_rows, num_cols)


def padded(num_samples: int) -> int:
    """The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: few shapes to compile, at most a third of the work in vain."""
    power = 1 << (num_samples - 1).bit_length()
    three_quarters = 3 * power // 4
    return three_quarters if power >= 4 and three_quarters >= num_samples else power
