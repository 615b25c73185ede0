"""The clocks of two devices from the beats both felt: an alignment, or a refusal that says why. Pure.

1. Candidates: the highest shifts of the tachograms and of the beats (:mod:`hemoview.dsp.align_lags`) over every shift
   that lets the recordings overlap, of a stretch of the reference.
2. Each becomes a robust line with its evidence (:mod:`hemoview.dsp.align_match`); the best is the one with most.
3. **Decision**: the best must explain enough beats, closely; and every rival that contests the same beats (the other
   candidates, the same shift by some beats, and shifts drawn at random, which is what chance gives) must explain them
   worse, by a margin and beyond doubt. A paced rhythm or a breath like a clock leaves rivals: refused as ambiguous.
4. A locked line is followed to both sides; what it does not explain (a clock set by an hour half-way) is looked at
   again by itself. Pieces end where a device reconnected or its clock began anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.align_drift import SharedClock
from hemoview.dsp.align_events import LAG_S
from hemoview.dsp.align_lags import by_beats, by_tachogram
from hemoview.dsp.align_match import KEEP_NATS, MOST_DRIFT_PPM, Fit, fit_near, near_shift
from hemoview.dsp.align_pieces import as_close, cuts, followed, pieces_of
from hemoview.dsp.beat_train import BeatTrain
from hemoview.dsp.time_map import PPM, Piece

Array = NDArray[np.float64]

N_CANDIDATES: Final = 12
"""Highest maxima kept of each view (methods §E.3)."""
N_BY_BEATS: Final = 8
"""The best shift is also tried by so many beats earlier and later."""
N_OF_BEAT: Final = 6
"""and by so many parts of a beat."""
N_BY_CHANCE: Final = 24
ANCHOR_STEP_S: Final = 0.1
STRETCH_S: Final = 1200.0
"""So much of the reference is searched with at once: long enough for the evenest rhythm, short enough for 100 ppm."""
N_STRETCHES, N_REFUSED = 40, 8
"""Stretches looked at, and refused, at most."""
LEAST_S: Final = 120.0
LEAST_PAIRS: Final = 100
LEAST_MATCHED: Final = 0.7
MOST_RESIDUAL_S: Final = 0.030
"""Methods §E.3: 70 % matched within a median of 30 ms."""
LEAST_RATE: Final = 0.9
"""Nats a beat below which nothing is locked, rivals or not."""
LEAST_GAP: Final = 0.35
"""Nats a beat by which the best explains beats better than any rival, and:"""
LEAST_DEVIATIONS: Final = 4.0
"""so many deviations of the difference."""
RIVAL_PAIRS, RIVAL_PART = 60, 0.2
"""A shift contests the best if it can be judged on so many of the same beats, and on this part of them."""
SAME_S: Final = 0.12
"""Lines closer than this where they meet are one."""
SAME_LINK_S: Final = 0.15
"""By so much a delay may differ after a reconnect for the line of before to be carried over."""
LEAST_CONTINUED: Final = 40
"""Beats such a stretch has at least."""
NEAR_S: Final = 8.0
CORRELATED: Final = 3.0
"""Neighbouring beats say the same thing about this often."""
CHANCE_PART: Final = 0.35
"""Two lively hearts fall into step for less than this part of what is usable of both."""
VARIES_S: Final = 0.008
"""A heart whose intervals vary by less has nothing that could be recognised (as the live guard has it)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the beats of two devices say about their clocks.

    Args:
        pieces: in order of reference time; empty where refused.
        refused_because: empty, or ``too-few-beats``, ``ambiguous``, ``unsure``, ``not-the-same-heart``.
        evidence: plain numbers.
    """

    pieces: tuple[Piece, ...]
    refused_because: str
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class _Seed:
    """A stretch looked at: the best shift, whether it may be believed, and what spoke for and against."""

    best: Fit | None
    refused_because: str
    evidence: dict[str, Any]


Stretch = tuple[float, float, Fit]
"""Begin and end in reference time, and the line that holds there."""


def align_beats(
    pulse: BeatTrain,
    reference: BeatTrain,
    anchor_s: float | None = None,
    clocks: Sequence[SharedClock] = (),
) -> Found:
    """Lock or refuse.

    Args:
        pulse, reference: beats of both devices.
        anchor_s: the absolute offset where both devices saw the same taps: shifts that contradict it are no rivals,
            and none of them is locked. So a paced rhythm can be aligned.
        clocks: stretches in which one host stamped both devices: there a piece leans on their rates, not on beats.
    """
    known = {"pulse": _said(pulse), "reference": _said(reference)}
    if min(pulse.usable_s, reference.usable_s) < LEAST_S:
        return Found((), "too-few-beats", known)
    seeds, fits = _looked(pulse, reference, anchor_s)
    first = next((s for s in seeds if not s.refused_because), seeds[0])
    tried = [{**s.evidence, "refused_because": s.refused_because} for s in seeds]
    if not fits:
        return Found((), first.refused_because, {**known, **first.evidence, "stretches": tried})
    pieces = pieces_of(fits, pulse, reference, clocks)
    if not pieces:
        return Found((), "unsure", {**known, **first.evidence, "stretches": tried})
    return Found(pieces, "", {**known, **first.evidence, "stretches": tried})


def _said(beats: BeatTrain) -> dict[str, Any]:
    intervals = np.diff(beats.time_s)[beats.whole] if len(beats) > 1 else np.zeros(0)
    return {
        "beats": len(beats),
        "usable": int(beats.usable.sum()),
        "usable_s": round(beats.usable_s, 1),
        "parts": int(np.unique(beats.part).size),
        "rate_per_min": round(60.0 / float(np.median(intervals)), 1) if intervals.size else None,
        "varies_ms": round(1000.0 * varies_s(beats), 1),
    }


def varies_s(beats: BeatTrain) -> float:
    """Robust deviation of the interval lengths of a device."""
    intervals = np.diff(beats.time_s)[beats.whole] if len(beats) > 1 else np.zeros(0)
    return 1.4826 * float(np.median(np.abs(intervals - np.median(intervals)))) if intervals.size else 0.0


def _looked(
    pulse: BeatTrain, reference: BeatTrain, anchor_s: float | None
) -> tuple[list[_Seed], list[Stretch]]:
    """Stretch after stretch of what is not explained yet: longest first; each locked line is followed."""
    spans = [(float(reference.time_s[0]), float(reference.time_s[-1]) + 1e-6)]
    seeds: list[_Seed] = []
    fits: list[Stretch] = []
    while spans and len(seeds) < N_STRETCHES and len(seeds) - len(fits) < N_REFUSED:
        span = max(spans, key=lambda s: s[1] - s[0])
        if span[1] - span[0] < LEAST_S and seeds:
            break
        spans.remove(span)
        low, high = _busiest(reference, *span)
        seed = _seed(pulse, reference.between(low, high), anchor_s)
        seeds.append(seed)
        if seed.best is None or seed.refused_because:
            spans += [s for s in ((span[0], low), (high, span[1])) if s[1] - s[0] >= LEAST_S]
            continue
        low, high = followed(seed.best, pulse, reference, span)
        fits.append((low, high, seed.best))
        for rest in ((span[0], low), (high, span[1])):
            for part in cuts(seed.best.line, pulse, reference, *rest):
                fit = _continued(seed.best, pulse, reference, *part)
                if fit is not None:
                    fits.append((fit.t0_s, fit.t1_s, fit))
                elif part[1] - part[0] >= LEAST_S:
                    spans.append(part)
    return seeds, fits


def _continued(known: Fit, pulse: BeatTrain, reference: BeatTrain, t0_s: float, t1_s: float) -> Fit | None:
    """The line of one part carried over to another of the same device: where it was before but for the delay of the
    new link, as close as before, and better than by some beats earlier or later.
    """
    near = reference.between(t0_s, t1_s)
    low, high = (known.line.lag_at(t) + t for t in (t0_s, t1_s))
    there = pulse.between(low - NEAR_S, high + NEAR_S)
    if near.usable.sum() < LEAST_CONTINUED or there.usable.sum() < LEAST_CONTINUED:
        return None
    middle_s = known.line.lag_at(0.5 * (t0_s + t1_s))
    interval_s = float(np.median(np.diff(reference.time_s)[reference.whole]))
    fit = fit_near(near_shift(middle_s, there, near, SAME_LINK_S), there, near, known.line.drift)
    if fit is None or abs(fit.line.lag_at(0.5 * (t0_s + t1_s)) - middle_s) > SAME_LINK_S:
        return None
    by_beat = [middle_s + k * interval_s for k in range(-N_BY_BEATS, N_BY_BEATS + 1) if k]
    others = [*_fits(by_beat, there, near), *_within_a_beat(middle_s, interval_s, there, near)]
    rivals = [f for f in others if not _same(f, fit)]
    contests = [c for c in (_contest(fit, r, LEAST_CONTINUED / 2) for r in rivals) if c is not None]
    good = (
        fit.n_matched >= LEAST_CONTINUED
        and fit.matched_fraction >= LEAST_MATCHED
        and as_close(known, fit.residuals.between(fit.t0_s, fit.t1_s))
        and not any(gap < LEAST_GAP or sure < LEAST_DEVIATIONS for gap, sure, _ in contests)
    )
    return fit if good else None


def _busiest(reference: BeatTrain, t0_s: float, t1_s: float) -> tuple[float, float]:
    """The stretch of a span with most usable beats."""
    if t1_s - t0_s <= 1.25 * STRETCH_S:
        return t0_s, t1_s
    starts = np.arange(t0_s, t1_s - STRETCH_S + 1.0, STRETCH_S / 4)
    usable = reference.time_s[reference.usable]
    counts = np.searchsorted(usable, starts + STRETCH_S) - np.searchsorted(usable, starts)
    best = float(starts[int(np.argmax(counts))])
    return best, best + STRETCH_S


def _seed(pulse: BeatTrain, reference: BeatTrain, anchor_s: float | None) -> _Seed:
    if len(reference) < 2 or reference.usable_s < LEAST_S:
        return _Seed(None, "too-few-beats", {})
    tachograms, beats = by_tachogram(pulse, reference), by_beats(pulse, reference)
    lags = [*tachograms.maxima(N_CANDIDATES), *beats.maxima(N_CANDIDATES)]
    if anchor_s is not None:
        lags += [anchor_s + k * ANCHOR_STEP_S for k in range(-2, 6)]
    fits = [f for f in _fits(lags, pulse, reference) if _allowed(f, anchor_s)]
    evidence: dict[str, Any] = {
        "from_s": round(float(reference.time_s[0]), 1),
        "to_s": round(float(reference.time_s[-1]), 1),
        "candidates": len(fits),
    }
    if not fits:
        return _Seed(None, _why_not(None, pulse, reference), evidence)
    best = max(fits, key=lambda f: f.total)
    interval_s = float(np.median(np.diff(reference.time_s)[reference.whole]))
    middle_s = best.line.lag_at(0.5 * (best.t0_s + best.t1_s))
    by_beat = [middle_s + k * interval_s for k in range(-N_BY_BEATS, N_BY_BEATS + 1) if k]
    chance = _fits(_random_lags(pulse, reference, tachograms.lag_s, tachograms.score), pulse, reference)
    near = [*_fits(by_beat, pulse, reference), *_within_a_beat(middle_s, interval_s, pulse, reference)]
    best = max([best, *(f for f in near if _allowed(f, anchor_s))], key=lambda f: f.total)
    rivals = [f for f in [*fits, *near, *chance] if not _same(f, best) and _allowed(f, anchor_s)]
    refused_because, said = _decided(best, rivals, chance)
    if refused_because == "unsure":
        refused_because = _why_not(best, pulse, reference)
    return _Seed(best, refused_because, evidence | said)


def _fits(lags: Sequence[float], pulse: BeatTrain, reference: BeatTrain) -> list[Fit]:
    """Lines near shifts, one for each place they end up at."""
    found: list[Fit] = []
    for lag_s in lags:
        fit = fit_near(near_shift(lag_s, pulse, reference), pulse, reference)
        if fit is not None and fit.inside.any() and not any(_same(fit, other) for other in found):
            found.append(fit)
    return found


def _within_a_beat(middle_s: float, interval_s: float, pulse: BeatTrain, reference: BeatTrain) -> list[Fit]:
    """Shifts by part of a beat: a wave that is counted twice lies as still on its second rise as on its first."""
    parts = [k * interval_s / N_OF_BEAT for k in range(-N_OF_BEAT + 1, N_OF_BEAT) if k]
    reach_s = 0.5 * interval_s / N_OF_BEAT
    shifts = [near_shift(middle_s + part, pulse, reference, reach_s) for part in parts]
    fits = [fit_near(shift, pulse, reference) for shift in shifts]
    return [fit for fit in fits if fit is not None and fit.inside.any()]


def _allowed(fit: Fit, anchor_s: float | None) -> bool:
    """It does not contradict the taps."""
    if anchor_s is None:
        return True
    beside_s = fit.line.lag_at(0.5 * (fit.t0_s + fit.t1_s)) - anchor_s
    return LAG_S[0] <= beside_s <= LAG_S[1]


def _same(one: Fit, other: Fit) -> bool:
    middle_s = 0.5 * (other.t0_s + other.t1_s)
    return abs(one.line.lag_at(middle_s) - other.line.lag_at(middle_s)) < SAME_S


def _random_lags(pulse: BeatTrain, reference: BeatTrain, lags: Array, score: Array) -> list[float]:
    """Shifts drawn from those that leave enough overlap; the same for the same beats."""
    allowed = lags[np.isfinite(score)]
    if not allowed.size:
        return []
    rng = np.random.default_rng([len(pulse), len(reference)])
    return [float(lag) for lag in rng.choice(allowed, min(N_BY_CHANCE, allowed.size), replace=False)]


def rate_of(nats: Array) -> tuple[float, float]:
    """Nats a beat (each residual is half of one) and their deviation."""
    if nats.size < 4:
        return 0.0, float("inf")
    return 2.0 * float(nats.mean()), 2.0 * float(nats.std()) * np.sqrt(2.0 * CORRELATED / nats.size)


def _decided(best: Fit, rivals: Sequence[Fit], chance: Sequence[Fit]) -> tuple[str, dict[str, Any]]:
    """``unsure`` (fits not well), ``ambiguous`` (a rival is as good) or empty, and what that rests on."""
    rate, _ = rate_of(best.nats[best.inside])
    others = [f for f in chance if not _same(f, best)]
    contests = sorted((c for c in (_contest(best, r) for r in rivals) if c is not None), key=lambda c: c[0])
    said = {
        "nats_per_beat": round(rate, 3),
        "pairs": best.n_matched,
        "matched_fraction": round(best.matched_fraction, 3),
        "residual_ms": round(1000.0 * best.residual_s, 2),
        "offset_s": round(best.line.lag_at(best.t0_s), 4),
        "fits_s": round(best.t1_s - best.t0_s, 1),
        "drift_ppm": round(best.line.drift / PPM, 2),
        "rivals": len(contests),
        "runner_up": _told(contests[0]) if contests else None,
        "chance_nats_per_beat_max": round(max((rate_of(f.nats)[0] for f in others), default=0.0), 3),
        "chance_nats_max": round(max((f.total for f in others), default=0.0), 1),
        "nats": round(best.total, 1),
    }
    fits_well = (
        best.n_matched >= LEAST_PAIRS
        and best.t1_s - best.t0_s >= LEAST_S
        and best.matched_fraction >= LEAST_MATCHED
        and best.residual_s <= MOST_RESIDUAL_S
        and abs(best.line.drift) <= MOST_DRIFT_PPM * PPM
        and rate >= LEAST_RATE
    )
    if not fits_well:
        return "unsure", said
    unclear = any(gap < LEAST_GAP or sure < LEAST_DEVIATIONS for gap, sure, _ in contests)
    return "ambiguous" if unclear else "", said


def _why_not(best: Fit | None, pulse: BeatTrain, reference: BeatTrain) -> str:
    """Nothing fits well. Two hearts are said where both are lively, have beats enough, and the best shift explains
    hardly more of them than chance does.
    """
    usable_s = min(pulse.usable_s, reference.usable_s)
    if usable_s < 2 * LEAST_S:
        return "too-few-beats"
    lively = min(varies_s(pulse), varies_s(reference)) >= VARIES_S
    nothing = (
        best is None
        or best.t1_s - best.t0_s < CHANCE_PART * usable_s
        or rate_of(best.nats[best.inside])[0] < KEEP_NATS
    )
    return "not-the-same-heart" if lively and nothing else "unsure"


Contest = tuple[float, float, Fit]
"""Nats a beat by which the best explains the contested beats better, in deviations, and the rival."""


def _contest(best: Fit, rival: Fit, least: float | None = None) -> Contest | None:
    """How much worse a rival explains beats that the best explains; None where it can hardly be judged on them."""
    if least is None:
        least = max(RIVAL_PAIRS, RIVAL_PART * 0.5 * int(best.inside.sum()))
    contested = [_on_reference(best, rival, least), _on_pulse(best, rival, least)]
    worst = min((c for c in contested if c is not None), default=None, key=lambda c: c[0])
    return None if worst is None else (*worst, rival)


def _on_reference(best: Fit, rival: Fit, least: float) -> tuple[float, float] | None:
    """On the reference's beats of the best's stretch that the rival also gives a place in the pulse."""
    theirs = (rival.residuals.at_s >= best.t0_s) & (rival.residuals.at_s <= best.t1_s)
    if 0.5 * theirs.sum() < least:
        return None
    low, high = rival.residuals.at_s[theirs][[0, -1]]
    ours = best.inside & (best.residuals.at_s >= low) & (best.residuals.at_s <= high)
    return _gap(best.nats[ours], rival.nats[theirs])


def _on_pulse(best: Fit, rival: Fit, least: float) -> tuple[float, float] | None:
    """On the pulse's beats of the best's stretch that the rival's best stretch lays on other beats of the reference."""
    low, high = best.line.pulse(np.array([best.t0_s, best.t1_s]))
    at = rival.line.pulse(rival.residuals.at_s)
    theirs = rival.inside & (at >= low) & (at <= high)
    if 0.5 * theirs.sum() < least:
        return None
    return _gap(best.nats[best.inside], rival.nats[theirs])


def _gap(ours: Array, theirs: Array) -> tuple[float, float]:
    (mine, sure), (other, unsure) = rate_of(ours), rate_of(theirs)
    spread = float(np.hypot(sure, unsure))
    return mine - other, (mine - other) / spread if spread > 0 else float("inf")


def _told(contest: Contest) -> dict[str, float]:
    gap, sure, rival = contest
    return {
        "offset_s": round(rival.line.lag_at(rival.t0_s), 3),
        "worse_by_nats_per_beat": round(gap, 3),
        "worse_by_deviations": round(min(sure, 1e6), 1),
    }
