"""The `colora` command as a real process, to which real signals can be sent."""

import os
import subprocess
import sys
from pathlib import Path

import jax

# A suite that runs in the background of a script ignores Ctrl-C, and its children inherit that unless told otherwise.
HEED_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COLORA = [sys.executable, "-c", f"{HEED_CTRL_C}; from colora_theory.experiments.cli import main; main()"]

# One program, chunks of a tenth of a second and more: a window of seconds in which to stop it, on a busy machine too.
SWEEP = """
name = "long"
[[grid]]
num_users = 12
num_rows = 14
num_cols = 12
rank = 2
num_samples = 24
max_steps = 60
num_seeds = """


def write_sweep(file: Path, num_seeds: int) -> Path:
    """A file of grids that `start_sweep` can be given."""
    file.write_text(f"{SWEEP}{num_seeds}\n")
    return file


def start_sweep(file: Path, results: Path, *options: str) -> "subprocess.Popen[str]":
    """`colora sweep`, with the compiled programs of this process."""
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir}
    command = [*COLORA, "sweep", str(file), "--results", str(results), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
