"""What `colora fit` does: own data fitted, and what can be said of the result without knowing the truth."""

import dataclasses
import io
import json
import math
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.markup import escape
from rich.table import Table

import colora_theory as ct
from colora_theory.experiments.errors import ColoraError, ConfigError, StoreError
from colora_theory.experiments.files import put
from colora_theory.experiments.own_data import UserData
from colora_theory.experiments.provenance import package_version
from colora_theory.experiments.ranks import choose_rank, selection_summary
from colora_theory.inference import NoiseEstimate, Uncertainty
from colora_theory.selection import RankSelection
from colora_theory.streaming import StreamError, available_memory, plain_errors

# Largest number of entries of U and V for which the bound on the error is computed: its normal matrix is that large.
_LARGEST = 1500
# Of the interval of the noise.
_LEVEL = 0.9
# Rows of the printed table; the summary has all.
_SHOWN = 20
_LIMITS = {
    "noise": "more samples help",
    "counting": "fewer measurements than unknowns: many weights fit them",
    "not converged": "the solver stopped before the optimum",
    "rounding": "the data are met exactly",
}


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A fit of own data.

    Attributes:
        data: what was fitted.
        solution: what came out.
        residual_rms: root mean square of each user's residuals, shape (num_users,); NaN without samples.
        noise: what the residuals tell of the standard deviation of a measurement, which is NaN if there are no more
            measurements than unknowns.
        errors: estimates of ||W^_i - W_i||_F, shape (num_users,), see `fit_data`; NaN where there is none.
        limits: what limits the accuracy of each user: noise, counting, not converged or rounding.
        notes: what was warned of.
        selection: how the rank was chosen; None if it was given.
    """

    data: UserData
    solution: ct.Solution
    residual_rms: np.ndarray
    noise: NoiseEstimate
    errors: np.ndarray
    limits: tuple[str, ...]
    notes: tuple[str, ...]
    selection: RankSelection | None = None

    @property
    def converged(self) -> bool:
        """Whether the solver found an optimum."""
        return int(self.solution.status) == ct.Status.CONVERGED

    @property
    def error_range(self) -> tuple[float, float]:
        """By what `errors` are multiplied at the ends of the 90% interval of the noise; NaN without one."""
        if not self.noise.sigma > 0:
            return math.nan, math.nan
        low, high = self.noise.interval(_LEVEL)
        return low / self.noise.sigma, high / self.noise.sigma


def fit_data(data: UserData, rank: int | tuple[int, int] | None) -> Fitted:
    """Fits the data, and estimates the errors by the Cramer-Rao bound at the fit, with the noise of the residuals.

    With sigma^2 = RSS / (N - DoF) the bound is what least squares is expected to reach if the model holds, the noise is
    independent and of one size, and not too large; it is no confidence bound.

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

    pair = problem.check_rank(rank)
    squares, counts = _residual_squares(data, problem, solution), np.array(data.num_samples)
    noise = NoiseEstimate.of(squares, counts, problem.sensing.weights_shape[1:], pair)
    errors, doubt = _errors(data, problem, solution, noise)
    needed = problem.sensing.measurements_of_core(pair)
    enough = (counts >= needed) & (noise.spare >= 0) & ~np.isinf(errors)
    rms = np.sqrt(np.divide(squares, counts, out=np.full(len(counts), np.nan), where=counts > 0))
    return Fitted(
        data,
        solution,
        rms,
        noise,
        np.where(enough, errors, np.nan),
        tuple(_limit(solution, bool(each)) for each in enough),
        tuple(dict.fromkeys([*notes, *doubt])),
        selection,
    )


def _check_memory(data: UserData, problem: ct.Problem) -> None:
    """Weights of all users, which starts and results hold, must fit: a single large index asks for huge ones."""
    needed, limit = 8 * math.prod(problem.sensing.weights_shape), available_memory()
    if needed > limit:
        raise ConfigError(
            f"{data.source}: weights of shape {problem.sensing.weights_shape} take {needed:,} bytes, {limit:,} are left"
        )


def _limit(solution: ct.Solution, enough: bool) -> str:
    if int(solution.status) != ct.Status.CONVERGED:
        return "not converged"
    if not enough:
        return "counting"
    exact = float(solution.relative_residual) <= 20 * np.finfo(np.float64).eps
    return "rounding" if exact else "noise"


def _residual_squares(data: UserData, problem: ct.Problem, solution: ct.Solution) -> np.ndarray:
    """Sums of squared residuals of each user's own samples."""
    if data.kind == "vector-output":
        # The problem holds virtual samples, which leave out what no weights can explain.
        outputs = zip(*(data.arrays[name] for name in ("X", "Y")), solution.weights, strict=True)
        return np.array([np.sum((own_outputs - inputs @ own.T) ** 2) for inputs, own_outputs, own in outputs])
    with plain_errors():
        return np.sum(np.square(np.asarray(problem.residual(_shared(solution)))), axis=1)


def _shared(solution: ct.Solution) -> ct.Factors:
    factors: ct.Factors = jax.tree.map(jnp.asarray, solution.factors)
    return factors


def _errors(
    data: UserData, problem: ct.Problem, solution: ct.Solution, noise: NoiseEstimate
) -> tuple[np.ndarray, list[str]]:
    """Square roots of the Cramer-Rao bounds of the users; NaN where it cannot be had, infinite where data lack.

    And why they are not to be relied on, if they are not.
    """
    factors = _shared(solution)
    unknown = np.full(len(data.users), np.nan)
    if math.isnan(noise.sigma) or factors.left.size + factors.right.size > _LARGEST:
        return unknown, []
    try:
        with plain_errors():
            uncertainty = Uncertainty.of(problem, factors, noise=noise)
    except ValueError:  # cores of lower rank: not all of the subspaces mean something
        return unknown, []
    except StreamError as error:
        raise ConfigError(f"{data.source}: {error}") from None
    return uncertainty.errors, [] if uncertainty.reliable else [f"errors may be off: {uncertainty.reason}"]


def fit_table(fitted: Fitted) -> Table:
    """One row for each user, the first ones of many."""
    data, solution = fitted.data, fitted.solution
    shape = "{1} x {2}".format(*solution.weights.shape)
    table = Table(
        title=escape(f"{data.source}: {data.kind}, {len(data.users)} users, {shape}, {solution.summary()}"),
        caption=(
            f"N / DoF = {fitted.noise.measurements} / {fitted.noise.unknowns} = {fitted.noise.oversampling:.3g}; noise "
            f"estimated from the residuals {_number(fitted.noise.sigma)}; error: the Cramer-Rao bound at this fit with "
            "that noise, what least squares is expected to reach if the model holds"
        ),
    )
    for column in ("user", "samples", "residual rms", "error of W_i", "relative", "limited by"):
        table.add_column(column, justify="left" if column in ("user", "limited by") else "right")
    for row in _rows(fitted)[:_SHOWN]:
        error = row["estimated_error"], row["estimated_relative_error"]
        numbers = [_number(each) for each in (row["residual_rms"], *error)]
        table.add_row(escape(row["user"]), str(row["samples"]), *numbers, row["limited_by"])
    if len(data.users) > _SHOWN:
        table.add_row(f"and {len(data.users) - _SHOWN} more", *[""] * 5)
    return table


def summary(fitted: Fitted) -> dict[str, Any]:
    """What is told of a fit, as plain values for JSON; None where a number is not known."""
    solution = fitted.solution
    _, num_rows, num_cols = solution.weights.shape
    return {
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
        "relative_residual": _plain(solution.relative_residual),
        "measurements": fitted.noise.measurements,
        "degrees_of_freedom": fitted.noise.unknowns,
        "oversampling": fitted.noise.oversampling,
        "noise": _plain(fitted.noise.sigma),
        "core_singular_values": _strengths(np.asarray(solution.factors.cores)),
        "rank_selection": None if fitted.selection is None else selection_summary(fitted.selection),
        "limits": {name: _LIMITS[name] for name in sorted(set(fitted.limits))},
        "notes": list(fitted.notes),
        "users": _rows(fitted),
    }


def as_json(fitted: Fitted) -> str:
    """The summary as a JSON object."""
    return json.dumps(summary(fitted), indent=1, allow_nan=False)


def write(fitted: Fitted, out: Path) -> list[Path]:
    """Writes factors.npz (left, cores, right, users, and offset if there is one), and the summary as JSON and HTML.

    The picture of the page stands beside it, as summary.svg.

    Raises:
        StoreError: for a folder that cannot be written.
    """
    # Here, so that a fit that writes nothing does not wait for what draws.
    from colora_theory.experiments.fit_page import fit_page
    from colora_theory.experiments.pictures import fit_picture

    factors, offset = _shared(fitted.solution), fitted.solution.offset
    arrays: dict[str, Any] = {"left": factors.left, "cores": factors.cores, "right": factors.right}
    arrays |= {"users": np.array(fitted.data.users)} | ({} if offset is None else {"offset": offset})
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    told = summary(fitted)
    picture = fit_picture(told)
    contents = {
        out / "factors.npz": packed.getvalue(),
        out / "summary.json": (as_json(fitted) + "\n").encode(),
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


def _rows(fitted: Fitted) -> list[dict[str, Any]]:
    adapters = np.linalg.norm(np.asarray(fitted.solution.factors.compose()), axis=(1, 2))
    rows, ends = [], fitted.error_range
    for place, user in enumerate(fitted.data.users):
        error, size = float(fitted.errors[place]), float(adapters[place])
        relative = error / size if size else math.nan
        rows.append(
            {
                "user": user,
                "samples": fitted.data.num_samples[place],
                "residual_rms": _plain(fitted.residual_rms[place]),
                "estimated_error": _plain(error),
                "estimated_relative_error": _plain(relative),
                "relative_error_lower": _plain(relative * ends[0]),
                "relative_error_upper": _plain(relative * ends[1]),
                "limited_by": fitted.limits[place],
            }
        )
    return rows


def _strengths(cores: np.ndarray) -> dict[str, list[float]]:
    """Singular values of the cores side by side, and on top of each other: how much each direction does."""
    _, r1, r2 = cores.shape
    sides = {"left": np.moveaxis(cores, 1, 0).reshape(r1, -1), "right": cores.reshape(-1, r2)}
    return {name: np.linalg.svd(side, compute_uv=False).tolist() for name, side in sides.items()}


def _plain(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: Any) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3g}"
