"""Heart rates of an electrocardiogram: R peaks of two detectors that agree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

wfdb = pytest.importorskip("wfdb", reason="wfdb (extra exchange) reads the recordings and finds the R peaks")
processing = pytest.importorskip("wfdb.processing")
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
