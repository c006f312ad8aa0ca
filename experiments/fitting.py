"""What `colora fit` does: own data fitted, and what can be said of the result without knowing the truth."""

import dataclasses
import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from rich.markup import escape
from rich.table import Table

import colora_theory as ct
from colora_theory.accuracy import LIMITS, Accuracy
from colora_theory.experiments.documents import as_json, plain
from colora_theory.experiments.errors import ColoraError, ConfigError, StoreError
from colora_theory.experiments.files import put
from colora_theory.experiments.own_data import UserData
from colora_theory.experiments.provenance import package_version
from colora_theory.experiments.ranks import choose_rank, selection_summary
from colora_theory.inference import NoiseEstimate
from colora_theory.selection import RankSelection
from colora_theory.streaming import StreamError, available_memory

# Rows of the printed table; the summary has all.
_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A fit of own data.

    Attributes:
        data: what was fitted.
        solution: what came out.
        accuracy: how well every user is determined, by the residuals of its own samples.
        notes: what was warned of.
        selection: how the rank was chosen; None if it was given.
    """

    data: UserData
    solution: ct.Solution
    accuracy: Accuracy
    notes: tuple[str, ...]
    selection: RankSelection | None = None

    @property
    def converged(self) -> bool:
        """Whether the solver found an optimum."""
        return int(self.solution.status) == ct.Status.CONVERGED


def fit_data(data: UserData, rank: int | tuple[int, int] | None) -> Fitted:
    """Fits the data, and tells how well every user is determined, see `Accuracy`.

    Args:
        data: of all users.
        rank: r or (r1, r2); None to choose it, see `ranks.choose_rank`.

    Raises:
        ConfigError: for bad data, an impossible rank, or data from which none can be chosen.
        ColoraError: if no usable fit came out.
    """
    problem = data.problem()
    _check_memory(data, problem)
    selection = None
    if rank is None:
        selection = choose_rank(data)
        rank = selection.rank
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            solution = ct.fit(problem, rank=rank)
        except (StreamError, TypeError, ValueError) as error:
            raise ConfigError(f"{data.source}: {error}") from None
        except ct.FitError as error:
            raise ColoraError(f"{data.source}: {error}") from None
    notes = [] if selection is None else [selection.summary()]
    for warning in caught:
        if issubclass(warning.category, ct.IdentifiabilityWarning | ct.ConvergenceWarning):
            notes.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    try:
        accuracy = Accuracy.of(problem, solution, noise=_noise_of_outputs(data, solution))
    except StreamError as error:
        raise ConfigError(f"{data.source}: {error}") from None
    return Fitted(data, solution, accuracy, tuple(dict.fromkeys([*notes, *accuracy.doubts])), selection)


def _check_memory(data: UserData, problem: ct.Problem) -> None:
    """Weights of all users, which starts and results hold, must fit: a single large index asks for huge ones."""
    needed, limit = 8 * math.prod(problem.sensing.weights_shape), available_memory()
    if needed > limit:
        raise ConfigError(
            f"{data.source}: weights of shape {problem.sensing.weights_shape} take {needed:,} bytes, {limit:,} are left"
        )


def _noise_of_outputs(data: UserData, solution: ct.Solution) -> NoiseEstimate | None:
    """That of vector outputs, by their own samples: the problem holds virtual ones. None for other measurements."""
    if data.kind != "vector-output":
        return None
    weights = np.asarray(solution.weights)
    outputs = zip(*(data.arrays[name] for name in ("X", "Y")), weights, strict=True)
    squares = np.array([np.sum((own_outputs - inputs @ own.T) ** 2) for inputs, own_outputs, own in outputs])
    _, r1, r2 = solution.factors.cores.shape
    return NoiseEstimate.of(squares, np.array(data.num_samples), weights.shape[1:], (r1, r2))


def fit_table(fitted: Fitted) -> Table:
    """One row for each user, the first ones of many."""
    data, solution, noise = fitted.data, fitted.solution, fitted.accuracy.noise
    shape = "{1} x {2}".format(*solution.weights.shape)
    table = Table(
        title=escape(f"{data.source}: {data.kind}, {len(data.users)} users, {shape}, {solution.summary()}"),
        caption=(
            f"N / DoF = {noise.measurements} / {noise.unknowns} = {noise.oversampling:.3g}; noise estimated from the "
            f"residuals {_number(noise.sigma)}; error: the Cramer-Rao bound at this fit with that noise, what least "
            "squares is expected to reach if the model holds"
        ),
    )
    for column in ("user", "samples", "residual rms", "error of W_i", "relative", "limited by"):
        table.add_column(column, justify="left" if column in ("user", "limited by") else "right")
    for row in fitted.accuracy.to_frame(data.users)[:_SHOWN].to_dict("records"):
        error = row["estimated_error"], row["estimated_relative_error"]
        numbers = [_number(each) for each in (row["residual_rms"], *error)]
        table.add_row(escape(row["user"]), str(row["samples"]), *numbers, row["limited_by"])
    if len(data.users) > _SHOWN:
        table.add_row(f"and {len(data.users) - _SHOWN} more", *[""] * 5)
    return table


def summary(fitted: Fitted) -> dict[str, Any]:
    """What is told of a fit, as plain values for JSON; None where a number is not known."""
    solution, noise = fitted.solution, fitted.accuracy.noise
    _, num_rows, num_cols = solution.weights.shape
    told: dict[str, Any] = {
        "version": package_version(),
        "data": str(fitted.data.source),
        "kind": fitted.data.kind,
        "streamed": fitted.data.streamed is not None,
        "num_users": len(fitted.data.users),
        "num_rows": num_rows,
        "num_cols": num_cols,
        "rank": list(solution.factors.cores.shape[1:]),
        "status": ct.Status(int(solution.status)).name,
        "num_steps": int(solution.num_steps),
        "relative_residual": solution.relative_residual,
        "measurements": noise.measurements,
        "degrees_of_freedom": noise.unknowns,
        "oversampling": noise.oversampling,
        "noise": noise.sigma,
        "core_singular_values": _strengths(np.asarray(solution.factors.cores)),
        "rank_selection": None if fitted.selection is None else selection_summary(fitted.selection),
        "limits": {name: LIMITS[name] for name in sorted(set(fitted.accuracy.limits))},
        "notes": list(fitted.notes),
        "users": fitted.accuracy.to_frame(fitted.data.users).to_dict("records"),
    }
    values: dict[str, Any] = plain(told)
    return values


def write(fitted: Fitted, out: Path) -> list[Path]:
    """Writes factors.npz (left, cores, right, users, and offset if there is one), and the summary as JSON and HTML.

    The picture of the page stands beside it, as summary.svg.

    Raises:
        StoreError: for a folder that cannot be written.
    """
    # Here, so that a fit that writes nothing does not wait for what draws.
    from colora_theory.experiments.fit_page import fit_page
    from colora_theory.experiments.pictures import fit_picture

    factors, offset = fitted.solution.factors, fitted.solution.offset
    arrays: dict[str, Any] = {"left": factors.left, "cores": factors.cores, "right": factors.right}
    arrays |= {"users": np.array(fitted.data.users)} | ({} if offset is None else {"offset": offset})
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    told = summary(fitted)
    picture = fit_picture(told)
    contents = {
        out / "factors.npz": packed.getvalue(),
        out / "summary.json": (as_json(told) + "\n").encode(),
        out / "summary.html": fit_page(told, picture).encode(),
        out / "summary.svg": picture.encode(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            put(path, content)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror or error}; choose another folder with --out"
        ) from None
    return list(contents)


def _strengths(cores: np.ndarray) -> dict[str, np.ndarray]:
    """Singular values of the cores side by side, and on top of each other: how much each direction does."""
    _, r1, r2 = cores.shape
    sides = {"left": np.moveaxis(cores, 1, 0).reshape(r1, -1), "right": cores.reshape(-1, r2)}
    return {name: np.linalg.svd(side, compute_uv=False) for name, side in sides.items()}


def _number(value: Any) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3g}"
