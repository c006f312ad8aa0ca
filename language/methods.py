"""What users may share when they fine-tune one model."""

import dataclasses
from collections.abc import Callable, Mapping

from colora_theory.structures import AbstractStructure, Alone, Collaborative, Pooled, SharedBoth, SharedRight

# Of the adapters, and of the space that shared heads lie in.
RANK = 4
# N and M of CoLA.
COPIES = 3
# Steps that users of an average of factors take on their own.
LOCAL_STEPS = 5

# The structure for so many users.
Shared = Callable[[int], AbstractStructure]


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to share.

    Attributes:
        title: as figures call it.
        head: the structure of the readouts, one row for each user.
        body: the structure of the adapters inside the model; None leaves the model as it is.
        average_every: the users' adapters are replaced by their mean after so many steps; None never.
        learning_rate: of Adam: of 1e-4, 3e-4, 1e-3 and 3e-3 the best on draws that no table has.
    """

    title: str
    head: Shared
    body: Shared | None
    average_every: int | None = None
    learning_rate: float = 3e-4


def _own(rank: int) -> Shared:
    return lambda users: Alone(rank)


def _one(rank: int) -> Shared:
    return lambda users: Pooled(users, rank)


def _both(rank: tuple[int, int]) -> Shared:
    return lambda users: SharedBoth(rank)


def _right(rank: int) -> Shared:
    return lambda users: SharedRight(rank)


def _cola(strategy: str) -> Shared:
    return lambda users: Collaborative(users, COPIES, COPIES, RANK, strategy)


# A readout has one row, so its core has one, too: users share the space of its columns.
_SHARED_HEAD, _OWN_HEAD = _both((1, RANK)), _own(1)

METHODS: Mapping[str, Method] = {
    "colora": Method("CoLoRA", _SHARED_HEAD, _both((RANK, RANK))),
    "colora_own_heads": Method("CoLoRA, own heads", _OWN_HEAD, _both((RANK, RANK))),
    "shared_a": Method("shared A", _SHARED_HEAD, _right(RANK)),
    "alone": Method("each alone", _OWN_HEAD, _own(RANK), learning_rate=1e-4),
    "pooled": Method("one for all", _one(1), _one(RANK)),
    "pooled_own_heads": Method("one for all, own heads", _OWN_HEAD, _one(RANK)),
    "averaged": Method("averaged factors, own heads", _OWN_HEAD, _own(RANK), average_every=LOCAL_STEPS),
    "cola_full": Method("CoLA, full, own heads", _OWN_HEAD, _cola("full")),
    "cola_heuristic": Method("CoLA, heuristic, own heads", _OWN_HEAD, _cola("heuristic")),
    "cola_random": Method("CoLA, random, own heads", _OWN_HEAD, _cola("random")),
    "heads": Method("no adapter, own heads", _OWN_HEAD, None),
    "heads_together": Method("no adapter, shared heads", _SHARED_HEAD, None),
}
