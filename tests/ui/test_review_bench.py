"""The benchmark of Review gives the fields of the contract from a real run, and its session is whole."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from hemoview.bench import review
from hemoview.bench.review_session import Plan, make_session
from recorder import session as store

CONTRACT = {"open_ms", "pan_zoom_p50_ms", "pan_zoom_p99_ms", "label_ms", "memory_mb", "mb_per_hour"}


def test_a_short_run_has_every_field_of_the_contract(qtbot: QtBot) -> None:
    found = review.run(hours=0.1, steps=12, annotations=50)
    assert set(found) >= CONTRACT
    assert found["open_ms"] >= found["first_paint_ms"] > 0
    assert 0 < found["pan_zoom_p50_ms"] <= found["pan_zoom_p99_ms"]
    assert found["sharp_p99_ms"] >= found["pan_zoom_p99_ms"]
    assert found["label_ms"] >= found["label_p50_ms"] > 0
    assert (found["steps"], found["hours"], found["wave_hz"], found["annotations"]) == (12, 0.1, 100, 50)


def test_the_session_it_is_measured_on_is_whole(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", Plan(hours=0.45, wave_hz=1000))
    report = store.verify(folder)
    assert report.ok, report.damaged
    with store.open(folder) as session:
        assert session.rows("adc.wave") == 1000 * (round(0.45 * 3600) - 12)
        assert session.streams["adc.wave"].nominal_rate_hz == 1000.0
        assert [gap.cause for gap in session.gaps("e4.bvp")] == ["link-lost"]
