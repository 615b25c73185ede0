"""``hemoview report`` of a dataset and of a session: what is written, what it rests on, what is refused."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for room in ("estimate", "labels"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / room))

import aligned_sessions  # noqa: E402
import tiny_bundle  # noqa: E402

from hemoview import cli  # noqa: E402
from hemoview.labels.datasets import build  # noqa: E402
from hemoview.labels.datasets.build_options import BuildOptions, Job  # noqa: E402
from hemoview.labels.datasets.build_part import build_part  # noqa: E402
from hemoview.labels.datasets.write import write_dataset  # noqa: E402
from hemoview.report import judging  # noqa: E402
from hemoview.report.judging import summary  # noqa: E402
from recorder.host import withdrawals  # noqa: E402
from recorder.host.withdrawals import Withdrawal  # noqa: E402


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions") / "s1"
    aligned_sessions.make(folder, seed=1)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_bundle.write(tmp_path / "models").folder


def ask(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    status = cli.main(["report", *(str(w) for w in words)])
    said = capsys.readouterr()
    return status, said.out, said.err


def page_says(folder: Path, words: str) -> bool:
    return words in (folder / "report.html").read_text("utf-8")


def test_a_session_is_judged_on_its_own_labels(
    session: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    status, said, error = ask(capsys, session, "--model", model, "--out", out, "--home", tmp_path, "--json")
    assert (status, error) == (0, "")
    found = json.loads(said.splitlines()[-1])
    assert found["model"] == "tiny-1" and len(found["model_facts"]["sha256"]) == 64
    assert found["dataset_version"].startswith("hv1:") and found["dataset"] == "session s1"
    assert found["parameters"]["SBP"]["n_subjects"] == 1 and found["parameters"]["SBP"]["n_windows"] > 0
    assert {p.name for p in out.iterdir()} == {
        "report.html",
        "report.pdf",
        "evaluation.json",
        "predictions.npz",
        "hemodynamic",
    }
    assert found["hemodynamic"]["page"] == str(out / "hemodynamic" / "report.html")
    assert page_says(out, "Limits of agreement: needs two subjects") and page_says(
        out, "changes in the same direction"
    )
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    page = (out / "report.html").read_text("utf-8")
    assert found["dataset_version"] in page and found["model_facts"]["sha256"] in page
    assert "Research use only" in page and "Bland–Altman" in page

    # the same session as a dataset folder: the same windows, the same version, the same figures
    part = build_part(Job(str(session), BuildOptions(allow_simulated=True)))
    write_dataset(tmp_path / "data", build.assemble([part], BuildOptions(allow_simulated=True)))
    _, said, _ = ask(capsys, tmp_path / "data", "--model", model, "--out", tmp_path / "again", "--json")
    again = json.loads(said.splitlines()[-1])
    assert again["dataset_version"] == found["dataset_version"] and again["dataset"] == "dataset data"
    assert again["parameters"] == found["parameters"]


def test_a_report_is_made_again_but_never_over_another(
    session: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (session, "--model", model, "--out", tmp_path / "out", "--home", tmp_path, "--only", "validation")
    assert ask(capsys, *words)[0] == 0
    figures = (tmp_path / "out" / "evaluation.json").read_bytes()
    assert ask(capsys, *words)[0] == 0
    status, _, error = ask(capsys, *words, "--calibration-points", 1)
    assert status == 1 and "another dataset version, model or number" in error and "--out" in error
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == figures


def test_a_report_that_is_stopped_in_the_middle_leaves_nothing(
    session: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: Any, **__: Any) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "reports" / "out"
    words = (session, "--model", model, "--out", out, "--home", tmp_path, "--only", "validation")
    with monkeypatch.context() as patched:
        patched.setattr(judging, "pdf_of", full)
        status, _, error = ask(capsys, *words)
    assert status == 1 and "the report cannot be written there (No space left on device)" in error
    assert not list(out.parent.iterdir())
    assert ask(capsys, *words)[0] == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(np, "savez_compressed", full)
        assert ask(capsys, *words)[0] == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_is_refused_is_named(
    session: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(source: Path, *more: Any) -> str:
        status, _, said = ask(capsys, source, "--out", tmp_path / "out", "--home", tmp_path, *more)
        assert status == 1 and not (tmp_path / "out").exists()
        return said

    assert "neither a session nor a dataset" in refused(tmp_path, "--model", model)
    assert "no model bundle" in refused(session, "--model", tmp_path)
    aligned_sessions.make(tmp_path / "alone", seed=1, lock=None)
    assert "run hemoview align" in refused(tmp_path / "alone", "--model", model)
    aligned_sessions.make(tmp_path / "pulse", seed=1, rows=False, wave=False, lock=None)
    assert "holds no reference" in refused(tmp_path / "pulse", "--model", model)
    blinded = {"name": "blinded", "rules": {"estimates_hidden": True}}
    aligned_sessions.make(tmp_path / "blinded", seed=1, template=blinded)
    assert "its estimates are hidden" in refused(tmp_path / "blinded", "--model", model)
    part = build_part(Job(str(session), BuildOptions(allow_simulated=True)))
    write_dataset(tmp_path / "data", build.assemble([part], BuildOptions(allow_simulated=True)))
    withdrawals.append(tmp_path, Withdrawal("P-014", 1))
    assert "dataset data: P-014 withdrew" in refused(tmp_path / "data", "--model", model)
    assert "P-014 was withdrawn" in refused(session, "--model", model)


def test_a_line_without_a_baseline_says_why() -> None:
    one = {"mae": 5.0, "baseline_mean_mae": None, "coverage_90": None, "n_subjects": 1, "n_windows": 12}
    figures = {
        "parameters": {"SBP": one | {"why": {"baseline_mean_mae": "one subject alone"}}},
        "protocol": {"calibration_points": 0, "leakage": "none"},
        "simulated": False,
        **dict.fromkeys(("model", "dataset", "dataset_version", "report"), "x"),
    }
    line = summary(figures)["parameters"]["SBP"]
    assert (
        "without the pulse wave — (one subject alone), 90 % interval covers — (1 subject, 12 windows)" in line
    )
