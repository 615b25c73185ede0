"""Radio devices in range, as an operator tells them apart: name, address, strength, and which driver fits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from recorder.errors import ConfigError
from recorder.transports.ble_scan import SYSTEM_RADIO, Radio, Sighting, scan

E4_NAME: Final = "Empatica E4"
"""Beginning of a wristband's advertised name. Its service 3ea0 alone proves nothing: others advertise it too."""
HEART_RATE_SERVICE: Final = 0x180D
SCAN_S: Final = 5.0
LONGEST_SCAN_S: Final = 60.0
VIRTUAL: Final = "virtual:"


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """One device in range.

    Args:
        address: what a template's ``address`` option holds; two of the same name differ in it.
        name: as advertised.
        rssi_dbm: strength of its advertisement; −50 is beside you, −90 is the end of its reach.
        kind: driver that fits, a key of the registry; empty where none does.
    """

    address: str
    name: str
    rssi_dbm: int
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def kind_of(seen: Sighting) -> str:
    """Which driver fits; the device itself is asked only once it is connected."""
    if seen.name.startswith(E4_NAME):
        return "e4-ble"
    return "ble-hr" if HEART_RATE_SERVICE in seen.services else ""


def found_devices(seconds: float = SCAN_S, radio: Radio = SYSTEM_RADIO) -> list[FoundDevice]:
    """What advertises within ``seconds``: those with a driver first, then by strength. A device that is connected,
    here or elsewhere, does not advertise.

    Raises:
        ConfigError: not 0 to 60 s.
        DeviceError: no Bluetooth; the message tells why and what to do.
    """
    if not 0 < seconds <= LONGEST_SCAN_S:
        raise ConfigError(
            f"Search for devices: {seconds:g} s must be more than 0, at most {LONGEST_SCAN_S:g}"
        )
    found = [FoundDevice(s.address, s.name, s.rssi_dbm, kind_of(s)) for s in scan(seconds, radio)]
    return sorted(found, key=lambda device: not device.kind)


def radio_of(name: str) -> Radio:
    """The Bluetooth that ``name`` asks for: empty = this computer's; ``virtual:HOST:PORT`` = a virtual bedside.

    Raises:
        ConfigError: neither, or the virtual radio is not installed.
    """
    if not name:
        return SYSTEM_RADIO
    host, _, port = name.removeprefix(VIRTUAL).rpartition(":")
    if not name.startswith(VIRTUAL) or not host or not port.isdigit():
        raise ConfigError(f"Bluetooth {name!r} is unknown: leave it empty for this computer's own")
    try:
        from recorder.devices.sim.ble_backend import virtual_radio  # noqa: PLC0415 (needs bumble)
    except ImportError as error:
        raise ConfigError(
            f"Bluetooth {name}: the virtual radio needs the package bumble: install it"
        ) from error
    return virtual_radio(host, int(port))
