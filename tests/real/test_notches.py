"""Fiducials of a real artery and a real finger of one patient: where the valve closes, and that its trace is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hemoview.dsp.abp_beats import REFRACTORY_S, find_abp_beats
from hemoview.dsp.fiducials import in_seconds, pressure_fiducials, pulse_fiducials
from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.tracking import track_all


def test_ten_minutes_of_an_artery_and_a_finger(real_recordings: Path) -> None:
    stored = np.load(real_recordings / "surgery_ev1000" / "wt01_waves.npz")
    rate_hz = float(stored["ABP_fs"])
    ten_minutes = slice(10_000, 10_000 + round(600 * rate_hz))
    pressure, pulse = (stored[name][ten_minutes].astype(float) for name in ("ABP", "PLETH"))
    beats = [t.beat for t in track_all(find_abp_beats, pressure, rate_hz, refractory_s=REFRACTORY_S)]
    onset, upstroke, peak, notch = in_seconds(pressure_fiducials(pressure, rate_hz, beats), rate_hz).T
    assert len(onset) > 450
    assert np.all((onset < upstroke) & (upstroke < peak))
    assert np.isfinite(notch).mean() > 0.97
    systole_s = np.nanquantile(notch - onset, [0.05, 0.5, 0.95])
    assert 0.3 < systole_s[0] < systole_s[1] < systole_s[2] < 0.55
    at = np.nan_to_num(notch * rate_hz, nan=0).round().astype(int)
    assert np.all((pressure[at] < pressure[(peak * rate_hz).round().astype(int)])[np.isfinite(notch)])
    finger = [t.beat for t in track_all(find_ppg_beats, pulse, rate_hz, refractory_s=REFRACTORY_S)]
    points = in_seconds(pulse_fiducials(pulse, rate_hz, finger), rate_hz)
    assert np.isfinite(points[:, 3]).mean() > 0.5
    crest_s = np.median(points[:, 2] - points[:, 0])
    assert 0.1 < crest_s < 0.3
