"""What a serial ADC sends, declared: everything the codec needs to know of a device, as frozen values."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal, get_args

from recorder.errors import ConfigError
from recorder.protocols.checksums import CHECKSUMS, ChecksumName

ProfileStatus = Literal["lab", "vendor", "simulator"]


def require(condition: bool, where: str, what: str) -> None:
    """Refuse a profile, naming table and field.

    Raises:
        ConfigError: the condition does not hold.
    """
    if not condition:
        raise ConfigError(f"{where}: {what}")


@dataclass(frozen=True, slots=True)
class SerialLink:
    """Settings of the serial port, as pyserial names them."""

    baud: int = 115200
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    timeout_s: float = 0.2

    def __post_init__(self) -> None:
        require(50 <= self.baud <= 4_000_000, "[transport] baud", f"{self.baud} is not 50 to 4000000")
        require(self.bytesize in {5, 6, 7, 8}, "[transport] bytesize", f"{self.bytesize} is not 5 to 8")
        require(self.parity in set("NEOMS"), "[transport] parity", f"{self.parity!r} is none of N E O M S")
        require(self.stopbits in {1, 1.5, 2}, "[transport] stopbits", f"{self.stopbits} is none of 1 1.5 2")
        require(0 < self.timeout_s <= 10, "[transport] timeout_s", f"{self.timeout_s:g} is not 0 to 10")


@dataclass(frozen=True, slots=True)
class AsciiFraming:
    """Numbers as text, one frame a line. A checksum follows the fields as ``*`` and hexadecimal digits.

    Args:
        fields: names of the numbers, in order.
        terminator: what ends a line; a carriage return before it is passed over.
        delimiter: between numbers; a space stands for any run of spaces.
        checksum: name of the checksum.
        decimals: digits after the point, a number a field; its counts are whole numbers of the last digit. Empty:
            all are whole numbers.
    """

    fields: tuple[str, ...]
    terminator: str = "\n"
    delimiter: str = ","
    checksum: ChecksumName = "none"
    decimals: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _check_fields(self.fields)
        require(bool(self.terminator), "[framing] terminator", "must not be empty")
        require(len(self.delimiter) == 1, "[framing] delimiter", f"{self.delimiter!r} is not one character")
        bad = set("0123456789+-*.") | set(self.terminator)
        require(
            len(self.decimals) in {0, len(self.fields)} and all(0 <= n <= 9 for n in self.decimals),
            "[framing] decimals",
            f"{list(self.decimals)} must be one of 0 to 9 for each of the {len(self.fields)} fields",
        )
        require(
            self.delimiter not in bad, "[framing] delimiter", f"{self.delimiter!r} could be part of a number"
        )
        require(
            (self.terminator + self.delimiter).isascii(),
            "[framing]",
            "terminator and delimiter must be ASCII",
        )
        _check_checksum(self.checksum)


@dataclass(frozen=True, slots=True)
class BinaryFraming:
    """``sync`` + packed fields + checksum over the packed fields, in the byte order of ``layout``.

    Args:
        fields: names of the packed values, in order.
        sync: bytes every frame begins with.
        layout: format of :mod:`struct`, whole numbers only, beginning with ``<`` or ``>``.
        length: of the whole frame in bytes.
        checksum: name of the checksum.
    """

    fields: tuple[str, ...]
    sync: bytes
    layout: str
    length: int
    checksum: ChecksumName = "none"

    def __post_init__(self) -> None:
        _check_fields(self.fields)
        _check_checksum(self.checksum)
        require(1 <= len(self.sync) <= 8, "[framing] sync", f"{self.sync.hex()!r} is not 1 to 8 bytes")
        codes = self.layout[1:]
        require(
            self.layout[:1] in {"<", ">"} and bool(codes) and set(codes) <= set("bBhHiI"),
            "[framing] struct",
            f"{self.layout!r} must be '<' or '>' and letters of b B h H i I, one a field",
        )
        require(
            len(codes) == len(self.fields),
            "[framing] struct",
            f"{self.layout!r} holds {len(codes)} values for {len(self.fields)} fields",
        )
        needed = len(self.sync) + struct.calcsize(self.layout) + CHECKSUMS[self.checksum].size
        require(
            self.length == needed,
            "[framing] length",
            f"{self.length} bytes, but sync, struct and checksum make {needed}",
        )


@dataclass(frozen=True, slots=True)
class AdcChannel:
    """One converted quantity. Physical value = count · scale + offset, in ``unit``.

    Args:
        field: the field of the frame that holds its counts.
        role: ``abp_wave`` for the analogue pressure output; others as in ``StreamInfo.role``.
        unit: of the physical value, V for an ADC.
        scale, offset: counts to ``unit``.
        invalid: counts that mean "no value".
        saturation: lowest and highest count the converter can give, if known.
    """

    field: str
    role: str
    unit: str
    scale: float
    offset: float = 0.0
    invalid: tuple[int, ...] = ()
    saturation: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        where = f"[[channel]] {self.field!r}"
        require(bool(self.field and self.role and self.unit), where, "field, role and unit must not be empty")
        require(self.scale not in {0.0, float("inf")}, f"{where} scale", f"{self.scale:g} cannot be used")
        if self.saturation is not None:
            require(
                self.saturation[0] < self.saturation[1], f"{where} saturation", "must be [lowest, highest]"
            )


@dataclass(frozen=True, slots=True)
class AdcProfile:
    """A serial ADC, declared. See ``resources/profiles`` for commented examples.

    Args:
        counter: field that counts frames, modulo ``counter_modulo``; None if the device counts nothing.
        device_clock: field that holds the device's own µs stamp, if any.
        no_data_s: after this long without a frame the stream is silent.
    """

    name: str
    version: int
    status: ProfileStatus
    link: SerialLink
    framing: AsciiFraming | BinaryFraming
    channels: tuple[AdcChannel, ...]
    rate_hz: float
    counter: str | None = None
    counter_modulo: int = 65536
    device_clock: str | None = None
    no_data_s: float = 2.0
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        require(bool(self.name), "[profile] name", "must not be empty")
        require(
            "cnap" not in self.name.lower() or self.status == "vendor",
            "[profile] name",
            f'{self.name!r} may name CNAP only where the maker supplied it (status "vendor")',
        )
        statuses = get_args(ProfileStatus)
        require(
            self.status in statuses, "[profile] status", f"{self.status!r} is none of {', '.join(statuses)}"
        )
        require(0 < self.rate_hz <= 100_000, "[timing] fs_nominal", f"{self.rate_hz:g} Hz is not 0 to 100000")
        require(2 <= self.counter_modulo <= 2**32, "[timing] counter_modulo", "must be 2 to 4294967296")
        require(0 < self.no_data_s <= 3600, "[watchdog] no_data_s", f"{self.no_data_s:g} is not 0 to 3600")
        require(bool(self.channels), "[[channel]]", "there must be at least one")
        names = [channel.field for channel in self.channels]
        require(len(set(names)) == len(names), "[[channel]] field", f"{names} are not different")
        for where, name in (
            ("[timing] counter", self.counter),
            ("[timing] device_clock", self.device_clock),
            *(("[[channel]] field", name) for name in names),
        ):
            known = ", ".join(self.framing.fields)
            require(
                name is None or name in self.framing.fields,
                where,
                f"{name!r} is none of the fields of [framing]: {known}",
            )


def _check_fields(fields: tuple[str, ...]) -> None:
    require(bool(fields) and all(fields), "[framing] fields", "must name every field")
    require(len(set(fields)) == len(fields), "[framing] fields", f"{list(fields)} are not different")


def _check_checksum(name: str) -> None:
    require(name in CHECKSUMS, "[framing] checksum", f"{name!r} is none of {', '.join(CHECKSUMS)}")
