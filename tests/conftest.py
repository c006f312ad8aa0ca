"""Strict numerics for the whole suite: x64, no silent promotion of dtypes or ranks, shapes checked at run time."""

import os
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

# The suite runs in several processes: each keeps to a core of its own, or their threads fight over all of them.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})
# Most of the suite's time is compiling small programs: leave their machine code plain.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update(
    "jax_compilation_cache_dir",
    os.environ.get("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache")),
)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

# What is public is imported where it is first used: here at once, while the hook sees it.
os.environ["EAGER_IMPORT"] = "1"
with install_import_hook("colora_theory", "beartype.beartype"):
    import colora_theory as ct
    import colora_theory.language.weights
    from colora_theory.experiments.runtime import holds_many_programs
del os.environ["EAGER_IMPORT"]


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
    """Each module starts without compiled programs."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def forget_too_many_programs():
    """A long module goes on without them before they reach the limit."""
    yield
    if holds_many_programs():
        jax.clear_caches()


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def instance(key):
    """A small rectangular problem with r1 != r2, noiseless."""
    family = ct.TaskFamily(num_users=6, num_rows=9, num_cols=7, rank=(3, 2), similarity=0.3)
    return ct.sample_instance(key, family, num_samples=24)
