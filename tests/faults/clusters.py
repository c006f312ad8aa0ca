"""A dask cluster of real processes on this machine whose workers, or whose scheduler, are killed."""

import contextlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.faults.sweeps import SECONDS, Faults

_WORKERS = 2


class Cluster:
    """A scheduler and workers of one thread each, without nannies: what dies is replaced by the campaign only."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment | {"PYTHONPATH": str(Path.cwd())}
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self) -> None:
        """Start the scheduler, on a port of its own choice, and the workers."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        self.scheduler = self._started("scheduler", *where)
        deadline = time.monotonic() + 60
        while not self.address:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                self.address = json.loads(file.read_text())["address"]
            assert time.monotonic() < deadline, "the scheduler does not start"
            time.sleep(0.05)
        for _ in range(_WORKERS):
            self.add()

    def add(self) -> None:
        """One more worker."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--preload", "tests.faults.begun")
        self.workers.append(self._started("worker", self.address, *options))

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """SIGKILL."""
        self.workers.remove(worker)
        worker.kill()
        worker.wait()

    def end(self) -> None:
        """Kill what there is, the scheduler first."""
        for process in [self.scheduler, *self.workers]:
            if process is not None:
                process.kill()
                process.wait()
        self.workers, self.scheduler, self.address = [], None, ""

    def _started(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "dask", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, env=self.environment, cwd=self.folder, **quiet)


def cluster_faults(make: Callable[[], Faults], number: int) -> dict[str, Callable[[], str]]:
    """So many kills of each kind, of the workers and the scheduler that a sweep is computed with."""

    def tried(kind: Callable[[Faults, Cluster, int], str]) -> str:
        if importlib.util.find_spec("distributed") is None:
            return "not tried: the extra [distributed] is not installed"
        faults = make()
        folder = faults.root / "dask"
        folder.mkdir(exist_ok=True)
        with Cluster(folder, faults.environment) as cluster:
            return kind(faults, cluster, number)

    return {"dask-worker": lambda: tried(_kill_workers), "dask-scheduler": lambda: tried(_kill_schedulers)}


def _undisturbed(faults: Faults, cluster: Cluster) -> float:
    """Seconds of a run on a new cluster, whose workers load the package meanwhile."""
    results, began = faults.root / "by-dask", time.monotonic()
    faults.finish(results, "--dask", cluster.address)
    seconds = time.monotonic() - began
    faults.whole(results, "dask")
    shutil.rmtree(results)
    faults.begun()
    return seconds


def _kill_workers(faults: Faults, cluster: Cluster, number: int) -> str:
    """Up to three at random moments of a sweep, each replaced up to two seconds later: the sweep ends all the same.

    Rows stay with a dask worker until they are fetched, so one that has just begun another chunk takes two along.
    """
    fault, results = "dask worker killed", faults.root / "dask-worker"
    seconds, killed, sweeps, in_vain = _undisturbed(faults, cluster), 0, 0, 0
    while killed < number:
        process, before = faults.start(results, "--dask", cluster.address), killed
        for _ in range(min(3, number - killed)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(faults.rng.uniform(0, 0.6 * seconds))
            if process.poll() is not None:
                break
            cluster.kill(faults.rng.choice(cluster.workers))
            killed += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(faults.rng.uniform(0, 2))
            cluster.add()
        _, said = process.communicate(timeout=SECONDS)
        faults.expect(process.returncode == 0 and "Traceback" not in said, fault, said[-2000:])
        found = faults.look(results, {}, fault)
        faults.whole(results, fault)
        sweeps, in_vain = sweeps + 1, in_vain + faults.repeated({}, found, fault, _WORKERS * (killed - before))
        shutil.rmtree(results)
    return f"{killed} kills in {sweeps} sweeps, all completed; {in_vain} chunks begun in vain, at most 2 a kill"


def _kill_schedulers(faults: Faults, cluster: Cluster, number: int) -> str:
    """At random moments: the command ends and says so; given again with another cluster, it goes on where it was."""
    fault, results = "dask scheduler killed", faults.root / "dask-scheduler"
    seconds, killed, completed, in_vain, stored = _undisturbed(faults, cluster), 0, 0, 0, 0
    before: dict[str, bytes] = {}
    while killed < number or before:
        process = faults.start(results, "--dask", cluster.address)
        if killed < number:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(faults.rng.uniform(0.2, 1) * seconds)
        done = killed == number or process.poll() is not None
        if not done:
            assert cluster.scheduler is not None
            cluster.scheduler.kill()
            killed += 1
        _, said = process.communicate(timeout=SECONDS)
        if not done:
            cluster.end()  # before what was begun is counted
            cluster.begin()
        found = faults.look(results, before, fault)
        again = faults.repeated(before, found, fault, _WORKERS)
        in_vain, stored, before = in_vain + again, stored + (bool(found) and not done), found
        if process.returncode == 0:
            faults.whole(results, fault)
            shutil.rmtree(results)
            completed, before = completed + 1, {}
        else:
            told = "is gone" in said or "no answer from a dask scheduler" in said
            told = told and said.count("\n") < 20 and "Traceback" not in said
            faults.expect(not done and process.returncode == 1 and told, fault, f"{process.returncode}: {said[-2000:]}")
    return (
        f"{killed} kills, {stored} of them with chunks stored; {completed} sweeps completed; "
        f"{in_vain} chunks begun in vain, at most one of each of {_WORKERS} workers a kill"
    )
