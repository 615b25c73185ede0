"""From an emulated peripheral's GATT table to a verified session: bumble → bleak → driver → supervisor → store."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from radio_bed import E4, HR, on_air, radio_bed

from recorder import session
from recorder.devices.sim.config import E4BleConfig
from recorder.protocols import e4_ble, heart_rate
from recorder.protocols.gatt_packets import PacketKind, packets_of_rows


def test_a_wristband_and_a_strap_are_recorded_whole(tmp_path: Path) -> None:
    with radio_bed(tmp_path, speed=4.0) as bed:
        bed.use(on_air(bed.air, E4, "e4"), on_air(bed.air, HR, "hr"))
        bed.until(lambda: bed.link("e4").state == bed.link("hr").state == "streaming", 20)
        bed.until(lambda: all(s.state != "never-seen" for s in bed.status().streams), 20)
        folder = bed.start()
        bed.until(lambda: bed.stream("e4.acc").received >= 32 * 8, 30)
        bed.air.do(bed.air.bands[0].press())
        bed.until(lambda: "tag" in bed.notices())
        link = bed.link("e4")
        assert (link.rssi_dbm, link.arrived, link.battery) == (-50, 1.0, 0.9)
        assert link.serial == E4.address
        assert "experimental" in link.product
        bed.ask("stop", reason="done")
    report = session.verify(folder)
    assert report.ok, report
    with session.open(folder) as stored:
        assert stored.header.devices
        for stream_id in ("e4.optical", "e4.acc", "e4.eda", "e4.temp"):
            info = stored.streams[stream_id]
            assert (info.origin, info.metadata["status"]) == ("simulated", "experimental")
            assert stored.gaps(stream_id) == ()
        assert "not Empatica BVP" in stored.streams["e4.optical"].metadata["note"]
        assert stored.streams["e4.temp"].metadata["temp_variant"] == "B"
        # what was decoded is what decoding the stored raw packets again gives
        packets = packets_of_rows(stored.read("e4.raw").raw)
        for uuid, layout in e4_ble.LAYOUTS.items():
            mine = [p for p in packets if p.characteristic == uuid and p.kind is PacketKind.NOTIFY]
            again = np.concatenate([e4_ble.decode(uuid, p.data).values for p in mine])
            kept = stored.read(f"e4.{layout.name}").raw
            if uuid == e4_ble.EDA:
                again = e4_ble.conductance_us(again)
            assert np.array_equal(kept, again), layout.name
        measured = [
            heart_rate.decode(p.data)
            for p in packets_of_rows(stored.read("hr.raw").raw)
            if p.characteristic == heart_rate.MEASUREMENT
        ]
        assert [m.bpm for m in measured] == stored.read("hr.hr").raw[:, 0].tolist()
        assert [v for m in measured for v in m.rr_1024] == stored.read("hr.rr").raw[:, 0].tolist()
        markers = [event.payload for event in stored.events("marker")]
        assert [(m["label"], m["source"]) for m in markers] == [("tag", "e4-tag")]
        temp = stored.read("e4.temp").values
        assert 25 < np.nanmedian(temp) < 40
        assert 0.9 < np.median(np.linalg.norm(stored.read("e4.acc").values, axis=1)) < 1.1


def test_packets_the_band_swallows_are_gaps_of_that_size(tmp_path: Path) -> None:
    with radio_bed(tmp_path, hr=None) as bed:
        bed.use(on_air(bed.air, E4, "e4"))
        bed.until(lambda: bed.link("e4").state == "streaming")
        bed.until(lambda: bed.stream("e4.acc").received >= 6 * 8)
        bed.air.bands[0].swallow(e4_ble.ACC, 3)
        bed.until(lambda: bed.stream("e4.acc").lost == 18)
        (gap,) = [g for g in bed.events("gap") if g["stream_id"] == "e4.acc"]
        assert (gap["n_missing"], gap["cause"]) == (18, "counter-jump")
        bed.until(lambda: (bed.link("e4").arrived or 1) < 1)


def test_the_start_command_a_band_wants_is_advised_and_works(tmp_path: Path) -> None:
    with radio_bed(tmp_path, e4=(E4BleConfig(start_variant="B"),), hr=None, speed=4.0) as bed:
        bed.use(on_air(bed.air, E4, "e4"))
        bed.until(lambda: "no-data" in bed.notices(), 20)
        (notice,) = [n for n in bed.events("notice") if n["kind"] == "no-data"]
        assert "set start_variant = B" in notice["message"]
        bed.use(on_air(bed.air, E4, "e4", start_variant="B"))
        bed.until(lambda: bed.link("e4").state == "streaming", 20)
        assert [len(c) for c in bed.air.bands[0].commands] == [5, 1]


def test_two_bands_of_one_name_are_named_and_the_chosen_one_is_recorded(tmp_path: Path) -> None:
    other = E4BleConfig(address="C0:00:00:00:00:E5")
    with radio_bed(tmp_path, e4=(E4, other), hr=None) as bed:
        bed.use(on_air(bed.air, E4, "e4", address=""))
        bed.until(lambda: bed.link("e4").state == "lost", 20)
        assert E4.address in bed.link("e4").error
        assert other.address in bed.link("e4").error
        found = bed.ask("scan", seconds=0.6, radio=bed.air.radio)["found"]
        assert sorted(d["address"] for d in found) == [E4.address, other.address]
        bed.use(on_air(bed.air, other, "e4"))
        bed.until(lambda: bed.link("e4").state == "streaming", 20)
        assert bed.link("e4").serial == other.address
        assert bed.air.bands[0].peripheral.n_connections == 0


def test_no_bluetooth_is_shown_in_words_and_other_devices_go_on(tmp_path: Path) -> None:
    with radio_bed(tmp_path) as bed:
        gone = on_air(bed.air, E4, "e4", radio="virtual:127.0.0.1:1")
        bed.use(gone, on_air(bed.air, HR, "hr"))
        bed.until(lambda: bed.link("e4").state == "lost" and bed.link("hr").state == "streaming", 20)
        assert "no working Bluetooth: plug in" in bed.link("e4").error
        answer = bed.ask("scan", seconds=0.2, radio="virtual:127.0.0.1:1")
        assert answer["found"] == []
        assert "Bluetooth" in answer["error"]


def test_a_search_does_not_hold_up_a_change_of_devices(tmp_path: Path) -> None:
    with radio_bed(tmp_path, e4=(), hr=HR) as bed:
        bed.use(on_air(bed.air, E4, "e4"))
        bed.until(lambda: bed.link("e4").state == "scanning")
        bed.use(on_air(bed.air, HR, "hr"))
        assert "device-e4" not in {thread.name for thread in threading.enumerate()}
        bed.until(lambda: bed.link("hr").state == "streaming", 20)
