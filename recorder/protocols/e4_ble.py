"""What an Empatica E4 sends over Bluetooth LE, as found out by others: profile ``e4-ble-re-v1``. EXPERIMENTAL.

This is not the maker's specification; there is none in public. UUIDs, packet layouts and the start command are facts
that several independent reverse-engineering projects report (ismaelwarnants/e4-python-server and its fork,
mountainaught/sympatica, plotting scripts, a C# service dump). They are written anew here from those descriptions and
from test vectors of our own; no code and no filter of those projects or of the maker was taken over. Nothing here was
run against a real wristband. How sure each part is: UUIDs high, acceleration fair, conductance and temperature layout
fair, absolute temperature, optical packing, battery and button low. Raw packets are therefore always stored beside
what is decoded here.

A wristband needs no bonding and has no known stop command: it stops when the link is closed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

PROFILE: Final = "e4-ble-re-v1"
SENSORS, OPTICAL, ACC, TEMP, EDA = 0x3EA0, 0x3EA1, 0x3EA3, 0x3EA6, 0x3EA8
COMMANDS, COMMAND = 0x3E70, 0x3E71
STATE, BUTTON, BATTERY = 0x3EB0, 0x3EB2, 0x3EB3
PACKET_BYTES: Final = 20

StartVariant = Literal["A", "B"]
TempVariant = Literal["A", "B"]
TEMP_SCALE: Final = 0.02
TEMP_OFFSETS_CEL: Final[dict[TempVariant, float]] = {"A": -276.0 + 0.46, "B": -273.15}
"""Two families of projects disagree by 2.39 °C; neither is confirmed. B is what a count of 0.02 K would give."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of packet.

    Args:
        n: samples in a packet.
        rate_hz: samples a second.
        modulo: the packet counter in its trailing bits begins anew there.
    """

    name: str
    n: int
    rate_hz: float
    modulo: int

    @property
    def packets_per_s(self) -> float:
        """Expected while the link is up."""
        return self.rate_hz / self.n


LAYOUTS: Final[dict[int, Layout]] = {
    OPTICAL: Layout("optical", 11, 64.0, 64),
    ACC: Layout("acc", 6, 32.0, 65536),
    EDA: Layout("eda", 6, 4.0, 65536),
    TEMP: Layout("temp", 8, 4.0, 2**32),
}


@dataclass(frozen=True, slots=True, eq=False)
class E4Packet:
    """Samples of one packet.

    Args:
        characteristic: which sensor.
        values: ``(n, channels)`` int32: 1/64 g (x, y, z) · Ω · counts of 0.02 K · differences of (green, red) counts.
        counter: its trailing bits, taken as a count of packets.
    """

    characteristic: int
    values: NDArray[np.int32]
    counter: int


def start_command(variant: StartVariant, unix_s: int) -> bytes:
    """What is written to 3e71 once everything is subscribed. Which variant a wristband wants may depend on its
    firmware: A sets its clock, B is one byte.
    """
    return b"\x01" + struct.pack("<I", unix_s % 2**32) if variant == "A" else b"\x02"


def decode(characteristic: int, data: bytes) -> E4Packet | None:
    """The samples of a sensor packet; None where the characteristic or the length is not known."""
    if len(data) != PACKET_BYTES or characteristic not in LAYOUTS:
        return None
    if characteristic == ACC:
        axes = np.frombuffer(data, dtype=np.int8, count=18).reshape(6, 3)
        return E4Packet(characteristic, axes.astype(np.int32), int.from_bytes(data[18:], "big"))
    if characteristic == EDA:
        octets = np.frombuffer(data, dtype=np.uint8, count=18).reshape(6, 3).astype(np.int32)
        ohm = (octets[:, 0] << 16) | (octets[:, 1] << 8) | octets[:, 2]
        return E4Packet(characteristic, ohm.reshape(6, 1), int.from_bytes(data[18:], "big"))
    if characteristic == TEMP:
        counts = np.frombuffer(data, dtype="<u2", count=8).astype(np.int32)
        return E4Packet(characteristic, counts.reshape(8, 1), int.from_bytes(data[16:], "little"))
    bits = int.from_bytes(data, "big")
    fields = [(bits >> (153 - 7 * i)) & 127 for i in range(22)]
    signed = np.array([f - 128 if f > 63 else f for f in fields], dtype=np.int32)
    return E4Packet(characteristic, signed.reshape(11, 2), bits & 63)


def encode(characteristic: int, values: NDArray[np.int32], counter: int) -> bytes:
    """Inverse of :func:`decode`, for the virtual wristband.

    Raises:
        ValueError: the values do not fit a packet, or there is no such packet.
    """
    layout = LAYOUTS.get(characteristic)
    low, high = _LIMITS.get(characteristic, (0, 0))
    if layout is None or len(values) != layout.n or values.min() < low or values.max() > high:
        raise ValueError(f"{values.shape} values do not fit a packet of {characteristic:04x}")
    counter %= layout.modulo
    flat = [int(v) for v in values.reshape(-1)]
    if characteristic == ACC:
        return struct.pack(">18bH", *flat, counter)
    if characteristic == EDA:
        return b"".join(v.to_bytes(3, "big") for v in flat) + counter.to_bytes(2, "big")
    if characteristic == TEMP:
        return struct.pack("<8HI", *flat, counter)
    bits = 0
    for value in flat:
        bits = (bits << 7) | (value & 127)
    return ((bits << 6) | counter).to_bytes(PACKET_BYTES, "big")


_LIMITS: Final = {ACC: (-128, 127), EDA: (0, 2**24 - 1), TEMP: (0, 65535), OPTICAL: (-64, 63)}


def conductance_us(resistance_ohm: NDArray[np.int32]) -> NDArray[np.float64]:
    """Skin conductance in µS; 0 where the wristband sends 0 (no contact)."""
    ohm = resistance_ohm.astype(np.float64)
    return np.where(ohm > 0, 1e6 / np.where(ohm > 0, ohm, 1.0), 0.0)


def battery_share(data: bytes) -> float | None:
    """Share of full from 3eb3, or from the standard battery level; None where it is no percentage."""
    return data[0] / 100.0 if len(data) == 1 and data[0] <= 100 else None


def is_button(data: bytes) -> bool:
    """A packet of 3eb2 that says the button was pressed."""
    return len(data) == PACKET_BYTES and data[0] == 1
