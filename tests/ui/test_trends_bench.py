"""The benchmark of Trends measures a real run."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from hemoview.bench import trends

FIELDS = {"open_ms", "medians_ms", "pan_zoom_p50_ms", "pan_zoom_p99_ms", "memory_mb", "hours", "steps"}


def test_a_short_run_has_every_field(qtbot: QtBot) -> None:
    found = trends.run(hours=0.3, steps=60)
    assert set(found) >= FIELDS
    assert found["medians_ms"] >= found["open_ms"] >= found["first_paint_ms"] > 0
    assert 0 < found["pan_zoom_p50_ms"] <= found["pan_zoom_p99_ms"]
