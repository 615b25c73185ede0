"""Two emulated wristbands by radio on one station: the button of each lights its own card and is stored."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from radio_bed import E4, RadioBed, on_air, radio_bed

from hemoview.viewmodel.devices.page import CardView, resolve_devices
from hemoview.viewmodel.live.model import LiveModel
from recorder import session
from recorder.devices.sim.config import E4BleConfig

OTHER = E4BleConfig(address="C0:00:00:00:00:E5")


def cards(bed: RadioBed, model: LiveModel) -> dict[str, CardView]:
    """As a window that has just heard everything shows them."""
    model.take([bed.status()])
    model.described(bed.ask("describe"))
    model.events_told(bed.ask("events", since=0))
    return {card.device_id: card for card in resolve_devices(model.facts()).cards}


def test_each_band_lights_its_own_card(tmp_path: Path) -> None:
    with radio_bed(tmp_path, e4=(E4, OTHER), hr=None) as bed:
        bed.use(on_air(bed.air, E4, "e4"), on_air(bed.air, OTHER, "e42"))
        bed.until(lambda: all(link.state == "streaming" for link in bed.status().links), 30)
        folder = bed.start()
        model = LiveModel(bed.clock, client="window")
        assert all(card.has_button and card.answered is None for card in cards(bed, model).values())
        for number, (lit, config) in enumerate((("e42", OTHER), ("e4", E4)), start=1):
            bed.air.do(bed.air.bands[1 if lit == "e42" else 0].press())
            bed.until(lambda n=number: len(bed.events("marker")) == n)  # type: ignore[misc]
            answered = cards(bed, model)[lit].answered
            assert answered is not None and answered.as_dict()["serial"] == config.address
            assert answered.id == "device-answered-recorded"
        details = {m.id for m, _ in cards(bed, model)["e4"].details}
        assert {"device-battery", "device-arrived", "device-rssi"} <= details
        assert "device-experimental" in {w.id for w in cards(bed, model)["e4"].warnings}
        bed.ask("stop", reason="done")
    with session.open(folder) as stored:
        told = [(e.payload["device_id"], e.payload["serial"]) for e in stored.events("marker")]
        assert told == [("e42", OTHER.address), ("e4", E4.address)]
