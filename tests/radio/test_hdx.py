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
                assert causes["link-lost"] == DROPS, causes
            else:  # a packet each 1.5 or 2 s: where none came between two drops they are one gap
                assert 0 < causes["link-lost"] <= DROPS, causes
            assert 0 < len(stored.read(stream_id)) <= sent[stream_id]
        assert swallowed > 0
        _check_by_counters(stored, swallowed)
        for stream_id in ("hr.hr", "hr.raw"):
            assert stored.gaps(stream_id) == (), "the strap never lost its link"


def _until_more(bed: RadioBed, stream_id: str, n_samples: int) -> None:
    target = bed.stream(stream_id).received + n_samples
    bed.until(lambda: bed.stream(stream_id).received >= target, 30)


def _check_by_counters(stored: session.Session, swallowed: int) -> None:
    """The wristband numbers its packets whether it is connected or not. So between the first and the last packet
    its counter says how many there were; rows and counted gaps must make exactly that, stream by stream where the
    counter is long enough to be recognised after a reconnect.
    """
    for uuid, packets in sensor_packets(stored).items():
        layout = e4_ble.LAYOUTS[uuid]
        stream_id = f"e4.{layout.name}"
        counters = [e4_ble.decode(uuid, p.data).counter for p in packets]  # type: ignore[union-attr]
        steps = np.diff(counters) % layout.modulo
        missing_by_counter = int((steps - 1).sum()) * layout.n
        rows = stored.read(stream_id)
        assert len(rows) == len(packets) * layout.n, "what came raw was decoded"
        first_no, last_no = int(rows.sample_no[0]), int(rows.sample_no[-1])
        # a gap that lasted when the session began lies before its first row
        gaps = [gap for gap in stored.gaps(stream_id) if first_no < gap.first_missing_no <= last_no]
        holes = last_no + 1 - first_no - len(rows)
        counted = sum(gap.n_missing or 0 for gap in gaps)
        assert holes == counted
        # every step over one lies in a stored gap
        assert len(gaps) >= int((steps != 1).sum())
        if layout.modulo >= 65536:
            unknown = [gap for gap in gaps if gap.n_missing is None]
            assert not unknown, (stream_id, unknown[:3])
            assert counted == missing_by_counter
        if uuid == e4_ble.ACC:
            inside = sum(gap.n_missing or 0 for gap in gaps if gap.cause == "counter-jump")
            assert 0 < inside <= swallowed
