"""Random problems in files: drawn once, by one process, and read by every method's own process.

The sensing matrices lie in their natural order (k, n, d1, d2), the one in which users have them. Settings of the
methods were tuned on draws 1000 and 1001, to which no run comes.
"""

import argparse
import dataclasses
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sizes import SIZES, Size


@dataclasses.dataclass(frozen=True)
class Factors:
    """Shared subspaces and personal cores in numpy: W_i = left @ cores[i] @ right.T.

    Attributes:
        left: U, shape (d1, r1).
        cores: C_1 .. C_k, shape (k, r1, r2).
        right: V, shape (d2, r2).
    """

    left: np.ndarray
    cores: np.ndarray
    right: np.ndarray

    @property
    def blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """U, the cores, V."""
        return self.left, self.cores, self.right

    def compose(self) -> np.ndarray:
        """The weights W_i, shape (k, d1, d2)."""
        return (self.left @ self.cores) @ self.right.T

    def copy(self) -> "Factors":
        """Arrays of its own."""
        return Factors(*(block.copy() for block in self.blocks))

    def balance(self) -> "Factors":
        """The same weights in bases in which the three blocks have curvatures of the same size, in every direction.

        For orthonormal subspaces: with [C_1 .. C_k] = P S Q^T, U becomes U P S^(1/3), and V alike from the vertical
        stack. A common S^(1/3) for all directions, its largest, is what a scalar balance would be.
        """
        left, right = _cube_root(self.cores), _cube_root(self.cores.mT)
        cores = np.linalg.solve(left, np.linalg.solve(right, self.cores.mT).mT)
        return Factors(self.left @ left, cores, self.right @ right)


def _cube_root(cores: np.ndarray) -> np.ndarray:
    """P S^(1/3) for the horizontal stack P S Q^T of the cores, shape (r, r)."""
    stacked = np.moveaxis(cores, 1, 0).reshape(cores.shape[1], -1)
    basis, values, _ = np.linalg.svd(stacked, full_matrices=False)
    return basis * np.cbrt(values)


@dataclasses.dataclass(frozen=True)
class Data:
    """One noiseless problem, the start that all methods share, and the truth, which only measurements of errors see.

    Attributes:
        A: sensing matrices, shape (k, n, d1, d2).
        y: measurements <A_ij, W_i>, shape (k, n).
        start: top eigenvectors of sum_i M_i M_i^T and sum_i M_i^T M_i, M_i = (1/n) sum_j y_ij A_ij, and the
            least-squares cores.
        truth: the W_i.
    """

    A: np.ndarray
    y: np.ndarray
    start: Factors
    truth: Factors

    @property
    def rank(self) -> tuple[int, int]:
        """(r1, r2)."""
        return self.start.left.shape[1], self.start.right.shape[1]


def relative_error(estimate: Factors, truth: Factors) -> float:
    """||W^ - W||_F / ||W||_F over all users; infinite if it is not a number."""
    weights = truth.compose()
    error = float(np.linalg.norm(estimate.compose() - weights) / np.linalg.norm(weights))
    return error if np.isfinite(error) else float("inf")


def make(size: Size, draw: int, folder: Path) -> None:
    """Draw a problem and its start in float64 and write them into `folder`."""
    import jax

    import colora_theory as ct

    jax.config.update("jax_enable_x64", True)
    key = jax.random.fold_in(jax.random.key(zlib.crc32(size.seed.encode()), impl="threefry2x32"), draw)
    family = ct.TaskFamily(
        size.num_users, size.num_rows, size.num_cols, size.rank, condition_number=size.condition_number
    )
    instance = ct.sample_instance(key, family, size.num_samples)
    start = ct.starts.Stacked()(instance.problem, size.rank, key)
    sensing = instance.problem.sensing
    assert isinstance(sensing, ct.sensing.Dense)
    np.save(folder / "A.npy", np.ascontiguousarray(sensing.matrices))
    small: dict[str, Any] = {"y": instance.problem.targets}
    for name, factors in (("start", start), ("truth", instance.truth)):
        small |= {f"{name}_{block}": getattr(factors, block) for block in ("left", "cores", "right")}
    np.savez(folder / "small.npz", allow_pickle=False, **{name: np.asarray(array) for name, array in small.items()})


def load(folder: Path, *, mapped: bool = False) -> Data:
    """Read a problem back.

    Args:
        folder: where `make` wrote it.
        mapped: leave the matrices in their file, mapped into memory, for those who copy them anyway.
    """
    with np.load(folder / "small.npz") as small:
        start, truth = (
            Factors(*(small[f"{name}_{block}"] for block in ("left", "cores", "right"))) for name in ("start", "truth")
        )
        return Data(np.load(folder / "A.npy", mmap_mode="r" if mapped else None), small["y"], start, truth)


def main() -> None:
    """The process that draws: SIZE DRAW FOLDER."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("draw", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    make(SIZES[arguments.size], arguments.draw, arguments.folder)


if __name__ == "__main__":
    main()
