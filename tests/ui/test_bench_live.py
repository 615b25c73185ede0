from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_benchmark_measures_the_whole_chain() -> None:
    """In a process of its own, as a user runs it: it owns the application and its processor time."""
    code = "import json; from hemoview.bench import live; print(json.dumps(live.run(seconds=12.0)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["frames_per_s"] >= 30
    assert result["waves"] >= 6
    assert 0 < result["sample_to_screen_p50_ms"] <= result["sample_to_screen_p99_ms"]
    assert result["sample_to_screen_p50_ms"] <= result["first_15_s_p99_ms"]
    assert result["blocks"] > 50
    assert result["cpu_percent"] > 0
