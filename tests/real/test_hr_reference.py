"""The reference heart rates are judged by: R peaks of two detectors that must agree, checked against annotated beats.

Neither detector is ours (both are wfdb's: ``xqrs`` and ``gqrs``), neither knows of the pulse. Where they differ there
is no reference, and the window is counted as such.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hr_reference import (
    MATCH_S,
    annotated_beats_s,
    matched,
    r_peaks_s,
    rate_per_min,
    sure_beats_s,
    wfdb,
)

# wfdb reads annotations by a pandas keyword that is to go away: its business, not ours.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")


def check_detectors(ecg: np.ndarray, rate_hz: float, truth_s: np.ndarray, name: str) -> np.ndarray:
    """Print how good the detectors are; the errors of the rate of windows they agree on, per minute."""
    seconds = len(ecg) / rate_hz
    detections = [r_peaks_s(ecg, rate_hz, detector) for detector in ("gqrs", "xqrs")]
    for detector, found in zip(("gqrs", "xqrs"), detections, strict=True):
        tp, fp, fn = matched(found, truth_s[truth_s < seconds])
        print(f"{name} {detector}: n {tp + fn}, Se {tp / (tp + fn):.4f}, PPV {tp / (tp + fp):.4f}")
    errors = []
    for begin_s in np.arange(10.0, seconds - 10.0, 10.0):  # the detectors learn on the first seconds
        beats = sure_beats_s(detections, begin_s, begin_s + 10.0)
        if beats is not None:
            true = truth_s[(truth_s >= beats[0] - MATCH_S) & (truth_s <= beats[-1] + MATCH_S)]
            errors.append(rate_per_min(beats) - rate_per_min(true))
    print(f"{name}: {len(errors)} windows agreed, mean |error| {np.abs(errors).mean():.3f}/min")
    return np.array(errors)


@pytest.mark.parametrize(("record", "least_agreed"), [("100", 15), ("105", 14)])
def test_where_both_detectors_agree_they_are_right(
    real_recordings: Path, record: str, least_agreed: int
) -> None:
    """Three minutes each of a clean and of a noisy record with every beat annotated (MIT-BIH 100, 105)."""
    path = real_recordings / "mitbih" / record
    read = wfdb.rdrecord(str(path), sampto=180 * 360)
    errors = check_detectors(read.p_signal[:, 0], read.fs, annotated_beats_s(path, read.fs), record)
    assert len(errors) >= least_agreed
    assert np.abs(errors).mean() <= 0.5
    assert np.quantile(np.abs(errors), 0.95) <= 1.5


@pytest.mark.slow
def test_they_are_right_in_atrial_fibrillation_too(real_recordings: Path) -> None:
    """Wearable ECG of four people with episodes of atrial fibrillation, every beat annotated (CPSC 2021)."""
    errors = []
    for header in sorted((real_recordings / "ecg_samples_torch_ecg" / "cpsc2021").glob("*.hea")):
        path = header.with_suffix("")
        read = wfdb.rdrecord(str(path))
        truth_s = annotated_beats_s(path, read.fs)
        if len(read.p_signal) > 30 * read.fs:
            errors.append(check_detectors(read.p_signal[:, 1], read.fs, truth_s, path.name))
    together = np.concatenate(errors)
    assert len(together) >= 100
    assert np.abs(together).mean() <= 0.5
    assert np.quantile(np.abs(together), 0.95) <= 1.5
