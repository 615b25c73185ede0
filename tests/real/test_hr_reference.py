"""The reference heart rates are judged by: R peaks of two detectors that must agree, checked against annotated beats.

Neither detector is ours (both are wfdb's: ``xqrs`` and ``gqrs``), neither knows of the pulse. Where they differ there
is no reference, and the window is counted as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

wfdb = pytest.importorskip("wfdb", reason="wfdb (extra exchange) reads the recordings and finds the R peaks")
processing = pytest.importorskip("wfdb.processing")

# wfdb reads annotations by a pandas keyword that is to go away: its business, not ours.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

MATCH_S = 0.15
"""As in ANSI/AAMI EC57."""
LEAST_BEATS = 4
BEAT_LABELS = list("NLRBAaJSVrFejnE/fQ?")


def r_peaks_s(ecg: np.ndarray, rate_hz: float, detector: str) -> np.ndarray:
    """Seconds of the R peaks; missing samples are bridged, what is found there matches nothing."""
    known = np.isfinite(ecg)
    at = np.arange(len(ecg))
    whole = np.interp(at, at[known], ecg[known])
    found = (
        processing.xqrs_detect(whole, rate_hz, verbose=False)
        if detector == "xqrs"
        else processing.gqrs_detect(whole, rate_hz)
    )
    return np.asarray(found, dtype=float) / rate_hz


def matched(found: np.ndarray, truth: np.ndarray) -> tuple[int, int, int]:
    """True, false, missed beats, each used once."""
    comparison = processing.compare_annotations(
        np.round(truth * 1000).astype(int), np.round(found * 1000).astype(int), round(MATCH_S * 1000)
    )
    return comparison.tp, comparison.fp, comparison.fn


def sure_beats_s(detections: Sequence[np.ndarray], begin_s: float, end_s: float) -> np.ndarray | None:
    """The first detector's beats in a window, or None unless another finds exactly the same ones (but for beats
    within the tolerance of the window's ends).
    """
    first = detections[0]
    beats = first[(first >= begin_s) & (first < end_s)]
    if len(beats) < LEAST_BEATS:
        return None
    for other in detections[1:]:
        near = other[(other >= begin_s - MATCH_S) & (other < end_s + MATCH_S)]
        if not len(near):
            continue
        distance = np.abs(beats[:, None] - near[None, :])
        inside = (near >= begin_s + MATCH_S) & (near < end_s - MATCH_S)
        if (distance.min(axis=1) <= MATCH_S).all() and (distance.min(axis=0)[inside] <= MATCH_S).all():
            return beats
    return None


def rate_per_min(beats_s: np.ndarray) -> float:
    """60 over the mean interval."""
    return 60.0 / float(np.diff(beats_s).mean())


def annotated_beats_s(record: Path, rate_hz: float) -> np.ndarray:
    annotation = wfdb.rdann(str(record), "atr")
    kept = np.isin(np.array(annotation.symbol), BEAT_LABELS)
    return annotation.sample[kept] / rate_hz


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
