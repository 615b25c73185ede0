"""The ten values of every window by what a reference said meanwhile, or why there is none (methods §E.3). Pure.

A window's label is the median over at least six valid beats that begin in it (the heart rate: 60 over their mean
interval, as everywhere here), if systolic pressure is steady, in range, and neither a cuff nor a recalibration is
near. What a monitor computes beyond pressure counts only once its cardiac output was calibrated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.reference.pressure import median_label
from recorder.schema import PARAMETERS

F64 = NDArray[np.float64]
Texts = NDArray[np.str_]
Span = tuple[float, float]
"""Elapsed seconds of the reference, begin and end."""

VALID: Final = "valid"
NOT_ALIGNED: Final = "not-aligned"
NO_BEATS: Final = "no-reference"
NOT_MEASURED: Final = "not-measured"
UNCALIBRATED: Final = "uncalibrated"
RECALIBRATION: Final = "recalibration"
CUFF: Final = "cuff"
TOO_FEW: Final = "too-few-beats"
UNSTEADY: Final = "unsteady"
OUT_OF_RANGE: Final = "out-of-range"
UNCALIBRATED_CO: Final = "uncalibrated CO"
REASONS: Final = (
    VALID,
    UNCALIBRATED_CO,
    NOT_ALIGNED,
    NO_BEATS,
    NOT_MEASURED,
    UNCALIBRATED,
    RECALIBRATION,
    CUFF,
    TOO_FEW,
    UNSTEADY,
    OUT_OF_RANGE,
)
"""What ``label_valid_reason`` may say, beside ``corrected by RATER`` and ``excluded by hand``."""

HELD_S: Final = 30.0
"""A cardiac-output monitor renews its values every 20 s; older ones say nothing of a window."""
AROUND_S: Final = 30.0
"""Cuff readings and recalibrations spoil what is nearer than this (methods §E.3)."""
CO_FAMILY: Final = tuple(PARAMETERS.index(name) for name in ("CO", "CI", "SV", "SI", "SVR", "SVRI"))
_HR_PER_MIN: Final = (20.0, 250.0)


@dataclass(frozen=True, slots=True)
class KnownError:
    """How far a reference itself is from the truth; it comes on top of whatever is compared with it.

    Args:
        sd_mmhg: least and largest standard deviation of single pressures against an arterial line.
        source: who measured that.
    """

    sd_mmhg: Span
    source: str


CNAP_KIND: Final = "CNAP finger cuff"
REFERENCE_ERRORS: Final = {
    CNAP_KIND: KnownError(
        (6.7, 16.5),
        "CNAP against an arterial line: MAP 4.6 ± 6.7 mmHg in intensive care, SBP 4.2 ± 16.5 mmHg in surgery; "
        "its cardiac output, uncalibrated −1.4 L/min, calibrated +0.2 ± 1.0 L/min (percentage error 25 %)",
    ),
    "finger-cuff": KnownError(
        (8.3, 12.2),
        "continuous finger cuffs against an arterial line, 28 studies, 919 patients: SBP −1.6 ± 12.2, MAP 3.2 ± 8.4, "
        "DBP 5.3 ± 8.3 mmHg",
    ),
}
"""By kind of reference; methods §D. None is known for the others."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldValues:
    """What a monitor shows until it shows another value, every 20 s or so.

    Args:
        t_s: ``(m,)`` rising, elapsed seconds of the reference.
        values: ``(m, 11)`` the ten parameters and CVP; NaN = nothing new of that one.
    """

    t_s: F64
    values: F64

    def at(self, t_s: F64) -> F64:
        """``(n, 11)`` shown at each time, NaN where nothing was shown within :data:`HELD_S`."""
        out = np.full((len(t_s), self.values.shape[1]), np.nan)
        for k, column in enumerate(self.values.T):
            known = np.flatnonzero(np.isfinite(column))
            times = self.t_s[known]
            at = np.searchsorted(times, np.where(np.isfinite(t_s), t_s, -np.inf), "right") - 1
            if len(known):
                fresh = (at >= 0) & (t_s - times[np.maximum(at, 0)] <= HELD_S)
                out[:, k] = np.where(fresh, column[known[np.maximum(at, 0)]], np.nan)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceBeats:
    """What the reference said, beat by beat.

    Args:
        t_s: ``(n,)`` onsets, rising, elapsed seconds of the reference.
        values: ``(n, 10)`` in the order and units of :data:`recorder.schema.PARAMETERS`; NaN = not said.
        cvp_mmhg: ``(n,)``; NaN = not said. None = never.
        held: what it does not tell of every beat but shows until the next value.
    """

    t_s: F64
    values: F64
    cvp_mmhg: F64 | None = None
    held: HeldValues | None = None

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.t_s), len(PARAMETERS)):
            raise ValueError(f"{len(self.t_s)} beats but values of shape {self.values.shape}")
        if np.any(np.diff(self.t_s) < 0) or not np.isfinite(self.t_s).all():
            raise ValueError("beats of a reference must be in order of time")

    @property
    def valid(self) -> NDArray[np.bool_]:
        """``(n,)`` beats an artery can have: DBP < MAP < SBP, a rate if there is one between 20 and 250 /min."""
        sbp, mean, dbp, hr = self.values[:, :4].T
        with np.errstate(invalid="ignore"):
            rate = ~np.isfinite(hr) | ((hr >= _HR_PER_MIN[0]) & (hr <= _HR_PER_MIN[1]))
            return np.asarray((dbp < mean) & (mean < sbp) & rate)


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """What happened to the reference; elapsed seconds of its own.

    Args:
        kind: what it is, e.g. :data:`CNAP_KIND` or ``arterial-line``; empty = not known.
        calibrates_itself: its pressures count only after a calibration of its own (CNAP: NBPcal, NBPman).
        calibrated_s: when it was calibrated.
        doubted_s: when that ended (another finger).
        co_calibrated_s: when its cardiac output was calibrated (HDcal).
        recalibrations: when it searched, calibrated or changed the finger.
        cuffs: when a cuff was inflated on any arm.
    """

    kind: str = ""
    calibrates_itself: bool = True
    calibrated_s: tuple[float, ...] = ()
    doubted_s: tuple[float, ...] = ()
    co_calibrated_s: tuple[float, ...] = ()
    recalibrations: tuple[Span, ...] = ()
    cuffs: tuple[Span, ...] = ()

    @property
    def error(self) -> KnownError | None:
        """Its own error; None where nobody told."""
        return REFERENCE_ERRORS.get(self.kind)


@dataclass(frozen=True, slots=True)
class LabelRules:
    """What may be chosen.

    Args:
        keep_uncalibrated_co: CO, CI, SV, SI, SVR and SVRI of a monitor nobody calibrated for them keep their value,
            under that name; else they have none.
    """

    keep_uncalibrated_co: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WindowLabels:
    """One row a window.

    Args:
        values: ``(n, 10)``, NaN = no label.
        reasons: ``(n, 10)`` of :data:`REASONS`, or what somebody said who corrected or excluded it.
        n_beats: ``(n,)`` valid beats in it.
        calibration_age_s: ``(n,)`` since the reference was last calibrated, NaN = it was not.
        cvp_mmhg: ``(n,)`` median, NaN = not known.
        error: of the reference itself.
    """

    values: F64
    reasons: Texts
    n_beats: NDArray[np.int64]
    calibration_age_s: F64
    cvp_mmhg: F64
    error: KnownError | None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """``(n,)`` windows with any value."""
        return np.asarray(np.isfinite(self.values).any(axis=1))


def label_windows(
    beats: ReferenceBeats,
    windows_s: F64,
    facts: ReferenceFacts | None = None,
    rules: LabelRules | None = None,
) -> WindowLabels:
    """The labels of windows.

    Args:
        beats: of the reference.
        windows_s: ``(n, 2)`` begin and end of each window on the reference's time; NaN = it cannot be placed there.
        facts: about the reference; None = nothing is known, so nothing is believed of one that calibrates itself.
        rules: what may be chosen.
    """
    facts, rules = facts or ReferenceFacts(), rules or LabelRules()
    n = len(windows_s)
    begin_s, end_s = windows_s[:, 0], windows_s[:, 1]
    placed = np.asarray(np.isfinite(windows_s).all(axis=1), dtype=np.bool_)
    age_s = _calibration_age_s(facts, begin_s)
    barred = _barred(facts, windows_s, placed, age_s)
    good = beats.valid
    t_s, values = beats.t_s[good], beats.values[good]
    first, stop = (np.searchsorted(t_s, np.where(placed, edge, -np.inf)) for edge in (begin_s, end_s))
    any_first, any_stop = (np.searchsorted(beats.t_s, np.where(placed, e, -np.inf)) for e in (begin_s, end_s))
    held = beats.held.at(end_s) if beats.held is not None else np.full((n, len(PARAMETERS) + 1), np.nan)
    out, why = np.full((n, len(PARAMETERS)), np.nan), np.full((n, len(PARAMETERS)), VALID, dtype="<U64")
    for i in range(n):
        reason: str | None = barred[i]
        if not reason and any_first[i] == any_stop[i]:
            reason = NO_BEATS
        if not reason:
            out[i], reason = median_label(values[first[i] : stop[i]], round(end_s[i] - begin_s[i], 3))
        if reason:
            why[i] = reason
        else:
            out[i] = np.where(np.isfinite(out[i]), out[i], held[i, : len(PARAMETERS)])
            _flow(out[i], why[i], _after(facts.co_calibrated_s, begin_s[i]), facts, rules)
    cvp = _cvp(beats, any_first, any_stop)
    cvp = np.where(np.isfinite(cvp), cvp, held[:, -1])
    return WindowLabels(out, why, (stop - first).astype(np.int64), age_s, cvp, facts.error)


def _flow(label: F64, why: Texts, calibrated: bool, facts: ReferenceFacts, rules: LabelRules) -> None:
    """What is not measured says so; what follows from cardiac output only once that was calibrated."""
    for k in range(len(PARAMETERS)):
        if not np.isfinite(label[k]):
            why[k] = NOT_MEASURED
        elif label[k] <= 0:
            label[k], why[k] = np.nan, OUT_OF_RANGE
        elif k in CO_FAMILY and facts.calibrates_itself and not calibrated:
            why[k] = UNCALIBRATED_CO
            if not rules.keep_uncalibrated_co:
                label[k] = np.nan


def _barred(facts: ReferenceFacts, windows_s: F64, placed: NDArray[np.bool_], age_s: F64) -> list[str]:
    """Why a window has no label whatever its beats are; empty = it may have one."""
    why = np.full(len(windows_s), "", dtype="<U64")
    if facts.calibrates_itself:
        why[~np.isfinite(age_s)] = UNCALIBRATED
    for spans, reason in ((facts.recalibrations, RECALIBRATION), (facts.cuffs, CUFF)):
        why[_near(windows_s, spans)] = reason
    if facts.calibrates_itself and facts.calibrated_s:
        with np.errstate(
            invalid="ignore"
        ):  # before the first calibration that is the reason, whatever else happened
            why[windows_s[:, 0] < facts.calibrated_s[0]] = UNCALIBRATED
    why[~placed] = NOT_ALIGNED
    return [str(each) for each in why]


def _near(windows_s: F64, spans: Iterable[Span]) -> NDArray[np.bool_]:
    """``(n,)`` windows within :data:`AROUND_S` of a span."""
    found = np.zeros(len(windows_s), dtype=np.bool_)
    with np.errstate(invalid="ignore"):
        for begin_s, end_s in spans:
            found |= (windows_s[:, 0] < end_s + AROUND_S) & (windows_s[:, 1] > begin_s - AROUND_S)
    return found


def _calibration_age_s(facts: ReferenceFacts, begin_s: F64) -> F64:
    """Since the last calibration that nothing has ended; NaN without one."""
    told = sorted([(t, True) for t in facts.calibrated_s] + [(t, False) for t in facts.doubted_s])
    if not told:
        return np.full(len(begin_s), np.nan)
    times = np.array([t for t, _ in told])
    holds = np.array([t if calibrated else np.nan for t, calibrated in told])
    at = np.searchsorted(times, np.where(np.isfinite(begin_s), begin_s, -np.inf), "right") - 1
    return np.asarray(np.where(at >= 0, begin_s - holds[np.maximum(at, 0)], np.nan))


def _after(times_s: tuple[float, ...], t_s: float) -> bool:
    return any(t <= t_s for t in times_s)


def _cvp(beats: ReferenceBeats, first: NDArray[np.int64], stop: NDArray[np.int64]) -> F64:
    """Median CVP of the rows of each window."""
    out = np.full(len(first), np.nan)
    if beats.cvp_mmhg is not None:
        for i, (a, b) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
            known = beats.cvp_mmhg[a:b]
            known = known[np.isfinite(known)]
            if len(known):
                out[i] = np.median(known)
    return out
