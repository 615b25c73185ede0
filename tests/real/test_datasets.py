"""Every real set becomes a dataset with labels that can be believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.preprocess import model_inputs
from hemoview.labels import Dataset, make_split, read_dataset, read_seed_files, refuse_leaks, write_dataset
from hemoview.learn import sources
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS


def the(dataset: Dataset, name: str) -> np.ndarray:
    return dataset.labels[:, PARAMETERS.index(name)].astype(float)


def known(dataset: Dataset) -> set[str]:
    return {name for name in PARAMETERS if np.isfinite(the(dataset, name)).any()}


@pytest.fixture
def folder(real_recordings: Path, request: pytest.FixtureRequest) -> Path:
    path = real_recordings / str(request.param)
    if not path.is_dir():
        pytest.skip(f"{request.param} is not beside the project")
    return path


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("folder", [name], indirect=True)


@needs("bcg_finapres")
def test_finger_cuff_set_has_its_people_and_no_leak(folder: Path, tmp_path: Path) -> None:
    found = sources.bcg_finapres(folder)
    assert len(found) == 1823 and len(found.subjects) == 23 and found.window_s == 5.0
    assert known(found) == {"SBP", "MAP", "DBP"} and not found.simulated
    sbp, mean, dbp = (the(found, name) for name in ("SBP", "MAP", "DBP"))
    assert sbp.mean() == pytest.approx(119, abs=1) and sbp.std() == pytest.approx(12.5, abs=0.5)
    has = np.isfinite(mean)
    assert 0.95 < has.mean() < 1 and ((dbp < mean) & (mean < sbp))[has].all()
    assert 0.3 < np.median(((mean - dbp) / (sbp - dbp))[has]) < 0.42
    within = [sbp[found.rows_of([who])].std() for who in found.subjects]
    assert np.mean(within) == pytest.approx(5.2, abs=0.8)
    refuse_leaks(found, make_split(found))
    assert np.isfinite(model_inputs(found.ppg, found.sampling_rate_hz)).all()
    version = write_dataset(tmp_path / "set", found)
    assert read_dataset(tmp_path / "set").version == version == sources.bcg_finapres(folder).version


@needs("ppg_bp_liang")
def test_short_cuff_set_has_demographics_and_is_for_pre_training_only(folder: Path) -> None:
    found = sources.ppg_bp_liang(folder)
    assert len(found) == 537 and len(found.subjects) == 179 and found.ppg.shape[1] == 134
    assert found.short_windows and known(found) == {"SBP", "DBP", "HR"}
    assert np.isfinite(found.demographics).all()
    sbp = the(found, "SBP")
    assert sbp.min() >= 75 and sbp.max() <= 190 and (sbp > 140).mean() > 0.2, "hypertension is in it"
    assert np.percentile(found.bsa_m2, [1, 99]) == pytest.approx([1.3, 2.05], abs=0.2)
    split = make_split(found)
    refuse_leaks(found, split)
    with pytest.raises(ValueError, match=r"a window of 2\.09375 s is not between 5 and 10 s"):
        model_inputs(found.ppg, found.sampling_rate_hz)


@needs("surgery_ev1000")
def test_surgery_has_all_ten_labels_of_one_patient(folder: Path) -> None:
    found = sources.surgery_ev1000(folder)
    assert len(found) > 100 and found.subjects == ["surgery-wt01"] and known(found) == set(PARAMETERS)
    assert found.about["pulse_lag_s"] == pytest.approx(0.34, abs=0.05), "PLETH is shown later than ABP"
    hr, co, sv = (the(found, name) for name in ("HR", "CO", "SV"))
    assert np.nanmedian(np.abs(hr * sv / 1000 - co)) < 0.15, "the monitor averages 20 s, the beats are of ten"
    has = np.isfinite(the(found, "SVR"))
    assert 5 < has.sum() < 60 and (found.cvp_mmhg[has] == 0).all() and np.isnan(found.cvp_mmhg[~has]).all()
    svr = 80 * (the(found, "MAP") - found.cvp_mmhg) / co
    assert np.median(np.abs(svr[has] / the(found, "SVR")[has] - 1)) < 0.1
    assert found.bsa_m2[0] == pytest.approx(2.18, abs=0.04)
    assert np.nanmedian(the(found, "CI") * found.bsa_m2 / co) == pytest.approx(1, abs=0.03)
    with pytest.raises(ConfigError, match="1 subject cannot be split"):
        make_split(found)


@pytest.mark.slow
@needs("mimic4wdb")
def test_intensive_care_record_has_pressures_of_the_beats_under_its_windows(folder: Path) -> None:
    pytest.importorskip("wfdb", reason="reading WFDB needs the exchange extra")
    found = sources.mimic4wdb(folder)
    assert 1000 < len(found) < 2000 and found.subjects == ["mimic-p10020306"]
    assert known(found) == {"SBP", "MAP", "DBP", "HR"}
    assert found.about["dropped"]["poor-contact"] > 50, "flushes and dropouts are in that record"
    assert 90 < the(found, "SBP").mean() < 110 and 55 < the(found, "DBP").mean() < 75
    assert (np.diff(found.t0_s) > 9.99).all() and found.t0_s[-1] > 3600
    counted = [
        60 * found.sampling_rate_hz * (len(feet) - 1) / (feet[-1] - feet[0])
        for feet in ([b.foot for b in find_ppg_beats(x, found.sampling_rate_hz)] for x in found.ppg[::10])
    ]
    assert np.median(np.abs(np.array(counted) - the(found, "HR")[::10])) < 8, "atrial fibrillation"


@needs("e4_stress_predict")
def test_wrist_waves_come_with_motion_and_without_labels(folder: Path) -> None:
    found = sources.e4_motion(folder, most_sessions=1)
    assert 200 < len(found) < 450 and not known(found) and found.sampling_rate_hz == 64.0
    moving, good = found.extra["moving"], found.extra["fault"] == ""
    assert 0.05 < moving.mean() < 0.95
    assert (~moving & good).sum() > 20 and good[~moving].mean() > good[moving].mean()
    assert np.isfinite(model_inputs(found.ppg, 64.0)).all()


@needs("lsmoe_sample")
def test_the_seeds_sample_is_read_as_it_is_meant(folder: Path) -> None:
    found = read_seed_files(folder / "sampledata.npy", folder / "labels.npy")
    assert found.ppg.shape == (10, 1250) and found.sampling_rate_hz == 125.0
    assert known(found) == {"SBP", "DBP"} and not found.subject_known
