"""A real operation from the monitor's files to figures: imported, aligned, built, evaluated; beside a set made by hand.

One patient: never a claim of accuracy, only that every step of the chain says what the others say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemoview import cli
from hemoview.labels import read_dataset
from hemoview.learn.sources import surgery_ev1000


@pytest.fixture
def recording(real_recordings: Path) -> Path:
    folder = real_recordings / "surgery_ev1000"
    if not folder.is_dir():
        pytest.skip("surgery_ev1000 is not beside the project")
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert cli.main([*words, "--json"]) == 0, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return told


@pytest.mark.slow
def test_wt01_from_its_files_to_figures(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    session, folder = str(tmp_path / "wt01"), tmp_path / "set"
    consent = ["--consent-version", "MIT", "--consent-date", "2020-01-01", "--scopes", "training"]
    whose = ["--subject", "surgery-wt01", "--age", "53", "--height", "188"]
    whose += ["--start", "2020-01-01T08:00:00", "--zone", "UTC"]
    said(capsys, "import", "--npz", str(recording / "wt01_waves.npz"), *whose, *consent, "--out", session)
    aligned = said(capsys, "align", session)
    assert aligned["locked"] and aligned["offset_s"] == pytest.approx(0.34, abs=0.03)
    told = said(capsys, "dataset", "build", session, "--out", str(folder), "--workers", "1")
    assert told["windows"] > 250 and told["dropped"]["cuff"] > 100
    assert told["labels"]["CO"] == {"valid": told["windows"]} and told["labels"]["SVR"]["valid"] > 20

    found, by_hand = read_dataset(folder), surgery_ev1000(recording)
    at = {round(t): i for i, t in enumerate(found.t0_s.tolist())}
    pairs = [(at[round(t)], j) for j, t in enumerate(by_hand.t0_s.tolist()) if round(t) in at]
    assert len(pairs) > 0.9 * len(by_hand)
    ours, theirs = np.array(pairs).T
    assert np.array_equal(found.ppg[ours], by_hand.ppg[theirs])
    assert np.nanmax(np.abs(found.labels[ours, :4] - by_hand.labels[theirs, :4])) < 0.5
    both = np.isfinite(found.labels[ours]) == np.isfinite(by_hand.labels[theirs])
    assert (
        both[:, :8].all() and np.nanmax(np.abs((found.labels[ours] - by_hand.labels[theirs])[:, 4:])) < 1e-3
    )

    words = ["evaluate", "--model", "lsm2oe-student-0.2.1", "--dataset", str(folder), "--no-report"]
    figures = said(capsys, *words, "--output_dir", str(tmp_path / "figures"))
    assert figures["dataset_version"] == told["version"] and figures["parameters"]["HR"]["mae"] < 1.0
