"""Which streams are the pulse and the pressure, and their beats out of a stored session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from two_devices import person, write

from hemoview.labels.signals import session_signals
from recorder import session as sessions

SECONDS = 40.0


@pytest.fixture(scope="module")
def recording():
    return person(SECONDS)


def test_the_beats_of_both_devices_are_those_of_the_heart(tmp_path: Path, recording) -> None:
    with sessions.open(write(tmp_path / "s", recording, recording, wrist_late_s=0.5)) as session:
        pulse, pressure = session_signals.pulse_beats(session), session_signals.pressure_beats(session)
    truth = recording.beats["t_s"]
    for beats, lag_s in ((pressure, 0.04), (pulse, 0.56)):
        assert abs(len(beats) - truth.size) <= 3
        off = beats.time_s[:, None] - truth - lag_s
        nearest = off[np.arange(len(beats)), np.abs(off).argmin(axis=1)]
        assert abs(float(np.median(nearest))) < 0.06  # the way to the host
        assert float(np.median(np.abs(nearest - np.median(nearest)))) < 0.01
        assert beats.usable_fraction > 0.9
        assert set(beats.run.tolist()) == {1} and set(beats.part.tolist()) == {1}


def test_a_counted_hole_ends_a_run_and_not_the_time_base(tmp_path: Path, recording) -> None:
    path = write(tmp_path / "s", recording, recording, hole_s=(15.0, 18.0))
    with sessions.open(path) as session:
        pulse = session_signals.pulse_beats(session)
    assert set(pulse.run.tolist()) == {1, 2} and set(pulse.part.tolist()) == {1}
    assert not ((pulse.time_s > 15.1) & (pulse.time_s < 17.9)).any()


def test_a_reconnect_begins_another_part(tmp_path: Path, recording) -> None:
    path = write(tmp_path / "s", recording, recording, hole_s=(15.0, 18.0), reconnect_late_s=0.3)
    with sessions.open(path) as session:
        pulse = session_signals.pulse_beats(session)
    assert set(pulse.part.tolist()) == {1, 2}
    after = pulse.time_s[pulse.part == 2]
    assert 18.0 < after[0] < 20.0


def test_reading_in_pieces_finds_the_same_beats(
    tmp_path: Path, recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "s", recording, recording)
    with sessions.open(path) as session:
        whole = session_signals.pulse_beats(session)
        monkeypatch.setattr(session_signals, "READ_S", 7.0)
        pieces = session_signals.pulse_beats(session)
    np.testing.assert_allclose(whole.time_s, pieces.time_s, atol=1e-9)
    np.testing.assert_array_equal(whole.run, pieces.run)


def test_beats_of_a_moving_arm_are_not_usable(tmp_path: Path, recording) -> None:
    moving = person(SECONDS, motion_fraction=1.0)
    with sessions.open(write(tmp_path / "s", moving, recording)) as session:
        assert session_signals.pulse_beats(session).usable_fraction < 0.9


def test_a_session_without_a_pulse_has_no_beats(tmp_path: Path) -> None:
    from two_devices import ERA, WAVE  # noqa: PLC0415

    from recorder.session import SessionHeader  # noqa: PLC0415

    writer = sessions.create(tmp_path / "s", SessionHeader("s", "bed-1", ERA.wall_ns), ERA)
    writer.add_stream(WAVE)
    writer.commit()
    writer.close("stopped")
    with sessions.open(tmp_path / "s") as session:
        assert session_signals.pulse_stream(session) is None
        assert len(session_signals.pulse_beats(session)) == 0
        assert len(session_signals.pressure_beats(session)) == 0
        assert session_signals.reference_rows(session) is None
