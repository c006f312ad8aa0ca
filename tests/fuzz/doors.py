"""Data of every kind at the doors: run as a process of its own, where no test watches types and nothing is strict."""

import reprlib
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from hypothesis import given, reject
from hypothesis import strategies as st

import colora_theory as ct
from tests.fuzz.effort import answer, examples

K, N, D1, D2 = 3, 8, 3, 2
rng = np.random.default_rng(0)
A = rng.standard_normal((K, N, D1, D2))
LEFT, RIGHT = rng.standard_normal((K, N, D1)), rng.standard_normal((K, N, D2))
WEIGHTS = np.einsum("a,k,b->kab", [1.0, -2.0, 0.5], [1.0, 2.0, -1.0], [1.0, 3.0])
ENTRIES = np.stack([rng.permutation(D1 * D2)[:5] for _ in range(K)])
GOOD: dict[str, dict[str, Any]] = {
    "dense": {"A": A, "y": np.einsum("knab,kab->kn", A, WEIGHTS)},
    "rank_one": {"a": LEFT, "b": RIGHT, "y": np.einsum("kna,knb,kab->kn", LEFT, RIGHT, WEIGHTS)},
    "vector_output": {"X": RIGHT, "Y": np.einsum("kab,knb->kna", WEIGHTS, RIGHT)},
    "entries": {
        "rows": ENTRIES // D2,
        "cols": ENTRIES % D2,
        "values": np.stack([each.flat[place] for each, place in zip(WEIGHTS, ENTRIES, strict=True)]),
        "shape": (D1, D2),
    },
}
NAMES = ("A", "a", "b", "X", "rows", "cols", "values", "y", "Y", "shape", "sample_weights", "offset", "rank", "user")


def with_value(value: float) -> Callable[[np.ndarray], Any]:
    def change(array: np.ndarray) -> np.ndarray:
        changed = array.astype(float)
        changed.flat[changed.size // 2] = value
        return changed

    return change


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def ragged(array: np.ndarray) -> list[np.ndarray]:
    return [each[: len(each) - user] for user, each in enumerate(array)]


# The same data in another dress: mostly to be taken.
DRESSES: list[Callable[[np.ndarray], Any]] = [
    *(np.asfortranarray, read_only, list, tuple, jnp.asarray),
    lambda a: a[::-1][::-1],
    lambda a: a.tolist(),
    lambda a: np.broadcast_to(a[:, :1], a.shape),
    lambda a: np.asmatrix(a) if a.ndim == 2 else a,
    lambda a: pd.DataFrame(a) if a.ndim == 2 else a,
    lambda a: [pd.DataFrame(each) if each.ndim == 2 else pd.Series(each) if each.ndim == 1 else each for each in a],
]
DTYPES = ("i8", "u1", "f2", "f4", ">f8", ">i4", "c16", "g", "?", "O", "U5")
STRUCTURED = np.zeros((K, N), np.dtype([("a", "f8")]))
# Other data: to be taken or refused.
CHANGES: list[Callable[[np.ndarray], Any]] = [
    *(lambda a, dtype=dtype: a.astype(dtype) for dtype in DTYPES),
    *map(with_value, (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320, -1.0, 0.0, 1e9)),
    *(lambda a, scale=scale: a * scale for scale in (0.0, -1.0, 1e300, 1e-300, 1e-320)),
    *(lambda a: a[:0], lambda a: a[:, :0], lambda a: a[..., :0], lambda a: a[0], lambda a: a[..., 0]),
    *(lambda a: a.T, lambda a: a[None], lambda a: a[:, :-1], lambda a: a[:-1], lambda a: a[:1]),
    *(ragged, lambda a: ragged(a.T), lambda a: [each.tolist() for each in ragged(a)]),
    lambda a: [a[0].tolist(), [[1.0], [2.0, 3.0]]],
    lambda a: np.array([*ragged(a), None], object),
    lambda a: np.ma.masked_less(a, 0),
    lambda a: [*np.ma.masked_less(a, 0)],
    *(iter, memoryview, lambda a: dict(enumerate(a)), lambda a: a.tobytes()),
    *(lambda a, value=value: value for value in (None, "A.npy", 5, 5.0, np.float64(5), [], [[]], [[], []], [None])),
    *(lambda a, value=value: value for value in (set(), np.datetime64("2020-01-01"), object(), np.array(1j))),
    *(lambda a, value=value: value for value in (pd.Series(["a", "b"]), np.zeros((0, 0)), STRUCTURED)),
]
RANKS = [
    *(1, 2, 3, (1, 1), (2, 1), [1, 1], np.int64(1), True),
    *(0, -1, 10**9, 10**30, 1.0, 1.5, float("nan"), "1", b"1", None, object(), {"r": 1}),
    *((), (1,), (1, 2, 3), ("1", 1), (None, 1), (10**30, 1), np.array([1, 1]), [[1, 1]]),
]
SHAPES = [
    *((D1, D2), [D1, D2], np.array([D1, D2]), (D2, D1), (True, D2), (10**5, 10**5)),
    *((0, 1), (-1, 2), (2**31, 2**31), (10**30, 1), (1.5, 2), (np.nan, 1), (D1,), (D1, D2, 1), None, 5, "ab"),
]
any_data = st.sampled_from([*DRESSES, *CHANGES])


class Arguments(dict[str, Any]):
    """By name; writes itself in few lines when an example fails."""

    def __repr__(self) -> str:
        told = (
            f"{name}: {type(value).__name__} {reprlib.repr(np.asarray(value, object))}" for name, value in self.items()
        )
        return f"<{', '.join(told)}>"


@st.composite
def problems(draw: st.DrawFn, doors: Sequence[str] = tuple(GOOD)) -> tuple[str, dict[str, Any]]:
    """A door, and arguments of which one to three are changed, or all in the same way."""
    door = draw(st.sampled_from(doors))
    good = GOOD[door]
    more = {"sample_weights": np.ones(next(iter(good.values())).shape[:2]), "offset": np.ones((D1, D2))}
    together = draw(st.none() | any_data)
    named = st.lists(st.sampled_from([*good, *more]), min_size=1, max_size=3, unique=True)
    arguments = Arguments(good)
    for name in good if together else draw(named):
        before = (good | more)[name]
        if not isinstance(before, np.ndarray):
            arguments[name] = draw(st.sampled_from(SHAPES))
            continue
        try:
            arguments[name] = (together or draw(any_data))(before)
        except (IndexError, TypeError, ValueError):
            reject()  # a change for arrays of other shapes
    return door, arguments


@examples(100)
@given(problem=problems(), x64=st.booleans())
def doors(problem: tuple[str, dict[str, Any]], x64: bool) -> None:
    door, arguments = problem
    with jax.enable_x64(x64):
        found = answer(lambda: getattr(ct.Problem, door)(**arguments), (TypeError, ValueError), *NAMES)
        if found is not None:
            assert isinstance(found, ct.Problem)
            assert found.targets.shape == found.sample_weights.shape
            if x64:
                assert np.isfinite(found.targets).all()
            answer(lambda: found.warn_if_unidentifiable(1), (TypeError, ValueError), "rank")


@examples(30)
@given(
    problem=problems(["dense"]),
    rank=st.sampled_from(RANKS),
    solving=st.fixed_dictionaries(
        {},
        optional={
            "seed": st.sampled_from([0, -1, 2**31, 2**63, 2**70, -(2**70), 1.5, None, "a", float("nan")]),
            "max_steps": st.sampled_from([0, -1, 10**8, 10**30, 1.5, None, "a", float("nan")]),
            "solver": st.sampled_from(["sgd", None, 3, ct.solvers.VariableProjection]),
            "start": st.sampled_from(["stacked", None, 3, ct.starts.Stacked]),
        },
    ),
)
def fits_of_anything(problem: tuple[str, dict[str, Any]], rank: Any, solving: dict[str, Any]) -> None:
    data = GOOD["dense"] if solving else problem[1]
    check_fit(data | {"rank": rank, "solver": ct.solvers.VariableProjection(), "max_steps": 20} | solving)


@examples(10)
@given(
    name=st.sampled_from(["A", "y", "sample_weights"]),
    change=st.sampled_from([*DRESSES[:4], *map(with_value, (1e308, -1e308, 1e-320, 0.0, 1e9))])
    | st.builds(lambda scale: lambda a: a * scale, st.sampled_from([0.0, 1e300, 1e-300, 1e-320])),
)
def fits_of_extremes(name: str, change: Callable[[np.ndarray], Any]) -> None:
    """Numbers that are taken: the shapes are few, so that little is compiled."""
    arguments = GOOD["dense"] | {"sample_weights": np.ones((K, N))}
    check_fit(arguments | {name: change(arguments[name]), "rank": 1, "solver": ct.solvers.VariableProjection()})


def check_fit(arguments: dict[str, Any]) -> None:
    found = answer(
        lambda: ct.fit(**arguments),
        (TypeError, ValueError, ct.FitError),
        *NAMES, "seed", "max_steps", "solver", "start", "data",
    )  # fmt: skip
    if found is not None:
        assert np.isfinite(found.weights).all()
        assert found.weights.shape[1:] == (D1, D2)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for check in (doors, fits_of_anything, fits_of_extremes):
        check()
        print(f"{check.__name__}: passed")
    sys.exit(0)
