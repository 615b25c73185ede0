"""A training run through the same evaluation. Needs torch (the learn extra)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dsp"))

from pulse_waves import pulse, rhythm  # noqa: E402

from hemoview import cli  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.split import Split  # noqa: E402
from hemoview.labels.datasets.write import write_dataset  # noqa: E402
from hemoview.learn import checkpoint, evaluate_command, run_predictor  # noqa: E402
from hemoview.learn.moe.config import LabelScale, ModelConfig  # noqa: E402
from hemoview.learn.moe.model import LSM2oE  # noqa: E402
from hemoview.learn.run_config import RunConfig  # noqa: E402
from hemoview.report import choice, judging  # noqa: E402
from recorder.schema import PARAMETERS  # noqa: E402

pytestmark = pytest.mark.learn

N_SUBJECTS, N_WINDOWS = 16, 6


def cohort() -> Dataset:
    rng = np.random.default_rng(0)
    n = N_SUBJECTS * N_WINDOWS
    rr_s = np.repeat(rng.uniform(0.7, 1.0, N_SUBJECTS), N_WINDOWS)
    ppg = np.array([pulse(rhythm(rng, 10.0, r, cv=0.06), 64.0, 10.0) for r in rr_s])
    ppg += rng.normal(0, 1e-3, ppg.shape)
    hr, sv, bsa = 60 / rr_s, rng.uniform(60, 90, n), 0.007184 * 75**0.425 * 178**0.725
    sbp, map_ = rng.normal(118, 10, n), rng.normal(88, 4, n)
    co = hr * sv / 1000
    svr = 80 * (map_ - 5) / co
    labels = np.column_stack((sbp, map_, map_ - 15, hr, co, co / bsa, sv, sv / bsa, svr, svr * bsa))
    people = np.column_stack((20.0 + 3 * (np.arange(n) // N_WINDOWS), np.tile([1.0, 178, 75], (n, 1))))
    return make_dataset(
        ppg,
        64.0,
        labels,
        [f"s{i // N_WINDOWS:02d}" for i in range(n)],
        numbers={"t0_s": np.tile(np.arange(N_WINDOWS) * 20.0, N_SUBJECTS)},
        words={"origin": "recorded", "reference_kind": "finger cuff"},
        demographics=people,
        name="cohort",
    )


def trained(folder: Path, made: Dataset, split: Split, **config: Any) -> Path:
    """A run whose network is as it was born."""
    torch.manual_seed(0)
    shape = ModelConfig(num_experts=2, hidden_channels=8, k=1, n_blocks=1, **config)
    facts = checkpoint.RunFacts(RunConfig(model=shape), LabelScale(), made.version, split.to_json())
    folder.mkdir()
    checkpoint.save(folder / checkpoint.BEST, LSM2oE(shape, facts.scale), facts)
    return folder


def split_of(made: Dataset) -> Split:
    names = made.subjects
    return Split("mine", tuple(names[:4]), tuple(names[4:5]), tuple(names[5:]))


@pytest.mark.parametrize("k", [0, 2])
def test_a_run_is_judged_on_the_test_part_it_was_trained_with(
    k: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = cohort()
    write_dataset(tmp_path / "data", made)
    run = trained(tmp_path / "run", made, split_of(made))
    words = ["evaluate", "--model", run, "--dataset", tmp_path / "data", "--output_dir", tmp_path / "out"]
    words += ["--calibration-points", k, "--no-report", "--json"]
    assert cli.main([str(w) for w in words]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["parameters"]["SBP"]["n_subjects"] == 11
    assert found["protocol"]["leakage"].startswith("subject-grouped")
    assert found["model_facts"]["kind"] == "run"
    hr = found["parameters"]["HR"]
    assert hr["mae"] < 1.5  # counted, whatever the network says
    residuals = found["identity_residuals"]["estimate"]
    assert max(residuals[name]["largest"] for name in ("CO", "CI", "SI", "SVR", "SVRI")) < 1e-9
    assert residuals["order"]["violations"] == 0
    for parameter in PARAMETERS:
        one = found["parameters"][parameter]
        assert one["mae"] is not None and one["baseline_mean_mae"] is not None
        assert 0.6 < one["coverage_90"] <= 1


def test_an_unconstrained_run_answers_with_its_own_ten_numbers() -> None:
    made = cohort()
    shape = ModelConfig(num_experts=2, hidden_channels=8, k=1, n_blocks=1, outputs="unconstrained")
    facts = checkpoint.RunFacts(RunConfig(model=shape), LabelScale(), made.version, split_of(made).to_json())
    network = LSM2oE(shape).eval()
    opened = choice.Opened("free", network=network, facts=facts)
    chosen = choice.choose(made, opened, None, None)
    judged, _ = judging.judge_dataset(chosen, 0, evaluate_command.maker_of(opened))
    values = run_predictor.network_outputs(network, chosen.dataset, ~chosen.dataset.flat)[0]
    alive = np.isfinite(judged.predictions.mean).all(axis=1)
    assert alive.sum() > 50
    assert judged.predictions.mean[alive] == pytest.approx(values[alive])


def test_subjects_of_the_training_in_another_test_part_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = cohort()
    names = made.subjects
    made = made.with_split(Split("other", tuple(names[4:]), (), tuple(names[:4])))
    write_dataset(tmp_path / "data", made)
    run = trained(tmp_path / "run", made, split_of(made))
    words = ["evaluate", "--model", run, "--dataset", tmp_path / "data", "--split", "other", "--json"]
    assert cli.main([str(w) for w in words]) == 1
    assert "trained run" in capsys.readouterr().err
