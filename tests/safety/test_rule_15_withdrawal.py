"""Safety rule 15: a subject who withdraws is found everywhere, deleted where possible, marked elsewhere, barred."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withdrawal_rig import dataset, export, report, session

from hemoview import cli
from hemoview.estimate.models_command import list_models
from hemoview.labels import read_dataset
from hemoview.labels.datasets.made_register import made, remember
from hemoview.labels.datasets.register import Registered, register
from hemoview.labels.withdrawal.deeds import withdrawn_from
from recorder import session as sessions
from recorder.errors import SessionError
from recorder.host import withdrawals
from recorder.schema import Amendment
from recorder.session import amendments
from recorder.sync.outbox import Entry, Outbox
from tests.exchange import e4_made


def model(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps({"training_hash": version}), "utf-8")
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["subject", "withdraw", *words, "--json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return code, told


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    return tmp_path


def test_everything_is_found_deleted_or_marked_and_barred(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, other = session(home, "a", "P-014"), session(home, "b", "P-015")
    discarded = sessions.discard(session(home, "c", "p-014"), why="test", who="AB", wall_ns=1).path
    alone, both = dataset(home, "alone", "P-014"), dataset(home, "both", "P-014", "P-015")
    taught = dataset(home, "taught-on", "P-014")
    learned = model(home / "models" / "m-1", read_dataset(taught).version)
    file, theirs = export(home, 1, "P-014", "a", for_others=True), export(home, 2, "P-015", "b")

    code, listed = run(capsys, "P-014", "--list", "--models", str(home / "models"))
    assert code == 0 and listed["withdrawn"] is False and mine.is_dir() and file.is_file()
    assert [len(listed[k]) for k in ("sessions", "exports", "datasets", "models")] == [2, 1, 3, 1]

    code, told = run(capsys, "P-014", "--yes", "--why", "letter", "--models", str(home / "models"))
    assert code == 0 and told["failed"] == [] and len(told["erased"]) == 4 and len(told["marked"]) == 3
    for gone in (mine, discarded):
        with pytest.raises(SessionError, match="erased"):
            sessions.open(gone)
    assert sessions.verify(other).ok and theirs.is_file() and not file.exists() and not alone.exists()
    for kept in (both, taught, learned):
        assert withdrawn_from(kept) == ["P-014"]
    assert any("contains withdrawn subject P-014" in note for note in read_dataset(both).about["notes"])
    assert "it left this station" in told["exports"][0]["why"]
    assert withdrawals.is_withdrawn(withdrawals.read(home), "p-014")
    assert list_models(home / "models")["bundles"][0]["name"] == "m-1"

    code, again = run(capsys, "P-014", "--yes", "--models", str(home / "models"))
    assert code == 0 and not again["sessions"] and again["erased"] == []


def test_a_session_that_lies_elsewhere_is_found_by_what_was_made_of_it(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name, subject in (("a", "P-014"), ("b", "P-015")):
        (elsewhere / "sessions").mkdir(exist_ok=True)
        session(elsewhere, name, subject)
    folders = tuple(str(elsewhere / "sessions" / name) for name in "ab")
    who = ("P-014", "P-015")
    register(
        home,
        Registered(str(home / "gone"), "hv1:x", "gone", who, ("a", "b"), 1, "hemoview 0", False, folders),
    )
    code, told = run(capsys, "P-014", "--yes")
    assert code == 0 and [s["name"] for s in told["sessions"]] == ["a"]
    with pytest.raises(SessionError, match="erased"):
        sessions.open(Path(folders[0]))
    assert sessions.verify(Path(folders[1])).ok


def test_a_training_run_that_names_the_subject_is_marked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_folder = home / "runs" / "r1"
    run_folder.mkdir(parents=True)
    facts = {"dataset_version": "hv1:aa", "split": {"train": ["P-014"], "val": [], "test": ["P-015"]}}
    (run_folder / "config.json").write_text(json.dumps(facts), "utf-8")
    code, told = run(capsys, "p-014", "--yes", "--models", str(home / "runs"))
    assert (
        code == 0
        and [m["name"] for m in told["models"]] == ["r1"]
        and withdrawn_from(run_folder) == ["p-014"]
    )
    assert run(capsys, "P-015", "--list", "--models", str(home / "runs"))[1]["models"] == []


def test_without_a_yes_nothing_happens(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = session(home, "a", "P-014")
    code, told = run(capsys, "P-014")
    assert code == 1 and "1 of 1 would be deleted" in told["error"] and sessions.verify(folder).ok
    assert withdrawals.read(home) == []


def test_a_session_that_was_corrected_to_somebody_else_stays(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = session(home, "a", "P-014")
    amendments.append(folder, Amendment("subject.pseudonym", "P-014", "P-099", "AB", "wrong card", 2))
    code, told = run(capsys, "P-014", "--yes")
    assert code == 0 and told["sessions"] == [] and sessions.verify(folder).ok


def test_a_list_of_withdrawals_that_is_damaged_bars_everything(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "P-001", "--yes")
    path = home / withdrawals.FILE
    path.write_bytes(path.read_bytes()[:-9])
    assert cli.main(["dataset", "build", str(home), "--out", str(home / "set")]) == 1
    assert "restore the file from a backup" in capsys.readouterr().err


def test_reports_are_deleted_or_lose_the_subjects_windows(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    session(home, "a", "P-014")
    mine = report(home / "reports" / "mine", "P-014", "p-014", dataset="session a")
    shared = report(home / "reports" / "shared", "P-014", "P-015", "P-014", "P-016")
    theirs = report(home / "reports" / "theirs", "P-015")
    note = mine / "note.txt"
    note.write_text("somebody's own", "utf-8")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    noted, named = report(elsewhere / "noted", "P-014"), report(elsewhere / "deep" / "er" / "named", "P-014")
    remember(home, "report", noted)
    unsaid = report(
        home / "reports" / "unsaid", dataset_version=read_dataset(dataset(home, "d", "P-014")).version
    )
    (unsaid / "predictions.npz").write_bytes(b"cut")
    code, told = run(capsys, "P-014", "--yes", "--look-in", str(elsewhere / "deep"))
    assert code == 0 and told["failed"] == []
    assert {r["name"]: r["deleted"] for r in told["reports"]} == {
        "mine": True,
        "shared": False,
        "noted": True,
        "named": True,
        "unsaid": False,
    }
    assert [p.name for p in mine.iterdir()] == ["note.txt"] and not noted.exists() and not named.exists()
    with np.load(shared / "predictions.npz") as kept:
        assert kept["subject"].tolist() == ["P-015", "P-016"] and kept["labels"].shape == (2, 10)
        assert kept["t_s"].tolist() == [1.0, 3.0] and kept["facts"].tolist() == [1.0]
    assert withdrawn_from(shared) == ["P-014"] == withdrawn_from(unsaid)
    assert (theirs / "predictions.npz").is_file() and withdrawn_from(theirs) == []
    code, again = run(capsys, "P-014", "--yes", "--look-in", str(elsewhere / "deep"))
    assert code == 0 and [r["name"] for r in again["reports"]] == ["unsaid"]


def test_a_report_of_a_session_goes_with_its_tables(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(home, "a", "P-014")
    folder = home / "reports" / "hemodynamic"
    folder.mkdir(parents=True)
    facts = {"kind": "hemoview-session-report", "session": {"session_id": "a", "pseudonym": "P-014"}}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")
    for name in ("report.pdf", "trend.csv"):
        (folder / name).write_bytes(b"x")
    code, told = run(capsys, "P-014", "--yes")
    assert code == 0 and [r["name"] for r in told["reports"]] == ["hemodynamic"] and not folder.exists()


def test_training_runs_anywhere_are_marked_once(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("runs")
    facts = {"dataset_version": "hv1:aa", "split": {"train": ["P-014"], "val": [], "test": []}}
    for name in ("noted", "a/b/named"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "config.json").write_text(json.dumps(facts), "utf-8")
    remember(home, "run", elsewhere / "noted")
    remember(home, "run", elsewhere / "noted")
    assert len(made(home)) == 1
    code, told = run(capsys, "P-014", "--yes", "--look-in", str(elsewhere / "a"), "--models", str(elsewhere))
    assert code == 0 and sorted(m["name"] for m in told["models"]) == ["named", "noted"]
    assert withdrawn_from(elsewhere / "noted") == ["P-014"] == withdrawn_from(elsewhere / "a/b/named")


def test_what_is_known_of_and_cannot_be_reached_is_listed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session(home, "a", "P-014")
    export(home, 1, "P-014", "a", for_others=True)
    with Outbox(home / "sync") as outbox:
        outbox.put(Entry("ward-7.example", "a", rev=3))
        outbox.put(Entry("never.example", "a"))
    register(home, Registered(str(home / "gone"), "hv1:x", "gone", ("P-014",), (), 1, "hemoview 0"))
    code, told = run(capsys, "P-014", "--list", "--look-in", str(home / "not-there"))
    assert code == 0
    said = "\n".join(told["cannot_reach"])
    assert "session a: a copy lies at ward-7.example" in said and "never.example" not in said
    assert "it left this station" in said and "hv1:x" in said and "not-there: is not there" in said
    assert len(told["cannot_reach"]) == 4


def test_a_recording_that_lies_under_another_subject_too_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    band = e4_made.write_zip(home / "band.zip", e4_made.files())
    for name, subject in (("a", "P-014"), ("mixed", "P-017")):
        words = ["--e4", str(band), "--subject", subject, "--out", str(home / "sessions" / name)]
        assert cli.main(["import", *words, "--accept", "imported-before"]) == 0
    session(home, "b", "P-018")
    _, told = run(capsys, "P-014", "--list")
    (said,) = told["cannot_reach"]
    assert "mixed (P-017) as well: if it is this subject's, erase that session too" in said
    assert told["sessions"][0]["deleted"]
    assert run(capsys, "P-018", "--list")[1]["cannot_reach"] == []
    assert run(capsys, "P-014", "--yes")[0] == 0
    assert (home / "sessions" / "mixed" / "session.json").is_file(), "whose it is only people can tell"
    assert run(capsys, "P-017", "--list")[1]["cannot_reach"] == []
