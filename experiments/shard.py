"""The share of one of several runs that know nothing of each other."""

import dataclasses
import re
from typing import TYPE_CHECKING

from colora_theory.experiments.errors import ConfigError, shown

if TYPE_CHECKING:
    from colora_theory.experiments.chunk import AbstractChunk
    from colora_theory.experiments.plan import Plan


@dataclasses.dataclass(frozen=True)
class Shard:
    """Number `index` of `count` shares, the first being 1."""

    index: int = 1
    count: int = 1

    def of(self, plan: "Plan") -> "tuple[AbstractChunk, ...]":
        """Every `count`-th chunk: neighbours take about as long, so the shares do, too."""
        return plan.chunks[self.index - 1 :: self.count]


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """From "2/8".

    Raises:
        ConfigError: If it is not a share.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None:
        raise ConfigError(f"--shard {shown(text)} is not a share like 2/8, the second of eight")
    index, count = map(int, found.groups())
    if not 1 <= index <= count:
        raise ConfigError(f"--shard {text}: {index} is outside 1 to {count}; the first share is 1/{count}")
    return Shard(index, count)
