"""Beats and waveform that belong together are not doubted; those that do not are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from recorder.devices.sim.physiology import SimSubject, simulate
from recorder.devices.sim.stick import StickPlan, write_stick
from recorder.exchange.sources.cnap_agreement import disagreements
from recorder.protocols.cnap_beats import CnapBeats, parse_beats
from recorder.protocols.cnap_wave import CnapWave, parse_wave

Pair = tuple[CnapBeats, CnapWave]


@pytest.fixture(scope="module", params=["sinus", "atrial-fibrillation"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    recording = simulate(SimSubject(rhythm=request.param), 400.0, seed=2)
    plan = StickPlan(calibrated_s=(60.0, 300.0), finger_changes_s=(250.0,), artefacts=0.03)
    files = write_stick(Path(tmp_path_factory.mktemp("s")), recording, datetime(2025, 1, 31, 9), plan)
    return parse_beats(files.beats.read_bytes()), parse_wave(files.waveform.read_bytes())


@pytest.mark.parametrize("stamped_s", [0.0, -0.6, 0.6])
def test_a_beat_may_be_stamped_anywhere_in_itself(pair: Pair, stamped_s: float) -> None:
    beats, wave = pair
    assert disagreements(replace(beats, t_s=beats.t_s + stamped_s), wave, 0.0) == ()


@pytest.mark.parametrize("lag_s", [-6.0, -3.0, 3.0, 6.0])
def test_a_lag_is_told_with_its_side(pair: Pair, lag_s: float) -> None:
    beats, wave = pair
    found = disagreements(replace(beats, t_s=beats.t_s + lag_s), wave, 0.0)
    (line,) = [told for told in found if "run" in told]
    assert ("behind" in line) == (lag_s > 0)
    assert float(line.split()[3]) == pytest.approx(abs(lag_s), abs=0.6)


def test_other_pressures_and_another_start_are_named(pair: Pair) -> None:
    beats, wave = pair
    (line,) = disagreements(beats, replace(wave, mmhg=wave.mmhg * 1.15), 0.0)
    assert "is not that of the wave within 5 mmHg" in line
    first, second = disagreements(beats, wave, 3600.0)
    assert "3600 s after the beats" in first
    assert "only 0 of" in second


def test_too_few_beats_say_nothing(pair: Pair) -> None:
    beats, wave = pair
    few = replace(beats, t_s=beats.t_s[:9], values=beats.values[:9] + 50, artefact=beats.artefact[:9])
    assert disagreements(few, wave, 0.0) == ()
