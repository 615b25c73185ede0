"""The hub: journal before bus, numbers never used twice, gaps merged, events stored once."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from scripted import wave_stream

from recorder.acquire.hub import Hub
from recorder.clock import begin_era
from recorder.errors import ConfigError, StorageError
from recorder.schema import Channel, DeviceInfo, Event, Gap, SampleBlock, StreamInfo
from recorder.testing.clock import FakeClock

DEVICE = DeviceInfo("adc", "Scripted ADC")
WAVE = wave_stream("adc")


class FakeJournal:
    """Notes what it is given in the common order of journal and bus."""

    def __init__(self, order: list) -> None:
        self.order, self.items, self.refuse = order, [], False

    def put(self, item: object) -> None:
        if self.refuse:
            raise StorageError("full")
        self.items.append(item)
        self.order.append(("journal", item))


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.order: list = []
        self.hub = Hub(self.clock, begin_era(self.clock), lambda item: self.order.append(("bus", item)))
        self.hub.add_device(DEVICE, [WAVE], 1.0)
        self.journal = FakeJournal(self.order)

    def record(self, rows: dict | None = None, next_no: dict | None = None) -> None:
        era = begin_era(self.clock)
        self.hub.attach(self.journal, era, rows or {}, next_no or {})  # type: ignore[arg-type]

    def block(self, first: int, n: int = 10) -> None:
        values = np.zeros((n, 1), np.int32)
        self.hub.block(SampleBlock("adc.wave", first, values, self.clock.monotonic_ns()))

    def stored(self, kind: type) -> list:
        return [item for item in self.journal.items if isinstance(item, kind)]

    def gaps(self) -> list[dict]:
        return [e.payload for e in self.stored(Event) if e.kind == "gap"]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_every_block_and_event_goes_to_the_journal_first(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.hub.event("notice", {"kind": "x"})
    seen = [(place, type(item)) for place, item in bench.order if isinstance(item, SampleBlock | Event)]
    assert seen == [("journal", SampleBlock), ("bus", SampleBlock), ("journal", Event), ("bus", Event)]


def test_without_a_session_the_bus_goes_on_and_nothing_is_stored(bench: Bench) -> None:
    bench.block(0)
    assert [place for place, _ in bench.order] == ["bus"]
    assert bench.hub.statuses({}, None)[0].received == 10


def test_a_journal_that_refuses_ends_recording_but_not_the_devices(bench: Bench) -> None:
    bench.record()
    bench.journal.refuse = True
    bench.block(0)
    bench.block(10)
    assert [item.first_sample_no for place, item in bench.order if place == "bus"] == [0, 10]


def test_streams_and_devices_are_declared_before_their_samples_late_ones_too(bench: Bench) -> None:
    bench.record()
    assert bench.journal.items == [DEVICE, WAVE]
    late = DeviceInfo("e4", "Late band")
    bench.hub.add_device(late, [wave_stream("e4")], 1.0)
    assert bench.journal.items[2:] == [late, wave_stream("e4")]


def test_counts_begin_with_the_session_numbers_do_not(bench: Bench) -> None:
    bench.block(0, 500)
    bench.record()
    bench.block(500)
    block = bench.stored(SampleBlock)[0]
    assert block.first_sample_no == 500
    assert bench.hub.statuses({"adc.wave": 4}, 1.5)[0].received == 10
    assert bench.hub.statuses({"adc.wave": 4}, 1.5)[0].on_disk == 4


def test_a_source_that_counts_from_zero_again_goes_on_where_the_stream_ended(bench: Bench) -> None:
    bench.record(rows={"adc.wave": 70}, next_no={"adc.wave": 100})
    bench.block(0)
    bench.block(10)
    bench.block(25)  # five were lost on the way: the hole stays a hole
    assert [b.first_sample_no for b in bench.stored(SampleBlock)] == [100, 110, 125]
    assert bench.hub.statuses({}, None)[0].received == 70 + 30


def test_the_driver_s_gap_is_told_in_the_stream_s_numbers(bench: Bench) -> None:
    bench.record(next_no={"adc.wave": 100})
    bench.block(0)
    bench.hub.gap(Gap("adc.wave", 10, 5, bench.clock.now_ns, bench.clock.now_ns, "counter-jump"))
    assert bench.gaps()[0]["first_missing_no"] == 110 and bench.gaps()[0]["n_missing"] == 5


def test_a_gap_is_stored_when_it_begins_and_again_when_it_ends(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.clock.advance(3)
    bench.hub.judge()
    bench.hub.link_lost("adc", "cable out")
    bench.clock.advance(7)
    bench.block(10)
    keys = {(g["era"], g["first_missing_no"], g["t0_host_ns"]) for g in bench.gaps()}
    assert len(keys) == 1  # the store takes the later one for the former
    assert [(g["cause"], g["t1_host_ns"] is None) for g in bench.gaps()] == [
        ("silent", True),
        ("link-lost", True),
        ("link-lost", False),
    ]
    order = [type(item) for item in bench.journal.items[-2:]]
    assert order == [Event, SampleBlock]  # the gap's end is stored before the sample that ended it


BATTERY = StreamInfo("adc.battery", "adc", "numeric", (Channel("battery", "1"),), "float64", None, "battery")


def with_battery(bench: Bench) -> None:
    """A row of battery at the begin, then a second of the regular stream every second for 40 s."""
    bench.hub.add_device(DEVICE, [WAVE, BATTERY], 1.0)
    bench.record()
    bench.hub.block(SampleBlock("adc.battery", 0, np.ones((1, 1)), bench.clock.monotonic_ns()))
    for first in range(0, 400, 10):
        bench.clock.advance(1.0)
        bench.block(first)


def gaps_of(bench: Bench, stream_id: str) -> list[dict]:
    return [gap for gap in bench.gaps() if gap["stream_id"] == stream_id]


def test_rows_that_come_seldom_are_missing_only_while_their_link_was_lost(bench: Bench) -> None:
    with_battery(bench)
    last = bench.clock.monotonic_ns()
    bench.clock.advance(0.5)
    bench.hub.link_lost("adc", "cable out")
    bench.clock.advance(0.7)
    bench.block(400)
    gap = gaps_of(bench, "adc.battery")[-1]
    assert (gap["t0_host_ns"], gap["t1_host_ns"]) == (last, bench.clock.monotonic_ns())
    bench.clock.advance(20)
    bench.hub.block(SampleBlock("adc.battery", 1, np.ones((1, 1)), bench.clock.monotonic_ns()))
    assert gaps_of(bench, "adc.battery")[-1] == gap


def test_after_a_restart_rows_that_come_seldom_are_missing_since_the_device_was_last_heard(
    bench: Bench,
) -> None:
    with_battery(bench)
    now = bench.clock.monotonic_ns()
    era = begin_era(bench.clock, 1, "recorder-restart")
    bench.hub.resume(era, {"adc.wave": now - 3 * 10**9, "adc.battery": now - 41 * 10**9})
    assert gaps_of(bench, "adc.battery")[-1]["t0_host_ns"] == now - 3 * 10**9
    assert gaps_of(bench, "adc.wave")[-1]["t0_host_ns"] == now - 3 * 10**9


def test_a_device_that_stays_away_over_a_restart_is_lost_since_its_last_sample(bench: Bench) -> None:
    bench.record({"adc.wave": 400}, {"adc.wave": 400})
    era = begin_era(bench.clock, 1, "recorder-restart")
    bench.hub.resume(era, {"adc.wave": bench.clock.monotonic_ns() - 12 * 10**9})
    bench.hub.link_lost("adc", "nothing listens")
    bench.clock.advance(3)
    (wave,) = (s for s in bench.hub.statuses({}, None) if s.stream_id == "adc.wave")
    assert (wave.state, wave.cause, wave.last_age_s) == ("lost", "nothing listens", pytest.approx(15.0))
    (gap,) = gaps_of(bench, "adc.wave")
    assert gap["cause"] == "recorder-restart" and gap["t1_host_ns"] is None
    bench.block(400)
    (_, ended) = gaps_of(bench, "adc.wave")
    assert ended["t1_host_ns"] == bench.clock.monotonic_ns() and ended["cause"] == "recorder-restart"


def test_detaching_ends_the_gaps_that_last_and_records_no_more(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.clock.advance(5)
    bench.hub.judge()
    bench.hub.detach(bench.clock.monotonic_ns())
    stored = len(bench.journal.items)
    assert bench.gaps()[-1]["t1_host_ns"] == bench.clock.monotonic_ns()
    bench.block(10)
    assert len(bench.journal.items) == stored


def test_an_event_with_the_same_id_is_stored_once(bench: Bench) -> None:
    bench.record()
    first = bench.hub.event("marker", {"label": "a"}, event_id="x")
    again = bench.hub.event("marker", {"label": "a"}, event_id="x")
    assert first == again and len(bench.stored(Event)) == 1
    assert bench.hub.event_kinds["marker"] == 1


def test_events_can_be_asked_for_from_any_number(bench: Bench) -> None:
    for n in range(5):
        bench.hub.event("notice", {"n": n})
    assert bench.hub.event_no == 5
    assert [e.payload["n"] for e in bench.hub.events_since(3)] == [3, 4]


def test_a_new_era_stamps_what_comes_and_leaves_a_gap_with_its_cause(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.clock.suspend(60)
    era = begin_era(bench.clock, 1, "resume")
    bench.hub.begin_era(era, "suspend", "slept 60 s")
    bench.clock.advance(0.2)
    bench.block(10)
    assert [b.era for b in bench.stored(SampleBlock)] == [0, 1]
    assert bench.gaps()[-1]["cause"] == "suspend" and bench.gaps()[-1]["era"] == 1
    position = [type(item).__name__ for item in bench.journal.items]
    assert position.index("ClockEra") < len(position) - 1


def test_a_gap_that_lasts_ends_with_its_era(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.clock.advance(5)
    bench.hub.judge()
    bench.hub.begin_era(begin_era(bench.clock, 1, "resume"), "suspend", "slept")
    assert [(g["era"], g["cause"], g["t1_host_ns"] is None) for g in bench.gaps()] == [
        (0, "silent", True),
        (0, "silent", False),
        (1, "suspend", True),
    ]


def test_a_device_taken_out_leaves_with_the_session(bench: Bench) -> None:
    bench.record()
    bench.block(0)
    bench.hub.remove_device("adc")
    assert "adc.wave" in bench.hub.streams
    bench.hub.detach(bench.clock.monotonic_ns())
    assert "adc.wave" not in bench.hub.streams and bench.hub.statuses({}, None) == ()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.zeros((3, 2), np.int32), "2 columns of int32"),
        (np.zeros((3, 1), np.float64), "1 columns of float64"),
    ],
)
def test_a_block_with_other_columns_never_reaches_the_journal(
    bench: Bench, values: np.ndarray, why: str
) -> None:
    bench.record()
    with pytest.raises(ConfigError, match=why):
        bench.hub.block(SampleBlock("adc.wave", 0, values, 0))
    assert bench.stored(SampleBlock) == []


def test_a_block_of_an_unknown_stream_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ConfigError, match=r"unknown stream edge\.est"):
        bench.hub.block(SampleBlock("edge.est", 0, np.zeros((1, 1), np.float32), 0))


def test_a_stream_being_recorded_cannot_change_its_columns(bench: Bench) -> None:
    bench.record()
    other = replace(WAVE, channels=(*WAVE.channels, Channel("b", "V")))
    with pytest.raises(ConfigError, match=r"adc\.wave: is being recorded with other columns"):
        bench.hub.add_streams([other])


def test_derived_rows_arrive_now_and_keep_what_they_are_about(bench: Bench) -> None:
    est = StreamInfo("edge.est", "edge", "numeric", (Channel("SBP", "mmHg"),), "float32", None, "estimate")
    bench.hub.add_streams([est])
    bench.record()
    about = np.array([7], np.int64)
    bench.hub.derived(SampleBlock("edge.est", 0, np.ones((1, 1), np.float32), 7, row_t_host_ns=about), 99)
    block = bench.stored(SampleBlock)[0]
    assert block.t_host_ns == 99 and block.row_t_host_ns.tolist() == [7]


def test_many_threads_keep_one_order_in_journal_and_bus(bench: Bench) -> None:
    for name in "abcd":
        bench.hub.add_device(DeviceInfo(name, "x"), [wave_stream(name)], 1.0)
    bench.record()

    def send(name: str) -> None:
        for n in range(100):
            bench.hub.block(SampleBlock(f"{name}.wave", n, np.zeros((1, 1), np.int32), n))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = [item for place, item in bench.order if place == "journal" and isinstance(item, SampleBlock)]
    bus = [item for place, item in bench.order if place == "bus"]
    assert len(journal) == 400 and all(a is b for a, b in zip(journal, bus, strict=True))
    for name in "abcd":
        assert [b.first_sample_no for b in journal if b.stream_id == f"{name}.wave"] == list(range(100))
