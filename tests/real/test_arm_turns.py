"""Turns of real wrists: a person who works turns the arm now and then, and it is not told every minute."""

from pathlib import Path

import numpy as np
import pytest

from hemoview.dsp.arm import TURNED_DEG, ArmTracker
from recorder.exchange import read_recording

MOST_PER_HOUR = 60.0


@pytest.mark.parametrize("name", ["S01.zip", "S03.zip", "S10.zip"])
def test_turns_of_a_working_wrist_are_rare_and_real(real_recordings: Path, name: str) -> None:
    acc = read_recording(real_recordings / "e4_stress_predict" / name).signals["acc"]
    samples = np.asarray(acc.values, dtype=np.float64)
    found = list(ArmTracker(acc.rate_hz).push(0, samples))
    hours = len(samples) / acc.rate_hz / 3600
    print(
        f"{name}: {len(found)} turns in {hours:.2f} h, median {np.median([t.angle_deg for t in found]):.0f} deg"
    )
    assert 0 < len(found) <= MOST_PER_HOUR * hours
    for turn in found:
        assert turn.angle_deg > TURNED_DEG
        still = samples[turn.sample_no - round(5 * acc.rate_hz) : turn.sample_no]
        assert np.abs(still - still.mean(axis=0)).mean() < 0.1
