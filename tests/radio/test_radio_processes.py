"""The same over real processes: emulators, recorder and command line, with HCI between two of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from radio_bed import E4, on_air, radio_bed

from recorder import session
from recorder.acquire import verbs
from recorder.acquire.station import Station
from recorder.cli import main
from recorder.clock import Clock
from recorder.host import virtual_bedside
from recorder.host.probe import probe
from recorder.host.virtual_bedside import VirtualBedside

LINK = "pty" if hasattr(os, "openpty") else "socket"


@pytest.fixture
def emulators(tmp_path: Path) -> Iterator[VirtualBedside]:
    config = {"seed": 4, "script": "rest", "e4_ble": {}, "ble_hr": {}, "nonin": {"link": LINK}}
    made = virtual_bedside.start(tmp_path / "virtual", Clock(), config)
    yield made
    made.stop()


@pytest.mark.slow
def test_search_and_probe_at_the_command_line(
    emulators: VirtualBedside, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    radio = emulators.ready["e4_ble"]["radio"]
    assert main(["devices", "--scan", "1", "--radio", radio, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = {device["kind"]: device for device in answer["found"]}
    assert found["e4-ble"]["name"] == "Empatica E4"
    assert found["ble-hr"]["rssi_dbm"] == -50
    assert {"e4-ble", "ble-hr", "nonin-serial"} <= set(answer["kinds"])
    for config in emulators.device_configs():
        answer = probe(config, 2.5)
        assert answer["error"] == ""
        assert answer["rows"]


def test_without_bluetooth_the_search_fails_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--scan", "1", "--radio", "virtual:127.0.0.1:1", "--json"]) == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1
    assert "no working Bluetooth: plug in" in err
    assert json.loads(out.splitlines()[-1])["ok"] is False


@pytest.mark.slow
def test_recorded_by_template_over_three_processes(
    emulators: VirtualBedside, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = {
        "name": "radio",
        "operator": "op1",
        "consent": {"version": "1", "date": "2026-01-01"},
        "devices": [asdict(config) for config in emulators.device_configs()],
    }
    (tmp_path / "radio.json").write_text(json.dumps(template))
    order = ["record", "--template", str(tmp_path / "radio.json"), "--subject", "S-01", "--seconds", "4"]
    order += ["--out", str(tmp_path / "out"), "--home", str(tmp_path / "home"), "--json"]
    assert main(order) == 0, capsys.readouterr().err
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    folder = Path(outcome["session"])
    assert session.verify(folder).ok
    with session.open(folder) as stored:
        for stream_id in ("e4.acc", "e4.optical", "e4.raw", "hr.hr", "nonin.pleth", "nonin.spo2"):
            assert stored.rows(stream_id) > 0, stream_id
            assert stored.streams[stream_id].origin == "simulated"
        assert all(device.simulated for device in stored.header.devices)


def test_a_band_another_station_holds_is_named_with_that_station(tmp_path: Path) -> None:
    with radio_bed(tmp_path, hr=None) as bed:
        bed.use(on_air(bed.air, E4, "e4"))
        bed.until(lambda: bed.link("e4").state == "streaming", 20)
        other = Station(
            "bed2",
            tmp_path / "other",
            tmp_path / "sessions2",
            clock=bed.clock,
            machine=bed.machine.machine(),
            verbs=verbs.table,
            who_holds=lambda config: "bed1" if config.options["address"] == E4.address else "",
        )
        other.start()
        try:
            other.configure([on_air(bed.air, E4, "e4")])
            bed.until(lambda: other.link_statuses()[0].state == "lost", 20)
            said = other.link_statuses()[0].error
            assert E4.address in said
            assert "another station is connected to it" in said
            assert "(station bed1 uses it)" in said
            assert bed.link("e4").state == "streaming"
        finally:
            other.close()
