"""The living patient: identities, determinism, manoeuvres, and that nobody can tell how it was asked."""

from dataclasses import replace

import numpy as np
import pytest

from recorder.devices.sim.physiology import (
    E4_OPTICS,
    FINGER_OPTICS,
    SimSubject,
    VirtualPatient,
    config_hash,
    parse_script,
    random_subject,
    simulate,
)
from recorder.errors import ConfigError

QUIET = SimSubject(svr_wander=0.0, hr_wander_per_min=0.0, motion_fraction=0.0)


@pytest.fixture(scope="module")
def recording():
    return simulate(random_subject(np.random.default_rng(11)), 120, seed=5, script="demo")


def test_identities_have_no_residual(recording):
    beats, bsa = recording.beats, recording.subject.bsa_m2
    co = beats["hr_per_min"] * beats["sv_ml"] / 1000
    np.testing.assert_allclose(beats["co_l_min"], co, rtol=1e-12)
    np.testing.assert_allclose(beats["ci_l_min_m2"], co / bsa, rtol=1e-12)
    np.testing.assert_allclose(beats["si_ml_m2"], beats["sv_ml"] / bsa, rtol=1e-12)
    np.testing.assert_allclose(
        beats["svr_dyn"], 80 * (beats["map_mmhg"] - beats["cvp_mmhg"]) / co, rtol=1e-12
    )
    np.testing.assert_allclose(beats["svri_dyn"], beats["svr_dyn"] * bsa, rtol=1e-12)


def test_pressures_are_ordered(recording):
    beats = recording.beats
    assert (beats["dbp_mmhg"] < beats["map_mmhg"]).all()
    assert (beats["map_mmhg"] < beats["sbp_mmhg"]).all()


def test_truth_is_what_the_wave_shows(recording):
    beats = recording.beats
    for i in range(5, 60):
        first, last = (round(t * recording.abp_hz) for t in beats["t_s"][i : i + 2])
        wave = recording.abp_mmhg[first:last]
        assert wave.max() == pytest.approx(beats["sbp_mmhg"][i], abs=1.0)
        assert wave.mean() == pytest.approx(beats["map_mmhg"][i], abs=1.0)


def test_resistance_of_truth_and_model_agree_when_nothing_changes():
    beats = simulate(replace(QUIET, ppv=0.0, rsa_per_min=0.0), 120, seed=1).beats
    settled = slice(40, -1)
    ratio = beats["svr_dyn"][settled].mean() / beats["svr_model_dyn"][settled].mean()
    assert ratio == pytest.approx(1.0, abs=1e-3)


def test_the_same_seed_gives_the_same_samples():
    subject = random_subject(np.random.default_rng(3))
    a, b, c = (simulate(subject, 20, seed=seed) for seed in (1, 1, 2))
    for name in ("ppg", "abp_mmhg", "acc_g", "eda_us", "temp_c"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (getattr(a, name) != getattr(c, name)).any()
    assert a.config_sha256 == b.config_sha256 != c.config_sha256


@pytest.mark.parametrize("step_s", [0.013, 0.37, 5.0])
def test_block_size_does_not_matter(step_s):
    subject = SimSubject(motion_fraction=0.5)
    whole, pieces = (VirtualPatient(subject, parse_script("demo"), 4) for _ in range(2))
    t_s = np.arange(0, 30 * 64) / 64
    at_once = {name: whole.sample(name, t_s) for name in ("ppg", "abp", "acc", "eda", "temp")}
    for name, expected in at_once.items():
        cuts = np.split(t_s, np.searchsorted(t_s, np.arange(step_s, 30, step_s)))
        got = np.concatenate([pieces.sample(name, cut) for cut in cuts if cut.size])
        np.testing.assert_array_equal(got[-64:], expected[-64:], err_msg=name)
        pieces = VirtualPatient(subject, parse_script("demo"), 4)


def test_truth_does_not_depend_on_blocks_either():
    patients = [VirtualPatient(SimSubject(), None, 4) for _ in range(2)]
    patients[0].extend(60.0)
    for t_s in np.arange(0.5, 60.4, 0.5):
        patients[1].extend(float(t_s))
    a, b = (patient.take_truth() for patient in patients)
    assert len(b) > 60
    assert a[: len(b)] == b


@pytest.mark.parametrize(
    ("manoeuvre", "low", "high"),
    [("cold-pressor", 14, 28), ("hand-grip", 10, 24), ("vasodilator", -22, -8)],
)
def test_a_manoeuvre_moves_mean_pressure(manoeuvre, low, high):
    script = [{"at_s": 60, "do": manoeuvre, "for_s": 60}]
    beats = simulate(QUIET, 200, seed=2, script=script).beats
    rest = (beats["t_s"] > 20) & (beats["t_s"] < 60)
    done = beats["manoeuvre"] == manoeuvre
    late = done & (beats["t_s"] > 90)
    after = beats["t_s"] > 175
    change = beats["map_mmhg"][late].mean() - beats["map_mmhg"][rest].mean()
    assert low < change < high
    assert abs(beats["map_mmhg"][after].mean() - beats["map_mmhg"][rest].mean()) < 3


def test_standing_drops_first_then_raises_the_rate():
    beats = simulate(QUIET, 130, seed=2, script=[{"at_s": 60, "do": "stand", "for_s": 60}]).beats
    rest = (beats["t_s"] > 20) & (beats["t_s"] < 60)
    early = (beats["t_s"] > 62) & (beats["t_s"] < 70)
    assert beats["map_mmhg"][early].min() < beats["map_mmhg"][rest].mean() - 5
    assert beats["hr_per_min"][beats["t_s"] > 90].mean() > beats["hr_per_min"][rest].mean() + 6


def test_valsalva_narrows_the_pulse_and_overshoots():
    beats = simulate(QUIET, 120, seed=2, script=[{"at_s": 60, "do": "valsalva", "for_s": 15}]).beats
    pulse = beats["sbp_mmhg"] - beats["dbp_mmhg"]
    rest, strain = (beats["t_s"] > 20) & (beats["t_s"] < 60), (beats["t_s"] > 66) & (beats["t_s"] < 75)
    assert pulse[strain].mean() < 0.7 * pulse[rest].mean()
    after = (beats["t_s"] > 77) & (beats["t_s"] < 95)
    assert beats["sbp_mmhg"][after].max() > beats["sbp_mmhg"][rest].max()
    assert beats["hr_per_min"][strain].mean() > beats["hr_per_min"][rest].mean() + 5


def test_slow_breathing_slows_the_breath():
    script = parse_script([{"at_s": 30, "do": "slow-breathing", "for_s": 60}])
    patient = VirtualPatient(QUIET, script, 1)
    breath = np.concatenate([patient.sample("resp", np.arange(t, t + 10, 0.04)) for t in range(0, 90, 10)])
    crossings = np.flatnonzero((breath[:-1] < 0) & (breath[1:] >= 0)) * 0.04
    assert np.diff(crossings[crossings < 30]).mean() < 5.5
    assert np.diff(crossings[crossings > 40]).mean() == pytest.approx(10.0, rel=0.1)


def test_atrial_fibrillation_is_irregular():
    spread = {
        rhythm: np.std(60 / simulate(SimSubject(rhythm=rhythm), 120, 1).beats["hr_per_min"])
        for rhythm in ("sinus", "atrial-fibrillation")
    }
    assert spread["atrial-fibrillation"] > 3 * spread["sinus"]


def test_movement_shows_in_acceleration_and_pulse_and_is_told():
    recording = simulate(SimSubject(motion_fraction=0.5), 120, seed=1)
    still = recording.beats["still"]
    assert 0.1 < still.mean() < 0.95
    assert recording.acc_g.std(axis=0).max() > 0.03
    resting = simulate(SimSubject(motion_fraction=0.0), 120, seed=1)
    assert resting.beats["still"].all()
    assert resting.acc_g.std(axis=0).max() < 0.02
    np.testing.assert_allclose(np.linalg.norm(resting.acc_g, axis=1), 1.0, atol=0.05)


def test_the_sensor_is_an_option():
    subject = SimSubject(motion_fraction=0.0)
    band = simulate(subject, 60, 1, optics=E4_OPTICS).ppg
    upside_down = simulate(subject, 60, 1, optics=replace(E4_OPTICS, sign=-1, noise=0.0)).ppg
    assert np.corrcoef(band, upside_down)[0, 1] < -0.99
    assert abs(band.mean()) < 0.1 * band.std()
    assert simulate(subject, 60, 1, optics=FINGER_OPTICS).ppg.std() < 5.0


def test_the_pulse_follows_the_pressure():
    recording = simulate(SimSubject(motion_fraction=0.0), 60, 1, abp_hz=64.0)
    lags = range(-5, 40)
    best = max(
        lags, key=lambda n: np.corrcoef(recording.abp_mmhg[50:3000], recording.ppg[50 + n : 3000 + n])[0, 1]
    )
    r = np.corrcoef(recording.abp_mmhg[50:3000], recording.ppg[50 + best : 3000 + best])[0, 1]
    assert r > 0.8
    assert 0 <= best / 64 < 0.25


def test_random_subjects_look_like_the_published_population():
    rng = np.random.default_rng(7)
    subjects = [random_subject(rng) for _ in range(200)]
    co = np.array([s.co_l_min for s in subjects])
    assert np.mean([s.map_mmhg for s in subjects]) == pytest.approx(87, abs=3)
    assert np.mean([s.hr_per_min for s in subjects]) == pytest.approx(80, abs=3)
    assert co.mean() == pytest.approx(6.4, abs=0.6)
    assert np.mean([s.sv_ml / s.bsa_m2 for s in subjects]) == pytest.approx(45, abs=2)
    assert {s.sex for s in subjects} == {"female", "male"}


@pytest.mark.parametrize(
    "field", [{"hr_per_min": 5}, {"sex": "x"}, {"rhythm": "jazz"}, {"zc_fraction": 0.5}, {"nose": 1}]
)
def test_an_impossible_subject_is_refused_by_name(field):
    with pytest.raises(ConfigError, match=next(iter(field))):
        SimSubject.from_json(field)


def test_the_hash_tells_configurations_apart():
    subject = SimSubject()
    plain = config_hash(subject, parse_script("rest").to_json(), 1)
    assert plain != config_hash(subject, parse_script("demo").to_json(), 1)
    assert plain != config_hash(replace(subject, age_y=41), parse_script("rest").to_json(), 1)


@pytest.mark.parametrize("script", ["jazz", [{"at_s": 1, "do": "jump", "for_s": 1}], [{"at_s": 1}]])
def test_a_wrong_script_is_refused(script):
    with pytest.raises(ConfigError, match="script"):
        parse_script(script)
