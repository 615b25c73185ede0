"""Which sessions have arrivals of both devices: those one host recorded, not those that came out of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from two_devices import person, write

from hemoview.dsp.align_drift import arrivals_error_ppm
from hemoview.dsp.time_map import Piece
from hemoview.labels.align import clocks as session_clocks
from hemoview.labels.align import command as align_command
from hemoview.labels.align.session import align_session
from hemoview.labels.alignment import locked
from recorder import session as sessions
from recorder.schema import DeviceInfo


def test_a_recorded_session_knows_its_clocks_and_alignment_leans_on_them(tmp_path: Path) -> None:
    wearer = person(200.0, seed=3, rsa_per_min=5.0)
    with sessions.open(write(tmp_path / "s", wearer, wearer, wrist_late_s=2.0)) as opened:
        (clock,) = session_clocks.shared_clocks(opened)
        assert clock.t0_s <= 0.0 and clock.t1_s > 200.0 and 0.0 < clock.error_ppm < 100.0
        found = align_session(opened)
    assert found.locked and found.evidence["drift_known_by"] == "arrivals+beats"
    piece = found.pieces[0]
    assert found.drift_error_ppm <= arrivals_error_ppm(clock, piece.t1_s - piece.t0_s) + 1e-6
    assert "±" in align_command.drift_in_words(found)


def test_what_came_out_of_files_has_no_arrivals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wearer = person(30.0, seed=3)
    with sessions.open(write(tmp_path / "s", wearer, wearer)) as opened:
        assert session_clocks.shared_clocks(opened)
        of_file = replace(opened.header, devices=(DeviceInfo("e4", "E4", transport="file"),))
        monkeypatch.setattr(type(opened), "header", property(lambda _: of_file))
        assert session_clocks.shared_clocks(opened) == ()


def test_a_drift_beats_cannot_settle_is_said_not_to_be_known() -> None:
    def said(**changes: Any) -> str:
        whole = {"drift_ppm": 4.2, "residual_ms": 9.0, "matched_fraction": 0.9, "n_beats": 700, **changes}
        return align_command.drift_in_words(locked([Piece(0.0, 700.0, 2.0, **whole)], "beats", {}))

    assert "not known to 1 ppm" in said(drift_error_ppm=8.6) and "± 9" in said(drift_error_ppm=8.6)
    assert said(drift_error_ppm=0.25, drift_ppm=0.01) == "+0.01 ± 0.25 ppm"
    assert said() == "+4.2 ppm"
