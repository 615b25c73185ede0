"""From one window to ten honest numbers. Pure: the same window, beats, anchors, subject and card give the same
estimate, live and from the stored session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.quality import HR_PER_MIN, Quality
from hemoview.estimate import identities
from hemoview.estimate.card import Card
from hemoview.estimate.conformal import conformal_span, interval_claimed, stretches
from hemoview.estimate.identities import Span
from hemoview.estimate.personalise import AnchorKind, Personalisation
from hemoview.estimate.reasons import Reason, first
from hemoview.estimate.runner import Prediction
from hemoview.estimate.stretch import stretched
from hemoview.estimate.tracking import Widening
from hemoview.estimate.values import Estimate, ParameterEstimate
from recorder.schema import PARAMETERS, PRESSURES
from recorder.schema.subject import ASSUMED_CVP_MMHG

HR_HALF_WIDTH_PER_MIN = 2.0
"""Least half width of the heart rate's 90 % interval: what two detectors differ by on real wrists (decision 0009)."""

WIDEST_HR_HALF_WIDTH_PER_MIN = 15.0
"""A heart rate less certain than this is not shown. The two rates a fast fibrillating heart is brought below, 110 and
80/min at rest (Van Gelder 2010), are 30 apart: a wider interval cannot tell on which side of both a heart is."""
TOO_UNCERTAIN: Reason = "irregular-pulse"
FULL_SHARE, SHORT_QUANTILE = 0.75, 0.1
"""An interval holds another beat from this part of a whole one on; the shortest whole ones of a window are this
quantile of its intervals."""

NEEDS_BODY_SIZE = ("CI", "SI", "SVRI")

Outcome = Span | Reason
NOTHING_TRACKED: Mapping[str, Widening] = {}


@dataclass(frozen=True, slots=True)
class Body:
    """What the identities need of the subject; None = not known."""

    bsa_m2: float | None = None
    cvp_mmhg: float | None = None

    @property
    def cvp_or_assumed_mmhg(self) -> float:
        """The measured central venous pressure, else the assumed one (safety rule 11: shown as assumed)."""
        return ASSUMED_CVP_MMHG if self.cvp_mmhg is None else self.cvp_mmhg


def abstain_all(
    reason: Reason, *, personalisation_age_s: float | None = None, personalised_by: AnchorKind | None = None
) -> Estimate:
    """No number at all, for one reason."""
    nothing = ParameterEstimate.abstained(reason)
    return Estimate(
        dict.fromkeys(PARAMETERS, nothing), 0.0, personalisation_age_s, None, personalised_by=personalised_by
    )


def estimate(
    quality: Quality,
    prediction: Prediction | None,
    card: Card | None,
    personal: Personalisation,
    *,
    body: Body,
    wall_ns: int,
    show_simulated: bool = False,
    tracked: Mapping[str, Widening] = NOTHING_TRACKED,
    widen_mmhg: float = 0.0,
) -> Estimate:
    """The estimate of one whole window.

    Args:
        quality: of the window; its fault, if any, silences everything.
        prediction, card: of the model; None without one (then only HR, which is counted).
        personal: the anchors of this session.
        body: of the subject.
        wall_ns: end of the window, UTC ns, for the age of the anchors.
        show_simulated: let parameters learned from simulation alone through, tagged ``simulated``.
        tracked: parameter -> what a reference that streams (or just did) makes of its interval.
        widen_mmhg: by how much the intervals of the pressures are wider on both sides, for a hand at another height.
    """
    age_s, kind = personal.age_s(wall_ns), personal.newest_kind
    if quality.fault is not None:
        return abstain_all(quality.fault, personalisation_age_s=age_s, personalised_by=kind)
    found = window_spans(
        quality,
        prediction,
        card,
        personal,
        body=body,
        wall_ns=wall_ns,
        tracked=tracked,
        widen_mmhg=widen_mmhg,
    )
    tags: dict[str, Reason | None] = dict.fromkeys(PARAMETERS)
    if card is not None:
        tags = {p: _unlearned(card, p) for p in PARAMETERS}
    return Estimate(
        parameters={p: _value(found[p], tags[p], show_simulated=show_simulated) for p in PARAMETERS},
        sqi=quality.sqi,
        personalisation_age_s=age_s,
        infer_ms=prediction.infer_ms if prediction else None,
        personalised_by=kind,
    )


def window_spans(
    quality: Quality,
    prediction: Prediction | None,
    card: Card | None,
    personal: Personalisation,
    *,
    body: Body,
    wall_ns: int,
    tracked: Mapping[str, Widening] = NOTHING_TRACKED,
    widen_mmhg: float = 0.0,
) -> dict[str, Outcome]:
    """Value and interval of every parameter of a window without a fault, or why there is none, before it is asked who
    stands behind them; arguments as :func:`estimate` has them.
    """
    age_s = personal.age_s(wall_ns)
    spans: dict[str, Outcome] = dict.fromkeys(PARAMETERS, "no-model")
    if prediction is not None and card is not None:
        for parameter in PARAMETERS:
            spans[parameter] = _learned(card, parameter, prediction, personal, age_s=age_s, sqi=quality.sqi)
        spans |= {p: _tracked(spans[p], tracked[p]) for p in tracked}
        spans |= {p: _widened(spans[p], widen_mmhg) for p in PRESSURES}
        spans |= _checked_pressures(spans)
        spans |= {p: _within_training(card, p, spans[p]) for p in card.parameters}
    spans["HR"] = heart_rate_span(quality)
    if card is not None:
        spans |= _derived(spans, body)
        factors = stretches(card, personal, age_s, sqi=quality.sqi)
        spans |= {p: _stretched(spans[p], factor) for p, factor in factors.items()}
    return spans


def heart_rate_span(quality: Quality) -> Outcome:
    """HR of the window from its beats: 60 over the mean interval, with the error of that mean. Where the pulse is
    uneven, see :func:`uneven_rate_span`.
    """
    found = quality.findings
    intervals_s = np.asarray(found.intervals_s)
    if intervals_s.size < 2:
        return "too-few-beats"
    mean_s = float(intervals_s.mean())
    error_s = 1.645 * float(intervals_s.std(ddof=1)) / float(np.sqrt(intervals_s.size))
    hr = 60.0 / mean_s
    half = max(HR_HALF_WIDTH_PER_MIN, hr * error_s / mean_s)
    span = hr, hr - half, hr + half
    if len(found.faint_intervals_s) >= 2:
        span = uneven_rate_span(intervals_s, np.asarray(found.faint_intervals_s))
        if span[2] - span[1] > 2 * WIDEST_HR_HALF_WIDTH_PER_MIN:
            return TOO_UNCERTAIN
    return span if HR_PER_MIN[0] <= span[0] <= HR_PER_MIN[1] else "outside-training-range"


def uneven_rate_span(intervals_s: NDArray[np.float64], faint_s: NDArray[np.float64]) -> Span:
    """HR where beats are missing from the pulse: a beat that comes early ejects little or nothing, and a finger then
    shows fewer beats than the heart has (pulse deficit: decision 0009 has it measured).

    At least the plain pulses were beats. At most each pause was filled with beats as close as the closest of this
    window. The value fills a pause only where it is as long as two or more usual intervals. One beat either way, for
    those at the ends.

    Args:
        intervals_s: between plain pulses, ``(n,)``, n ≥ 1.
        faint_s: between all pulses that left a trace, ``(m,)``, m ≥ 1.
    """
    plain = 60.0 / float(intervals_s.mean())
    one_beat = plain / intervals_s.size
    value = max(plain, _filled_rate(faint_s, float(np.median(faint_s))))
    most = max(value, _filled_rate(faint_s, float(np.quantile(faint_s, SHORT_QUANTILE))))
    return value, plain - one_beat, most + one_beat


def _filled_rate(intervals_s: NDArray[np.float64], whole_s: float) -> float:
    """Beats per minute if each interval holds as many whole ones as fit."""
    beats = np.maximum(1.0, np.floor(intervals_s / whole_s + 1.0 - FULL_SHARE))
    return 60.0 * float(beats.sum() / intervals_s.sum())


def _learned(
    card: Card,
    parameter: str,
    prediction: Prediction,
    personal: Personalisation,
    *,
    age_s: float | None,
    sqi: float,
) -> Outcome:
    if parameter not in card.parameters:
        return "not-in-model"
    return conformal_span(card, parameter, prediction, personal, age_s, sqi=sqi)


def _stretched(outcome: Outcome, factor: float) -> Outcome:
    return outcome if isinstance(outcome, str) else stretched(outcome, factor, least=0.0)


def _tracked(outcome: Outcome, widening: Widening) -> Outcome:
    return outcome if isinstance(outcome, str) else widening.applied(outcome)


def _widened(outcome: Outcome, by_mmhg: float) -> Outcome:
    return outcome if isinstance(outcome, str) else (outcome[0], outcome[1] - by_mmhg, outcome[2] + by_mmhg)


def _checked_pressures(spans: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """All three abstain where they contradict each other."""
    sbp, map_, dbp = (spans[p] for p in PRESSURES)
    if isinstance(sbp, str) or isinstance(map_, str) or isinstance(dbp, str):
        return {}
    if identities.pressures_hold(sbp[0], map_[0], dbp[0]):
        return {}
    return dict.fromkeys(PRESSURES, "implausible")


def _derived(spans: Mapping[str, Outcome], body: Body) -> dict[str, Outcome]:
    """Flow and resistance from stroke volume, heart rate, mean pressure and body size; never from six model heads
    that need not agree.
    """
    hr, sv, co = spans["HR"], spans["SV"], spans["CO"]
    if sv == "not-in-model":
        sv, co = _related(identities.stroke_volume_ml, co, hr), _related(lambda own, _: own, co, hr)
    else:
        co = _related(identities.cardiac_output_l_per_min, hr, sv)
    cvp = body.cvp_or_assumed_mmhg
    svr = _related(lambda p, q: identities.systemic_resistance(p, q, cvp), spans["MAP"], co)
    flow: dict[str, Outcome] = {"SV": sv, "CO": co, "SVR": svr}
    bsa_m2 = body.bsa_m2
    if bsa_m2 is None:
        return flow | dict.fromkeys(NEEDS_BODY_SIZE, "needs-height-weight")
    return flow | {
        "SI": _related(lambda v: identities.per_area(v, bsa_m2), sv),
        "CI": _related(lambda v: identities.per_area(v, bsa_m2), co),
        "SVRI": _related(lambda v: identities.resistance_index(v, bsa_m2), svr),
    }


def _related(relation: Callable[..., float], *outcomes: Outcome) -> Outcome:
    reason = first(*(o for o in outcomes if isinstance(o, str)))
    if reason is not None:
        return reason
    spans = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    if any(low <= 0 for _, low, _ in spans):  # every one of these quantities is positive, and some divide
        return "implausible"
    return identities.span_of(relation, *spans)


FLOW = ("CO", "CI", "SV", "SI", "SVR", "SVRI")


def _unlearned(card: Card, parameter: str) -> Reason | None:
    """Whether no real reference stands behind this parameter. Flow rests on SV (or CO), resistance on both."""
    if parameter == "HR":
        return None
    sources = [p for p in (("SV", "CO") if parameter in FLOW else (parameter,)) if p in card.parameters]
    if not sources:
        return "not-in-model"
    return None if interval_claimed(card, sources[0]) else "no-real-reference"


def _within_training(card: Card, parameter: str, outcome: Outcome) -> Outcome:
    """What lies outside the values a model has seen is not believed, nor anything that rests on it."""
    low, high = card.training_range[parameter]
    return outcome if isinstance(outcome, str) or low <= outcome[0] <= high else "outside-training-range"


def _value(outcome: Outcome, unlearned: Reason | None, *, show_simulated: bool) -> ParameterEstimate:
    """A span becomes a value unless something speaks against it; the reason of higher precedence is told."""
    reason = outcome if isinstance(outcome, str) else None
    simulated = show_simulated and unlearned == "no-real-reference"
    reason = first(reason, None if simulated else unlearned)
    if reason is not None or isinstance(outcome, str):
        return ParameterEstimate.abstained(reason or "implausible")
    value, low, high = outcome
    if simulated:  # nobody real stands behind it: no interval is claimed (safety rule 7)
        return ParameterEstimate(value, None, None, "simulated")
    return ParameterEstimate(value, low, high)
