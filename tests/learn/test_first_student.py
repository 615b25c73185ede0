"""The network and its way to a bundle. Needs torch (the learn extra)."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install 'hemoview[learn]')")

from hemoview.estimate import bundle  # noqa: E402
from hemoview.learn import cohort, export, first_student, rows  # noqa: E402
from hemoview.learn.rows import Rows  # noqa: E402
from hemoview.learn.student import Scale, Student, count_macs, count_params  # noqa: E402
from hemoview.learn.training import Inputs, Recipe, train  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402

# The exporter of torch 2.13 uses names of its own that torch deprecated.
pytestmark = [
    pytest.mark.learn,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]

TINY = Recipe(passes=2, subjects_a_batch=3, windows_a_subject=4, simulated_a_batch=8)


def _people(n_subjects: int = 12) -> Rows:
    """Simulated people in the part of real ones: 5-s windows and no stroke volume."""
    simulated = cohort.simulate_cohort(n_subjects, 3, 240.0).rows
    labels = np.repeat(simulated.labels, 2, axis=0)
    labels[:, 3] = np.nan
    t_s = (simulated.t_s[:, None] + [0.0, 5.0]).ravel()
    return Rows(
        simulated.raw.reshape(-1, 320), 64.0, labels, np.repeat(simulated.subject, 2), t_s, simulated=False
    )


def _student(seed: int = 0) -> Student:
    torch.manual_seed(seed)
    model = Student(Scale(85.0, 8.0, 52.0, 11.0, 0.37, 76.0, 15.0)).eval()
    torch.nn.init.normal_(model.level.weight, 0.0, 5.0)
    return model


def _waves(n: int, seconds: float, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, round(64 * seconds))).astype(np.float32)


def test_pressures_keep_their_order_whatever_the_network_says() -> None:
    for scale in (1.0, 100.0):
        mean, q05, q95 = _student()(torch.from_numpy(scale * _waves(200, 6.0)[:, None]))
        sbp, middle, dbp, _ = mean.T
        assert (dbp < middle).all() and (middle < sbp).all()
        assert (q05 < mean).all() and (mean < q95).all()


def test_small_enough_for_the_edge() -> None:
    assert count_params(_student()) <= 60_000
    assert count_macs(_student(), 640) < 2 * count_macs(_student(), 320) * 1.01
    assert count_macs(_student(), 640) <= 20_000_000


def test_the_same_seed_gives_the_same_student_and_another_seed_another() -> None:
    people = first_student.model_inputs_of(_people())
    first, again, other = (
        train(people, None, r) for r in (TINY, TINY, Recipe(**{**asdict(TINY), "seed": 2}))
    )
    ppg = people.views[0][:9]
    assert (first_student.predict(first, ppg) == first_student.predict(again, ppg)).all()
    assert (first_student.predict(first, ppg) != first_student.predict(other, ppg)).any()


def test_training_learns_a_rate_that_moves_the_label() -> None:
    """Pressure that follows heart rate inside every subject must be found, or the loss is wired wrongly."""
    rng = np.random.default_rng(0)
    n, t_s = 480, np.arange(320) / 64
    rate_hz = rng.uniform(0.9, 1.8, n)
    ppg = np.sqrt(2) * np.sin(2 * np.pi * (rate_hz[:, None] * t_s + rng.random((n, 1))))
    sbp = 110 + 20 * (rate_hz - 1.35) / 0.45
    labels = np.column_stack((sbp, sbp - 33, sbp - 50, np.full(n, np.nan)))
    inputs = Inputs((ppg.astype(np.float32),), labels.astype(np.float32), np.arange(n) % 12)
    student = train(inputs, None, Recipe(passes=60, flip=0.0, windows_a_subject=8))
    found = first_student.predict(student, inputs.views[0])[0]
    assert np.corrcoef(found[:, 0], sbp)[0, 1] > 0.9
    assert np.corrcoef(found[:, 2], sbp)[0, 1] > 0.9


def test_torch_and_onnx_agree_on_fresh_windows(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    student = _student()
    export.write_model(student, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for batch in (1, 7, 64):
        for seconds in (5.0, 7.3, 10.0):
            ppg = _waves(batch, seconds, seed=batch)[:, None]
            with torch.no_grad():
                expected = student(torch.from_numpy(ppg))
            for got, want in zip(session.run(list(bundle.OUTPUTS), {"ppg": ppg}), expected, strict=True):
                assert np.abs(got - want.numpy()).max() <= 1e-4 * (1 + np.abs(want.numpy()).max())


def test_a_window_copied_to_another_subject_stops_the_run() -> None:
    people = _people()
    people.raw[-1] = people.raw[0]
    with pytest.raises(ConfigError, match="are also in another subject"):
        first_student.refuse_leaks(people, first_student.model_inputs_of(people).views[0])


def test_every_row_is_estimated_by_a_student_that_never_saw_its_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people, simulated = _people(), cohort.simulate_cohort(6, 4, 60.0).rows
    inputs, sim_inputs = (first_student.model_inputs_of(r) for r in (people, simulated))
    seen: list[set[int]] = []

    def spy(real: Inputs, sim: Inputs | None, recipe: Recipe) -> Student:
        seen.append(set(real.subject_no.tolist()))
        return train(real, sim, recipe)

    monkeypatch.setattr(first_student, "train", spy)
    folds = rows.split_subjects(people.subjects, 3, 0)
    found = first_student.cross_validate(
        people, inputs, simulated=simulated, sim_inputs=sim_inputs, folds=folds, recipe=TINY
    )
    for fold, trained_on in zip(folds, seen, strict=True):
        assert not trained_on & {people.subjects.index(s) for s in fold}
    assert np.isfinite(found.real).all() and np.isfinite(found.simulated).all()


def test_a_tiny_run_ends_with_a_bundle_that_verifies_and_can_be_made_again(tmp_path: Path) -> None:
    plan = first_student.Plan(n_simulated=10, n_folds=3, seeds=(0,), seconds=60.0)
    reports = [first_student.run(_people(), plan, TINY, tmp_path / name) for name in ("one", "two")]
    assert reports[0] == reports[1]
    folders = [tmp_path / name / "ppg-bp-student-0.1.0" for name in ("one", "two")]
    for folder in folders:
        bundle.verify(folder)
    ours, again = (bundle.load(folder) for folder in folders)
    assert ours.model_sha256 == again.model_sha256
    assert ours.card.raw == again.card.raw
    assert ours.card.per_parameter["SBP"].n_real_subjects == 12
    assert str(tmp_path).encode() not in ours.model + (folders[0] / bundle.CARD).read_bytes()
    stored = torch.load(tmp_path / "one" / "checkpoint.pt", weights_only=False)
    assert stored["recipe"] == asdict(TINY) and stored["split_hash"] == ours.card.raw["split_hash"]


def test_a_folder_without_the_set_ends_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert first_student.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "bcg_fold1.npz" in capsys.readouterr().err
