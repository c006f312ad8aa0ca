"""The global settings of JAX that sweeps need; the library itself sets none."""

import os
from pathlib import Path

import jax


def configure_jax() -> None:
    """Double precision, and compiled programs kept on disk between runs, where JAX was told or in the user's cache."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    if not jax.config.values["jax_compilation_cache_dir"]:  # JAX_COMPILATION_CACHE_DIR
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(caches / "colora_theory" / "jax"))
