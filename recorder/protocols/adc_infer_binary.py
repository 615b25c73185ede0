"""Packed frames of an unknown ADC → length, first bytes, checksum, fields. Pure.

A frame repeats: bytes a frame apart are equal more often than chance. Where they always are, there is the beginning
of the frame; a checksum that fits nearly every frame is proof; without one a counter must stand in for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.protocols.adc_infer_fields import Column, counts_frames, judge, roughness
from recorder.protocols.adc_profile import BinaryFraming
from recorder.protocols.checksums import CHECKSUMS, ChecksumName

Octets = NDArray[np.uint8]
Ints = NDArray[np.int64]

LOOKED_AT: Final = 40_000
"""Bytes that are enough to find a framing; the rest only confirms it."""
MAX_LENGTH: Final = 96
LEAST_FRAMES: Final = 20
SHAPED_BY: Final = 1500
"""Frames by which the widths of fields are chosen."""
COVERED: Final = 0.8
FITS: Final = 0.9
CONSTANT: Final = 0.97
STILL: Final = 0.5
"""A "checksum" that hardly ever changes proves nothing."""
MEANINGLESS: Final = 0.22
"""Roughness above which a last byte is taken for a checksum nobody knows (random bytes have 0.3)."""
KNOWN_STARTS: Final = (
    b"\xaa\x55",
    b"\x55\xaa",
    b"\xa5\x5a",
    b"\x5a\xa5",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xeb\x90",
)
"""Pairs that frames often begin with; only decides between equally good beginnings."""

_CODES: Final = {
    (1, False): "B",
    (2, False): "H",
    (4, False): "I",
    (1, True): "b",
    (2, True): "h",
    (4, True): "i",
}


@dataclass(frozen=True, slots=True)
class BinaryGuess:
    """A framing with its frames. ``columns``: what each field is; ``last_unknown``: the last looks like a checksum."""

    framing: BinaryFraming
    rows: Ints
    columns: tuple[Column, ...]
    covered: float
    fits: float
    last_unknown: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Frames:
    """Frames of one length and beginning: ``matrix`` ``(n, length)``, the share of bytes they are."""

    sync: bytes
    matrix: Octets
    covered: float
    checksum: ChecksumName = "none"
    order: str = ""
    fits: float = 0.0

    @property
    def body(self) -> Octets:
        """Between beginning and checksum."""
        return self.matrix[:, len(self.sync) : self.matrix.shape[1] - CHECKSUMS[self.checksum].size]


def guess_binary(octets: bytes, rate_of: float) -> BinaryGuess | None:
    """The framing, or None if nothing repeats as a frame does.

    Args:
        octets: what was sent.
        rate_of: bytes a second.
    """
    found = max(_candidates(octets[:LOOKED_AT]), key=_goodness, default=None)
    if found is None:
        return None
    rate_hz = rate_of * found.covered / found.matrix.shape[1]
    fields = min(_layouts(found, rate_hz), key=lambda layout: layout.cost, default=None)
    if fields is None:
        return None
    counted = any(c.kind in ("counter", "clock", "clock-ms") for c in fields.columns)
    if not found.fits and not (counted and len(found.sync) > 1 and found.covered >= FITS):
        return None
    names = tuple(f"f{i + 1}" for i in range(len(fields.columns)))
    length = found.matrix.shape[1]
    framing = BinaryFraming(names, found.sync, fields.letters, length, found.checksum)
    last_unknown = not found.fits and fields.widths[-1] == 1 and fields.columns[-1].kind == "channel"
    last_unknown = last_unknown and roughness(fields.rows[:, -1]) > MEANINGLESS
    return BinaryGuess(framing, fields.rows, fields.columns, found.covered, found.fits, last_unknown)


def repeats(octets: bytes) -> int:
    """Length at which bytes repeat much more often than at others, 0 for none: frames without a fixed beginning."""
    scores = _repetition(np.frombuffer(octets[:LOOKED_AT], np.uint8))
    if not scores:
        return 0
    best = max(scores, key=lambda n: scores[n])
    usual = float(np.median(list(scores.values())))
    return best if scores[best] > usual + 0.15 and len(octets) > LEAST_FRAMES * best else 0


# ---- length and beginning


def _repetition(octets: Octets) -> dict[int, float]:
    longest = min(MAX_LENGTH, octets.size // LEAST_FRAMES)
    return {n: float(np.mean(octets[n:] == octets[:-n])) for n in range(3, longest + 1)}


def _candidates(octets: bytes) -> Iterator[_Frames]:
    """Every length that repeats, with every beginning that is there, with the checksum that fits if one does."""
    array = np.frombuffer(octets, np.uint8)
    scores = _repetition(array)
    lengths = sorted(scores, key=lambda n: -scores[n])[:12]
    for length in sorted(n for n in lengths if scores[n] > 0.08):
        for sync in _beginnings(array, length):
            frames = _frames(octets, array, sync, length)
            if frames is not None:
                yield from _checked(frames)


def _beginnings(array: Octets, length: int) -> Iterator[bytes]:
    """Runs of columns that are always the same, at the best stretch of 64 frames; their parts, longest runs first."""
    stretch = min(array.size // length, 64) * length
    starts = range(0, array.size - stretch + 1, max(1, stretch // 2))
    best = max(
        starts,
        key=lambda i: float(np.mean(array[i + length : i + stretch] == array[i : i + stretch - length])),
    )
    table = array[best : best + stretch].reshape(-1, length)
    modes = [int(np.bincount(column).argmax()) for column in table.T]
    steady = [float(np.mean(table[:, i] == modes[i])) >= CONSTANT for i in range(length)]
    for start in range(length):
        if not steady[start] or (modes[start] == 0 and steady[(start + 1) % length]):
            continue
        for size in (2, 1, 3, 4):
            places = [(start + k) % length for k in range(size)]
            if size < length and all(steady[i] for i in places):
                yield bytes(modes[i] for i in places)


def _frames(octets: bytes, array: Octets, sync: bytes, length: int) -> _Frames | None:
    """Frames that begin with ``sync`` and are followed by another one, or follow one, at exactly ``length``."""
    hits = np.ones(array.size - len(sync) + 1, np.bool_)
    for k, value in enumerate(sync):
        hits &= array[k : k + hits.size] == value
    follows = np.zeros(hits.size, np.bool_)
    follows[:-length] = hits[length:]
    follows[length:] |= hits[:-length]
    chained = np.flatnonzero(hits & follows)
    chained = chained[chained + length <= len(octets)]
    kept = _apart(chained, length)
    covered = kept.size * length / len(octets)
    if kept.size < LEAST_FRAMES or covered < COVERED:
        return None
    return _Frames(sync, array[kept[:, None] + np.arange(length)], min(1.0, covered))


def _apart(places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Places at least a frame apart: the beginning may also stand inside a frame by chance."""
    kept, last = [], -length
    for place in places.tolist():
        if place - last >= length:
            kept.append(place)
            last = place
    return np.array(kept, np.int64)


def _checked(frames: _Frames) -> Iterator[_Frames]:
    """The frames with each checksum that fits them, and as they are."""
    yield frames
    for name, checksum in CHECKSUMS.items():
        size = checksum.size
        body = frames.matrix[:, len(frames.sync) : frames.matrix.shape[1] - size]
        stated = frames.matrix[:, frames.matrix.shape[1] - size :].astype(np.uint32)
        if not size or body.shape[1] < 1 or np.mean((stated == stated[0]).all(axis=1)) > STILL:
            continue
        computed = checksum.many(body)
        for order in "<>" if size > 1 else "*":
            low, high = (0, size - 1) if order != ">" else (size - 1, 0)
            value = stated[:, low] if size == 1 else stated[:, low] | (stated[:, high] << np.uint32(8))
            good = computed == value
            if good.mean() >= FITS:  # frames that are damaged say nothing about fields
                told, whole = "" if order == "*" else order, frames.matrix[good]
                fits = float(good.mean())
                yield replace(frames, matrix=whole, checksum=name, order=told, fits=fits)  # type: ignore[arg-type]


def _goodness(frames: _Frames) -> float:
    """Proof first, then how much is explained; a short frame before its double, two first bytes before one or four."""
    proof = 2.0 * frames.fits + 0.1 * CHECKSUMS[frames.checksum].size
    beginning = {2: 0.12, 3: 0.08, 4: 0.06, 1: 0.0}[len(frames.sync)]
    known = 0.05 if frames.sync[:2] in KNOWN_STARTS else 0.0
    return float(proof + frames.covered + beginning + known - 0.01 * frames.matrix.shape[1])


# ---- fields


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """A way to cut a body into fields; ``cost``: how little its numbers look like signals."""

    letters: str
    widths: tuple[int, ...]
    rows: Ints
    columns: tuple[Column, ...]
    cost: float


def _layouts(frames: _Frames, rate_hz: float) -> Iterator[_Layout]:
    """One for each byte order that the checksum leaves open."""
    for order in frames.order or "<>":
        yield _layout(frames.body, order, rate_hz)


def _layout(body: Octets, order: str, rate_hz: float) -> _Layout:
    """Counter and clock first, for they can be told for certain; the rest in the widths that look smoothest."""
    taken: dict[int, int] = {}
    clock = _place(body, order, (4,), lambda v, w: judge(v, rate_hz, w).kind in ("clock", "clock-ms"), taken)
    counter = _place(body, order, (2, 4, 1), lambda v, w: counts_frames(v, w) is not None, taken)
    widths: list[int] = []
    at = 0
    while at < body.shape[1]:
        if at in taken:
            widths.append(taken[at])
            at += taken[at]
            continue
        end = min((place for place in taken if place > at), default=body.shape[1])
        widths += _smoothest(body[:, at:end], order)
        at = end
    values, letters = [], []
    place = 0
    for width in widths:
        octets = body[:, place : place + width]
        certain = place in taken  # counters and clocks have no sign
        field, letter = (_unsigned(octets, order), _CODES[width, False]) if certain else _read(octets, order)
        values.append(field)
        letters.append(letter)
        place += width
    rows = np.stack(values, axis=1)
    columns = tuple(judge(v, rate_hz, w) for v, w in zip(values, widths, strict=True))
    rough = sum(roughness(v) for v, c in zip(values, columns, strict=True) if c.kind == "channel")
    cost = rough + 0.02 * len(widths) - 1.0 * (clock is not None) - 1.0 * (counter is not None)
    return _Layout(order + "".join(letters), tuple(widths), rows, columns, cost)


def _place(
    body: Octets, order: str, widths: Sequence[int], is_it: object, taken: dict[int, int]
) -> int | None:
    """Where such a field is; it is then taken. The first width that has one wins."""
    for width in widths:
        for at in range(body.shape[1] - width + 1):
            free = not any(a < at + width and at < a + n for a, n in taken.items())
            if free and is_it(_unsigned(body[:, at : at + width], order), width):  # type: ignore[operator]
                taken[at] = width
                return at
    return None


def _smoothest(body: Octets, order: str) -> list[int]:
    """Widths of 1, 2 and 4 that fill a stretch: the numbers that look most like signals, wider ones preferred."""
    size = body.shape[1]
    if size > 12:  # too many ways: pairs, and a byte of its own at the end of an odd stretch
        return [2] * (size // 2) + [1] * (size % 2)
    looked = body[:SHAPED_BY]
    costs = {
        (a, width): _segment_cost(looked[:, a : a + width], order)
        for width in (1, 2, 4)
        for a in range(size - width + 1)
    }

    def cost(way: tuple[int, ...]) -> float:
        starts = itertools.accumulate((0, *way[:-1]))
        return sum(costs[place] for place in zip(starts, way, strict=True))

    return list(min((cost(way), way) for way in _ways(size))[1])


def _ways(size: int) -> Iterator[tuple[int, ...]]:
    """Every way to fill ``size`` bytes."""
    if size == 0:
        yield ()
        return
    for width in (2, 4, 1):
        if width <= size:
            yield from ((width, *rest) for rest in _ways(size - width))


def _segment_cost(octets: Octets, order: str) -> float:
    """Small where a wide field is one number, and a byte of its own a signal."""
    field, _ = _read(octets, order)
    rough = roughness(field)
    width = octets.shape[1]
    if width == 1:
        return 0.11 + 0.5 * rough + (0.3 if rough > MEANINGLESS else 0.0)
    return float(0.01 + 0.5 * width * rough + (0.0 if _is_one_number(octets, order, rough) else 1.0))


def _is_one_number(octets: Octets, order: str, rough: float) -> bool:
    """Whether two halves belong together: the upper one carries whenever the lower one runs over.

    Two quantities beside each other do not; a lower half that leaps all the time means nothing alone.
    """
    half = int(octets.shape[1]) // 2
    first, second = _unsigned(octets[:, :half], order), _unsigned(octets[:, half:], order)
    low, high = (first, second) if order == "<" else (second, first)
    base = int(256**half)
    if np.mean(high == np.median(high)) >= CONSTANT:
        return half == 1
    leaps = np.abs(np.diff(low)) > base // 2
    if leaps.mean() > 0.05:
        return bool(half == 1 or (rough < MEANINGLESS / 2 and roughness(low) > MEANINGLESS))
    carried = np.abs(np.diff(high * base + low))[leaps] < base // 2
    return carried.size > 0 and bool(carried.mean() >= FITS)


def _read(octets: Octets, order: str) -> tuple[Ints, str]:
    """A field's values and its letter; with a sign where that is smoother, or where there is no telling."""
    width = octets.shape[1]
    plain = _unsigned(octets, order)
    half = 1 << (8 * width - 1)
    signed = np.where(plain >= half, plain - 2 * half, plain)
    with_sign = plain.max() >= half and _wander(signed) < _wander(plain)
    with_sign = with_sign or (width == 2 and plain.max() < half)
    return (signed if with_sign else plain), _CODES[width, bool(with_sign)]


def _wander(values: Ints) -> float:
    """Sum of all steps: a number read with the wrong sign leaps across the whole range."""
    return float(np.abs(np.diff(values)).sum())


def _unsigned(octets: Octets, order: str) -> Ints:
    wide = octets if order == ">" else octets[:, ::-1]
    value = np.zeros(octets.shape[0], np.int64)
    for column in wide.T:
        value = value * 256 + column
    return value
