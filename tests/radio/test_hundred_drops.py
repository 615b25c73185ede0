"""The peripheral drops its link a hundred times: as many reconnects, each a gap with its cause, and the wristband's
own counters prove that nothing went missing unsaid.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from radio_bed import E4, HR, RadioBed, on_air, radio_bed

from recorder import session
from recorder.protocols import e4_ble
from recorder.protocols.gatt_packets import GattPacket, PacketKind, packets_of_rows

DROPS = 100
SEED = 20261128
SPEED = 4.0
"""The supervisor's back-off, the emulators and every limit run on one clock, four times as fast."""


def sensor_packets(stored: session.Session) -> dict[int, list[GattPacket]]:
    """Raw packets of each sensor, in order."""
    found: dict[int, list[GattPacket]] = {uuid: [] for uuid in e4_ble.LAYOUTS}
    for packet in packets_of_rows(stored.read("e4.raw").raw):
        if packet.kind is PacketKind.NOTIFY and packet.characteristic in found:
            found[packet.characteristic].append(packet)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_dropped_links_are_a_hundred_reconnects_and_nothing_is_lost_unsaid(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    with radio_bed(tmp_path, speed=SPEED) as bed:
        band, strap = bed.air.bands[0].peripheral, bed.air.strap
        assert strap is not None
        bed.use(on_air(bed.air, E4, "e4"), on_air(bed.air, HR, "hr"))
        bed.until(lambda: all(s.state != "never-seen" for s in bed.status().streams), 30)
        folder = bed.start()
        for _ in range(DROPS):
            _until_more(bed, "e4.acc", 12)
            _until_more(bed, "e4.optical", 11)
            if rng.random() < 0.3:  # some losses inside a link as well, which only the counters can tell
                bed.air.bands[0].swallow(e4_ble.ACC, rng.randint(1, 4))
                _until_more(bed, "e4.acc", 30)
            n_connections = band.n_connections
            bed.air.do(band.drop())
            bed.until(lambda: band.n_connections > n_connections, 30)  # noqa: B023
        bed.until(lambda: bed.link("e4").state == "streaming", 30)
        _until_more(bed, "e4.temp", 16)
        assert band.n_connections >= DROPS + 1
        assert strap.peripheral.n_connections == 1, "the other device was left alone"
        lost_links = [e for e in bed.events("link") if e["device_id"] == "e4" and e["state"] == "lost"]
        assert sum("dropped the Bluetooth link" in e["cause"] for e in lost_links) == DROPS
        assert all(E4.address in e["cause"] for e in lost_links)
        bed.ask("stop", reason="done")
        swallowed = bed.air.tally.overrun["e4.acc"]
        sent = Counter(bed.air.tally.sent)
    assert session.verify(folder).ok
    with session.open(folder) as stored:
        for layout in e4_ble.LAYOUTS.values():
            stream_id = f"e4.{layout.name}"
            causes = Counter(gap.cause for gap in stored.gaps(stream_id))
            if layout.rate_hz > 4:
                assert DROPS <= causes["link-lost"] <= len(lost_links), causes
            else:  # a packet each 1.5 or 2 s: where none came between two drops they are one gap
                assert 0 < causes["link-lost"] <= len(lost_links), causes
            assert 0 < len(stored.read(stream_id)) <= sent[stream_id]
        assert swallowed > 0
        _check_by_counters(stored, swallowed)
        for stream_id in ("hr.hr", "hr.raw"):
            assert stored.gaps(stream_id) == (), "the strap never lost its link"


def _until_more(bed: RadioBed, stream_id: str, n_samples: int) -> None:
    target = bed.stream(stream_id).received + n_samples
    bed.until(lambda: bed.stream(stream_id).received >= target, 30)


def _check_by_counters(stored: session.Session, swallowed: int) -> None:
    """The wristband numbers its packets whether it is connected or not. So the counters of two packets that follow one
    another say how many lay between, and every such step must be told exactly there: by a hole in the numbering of that
    size with its gap, or by a gap that says the number is not known. How late this computer stamped decides which of
    the two, and never whether anything is told: no limit in seconds stands here.
    """
    for uuid, packets in sensor_packets(stored).items():
        layout = e4_ble.LAYOUTS[uuid]
        counters = [e4_ble.decode(uuid, p.data).counter for p in packets]  # type: ignore[union-attr]
        rows = stored.read(f"e4.{layout.name}")
        assert len(rows) == len(packets) * layout.n, "what came raw was decoded"
        numbers = rows.sample_no.reshape(-1, layout.n)
        assert (np.diff(numbers, axis=1) == 1).all(), "a packet is whole"
        gaps = {gap.first_missing_no: gap for gap in stored.gaps(rows.info.stream_id)}
        told = set()
        for n in range(1, len(packets)):
            first_missing = int(numbers[n - 1, -1]) + 1
            hole, lost = (
                int(numbers[n, 0]) - first_missing,
                (counters[n] - counters[n - 1] - 1) % layout.modulo,
            )
            gap = gaps.get(first_missing)
            assert hole >= 0 and hole % layout.n == 0
            if hole:
                assert gap is not None and gap.n_missing == hole, (n, hole, gap)
                assert hole // layout.n % layout.modulo == lost, (n, hole, lost, gap)
            elif lost:
                assert gap is not None and gap.n_missing is None, (n, lost, gap)
            if gap is not None:
                told.add(first_missing)
                assert gap.cause in ("link-lost", "counter-jump", "overrun", "counter-reset"), gap
        # a gap that lasted when the session began lies before its first row
        first, last = int(numbers[0, 0]), int(numbers[-1, -1])
        assert told == {no for no in gaps if first < no <= last}, "no gap is invented"
        if uuid == e4_ble.ACC:
            inside = [gap for gap in gaps.values() if gap.cause == "counter-jump"]
            assert inside
            assert sum(gap.n_missing or 0 for gap in inside) <= swallowed
