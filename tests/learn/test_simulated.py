"""The simulated cohort: near the published labels, exact in its identities, the same for the same seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemoview import cli
from hemoview.dsp.preprocess import model_inputs
from hemoview.labels import Dataset, read_dataset, refuse_leaks
from hemoview.learn.ambiguity import ambiguity, shapes_of
from hemoview.learn.simulated import PUBLISHED, CohortConfig, simulate_cohort, ten_labels
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

SMALL = CohortConfig(24, 60.0, seed=5)


@pytest.fixture(scope="module")
def cohort() -> Dataset:
    return simulate_cohort(SMALL)


@pytest.fixture(scope="module")
def people() -> Dataset:
    """Enough people, briefly, to look at means and spreads."""
    return simulate_cohort(CohortConfig(120, 30.0, seed=11))


def test_label_means_and_spreads_are_near_the_published_ones(people: Dataset) -> None:
    for name, column in zip(PARAMETERS, people.labels.T, strict=True):
        mean, sd = PUBLISHED[name]
        assert column.mean() == pytest.approx(mean, rel=0.075), name
        assert 0.7 * sd < column.std() < 1.35 * sd, name


def test_the_identities_hold_exactly(cohort: Dataset) -> None:
    labels = cohort.labels.astype(np.float64)
    at = {name: labels[:, i] for i, name in enumerate(PARAMETERS)}
    co = at["HR"] * at["SV"] / 1000
    for name, derived in {
        "CO": co,
        "CI": co / cohort.bsa_m2,
        "SI": at["SV"] / cohort.bsa_m2,
        "SVR": 80 * (at["MAP"] - cohort.cvp_mmhg) / co,
        "SVRI": 80 * (at["MAP"] - cohort.cvp_mmhg) / co * cohort.bsa_m2,
    }.items():
        np.testing.assert_allclose(at[name], derived, rtol=2e-7, err_msg=name)
    assert ((at["DBP"] < at["MAP"]) & (at["MAP"] < at["SBP"])).all()


def test_what_is_unknown_makes_derived_labels_unknown() -> None:
    found = ten_labels(
        np.array([[120, 90, 70, 60, 80.0]]), np.array([np.nan]), np.array([[40, 1, np.nan, 70.0]])
    )
    missing = {name for name, value in zip(PARAMETERS, found[0], strict=True) if np.isnan(value)}
    assert missing == {"CI", "SI", "SVR", "SVRI"}


def test_one_person_changes_within_minutes() -> None:
    found = simulate_cohort(CohortConfig(16, 120.0, seed=3))
    sbp = found.labels[:, 0]
    within = [np.ptp(sbp[found.rows_of([who])]) for who in found.subjects]
    assert np.median(within) > 5 and max(within) > 15
    assert len(set(found.extra["phase"].tolist())) >= 4


def test_same_configuration_same_content_however_it_is_computed(cohort: Dataset) -> None:
    again = simulate_cohort(SMALL, processes=2)
    assert again.version == cohort.version
    assert again.split("default").sha256 == cohort.split("default").sha256
    assert (
        simulate_cohort(CohortConfig(6, 60.0, seed=6)).version
        != simulate_cohort(CohortConfig(6, 60.0)).version
    )
    assert CohortConfig(24, 60.0, 5).sha256 == SMALL.sha256 != CohortConfig(24, 60.0, 6).sha256


def test_first_people_stay_who_they_are_in_a_larger_cohort(cohort: Dataset) -> None:
    fewer = simulate_cohort(CohortConfig(5, 60.0, seed=5))
    same = cohort.rows_of(fewer.subjects)
    np.testing.assert_array_equal(fewer.ppg, cohort.ppg[same])


def test_rows_say_what_they_are(cohort: Dataset) -> None:
    assert cohort.simulated and (cohort.origin == "simulated").all()
    assert set(cohort.ppg_site.tolist()) == {"wrist", "finger"} and not cohort.extra["moving"].any()
    assert cohort.about["simulated"]["dropped_moving"] > 0
    assert cohort.about["simulated"]["dropped_unsteady"] > 0, "a pressure on the move has no one label"
    assert np.isfinite(model_inputs(cohort.ppg, 64.0)).all()
    refuse_leaks(cohort, cohort.split("default"))


def test_moving_windows_are_kept_only_when_asked_and_flagged(cohort: Dataset) -> None:
    with_motion = simulate_cohort(CohortConfig(24, 60.0, seed=5, moving=True))
    still = ~with_motion.extra["moving"]
    np.testing.assert_array_equal(with_motion.ppg[still], cohort.ppg)
    assert (~still).sum() == cohort.about["simulated"]["dropped_moving"]


@pytest.mark.parametrize("sensor", ["e4", "finger"])
def test_one_sensor_only(sensor: Any) -> None:
    found = simulate_cohort(CohortConfig(4, 30.0, sensor=sensor))
    assert set(found.ppg_site.tolist()) == {"wrist" if sensor == "e4" else "finger"}


@pytest.mark.parametrize("wrong", [{"subjects": 0}, {"seconds": 5.0}, {"seed": -1}, {"sensor": "ear"}])
def test_a_cohort_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="simulated cohort"):
        CohortConfig(**{"subjects": 3, **wrong})


def test_ambiguity_says_what_a_wave_cannot_tell(people: Dataset) -> None:
    found = ambiguity(people)
    assert found["simulated"] and found["many_to_one_fraction"] > 0.2
    oracle = found["oracle_r2"]
    assert set(oracle) == set(PARAMETERS) and oracle["HR"] > 0.7
    assert max(oracle["SBP"], oracle["SV"], oracle["SI"]) < 0.5, "levels are not in a normalised wave"
    given = found["oracle_r2_demographics"]
    assert all(given[name] >= oracle[name] for name in PARAMETERS) and given["SI"] > oracle["SI"] + 0.1


def test_an_oracle_finds_labels_that_are_in_the_wave_and_none_that_are_not(people: Dataset) -> None:
    """Labels made of the wave itself are found; the same labels dealt to other people are not."""
    rows = shapes_of(people).rows
    told = people.labels.copy()
    told[rows, 4] = 60 + shapes_of(people).beats[:, 24] * 10
    told[:, 5] = np.random.default_rng(0).permutation(told[:, 4])
    found = ambiguity(replace(people, labels=told))
    assert found["oracle_r2"]["CO"] > 0.8 and found["oracle_r2"]["CI"] < 0.05


def test_alone_nobody_looks_like_another(cohort: Dataset) -> None:
    alone = cohort.take(np.repeat(cohort.rows_of(cohort.subjects[:1]), 2))
    found = ambiguity(replace(alone, labels=_far_apart(alone.labels)))
    assert found["many_to_one_fraction"] == 0, "one person's own windows are no other's"
    assert set(found["oracle_r2"].values()) == {None}


def _far_apart(labels: np.ndarray) -> np.ndarray:
    """SBP 20 mmHg up in every other row."""
    out = labels.copy()
    out[::2, 0] += 20
    return out


def test_the_command_writes_a_dataset_with_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["dataset", "simulate", "--subjects", "12", "--seconds", "60", "--seed", "5", "--processes", "1"]
    assert cli.main([*words, "--out", str(tmp_path / "set"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = read_dataset(tmp_path / "set")
    assert told["version"] == found.version and told["simulated"] and told["windows"] == len(found)
    assert found.about["simulated"]["ambiguity"]["oracle_r2"] == told["ambiguity"]["oracle_r2"]
    assert told["config_sha256"] == CohortConfig(12, 60.0, 5).sha256
    assert cli.main([*words, "--out", str(tmp_path / "set")]) == 1
    assert "is not an empty folder" in capsys.readouterr().err
