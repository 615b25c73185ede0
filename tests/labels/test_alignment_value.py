"""An alignment as a value: time maps there and back, nudges, and what is stored reads back the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.dsp.time_map import Piece
from hemoview.labels.alignment import Alignment, nudged, to_pulse_time, to_reference_time
from recorder.errors import ConfigError
from recorder.session.alignments import StoredAlignment

PIECES = (Piece(10.0, 100.0, 3.2, 40.0, 12.0, 0.9, 90), Piece(120.0, 200.0, 3.5, 40.0, 20.0, 0.8, 80))
LOCKED = Alignment(1, True, PIECES, "beats", {"seed": 1})


def test_times_map_there_and_back_inside_pieces_and_nowhere_else() -> None:
    t = np.array([0.0, 10.0, 50.0, 100.0, 110.0, 150.0, 201.0])
    there = to_pulse_time(LOCKED, t)
    assert np.isnan(there[[0, 4, 6]]).all()
    assert there[2] == pytest.approx(50.0 + 3.2 + 40e-6 * 40.0)
    back = to_reference_time(LOCKED, there)
    np.testing.assert_allclose(back[[1, 2, 3, 5]], t[[1, 2, 3, 5]], atol=1e-9)
    assert np.isnan(to_reference_time(LOCKED, np.array([113.0]))).all()


@given(st.floats(-4000, 4000), st.floats(-300, 300), st.floats(0, 1e5))
def test_a_line_is_its_own_inverse(offset_s: float, drift_ppm: float, t0_s: float) -> None:
    piece = Piece(t0_s, t0_s + 600.0, offset_s, drift_ppm, 10.0, 1.0)
    t = np.linspace(t0_s, t0_s + 600.0, 7)
    np.testing.assert_allclose(piece.to_reference(piece.to_pulse(t)), t, atol=1e-6)


def test_stored_content_reads_back_the_same() -> None:
    stored = StoredAlignment(4, 7, "op1", "hemoview 0", LOCKED.content(), 3)
    found = Alignment.of(stored)
    assert found.pieces == PIECES and found.version == 4 and found.evidence == {"seed": 1}
    refused = Alignment(0, False, (), "beats", {}, "ambiguous")
    assert Alignment.of(StoredAlignment(1, 7, "", "", refused.content())).refused_because == "ambiguous"
    assert np.isnan(refused.offset_s) and np.isnan(refused.residual_ms)


def test_a_nudge_moves_every_piece_and_is_named() -> None:
    moved = nudged(nudged(LOCKED, 20.0), -5.0)
    assert moved.method == "beats+nudge" and moved.evidence["nudged_ms"] == 15.0
    assert [p.offset_s for p in moved.pieces] == pytest.approx([3.215, 3.515])
    with pytest.raises(ConfigError, match="no locked"):
        nudged(Alignment(0, False, (), "beats", {}, "unsure"), 20.0)
    for wrong in (0.0, 9000.0, float("nan")):
        with pytest.raises(ConfigError):
            nudged(LOCKED, wrong)


def test_an_alignment_is_locked_with_pieces_or_refused_with_a_reason() -> None:
    with pytest.raises(ValueError):
        Alignment(0, True, (), "beats", {})
    with pytest.raises(ValueError):
        Alignment(0, False, (), "beats", {})
    with pytest.raises(ValueError, match="follow"):
        Alignment(0, True, PIECES[::-1], "beats", {})
