"""Own data from files: an .npz file, a folder of .npy files, or a table. Layouts are in docs/own-data.md."""

import dataclasses
import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from colora_theory import Problem
from colora_theory.experiments.errors import ConfigError
from colora_theory.frames import split_by_user, whole_as_integers
from colora_theory.streaming import StreamError, available_memory

# The arrays of each kind of measurement, and the axes of one sample in each.
KINDS: dict[str, dict[str, int]] = {
    "dense": {"A": 2, "y": 0},
    "rank-one": {"a": 1, "b": 1, "y": 0},
    "vector-output": {"X": 1, "Y": 1},
    "entries": {"rows": 0, "cols": 0, "values": 0},
}
_INDICES = ("rows", "cols")
_OPTIONAL = ("user", "offset")
# Dense matrices above this share of the available memory are streamed: in memory they are held about three times.
STREAMED_SHARE = 0.25
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, SyntaxError, OverflowError, NotImplementedError, RuntimeError,
    MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class UserData:
    """The data of all users, not yet checked by a door.

    Attributes:
        source: where they come from.
        kind: one of `KINDS`.
        users: their names, in the order of the weights.
        arrays: by name, one array for each user; None for matrices that are streamed.
        shape: (num_rows, num_cols) of the weights, for entries only.
        offset: the frozen weight, or None.
        streamed: the file of the matrices, if they are streamed.
    """

    source: Path
    kind: str
    users: tuple[str, ...]
    arrays: dict[str, Sequence[np.ndarray]]
    shape: tuple[int, int] | None = None
    offset: np.ndarray | None = None
    streamed: Path | None = None

    @property
    def num_samples(self) -> list[int]:
        """Scalar measurements of each user."""
        last = list(self.arrays.values())[-1]
        return [int(np.size(each)) for each in last]

    def problem(self) -> Problem:
        """The data through the door of their kind.

        Raises:
            ConfigError: naming the file, and what its numbers lack.
        """
        arrays, offset = self.arrays, self.offset
        try:
            if self.streamed is not None:
                return Problem.streamed(self.streamed, arrays["y"], offset=offset)
            self._check_memory()
            return Problem.from_arrays(arrays, shape=self.shape, offset=offset)
        except (TypeError, ValueError, StreamError) as error:
            raise ConfigError(f"{self.source}: {error}") from None

    def _check_memory(self) -> None:
        """Users with fewer samples are padded to the longest."""
        needed = sum(len(part) * max(each.nbytes for each in part) for part in self.arrays.values())
        if needed > (limit := available_memory()):
            raise ValueError(f"padded to the user with most samples the data take {needed:,} bytes, {limit:,} are left")


def read_data(path: Path, stream: bool | None = None) -> UserData:
    """The data of a file or folder.

    Args:
        path: an .npz file, a folder of .npy files (and A.zarr), or a .csv or .parquet table.
        stream: whether dense matrices stay in their file; by default if they are larger than `STREAMED_SHARE` of
            the available memory.

    Raises:
        ConfigError: for what cannot be read or is in none of the layouts.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Reading `.npy` or `.npz` file required additional header parsing"
        )  # Python 2
        return _read_data(path, stream)


def _read_data(path: Path, stream: bool | None) -> UserData:
    if not path.exists():
        raise ConfigError(f"{path} does not exist")
    if path.is_dir():
        return _read_folder(path, stream)
    if stream:
        raise ConfigError(f"{path} cannot be streamed: a folder with A.npy (or A.zarr) and y.npy is needed")
    if path.suffix == ".npz":
        return arrange(path, _read_npz(path))
    if path.suffix in (".csv", ".parquet"):
        from colora_theory.experiments.own_tables import read_table

        return read_table(path)
    raise ConfigError(f"{path} has the suffix {path.suffix!r}; known: .npz, .csv, .parquet, or a folder of .npy files")


def arrange(source: Path, arrays: dict[str, Any], streamed: Path | None = None) -> UserData:
    """Arrays by name as the data of users.

    Args:
        source: what errors name.
        arrays: those of one kind, and perhaps `user`, `offset` and `shape`.
        streamed: the file of A, which then is not among the arrays.

    Raises:
        ConfigError: for names that make no kind, or arrays that do not fit together.
    """
    kind = _kind_of(source, [*arrays, "A"] if streamed else list(arrays))
    names = [name for name in KINDS[kind] if name in arrays]
    parts = {name: _as_numbers(source, name, arrays[name]) for name in names}
    offset = _as_numbers(source, "offset", arrays["offset"]) if "offset" in arrays else None
    shape = _shape(source, arrays["shape"]) if "shape" in arrays else None
    if "user" in arrays:
        labels, split = _by_user(source, np.asarray(arrays["user"]), parts, sorted_only=streamed is not None)
    else:
        labels, split = _first_axis(source, kind, parts)
    return UserData(source, kind, labels, split, shape, offset, streamed)


def _kind_of(source: Path, names: Iterable[str]) -> str:
    present = set(names)
    fitting = [kind for kind, needed in KINDS.items() if set(needed) <= present]
    layouts = "; ".join(", ".join(needed) for needed in KINDS.values())
    if len(fitting) != 1:
        told = "fits several layouts" if fitting else "fits no layout"
        raise ConfigError(f"{source} holds {', '.join(sorted(present)) or 'nothing'}, which {told}; known: {layouts}")
    known = {*KINDS[fitting[0]], *_OPTIONAL, *(("shape",) if fitting[0] == "entries" else ())}
    if present - known:
        raise ConfigError(
            f"{source} holds {', '.join(sorted(present - known))} beside {', '.join(KINDS[fitting[0]])}; "
            f"also known: {', '.join(sorted(known - set(KINDS[fitting[0]])))}"
        )
    return fitting[0]


def _as_numbers(source: Path, name: str, values: Any) -> np.ndarray:
    """Numbers in double precision, indices as integers; what is of another kind is left for the door to refuse."""
    array = np.asarray(values)
    if array.dtype.hasobject:
        raise ConfigError(f"{source}: {name} holds Python objects, numbers are needed")
    if name in _INDICES:
        return whole_as_integers(array)
    return array.astype(np.float64) if array.dtype.kind in "iub" or array.dtype == np.float32 else array


def _shape(source: Path, values: Any) -> tuple[int, int]:
    array = np.asarray(values)
    if array.shape != (2,) or array.dtype.kind not in "iu" or not ((array >= 1) & (array < 2**31)).all():
        raise ConfigError(f"{source}: shape is {array.tolist()!r:.60}, two integers of at least 1 are needed")
    return int(array[0]), int(array[1])


def _first_axis(
    source: Path, kind: str, parts: dict[str, np.ndarray]
) -> tuple[tuple[str, ...], dict[str, Sequence[np.ndarray]]]:
    for name, array in parts.items():
        axes = KINDS[kind][name] + 2
        if array.ndim != axes:
            flat = "; with a `user` array it is one axis less" if array.ndim == axes - 1 else ""
            raise ConfigError(f"{source}: {name} has shape {array.shape}, {axes} axes are needed, users first{flat}")
    counts = {len(array) for array in parts.values()}
    if 0 in counts or len(counts) > 1:
        told = ", ".join(f"{name} {len(array)}" for name, array in parts.items())
        raise ConfigError(f"{source}: all arrays must have the same users, at least 1; they have: {told}")
    return tuple(map(str, range(counts.pop()))), {name: list(array) for name, array in parts.items()}


def _by_user(
    source: Path, user: np.ndarray, parts: dict[str, np.ndarray], sorted_only: bool
) -> tuple[tuple[str, ...], dict[str, Sequence[np.ndarray]]]:
    if user.ndim != 1 or not user.size or user.dtype.kind not in "iuU":
        raise ConfigError(f"{source}: user has shape {user.shape} and dtype {user.dtype}, a row of integers is needed")
    for name, array in parts.items():
        if array.ndim == 0 or len(array) != len(user):
            raise ConfigError(f"{source}: {name} has shape {array.shape}, but user names {len(user)} samples")
    if sorted_only and (user[1:] < user[:-1]).any():
        where = int(np.argmax(user[1:] < user[:-1])) + 1
        raise ConfigError(
            f"{source}: user falls from {user[where - 1]} to {user[where]} at sample {where}: sort by user"
        )
    labels, split = split_by_user(user, parts)
    return tuple(map(str, labels)), split


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as handle:
            if not zipfile.is_zipfile(handle):
                raise ConfigError(f"{path} is no .npz file: save it with np.savez")
            with zipfile.ZipFile(handle) as archive:
                _check_unpacked(path, archive)
            handle.seek(0)
            file = np.load(handle, allow_pickle=False)
            return {name: file[name] for name in file.files}
    except ConfigError:
        raise
    except _UNREADABLE as error:
        raise ConfigError(f"{path} cannot be read: {told(error)}") from None


def _check_unpacked(path: Path, archive: zipfile.ZipFile) -> None:
    """A small file can unpack to any size: what its directory and the headers of its arrays claim has to fit."""
    needed = 0
    for member in archive.infolist():
        with archive.open(member) as file:
            needed += member.file_size + _doubles(file)
    check_fits(path, needed, "give fewer samples, or a folder with A.npy, whose matrices are streamed")


def check_fits(path: Path, needed: int, remedy: str) -> None:
    """That what a file takes of memory is there, before it is read.

    Args:
        path: of the file or folder.
        needed: bytes of what is in it.
        remedy: what to do about it.

    Raises:
        ConfigError: if it is not, with both numbers and the remedy.
    """
    if needed > (limit := available_memory()):
        raise ConfigError(
            f"{path} takes {needed / 1e9:.3g} GB of memory, unpacked and in double precision, {limit / 1e9:.3g} are "
            f"left\n{remedy}"
        )


def _doubles(file: IO[bytes]) -> int:
    """Bytes of an array, numbers in double precision, as the header of a .npy file claims; 0 if it is none."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        reader = readers.get(np.lib.format.read_magic(file))
    except ValueError:
        return 0
    if reader is None:
        return 0
    shape, _, dtype = reader(file)
    return max(8, dtype.itemsize) * math.prod(shape)


def _read_folder(folder: Path, stream: bool | None) -> UserData:
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in (".npy", ".zarr")}
    if not files:
        raise ConfigError(f"{folder} holds no .npy file; for instance A.npy and y.npy are needed")
    matrices = files.get("A")
    zarr = matrices is not None and matrices.suffix == ".zarr"
    if stream and matrices is None:
        raise ConfigError(f"{folder} cannot be streamed: it holds no A.npy")
    if stream is None:
        stream = zarr or (matrices is not None and _is_large(matrices))
    if zarr and not stream:
        raise ConfigError(f"{matrices} can be streamed only: leave out --no-stream")
    read = {name: path for name, path in files.items() if not (stream and name == "A")}
    kept = "the matrices of A alone can be streamed" if stream else "leave out --no-stream, so that A can be streamed"
    check_fits(folder, sum(map(_claimed, read.values())), f"give fewer samples; {kept}")
    loaded = {name: _load_npy(path) for name, path in read.items()}
    return arrange(folder, loaded, streamed=matrices if stream else None)


def _claimed(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return _doubles(file)
    except _UNREADABLE as error:
        raise ConfigError(f"{path} cannot be read: {told(error)}") from None


def _load_npy(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except _UNREADABLE as error:
        raise ConfigError(f"{path} cannot be read: {told(error)}") from None


def _is_large(path: Path) -> bool:
    return path.stat().st_size > STREAMED_SHARE * available_memory()


def told(error: BaseException) -> str:
    """An error in one line, of 200 characters at most."""
    return " ".join(str(error).split())[:200] or type(error).__name__
