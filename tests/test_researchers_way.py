"""A researcher's whole way by the command line: from a stick and a wristband set an hour wrong to what is given away.

One virtual person, so that the truth is known: by how much the clocks differ, how they drift, what every sample was.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pandas as pd
import pytest

from hemoview import cli
from hemoview.labels.raters.deeds import Author
from recorder import cli as recorder_cli
from recorder import session
from recorder.devices.sim.physiology import SimRecording, simulate
from recorder.devices.sim.population import random_subject
from recorder.devices.sim.stick import StickPlan, write_stick
from recorder.session import annotations

pytestmark = pytest.mark.slow

MINUTES = 11
BEGINS = datetime(2025, 1, 31, 9, 5, 7)
ZONE, ZONE_S = "Europe/Berlin", 3600.0
LATE_S, DRIFT_PPM = 7.3, 60.0
"""By how much the wristband's clock is ahead besides the hour it was set wrongly, and how much faster it runs."""
BATCHES = (("BVP.csv", 64.0, 2), ("ACC.csv", 32.0, 0), ("EDA.csv", 4.0, 6), ("TEMP.csv", 4.0, 2))

Told = dict[str, Any]
Run = Callable[..., tuple[int, Told]]


@dataclass(frozen=True)
class Files:
    """What lies on her desk."""

    beats: Path
    wrist: Path
    strangers: Path


def person(seed: int) -> SimRecording:
    """A virtual person who keeps the wrist mostly still."""
    return simulate(random_subject(np.random.default_rng(seed)), MINUTES * 60.0, seed)


def write_wrist(path: Path, recording: SimRecording) -> Path:
    """A zip as an E4 gives it, by a clock that was set an hour wrong, is late and drifts."""
    utc_s = BEGINS.replace(
        tzinfo=UTC
    ).timestamp()  # what the monitor's wall shows, taken for UTC: an hour off
    pace = 1.0 + DRIFT_PPM * 1e-6
    signals = (
        recording.ppg[:, None],
        np.clip(recording.acc_g * 64, -128, 127),
        recording.eda_us[:, None],
        recording.temp_c[:, None],
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for (name, rate_hz, places), true in zip(BATCHES, signals, strict=True):
            at = np.arange(int(len(true) * pace)) / pace
            rows = np.stack([np.interp(at, np.arange(len(true)), column) for column in true.T], axis=1)
            rows = rows if places else np.rint(rows) + 0.0  # whole numbers have no "-0"
            head = [", ".join([f"{value:.6f}"] * rows.shape[1]) for value in (utc_s + LATE_S, rate_hz)]
            text = [",".join(f"{value:.{places}f}" for value in row) for row in rows]
            archive.writestr(name, "\n".join([*head, *text, ""]))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    desk, one = tmp_path_factory.mktemp("desk"), person(2)
    plan = StickPlan(calibrated_s=(60.0, 330.0), person=("Miller^Anna", "4711-0815", "2013110042"))
    stick = write_stick(desk / "stick", one, BEGINS, plan)
    return Files(
        stick.beats, write_wrist(desk / "wrist.zip", one), write_wrist(desk / "other.zip", person(9))
    )


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command with ``--json`` → its exit status and its last line."""

    def command(*words: object) -> tuple[int, Told]:
        main = recorder_cli.main if words[0] == "export" else cli.main
        status = main([*map(str, words), "--json"])
        told: Told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return status, told

    return command


def order(files: Files, wrist: Path, out: Path) -> list[object]:
    consent = ("--consent-version", "v3", "--consent-date", "2025-01-30", "--scopes", "training,upload")
    both = ("import", "--cnap", files.beats, "--e4", wrist, "--zone", ZONE, "--subject", "P-014")
    return [*both, *consent, "--out", out]


def test_from_two_devices_to_a_dataset_and_back(files: Files, tmp_path: Path, run: Run) -> None:
    sessions = tmp_path / "sessions"
    place = sessions / "P-014"
    _import(files, place, run)
    before = _hashes(place)
    _align(place, run)
    spoilt = _label(place)
    built = _build(place, spoilt, tmp_path, run)
    _report(place, built, tmp_path, run)
    _export(files, place, tmp_path, run)
    assert _hashes(place) == before, "samples are never rewritten"
    assert session.verify(place).ok


def test_two_people_are_not_one_heart_and_make_no_dataset(files: Files, tmp_path: Path, run: Run) -> None:
    place = tmp_path / "sessions" / "mixed"
    assert run(*order(files, files.strangers, place), "--accept", "apart")[0] == 0
    status, told = run("align", place)
    assert (status, told["refused_because"]) == (1, "not-the-same-heart")
    status, told = run("dataset", "build", place, "--allow-simulated", "--out", tmp_path / "set")
    assert status == 1 and "not the same heart" in told["error"]
    assert not (tmp_path / "set").exists()


def _import(files: Files, place: Path, run: Run) -> None:
    status, told = run(*order(files, files.wrist, place))
    assert status == 1 and "--accept apart" in told["error"] and not place.exists()
    status, told = run(*order(files, files.wrist, place), "--accept", "apart")
    assert status == 0 and [s["source"] for s in told["sources"]] == ["e4", "cnap"]
    assert all(not source["rejected"] for source in told["sources"])
    for path in place.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Miller" not in content and b"4711-0815" not in content and b"2013110042" not in content


def _align(place: Path, run: Run) -> None:
    status, told = run("dataset", "build", place, "--allow-simulated", "--out", place.parent / "early")
    assert status == 1 and "run hemoview align" in told["error"]
    status, told = run("align", place)
    assert status == 0 and told["locked"] and told["evidence"]["clock_set_wrongly_h"] == 1.0
    assert told["offset_s"] == pytest.approx(
        ZONE_S + LATE_S, abs=0.1
    )  # and the way of the pulse to the wrist
    assert told["drift_ppm"] == pytest.approx(DRIFT_PPM, abs=3.0)
    run("align", place, "--nudge-ms", "40", "--why", "a test")
    assert run("align", place, "--show")[1]["offset_s"] == pytest.approx(told["offset_s"] + 0.04, abs=1e-4)
    run("align", place, "--undo")
    assert run("align", place, "--show")[1]["offset_s"] == pytest.approx(told["offset_s"], abs=1e-6)


def _label(place: Path) -> tuple[float, float]:
    """A span of two minutes that she wants in no dataset."""
    with session.open(place) as stored:
        first_s = float(stored.read("e4.bvp").time_s[0])
    spoilt = (first_s + 180.0, first_s + 300.0)
    author = Author("OP1", lambda: 1_790_000_000_000_000_000)
    annotations.append(place, "labels", [author.add("span", *spoilt, "artefact")])
    return spoilt


def _build(place: Path, spoilt: tuple[float, float], tmp_path: Path, run: Run) -> Told:
    words = ("dataset", "build", place, "--allow-simulated", "--out")
    status, built = run(*words, tmp_path / "cohort", "--label-set", "labels")
    assert status == 0 and built["simulated"] and built["subjects"] == 1 and built["windows"] > 20
    assert built["hours"] == pytest.approx(MINUTES / 60.0, rel=0.01), (
        "the hour between the clocks is no recording"
    )
    again = run(*words, tmp_path / "again", "--label-set", "labels")[1]
    assert again["version"] == built["version"]
    for path in (tmp_path / "cohort").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name
    began_s = pd.read_parquet(tmp_path / "cohort" / "meta.parquet").t0_s
    assert not ((began_s + 10.0 > spoilt[0]) & (began_s < spoilt[1])).any()
    unlabelled = run(*words, tmp_path / "all")[1]
    assert unlabelled["windows"] > built["windows"] and unlabelled["version"] != built["version"]
    status, changed = run("dataset", "diff", tmp_path / "all", tmp_path / "cohort")
    assert status == 0 and not changed["same"]
    card = (tmp_path / "cohort" / "card.html").read_text(encoding="utf-8")
    assert "SIMULATED" in card and "P-014" in card and "Miller" not in card
    return built


def _report(place: Path, built: Told, tmp_path: Path, run: Run) -> None:
    status, told = run("report", place, "--label-set", "labels", "--out", tmp_path / "report")
    assert status == 0 and Path(told["pdf"]).read_bytes().startswith(b"%PDF")
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert "SIMULATED" in page and built["version"].partition(":")[2][:12] in page


def _export(files: Files, place: Path, tmp_path: Path, run: Run) -> None:
    status, _ = run("export", place, "--to", "e4zip", "--out", tmp_path / "back.zip")
    assert status == 0
    with zipfile.ZipFile(files.wrist) as given, zipfile.ZipFile(tmp_path / "back.zip") as back:
        for name, _, _ in BATCHES:
            assert given.read(name).split()[2:] == back.read(name).split()[2:], name
    status, told = run(
        "export", place, "--to", "edf", "--deidentify", "--for-others", "--out", tmp_path / "a.edf"
    )
    assert status == 0 and b"P-014" not in (tmp_path / "a.edf").read_bytes()
    edf = edfio.read_edf(tmp_path / "a.edf")
    assert any("artefact" in note.text for note in edf.annotations)
    status, _ = run(
        "import",
        "--edf",
        tmp_path / "a.edf",
        "--subject",
        "P-900",
        "--zone",
        "UTC",
        "--out",
        tmp_path / "edf",
    )
    assert status == 0
    with session.open(place) as stored, session.open(tmp_path / "edf") as read:
        assert read.header.simulated
        for ours, theirs, role in (
            ("e4.bvp", "edf.e4_bvp", "ppg"),
            ("cnap.wave", "edf.cnap_wave", "abp_wave"),
        ):
            assert read.streams[theirs].role == role
            before, after = stored.read(ours), read.read(theirs)
            step = told["steps"][ours]
            assert np.abs(before.values - after.values).max() <= step / 2 + 1e-9, ours
            error_s = told["time_error_s"][ours] + 1e-3
            shift = after.time_s - before.time_s
            assert np.abs(shift - shift[0]).max() <= 2 * error_s


def _hashes(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((place / "segments").iterdir())}
