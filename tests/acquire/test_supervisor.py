"""One device, one thread: connects, loses, tries again, tells silence by the age of samples."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest
from scripted import Cable, ScriptedDriver, config

from recorder.acquire.hub import Hub
from recorder.acquire.link import LONGEST_RETRY_S, retry_delay_s
from recorder.acquire.notices import EVERY_NS, NoticeGate
from recorder.acquire.supervisor import Supervisor
from recorder.clock import Clock, begin_era
from recorder.devices.contract import DriverEvent, LinkQuality, Notice, Send
from recorder.errors import DeviceAbsent, DeviceBusy, DeviceError
from recorder.schema import Event, Gap, SampleBlock
from recorder.transports import Chunk


class Bench:
    def __init__(self, clock: Clock | None = None, silence_s: float = 1000.0) -> None:
        self.clock = clock or Clock()
        self.bus: list = []
        self.hub = Hub(self.clock, begin_era(self.clock), self.bus.append)
        self.cable = Cable(self.clock)
        self.driver = ScriptedDriver(config(), self.cable, silence_s=silence_s)
        self.supervisor = Supervisor(config(), self.driver, self.hub, self.clock, lambda _: "bed7")

    def events(self, kind: str) -> list[dict]:
        return [item.payload for item in self.bus if isinstance(item, Event) and item.kind == kind]

    def rows(self) -> list[int]:
        return [int(v) for item in self.bus if isinstance(item, SampleBlock) for v in item.values[:, 0]]

    def until(self, condition: Callable[[], object], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, (self.supervisor.status(), self.bus)
            time.sleep(0.01)

    def until_link(self, state: str) -> None:
        self.until(lambda: self.supervisor.link.state == state)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.supervisor.stop()


def test_samples_flow_to_the_hub_and_the_link_says_so(bench: Bench) -> None:
    bench.supervisor.start()
    bench.until_link("connecting")
    bench.cable.samples(5)
    bench.until(lambda: bench.rows() == [0, 1, 2, 3, 4])
    assert bench.supervisor.status().state == "streaming"
    assert bench.events("link") == [{"device_id": "adc", "state": "streaming", "cause": ""}]


def test_a_lost_link_is_tried_again_within_a_second_and_the_numbering_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[float] = []

    def wait_of(attempt: int) -> float:
        waits_s.append(retry_delay_s(attempt))
        return waits_s[-1]

    monkeypatch.setattr("recorder.acquire.supervisor.retry_delay_s", wait_of)
    bench.cable.samples(5)
    bench.cable.cut("cable out")
    bench.cable.samples(5)
    bench.supervisor.start()
    bench.until(lambda: len(bench.rows()) == 10)
    assert bench.rows() == list(range(10)) and bench.cable.opened == 2
    assert len(waits_s) == 1 and waits_s[0] < 1.0
    states = [(e["state"], e["cause"]) for e in bench.events("link")]
    assert states == [("streaming", ""), ("lost", "cable out"), ("streaming", "")]
    assert (
        bench.events("gap")[-1]["cause"] == "link-lost" and bench.events("gap")[-1]["detail"] == "cable out"
    )


def test_a_device_that_cannot_be_opened_is_tried_for_ever_and_told_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.acquire.link.FIRST_RETRY_S", 0.1)
    bench.cable.refuse = DeviceError("Scripted ADC: no such port; plug it in")
    bench.supervisor.start()
    bench.until(lambda: bench.supervisor.link.attempt >= 2)
    status = bench.supervisor.status()
    assert status.error == "Scripted ADC: no such port; plug it in"
    assert len(bench.events("link")) == 1
    bench.cable.refuse = None
    bench.cable.samples(1)
    bench.until_link("streaming")
    assert bench.supervisor.status().error == "" and bench.supervisor.status().attempt == 0


def test_a_port_in_use_elsewhere_names_the_station_that_uses_it(bench: Bench) -> None:
    bench.cable.refuse = DeviceBusy("port in use")
    bench.supervisor.start()
    bench.until_link("lost")
    assert bench.supervisor.status().error == "port in use (station bed7 uses it)"


def test_a_fault_inside_a_driver_is_named_and_the_device_tried_again(bench: Bench) -> None:
    bench.cable.refuse = ZeroDivisionError("oops")
    bench.supervisor.start()
    bench.until_link("lost")
    assert "its driver failed inside (ZeroDivisionError); see the log" in bench.supervisor.status().error
    bench.until(lambda: bench.cable.opened >= 2)


class Halting(Clock):
    """A clock of a machine that can stand still: what runs on it does not, time goes on."""

    stood_ns: ClassVar[int] = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.stood_ns


def test_a_machine_that_stood_still_takes_what_came_meanwhile_before_it_speaks_of_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(Halting())
    feed = bench.driver.feed

    def halt(chunk: Chunk) -> Sequence[DriverEvent]:
        monkeypatch.setattr(Halting, "stood_ns", Halting.stood_ns + 2_000_000_000_000)
        return feed(chunk)

    monkeypatch.setattr(bench.driver, "feed", halt)
    for _ in range(4):
        bench.cable.samples(5)
    bench.supervisor.start()
    bench.until(lambda: len(bench.rows()) == 20)
    bench.supervisor.stop()
    assert [e["state"] for e in bench.events("link")] == ["streaming"]


def test_silence_is_told_by_the_age_of_samples(bench: Bench) -> None:
    bench.driver.silence_s = 0.4
    bench.supervisor.start()
    bench.cable.samples(5)
    bench.until_link("silent")
    assert [e["state"] for e in bench.events("link")] == ["streaming", "silent"]
    assert bench.cable.opened == 1  # the link is up, the system says nothing is wrong
    assert bench.supervisor.status().error == "script is open but sends no sample: check the cable"
    assert bench.events("link")[-1]["cause"] == bench.supervisor.status().error
    bench.driver.silence_s = 1000.0
    bench.cable.samples(5)
    bench.until_link("streaming")
    assert bench.supervisor.status().error == ""


def test_what_the_driver_wants_sent_is_sent_and_it_says_good_bye(bench: Bench) -> None:
    bench.supervisor.start()
    bench.cable.put(Send(b"subscribe"))
    bench.until(lambda: bench.cable.written == [b"subscribe"])
    bench.supervisor.stop()
    assert bench.cable.written == [b"subscribe", b"bye"]
    assert bench.supervisor.status().state == "idle"


def test_a_tag_is_a_marker_and_a_notice(bench: Bench) -> None:
    bench.supervisor.start()
    bench.cable.put(Notice("tag", "wristband: button pressed", 123))
    bench.until(lambda: bench.events("marker"))
    marker = bench.events("marker")[0]
    assert (marker["label"], marker["source"], marker["device_id"]) == ("tag", "e4-tag", "adc")
    assert bench.events("notice")[0]["kind"] == "tag"


def test_a_fatal_notice_closes_the_link_with_its_words(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.acquire.link.FIRST_RETRY_S", LONGEST_RETRY_S)
    bench.supervisor.start()
    bench.cable.put(Notice("refused", "E4: wrong band; choose another", 1, fatal=True))
    bench.until_link("lost")
    assert bench.supervisor.status().error == "E4: wrong band; choose another"


def test_the_driver_s_gap_reaches_the_hub(bench: Bench) -> None:
    bench.supervisor.start()
    bench.cable.samples(5)
    now = bench.clock.monotonic_ns()
    bench.cable.put(Gap("adc.wave", 5, 3, now, now, "counter-jump"))
    bench.cable.samples(5, skip=3)
    bench.until(lambda: len(bench.rows()) == 10)
    assert bench.events("gap")[0]["n_missing"] == 3
    assert bench.hub.statuses({}, None)[0].lost == 3


def test_a_flood_of_nonsense_is_told_now_and_then_and_counted() -> None:
    gate = NoticeGate()
    said = [gate.passes(Notice("checksum", "m", t * EVERY_NS // 10, "adc.wave")) for t in range(31)]
    assert [n for n in said if n is not None] == [0, 9, 9, 9]
    assert gate.passes(Notice("tag", "m", 0)) == 0 and gate.passes(Notice("tag", "m", 0)) == 0


def test_link_quality_is_shown_while_the_link_is_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.acquire.link.FIRST_RETRY_S", LONGEST_RETRY_S)
    bench.supervisor.start()
    bench.cable.put(LinkQuality(-61, 0.98))
    bench.cable.samples(3)
    bench.until_link("streaming")
    status = bench.supervisor.status()
    assert (status.rssi_dbm, status.arrived) == (-61, 0.98)
    bench.cable.cut()
    bench.until_link("lost")
    assert bench.supervisor.status().rssi_dbm is None


def test_a_band_that_is_connected_elsewhere_is_named_with_its_station(bench: Bench) -> None:
    bench.cable.refuse = DeviceAbsent("E4 wristband C0:01 is not in range: switch it on")
    bench.supervisor.start()
    bench.until_link("lost")
    assert "C0:01" in bench.supervisor.status().error
    assert "station bed7" in bench.supervisor.status().error
