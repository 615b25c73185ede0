"""The guard before real recordings that hold a pulse and a pressure of one person, and before swapped ones.

One recording is one person; looks every 5 s, as live. Swapped: the pressure of half a minute earlier, or of another
recording. None of these has an accelerometer, so only the shape of a beat says whether it is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hemoview.dsp import abp_beats, ppg_beats
from hemoview.dsp.shared_heart import SPAN_S, Beats, Comparison, compare
from hemoview.dsp.tracking import track_all
from hemoview.edge.heart import LEAST_QUALITY, LOOK_EVERY_S, HeartGuard
from recorder.exchange import read_recording

pytest.importorskip("wfdb", reason="wfdb (extra exchange) reads the recordings")

FIBRILLATION = "mimic4wdb/p10020306/83404654/83404654_0006.hea"
SURGERY = "surgery_ev1000/wt01_waves.npz"
PACED = "wfdb_samples/mixedsignals.hea"


def runs(x: np.ndarray, rate_hz: float) -> Iterator[tuple[int, int]]:
    """Stretches of 10 s and more without a hole."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.isfinite(x).astype(int), [0]))))
    return ((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 10 * rate_hz)


@cache
def beats_of(path: Path) -> tuple[Beats, Beats]:
    """Of the pulse and of the pressure."""
    signals = read_recording(path).signals
    found = []
    for role, detect in (("bvp", ppg_beats.find_ppg_beats), ("abp", abp_beats.find_abp_beats)):
        signal = signals[role]
        values, rate_hz = np.asarray(signal.values, dtype=float), signal.rate_hz
        tracked = [
            (first + b.beat.position, b.beat.quality >= LEAST_QUALITY)
            for first, stop in runs(values, rate_hz)
            for b in track_all(detect, values[first:stop], rate_hz, refractory_s=ppg_beats.REFRACTORY_S)
        ]
        at, usable = (np.array(column) for column in zip(*tracked, strict=True))
        found.append(Beats(at / rate_hz, usable.astype(bool)))
    return found[0], found[1]


def looks(first: Beats, second: Beats) -> list[Comparison]:
    """As live: what had come by then, every 5 s."""
    end_s = min(first.time_s[-1], second.time_s[-1])
    newest = np.arange(20.0, end_s, LOOK_EVERY_S)
    return [compare(_by(first, t), _by(second, t)) for t in newest]


def _by(beats: Beats, t_s: float) -> Beats:
    seen = (beats.time_s <= t_s) & (beats.time_s > t_s - SPAN_S - 20)
    return Beats(beats.time_s[seen], beats.usable[seen])


def said(found: list[Comparison]) -> list[str]:
    """What the guard says after each look."""
    guard = HeartGuard()
    verdicts = []
    for look in found:
        guard._judge(look)
        verdicts.append(guard.verdict)
    return verdicts


@pytest.mark.parametrize(
    ("path", "least_same"),
    [(FIBRILLATION, 0.8), (SURGERY, 0.5), (PACED, 0.3)],
    ids=["af", "surgery", "paced"],
)
def test_one_person_is_never_told_as_two(real_recordings: Path, path: str, least_same: float) -> None:
    found = looks(*beats_of(real_recordings / path))
    compared = [look for look in found if look.why != "too-few-beats"]
    counts = Counter(look.verdict for look in compared)
    print(path, counts, f"least {min(look.log_ratio for look in compared):.0f} nats")
    assert counts["different"] == 0
    assert counts["same"] >= least_same * len(compared)
    assert "different" not in said(found)


@pytest.mark.parametrize(
    ("pulse", "pressure"),
    [(SURGERY, PACED), (SURGERY, FIBRILLATION), (FIBRILLATION, SURGERY), (PACED, FIBRILLATION)],
)
def test_the_pressure_of_another_is_told_within_a_minute_of_usable_beats(
    real_recordings: Path, pulse: str, pressure: str
) -> None:
    first, second = beats_of(real_recordings / pulse)[0], beats_of(real_recordings / pressure)[1]
    found = looks(first, second)
    compared = [n for n, look in enumerate(found) if look.why != "too-few-beats"]
    verdicts = said(found)
    flagged = verdicts.index("different")
    usable = sum(n <= flagged for n in compared)
    print(
        pulse, pressure, Counter(look.verdict for look in found), f"after {18 + 5 * usable} s of usable beats"
    )
    assert 18 + LOOK_EVERY_S * usable <= 60
    assert "same" not in verdicts


@pytest.mark.parametrize("path", [FIBRILLATION, SURGERY], ids=["af", "surgery"])
@pytest.mark.parametrize("shift_s", [31.7, 97.3])
def test_the_same_person_of_another_minute_is_another_heart(
    real_recordings: Path, path: str, shift_s: float
) -> None:
    first, second = beats_of(real_recordings / path)
    found = [look for look in looks(first, second.later(-shift_s)) if look.why != "too-few-beats"]
    counts = Counter(look.verdict for look in found)
    print(path, shift_s, counts)
    assert counts["different"] >= 0.85 * len(found)
    assert counts["same"] <= 0.01 * len(found)
