"""What a Bluetooth LE link carried, as bytes: one frame a GATT value, so that a driver stays sans-IO and a capture
of a radio link is a file like any other.

This framing is ours and never on the air. It keeps which characteristic a value came from, numbers the values in
the order the operating system gave them (a jump is a loss inside this computer, not on the radio) and survives
being cut anywhere.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

SYNC: Final = b"\xa5\x5a"
MAX_VALUE_BYTES: Final = 512
"""Longest attribute value (Bluetooth Core, Vol 3 Part F, 3.2.9)."""
SEQ_MODULO: Final = 65536
_HEAD: Final = struct.Struct("<2sBHHH")
_CRC_BYTES: Final = 2


class PacketKind(IntEnum):
    """``NOTIFY`` and ``READ`` come from the device, ``WRITE`` goes to it, ``RSSI`` (one signed byte, dBm) is what the
    radio of this computer said when it found the device.
    """

    NOTIFY = 0
    READ = 1
    WRITE = 2
    RSSI = 3


@dataclass(frozen=True, slots=True)
class GattPacket:
    """One value of one characteristic.

    Args:
        kind: how it came.
        characteristic: 16-bit UUID under the Bluetooth base UUID.
        data: the value.
        seq: count of values on this link, modulo 65536.
    """

    kind: PacketKind
    characteristic: int
    data: bytes
    seq: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.characteristic < 65536 or not 0 <= self.seq < SEQ_MODULO:
            raise ValueError(f"characteristic {self.characteristic} and seq {self.seq} must fit 16 bits")
        if len(self.data) > MAX_VALUE_BYTES:
            raise ValueError(f"a value of {len(self.data)} bytes is longer than {MAX_VALUE_BYTES}")


def encode(packet: GattPacket) -> bytes:
    """One frame."""
    head = _HEAD.pack(SYNC, packet.kind, packet.characteristic, packet.seq, len(packet.data))
    body = head[len(SYNC) :] + packet.data
    return SYNC + body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))


class GattDecoder:
    """Frames → packets, however the bytes were cut; ``n_skipped`` counts bytes that belong to no frame."""

    def __init__(self) -> None:
        self._carry = b""
        self.n_skipped = 0

    def reset(self) -> None:
        """Forget half a frame (a new connection)."""
        self._carry = b""

    def feed(self, data: bytes) -> Iterator[GattPacket]:
        """The packets that ``data`` completes."""
        buffer, at = self._carry + data, 0
        while len(buffer) - at >= _HEAD.size + _CRC_BYTES:
            packet, size = _packet_at(buffer, at)
            if packet is not None:
                yield packet
                at += size
            elif size > len(buffer) - at:
                break
            else:
                following = buffer.find(SYNC, at + 1)
                step = (following if following >= 0 else max(at + 1, len(buffer) - 1)) - at
                self.n_skipped += step
                at += step
        self._carry = buffer[at:]


def _packet_at(buffer: bytes, at: int) -> tuple[GattPacket | None, int]:
    """The packet there and its size; (None, size) where it is not whole yet, (None, 0) where there is none."""
    sync, kind, characteristic, seq, n = _HEAD.unpack_from(buffer, at)
    if sync != SYNC or kind > max(PacketKind) or n > MAX_VALUE_BYTES:
        return None, 0
    size = _HEAD.size + n + _CRC_BYTES
    if len(buffer) - at < size:
        return None, size
    body = buffer[at + len(SYNC) : at + size - _CRC_BYTES]
    (crc,) = struct.unpack_from("<H", buffer, at + size - _CRC_BYTES)
    if binascii.crc_hqx(body, 0xFFFF) != crc:
        return None, 0
    return GattPacket(PacketKind(kind), characteristic, body[_HEAD.size - len(SYNC) :], seq), size


# ---- packets as rows of a numeric stream, so that every one is kept exactly

WORDS: Final = 5
"""A row holds 20 bytes, the longest value of an unextended link (ATT MTU 23); a longer one goes on in further rows."""
RAW_COLUMNS: Final = ("kind", "characteristic", "seq", "n_bytes", "part", *(f"w{i}" for i in range(WORDS)))


def raw_rows(packet: GattPacket) -> NDArray[np.int32]:
    """``(n_rows, len(RAW_COLUMNS))``: bytes little-endian, four a word, the last padded with zeros."""
    width = 4 * WORDS
    n_rows = max(1, -(-len(packet.data) // width))
    words = np.frombuffer(packet.data.ljust(n_rows * width, b"\0"), dtype="<i4").reshape(n_rows, WORDS)
    rows = np.empty((n_rows, len(RAW_COLUMNS)), dtype=np.int32)
    rows[:, :4] = (packet.kind, packet.characteristic, packet.seq, len(packet.data))
    rows[:, 4] = np.arange(n_rows)
    rows[:, 5:] = words
    return rows


def packets_of_rows(rows: NDArray[np.int32]) -> list[GattPacket]:
    """Inverse of :func:`raw_rows` for any number of packets, in order; a packet whose rows are not all there is left
    out.
    """
    packets: list[GattPacket] = []
    waiting = b""
    for row in rows:
        kind, characteristic, seq, n, part = (int(v) for v in row[:5])
        waiting = (b"" if part == 0 else waiting) + row[5:].astype("<i4").tobytes()
        if part * 4 * WORDS < n and len(waiting) < n:
            continue
        if len(waiting) == (part + 1) * 4 * WORDS:
            packets.append(GattPacket(PacketKind(kind), characteristic, waiting[:n], seq))
    return packets
