"""The global settings of JAX that sweeps need, and the limit on compiled programs; the library itself sets none."""

import os
from pathlib import Path

import jax

# A compiled program is tens to hundreds of memory mappings, of which Linux allows a process 65,530: beyond, compiling
# ends in a segmentation fault.
_MAPPINGS, _MANY_MAPPINGS = Path("/proc/self/maps"), 30_000


def holds_many_programs() -> bool:
    """Whether this process should forget its compiled programs before it compiles more."""
    return _MAPPINGS.exists() and _MAPPINGS.read_bytes().count(b"\n") > _MANY_MAPPINGS


def configure_jax() -> None:
    """Double precision, and compiled programs kept on disk between runs, where JAX was told or in the user's cache."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    if not jax.config.values["jax_compilation_cache_dir"]:  # JAX_COMPILATION_CACHE_DIR
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(caches / "colora_theory" / "jax"))
