"""``hemoview compress``: a run in, a verified bundle out; or a refusal. Needs torch (the learn extra)."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install 'hemoview[learn]')")

from hemoview import cli  # noqa: E402
from hemoview.estimate import bundle  # noqa: E402
from hemoview.estimate.conformal import interval_claimed  # noqa: E402
from hemoview.estimate.metrics.rows import predictions_of, rows_of  # noqa: E402
from hemoview.estimate.runner import Runner  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.folder import read_dataset  # noqa: E402
from hemoview.labels.datasets.split import Split  # noqa: E402
from hemoview.labels.datasets.write import write_dataset  # noqa: E402
from hemoview.learn import prepare  # noqa: E402
from hemoview.learn.batches import Drawing  # noqa: E402
from hemoview.learn.checkpoint import RunFacts  # noqa: E402
from hemoview.learn.compress.calibrate import Calibration, tables_of  # noqa: E402
from hemoview.learn.compress.command import named  # noqa: E402
from hemoview.learn.loop import train  # noqa: E402
from hemoview.learn.moe.config import ModelConfig  # noqa: E402
from hemoview.learn.run_config import RunConfig  # noqa: E402

pytestmark = [pytest.mark.learn, pytest.mark.timeout(600)]

MODEL = ModelConfig(num_experts=4, hidden_channels=16, k=2, n_blocks=1)


@pytest.fixture(scope="module")
def trained(people: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a dataset and of a teacher trained on 8 of its subjects; 9 choose, 7 test."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("compress")
    who = people.subjects
    split = Split("one", tuple(who[:8]), tuple(who[8:17]), tuple(who[17:]))
    write_dataset(root / "set", people.with_split(split))
    dataset = read_dataset(root / "set")
    part = prepare.part_of(dataset, split.train)
    run = RunConfig(model=MODEL, drawing=Drawing(batch_size=16), passes=4, patience=0)
    facts = RunFacts(run, prepare.scale_of([part]), dataset.version, split.to_json(), simulated=True)
    (root / "run").mkdir()
    train([part], None, facts, folder=root / "run")
    return root / "set", root / "run"


def _args(trained: tuple[Path, Path], out: Path, *more: str) -> list[str]:
    dataset, run = trained
    known = ("--dataset", str(dataset), "--teacher_weights", str(run), "--output_dir", str(out))
    return ["compress", *known, "--target_sparsity", "0.6", "--device", "cpu", *more]


@pytest.fixture(scope="module")
def made(trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "tiny-student-0.2.0"
    assert cli.main(_args(trained, folder, "--target_sparsity", "0.5", "--distillation_epochs", "2")) == 0
    return folder


def test_the_bundle_verifies_and_runs_as_live(made: Path) -> None:
    bundle.verify(made)
    whole = bundle.load(made)
    runner = Runner(whole)
    said = runner.predict(np.sin(2 * np.pi * 1.2 * np.arange(448) / 64), 64.0)
    assert said.mean["DBP"] < said.mean["MAP"] < said.mean["SBP"]
    assert all(said.q05[p] < said.mean[p] < said.q95[p] for p in whole.card.parameters)


def test_the_table_has_every_stage_and_what_it_cost(made: Path) -> None:
    told = json.loads((made / "stages.json").read_text(encoding="utf-8"))
    stages = {s["name"]: s for s in told["stages"]}
    assert list(stages)[:6] == ["teacher", "pruned", "slimmed", "distilled", "int8 weights", "int8"]
    params = [s["params"] for s in told["stages"]]
    assert params == sorted(params, reverse=True)
    assert params[-1] <= 0.5 * params[0]
    for s in told["stages"]:
        assert s["size_bytes"] > 0 and 0 < s["p50_ms"] <= s["p99_ms"] and s["macs"] > 0
        assert s["mae"]["SBP"] > 0 and s["mae"]["SV"] > 0
    assert stages["distilled"]["mae"] != stages["slimmed"]["mae"]
    assert sum(told["expert_usage"]) == pytest.approx(1, abs=0.01)
    assert [line["pass"] for line in told["distillation"]] == [1, 2]
    assert told["simulated"] is True and told["judged_on"] == "test subjects"


def test_what_is_simulated_says_so_and_claims_no_interval(made: Path) -> None:
    card = bundle.load(made).card
    raw = card.raw
    assert raw["metrics"] == {} and raw["SIMULATED"]["metrics"]["parameters"]["SBP"]["mae"] > 0
    assert all(
        f.n_real_subjects == 0 and f.reference_kind == "simulated" for f in card.per_parameter.values()
    )
    assert not any(interval_claimed(card, p) for p in card.parameters)
    assert raw["limits"][0].startswith("SIMULATED")
    # Nine subjects chose: enough for a table, which a simulated set may be judged by and no bedside shows.
    table = card.conformal["SBP"]
    assert table.cold is not None and table.cold.n_subjects == 9
    assert np.isfinite(table.cold.q90) and card.personal_kappa["SBP"] > 0
    assert raw["params"] < 0.5 * raw["SIMULATED"]["stages"][0]["params"] + 1
    assert raw["size_bytes"] == (made / "model.onnx").stat().st_size


def test_a_folder_without_a_version_and_further_people_behind_the_tables(
    trained: tuple[Path, Path], people: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = people.take(people.rows_of(people.subjects[:15]))
    others = make_dataset(
        some.ppg[:, ::-1], 64.0, some.labels, [f"other-{who}" for who in some.subject_id],
        numbers={"t0_s": some.t0_s}, words={"origin": "simulated"},
    )  # fmt: skip
    write_dataset(tmp_path / "others", others)
    out, more = tmp_path / "compressed", ("--distillation_epochs", "0", "--calibration_dataset")
    assert cli.main(_args(trained, out, *more, str(tmp_path / "others"))) == 0
    bundle.verify(out)
    made = bundle.load(out)
    assert made.name == "compressed-0.1.0"
    assert named("mine-1.2.0") == ("mine", "1.2.0")
    assert made.card.conformal["SBP"].cold is not None and made.card.conformal["SBP"].cold.n_subjects == 24
    assert made.card.raw["calibration_sets"][0]["n_subjects"] == 15
    capsys.readouterr()
    assert cli.main(_args(trained, tmp_path / "same", *more, str(trained[0]))) == 1
    assert "stand in the training dataset as well" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--target_sparsity", "1.2"), "outside 0 to 1"),
        (("--target_sparsity", "0.999"), "cannot be reached"),
        (("--hidden_channels", "32"), "another configuration: --hidden_channels 32 (the checkpoint has 16)"),
        (("--use_msfgm",), "another configuration: --use_msfgm True"),
        (("--distillation_epochs", "-1"), "must not be below 0"),
        (("--test_size", "0.4"), "another split"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    more: tuple[str, ...],
    says: str,
    trained: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(_args(trained, tmp_path / "x-1", *more)) == 1
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert not (tmp_path / "x-1" / "card.json").exists()


def test_missing_weights_another_dataset_and_a_present_bundle_are_refused(
    trained: tuple[Path, Path],
    made: Path,
    people: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(_args((trained[0], tmp_path / "empty"), tmp_path / "x-1")) == 1
    assert "there is no checkpoint.pt" in capsys.readouterr().err
    write_dataset(tmp_path / "other", people.take(np.arange(60)))
    assert cli.main(_args((tmp_path / "other", trained[1]), tmp_path / "x-1")) == 1
    assert "trained on another dataset" in capsys.readouterr().err
    assert cli.main(_args(trained, made)) == 1
    assert "there is a bundle already" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        cli.main(["compress", "--dataset", str(trained[0]), "--output_dir", str(tmp_path / "x-1")])
    assert refused.value.code == 2
    assert "--teacher_weights" in capsys.readouterr().err


def test_a_table_has_a_row_for_every_tested_age_and_one_up_to_the_expiry() -> None:
    def tables(n_subjects: int, n_windows: int, off: float) -> Calibration:
        who = np.repeat([f"p{i:02d}" for i in range(n_subjects)], n_windows)
        label = np.full((len(who), 10), np.nan)
        label[:, 0] = np.random.default_rng(0).normal(100, 5, len(who))
        rows = rows_of(who, label, 10.0, t_s=np.tile(np.arange(n_windows) * 40.0, n_subjects))
        return tables_of(rows, predictions_of(label + off, label + off - 1, label + off + 1), ["SBP", "SV"])

    found = tables(12, 8, off=3.0)
    table = found.conformal["SBP"]
    assert table["cold"] == {"q90": pytest.approx(2.0), "n_subjects": 12}
    ages = [row["age_s_max"] for row in table["personalised"]]
    assert ages == sorted(ages) and ages[-1] == 1800.0 and found.tested_up_to_s == ages[-2]
    assert table["personalised"][-1]["q90"] >= table["cold"]["q90"]
    assert set(found.conformal) == {"SBP"} and found.n_subjects == {"SBP": 12, "SV": 0}
    assert tables(12, 1, off=3.0).conformal["SBP"]["personalised"] == []
    assert tables(8, 8, off=3.0).conformal == {}
