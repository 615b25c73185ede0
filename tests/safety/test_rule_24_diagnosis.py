"""Safety 24: the diagnosis holds no samples, pseudonyms or free text, and lists what is in it; some are planted."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemoview.cli import main
from recorder import session
from recorder.acquire import settings as settings_file
from recorder.acquire.settings import Settings
from recorder.devices.contract import DeviceConfig
from recorder.errors import StorageError
from recorder.host import diagnose, logs, places
from recorder.schema import Consent, Event, SampleBlock, Subject
from tests.session.small_session import ERA, STREAMS, WAVE, header

PLANTED = {
    "pseudonym": "Zoe-Q17",
    "operator": "nurse-kathrin",
    "note": "lives in Basel near the river",
    "override": "band forgotten in Ms Huber's room",
    "marker": "coughs since Tuesday",
    "token": "tok-9f8e7d",
}


@pytest.fixture
def home() -> Path:
    """A home with a session, a station and logs that all name what must not be told."""
    base = places.home()
    head = replace(
        header(),
        subject=Subject(PLANTED["pseudonym"], "female", 44),
        consent=Consent("1.0", "2026-01-01"),
        operator=PLANTED["operator"],
        notes=PLANTED["note"],
    )
    folder = places.sessions_dir(base) / f"20260921-120000_{PLANTED['pseudonym']}_abc123"
    writer = session.create(folder, head, ERA)
    for stream in STREAMS:
        writer.add_stream(stream)
    writer.write_block(SampleBlock(WAVE.stream_id, 0, np.full((5, 1), 31337, np.int32), ERA.monotonic_ns, 0))
    payloads = ({"label": PLANTED["marker"]}, {"state": "started", "incomplete_reason": PLANTED["override"]})
    for i, (kind, payload) in enumerate(zip(("marker", "session"), payloads, strict=True)):
        writer.write_event(Event(f"e{i}", kind, ERA.monotonic_ns, ERA.wall_ns, 0, payload))
    writer.commit()
    writer.abandon()
    station = places.station_dir("bed-1", base)
    options = {"host": "10.1.2.3", "api_token": PLANTED["token"]}
    kept = Settings((DeviceConfig("e4-tcp", "e4", options),), str(folder))
    settings_file.write(station / "settings.json", kept)
    (logs.logs_dir(base) / "recorder-bed-1.log").write_text(
        f"cannot read {folder}/live.sqlite of {PLANTED['pseudonym']} for {PLANTED['operator']}\n"
    )
    return base


def held(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_nothing_planted_is_told(home: Path, tmp_path: Path) -> None:
    diagnose.write(tmp_path / "d.zip", home)
    told = "\n".join(held(tmp_path / "d.zip").values()) + "\n".join(held(tmp_path / "d.zip"))
    assert not {what for what, word in PLANTED.items() if word in told}
    assert "31337" not in told, "a sample"
    assert str(home) not in told


def test_it_lists_what_it_holds_and_says_how_things_are(home: Path, tmp_path: Path) -> None:
    entries = diagnose.write(tmp_path / "d.zip", home)
    files = held(tmp_path / "d.zip")
    assert [e.name for e in entries] == list(files)
    assert all(e.name in files[diagnose.CONTENTS] for e in entries[1:])
    station = json.loads(files["stations/bed-1.json"])
    assert station["devices"][0]["options"] == {"host": "10.1.2.3", "api_token": "*"}
    assert station["session_open"] is True and station["running"] is False
    assert {s["id"] for s in json.loads(files["sessions.json"])[0]["streams"]} == {
        s.stream_id for s in STREAMS
    }
    assert "cannot read *" in files["logs/recorder-bed-1.log"]


def test_a_damaged_home_is_told_not_hidden(home: Path, tmp_path: Path) -> None:
    (places.station_dir("bed-1", home) / "settings.json").write_text("{")
    next(places.sessions_dir(home).iterdir()).joinpath("session.json").write_text("not ours")
    files = {e.name: e.text for e in diagnose.write(tmp_path / "d.zip", home)}
    assert json.loads(files["stations/bed-1.json"])["settings"] == "ConfigError"
    assert "head" in json.loads(files["sessions.json"])[0]


def test_a_file_that_is_there_is_not_replaced(home: Path, tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_text("mine")
    with pytest.raises(StorageError, match="--out"):
        diagnose.write(tmp_path / "d.zip", home)
    assert (tmp_path / "d.zip").read_text() == "mine"


def test_at_the_command_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--home", str(home), "--out", str(tmp_path / "d.zip"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["ok"] and any("CONTENTS" in line for line in said["holds"])
    assert json.loads(held(tmp_path / "d.zip")["about.json"])["models"]
    assert (tmp_path / "d.zip").stat().st_mode & 0o077 == 0
