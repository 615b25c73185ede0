"""Nonin Xpod / OEM III, serial data formats 2 and 7 (public: Nonin's OEM specification and several open readers).

9600 baud 8N1. A frame is 5 bytes, 25 frames are a packet, 3 packets a second: a pleth sample 75 times a second.
Format 2: ``01 · status · pleth · float · sum``; format 7: ``status · pleth MSB · pleth LSB · float · sum``. The sum is
that of the four bytes before it, modulo 256; a status byte is 0x80 or more, a float byte 0x7F or less. The float
bytes of a packet's 25 frames carry pulse rate, saturation and the like, one byte a frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Format = Literal["df2", "df7"]
FORMATS: Final[tuple[Format, ...]] = ("df2", "df7")
FRAME_BYTES: Final = 5
PACKET_FRAMES: Final = 25
RATE_HZ: Final = 75.0
BAUD: Final = 9600

SYNC, PERFUSION, ALARM, OUT_OF_TRACK, ARTIFACT, DISCONNECTED = 0x01, 0x06, 0x08, 0x10, 0x20, 0x40
"""Bits of the status byte; the two of ``PERFUSION`` must be read together: 11 yellow, 10 red, 01 green."""
MISSING_RATE: Final = 511
MISSING_SATURATION: Final = 127


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: status byte, pleth sample (8 or 16 bits), float byte."""

    status: int
    pleth: int
    float_byte: int

    @property
    def is_first(self) -> bool:
        """Frame 1 of a packet."""
        return bool(self.status & SYNC)

    @property
    def perfusion(self) -> str:
        """``green``, ``yellow`` or ``red`` for about 12 frames a pulse, else empty."""
        return _PERFUSION[(self.status & PERFUSION) >> 1]


@dataclass(frozen=True, slots=True)
class Skipped:
    """So many bytes were no frame; ``checksum`` of them looked like one but for the sum."""

    n_bytes: int
    checksum: int = 0


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the float bytes of one whole packet say; None = the sensor has no value.

    Args:
        pr, e_pr, pr_d, e_pr_d: pulse rate, /min: 4-beat average, 8-beat, and both for displays.
        spo2, spo2_d, spo2_fast, spo2_beat, e_spo2, e_spo2_d: saturation, %.
        firmware: revision.
        smart_point: the algorithm rates the measurement high (firmware 16 and later).
    """

    pr: int | None = None
    e_pr: int | None = None
    pr_d: int | None = None
    e_pr_d: int | None = None
    spo2: int | None = None
    spo2_d: int | None = None
    spo2_fast: int | None = None
    spo2_beat: int | None = None
    e_spo2: int | None = None
    e_spo2_d: int | None = None
    firmware: int = 0
    smart_point: bool = False


def frame_at(data: bytes, at: int, data_format: Format) -> Frame | None:
    """The frame whose first byte is ``data[at]``, if there is a whole one."""
    octets = data[at : at + FRAME_BYTES]
    if len(octets) < FRAME_BYTES or sum(octets[:4]) & 255 != octets[4]:
        return None
    return _shaped(octets, data_format)


def _shaped(octets: bytes, data_format: Format) -> Frame | None:
    """Whatever its sum, does it look like a frame?"""
    first, second, third, float_byte = octets[:4]
    if float_byte > 0x7F:
        return None
    if data_format == "df2":
        return Frame(second, third, float_byte) if first == 1 and second >= 0x80 else None
    return Frame(first, second << 8 | third, float_byte) if first >= 0x80 else None


def encode(frame: Frame, data_format: Format) -> bytes:
    """One frame's bytes.

    Raises:
        ValueError: a value does not fit.
    """
    if not 0x80 <= frame.status <= 0xFF or not 0 <= frame.float_byte <= 0x7F:
        raise ValueError(f"status {frame.status:#x} and float byte {frame.float_byte:#x} are no frame's")
    if not 0 <= frame.pleth < (256 if data_format == "df2" else 65536):
        raise ValueError(f"pleth {frame.pleth} does not fit {data_format}")
    head = (
        bytes([1, frame.status, frame.pleth, frame.float_byte])
        if data_format == "df2"
        else bytes([frame.status, frame.pleth >> 8, frame.pleth & 255, frame.float_byte])
    )
    return head + bytes([sum(head) & 255])


class NoninDecoder:
    """Bytes → frames. Out of step it takes a frame only with a second one behind it: one sum in 256 fits by chance.

    Args:
        data_format: 2 or 7.
    """

    def __init__(self, data_format: Format) -> None:
        self._format: Format = data_format
        self._carry = b""
        self._in_step = False

    def reset(self) -> None:
        """A new connection."""
        self._carry, self._in_step = b"", False

    def feed(self, data: bytes) -> Iterator[Frame | Skipped]:
        """The frames that ``data`` completes, and what lay between them."""
        buffer, at, skipped, checksum = self._carry + data, 0, 0, 0
        while len(buffer) - at >= FRAME_BYTES * (1 if self._in_step else 2):
            frame = frame_at(buffer, at, self._format)
            if frame is not None and not self._in_step:
                self._in_step = frame_at(buffer, at + FRAME_BYTES, self._format) is not None
            if frame is not None and self._in_step:
                if skipped:
                    yield Skipped(skipped, checksum)
                    skipped = checksum = 0
                yield frame
                at += FRAME_BYTES
                continue
            if self._in_step and _shaped(buffer[at : at + FRAME_BYTES], self._format) is not None:
                checksum += 1
            self._in_step = False
            skipped, at = skipped + 1, at + 1
        if skipped:
            yield Skipped(skipped, checksum)
        self._carry = buffer[at:]


def vitals(frames: Sequence[Frame]) -> Vitals:
    """What a whole packet says.

    Raises:
        ValueError: not 25 frames, or the first is not a packet's first.
    """
    if len(frames) != PACKET_FRAMES or not frames[0].is_first:
        raise ValueError(f"{len(frames)} frames are no packet")
    octets = [0, *(frame.float_byte for frame in frames)]  # numbered from 1, as in the specification

    def rate(msb: int) -> int | None:
        value = (octets[msb] & 3) << 7 | octets[msb + 1]
        return None if value == MISSING_RATE else value

    def saturation(at: int) -> int | None:
        return None if octets[at] == MISSING_SATURATION else octets[at]

    return Vitals(
        pr=rate(1),
        e_pr=rate(14),
        pr_d=rate(20),
        e_pr_d=rate(22),
        spo2=saturation(3),
        spo2_d=saturation(9),
        spo2_fast=saturation(10),
        spo2_beat=saturation(11),
        e_spo2=saturation(16),
        e_spo2_d=saturation(17),
        firmware=octets[4],
        smart_point=octets[4] >= 16 and bool(octets[8] & 0x20),
    )


def float_bytes(told: Vitals) -> list[int]:
    """The 25 float bytes that say ``told``; for the virtual oximeter."""
    octets = [0] * (PACKET_FRAMES + 1)
    for at, rate in ((1, told.pr), (14, told.e_pr), (20, told.pr_d), (22, told.e_pr_d)):
        value = MISSING_RATE if rate is None else rate
        octets[at], octets[at + 1] = value >> 7 & 3, value & 127
    for at, saturation in (
        (3, told.spo2),
        (9, told.spo2_d),
        (10, told.spo2_fast),
        (11, told.spo2_beat),
        (16, told.e_spo2),
        (17, told.e_spo2_d),
    ):
        octets[at] = MISSING_SATURATION if saturation is None else saturation
    octets[4], octets[8] = told.firmware, 0x20 if told.smart_point else 0
    return octets[1:]


_PERFUSION: Final = ("", "green", "red", "yellow")
