"""Intervals of flow, resistance and heart rate: corners as they are, or as wide as a card's rows say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny_bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from known_people import people

from hemoview.dsp.quality import Findings, Quality
from hemoview.estimate.card import Card, parse_card
from hemoview.estimate.conformal import conformal_span, stretches
from hemoview.estimate.estimator import Body, estimate
from hemoview.estimate.metrics.derived import derive, part_of_half_width, stretch_table
from hemoview.estimate.metrics.rows import Predictions, plan, predictions_of
from hemoview.estimate.personalise import Anchor, Personalisation
from hemoview.estimate.runner import Prediction
from hemoview.estimate.stretch import stretched
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

NOON_NS = 1_700_000_000_000_000_000
LEARNED = ("SBP", "MAP", "DBP", "SV")
MAP, HR, CO, SV, SVR = (PARAMETERS.index(p) for p in ("MAP", "HR", "CO", "SV", "SVR"))
GOOD = Quality(0.9, None, "regular", Findings(12, 30.0, (0.8,) * 11, 0.0, 0.0, 0.97, 0.98, 0.01))
ROWS = {
    "CO": {
        "cold": {"factor": 0.8, "n_subjects": 40},
        "personalised": [{"age_s_max": 300.0, "factor": 0.5, "n_subjects": 30}],
    },
    "SVR": {
        "cold": {"factor": 0.6, "n_subjects": 40},
        "personalised": [{"age_s_max": 300.0, "factor": 0.4, "n_subjects": 30}],
    },
}


def card(**changes: Any) -> Card:
    """Stroke volume learned from people, as from a CNAP."""
    value = tiny_bundle.card(LEARNED, **changes)
    value["per_parameter"]["SV"] |= {"n_real_subjects": 30, "n_calibration_subjects": 30}
    value["conformal"]["SV"] = value["conformal"]["SBP"]
    value["personalisation"]["kappa"]["SV"] = 0.25
    return parse_card(value, "test")


def shown(
    chosen: Card, personal: Personalisation | None = None, **more: Any
) -> dict[str, tuple[float, float, float]]:
    mean = {p: tiny_bundle.MEANS[p] for p in LEARNED}
    said = Prediction(mean, {p: v - 4 for p, v in mean.items()}, {p: v + 4 for p, v in mean.items()})
    found = estimate(
        GOOD, said, chosen, personal or Personalisation(), body=Body(1.8), wall_ns=NOON_NS, **more
    ).parameters
    assert all(found[p].reason is None for p in PARAMETERS), found
    return {p: (found[p].value, found[p].low, found[p].high) for p in PARAMETERS}  # type: ignore[misc]


def reading(*parameters: str, age_s: float = 60.0) -> Personalisation:
    means = {p: tiny_bundle.MEANS[p] for p in LEARNED}
    given = {p: tiny_bundle.MEANS[p] for p in parameters}
    anchor = Anchor("a", NOON_NS - round(age_s * 1e9), "reference", given)
    return Personalisation((anchor.with_predictions([means] * 3),))


def halves(span: tuple[float, float, float]) -> tuple[float, float]:
    return span[0] - span[1], span[2] - span[0]


def test_a_card_without_rows_has_corners_as_ever() -> None:
    found = shown(card())
    # HR 75 ± 2, SV 70 ± 14, MAP 92 ± 14, CVP 5 assumed.
    assert found["CO"] == pytest.approx((5.25, 73 * 56 / 1000, 77 * 84 / 1000))
    low, high = 80 * (78 - 5) / (77 * 84 / 1000), 80 * (106 - 5) / (73 * 56 / 1000)
    assert found["SVR"] == pytest.approx((80 * 87 / 5.25, low, high))
    assert found["CI"] == pytest.approx([v / 1.8 for v in found["CO"]])


def test_a_row_multiplies_half_widths_of_its_quantity_and_of_the_index() -> None:
    plain, narrow = shown(card()), shown(card(derived=ROWS))
    for p, factor in {"CO": 0.8, "CI": 0.8, "SVR": 0.6, "SVRI": 0.6}.items():
        assert narrow[p][0] == plain[p][0]
        assert halves(narrow[p]) == pytest.approx([factor * half for half in halves(plain[p])]), p
    for p in ("SBP", "MAP", "DBP", "HR", "SV", "SI"):
        assert narrow[p] == plain[p], p


def test_after_a_reading_of_everything_the_row_of_its_age_holds_and_of_the_pressure_alone_corners() -> None:
    chosen = card(derived=ROWS)
    everything, plain = reading("SBP", "MAP", "DBP", "SV"), shown(card(), reading("SBP", "MAP", "DBP", "SV"))
    narrow = shown(chosen, everything)
    assert halves(narrow["CO"]) == pytest.approx([0.5 * half for half in halves(plain["CO"])])
    assert halves(narrow["SVR"]) == pytest.approx([0.4 * half for half in halves(plain["SVR"])])
    cuff = reading("SBP", "MAP", "DBP")
    assert stretches(chosen, cuff, 60.0) == {"CO": 0.8, "CI": 0.8}, "SVR rests on a pressure that is known"
    older = reading("SBP", "MAP", "DBP", "SV", age_s=900.0)
    assert stretches(chosen, older, 900.0) == {}, "no row is that old: corners"


def test_what_no_reading_had_keeps_its_cold_interval() -> None:
    """A cuff knows no stroke volume: its interval must not narrow with the pressures'."""
    before, after = shown(card()), shown(card(), reading("SBP", "MAP", "DBP"))
    assert after["SV"] == before["SV"] and after["SBP"] != before["SBP"]
    mean = dict(tiny_bundle.MEANS)
    said = Prediction(mean, mean, mean)
    late = reading("SBP", "MAP", "DBP", age_s=4000.0)
    assert conformal_span(card(), "SBP", said, late, 4000.0) == "calibration-old"
    assert conformal_span(card(), "SV", said, late, 4000.0) == conformal_span(
        card(), "SV", said, Personalisation(), None
    )


def test_the_counted_rate_of_a_real_heart_is_never_narrowed() -> None:
    rows = {"HR": {"cold": {"factor": 0.25, "n_subjects": 400}}}
    assert shown(card(derived=rows))["HR"] == shown(card())["HR"] == pytest.approx((75.0, 73.0, 77.0))


def test_simulation_alone_claims_no_interval_with_rows_either() -> None:
    value = tiny_bundle.card(LEARNED, derived=ROWS)
    mean = {p: tiny_bundle.MEANS[p] for p in LEARNED}
    said = Prediction(mean, mean, mean)
    found = estimate(
        GOOD, said, parse_card(value, "t"), Personalisation(),
        body=Body(1.8), wall_ns=NOON_NS, show_simulated=True,
    ).parameters  # fmt: skip
    assert {found[p].reason for p in ("SV", "CO", "SVR")} == {"simulated"}
    assert found["CO"].value is not None and found["CO"].low is None


@given(value=st.floats(0.1, 1e4), below=st.floats(0, 1e4), above=st.floats(0, 1e4), factor=st.floats(0.01, 5))
def test_the_value_stays_inside_and_nothing_falls_below_nought(
    value: float, below: float, above: float, factor: float
) -> None:
    same, low, high = stretched((value, value - below, value + above), factor, least=0.0)
    assert same == value and 0 <= low <= value <= high
    if value - factor * below >= 0:
        assert value - low == pytest.approx(factor * below, abs=1e-9 * value)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"SBP": {}}, "derived: names SBP, which nothing derives"),
        ({"SV": {}}, "derived: names SV, which nothing derives"),
        ({"CO": 3}, "derived.CO: must be an object"),
        ({"CO": {"cold": {"factor": 0.0, "n_subjects": 20}}}, "derived.CO.cold.factor: must be above 0"),
        ({"CO": {"cold": {"factor": float("nan"), "n_subjects": 20}}}, "derived.CO.cold.factor: must be a number"),
        ({"CO": {"cold": {"factor": 1.0, "n_subjects": 8}}}, "derived.CO.cold.n_subjects: must be 9 or more"),
        ({"CO": {"cold": 0.8}}, "derived.CO.cold: must be an object"),
        ({"CO": {"personalised": {}}}, "derived.CO.personalised: must be a list"),
        (
            {"CO": {"personalised": [{"factor": 1.0, "n_subjects": 20}]}},
            r"derived.CO.personalised\[0\].age_s_max: is missing",
        ),
        (
            {"CO": {"personalised": [{"factor": 1.0, "n_subjects": 20, "age_s_max": a} for a in (60, 60)]}},
            "derived.CO.personalised: needs age_s_max in every row, rising",
        ),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_by_its_field(rows: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        card(derived=rows)


# ---- where rows come from


def gaussian(n_subjects: int, n: int, seed: int, between: float, within: float) -> tuple[Any, Predictions]:
    """People whose MAP, HR and SV miss the estimate by a level of their own and by chance; intervals of each are right
    for the cohort.
    """
    rng = np.random.default_rng(seed)
    rows = people(
        n_subjects, n, seed=seed, demographics=np.tile([40.0, 1.0, 178.0, 75.0], (n_subjects * n, 1))
    )
    mean = np.full(rows.labels.shape, np.nan)
    low, high = mean.copy(), mean.copy()
    for column, centre, size in ((MAP, 90.0, 6.0), (HR, 75.0, 0.5), (SV, 75.0, 7.0)):
        missed = size * (
            between * np.repeat(rng.normal(0, 1, n_subjects), n) + within * rng.normal(0, 1, n_subjects * n)
        )
        half = 1.645 * size * np.hypot(between, within)
        mean[:, column] = centre + rng.normal(0, 0.3 * size, len(rows))
        rows.labels[:, column] = mean[:, column] + missed
        low[:, column], high[:, column] = mean[:, column] - half, mean[:, column] + half
    truth = derive(predictions_of(rows.labels), rows).mean
    rows.labels[:] = truth
    return rows, derive(predictions_of(mean, low, high), rows)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), between=st.floats(0, 1), within=st.floats(0.3, 1))
def test_derived_intervals_of_a_next_gaussian_person_cover_90_percent(
    seed: int, between: float, within: float
) -> None:
    # People, not windows, are what is counted: with 4000 the shares below have a standard deviation of at most 0.006
    # (0.014 for the factor), and every bound lies five of them away for any ``between`` and ``within``.
    rows, said = gaussian(4000, 2, seed, between, within)
    others, of_others = gaussian(4000, 2, seed + 50_000, between, within)
    for p, column, too_wide in (("CO", CO, 0.9), ("SVR", SVR, 0.95)):
        table = stretch_table(rows, (plan(rows, 0), said), None, p)
        assert table["cold"]["n_subjects"] == 4000 and table["personalised"] == []
        factor = table["cold"]["factor"]
        label, value = others.labels[:, column], of_others.mean[:, column]
        part = part_of_half_width(label, value, of_others.q05[:, column], of_others.q95[:, column])
        covered = {f: float((part <= f).mean()) for f in (1.0, factor)}
        assert abs(covered[factor] - 0.9) < 0.03, (p, covered)
        assert covered[1.0] > too_wide and factor < 1, (p, covered)
