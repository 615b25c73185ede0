"""Frames of a serial ADC, both sides, as its profile declares them. Bytes in, events out; never raises.

Damaged bytes are skipped one at a time until a frame fits again; a counter tells how many frames are missing.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_profile import AdcProfile, AsciiFraming, BinaryFraming
from recorder.protocols.checksums import CHECKSUMS
from recorder.protocols.lines import LineSplitter

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class AdcFrames:
    """Consecutive frames: nothing is missing between them.

    Args:
        counts: ``(n_frames, n_channels)`` int32, raw.
        counter: ``(n_frames,)`` int64 as sent, or None.
        device_time_us: ``(n_frames,)`` int64 as sent (it may wrap), or None.
        n_missing: frames lost just before these, modulo the counter; 0 if none or unknown.
    """

    counts: NDArray[np.int32]
    counter: Ints | None
    device_time_us: Ints | None
    n_missing: int = 0


DamageKind = Literal["checksum", "malformed", "skipped"]


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that made no frame: a frame whose ``checksum`` is wrong, a ``malformed`` line, bytes ``skipped``."""

    kind: DamageKind
    n_bytes: int


AdcEvent = AdcFrames | Damage

_Rows = NDArray[np.int64]


class _Framing(Protocol):
    def feed(self, data: bytes) -> Iterator[_Rows | Damage]:
        """Rows of field values ``(n, n_fields)`` and damage, in order."""
        ...

    def reset(self) -> None:
        """Forget the unfinished frame."""
        ...


class AdcDecoder:
    """Bytes of an ADC → frames and damage, in order.

    Args:
        profile: what it sends.
    """

    def __init__(self, profile: AdcProfile) -> None:
        self.profile = profile
        self.counts: Counter[str] = Counter()
        self._framing = _ascii_or_binary(profile.framing)
        fields = profile.framing.fields
        self._columns = [fields.index(channel.field) for channel in profile.channels]
        self._counter = None if profile.counter is None else fields.index(profile.counter)
        self._stamp = None if profile.device_clock is None else fields.index(profile.device_clock)
        self._expected: int | None = None

    def feed(self, data: bytes) -> list[AdcEvent]:
        """Events that ``data`` completes."""
        events: list[AdcEvent] = []
        for item in self._framing.feed(data):
            events.extend([item] if isinstance(item, Damage) else self._frames(item))
        for event in events:
            if isinstance(event, Damage):
                self.counts[event.kind] += 1
            else:
                self.counts["frames"] += event.counts.shape[0]
        return events

    def reset(self) -> None:
        """A new connection: forget the unfinished frame; the counter starts afresh."""
        self._framing.reset()
        self._expected = None

    def _frames(self, rows: _Rows) -> Iterator[AdcFrames]:
        """Split where the counter jumps."""
        if self._counter is None:
            yield self._make(rows, 0)
            return
        counter = rows[:, self._counter]
        modulo = self.profile.counter_modulo
        before = np.concatenate(
            [[counter[0] if self._expected is None else self._expected], counter[:-1] + 1]
        )
        missing = (counter - before) % modulo
        self._expected = (int(counter[-1]) + 1) % modulo
        starts = np.unique(np.append(0, np.flatnonzero(missing)))
        for run in np.split(np.arange(rows.shape[0]), starts[1:]):
            yield self._make(rows[run], int(missing[run[0]]))

    def _make(self, rows: _Rows, n_missing: int) -> AdcFrames:
        return AdcFrames(
            counts=rows[:, self._columns].astype(np.int32),
            counter=None if self._counter is None else rows[:, self._counter],
            device_time_us=None if self._stamp is None else rows[:, self._stamp],
            n_missing=n_missing,
        )


def _ascii_or_binary(framing: AsciiFraming | BinaryFraming) -> _Framing:
    return _Ascii(framing) if isinstance(framing, AsciiFraming) else _Binary(framing)


class _Ascii:
    """Lines of numbers."""

    def __init__(self, framing: AsciiFraming) -> None:
        self._framing = framing
        self._decimals = framing.decimals or (0,) * len(framing.fields)
        self._delimiter = None if framing.delimiter == " " else framing.delimiter.encode()
        self._lines = LineSplitter(framing.terminator.encode())
        self._checksum = CHECKSUMS[framing.checksum]

    def feed(self, data: bytes) -> Iterator[_Rows | Damage]:
        overlong = self._lines.n_overlong
        rows: list[list[int]] = []
        for line in self._lines.feed(data):
            row = self._row(line)
            if isinstance(row, list):
                rows.append(row)
                continue
            if rows:
                yield np.asarray(rows, dtype=np.int64)
                rows = []
            yield row
        if rows:
            yield np.asarray(rows, dtype=np.int64)
        for _ in range(self._lines.n_overlong - overlong):
            yield Damage("malformed", 0)

    def reset(self) -> None:
        self._lines.reset()

    def _row(self, line: bytes) -> list[int] | Damage:
        body = line.strip(b"\r\n\t ")
        if self._checksum.size:
            body, star, digits = body.rpartition(b"*")
            if not star:
                return Damage("malformed", len(line))
            if digits.upper() != b"%0*X" % (2 * self._checksum.size, self._checksum.one(body)):
                return Damage("checksum", len(line))
        words = body.split(self._delimiter)
        if len(words) != len(self._decimals):
            return Damage("malformed", len(line))
        numbers = [_number(word, n) for word, n in zip(words, self._decimals, strict=True)]
        if None in numbers:
            return Damage("malformed", len(line))
        return [number for number in numbers if number is not None]


def _number(word: bytes, decimals: int) -> int | None:
    """A number as whole units of its last digit: ``-1.25`` with 3 decimals is -1250; more digits than that is none."""
    if not decimals:
        return _whole(word)
    whole, _, fraction = word.strip().partition(b".")
    if len(fraction) > decimals or not (whole.strip(b"+-") or fraction) or not (fraction or b"0").isdigit():
        return None
    return _whole(whole + fraction.ljust(decimals, b"0"))


def _whole(word: bytes) -> int | None:
    """ASCII digits with an optional sign, within 32 bits (unsigned stamps included)."""
    text = word.strip()
    digits = text[1:] if text[:1] in {b"-", b"+"} else text
    if not digits.isdigit() or len(digits) > 10:
        return None
    number = int(text)
    return number if -(2**31) <= number < 2**32 else None


class _Binary:
    """Frames that begin with sync bytes; good runs are read all at once."""

    def __init__(self, framing: BinaryFraming) -> None:
        self._framing = framing
        self._checksum = CHECKSUMS[framing.checksum]
        self._dtype = np.dtype([(name, framing.layout[0] + _CODES[code]) for name, code in _layout(framing)])
        self._sync = np.frombuffer(framing.sync, dtype=np.uint8)
        self._body = slice(len(framing.sync), framing.length - self._checksum.size)
        self._carry = b""

    def feed(self, data: bytes) -> Iterator[_Rows | Damage]:
        buffer, at = self._carry + data, 0
        length, sync = self._framing.length, self._framing.sync
        skipped = 0
        while len(buffer) - at >= length:
            n_good = self._n_good(buffer, at)
            if n_good:
                if skipped:
                    yield Damage("skipped", skipped)
                    skipped = 0
                yield self._rows(buffer, at, n_good)
                at += n_good * length
                continue
            if buffer.startswith(sync, at):
                yield Damage("checksum", length)
            following = buffer.find(sync, at + 1)
            step = (following if following >= 0 else max(at + 1, len(buffer) - len(sync) + 1)) - at
            skipped += step
            at += step
        if skipped:
            yield Damage("skipped", skipped)
        self._carry = buffer[at:]

    def reset(self) -> None:
        self._carry = b""

    def _n_good(self, buffer: bytes, at: int) -> int:
        """How many good frames follow each other from ``at``; the first is checked alone, for resync is slow."""
        length = self._framing.length
        first = buffer[at : at + length]
        if not first.startswith(self._framing.sync) or not self._one_fits(first):
            return 0
        n = (len(buffer) - at) // length
        if n == 1:
            return 1
        rows = np.frombuffer(buffer, dtype=np.uint8, count=n * length, offset=at).reshape(n, length)
        good = (rows[:, : self._sync.size] == self._sync).all(axis=1)
        if self._checksum.size:
            good &= self._checksum.many(rows[:, self._body]) == self._stated(rows)
        return n if good.all() else int(np.argmin(good))

    def _one_fits(self, frame: bytes) -> bool:
        stated = int.from_bytes(frame[self._body.stop :], _ORDER[self._framing.layout[0]])
        return self._checksum.one(frame[self._body]) == stated

    def _stated(self, rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
        octets = rows[:, self._body.stop :].astype(np.uint32)
        if octets.shape[1] == 1:
            return octets[:, 0]
        low, high = (0, 1) if self._framing.layout[0] == "<" else (1, 0)
        return octets[:, low] | (octets[:, high] << np.uint32(8))

    def _rows(self, buffer: bytes, at: int, n: int) -> _Rows:
        length = self._framing.length
        octets = np.frombuffer(buffer, dtype=np.uint8, count=n * length, offset=at).reshape(n, length)
        packed = np.ascontiguousarray(octets[:, self._body]).view(self._dtype)[:, 0]
        return np.stack([packed[name].astype(np.int64) for name in self._framing.fields], axis=1)


_CODES = {"b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4"}
_ORDER: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


def _layout(framing: BinaryFraming) -> Iterator[tuple[str, str]]:
    return zip(framing.fields, framing.layout[1:], strict=True)


def encode(profile: AdcProfile, seq: int, t_us: int, counts: Sequence[int]) -> bytes:
    """One frame as the device sends it.

    Args:
        profile: what it sends.
        seq: number of the frame from 0; sent modulo the profile's ``counter_modulo``.
        t_us: the device's own clock, µs; sent modulo 2³² as a microcontroller's counter.
        counts: one whole number per channel. Fields that are none of these are sent as 0.

    Raises:
        ValueError, struct.error: a count that does not fit the frame.
    """
    if len(counts) != len(profile.channels):
        raise ValueError(f"{len(counts)} counts for {len(profile.channels)} channels of {profile.name}")
    values = dict.fromkeys(profile.framing.fields, 0)
    values.update(
        {channel.field: int(count) for channel, count in zip(profile.channels, counts, strict=True)}
    )
    if profile.counter is not None:
        values[profile.counter] = seq % profile.counter_modulo
    if profile.device_clock is not None:
        values[profile.device_clock] = t_us % 2**32
    return encode_fields(profile.framing, tuple(values.values()))


def encode_fields(framing: AsciiFraming | BinaryFraming, values: tuple[int, ...]) -> bytes:
    """One frame of these field values, in the order of ``framing.fields``."""
    checksum = CHECKSUMS[framing.checksum]
    if isinstance(framing, BinaryFraming):
        packed = struct.pack(framing.layout, *values)
        return framing.sync + packed + checksum.one(packed).to_bytes(checksum.size, _ORDER[framing.layout[0]])
    decimals = framing.decimals or (0,) * len(values)
    words = (_in_text(value, n) for value, n in zip(values, decimals, strict=True))
    text = framing.delimiter.join(words).encode()
    suffix = b"*%0*X" % (2 * checksum.size, checksum.one(text)) if checksum.size else b""
    return text + suffix + framing.terminator.encode()


def _in_text(value: int, decimals: int) -> str:
    """Inverse of :func:`_number`."""
    if not decimals:
        return str(value)
    whole, fraction = divmod(abs(value), 10**decimals)
    return f"{'-' if value < 0 else ''}{whole}.{fraction:0{decimals}d}"
