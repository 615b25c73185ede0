from __future__ import annotations

import pytest

from hemoview.bench import live


@pytest.mark.slow
def test_benchmark_measures_the_whole_chain() -> None:
    result = live.run(seconds=4.0)
    assert result["frames_per_s"] >= 30
    assert result["waves"] >= 6
    assert 0 < result["sample_to_screen_p50_ms"] <= result["sample_to_screen_p99_ms"]
    assert result["blocks"] > 50
    assert result["cpu_percent"] > 0
