"""One problem on several devices, and on several processes, beside the same problem on one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from tests import sharding_worker as worker
from tests.registries import SENSING

ROOT = Path(__file__).parent.parent
NORMAL = (worker.ROWS * worker.RANK[0] + worker.COLS * worker.RANK[1]) ** 2
SAMPLES = worker.SMALL[1]


def start_worker(*arguments, flags=""):
    caches = {
        "JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    environment = os.environ | caches | {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} {flags}"}
    command = [sys.executable, "-m", "tests.sharding_worker", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)


def answer_of(process, seconds):
    try:
        out, told = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert process.returncode == 0, told
    return json.loads(out.splitlines()[-1])


def simulated(count):
    return f"--xla_force_host_platform_device_count={count}"


@pytest.fixture(scope="module")
def on_four_devices():
    return answer_of(start_worker("devices", flags=simulated(worker.DEVICES)), 300)


def solve_alone(solver, name, start, max_steps):
    return worker.solve(worker.draw(name, *worker.SMALL), solver, start, max_steps)


@pytest.fixture(scope="module")
def alone():
    """The solution of the same problem on one device, unsharded."""
    return solve_alone(*worker.SOLVE, worker.FEW_STEPS)


@pytest.mark.parametrize("solver", worker.COUNTED)
def test_a_step_on_four_devices_is_the_step_on_one(on_four_devices, solver):
    seen = on_four_devices[solver]
    assert seen["difference"] < 1e-12
    assert seen["padding"] == 0
    assert seen["users_of_a_device"] == 2


@pytest.mark.parametrize("solver", worker.COUNTED)
def test_what_a_step_sends_does_not_grow_with_users_or_samples(on_four_devices, solver):
    seen = on_four_devices[solver]
    sent = seen["collectives"]
    assert sorted(sent) == sorted(seen["collectives_of_more"])
    assert 0 < len(sent) <= 4
    assert {kind for kind, _ in sent} == {"all-reduce"}
    assert max(max(sizes) for _, sizes in sent) <= NORMAL
    # At most the normal matrix, what the cores explain of it, and the same again for an exact Hessian.
    assert sum(sum(sizes) for _, sizes in sent) < 4 * NORMAL


def test_processes_that_see_their_own_users_only_agree(alone):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    ranks = [str(rank) for rank in range(worker.PROCESSES)]
    processes = [start_worker("process", rank, port, flags=simulated(2)) for rank in ranks]
    try:
        answers = [answer_of(process, 200) for process in processes]
    finally:
        for process in processes:
            process.kill()
    # Every device takes as many users as one of the larger process.
    assert all(each["shape"] == [8, SAMPLES + 3] for each in answers)
    assert all(each["status"] == alone.status for each in answers)
    assert all("processes 0 and 1 disagree about the operator or its precision" in each["refused"] for each in answers)
    weights = np.concatenate([each["weights"] for each in answers])
    np.testing.assert_allclose(weights, alone.weights, rtol=0, atol=1e-12)


@pytest.mark.long
def test_every_operator_solver_and_start_on_four_devices():
    seen = answer_of(start_worker("devices", "every", flags=simulated(worker.DEVICES)), 3000)
    for *what, solve in seen["solves"]:
        expected = solve_alone(*what, worker.MAX_STEPS)
        assert solve["status"] == expected.status, what
        np.testing.assert_allclose(solve["weights"], expected.weights, rtol=0, atol=1e-6, err_msg=str(what))
    for *what, step in seen["steps"]:
        assert step["difference"] < 1e-12, what
        assert step["padding"] == 0, what
        if what[0] != worker.GATHERS:
            assert sorted(step["collectives"]) == sorted(step["collectives_of_more"]), what
            assert {kind for kind, _ in step["collectives"]} == {"all-reduce"}, what
            assert max(max(sizes) for _, sizes in step["collectives"]) <= NORMAL, what


@pytest.mark.parametrize("name", SENSING)
def test_padding_has_no_weight(name):
    problem = jax.eval_shape(lambda: worker.draw(name, 3, 8))
    users, samples = problem.targets.shape

    @jax.jit
    def moments():
        problem = worker.draw(name, 3, 8)
        padded = problem.pad(5, samples + 2)
        assert padded.targets.shape == padded.sample_weights.shape == (5, padded.sensing.num_samples)
        assert padded.sensing.num_samples >= samples + 2
        return problem.moments(), padded.moments()

    own, padded = moments()
    np.testing.assert_allclose(padded[:users], own, rtol=1e-12, atol=1e-14)
    assert not padded[users:].any()
    with pytest.raises(ValueError, match=r"\(2, 99\) users and samples are fewer than the \(3, "):
        problem.pad(2, 99)


def test_one_device_is_the_simplest_case(alone):
    problem = worker.draw("dense", *worker.SMALL)
    sharded = ct.shard(problem)
    loss = jax.jit(lambda problem: problem.loss(worker.first_factors(problem)))
    np.testing.assert_allclose(loss(sharded), loss(problem), rtol=1e-14)
    np.testing.assert_array_equal(ct.unshard(alone, sharded).weights, alone.weights)


def device(process_index=0, kind="one"):
    return mock.Mock(spec=jax.Device, platform="made-up", device_kind=kind, process_index=process_index)


def test_what_cannot_be_spread_is_refused():
    problem = worker.draw("dense", 2, 16)
    first = device()
    for devices, message in (
        ([device() for _ in range(3)], r"3 devices for 2 users: .* devices=jax.devices\(\)\[:2\]"),
        ([device(), device(kind="other")], r"different kinds, made-up \(one\) and made-up \(other\)"),
        ([first, first], "2 devices, but only 1 different ones"),
        ([device(process_index=1)], "belongs to process 1, this is process 0: shard_processes"),
        ([], "no devices: at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            ct.shard(problem, devices)
    sharded = ct.shard(problem)
    for again in (ct.shard, ct.shard_processes):
        with pytest.raises(ValueError, match="already: shard the original one"):
            again(sharded)
    with pytest.raises(ValueError, match="a problem with Dense sensing is not spread over devices"):
        ct.unshard(mock.Mock(spec=ct.Solution), problem)
    personal = ct.PersonalFactors(jnp.ones((2, 6, 1)), jnp.ones((2, 1, 1)), jnp.ones((2, 5, 1)))
    with pytest.raises(TypeError, match="PersonalFactors cannot be gathered"):
        ct.unshard(mock.Mock(spec=ct.Solution, factors=personal), sharded)
