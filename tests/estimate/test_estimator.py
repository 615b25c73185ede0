from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from hypothesis import given
from hypothesis import strategies as st

from hemoview.dsp.quality import Findings, Quality
from hemoview.estimate import bundle, identities
from hemoview.estimate.card import Card, parse_card
from hemoview.estimate.estimator import Body, abstain_all, estimate
from hemoview.estimate.personalise import Anchor, Personalisation, shrunk_offset
from hemoview.estimate.reasons import REASONS, code, first
from hemoview.estimate.runner import Prediction, Runner
from hemoview.estimate.tracking import Widening
from hemoview.estimate.values import ParameterEstimate
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

NOON_NS = 1_700_000_000_000_000_000
BODY = Body(bsa_m2=1.8, cvp_mmhg=None)
GOOD = Quality(0.9, None, "regular", Findings(12, 30.0, (0.8,) * 11, 0.0, 0.0, 0.97, 0.98, 0.01))


def card(**changes: Any) -> Card:
    return parse_card(tiny_bundle.card(PARAMETERS, **changes), "test")


def predicted(**means: float) -> Prediction:
    mean = tiny_bundle.MEANS | means
    return Prediction(
        mean, {p: v - 4.0 for p, v in mean.items()}, {p: v + 4.0 for p, v in mean.items()}, infer_ms=1.0
    )


def made(
    prediction: Prediction | None = None, personal: Personalisation | None = None, **options: Any
) -> Any:
    chosen: dict[str, Any] = {"card": card(), "quality": GOOD, "body": BODY, "wall_ns": NOON_NS} | options
    return estimate(
        chosen.pop("quality"),
        prediction or predicted(),
        chosen.pop("card"),
        personal or Personalisation(),
        **chosen,
    )


def cuff(sbp: float, dbp: float, age_s: float, anchor_id: str = "a", **more: float) -> Anchor:
    return Anchor(
        anchor_id, NOON_NS - round(age_s * 1e9), "cuff", {"SBP": sbp, "DBP": dbp, **more}
    ).with_predictions([tiny_bundle.MEANS] * 5)


# ---- cold


def test_cold_values_have_the_cold_interval() -> None:
    found = made().parameters
    assert (found["SBP"].value, found["SBP"].low, found["SBP"].high) == (120.0, 106.0, 134.0)
    assert found["HR"].value == pytest.approx(75.0)
    assert found["HR"].low == pytest.approx(73.0)
    assert {p: found[p].reason for p in ("SV", "CO", "CI", "SI", "SVR", "SVRI")} == dict.fromkeys(
        ("SV", "CO", "CI", "SI", "SVR", "SVRI"), "no-real-reference"
    )


def test_simulated_parameters_only_show_when_asked_and_tagged() -> None:
    found = made(show_simulated=True).parameters
    assert found["SV"].reason == "simulated"
    assert (found["SV"].low, found["CO"].high) == (None, None), "no interval without real subjects"
    assert found["CO"].value == pytest.approx(75.0 * 70.0 / 1000)
    assert found["SBP"].reason is None


def test_identities_hold_in_what_is_shown() -> None:
    found = made(show_simulated=True).parameters
    value = {p: found[p].value for p in PARAMETERS}
    assert value["CO"] == pytest.approx(value["HR"] * value["SV"] / 1000)
    assert value["CI"] == pytest.approx(value["CO"] / 1.8)
    assert value["SI"] == pytest.approx(value["SV"] / 1.8)
    assert value["SVR"] == pytest.approx(80 * (value["MAP"] - 5.0) / value["CO"])
    assert value["SVRI"] == pytest.approx(value["SVR"] * 1.8)
    measured = made(show_simulated=True, body=Body(1.8, 11.0)).parameters["SVR"].value
    assert measured == pytest.approx(80 * (value["MAP"] - 11.0) / value["CO"])


def test_without_height_and_weight_the_indices_abstain() -> None:
    found = made(show_simulated=True, body=Body()).parameters
    assert [p for p in PARAMETERS if found[p].reason == "needs-height-weight"] == ["CI", "SI", "SVRI"]
    assert found["CO"].value is not None


@pytest.mark.parametrize(
    ("n_real", "n_calibration", "n_table", "shown"),
    [(15, 9, 9, True), (15, 8, 8, False), (15, 20, 8, False), (0, 20, 20, False)],
)
def test_fewer_than_nine_subjects_claim_nothing(
    n_real: int, n_calibration: int, n_table: int, shown: bool
) -> None:
    base = tiny_bundle.card(PARAMETERS)
    base["per_parameter"]["SBP"] |= {"n_real_subjects": n_real, "n_calibration_subjects": n_calibration}
    base["conformal"]["SBP"] = {"cold": {"q90": 10.0, "n_subjects": n_table}, "personalised": []}
    found = made(card=parse_card(base, "test")).parameters["SBP"]
    assert (found.reason is None) == shown
    assert shown or found.reason == "no-real-reference"


def test_a_fault_of_the_signal_silences_everything_and_goes_before_all_else() -> None:
    bad = replace(GOOD, sqi=0.0, fault="motion")
    found = made(quality=bad, body=Body())
    assert {e.reason for e in found.parameters.values()} == {"motion"}
    assert found.sqi == 0.0


def test_without_a_model_there_is_still_a_heart_rate() -> None:
    found = estimate(GOOD, None, None, Personalisation(), body=BODY, wall_ns=NOON_NS)
    assert found.parameters["HR"].reason is None
    assert {found.parameters[p].reason for p in PARAMETERS if p != "HR"} == {"no-model"}


def test_a_parameter_the_model_lacks_says_so() -> None:
    small = parse_card(tiny_bundle.card(("SBP", "MAP", "DBP")), "test")
    found = made(card=small).parameters
    assert found["SBP"].reason is None
    assert {found[p].reason for p in ("CO", "SV", "SVR")} == {"not-in-model"}


def test_values_outside_what_was_learned_abstain() -> None:
    assert made(predicted(SBP=185.0, MAP=135.0)).parameters["SBP"].reason == "outside-training-range"
    assert made(predicted(SBP=175.0, MAP=120.0)).parameters["SBP"].reason is None


def test_what_rests_on_a_disbelieved_value_is_not_shown_either() -> None:
    found = made(predicted(SV=150.0), show_simulated=True).parameters
    assert {found[p].reason for p in ("SV", "SI", "CO", "CI", "SVR", "SVRI")} == {"outside-training-range"}
    high = made(predicted(SBP=175.0, MAP=139.0, DBP=110.0), show_simulated=True).parameters
    assert {p: high[p].reason for p in ("MAP", "CO", "SVR")} == {
        "MAP": "outside-training-range",
        "CO": "simulated",
        "SVR": "outside-training-range",
    }


def test_an_interval_that_reaches_zero_flow_gives_no_resistance() -> None:
    wide = replace(predicted(SV=40.0), q05=predicted().q05 | {"SV": -1.0})
    found = made(wide, show_simulated=True).parameters
    assert found["SV"].reason == "simulated"
    assert {found[p].reason for p in ("CO", "SVR", "CI", "SVRI")} == {"implausible"}


@pytest.mark.parametrize("means", [{"SBP": 70.0}, {"MAP": 121.0}, {"MAP": 70.0}, {"DBP": 115.0}])
def test_contradicting_pressures_abstain_together(means: dict[str, float]) -> None:
    found = made(predicted(**means)).parameters
    assert {found[p].reason for p in ("SBP", "MAP", "DBP")} == {"implausible"}


def uneven(intervals_s: tuple[float, ...], faint_s: tuple[float, ...]) -> Quality:
    found = replace(GOOD.findings, intervals_s=intervals_s, faint_intervals_s=faint_s)
    return replace(GOOD, rhythm="irregular", findings=found)


def test_uneven_beats_widen_the_interval_of_the_heart_rate() -> None:
    lost_one = (0.6,) * 7 + (1.2,) + (0.6,) * 7
    even, wide = made().parameters["HR"], made(quality=uneven(lost_one, lost_one)).parameters["HR"]
    assert wide.value == pytest.approx(100.0), "the pause held a beat"
    assert wide.low <= 60 / np.mean(lost_one) <= wide.high
    assert wide.high - wide.low > 2 * (even.high - even.low)


def test_a_heart_rate_wider_than_may_be_shown_abstains_with_all_that_rests_on_it() -> None:
    lost_many = (0.5, 1.1) * 5
    found = made(quality=uneven(lost_many, lost_many), show_simulated=True).parameters
    assert {found[p].reason for p in ("HR", "CO", "CI", "SVR")} == {"irregular-pulse"}
    assert found["SBP"].reason is None


# ---- personalised


def test_an_anchor_moves_the_estimate_by_its_shrunk_offset_and_narrows_it() -> None:
    found = made(personal=Personalisation().with_anchor(cuff(130.0, 82.0, 60.0)))
    sbp = found.parameters["SBP"]
    assert sbp.value == pytest.approx(120 + 10 / 1.25)
    assert (sbp.low, sbp.high) == (pytest.approx(128 - 6), pytest.approx(128 + 6))
    assert found.personalisation_age_s == pytest.approx(60.0)


def test_the_interval_grows_with_the_age_of_the_anchor() -> None:
    widths = []
    for age_s in (200.0, 1500.0, 2500.0):
        sbp = made(personal=Personalisation().with_anchor(cuff(130.0, 82.0, age_s))).parameters["SBP"]
        widths.append(sbp.high - sbp.low)
    assert widths == [pytest.approx(12), pytest.approx(18), pytest.approx(28)]


def test_beyond_the_tables_the_offset_is_not_used() -> None:
    found = made(personal=Personalisation().with_anchor(cuff(130.0, 82.0, 2500.0)))
    assert found.parameters["SBP"].value == pytest.approx(120.0)


def test_the_quality_of_a_window_chooses_its_row() -> None:
    base = tiny_bundle.card(PARAMETERS)
    row = {"q90": 0.0, "n_subjects": 20, "sqi_min": 0.85}
    base["conformal"]["SBP"]["personalised"].insert(1, {**row, "age_s_max": 300.0})
    base["conformal"]["SBP"]["cold_by_quality"] = [row]
    chosen, anchored = parse_card(base, "test"), Personalisation().with_anchor(cuff(130.0, 82.0, 60.0))

    def width(sqi: float, personal: Personalisation) -> float:
        sbp = made(card=chosen, quality=replace(GOOD, sqi=sqi), personal=personal).parameters["SBP"]
        return float(sbp.high - sbp.low)

    assert [width(sqi, anchored) for sqi in (0.84, 0.9)] == [pytest.approx(12), pytest.approx(8)]
    assert [width(sqi, Personalisation()) for sqi in (0.84, 0.9)] == [28.0, 8.0]


def test_tracking_moves_the_ends_and_what_rests_on_them_never_a_value() -> None:
    plain = made(show_simulated=True).parameters
    wide = made(show_simulated=True, tracked={"SBP": Widening(1, 2.0), "MAP": Widening(1, 0.5)}).parameters
    assert (wide["SBP"].low, wide["SBP"].high) == (92.0, 148.0)
    assert (wide["MAP"].low, wide["MAP"].high) == (85.0, 99.0)
    assert wide["DBP"] == plain["DBP"]
    assert {p: wide[p].value for p in PARAMETERS} == {p: plain[p].value for p in PARAMETERS}
    silent = made(quality=replace(GOOD, fault="motion"), tracked={"SBP": Widening(1, 2.0)})
    assert silent.parameters["SBP"].reason == "motion"


def test_an_expired_anchor_silences_pressure_and_nothing_else() -> None:
    found = made(personal=Personalisation().with_anchor(cuff(130.0, 82.0, 3700.0)))
    assert {found.parameters[p].reason for p in ("SBP", "MAP", "DBP")} == {"calibration-old"}
    assert found.parameters["HR"].reason is None
    assert found.personalisation_age_s == pytest.approx(3700.0)


def test_a_withdrawn_anchor_is_as_if_it_had_never_been() -> None:
    personal = Personalisation().with_anchor(cuff(130.0, 82.0, 60.0)).without("a")
    assert made(personal=personal) == made()


def test_a_cuff_without_a_mean_keeps_the_form_of_the_wave() -> None:
    anchor = cuff(130.0, 80.0, 60.0)
    assert anchor.reference["MAP"] == pytest.approx(80 + (92 - 76) / (120 - 76) * 50)
    assert cuff(130.0, 80.0, 60.0, MAP=99.0).reference["MAP"] == 99.0


def test_only_windows_around_the_reading_speak_for_it() -> None:
    waiting = Anchor("a", NOON_NS, "cuff", {"SBP": 130.0, "DBP": 80.0})
    second = 1_000_000_000
    far = [(NOON_NS + k * second, {"SBP": 999.0}) for k in (-120, -60, 30, 90)]
    near = [(NOON_NS + k * second, {"SBP": 118.0 + k}) for k in (-2, 0, 2)]
    assert not Personalisation((waiting,)).joined(far).anchors[0].usable
    joined = Personalisation((waiting,)).joined([*far, *near])
    assert joined.anchors[0].predicted == {"SBP": 118.0}
    assert Personalisation((waiting,)).joined(near[:2]).anchors[0].usable is False


def test_the_last_five_anchors_count() -> None:
    personal = Personalisation()
    for k in range(8):
        personal = personal.with_anchor(cuff(125.0 + k, 80.0, 800.0 - 100 * k, str(k)))
    assert [a.anchor_id for a in personal.anchors] == ["3", "4", "5", "6", "7"]
    assert personal.age_s(NOON_NS) == pytest.approx(100.0)


@given(st.lists(st.floats(-40, 40), max_size=5), st.floats(0, 10))
def test_shrinking_never_overshoots_the_mean(differences: list[float], kappa: float) -> None:
    offset = shrunk_offset(differences, kappa)
    mean = float(np.mean(differences)) if differences else 0.0
    assert abs(offset) <= abs(mean) + 1e-9
    assert offset * mean >= -1e-9


# ---- the parts


@given(st.floats(40, 180), st.floats(20, 150), st.floats(50, 140), st.floats(0, 20), st.floats(1.2, 2.6))
def test_relations_invert(hr: float, sv: float, map_mmhg: float, cvp: float, bsa: float) -> None:
    co = identities.cardiac_output_l_per_min(hr, sv)
    assert identities.stroke_volume_ml(co, hr) == pytest.approx(sv)
    svr = identities.systemic_resistance(map_mmhg, co, cvp)
    assert svr * co / 80 + cvp == pytest.approx(map_mmhg)
    assert identities.resistance_index(svr, bsa) == pytest.approx(
        80 * (map_mmhg - cvp) / identities.per_area(co, bsa)
    )


@given(st.floats(60, 90), st.floats(0, 10), st.floats(40, 90), st.floats(0, 20))
def test_corners_hold_every_combination(hr: float, hr_half: float, sv: float, sv_half: float) -> None:
    relation = identities.cardiac_output_l_per_min
    value, low, high = identities.span_of(
        relation, (hr, hr - hr_half, hr + hr_half), (sv, sv - sv_half, sv + sv_half)
    )
    inside = relation(hr + hr_half / 2, sv - sv_half / 2)
    assert low - 1e-9 <= inside <= high + 1e-9
    assert low <= value <= high


def test_reasons_have_codes_and_an_order() -> None:
    assert code(None) == 0
    assert [code(r) for r in REASONS] == list(range(1, len(REASONS) + 1))
    assert first("outside-training-range", None, "no-real-reference") == "no-real-reference"
    assert first(None) is None


def test_no_interval_no_number() -> None:
    with pytest.raises(ValueError, match="interval or a reason"):
        ParameterEstimate(120.0, None, None)
    with pytest.raises(ValueError, match="interval or a reason"):
        ParameterEstimate(120.0, 110.0, 130.0, "motion")
    with pytest.raises(ValueError, match="within its interval"):
        ParameterEstimate(120.0, 121.0, 130.0)
    assert all(e.value is None for e in abstain_all("gap").parameters.values())


# ---- the model itself


def test_runner_gives_the_models_own_numbers(tmp_path: Path) -> None:
    runner = Runner(tiny_bundle.write(tmp_path))
    wave = np.sin(np.arange(640) * 0.1)
    found = runner.predict(wave, 64.0)
    assert found.mean["SBP"] == pytest.approx(120.0)
    assert found.q05["SVRI"] == pytest.approx(2496.0)
    assert found.infer_ms > 0
    assert set(found.mean) == set(PARAMETERS)
    with pytest.raises(ValueError, match="flat"):
        runner.predict(np.zeros(640), 64.0)


def test_a_model_of_another_preprocessing_is_refused(tmp_path: Path) -> None:
    found = tiny_bundle.write(tmp_path, changes={"preprocessing": {"version": "minmax-0"}})
    with pytest.raises(ConfigError, match="tiny-1 wants preprocessing minmax-0"):
        Runner(found)


def test_the_tiny_bundle_is_a_bundle(tmp_path: Path) -> None:
    bundle.verify(tiny_bundle.write(tmp_path).folder)
