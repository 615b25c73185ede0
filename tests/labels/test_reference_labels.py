"""Labels of windows from a reference: the rules of methods §E.3, each with its reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.labels.reference import windows as ref
from hemoview.labels.reference.windows import LabelRules, ReferenceBeats, ReferenceFacts, label_windows
from recorder.schema import PARAMETERS

GOOD = np.array([124.0, 92.0, 76.0, 72.0, 5.2, 2.9, 72.0, 40.0, 1340.0, 2400.0])
CALIBRATED = ReferenceFacts(ref.CNAP_KIND, calibrated_s=(-100.0,), co_calibrated_s=(-90.0,))
TEN = np.array([[0.0, 10.0]])


def beats(n: int = 12, every_s: float = 0.8, **changed: float) -> ReferenceBeats:
    values = np.tile(GOOD, (n, 1))
    for name, value in changed.items():
        values[:, PARAMETERS.index(name)] = value
    return ReferenceBeats(0.1 + every_s * np.arange(n), values)


def why(labels: ref.WindowLabels, name: str = "SBP") -> str:
    return str(labels.reasons[0, PARAMETERS.index(name)])


def test_ten_values_of_a_calibrated_reference() -> None:
    found = label_windows(beats(), TEN, CALIBRATED)
    assert found.values[0] == pytest.approx(GOOD)
    assert set(found.reasons[0].tolist()) == {ref.VALID}
    assert found.calibration_age_s[0] == 100.0
    assert found.error is not None and found.error.sd_mmhg == (6.7, 16.5) and "ICU" not in found.error.source


def test_a_beat_belongs_to_the_window_its_onset_falls_into() -> None:
    told = beats(24)
    told.values[12:, 0] = 126.0
    windows = np.array([[0.0, told.t_s[12]], [told.t_s[12], 20.0]])
    assert label_windows(told, windows, CALIBRATED).values[:, 0].tolist() == [124.0, 126.0]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (ReferenceFacts(), ref.UNCALIBRATED),
        (ReferenceFacts(calibrated_s=(50.0,)), ref.UNCALIBRATED),
        (ReferenceFacts(calibrated_s=(-100.0,), doubted_s=(-50.0,)), ref.UNCALIBRATED),
        (ReferenceFacts(calibrated_s=(-100.0,), cuffs=((39.0, 60.0),)), ref.CUFF),
        (ReferenceFacts(calibrated_s=(-100.0,), recalibrations=((-40.0, -29.0),)), ref.RECALIBRATION),
    ],
)
def test_what_bars_a_window_bars_all_ten(facts: ReferenceFacts, reason: str) -> None:
    found = label_windows(beats(), TEN, facts)
    assert set(found.reasons[0].tolist()) == {reason} and not np.isfinite(found.values).any()


def test_thirty_seconds_from_a_cuff_is_far_enough() -> None:
    facts = ReferenceFacts(calibrated_s=(-100.0,), cuffs=((40.0, 60.0), (-50.0, -30.0)))
    assert why(label_windows(beats(), TEN, facts)) == ref.VALID


def test_a_calibration_holds_again_after_another_finger() -> None:
    facts = ReferenceFacts(calibrated_s=(-100.0, -20.0), doubted_s=(-50.0,))
    found = label_windows(beats(), TEN, facts)
    assert why(found) == ref.VALID and found.calibration_age_s[0] == 20.0


def test_an_arterial_line_needs_no_calibration_of_its_own() -> None:
    found = label_windows(beats(), TEN, ReferenceFacts("arterial-line", calibrates_itself=False))
    assert why(found) == why(found, "CO") == ref.VALID and found.error is None


def test_five_beats_are_too_few_and_three_do_for_five_seconds() -> None:
    assert why(label_windows(beats(5), TEN, CALIBRATED)) == ref.TOO_FEW
    assert why(label_windows(beats(3), np.array([[0.0, 5.0]]), CALIBRATED)) == ref.VALID


def test_beats_no_artery_makes_do_not_count() -> None:
    told = beats(12)
    told.values[:7, 0] = 76.0  # systolic as low as diastolic: a monitor that lost its signal
    assert why(label_windows(told, TEN, CALIBRATED)) == ref.TOO_FEW


def test_pressure_that_climbs_is_unsteady() -> None:
    told = beats(12)
    told.values[:, 0] += np.linspace(0, 14, 12)
    assert why(label_windows(told, TEN, CALIBRATED)) == ref.UNSTEADY


@pytest.mark.parametrize("changed", [{"SBP": 250.0}, {"DBP": 20.0}, {"SBP": 90.0, "MAP": 85.0, "DBP": 80.0}])
def test_pressures_out_of_range_are_no_label(changed: dict[str, float]) -> None:
    assert why(label_windows(beats(**changed), TEN, CALIBRATED)) == ref.OUT_OF_RANGE


def test_cardiac_output_nobody_calibrated_is_named_so() -> None:
    facts = ReferenceFacts(ref.CNAP_KIND, calibrated_s=(-100.0,))
    found, kept = (
        label_windows(beats(), TEN, facts, LabelRules(keep_uncalibrated_co=keep)) for keep in (False, True)
    )
    assert why(found) == ref.VALID
    for name in ("CO", "CI", "SV", "SI", "SVR", "SVRI"):
        k = PARAMETERS.index(name)
        assert why(found, name) == why(kept, name) == ref.UNCALIBRATED_CO
        assert np.isnan(found.values[0, k]) and kept.values[0, k] == GOOD[k]


def test_what_a_reference_does_not_measure_says_so() -> None:
    found = label_windows(beats(CO=np.nan, SVRI=np.nan), TEN, CALIBRATED)
    assert why(found, "CO") == why(found, "SVRI") == ref.NOT_MEASURED and why(found, "SV") == ref.VALID


def test_a_window_that_cannot_be_placed_and_one_without_a_reference() -> None:
    windows = np.array([[np.nan, np.nan], [500.0, 510.0]])
    found = label_windows(beats(), windows, CALIBRATED)
    assert found.reasons[:, 0].tolist() == [ref.NOT_ALIGNED, ref.NO_BEATS]
    assert found.n_beats.tolist() == [0, 0]


def test_no_beats_at_all() -> None:
    none = ReferenceBeats(np.empty(0), np.empty((0, 10)))
    assert label_windows(none, TEN, CALIBRATED).reasons[0, 0] == ref.NO_BEATS
    assert len(label_windows(none, np.empty((0, 2)), CALIBRATED)) == 0


@given(
    st.lists(st.floats(0.3, 2.0), min_size=0, max_size=40),
    st.lists(st.floats(-50.0, 60.0), max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_a_value_has_a_reason_to_be_there_and_obeys_the_rules(
    steps_s: list[float], offsets_s: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = np.tile(GOOD, (len(steps_s), 1)) * rng.uniform(0.7, 1.3, (len(steps_s), 10))
    values[rng.random(values.shape) < 0.1] = np.nan
    told = ReferenceBeats(np.cumsum(steps_s), values)
    begins = np.array([0.0, 5.0, *offsets_s])
    windows = np.column_stack([begins, begins + 10.0])
    found = label_windows(told, windows, CALIBRATED)
    assert set(found.reasons.ravel().tolist()) <= set(ref.REASONS)
    there = np.isfinite(found.values)
    assert np.array_equal(there, found.reasons == ref.VALID)
    for i in np.flatnonzero(found.labelled):
        inside = (told.t_s >= windows[i, 0]) & (told.t_s < windows[i, 1]) & told.valid
        sbp, mean, dbp = found.values[i, :3]
        assert inside.sum() >= 6 and inside.sum() == found.n_beats[i]
        assert sbp == np.median(values[inside, 0]) and dbp == np.median(values[inside, 2])
        assert dbp < mean < sbp and sbp - dbp >= 15 and 60 <= sbp <= 240 and 30 <= dbp <= 150


@given(st.floats(-1e6, 1e6), st.integers(0, 2**32 - 1))
def test_labels_do_not_depend_on_when_the_session_began(shift_s: float, seed: int) -> None:
    shift_s = round(shift_s)
    rng = np.random.default_rng(seed)
    t_s, values = (
        np.cumsum(rng.integers(5, 15, 60)) / 16.0,
        np.tile(GOOD, (60, 1)) + rng.normal(0, 2, (60, 10)),
    )
    windows = np.arange(0, 40, 5.0)[:, None] + [0.0, 10.0]
    facts = ReferenceFacts(calibrated_s=(-1.0,), cuffs=((60.0, 61.0),))
    moved = ReferenceFacts(calibrated_s=(shift_s - 1.0,), cuffs=((shift_s + 60.0, shift_s + 61.0),))
    one = label_windows(ReferenceBeats(t_s, values), windows, facts)
    other = label_windows(ReferenceBeats(t_s + shift_s, values), windows + shift_s, moved)
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert np.array_equal(one.reasons, other.reasons)


def test_what_a_monitor_holds_counts_when_the_window_ends_and_not_for_long() -> None:
    values = np.full((3, 11), np.nan)
    values[:, PARAMETERS.index("CO")] = [4.0, 5.0, np.nan]
    values[:, -1] = [7.0, np.nan, np.nan]
    held = ref.HeldValues(np.array([-25.0, 9.0, 12.0]), values)
    told = beats(60, CO=np.nan)
    windows = np.array([[-5.0, 5.0], [0.0, 10.0], [35.0, 45.0]])
    line = ReferenceFacts("arterial-line", calibrates_itself=False)
    found = label_windows(ReferenceBeats(told.t_s, told.values, held=held), windows, line)
    k = PARAMETERS.index("CO")
    assert found.reasons[0, k] == ref.VALID and found.values[:2, k].tolist() == [4.0, 5.0]
    assert found.reasons[2, k] == ref.NOT_MEASURED and np.isnan(found.cvp_mmhg[1:]).all()
    assert found.cvp_mmhg[0] == 7.0
