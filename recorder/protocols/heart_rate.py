"""Heart Rate Measurement, characteristic 2A37 of the Bluetooth Heart Rate Service 1.0."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

SERVICE, MEASUREMENT = 0x180D, 0x2A37
BATTERY_SERVICE, BATTERY_LEVEL = 0x180F, 0x2A19
RR_PER_S: Final = 1024
_HR_16, _CONTACT, _CONTACT_KNOWN, _ENERGY, _RR = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True)
class HeartRate:
    """One measurement.

    Args:
        bpm: beats a minute, as sent.
        contact: the sensor touches the skin; None where it cannot tell.
        energy_kj: expended since it was reset; None where not sent.
        rr_1024: beat intervals since the last measurement, 1/1024 s, oldest first.
    """

    bpm: int
    contact: bool | None = None
    energy_kj: int | None = None
    rr_1024: tuple[int, ...] = ()


def decode(data: bytes) -> HeartRate | None:
    """The measurement, or None where the bytes are too few for what their flags promise."""
    if len(data) < 2:
        return None
    flags = data[0]
    layout = "<" + ("H" if flags & _HR_16 else "B") + ("H" if flags & _ENERGY else "")
    size = struct.calcsize(layout)
    rest = data[1 + size :]
    if len(data) < 1 + size or (flags & _RR and len(rest) % 2):
        return None
    fields = struct.unpack_from(layout, data, 1)
    rr = struct.unpack(f"<{len(rest) // 2}H", rest) if flags & _RR else ()
    return HeartRate(
        fields[0],
        bool(flags & _CONTACT) if flags & _CONTACT_KNOWN else None,
        fields[1] if flags & _ENERGY else None,
        rr,
    )


def encode(measured: HeartRate) -> bytes:
    """Inverse of :func:`decode`, as short as may be; for virtual sensors.

    Raises:
        struct.error: a value that does not fit 16 bits.
    """
    flags = _HR_16 if measured.bpm > 255 else 0
    if measured.contact is not None:
        flags |= _CONTACT_KNOWN | (_CONTACT if measured.contact else 0)
    flags |= (_ENERGY if measured.energy_kj is not None else 0) | (_RR if measured.rr_1024 else 0)
    body = struct.pack("<H" if flags & _HR_16 else "B", measured.bpm)
    if measured.energy_kj is not None:
        body += struct.pack("<H", measured.energy_kj)
    return bytes([flags]) + body + struct.pack(f"<{len(measured.rr_1024)}H", *measured.rr_1024)


def battery_share(data: bytes) -> float | None:
    """Battery Level, 2A19: one byte of percent; None where it is none."""
    return data[0] / 100.0 if len(data) == 1 and data[0] <= 100 else None
