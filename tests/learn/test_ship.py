"""The way of the shipped student, at toy size: from people and a cohort to two bundles that verify, twice the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install 'hemoview[learn]')")

from hemoview.estimate import bundle  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.splits import make_split  # noqa: E402
from hemoview.learn import loop, prepare, ship, teaching  # noqa: E402
from hemoview.learn.moe.config import PREDICTED  # noqa: E402
from hemoview.learn.teaching import Sources  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402
from recorder.schema import PARAMETERS  # noqa: E402

pytestmark = [pytest.mark.learn, pytest.mark.timeout(600)]


def people(n_subjects: int, *, known: tuple[str, ...], seed: int, seconds: float = 5.0) -> Dataset:
    """Irregular pulse waves whose second harmonic tells what is known."""
    rng, each = np.random.default_rng(seed), 14
    n = n_subjects * each
    time_s = np.arange(round(64 * seconds)) / 64
    shape = np.repeat(rng.uniform(0.2, 0.8, n_subjects), each) + rng.uniform(-0.2, 0.2, n)
    rate = rng.uniform(0.9, 1.4, (n, 1)) + 0.1 * np.sin(2 * np.pi * 0.2 * time_s + rng.uniform(0, 6, (n, 1)))
    turn = 2 * np.pi * np.cumsum(rate, axis=1) / 64 + rng.uniform(0, 6, (n, 1))
    ppg = np.sin(turn) + 0.6 * shape[:, None] * np.sin(2 * turn + 1) + 0.02 * rng.normal(size=turn.shape)
    values = {"SBP": 100 + 40 * shape, "MAP": 75 + 28 * shape, "DBP": 60 + 20 * shape, "SV": 70 + 30 * shape}
    labels = np.full((n, 10), np.nan)
    for name in known:
        labels[:, PARAMETERS.index(name)] = values[name]
    subject = np.repeat([f"p{seed}-{i:02d}" for i in range(n_subjects)], each)
    times = {"t0_s": np.tile(np.arange(each) * 20.0, n_subjects)}
    return make_dataset(ppg, 64.0, labels, subject, name=f"set{seed}", numbers=times)


@pytest.fixture(scope="module")
def cohort() -> Dataset:
    found = people(12, known=("SBP", "MAP", "DBP", "SV"), seed=2, seconds=6.0)
    return found.with_split(make_split(found))


@pytest.fixture(scope="module")
def recipe() -> ship.Recipe:
    made = ship.Recipe()
    model = replace(made.teacher.model, num_experts=3, hidden_channels=16)
    teacher = replace(
        made.teacher, model=model, passes=3, drawing=replace(made.teacher.drawing, batch_size=24)
    )
    settings = replace(made.settings, target_sparsity=0.4, recipe=replace(made.settings.recipe, passes=1))
    return replace(made, teacher=teacher, settings=settings, n_folds=3, deals=(0,), wrist_views=1, hearings=1)


def wrists(seed: int = 8) -> Dataset:
    """Four wearers whose wrists move, 10 s each at 64 Hz: no pulse in them."""
    rng = np.random.default_rng(seed)
    n = 120
    noise = np.cumsum(rng.normal(size=(n, 640)), axis=1)
    moved = {"moving": np.ones(n, bool), "motion_g": np.full(n, 0.1), "fault": np.full(n, "motion")}
    subject = np.repeat([f"e4-{i}" for i in range(4)], n // 4)
    return make_dataset(noise, 64.0, np.full((n, 10), np.nan), subject, name="wrists", extra=moved)


def test_two_bundles_come_out_with_every_figure_of_people_never_seen(
    cohort: Dataset, recipe: ship.Recipe, tmp_path: Path
) -> None:
    ours = people(12, known=("SBP", "MAP", "DBP"), seed=1)
    report = ship.run(Sources(ours, wrists()), cohort, recipe, tmp_path)
    for who in ("student", "teacher"):
        folder = tmp_path / f"lsm2oe-{who}-0.2.1"
        bundle.verify(folder)
        card = bundle.load(folder).card
        assert card.per_parameter["SV"].n_real_subjects == 0 and card.conformal["SV"].cold is None
        assert card.per_parameter["SBP"].n_real_subjects == 12 and card.conformal["SBP"].cold is not None
        assert card.cold_start.share == recipe.cold_share
        assert card.cold_start.mean["SBP"] == pytest.approx(np.nanmean(ours.labels[:, 0]), abs=0.5)
        assert {t["name"] for t in card.raw["training_sets"]} >= {"bcg_finapres", "e4_stress_predict"}
        assert "metrics" in card.raw and "SIMULATED" in card.raw and "SV" not in card.raw["metrics"]["k0"]
    kept = json.loads((tmp_path / "report.json").read_text())
    assert kept["student"]["3"]["parameters"]["SBP"]["n_subjects"] == 12
    assert report["student"][0]["parameters"]["SBP"]["n_windows"] == len(ours)
    with np.load(tmp_path / "out-of-fold.npz") as file:
        assert (
            np.isfinite(file["student"][0, 0][:, :3]).all() and np.isnan(file["student"][0, 0][:, 3:]).all()
        )
    assert (tmp_path / "report-k3" / "report.html").is_file()
    assert kept["quality"]["SBP"]["k0"][0]["sqi_min"] == 0.0


def test_stroke_volume_is_learned_without_a_trace_in_the_pressures(
    cohort: Dataset, recipe: ship.Recipe
) -> None:
    part = prepare.part_of(people(6, known=("SBP", "MAP", "DBP"), seed=1), [f"p1-{i:02d}" for i in range(6)])
    student = teaching.train([part], recipe.how)
    volumes = ship.volumes_of(cohort, cohort.subjects)
    taught = ship.with_stroke(student, volumes, recipe)
    before, after = (loop.predict(m, volumes.views[0])[0] for m in (student, taught))
    assert np.allclose(before[:, :3], after[:, :3], atol=1e-4)
    volume = PREDICTED.index("SV")
    known = volumes.labels[:, PARAMETERS.index("SV")]
    assert np.abs(after[:, volume] - known).mean() < np.abs(before[:, volume] - known).mean()


def test_people_are_dealt_whole_and_too_few_are_refused(cohort: Dataset) -> None:
    folds = ship.dealt(cohort, 5, seed=3)
    assert sorted(s for fold in folds for s in fold) == cohort.subjects
    assert ship.dealt(cohort, 5, seed=3) == folds != ship.dealt(cohort, 5, seed=4)
    with pytest.raises(ConfigError, match="12 people cannot be dealt into 13 folds"):
        ship.dealt(cohort, 13, seed=0)
