"""A second of a bedside says what the bedside's own screen says, and nothing the consent keeps at home."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hemoview.viewmodel.live import numerics as screen
from hemoview.viewmodel.live import visibility
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.live.rings import RingSlice
from recorder.clock import Clock
from recorder.schema import (
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Calibration,
    Channel,
    DeviceInfo,
    DiskStatus,
    Event,
    LinkStatus,
    SampleBlock,
    SessionStatus,
    StationStatus,
    StreamInfo,
)
from recorder.schema.sync_status import SyncStatus
from recorder.sync.uplink import wire as uplink_wire
from recorder.sync.uplink.heard import Heard, Rows, Second, Wave
from recorder.sync.uplink.message import footer, is_known, message_of

NS = 1_000_000_000
NOW = 1_000 * NS
WALL = 1_790_000_000 * NS
SESSION = "0f" * 16
REASONS = ["motion", "poor-contact", "simulated", "calibration-old"]
CARD: dict[str, Any] = {
    "per_parameter": {
        "SBP": {
            "reference_kind": "arterial line",
            "sensor_site": "finger",
            "n_real_subjects": 21,
            "n_calibration_subjects": 12,
        },
        "SV": {
            "reference_kind": "EV1000",
            "sensor_site": "finger",
            "n_real_subjects": 8,
            "n_calibration_subjects": 4,
        },
    },
    "devices_in_training": ["Solar 8000"],
}


def estimate_info(card: dict[str, Any] = CARD) -> StreamInfo:
    names = [f"{p}{end}" for p in PARAMETERS for end in ("", "_lo", "_hi", "_why")]
    channels = tuple(Channel(n, "1") for n in (*names, "personalisation_age_s"))
    facts = {"claims": json.dumps(card), "reasons": json.dumps(REASONS), "model": "m-1"}
    return StreamInfo(
        "edge.est", "edge", "numeric", channels, "float32", role="estimate", origin="derived", metadata=facts
    )


def estimate_rows(card: dict[str, Any] = CARD, arrived_ns: int = NOW, **changed: float) -> Rows:
    info = estimate_info(card)
    row = {c.name: 0.0 for c in info.channels}
    for i, p in enumerate(PARAMETERS):
        row |= {p: 100.0 + i, f"{p}_lo": 90.0 + i, f"{p}_hi": 110.0 + i}
    row |= {"personalisation_age_s": 61.5} | changed
    return Rows(info, np.array([arrived_ns]), np.array([list(row.values())]), arrived_ns)


ABP = StreamInfo("adc.abp", "adc", "waveform", (Channel("abp", "V"),), "int32", 100.0, role="abp_wave")
PPG = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "float64", 64.0, role="ppg")
BEATS = StreamInfo(
    "edge.beats_abp",
    "edge",
    "numeric",
    tuple(Channel(n, "1") for n in ("sbp_mmhg", "map_mmhg", "dbp_mmhg", "hr_per_min", "quality")),
    "float32",
    role="beats",
    origin="derived",
)
SCALE = Calibration("c1", "adc.abp", "abp", 100.0, 0.0, method="two-point", wall_ns=WALL)


def beats(arrived_ns: int = NOW) -> Rows:
    t_ns = np.array([NOW - 9 * NS, NOW - 2 * NS, NOW - NS])
    values = np.array([[200.0, 150, 100, 99, 1], [121.0, 90, 71, 62, 1], [123.0, 92, 73, 64, 1]])
    return Rows(BEATS, t_ns, values, arrived_ns)


def event(kind: str, at_ns: int = NOW - 100 * NS, **payload: Any) -> Event:
    return Event(f"{kind}-{at_ns}", kind, at_ns, WALL, 0, payload)


STARTED = event("session", NOW - 200 * NS, state="started", entry={"how": "scanned"})
CALIBRATED = event("marker", label=REFERENCE_CALIBRATED)


def status(**changed: Any) -> StationStatus:
    links = (
        LinkStatus("e4", "streaming", "Empatica E4", battery=0.62),
        LinkStatus("adc", "streaming", "CNAP by ADC"),
    )
    session = SessionStatus("open", SESSION, subject={"pseudonym": "P-7"}, started_wall_ns=WALL - 200 * NS)
    kept: dict[str, Any] = {
        "station": "bed1",
        "era": 0,
        "t_host_ns": NOW,
        "wall_ns": WALL,
        "speed": 1.0,
        "pid": 1,
        "session": session,
        "disk": DiskStatus("/", 10**12, 41.2),
        "links": links,
    }
    return StationStatus(**(kept | changed))


def second(**changed: Any) -> Second:
    header = {
        "session_id": SESSION,
        "operator": "op1",
        "consent": {"upload": True},
        "template": {"name": "rest"},
    }
    kept: dict[str, Any] = {
        "now_ns": NOW,
        "wall_ns": WALL,
        "status": status(),
        "header": header,
        "infos": {i.stream_id: i for i in (PPG, ABP, estimate_info(), BEATS)},
        "devices": (DeviceInfo("e4", "Empatica E4", "A01"), DeviceInfo("edge", "edge")),
        "calibrations": (SCALE,),
        "events": (STARTED, CALIBRATED),
        "estimate": estimate_rows(),
        "beats": beats(),
    }
    return Second(**(kept | changed))


def told(second: Second) -> dict[str, Any]:
    """As the service reads it."""
    return uplink_wire.read(json.dumps(message_of(second, 1))).to_json()


def needs(second: Second) -> set[str]:
    found = {n["id"] for n in told(second)["state"]["needs"]}
    assert found <= set(uplink_wire.NEEDS)
    return found


def test_a_second_reads_as_a_message() -> None:
    message = told(second())
    assert message["session_id"] == SESSION
    assert message["head"] | {"started_us": 0} == {
        "pseudonym": "P-7",
        "template": "rest",
        "started_us": 0,
        "operator": "op1",
        "simulated": False,
        "training": False,
        "hidden": False,
        "confirmed": True,
        "devices": [{"id": "e4", "name": "Empatica E4", "serial": "A01"}],
    }
    assert message["state"]["battery"] == {"e4": 0.62}
    assert message["state"]["disk_hours"] == 41.2
    assert message["state"]["calibration_age_s"] == 100.0
    assert message["state"]["personalised_age_s"] == 61.5
    assert message["state"]["needs"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"events": (STARTED,)},
        {"calibrations": ()},
        {"estimate": estimate_rows(SBP_why=1.0, MAP_why=3.0, DBP_lo=math.nan, HR_why=99.0)},
        {"estimate": estimate_rows(arrived_ns=NOW - 3 * NS)},
        {"estimate": estimate_rows({})},
        {"estimate": None},
        {"beats": beats(NOW - 3 * NS)},
        {"beats": None},
        {"header": {"session_id": SESSION, "template": {"rules": {"estimates_hidden": True}}}},
    ],
)
def test_numbers_are_those_of_the_bedsides_screen(changed: dict[str, Any]) -> None:
    """The window and the ward page must never say different things of the same second."""
    moment = second(**changed)
    header = dict(moment.header or {}) | {"consent": {"upload": True}}
    infos = dict(moment.infos) | ({"edge.est": moment.estimate.info} if moment.estimate else {})
    moment = replace(moment, header=header, infos=infos)
    message = told(moment)
    numerics = message["numerics"]
    if message["head"]["hidden"]:
        numerics = uplink_wire.read(json.dumps(message)).without_estimates().to_json()["numerics"]
    rows = {r.parameter: r for r in screen.numerics(Wish(), facts_of(moment)).rows}
    for parameter, row in rows.items():
        value = numerics[parameter]
        shown = row.estimate.text not in ("–", "—")
        assert shown == (value["est"] is not None), parameter
        if shown:
            assert float(row.estimate.text.replace("\u2212", "-")) == pytest.approx(value["est"], abs=0.51)
            assert (row.estimate.tag == "tag-simulated") == value["sim"]
        elif value["why"] != "hidden":
            assert row.estimate.reason is not None
            assert row.estimate.reason.id.removeprefix("why-") == value["why"]
        if parameter in ("SBP", "MAP", "DBP", "HR"):
            assert row.reference is not None
            seen = row.reference.text not in ("–", "—")
            assert seen == (value["ref"] is not None), parameter
            if seen:
                assert row.reference.muted == (not value["ref_valid"])


def facts_of(moment: Second) -> Facts:
    """The same second as the window knows it."""

    def rows(kept: Rows | None) -> RingSlice | None:
        if kept is None:
            return None
        return RingSlice(np.arange(len(kept.t_ns)), kept.t_ns, kept.values.astype(np.float32))

    arrived = {r.info.stream_id: r.arrived_ns for r in (moment.estimate, moment.beats) if r is not None}
    card = json.loads(moment.estimate.info.metadata["claims"]) if moment.estimate else CARD
    return visibility.bedside(
        Facts(
            moment.now_ns,
            moment.wall_ns,
            status=moment.status,
            status_seen_ns=moment.now_ns,
            infos=moment.infos,
            calibrations=moment.calibrations,
            header=moment.header,
            arrivals=arrived,
            estimates=rows(moment.estimate),
            beats=rows(moment.beats),
            events=moment.events,
            card=card,
        )
    )


def test_without_the_scope_upload_nothing_of_the_person_leaves() -> None:
    message = told(second(header={"session_id": SESSION, "consent": {"upload": False}, "template": {}}))
    assert message["numerics"] == message["waves"] == {}
    assert message["head"]["pseudonym"] == ""
    assert "footer" not in message
    assert [n["id"] for n in message["state"]["needs"]] == ["no-consent"]


def test_a_station_that_records_nothing_says_so() -> None:
    idle = second(status=status(session=SessionStatus()), header=None)
    message = told(idle)
    assert (message["session_id"], message["state"]["recording"]) == ("", False)
    assert message["numerics"] == {} and "head" not in message


def test_of_a_recorder_that_does_not_speak_nothing_is_told() -> None:
    assert is_known(second())
    assert not is_known(second(status_age_s=3.5))
    assert not is_known(second(status=None))
    assert not is_known(second(header=None))


def test_what_a_person_should_look_at() -> None:
    lost = LinkStatus("e4", "lost", "Empatica E4", battery=0.1)
    bad = status(links=(lost,), disk=DiskStatus("/", 1, 1.5, "2h"), warnings=("confirm-subject|gap",))
    different = event("heartbeat", verdict="different")
    found = needs(second(status=bad, events=(STARTED, different), estimate=estimate_rows(SBP_why=2.0)))
    assert found == {
        "device-lost",
        "battery-low",
        "disk-low",
        "confirm-subject",
        "hearts-differ",
        "poor-contact",
        "uncalibrated",
    }
    assert needs(second(estimate=estimate_rows(SBP_why=4.0))) == {"old-calibration"}


def test_a_lost_device_stays_lost_while_its_link_is_tried_again() -> None:
    """Else the ward's list shows it for a second and takes it away for the next."""
    refused = "Nothing listens on 127.0.0.1:28000: start the E4 streaming server, or correct the port"
    again = LinkStatus("e4", "connecting", "Empatica E4", required=False, attempt=1, error=refused)
    assert "device-lost" in needs(second(status=status(links=(again,))))
    first = LinkStatus("e4", "connecting", "Empatica E4", required=False, attempt=1)
    assert "device-lost" not in needs(second(status=status(links=(first,))))


def test_the_footer_is_built_from_the_card() -> None:
    text = footer(second())
    assert text.startswith("Research estimate. Learned from arterial line, EV1000, finger, 8–21 subjects.")
    assert "Not checked against Empatica E4" in text and text.endswith("Not for treatment or alarms.")
    assert footer(second(infos={"edge.est": estimate_info({})})).startswith("Research estimate of m-1")
    assert footer(second(infos={})).startswith("No model is running.")
    simulated = {"per_parameter": {"SBP": {"n_real_subjects": 0}}}
    assert footer(second(infos={"edge.est": estimate_info(simulated)})).startswith("Simulated estimate.")


def test_waves_come_back_as_they_were_and_holes_stay_holes() -> None:
    numbers = np.array([*range(50), *range(60, 110)])
    volts = np.sin(numbers / 100 * 2 * np.pi).reshape(-1, 1) * 0.3 + 0.9
    volts[3] = math.nan
    moment = second(waves={"abp_wave": Wave(ABP, numbers, volts, NOW - NS, 100.0)})
    wave = told(moment)["waves"]["cnap"]
    counts = np.frombuffer(base64.b64decode(wave["i16"]), "<i2")
    assert (wave["unit"], wave["rate_hz"], wave["t0_us"]) == ("mmHg", 100.0, (WALL - NS) // 1000)
    assert len(counts) == 110
    missing = set(np.flatnonzero(counts == uplink_wire.MISSING))
    assert missing == {3, *range(50, 60)}
    known = [i for i, n in enumerate(numbers) if n not in missing]
    back = counts[numbers[known]] * wave["scale"] + wave["offset"]
    assert back == pytest.approx(volts[known, 0] * 100, abs=0.01)


def test_the_queue_of_the_record_path_is_told() -> None:
    queue = SyncStatus("ward.example", server_id="s1", waiting=3, total=41, last_success_us=WALL // 1000)
    moment = second(status=status(sync=(queue,)))
    assert message_of(moment, 1, "another")["state"]["sync"] is None
    message = message_of(moment, 1, "s1")
    assert message["state"]["sync"] == {"waiting": 3, "total": 41, "last_success_us": WALL // 1000}


def test_samples_are_given_once_and_rows_stay() -> None:
    clock = Clock()
    heard = Heard(clock)
    heard.take([status(session=SessionStatus("open", SESSION))])
    streams = [PPG, estimate_info(), BEATS]
    heard.described({"streams": [s.to_json() for s in streams], "header": {"session_id": SESSION}})
    now = clock.monotonic_ns()
    blocks = [SampleBlock("e4.bvp", 16 * i, np.ones((16, 1)), now + i * NS // 4) for i in range(4)]
    row = SampleBlock("edge.est", 0, estimate_rows().values, now, row_t_host_ns=np.array([now]))
    heard.take([*blocks, row])
    first, again = heard.second(), heard.second()
    assert len(first.waves["ppg"].values) == 64
    assert "ppg" not in again.waves
    assert first.estimate is not None and again.estimate is not None


def test_a_new_session_forgets_the_one_before() -> None:
    heard = Heard(Clock())
    heard.take([status(session=SessionStatus("open", SESSION)), CALIBRATED])
    heard.described({"streams": [], "header": {"session_id": SESSION}})
    heard.events_told({"events": [], "event_no": 4})
    assert heard.second().events == (CALIBRATED,)
    heard.take([status(session=SessionStatus("open", "1e" * 16))])
    assert heard.wants_describe and heard.wants_events and heard.event_no == 0
    assert heard.second().events == () and heard.second().header is None
    heard.described({"streams": [], "header": {"session_id": SESSION}})  # an answer that was on its way
    assert heard.wants_describe and heard.second().header is None
