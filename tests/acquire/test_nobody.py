"""Band off and pressure flat, out of the notices that drivers really give."""

import pytest

from recorder.acquire.nobody import nobody_since_ns
from recorder.clock import ClockEra
from recorder.devices.detectors import ChannelWatch
from recorder.schema import Event

S = 1_000_000_000


def event(of_kind: str, at_s: float, **payload: object) -> Event:
    return Event(f"{of_kind}-{at_s}", of_kind, round(at_s * S), 0, 0, dict(payload))


def era(reason: str) -> Event:
    return event("era", 50, **ClockEra(1, "e1", "boot", 50 * S, 0, reason).to_json())


def off(at_s: float) -> Event:
    return event("notice", at_s, kind="not-worn", device_id="e4", stream_id="e4.eda")


def worn(at_s: float) -> Event:
    return event("notice", at_s, kind="quality-ok", ended="not-worn", device_id="e4", stream_id="e4.eda")


def flat(at_s: float, channel: str = "adc0") -> Event:
    return event("notice", at_s, kind="flat-line", device_id="adc", stream_id="adc.wave", channel=channel)


def pulse(at_s: float, channel: str = "adc0") -> Event:
    told = {"kind": "quality-ok", "ended": "flat-line", "channel": channel}
    return event("notice", at_s, device_id="adc", stream_id="adc.wave", **told)


@pytest.mark.parametrize(
    ("events", "since_s"),
    [
        ([], None),
        ([off(10)], None),
        ([flat(10)], None),
        ([off(10), flat(30)], 30),
        ([flat(30), off(41)], 41),
        ([off(10), flat(30), worn(50)], None),
        ([off(10), flat(30), pulse(50)], None),
        ([off(10), flat(30), pulse(50), flat(60)], 60),
        ([off(10), flat(30), event("notice", 55, kind="battery", device_id="e4")], 30),
        ([off(10), flat(30), event("link", 50, device_id="e4", state="lost")], None),
        ([off(10), flat(30), event("link", 50, device_id="cuff", state="lost")], 30),
        ([off(10), flat(30), event("link", 50, device_id="adc", state="lost")], 30),
        ([off(10), flat(30), event("link", 50, device_id="e4", state="silent")], 30),
        ([off(10), flat(30), era("recorder-restart")], None),
        ([off(10), flat(30), era("resume")], 50),
        ([off(10), flat(30), era("reboot"), off(3), flat(5)], 5),
        ([off(10), flat(30), flat(40, "adc1"), pulse(50, "adc1")], 30),
    ],
)
def test_since_when_nobody_is_there(events: list[Event], since_s: float | None) -> None:
    assert nobody_since_ns(events) == (None if since_s is None else since_s * S)


def test_the_converter_tells_a_flat_line_and_its_end_under_these_names() -> None:
    watch = ChannelWatch(100.0)
    told = [(f.kind, f.last_no is None) for f in watch.feed(0, [500] * 400 + [500, 900] * 300)]
    assert ("flat-line", True) in told and ("flat-line", False) in told
