import subprocess
import sys


def test_data_of_every_kind_are_answered_or_refused_by_name():
    """See `tests.fuzz.doors`. In a process of its own, so that a crash of compiled code is seen as one, too."""
    result = subprocess.run([sys.executable, "-m", "tests.fuzz.doors"], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr[-5000:]
    assert result.stdout.count("passed") == 3
