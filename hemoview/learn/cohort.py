"""A simulated cohort: the only source of stroke volume, and other people's pulse waves beside the few real ones.

Every figure from it is SIMULATED. The cohort is frozen by hash, and how ambiguous it is is measured before anything is
trained on it (evaluation.md 7).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.learn.rows import LABELS, Rows
from recorder.devices.sim.physiology import (
    E4_OPTICS,
    FINGER_OPTICS,
    MANOEUVRES,
    MODEL_VERSION,
    SimRecording,
    random_subject,
    simulate,
)

WINDOW_S: Final = 10.0
RATE_HZ: Final = 64.0
_TRUTH: Final = ("sbp_mmhg", "map_mmhg", "dbp_mmhg", "sv_ml")


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Simulated rows with the hash of every subject's configuration.

    Args:
        rows: 10-s windows at 64 Hz; half the subjects wear a wristband, half a finger clip.
        sha256: over model version and configurations of all subjects.
        beat_start: ``(n,)`` index in its window of the first whole beat.
    """

    rows: Rows
    sha256: str
    beat_start: NDArray[np.int64]


def simulate_cohort(n_subjects: int, seed: int, seconds: float = 180.0) -> Cohort:
    """Random subjects, each doing one random manoeuvre in the middle; windows with a moving wrist are left out."""
    digest = hashlib.sha256(MODEL_VERSION.encode())
    windows: list[_Window] = []
    for number in range(n_subjects):
        rng = np.random.default_rng((seed, number))
        step = {"at_s": seconds / 3, "do": str(rng.choice(sorted(MANOEUVRES))), "for_s": seconds / 3}
        optics = E4_OPTICS if number % 2 else FINGER_OPTICS
        recording = simulate(
            random_subject(rng), seconds, seed * 100_003 + number, [step], optics=optics, ppg_hz=RATE_HZ
        )
        digest.update(f"{recording.config_sha256} {optics}\n".encode())
        windows += _windows(recording, f"sim{seed}-{number:04d}")
    rows = Rows(
        raw=np.stack([w.raw for w in windows]),
        rate_hz=RATE_HZ,
        labels=np.stack([w.labels for w in windows]),
        subject=np.array([w.subject for w in windows]),
        t_s=np.array([w.t_s for w in windows]),
        simulated=True,
    )
    return Cohort(rows, digest.hexdigest(), np.array([w.beat_start for w in windows]))


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    raw: NDArray[np.float32]
    labels: NDArray[np.float64]
    subject: str
    t_s: float
    beat_start: int


def _windows(recording: SimRecording, subject: str) -> list[_Window]:
    """Windows whose beats were all still; labels are the mean over the window's beats."""
    beats, n = recording.beats, round(WINDOW_S * RATE_HZ)
    found = []
    for first in range(0, len(recording.ppg) - n + 1, n):
        t0_s = first / RATE_HZ
        inside = (beats["t_s"] >= t0_s) & (beats["t_s"] < t0_s + WINDOW_S)
        if inside.sum() < 4 or not beats["still"][inside].all():
            continue
        labels = np.array([beats[name][inside].mean() for name in _TRUTH])
        begin = int(np.ceil((beats["t_s"][inside][0] - t0_s) * RATE_HZ))
        found.append(
            _Window(recording.ppg[first : first + n].astype(np.float32), labels, subject, t0_s, begin)
        )
    return found


def ambiguity(
    cohort: Cohort, inputs: NDArray[np.float32], n_nearest: int = 50, seed: int = 0
) -> dict[str, Any]:
    """How much a normalised pulse wave can tell about this cohort at all (methods.md §D.1, §F.2); SIMULATED.

    Many-to-one: the share of 2-s beat-aligned windows that have a look-alike of another subject (correlation above
    0.9, Euclidean distance of the 0–1 scaled waves below 1) whose SBP differs by more than 8 mmHg. Oracle: R² of the
    nearest waves of other subjects, per label.

    Args:
        cohort: whose windows.
        inputs: its model inputs, ``(n, 640)``.
        n_nearest: waves the oracle takes the mean of; at most a quarter of all.
        seed: of the sample taken when there are more than 3000 windows.
    """
    n = round(2 * RATE_HZ)
    some = np.sort(np.random.default_rng(seed).permutation(len(inputs))[:3000])
    waves = np.stack([inputs[i, b : b + n] for i, b in zip(some, cohort.beat_start[some], strict=True)])
    labels, subject = cohort.rows.labels[some], cohort.rows.subject[some]
    low, high = waves.min(axis=1, keepdims=True), waves.max(axis=1, keepdims=True)
    scaled = ((waves - low) / (high - low)).astype(np.float64)
    square = (scaled**2).sum(axis=1)
    distance2 = np.maximum(square[:, None] + square[None] - 2 * scaled @ scaled.T, 0)
    other = subject[:, None] != subject[None]
    alike = other & (np.corrcoef(scaled) > 0.9) & (distance2 < 1)
    far = np.abs(labels[:, None, 0] - labels[None, :, 0]) > 8
    k = min(n_nearest, len(some) // 4)
    nearest = np.argpartition(np.where(other, distance2, np.inf), k, axis=1)[:, :k]
    guess = labels[nearest].mean(axis=1)
    unexplained = ((guess - labels) ** 2).sum(axis=0) / ((labels - labels.mean(axis=0)) ** 2).sum(axis=0)
    return {
        "simulated": True,
        "n_windows": len(some),
        "n_subjects": len(set(subject.tolist())),
        "many_to_one_fraction": round(float((alike & far).any(axis=1).mean()), 3),
        "oracle_r2": {name: round(float(1 - u), 3) for name, u in zip(LABELS, unexplained, strict=True)},
    }
