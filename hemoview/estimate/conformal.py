"""The 90 % interval: the model's own quantiles, moved with the personal offset and widened by the card's tables.

The tables are computed by subject (methods §D.4), so the interval means "90 % of windows across subjects".
"""

from __future__ import annotations

from hemoview.estimate.card import MIN_CALIBRATION_SUBJECTS, Card, Conformal
from hemoview.estimate.identities import Span
from hemoview.estimate.personalise import Personalisation
from hemoview.estimate.reasons import Reason
from hemoview.estimate.runner import Prediction
from hemoview.estimate.stretch import STRETCHED, Stretch, flow_source


def conformal_span(
    card: Card,
    parameter: str,
    prediction: Prediction,
    personal: Personalisation,
    age_s: float | None,
    *,
    sqi: float = 0.0,
) -> Span | Reason:
    """(value, low, high) of one parameter, or why there is none. ``sqi`` chooses among rows of better quality where
    the card has such.

    What was learned from simulation alone has the model's own quantiles, which claim nothing about people; whether it
    may be shown at all is not decided here (:func:`interval_claimed`).

    A personalisation older than the card allows is not used, and the cold value is not slipped in for it: the number
    on the screen would jump without anybody having done anything. A fresh cuff, or its withdrawal, ends that.
    """
    known = personal.knows(parameter)
    if known and age_s is not None and age_s > card.personal_expiry_s and parameter in card.personal_kappa:
        return "calibration-old"
    cell, offset = _cell(card, parameter, personal, age_s, sqi)
    if offset is None:
        offset = card.cold_start.shift(parameter, prediction.mean[parameter])
    if cell is None and card.per_parameter[parameter].is_real:
        return "no-real-reference"
    q90 = cell.q90 if cell is not None else 0.0
    value = prediction.mean[parameter] + offset
    low = prediction.q05[parameter] + offset - q90
    high = prediction.q95[parameter] + offset + q90
    return value, min(low, value), max(high, value)


def _cell(
    card: Card, parameter: str, personal: Personalisation, age_s: float | None, sqi: float
) -> tuple[Conformal | None, float | None]:
    """The table row that holds now and the offset it goes with; None = that of a cold start, which is that of a
    parameter no reading had as well.
    """
    table = card.conformal[parameter]
    kappa = card.personal_kappa.get(parameter)
    if age_s is not None and kappa is not None and personal.knows(parameter):
        cell = table.at_age(age_s, sqi)
        if cell is not None and cell.age_s_max is not None:
            return cell, personal.offset(parameter, kappa)
    return table.at_cold(sqi), None


def interval_claimed(card: Card, parameter: str) -> bool:
    """Enough real people stand behind this parameter's interval (safety rule 7)."""
    return card.per_parameter[parameter].interval_allowed and all(
        row.n_subjects >= MIN_CALIBRATION_SUBJECTS for row in card.conformal[parameter].rows
    )


def stretches(
    card: Card, personal: Personalisation, age_s: float | None, *, sqi: float = 0.0
) -> dict[str, float]:
    """By how much half widths of flow and resistance are multiplied, by parameter; what is not named stays as it is.

    Rows are of people of whom nothing was known, or everything. Of the pressure alone, as from a cuff, corners stay as
    they are: too wide rather than too narrow.
    """
    flow = flow_source(card.parameters)
    rests_on = {"SV": (flow,), "CO": (flow,), "SVR": ("MAP", flow)}
    rows = {
        name: _stretch(
            card, name, [_cell(card, p, personal, age_s, sqi)[1] is not None for p in sources], age_s
        )
        for name, sources in rests_on.items()
        if name in card.derived and all(p in card.parameters for p in sources)
    }
    return {p: row.factor for name, row in rows.items() if row is not None for p in STRETCHED[name]}


def _stretch(card: Card, name: str, offsets: list[bool], age_s: float | None) -> Stretch | None:
    table = card.derived[name]
    if age_s is not None and all(offsets):
        return table.at_age(age_s)
    return None if any(offsets) else table.cold
