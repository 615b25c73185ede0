from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

CODE = """
import json, sys
from hemoview import app
from hemoview.bench import live
from PySide6.QtCore import QEventLoop, QTimer

opened = app.open_window

def noted(options):
    made = opened(options)
    noted.modules = set(sys.modules)
    return made

app.open_window = noted
result = live.run(seconds=12.0)
result["loaded_beside"] = sorted(set(sys.modules) - noted.modules)
loop = QEventLoop()
QTimer.singleShot(10, lambda: loop.exit(5))
result["a_later_loop"] = loop.exec()
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """Measured in a process of its own, as a user does: it owns the application and its processor time."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_benchmark_measures_the_whole_chain(result: dict[str, Any]) -> None:
    assert result["frames_per_s"] >= 30
    assert result["waves"] >= 6
    assert 0 < result["sample_to_screen_p50_ms"] <= result["sample_to_screen_p99_ms"]
    assert result["sample_to_screen_p50_ms"] <= result["first_15_s_p99_ms"]
    assert result["blocks"] > 50
    assert result["cpu_percent"] > 0


@pytest.mark.slow
def test_nothing_is_loaded_while_pictures_are_drawn(result: dict[str, Any]) -> None:
    assert result["loaded_beside"] == []


@pytest.mark.slow
def test_the_process_can_run_an_event_loop_afterwards(result: dict[str, Any]) -> None:
    assert result["a_later_loop"] == 5
