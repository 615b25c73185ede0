"""``hemoview evaluate`` on a bundle whose answers are known, and everything that may be wrong with what it is given."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for room in ("estimate", "dsp"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / room))

import tiny_bundle  # noqa: E402
from pulse_waves import pulse, rhythm  # noqa: E402

from hemoview import cli  # noqa: E402
from hemoview.estimate import predictors  # noqa: E402
from hemoview.estimate.metrics import figures as metrics  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.split import Split  # noqa: E402
from hemoview.labels.datasets.splits import make_split  # noqa: E402
from hemoview.labels.datasets.write import write_dataset  # noqa: E402
from hemoview.report import choice as evaluate_choice  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402
from recorder.schema import PARAMETERS  # noqa: E402

RATE_HZ = 64.0
N_SUBJECTS, N_WINDOWS = 11, 8
ME = np.array([40.0, 1.0, 178.0, 75.0])


def waves(n: int, seconds: float = 10.0, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    made = [pulse(rhythm(rng, seconds, rr_s=rng.uniform(0.7, 1.0)), RATE_HZ, seconds) for _ in range(n)]
    return np.array(made) + rng.normal(0, 1e-3, (n, round(seconds * RATE_HZ)))


PPG = waves(N_SUBJECTS * N_WINDOWS)


def dataset(
    sbp: float = 117.0, *, ppg: np.ndarray[Any, Any] = PPG, every_s: float = 20.0, **more: Any
) -> Dataset:
    """Eleven subjects with eight windows, all of the same pressure."""
    n = len(ppg)
    labels = np.full((n, 10), np.nan)
    labels[:, :3] = sbp, 0.4 * sbp + 45, 76.0
    subject = [f"s{i // N_WINDOWS:02d}" for i in range(n)]
    given: dict[str, Any] = {
        "numbers": {"t0_s": np.tile(np.arange(N_WINDOWS) * every_s, N_SUBJECTS)[:n]},
        "words": {"origin": "recorded", "reference_kind": "finger cuff"},
        "demographics": np.tile(ME, (n, 1)),
        "name": "known",
    }
    return make_dataset(ppg, RATE_HZ, labels, subject, **{**given, **more})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_bundle.write(tmp_path / "models").folder


def folder(tmp_path: Path, made: Dataset) -> Path:
    write_dataset(tmp_path / "data", made)
    return tmp_path / "data"


def ask(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: Any, page: bool = False
) -> tuple[int, dict[str, Any], str]:
    """(exit status, last line of stdout, stderr) of ``hemoview evaluate``; the page only where it is looked at."""
    out = ("--output_dir", tmp_path / "out", "--json", *(() if page else ("--no-report",)))
    status = cli.main(["evaluate", *(str(w) for w in (*words, *out))])
    said = capsys.readouterr()
    return status, json.loads(said.out.splitlines()[-1]), said.err


def test_figures_of_a_model_that_always_says_120(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = folder(tmp_path, dataset())
    status, found, said = ask(capsys, tmp_path, "--model", model, "--dataset", data, page=True)
    assert (status, said) == (0, "")
    assert {"parameters", "standards", "protocol", "simulated", "dataset_version", "model"} <= set(found)
    assert found["model"] == "tiny-1" and found["simulated"] is False
    assert found["dataset_version"].startswith("hv1:")
    one = found["parameters"]["SBP"]
    assert set(metrics.FIELDS) <= set(one)
    assert one["mae"] == pytest.approx(3) and one["me"] == pytest.approx(3)
    assert one["n_subjects"] == N_SUBJECTS and one["n_windows"] == N_SUBJECTS * N_WINDOWS
    assert one["coverage_90"] == 1 and one["width_90"] == pytest.approx(2 * (4 + 10))
    assert one["baseline_hold_mae"] is None and one["abstained_fraction"] == 0
    assert found["parameters"]["CO"]["mae"] is None and found["parameters"]["CO"]["why"]["mae"]
    for name in ("report.html", "evaluation.json", "predictions.npz"):
        assert (tmp_path / "out" / name).is_file()
    with np.load(tmp_path / "out" / "predictions.npz", allow_pickle=False) as file:
        assert file["mean"][:, PARAMETERS.index("SBP")] == pytest.approx(np.full(88, 120))
        assert np.isfinite(file["mean"][:, PARAMETERS.index("HR")]).all()


def test_calibrated_as_live_shrunk_widened_with_age_and_expired(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Card: κ 0.25, so a point of +10 moves by 8; q90 2 to 300 s, 5 to 1800 s, then cold, expired at 3600 s."""
    seconds = np.array([0.0, 100, 200, 600, 1000, 2000, 3000, 4000])
    made = dataset(130.0, numbers={"t0_s": np.tile(seconds, N_SUBJECTS)})
    status, found, _ = ask(
        capsys, tmp_path, "--model", model, "--dataset", folder(tmp_path, made), "--calibration-points", 1
    )
    one = found["parameters"]["SBP"]
    assert status == 0 and one["n_windows"] == 6 * N_SUBJECTS
    assert one["abstained_reasons"] == {"calibration-old": N_SUBJECTS}
    assert one["mae"] == pytest.approx((4 * 2 + 2 * 10) / 6, abs=1e-3)
    assert one["width_90"] == pytest.approx((2 * 12 + 2 * 18 + 2 * 28) / 6, abs=1e-3)
    assert one["baseline_hold_mae"] == 0 and one["abstained_fraction"] == pytest.approx(1 / 7, abs=1e-3)
    assert found["protocol"]["n_windows_calibrating"] == N_SUBJECTS


def test_the_same_question_gives_the_same_answer(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--model", model, "--dataset", folder(tmp_path, dataset()), "--calibration-points", 1)
    assert ask(capsys, tmp_path, *words) == ask(capsys, tmp_path, *words)


def test_people_read_a_line_a_parameter(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = folder(tmp_path, dataset())
    assert (
        cli.main(
            [
                "evaluate",
                "--model",
                str(model),
                "--dataset",
                str(data),
                "--output_dir",
                str(tmp_path / "o"),
                "--no-report",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "SBP: MAE 3.00" in said and "CO: — (no labelled window" in said
    assert "cannot be checked" in said


def test_flat_and_clipped_windows_abstain_and_are_counted(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ppg = PPG.copy()
    ppg[::N_WINDOWS] = 0.5
    ppg[1::N_WINDOWS] = np.minimum(ppg[1::N_WINDOWS], 0.5)
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", folder(tmp_path, dataset(ppg=ppg)))
    one = found["parameters"]["SBP"]
    assert one["abstained_reasons"]["poor-contact"] >= N_SUBJECTS
    assert one["abstained_fraction"] == pytest.approx(2 / N_WINDOWS)
    assert one["n_windows_before_abstention"] == 7 * N_SUBJECTS  # a flat window has no number at all


def test_simulated_people_are_named_and_their_intervals_judged_though_never_shown_live(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.tile([117.0, 92, 76, 70, 5, 2.6, 70, 37, 1392, 2700], (88, 1))
    base = dataset(words={"origin": "simulated", "reference_kind": "simulated"})
    made = make_dataset(
        base.ppg, RATE_HZ, labels, base.subject_id,
        words={"origin": "simulated", "reference_kind": "simulated"}, demographics=base.demographics,
    )  # fmt: skip
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", folder(tmp_path, made))
    assert found["simulated"] is True
    sv = found["parameters"]["SV"]
    assert sv["mae"] == pytest.approx(0, abs=1e-4) and sv["width_90"] == pytest.approx(2 * (4 + 10))
    assert found["parameters"]["CO"]["coverage_90"] is not None
    assert (
        max(v["largest"] for n, v in found["identity_residuals"]["estimate"].items() if n != "order") < 1e-12
    )


def test_real_people_never_get_a_number_that_only_simulation_taught(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = dataset()
    labels = np.tile([117.0, 92, 76, 70, 5, 2.6, 70, 37, 1392, 2700], (88, 1))
    made = make_dataset(made.ppg, RATE_HZ, labels, made.subject_id, demographics=made.demographics)
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", folder(tmp_path, made))
    assert found["parameters"]["SV"]["mae"] is None
    assert "no-real-reference" in found["parameters"]["SV"]["why"]["mae"]


def test_a_split_is_judged_on_its_test_part_with_baselines_of_its_training_part(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = dataset()
    labels = np.where((made.subject_id < "s08")[:, None], made.labels + 10, made.labels)
    people = np.column_stack((20.0 + 5 * (np.arange(88) // N_WINDOWS), np.tile(ME[1:], (88, 1))))
    made = make_dataset(PPG, RATE_HZ, labels, made.subject_id, demographics=people)
    names = [f"s{i:02d}" for i in range(N_SUBJECTS)]
    split = Split("mine", tuple(names[:8]), (), tuple(names[8:]))
    data = folder(tmp_path, made.with_split(split))
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", data, "--split", "mine")
    assert found["parameters"]["SBP"]["n_subjects"] == 3
    assert found["parameters"]["SBP"]["baseline_mean_mae"] == pytest.approx(10)
    assert found["protocol"]["split_sha256"] == split.sha256
    status, _, said = ask(capsys, tmp_path, "--model", model, "--dataset", data, "--split", "other")
    assert status == 1 and "mine" in said
    status, _, said = ask(
        capsys, tmp_path, "--model", model, "--dataset", data, "--split", "mine", "--part", "val"
    )
    assert status == 1 and "names nobody" in said


def test_a_folder_of_two_arrays_counts_every_row_alone_and_says_so(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "bare"
    data.mkdir()
    np.save(data / "ppg.npy", PPG)
    np.save(data / "cnap.npy", np.tile([117.0, 76.0], (88, 1)))
    (data / "dataset.json").write_text(json.dumps({"window_s": 10, "sampling_rate_hz": RATE_HZ}))
    status, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", data)
    assert status == 0 and found["parameters"]["SBP"]["n_subjects"] == 88
    assert "leakage cannot be excluded" in found["protocol"]["leakage"]
    assert found["parameters"]["MAP"]["mae"] is None


@pytest.mark.parametrize("width", [2, 3, 4, 10])
def test_label_files_of_every_width(
    width: int, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = np.array([117.0, 92, 76, 70, 5, 2.6, 70, 37, 1392, 2700])
    np.save(tmp_path / "ppg.npy", PPG[:9])
    np.save(tmp_path / "labels.npy", np.tile(full[[0, 2]] if width == 2 else full[:width], (9, 1)))
    files = ("--ppg_file", tmp_path / "ppg.npy", "--labels_file", tmp_path / "labels.npy")
    status, found, _ = ask(capsys, tmp_path, "--model", model, *files)
    assert status == 0 and found["parameters"]["SBP"]["mae"] == pytest.approx(3)
    assert (found["parameters"]["HR"]["mae"] is None) == (width < 4)


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: Any) -> str:
    status, last, said = ask(capsys, tmp_path, *words)
    assert status == 1 and last["ok"] is False and "Traceback" not in said
    assert not (tmp_path / "out").exists()
    return said


def test_what_is_wrong_is_named(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder(tmp_path, dataset())
    good = ("--model", model)
    assert "neither a model bundle" in refused(capsys, tmp_path, "--model", tmp_path, "--dataset", data)
    assert "no such folder" in refused(capsys, tmp_path, *good, "--dataset", tmp_path / "nothing")
    assert "--labels_file" in refused(capsys, tmp_path, *good, "--ppg_file", data / "ppg.npy")
    wide, two_seconds = tmp_path / "wide.npy", tmp_path / "short.npy"
    np.save(wide, np.ones((88, 5)))
    np.save(two_seconds, PPG[:, :128])
    files = ("--ppg_file", data / "ppg.npy", "--labels_file", wide)
    assert "wide.npy" in refused(capsys, tmp_path, *good, *files)
    files = ("--ppg_file", two_seconds, "--labels_file", data / "cnap.npy", "--sampling_rate_hz", RATE_HZ)
    assert "2 s" in refused(capsys, tmp_path, *good, *files)
    spoilt = PPG.copy()
    spoilt[7, 3] = np.nan
    np.save(tmp_path / "nan.npy", spoilt)
    files = ("--ppg_file", tmp_path / "nan.npy", "--labels_file", data / "cnap.npy")
    assert "window 7" in refused(capsys, tmp_path, *good, *files)


def test_a_changed_bundle_is_refused(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder(tmp_path, dataset())
    with (model / "card.json").open("a") as card:
        card.write("\n")
    assert "SHA-256" in refused(capsys, tmp_path, "--model", model, "--dataset", data)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--model", "x"],
        ["--model", "x", "--dataset", "d", "--calibration-points", "-1"],
        ["--dataset", "d"],
    ],
)
def test_wrong_usage_is_exit_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["evaluate", *words])
    assert left.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_one_subject_alone(tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder(tmp_path, dataset(ppg=PPG[:N_WINDOWS]))
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", data, "--calibration-points", 2)
    one = found["parameters"]["SBP"]
    assert one["n_subjects"] == 1 and one["ci95"] is None and one["baseline_hold_mae"] == 0
    assert one["baseline_shrunk_hold_mae"] is None and one["why"]["baseline_shrunk_hold_mae"]


def test_windows_of_any_rate_between_five_and_ten_seconds(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    made = np.array([pulse(rhythm(rng, 7.3), 125.0, 7.3) for _ in range(12)]) + rng.normal(0, 1e-3, (12, 912))
    np.save(tmp_path / "ppg.npy", made)
    np.save(tmp_path / "labels.npy", np.tile([117.0, 76.0], (12, 1)))
    files = ("--ppg_file", tmp_path / "ppg.npy", "--labels_file", tmp_path / "labels.npy")
    status, found, _ = ask(capsys, tmp_path, "--model", model, *files, "--sampling_rate_hz", 125)
    assert status == 0 and found["parameters"]["SBP"]["mae"] == pytest.approx(3)
    assert found["protocol"]["window_s"] == pytest.approx(7.296)


def test_sessions_that_start_anew_follow_each_other() -> None:
    seconds = np.tile([0.0, 10, 20, 30], 22)
    made = dataset(
        numbers={"t0_s": seconds}, extra={"session_id": np.array([f"r{i // 4:02d}" for i in range(88)])}
    )
    found = predictors.recording_times(made)[:8]
    assert found.tolist() == [0, 10, 20, 30, 3640, 3650, 3660, 3670]
    absolute = dataset(numbers={"t0_s": np.arange(88) * 10.0 + 1e6})
    assert (predictors.recording_times(absolute) == absolute.t0_s).all()


def test_a_run_is_judged_only_on_whom_it_never_saw(tmp_path: Path) -> None:
    made = dataset()
    names = [f"s{i:02d}" for i in range(N_SUBJECTS)]

    class Facts:
        split = Split("x", tuple(names[:6]), tuple(names[6:8]), tuple(names[8:])).to_json()
        dataset_version = made.version

    opened = evaluate_choice.Opened("run", network=object(), facts=Facts())
    other = made.with_split(Split("other", tuple(names[5:]), (), tuple(names[:5])))
    with pytest.raises(ConfigError, match="trained run"):
        evaluate_choice.choose(other, opened, "other", None)
    everybody = evaluate_choice.choose(made, opened, None, "all")
    assert everybody.protocol["leakage"].startswith("NOT HELD BACK: 8 of 11")


@pytest.mark.parametrize("stored", [True, False])
def test_a_bundle_that_names_its_split_is_judged_on_the_test_part(
    stored: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = np.column_stack((20.0 + 5 * (np.arange(88) // N_WINDOWS), np.tile(ME[1:], (88, 1))))
    made = dataset(demographics=people)
    split = Split("x", tuple(made.subjects[:6]), (), tuple(made.subjects[6:]))
    made = made.with_split(split) if stored else made
    wanted = split if stored else make_split(made)
    changes = {
        "split_hash": wanted.sha256, "training_hash": made.version, "training_label_mean": {"SBP": 100.0}
    }  # fmt: skip
    model = tiny_bundle.write(tmp_path / "models", changes=changes).folder
    data = folder(tmp_path, made)
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", data)
    assert found["parameters"]["SBP"]["n_subjects"] == len(wanted.test)
    assert found["protocol"]["leakage"].startswith("subject-grouped")
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", data, "--part", "all")
    assert found["protocol"]["leakage"].startswith(
        f"NOT HELD BACK: {len({*wanted.train, *wanted.val})} of 11"
    )
    assert found["parameters"]["SBP"]["baseline_mean_mae"] == pytest.approx(
        17
    )  # what the card says of its people
    assert found["protocol"]["baseline_mean_source"].startswith("as the model states them for SBP")


def test_r2_of_simulated_people_stands_beside_the_simulators_own(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = {
        "simulated": {
            "config_sha256": "ab",
            "ambiguity": {"oracle_r2": {"SBP": 0.41}, "many_to_one_fraction": 0.3},
        }
    }
    made = dataset(words={"origin": "simulated"}, about=about)
    _, found, _ = ask(capsys, tmp_path, "--model", model, "--dataset", folder(tmp_path, made), page=True)
    assert found["parameters"]["SBP"]["oracle_r2"] == 0.41
    assert found["protocol"]["simulated_config_sha256"] == "ab"
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "can tell R² 0.41" in page and page.index("SIMULATED") < page.index("<h1>")
