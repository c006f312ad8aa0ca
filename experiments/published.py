"""Numbers that others have published, and the draws that they are about."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from colora_theory.experiments.draw import Draw

TRIPURANENI = "Tripuraneni, Jin and Jordan, arXiv 2002.11684"
COLLINS = "Collins, Hassani, Mokhtari and Shakkottai, arXiv 2102.07078"
TIAN = "Tian, Gu and Feng, arXiv 2303.17765"

# Their scales in ours, where cores are standard normal. Heads of variance 1/r and noise of standard deviation 1:
NOISE_TRIPURANENI = 5**0.5
# heads of variance 1; designs divided by the root of 10 samples, and noise of 1e-3 afterwards:
NOISE_COLLINS = 1e-3 * 10**0.5
# heads uniform in [-2, 2], of variance 4/3, and noise of standard deviation 1.
NOISE_TIAN = 0.75**0.5


@dataclasses.dataclass(frozen=True)
class Setting:
    """The draws of a published experiment, all of vector tasks: d2 = r2 = 1.

    Attributes:
        num_users: k.
        num_rows: d1.
        rank: r1.
        num_samples: n.
        noise: standard deviation, in our scale.
    """

    num_users: int
    num_rows: int
    rank: int
    num_samples: int
    noise: float

    def covers(self, draw: Draw) -> bool:
        """Whether a draw is one of these."""
        ours = Setting(draw.num_users, draw.num_rows, draw.rank[0], draw.num_samples, draw.noise)
        plain = draw.misalignment is None and draw.condition_number is None and draw.similarity == 0
        return ours == self and plain and draw.num_cols == 1


@dataclasses.dataclass(frozen=True)
class Published:
    """One published number.

    Attributes:
        value: the mean over the runs.
        measure: the column of our tables with the same measure.
        method: the entry of METHODS that does what was done.
        setting: the draws.
        runs: how many there were.
        source: whose number it is.
        max_steps: of the method, where the number of steps was published; None where it was run to its end.
    """

    value: float
    measure: str
    method: str
    setting: Setting
    runs: int
    source: str
    max_steps: int | None = None


def _tripuraneni(method: str, num_samples: int, runs: int, values: dict[int, float]) -> tuple[Published, ...]:
    settings = {num_users: Setting(num_users, 100, 5, num_samples, NOISE_TRIPURANENI) for num_users in values}
    return tuple(
        Published(value, "sine_left", method, settings[num_users], runs, TRIPURANENI)
        for num_users, value in values.items()
    )


def _collins(method: str, squared_sine: float) -> Published:
    setting = Setting(100, 20, 2, 10, NOISE_COLLINS)
    return Published(squared_sine**0.5, "sine_left", method, setting, 1, COLLINS, max_steps=100)


def _tian(method: str, value: float) -> Published:
    return Published(value, "relative_error", method, Setting(50, 50, 5, 100, NOISE_TIAN), 2, TIAN)


PUBLISHED: tuple[Published, ...] = (
    *_tripuraneni(
        "method_of_moments",
        25,
        30,
        {100: 0.997, 200: 0.994, 400: 0.979, 800: 0.868, 1600: 0.635, 3200: 0.432, 6400: 0.310},
    ),
    *_tripuraneni(
        "first_order", 25, 30, {100: 0.955, 200: 0.596, 400: 0.353, 800: 0.234, 1600: 0.165, 3200: 0.115, 6400: 0.089}
    ),
    *_tripuraneni("first_order", 300, 10, {100: 0.166, 6400: 0.019}),
    _collins("fedrep", 7e-7),
    _collins("fed_sgd", 1.0),
    # From two draws of their public code.
    _tian("first_order", 0.13),
    _tian("alone", 0.40),
    _tian("pooled", 0.98),
    _tian("oracle", 0.095),
)


def find_published(draw: Draw, method: str, max_steps: int) -> Published | None:
    """What was published about a method on such draws, None if nothing was."""
    for entry in PUBLISHED:
        if entry.method == method and entry.setting.covers(draw) and entry.max_steps in (None, max_steps):
            return entry
    return None


def compare(entry: Published | None, measured: Mapping[str, Any]) -> dict[str, float | None]:
    """The columns of a row about a published number: itself, and ours over it; null where there is none."""
    if entry is None:
        return {"published": None, "published_ratio": None}
    return {"published": entry.value, "published_ratio": float(measured[entry.measure]) / entry.value}
