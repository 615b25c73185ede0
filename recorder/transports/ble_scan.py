"""Which Bluetooth LE devices are in range, and what it means when there is no Bluetooth."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)

from recorder.errors import DeviceAbsent, DeviceBusy, DeviceError, LinkLost
from recorder.transports.ble_loop import FINDING, LOOP, Attempt

T = TypeVar("T")
BASE: Final = "-0000-1000-8000-00805f9b34fb"
_SLACK_S: Final = 10.0
"""A system may take so much longer than asked for starting and stopping a search."""


@dataclass(frozen=True, slots=True)
class Radio:
    """Which Bluetooth is used: this system's own, or bleak backends put in its place (the virtual bedside).

    Args:
        client, scanner: for bleak's ``backend=``; None = this system's own.
    """

    client: type[BaseBleakClient] | None = None
    scanner: type[BaseBleakScanner] | None = None


SYSTEM_RADIO: Final = Radio()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device that advertises.

    Args:
        address: by which it is told from others of the same name (on macOS the system's own UUID for it).
        name: as advertised; empty if it tells none.
        rssi_dbm: strength of its newest advertisement.
        services: 16-bit UUIDs it advertises.
    """

    address: str
    name: str
    rssi_dbm: int
    services: tuple[int, ...] = ()


Seen = tuple[BLEDevice, AdvertisementData]


def short_uuid(uuid: str) -> int | None:
    """The 16-bit form of a UUID under the Bluetooth base UUID, else None."""
    text = uuid.lower()
    return int(text[4:8], 16) if text.startswith("0000") and text.endswith(BASE) else None


def long_uuid(short: int) -> str:
    """The text form of a 16-bit UUID."""
    return f"0000{short:04x}{BASE}"


def sighting(seen: Seen) -> Sighting:
    """What bleak told of a device."""
    device, told = seen
    services = (short_uuid(uuid) for uuid in told.service_uuids)
    return Sighting(
        device.address,
        told.local_name or device.name or "",
        told.rssi,
        tuple(service for service in services if service is not None),
    )


def scan(seconds: float, radio: Radio = SYSTEM_RADIO) -> list[Sighting]:
    """Everything that advertises within ``seconds``, strongest first. A connected device usually does not.

    Raises:
        DeviceError: there is no Bluetooth, it is off or not allowed; the message tells which and what to do.
    """
    found = run(search(lambda _: True, 0.0, seconds, radio), seconds + _SLACK_S, "Search for devices")
    return sorted((sighting(seen) for seen in found), key=lambda s: (-s.rssi_dbm, s.address))


async def search(
    wanted: Callable[[Sighting], bool], patience_s: float, settle_s: float, radio: Radio
) -> list[Seen]:
    """Devices that are ``wanted``: waits ``patience_s`` for the first, then ``settle_s`` for others like it."""
    seen: dict[str, Seen] = {}
    first = asyncio.Event()

    def detected(device: BLEDevice, told: AdvertisementData) -> None:
        if wanted(sighting((device, told))):
            seen[device.address] = (device, told)
            first.set()

    async with FINDING, BleakScanner(detected, backend=radio.scanner):
        if patience_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(first.wait(), patience_s)
        if seen or not patience_s:
            await asyncio.sleep(settle_s)
    return list(seen.values())


def run(work: Coroutine[Any, Any, T], timeout_s: float, what: str, attempt: Attempt | None = None) -> T:
    """Do ``work`` on the Bluetooth thread; whatever goes wrong is told as an operator needs it.

    Args:
        what: who or what it is about, the beginning of the message.
        attempt: lets another thread end it.

    Raises:
        DeviceError: see :func:`refusal`.
    """
    try:
        return LOOP.run(work, timeout_s, what, attempt)
    except DeviceError:
        raise
    except (BleakError, OSError, EOFError, TimeoutError) as error:
        raise refusal(what, error) from error
    except Exception as error:
        if not type(error).__module__.startswith("dbus_fast"):  # Linux only; none of them is a BleakError
            raise
        raise refusal(what, error) from error


def refusal(what: str, error: Exception) -> DeviceError:
    """What an error of bleak or of the system's Bluetooth means to an operator."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, BleakBluetoothNotAvailableError):
        return DeviceError(f"{what}: {_UNAVAILABLE.get(error.reason, _NO_BLUETOOTH)}")
    if isinstance(error, BleakDeviceNotFoundError):
        return DeviceAbsent(f"{what} went out of reach: bring it near this computer; trying again")
    if isinstance(error, BleakDBusError):
        return _dbus_refusal(what, error, text)
    if isinstance(error, TimeoutError):
        return LinkLost(f"{what} did not answer in time: bring it near this computer; trying again")
    if isinstance(error, BleakError):
        return LinkLost(
            f"{what} broke the Bluetooth link ({text}): bring it near this computer; trying again"
        )
    return DeviceError(f"{what}: {_NO_BLUETOOTH}")  # bleak passes on a bare FileNotFoundError without D-Bus


def _dbus_refusal(what: str, error: BleakDBusError, text: str) -> DeviceError:
    name = error.dbus_error
    if name.endswith((".ServiceUnknown", ".NameHasNoOwner", ".UnknownObject")):
        return DeviceError(f"{what}: {_NO_BLUETOOTH}")
    if name.endswith(".NotReady"):
        return DeviceError(f"{what}: {_UNAVAILABLE[BleakBluetoothNotAvailableReason.POWERED_OFF]}")
    if name.endswith((".AccessDenied", ".NotPermitted", ".NotAuthorized")):
        return DeviceError(f"{what}: {_UNAVAILABLE[BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM]}")
    if name.endswith((".InProgress", ".AlreadyConnected")):
        return DeviceBusy(
            f"{what}: another program of this computer is connecting to it: close that program; if there is"
            " none, switch Bluetooth off and on again"
        )
    return LinkLost(f"{what} broke the Bluetooth link ({text}): bring it near this computer; trying again")


_NO_BLUETOOTH: Final = (
    "this computer has no working Bluetooth: plug in or switch on a Bluetooth adapter (on Linux start its service:"
    " systemctl start bluetooth), or connect the device another way"
)
_UNAVAILABLE: Final = {
    BleakBluetoothNotAvailableReason.POWERED_OFF: "Bluetooth of this computer is switched off: switch it on",
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "the Bluetooth adapter of this computer is too old for Low Energy: plug in another one"
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: (
        "HemoView may not use Bluetooth: allow it in the privacy settings of this computer"
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: (
        "this computer's rules forbid Bluetooth to this user: ask its administrator"
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: (
        "HemoView may not use Bluetooth: allow it in the settings of this computer"
    ),
}
