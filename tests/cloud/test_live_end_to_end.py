"""The live path whole: virtual bedside → recorder → uplink → service → browser, and what may go wrong on the way."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from recorder.clock import Clock
from recorder.host import lock, places, processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.schema import StationStatus
from recorder.sync import enrolling, identity
from tests.cloud.live_rig import message
from tests.cloud.live_served import WAIT_S, Ward, heard

STATION = "bed1"

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(places.HOME_ENV, str(tmp_path / "home"))
    return tmp_path / "home"


@contextmanager
def station(home: Path, tmp_path: Path) -> Iterator[StationClient]:
    """A recorder with its emulated devices and an edge process."""
    clock = Clock()
    virtual = virtual_bedside.start(
        tmp_path / "virtual", clock, virtual_bedside.standard_config(script="rest")
    )
    try:
        processes.ensure_recorder(STATION, home, clock=clock)
        with StationClient(STATION, home, name="test", clock=clock) as client:
            client.call("configure", devices=[asdict(c) for c in virtual.device_configs()])
            calibration = virtual.calibration(clock)
            if calibration is not None:
                client.call("calibrate", **calibration.to_json())
            processes.ensure_edge(STATION, home, clock=clock)
            wait_for_samples(client)
            yield client
    finally:
        virtual.stop()
        processes.stop_station(STATION, home, force=True)


def wait_for_samples(client: StationClient) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status = StationStatus.from_json(client.call("status")["status"])
        if status.links and all(link.state == "streaming" for link in status.links):
            return
        time.sleep(0.1)
    raise AssertionError("the virtual bedside delivers nothing")


def start(client: StationClient) -> None:
    client.call(
        "start",
        timeout_s=30,
        subject={"pseudonym": "LIVE-01", "height_cm": 175, "weight_kg": 70},
        consent={"version": "1", "date": "2026-01-01", "upload": True},
        sites={},
        operator="op1",
        template={"name": "Live", "rules": {"show_simulated": True}},
        entry={"how": "typed-twice"},
    )


def is_recording(told: dict[str, Any]) -> bool:
    return told["type"] == "bed" and told["msg"]["state"]["recording"]


def test_a_bedside_is_watched_through_a_restart_of_the_service(home: Path, tmp_path: Path) -> None:
    ward = Ward(tmp_path / "service", production=False)
    ward.furnish(beds=1).start()
    try:
        me = enrolling.enrol(
            ward.url, ward.codes[0], station=STATION, ca_pem="", now_us=time.time_ns() // 1000
        )
        identity.keep(places.station_dir(STATION, home), me)
        with station(home, tmp_path) as client:
            start(client)
            with ward.browser() as browser:
                told = heard(browser, is_recording)
                assert told["msg"]["head"]["pseudonym"] == "LIVE-01"
                assert told["msg"]["head"]["simulated"] is True
                assert told["msg"]["head"]["confirmed"] is True
                assert told["binding"]["confirmed"] is False  # nobody has seen this device at this bed yet
                waves = heard(browser, lambda t: is_recording(t) and len(t["msg"]["waves"]) == 2)["msg"][
                    "waves"
                ]
                assert waves["cnap"]["unit"] == "mmHg"
                check_no_sample_is_left_out(browser)
                told = heard(browser, lambda t: is_recording(t) and has_estimate(t["msg"]))
                assert told["msg"]["footer"]
                before = told["msg"]
            ward.kill()
            time.sleep(3)  # the bedside goes on; what it could not tell is gone
            ward.start()
            with ward.browser() as browser:
                told = heard(browser, lambda t: is_recording(t) and t["msg"]["seq"] > before["seq"])
                assert told["msg"]["session_id"] == before["session_id"]
                assert told["gap"] > 0 or heard(browser, is_recording)["gap"] == 0
                client.call("stop", timeout_s=60, reason="over")
                heard(browser, lambda t: t["type"] == "bed" and not t["msg"]["state"]["recording"])
        deadline = time.monotonic() + 10
        while lock.uplink_holder(STATION, home) is not None:
            assert time.monotonic() < deadline, "the uplink outlives its recorder"
            time.sleep(0.05)
    finally:
        ward.stop()


def check_no_sample_is_left_out(browser: ClientConnection, seconds: int = 8) -> None:
    """Waves are heard once a second: what came just after the last time must not be thought too old."""
    ends_us: dict[str, float] = {}
    jumps_ms = []
    for _ in range(seconds):
        told = heard(browser, is_recording)
        assert told["gap"] == 0
        for name, wave in told["msg"]["waves"].items():
            if name in ends_us:
                jumps_ms.append(abs(wave["t0_us"] - ends_us[name]) / 1000)
            samples = len(base64.b64decode(wave["i16"])) // 2
            ends_us[name] = wave["t0_us"] + samples / wave["rate_hz"] * 1e6
    assert sorted(jumps_ms)[-2] < 25  # the time base may begin anew once, as a fit comes in


def has_estimate(msg: dict[str, Any]) -> bool:
    return any(n["est"] is not None for n in msg["numerics"].values())


def test_a_browser_that_stalls_slows_nobody_and_catches_up(tmp_path: Path) -> None:
    beds, seconds = 12, 14
    ward = Ward(tmp_path / "service", production=False)
    ward.furnish(beds, enrolled=beds).start()
    try:
        with ExitStack() as stack:
            stalled = stack.enter_context(ward.browser(max_queue=1))  # reads nothing for now
            quick = stack.enter_context(ward.browser())
            sockets = [stack.enter_context(ward.bedside(b)) for b in ward.bedsides]
            footer = "x" * 900
            padded = [{"id": f"n{i}", "values": {"text": "y" * 190}} for i in range(30)]
            late_s = 0.0
            for seq in range(1, seconds + 1):
                begun_s = time.monotonic()
                for n, socket in enumerate(sockets):
                    told = message(seq, session_id=f"{n:032x}", footer=footer)
                    told["state"]["needs"] = padded
                    socket.send(json.dumps(told))
                for _ in sockets:
                    heard(quick, lambda t, seq=seq: t["type"] == "bed" and t["msg"]["seq"] == seq)
                late_s = max(late_s, time.monotonic() - begun_s)
                time.sleep(max(0.0, 0.35 - (time.monotonic() - begun_s)))
            assert late_s < 5.0
            newest: dict[str, int] = {}
            while len(newest) < beds or min(newest.values()) < seconds:
                told = heard(stalled, lambda t: t["type"] == "bed")
                assert told["msg"]["seq"] > newest.get(told["bed_id"], 0)
                newest[told["bed_id"]] = told["msg"]["seq"]
    finally:
        ward.stop()


def test_an_oversized_message_over_the_wire_ends_the_connection(tmp_path: Path) -> None:
    ward = Ward(tmp_path / "service", production=False)
    ward.furnish(1, enrolled=1).start()
    try:
        with ward.bedside(ward.bedsides[0]) as socket, pytest.raises(ConnectionClosed) as ended:
            socket.send("x" * 200_000)
            socket.recv(timeout=WAIT_S)
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 1009
        counted = 'hemoview_live_refused_total{why="oversized"} 1.0'
        deadline = time.monotonic() + 10
        while counted not in httpx.get(f"{ward.url}/metrics", trust_env=False).text:
            assert time.monotonic() < deadline, "it was not counted"
            time.sleep(0.1)
        with ward.bedside(ward.bedsides[0]) as socket, ward.browser() as browser:
            socket.send(json.dumps(message()))
            heard(browser, lambda t: t["type"] == "bed")
    finally:
        ward.stop()
