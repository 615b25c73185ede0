"""Without a calibration point an estimate keeps its share of the distance to the training mean, and its order."""

from __future__ import annotations

from typing import Any

import pytest
import tiny_bundle
from hypothesis import given
from hypothesis import strategies as st

from hemoview.estimate.card import Card, parse_card
from hemoview.estimate.conformal import conformal_span
from hemoview.estimate.personalise import Anchor, Personalisation
from hemoview.estimate.runner import Prediction
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

MEAN = {"SBP": 118.0, "MAP": 86.0, "DBP": 66.0}
PRESSURES = tuple(MEAN)


def card(**cold_start: Any) -> Card:
    return parse_card(
        tiny_bundle.card(PARAMETERS, **({"cold_start": cold_start} if cold_start else {})), "test"
    )


def said(**means: float) -> Prediction:
    return Prediction(means, {p: v - 4 for p, v in means.items()}, {p: v + 6 for p, v in means.items()})


def span(
    chosen: Card, of: Prediction, parameter: str, age_s: float | None = None
) -> tuple[float, float, float]:
    anchor = Anchor("a", 0, "cuff", dict(MEAN)).with_predictions([dict(of.mean)] * 3)
    personal = Personalisation() if age_s is None else Personalisation((anchor,))
    found = conformal_span(chosen, parameter, of, personal, age_s)
    assert not isinstance(found, str)
    return found


def test_value_and_interval_move_together_and_only_before_calibration() -> None:
    half, whole, of = card(share=0.5, mean=MEAN), card(), said(SBP=138.0, MAP=96.0, DBP=70.0)
    assert span(whole, of, "SBP") == (138.0, 124.0, 154.0)
    assert span(half, of, "SBP") == (128.0, 114.0, 144.0)
    assert span(half, of, "SBP", age_s=60.0) == span(whole, of, "SBP", age_s=60.0)


@given(st.floats(0.01, 1.0), st.floats(40, 120), st.floats(1, 40), st.floats(1, 60))
def test_the_order_of_pressures_survives(
    share: float, dbp: float, up_to_map: float, up_to_sbp: float
) -> None:
    of = said(DBP=dbp, MAP=dbp + up_to_map, SBP=dbp + up_to_map + up_to_sbp)
    sbp, middle, low = (span(card(share=share, mean=MEAN), of, p)[0] for p in PRESSURES)
    assert low < middle < sbp


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"share": 0, "mean": MEAN}, "cold_start.share"),
        ({"share": 1.2, "mean": MEAN}, "cold_start.share"),
        ({"share": 0.5}, "cold_start.mean: is missing"),
        ({"share": 0.5, "mean": {"SBP": "high"}}, "cold_start.mean.SBP"),
        ({"share": 0.5, "mean": {"PPV": 12.0}}, "names PPV"),
    ],
)
def test_a_wrong_cold_start_is_refused_by_name(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        card(**wrong)
