"""Two wristbands of the same name on the air: the one whose button is pressed answers with its address."""

from __future__ import annotations

import time

from air_rig import air_rig

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.devices.discovery import found_devices, radio_of
from recorder.devices.sim.ble_air import Offer
from recorder.host.pairing import Pairing, radio_bands
from recorder.protocols import e4_ble

PRESSED = b"\x01" + bytes(e4_ble.PACKET_BYTES - 1)
ADDRESSES = ("C0:00:00:00:00:0A", "C0:00:00:00:00:0B")


def offer() -> Offer:
    return Offer(
        notify={e4_ble.SENSORS: list(e4_ble.LAYOUTS), e4_ble.STATE: [e4_ble.BUTTON, e4_ble.BATTERY]},
        write={e4_ble.COMMANDS: [e4_ble.COMMAND]},
    )


def test_two_bands_of_one_name_answer_to_their_own_buttons() -> None:
    with air_rig() as rig:
        bands = [rig.add("Empatica E4", address, offer()) for address in ADDRESSES]
        config = DeviceConfig("e4-ble", "e4", {"radio": rig.radio}, simulated=True)
        found = [device.to_json() for device in found_devices(1.0, radio_of(rig.radio))]
        candidates = radio_bands(config, found, {})
        assert {band.serial.upper() for band in candidates} == set(ADDRESSES)
        pairing = Pairing(candidates, Clock())
        pairing.start()
        try:
            for pressed in (1, 0):
                deadline = time.monotonic() + 20
                while not rig.do(bands[pressed].notify(e4_ble.BUTTON, PRESSED)):
                    assert time.monotonic() < deadline, "nobody listens"
                    time.sleep(0.05)
                while not any(
                    s.presses and s.band.serial.upper() == ADDRESSES[pressed] for s in pairing.states()
                ):
                    assert time.monotonic() < deadline, pairing.states()
                    time.sleep(0.02)
            assert [s.presses for s in pairing.states()] == [1, 1]
        finally:
            pairing.stop()
