"""Runs the benchmark: draw after draw, method after method, each in a fresh process, one at a time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchError
from benchmarks.fingerprint import fingerprint, machine
from benchmarks.methods import Method
from benchmarks.neighbours import BUSY, Neighbours
from benchmarks.sizes import Size
from benchmarks.store import Store
from colora_theory.experiments.provenance import provenance

_ROOT = Path(__file__).parent.parent
Launch = Callable[..., dict[str, Any]]


def run(
    sizes: Sequence[Size],
    num_draws: int,
    methods: Sequence[Method],
    cap: float,
    store: Store,
    report: Callable[[str], None],
    launch: Launch | None = None,
) -> None:
    """Measure what the store lacks; every draw is stored before the next begins.

    Args:
        sizes: what is solved.
        num_draws: draws 0 .. num_draws - 1 of every size.
        methods: how; within a draw they follow each other.
        cap: seconds that one complete run may take.
        store: where the results go, and where results of the same code are found.
        report: told in a line what happened.
        launch: measures one method on the problem in a folder; a process of its own if left out.
    """
    launch = launch or launch_worker
    for size in sizes:
        prints = {method.name: fingerprint(size, method, cap) for method in methods}
        primed: set[str] = set()
        for draw in range(num_draws):
            done = _done(store, size, draw)
            pending = [method for method in methods if done.get(method.name) != prints[method.name]]
            report(f"{size.name}, draw {draw}: {len(pending)} of {len(methods)} methods to measure")
            if not pending:
                continue
            runs: list[dict[str, Any]] = []
            traces: list[dict[str, Any]] = []
            with tempfile.TemporaryDirectory(prefix="colora-bench-") as folder:
                _draw(size, draw, Path(folder), store.root)
                for method in pending:
                    if method.ours and method.name not in primed:
                        # Cold times are those of a user's second session: the cache of compiled programs is filled.
                        launch(method, Path(folder), cap, store.root, first_only=True)
                        primed.add(method.name)
                    neighbours = Neighbours()
                    result = launch(method, Path(folder), cap, store.root)
                    result["busy_elsewhere"] = neighbours.cores()
                    names = {"size": size.name, "draw": draw, "method": method.name}
                    traces += [names | {"seconds": t, "error": error} for t, error in result.pop("trace", [])]
                    runs.append(_row(size, method, cap, prints[method.name], result) | names)
                    report(f"  {method.name}: {_tell(runs[-1])}")
            store.add(runs, traces, provenance() | {"machine": machine()})


def launch_worker(method: Method, folder: Path, cap: float, root: Path, *, first_only: bool = False) -> dict[str, Any]:
    """The result of a fresh process, whatever becomes of it."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    arguments = [method.name, str(folder), str(cap), repr(time.monotonic()), str(result)]
    process = run_module(
        "benchmarks.worker", *arguments, *(["--first-only"] if first_only else []), cache=root / "jax_cache"
    )
    if result.exists():
        measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return measured
    if process.returncode == -signal.SIGALRM:
        return {"reason": "time cap"}
    if process.returncode < 0:
        return {"reason": f"ended by {signal.Signals(-process.returncode).name}"}
    return {"reason": f"ended with exit code {process.returncode}: {last_line(process.stderr)}"}


def run_module(module: str, *arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run a module of ours in a fresh process, with JAX's compiled programs kept in `cache`, or where JAX was told."""
    environment = {
        "JAX_COMPILATION_CACHE_DIR": str(cache.absolute()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        **os.environ,
    }
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)


def _draw(size: Size, draw: int, folder: Path, root: Path) -> None:
    process = run_module("benchmarks.draws", size.name, str(draw), str(folder), cache=root / "jax_cache")
    if process.returncode:
        raise BenchError(f"drawing {size.name} failed: {last_line(process.stderr)}")


def _done(store: Store, size: Size, draw: int) -> dict[str, str]:
    """Fingerprints of what is stored of a draw, by method."""
    runs = store.read("runs")
    runs = runs[(runs["size"] == size.name) & (runs["draw"] == draw)]
    return dict(zip(runs["method"], runs["fingerprint"], strict=True))


def _row(size: Size, method: Method, cap: float, print_: str, result: dict[str, Any]) -> dict[str, Any]:
    reached = result.pop("seconds_to_target", None)
    return {
        "condition_number": size.condition_number,
        "package": method.package,
        "version": method.version(),
        "status": "failed" if result["reason"] else "reached",
        "seconds_to_1e6": reached,
        "data_bytes": size.data_bytes,
        "cap": cap,
        "fingerprint": print_,
        **result,
    }


def _tell(row: dict[str, Any]) -> str:
    elsewhere = row["busy_elsewhere"] or 0.0
    warning = f"; the machine was not quiet, others used {elsewhere:.1f} cores" if elsewhere > BUSY else ""
    error = "" if row.get("error_final") is None else f", final error {row['error_final']:.1e}"
    if row["status"] == "failed":
        return row["reason"] + error + warning
    return f"{row['seconds_to_1e6']:.3g} s to 1e-6{error}, cold {row['seconds_cold']:.1f} s{warning}"


def last_line(text: str) -> str:
    """The last line that says anything: what went wrong, of a traceback."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
