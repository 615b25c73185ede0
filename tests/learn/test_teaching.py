"""Who teaches: the people, recordings with an arterial line beside them, short windows before; never who is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.learn import hearings, loop, ship, teaching  # noqa: E402
from hemoview.learn.compress.calibrate import with_untested_row  # noqa: E402
from hemoview.learn.noise_bank import teaching_and_judging  # noqa: E402
from hemoview.learn.teaching import MOST_WINDOWS, Sources, Teaching  # noqa: E402

pytestmark = [pytest.mark.learn, pytest.mark.timeout(300)]


def set_of(n_subjects: int, each: int, seconds: float, name: str, **more: bool) -> Dataset:
    """Even pulses, each subject with a pressure of its own."""
    n = n_subjects * each
    rng = np.random.default_rng(len(name))
    time_s = np.arange(round(64 * seconds)) / 64
    turn = 2 * np.pi * (1.2 * time_s + rng.random((n, 1)))
    ppg = np.sin(turn) + 0.4 * np.sin(2 * turn + 1) + 0.02 * rng.normal(size=turn.shape)
    labels = np.full((n, 10), np.nan)
    labels[:, :3] = np.array([120.0, 92.0, 75.0]) + 3 * np.repeat(np.arange(n_subjects), each)[:, None]
    subject = [f"{name}-{i // each:02d}" for i in range(n)]
    times = {"t0_s": np.tile(np.arange(each) * max(5.0, seconds), n_subjects)}
    return make_dataset(ppg, 64.0, labels, subject, numbers=times, name=name, **more)


@pytest.fixture(scope="module")
def sources() -> Sources:
    rng = np.random.default_rng(8)
    told = {"moving": np.ones(80, bool), "motion_g": np.full(80, 0.1), "fault": np.full(80, "motion")}
    noise = np.cumsum(rng.normal(size=(80, 640)), axis=1)
    wearers = np.repeat([f"e4-{i}" for i in range(4)], 20)
    wrists = make_dataset(noise, 64.0, np.full((80, 10), np.nan), wearers, name="wrists", extra=told)
    arterial = (set_of(1, 400, 10.0, "icu"), set_of(1, 40, 10.0, "theatre"))
    return Sources(
        set_of(6, 12, 5.0, "people"), wrists, arterial, set_of(8, 2, 2.1, "short", short_windows=True)
    )


@pytest.fixture(scope="module")
def how() -> Teaching:
    run = ship.Recipe().teacher
    model = replace(run.model, num_experts=3, hidden_channels=16)
    run = replace(run, model=model, passes=1, drawing=replace(run.drawing, batch_size=24))
    return Teaching(run, wrist_views=1, arterial_share=0.5)


def test_people_come_first_and_one_patient_of_many_hours_stays_one_person(
    sources: Sources, how: Teaching
) -> None:
    subjects = sources.people.subjects[:4]
    parts = teaching.parts_of(sources, subjects, how)
    assert [len(p) for p in parts] == [48, MOST_WINDOWS, 40]
    assert [p.share for p in parts] == [1.0, 0.25, 0.25]
    assert all(len(p.views) == 2 for p in parts)
    assert len(teaching.parts_of(sources, subjects, replace(how, arterial_share=0.0))) == 1
    left = sources.without("icu-00")
    assert [d.name for d in left.arterial] == ["theatre"] and left.people is sources.people
    times_s = teaching.thinned(sources.arterial[0]).t0_s
    assert times_s[0] == 0.0 and times_s[-1] == 3990.0 and np.diff(times_s).max() <= 40.0


def test_sets_of_other_lengths_train_one_network_in_the_units_of_the_people(
    sources: Sources, how: Teaching
) -> None:
    parts = teaching.parts_of(sources, sources.people.subjects, how)
    before = replace(how.run, drawing=replace(how.run.drawing, windows_a_subject=0))
    model = teaching.train(parts, replace(how, pretraining=before), sources.short)
    assert model.scale.mean[0] == pytest.approx(np.nanmean(parts[0].labels[:, 0]), abs=1e-3)
    assert np.isfinite(loop.predict(model, parts[0].views[0])).all()
    plain = teaching.train(parts, how)
    assert not np.allclose(loop.predict(model, parts[0].views[0]), loop.predict(plain, parts[0].views[0]))


def test_heard_with_noise_the_people_stay_who_they_are_and_the_gate_hears_worse(sources: Sources) -> None:
    clean = hearings.as_recorded(sources.people)
    noise = teaching_and_judging(sources.wrists)[1] if sources.wrists else None
    assert noise is not None
    heard = hearings.with_noise(sources.people, noise, (0.0,), 1)
    assert (heard.rows.subject == clean.rows.subject).all() and (heard.rows.t_s == clean.rows.t_s).all()
    assert np.array_equal(heard.rows.labels, clean.rows.labels, equal_nan=True)
    assert heard.sqi.mean() < clean.sqi.mean() - 0.05
    assert clean.rows.good is not None and heard.rows.good is not None
    assert heard.rows.good.sum() < clean.rows.good.sum()


def test_ages_nobody_tested_keep_the_widest_row_of_their_quality() -> None:
    cold = {"q90": 9.0, "n_subjects": 20}
    rows = [
        {"age_s_max": 60.0, "q90": 5.0, "n_subjects": 20},
        {"age_s_max": 60.0, "sqi_min": 0.9, "q90": 3.0, "n_subjects": 20},
        {"age_s_max": 390.0, "q90": 6.0, "n_subjects": 20},
    ]
    better = [{"sqi_min": 0.9, "q90": 4.0, "n_subjects": 19}]
    table = {"cold": cold, "cold_by_quality": better, "personalised": rows}
    *kept, any_quality, good = with_untested_row(table)["personalised"]
    assert kept == rows
    assert any_quality["q90"] == 9.0 and "sqi_min" not in any_quality and any_quality["tested"] is False
    assert good["q90"] == 6.0 and good["sqi_min"] == 0.9
    assert with_untested_row({"cold": cold, "personalised": []}) == {"cold": cold, "personalised": []}
