"""A whole station in this process, with scripted devices, a fake machine, a real store and real commands."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bed import Bed
from scripted import args, sessions_folder

from recorder import private_folder, session
from recorder.acquire import wire
from recorder.acquire.disk import STOP_BYTES
from recorder.acquire.wire import Request
from recorder.devices.contract import Notice
from recorder.errors import ConfigError, SessionError, SessionRefused, StationError
from recorder.schema import Calibration, Channel, SampleBlock, StreamInfo

EST = StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"),), "float32", None, "estimate")


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


def test_from_start_to_stop_every_sample_is_stored(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start(sites={"wristband_side": "left"}, template={"name": "t"}, notes="n")
    assert folder.parent == sessions_folder(bed.tmp_path) and "_S-01_" in folder.name
    for _ in range(20):
        bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].received == 200)
    bed.until(lambda: bed.status().streams[0].on_disk == 200)
    assert bed.machine.awake.held == 1
    assert Path(bed.ask("stop", reason="done")["folder"]) == folder
    assert bed.machine.awake.held == 0 and bed.status().session.state == "sealed"
    with session.open(folder) as stored:
        rows = stored.read("adc.wave")
        assert stored.state == "sealed" and rows.raw[:, 0].tolist() == list(range(10, 210))
        header = stored.header
        assert header.subject is not None and header.subject.age_y == 40
        assert (header.operator, header.zone, header.template, header.notes) == (
            "op1",
            "Europe/Berlin",
            {"name": "t"},
            "n",
        )
        kinds = [event.kind for event in stored.events()]
        assert kinds[:2] == ["session", "link"] and stored.events("session")[-1].payload["reason"] == "done"
        assert {d.device_id for d in header.devices} == {"adc"}


def test_start_is_refused_with_every_reason_and_nothing_is_made(bed: Bed) -> None:
    bed.machine.kind = "nfs"
    bed.ask("configure", devices=[{"kind": "scripted", "device_id": "adc"}])
    with pytest.raises(SessionRefused) as caught:
        bed.start(subject={"pseudonym": "Erika Mustermann"}, consent=None)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    for line, word in zip(lines, ("pseudonym", "consent", "network folder", "Scripted ADC"), strict=True):
        assert word in line and "; " in line
    assert list(sessions_folder(bed.tmp_path).iterdir()) == []
    assert bed.status().session.state == "none"


def test_a_second_start_is_refused(bed: Bed) -> None:
    bed.connect("adc")
    bed.start()
    with pytest.raises(SessionRefused, match="a session is open already; stop it first"):
        bed.start()


def test_a_missing_device_may_be_overridden_and_the_session_says_so(bed: Bed) -> None:
    bed.ask("configure", devices=[{"kind": "scripted", "device_id": "adc"}])
    folder = bed.start(overrides={"adc": "monitor comes later"})
    assert bed.status().session.incomplete_reason == "adc: monitor comes later"
    bed.cables["adc"].samples(10)  # the late device joins
    bed.until(lambda: bed.status().streams[0].on_disk == 10)
    with bed.read(folder) as stored:
        assert stored.rows("adc.wave") == 10
        assert stored.events("session")[0].payload["incomplete_reason"] == "adc: monitor comes later"


def test_one_wrong_profile_is_named_and_the_others_go_on(bed: Bed) -> None:
    bed.wrong = {"bad"}
    bed.ask("configure", devices=[{"kind": "scripted", "device_id": name} for name in ("adc", "bad")])
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().links[0].state == "streaming")
    assert bed.status().links[1].error == "profile of bad: baud is missing; add it"
    failed = bed.ask(
        "configure", devices=[{"kind": "scripted", "device_id": name} for name in ("adc", "bad")]
    )
    assert failed == {"failed": {"bad": "profile of bad: baud is missing; add it"}}
    assert bed.cables["adc"].opened == 1  # the unchanged device was left alone


def test_a_recorded_device_stays_as_it_is_and_a_late_one_joins(bed: Bed) -> None:
    bed.connect("adc")
    bed.start()
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].received == 10)
    recorded, late = {"kind": "scripted", "device_id": "adc"}, {"kind": "scripted", "device_id": "e4"}
    with pytest.raises(SessionError, match="adc: is being recorded and stays as it is until Stop"):
        bed.ask("configure", devices=[recorded | {"required": False}, late])
    assert bed.cables["adc"].opened == 1
    bed.ask("configure", devices=[recorded, late])
    bed.cables["e4"].samples(10)
    bed.until(lambda: all(s.on_disk == 10 for s in bed.status().streams))
    bed.ask("stop", reason="done")
    bed.ask("configure", devices=[])
    assert bed.status().links == ()


def test_a_device_that_never_delivered_may_be_changed_while_recording(bed: Bed) -> None:
    bed.connect("adc")
    both = [{"kind": "scripted", "device_id": name} for name in ("adc", "e4")]
    bed.ask("configure", devices=both)
    bed.start(overrides={"e4": "comes later"})
    bed.cables["adc"].samples(10)
    bed.ask("configure", devices=[both[0], both[1] | {"required": False}])
    assert [link.required for link in bed.status().links] == [True, False]


def test_control_is_held_by_one_client_and_its_change_is_stored(bed: Bed) -> None:
    bed.connect("adc")
    with pytest.raises(StationError, match="window controls this station"):
        bed.ask("start", client="other", **args())
    assert bed.status().controller == "window"
    bed.start()
    bed.ask("take_control", client="other", name="other")
    assert bed.status().controller == "other"
    events = bed.ask("events", since=0)["events"]
    assert [e["payload"] for e in events if e["kind"] == "control"] == [
        {"holder": "other", "former": "window"}
    ]
    bed.ask("take_control", client="window")
    bed.ask("stop")


def test_markers_from_anywhere_undone_once_and_idempotent(bed: Bed) -> None:
    with pytest.raises(SessionError, match="no session is open"):
        bed.ask("marker", label="x")
    bed.connect("adc")
    folder = bed.start()
    first = bed.ask("marker", label="arm move", source="key", key=2, operator="op1")["event_id"]
    request = Request("same", "phone", "marker", {"label": "cuff", "source": "button"})
    assert bed.station.desk.answer(request) == bed.station.desk.answer(request)
    bed.cables["adc"].put(Notice("tag", "button", bed.clock.monotonic_ns()))
    bed.until(lambda: bed.status().session.n_markers == 3)
    for _ in range(2):
        bed.ask("undo_marker")
    assert bed.status().session.n_markers == 1
    assert bed.ask("undo_marker")["undone"] == first
    with pytest.raises(SessionError, match="none to undo"):
        bed.ask("undo_marker")
    with pytest.raises(ConfigError, match="marker key 12"):
        bed.ask("marker", label="x", key=12)
    with bed.read(folder) as stored:
        assert [e.payload["label"] for e in stored.events("marker")] == ["arm move", "cuff", "tag"]


def test_cuff_readings_are_checked_timed_by_their_measurement_and_withdrawn(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    wall = bed.clock.wall_ns()
    reading = {"sbp_mmhg": 121, "dbp_mmhg": 79, "measured_at_ns": wall - 30 * 10**9, "entered_at_ns": wall}
    event_id = bed.ask("cuff", **reading)["event_id"]
    for wrong in ({"sbp_mmhg": 70}, {"sbp_mmhg": 400}, {"map_mmhg": 50}):
        with pytest.raises(ConfigError, match="cuff"):
            bed.ask("cuff", **{**reading, **wrong})
    bed.ask("withdraw_cuff", event_id=event_id, why="wrong arm")
    with pytest.raises(SessionError, match="none with that id"):
        bed.ask("withdraw_cuff", event_id="nope", why="x")
    with bed.read(folder) as stored:
        cuff = stored.events("cuff")
        assert len(cuff) == 1 and cuff[0].payload["sbp_mmhg"] == 121
        assert stored.eras[0].wall_at(cuff[0].t_host_ns) == pytest.approx(wall - 30 * 10**9, abs=10**7)
        assert stored.events("cuff-withdrawn")[0].payload == {
            "event_id": event_id,
            "why": "wrong arm",
            "operator": "",
        }


def test_a_calibration_is_kept_for_the_next_session_and_stored_in_each(bed: Bed) -> None:
    bed.connect("adc")
    made = Calibration("c1", "adc.wave", "abp", 100.0, 0.0, "two-point", bed.clock.wall_ns())
    bed.ask("calibrate", **made.to_json())
    with pytest.raises(ConfigError, match="has no channel nope"):
        bed.ask("calibrate", **{**made.to_json(), "channel": "nope"})
    for _ in range(2):
        bed.cables["adc"].samples(1)
        bed.until(lambda: bed.status().links[0].state == bed.status().streams[0].state == "streaming")
        folder = bed.start()
        bed.ask("stop")
        with session.open(folder) as stored:
            assert [c.calibration_id for c in stored.calibrations()] == ["c1"]
    assert [c["calibration_id"] for c in bed.ask("describe")["calibrations"]] == ["c1"]


def test_derived_streams_are_declared_stored_and_published(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    before = bed.ask("status")["status"]["describe_no"]
    assert bed.ask("declare", client="edge", streams=[EST.to_json()])["describe_no"] > before
    about = np.array([bed.clock.monotonic_ns()], np.int64)
    for _ in range(2):  # a restarted edge counts from 0 again
        for n in range(3):
            block = SampleBlock("edge.est", n, np.full((1, 1), 120 + n, np.float32), 0, row_t_host_ns=about)
            headers, frames = wire.pack_blocks([block])
            assert bed.ask("derived", client="edge", frames=tuple(frames), blocks=headers) == {"rows": 1}
    with pytest.raises(ConfigError, match="0 frames, needs"):
        bed.ask("derived", client="edge", blocks=headers)
    with bed.read(folder) as stored:
        rows = stored.read("edge.est")
        assert rows.values[:, 0].tolist() == [120, 121, 122] * 2
        assert rows.sample_no.tolist() == [0, 1, 2, 3, 4, 5]


def test_amendments_are_stored_and_samples_untouched(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.ask("amend", field="subject.pseudonym", new="S-02", who="op1", why="mistyped")
    with pytest.raises(ConfigError, match="say why"):
        bed.ask("amend", field="notes", new="x", who="op1", why=" ")
    bed.ask("stop")
    assert "mistyped" in (folder / "amendments.jsonl").read_text()


def test_a_crash_goes_on_with_the_same_session_and_an_honest_gap(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.ask("marker", label="before")
    bed.cables["adc"].samples(100)
    bed.until(lambda: bed.status().streams[0].received == 100)
    bed.crash()
    bed.station.start()
    bed.cables["adc"].samples(100)
    bed.until(lambda: bed.status().streams[0].received == 200)
    status = bed.status()
    assert (status.era, status.session.folder, status.session.n_markers) == (1, str(folder), 1)
    with bed.read(folder) as stored:
        rows = stored.read("adc.wave")
        assert rows.sample_no.tolist() == list(range(10, 210)) and rows.era.tolist() == [0] * 100 + [1] * 100
        assert [gap.cause for gap in stored.gaps("adc.wave")] == ["recorder-restart"]
        assert [era.reason for era in stored.eras] == ["start", "recorder-restart"]


def test_a_session_that_was_sealed_elsewhere_is_not_gone_on_with(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.crash()
    session.resume(folder, bed.clock).close("by hand")
    bed.station.start()
    assert bed.status().session.state == "none"
    assert any(w.startswith("resume-failed|") and "was closed" in w for w in bed.status().warnings)
    assert bed.station.settings.open_session == ""


def test_a_session_that_was_stopped_but_not_sealed_is_sealed_not_gone_on_with(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].received == 10)
    bed.station.hub.event("session", {"state": "stopped", "reason": "killed while it sealed"})
    bed.crash()
    bed.station.start()
    assert bed.status().session.state == "none" and bed.station.settings.open_session == ""
    with session.open(folder) as stored:
        assert stored.state == "sealed" and stored.rows("adc.wave") == 10


def test_after_the_session_nothing_counts_as_on_disk(bed: Bed) -> None:
    bed.connect("adc")
    bed.start()
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].on_disk == 10)
    bed.ask("stop")
    assert bed.status().streams[0].on_disk == 0


def test_a_disk_without_room_stops_in_order_and_is_named(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    reserve = next(folder.parent.glob(".reserve-*"))
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].received == 50)
    bed.machine.free = STOP_BYTES - 1
    bed.station._look_at_disk()
    bed.until(lambda: bed.status().session.state == "sealed")
    status = bed.status()
    assert any(w.startswith("storage|") and "stopped in order" in w for w in status.warnings)
    assert any(w.startswith("disk|stopped|") for w in status.warnings)
    assert not reserve.exists() and bed.machine.awake.held == 0
    bed.cables["adc"].samples(10)  # devices go on
    bed.until(lambda: bed.status().links[0].state == "streaming")
    with session.open(folder) as stored:
        assert stored.rows("adc.wave") == 50
        assert stored.events("session")[-1].payload == {"state": "ended", "reason": "disk"}
    with pytest.raises(SessionRefused, match="MiB are needed to begin"):
        bed.start()


def test_a_suspend_begins_an_era_and_leaves_a_gap_with_that_cause(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].received == 10)
    bed.machine.slept_ns += 600 * 10**9
    bed.until(lambda: "confirm-subject|600" in bed.status().warnings)
    assert bed.status().era == 1
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].received == 20)
    with pytest.raises(SessionError, match="another pseudonym"):
        bed.ask("confirm_subject", pseudonym="S-99")
    bed.ask("confirm_subject", pseudonym="S-01")
    assert not any(w.startswith("confirm-subject") for w in bed.status().warnings)
    with bed.read(folder) as stored:
        assert [era.reason for era in stored.eras] == ["start", "resume"]
        gap = next(g for g in stored.gaps("adc.wave") if g.cause == "suspend")
        assert "slept for 600" in gap.detail


def test_a_refused_inhibit_is_a_warning_before_start_and_while_recording(bed: Bed) -> None:
    bed.machine.refuse_inhibit = True
    bed.connect("adc")
    found = bed.ask("preflight", **args())["checks"]
    assert [c["what"] for c in found if c["id"] == "machine"] == ["sleep cannot be held off (not allowed)"]
    assert all(c["level"] in ("ok", "warn") for c in found)
    bed.start()
    assert "sleep|not allowed" in bed.status().warnings


def test_sessions_that_every_account_can_list_are_a_warning_before_start(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_folder, "open_to_others", lambda folder, top: True)
    bed.connect("adc")
    (told,) = [c for c in bed.ask("preflight", **args())["checks"] if c["id"] == "machine"]
    assert told["level"] == "warn" and "can list the sessions in" in told["what"]
    assert told["todo"] == f"close it with: chmod o-rwx {sessions_folder(bed.tmp_path)}"


def test_shutdown_is_refused_while_recording_unless_forced(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    with pytest.raises(SessionError, match="a session is open"):
        bed.ask("shutdown")
    assert bed.ask("shutdown", force=True) == {"ending": True}
    assert bed.station.wait(0)
    with session.open(folder) as stored:
        assert stored.state == "sealed"


def test_a_removed_device_leaves_a_gap_and_its_samples(bed: Bed) -> None:
    bed.connect("adc", "e4")
    folder = bed.start()
    bed.cables["e4"].samples(10)
    bed.until(lambda: all(s.received for s in bed.status().streams if s.stream_id == "e4.wave"))
    bed.ask("configure", devices=[{"kind": "scripted", "device_id": "adc"}])
    with bed.read(folder) as stored:
        assert stored.rows("e4.wave") == 10
        assert [(g.cause, g.detail) for g in stored.gaps("e4.wave")] == [
            ("link-lost", "device was taken out")
        ]


def test_two_devices_with_one_id_are_refused(bed: Bed) -> None:
    with pytest.raises(ConfigError, match="two have the same id"):
        bed.ask("configure", devices=[{"kind": "scripted", "device_id": "adc"}] * 2)


def test_a_fault_in_one_look_ends_neither_the_pulse_nor_the_recording(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.connect("adc")
    bed.start()

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bed.station.guide, "look", broken)
    bed.until(lambda: "inside|guide" in bed.status().warnings)
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().streams[0].on_disk == 10)
    spoken_ns = bed.status().t_host_ns
    bed.until(lambda: bed.status().t_host_ns > spoken_ns)
    assert bed.status().session.state == "open"
