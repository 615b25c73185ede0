"""WFDB: a header, a signal file a stream, and annotations in ``.atr`` (MIT format, times in ms).

Streams of different rates share a record by samples per frame; read it with ``smooth_frames=False``, or the reader
averages each frame. A missing sample is the format's own: it reads as NaN. Written by ourselves, frame by frame,
because ``wfdb.wrsamp`` wants all of a recording in memory and only one rate.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Final

import numpy as np

from recorder.exchange.exports.about import Written, ascii_text, note_empty, signal_names, write_about
from recorder.exchange.exports.export_tables import write_csv_track
from recorder.exchange.exports.exported import Exported, Track
from recorder.exchange.exports.placed import Placed, Slots, clock_ratio, place
from recorder.exchange.exports.quantise import WfdbScale, wfdb_scale

TICKS_PER_S: Final = 1000
FRAMES_S: Final = 300.0
_NOTE, _QUALITY, _SKIP, _AUX = 22, 14, 59, 63
_LONGEST_AUX: Final = 250
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class _Signals:
    """One signal file: the columns of a track."""

    placed: Placed
    per_frame: int
    bits: int
    scales: tuple[WfdbScale, ...]
    file: str


def write(exported: Exported, folder: Path, stem: str) -> Written:
    """``STEM.hea``, ``STEM_<stream>.dat``, ``STEM.atr``; odd rates have a record of their own."""
    written = Written()
    record = _NOT_IN_NAMES.sub("_", stem)
    if record != stem:
        written.names[stem] = record
    for name, tracks in _records(exported, record):
        _write_record(exported, folder, name, tracks, written)
    for track in exported.numerics:
        written.names[track.info.stream_id] = f"{record}_wfdb_{track.info.stream_id}.csv"
        write_csv_track(folder / f"{record}_wfdb_{track.info.stream_id}.csv", exported, track)
    if len({t.rate_hz for t in exported.waveforms}) > 1:
        written.notes.append(
            "several rates in a record: read with smooth_frames=False, else frames are averaged"
        )
    if not all(
        text.isascii() for text in (*(m.text for m in exported.marks), *(s.text for s in exported.spans))
    ):
        written.notes.append(
            "notes in the .atr are UTF-8; wfdb for Python takes them byte by byte: note.encode('latin-1').decode()"
        )
    if not exported.is_dated:
        written.day = "unknown"
        written.notes.append("nobody knows the day of this recording: its header has neither time nor day")
    note_empty(exported, written)
    write_about(folder / f"{record}.wfdb.about.json", exported, written)
    return written


def _records(exported: Exported, record: str) -> Iterator[tuple[str, list[Track]]]:
    whole = [
        t for t in exported.waveforms if Fraction(t.rate_hz).limit_denominator(100) == Fraction(t.rate_hz)
    ]
    odd = [t for t in exported.waveforms if t not in whole]
    if whole or not odd:
        yield record, whole
    for i, track in enumerate(odd):
        name = f"{record}_{_NOT_IN_NAMES.sub('_', track.info.stream_id)}"
        yield record if not whole and i == 0 else name, [track]


def _write_record(
    exported: Exported, folder: Path, record: str, tracks: Sequence[Track], written: Written
) -> None:
    begin_s = exported.begin_s
    frame_hz, per_frame = _frames([t.rate_hz for t in tracks])
    ratio = clock_ratio(tracks, begin_s)
    signals = []
    for track, count in zip(tracks, per_frame, strict=True):
        scales = tuple(wfdb_scale(c, p) for c, p in zip(track.columns, track.column_places, strict=True))
        placed = place(track, begin_s, track.rate_hz * ratio)
        bits = max(scale.bits for scale in scales)
        name = f"{record}_{_NOT_IN_NAMES.sub('_', track.info.stream_id)}.dat"
        signals.append(_Signals(placed, count, bits, scales, name))
        written.time_error_s[track.info.stream_id] = round(placed.time_error_s, 6)
        written.steps |= {label: scale.step for label, scale in zip(signal_names(track), scales, strict=True)}
    n_frames = max((-(-s.placed.end // s.per_frame) for s in signals), default=0)
    lines = [line for s in signals for line in _write_signals(exported, folder, s, n_frames)]
    head = f"{record} {len(lines)} {frame_hz * ratio!r} {n_frames}{_begin(exported)}"
    text = "\n".join([head, *lines, *_comments(exported), ""])
    (folder / f"{record}.hea").write_text(text, encoding="ascii")
    (folder / f"{record}.atr").write_bytes(_annotations(exported, begin_s))


def _begin(exported: Exported) -> str:
    """Time of day and day, which a header may leave out: of a recording that nobody dated both are."""
    local = exported.local(exported.begin_s)
    millis = local.microsecond // 1000
    return f" {local:%H:%M:%S}.{millis:03d} {local:%d/%m}/{local.year:04d}" if exported.is_dated else ""


def _frames(rates_hz: Sequence[float]) -> tuple[float, list[int]]:
    """Frames a second and samples of each signal in one."""
    if len(set(rates_hz)) <= 1:
        return (rates_hz[0] if rates_hz else float(TICKS_PER_S)), [1] * len(rates_hz)
    parts = [Fraction(rate).limit_denominator(100) for rate in rates_hz]
    bottom = reduce(lambda a, b: a * b // gcd(a, b), (p.denominator for p in parts))
    top = reduce(gcd, (int(p * bottom) for p in parts))
    frame = Fraction(top, bottom)
    return float(frame), [int(p / frame) for p in parts]


def _write_signals(exported: Exported, folder: Path, signals: _Signals, n_frames: int) -> list[str]:
    """Write one signal file; its lines of the header."""
    track, slots = signals.placed.track, Slots(exported, signals.placed)
    n = len(track.columns)
    sums, firsts = np.zeros(n, np.int64), [0] * n
    at_once = max(1, int(FRAMES_S * track.rate_hz / signals.per_frame))
    with (folder / signals.file).open("wb") as out:
        for at in range(0, n_frames, at_once):
            frames = min(at_once, n_frames - at)
            values = slots.take(at * signals.per_frame, (at + frames) * signals.per_frame)
            counts = np.stack([s.counts(values[:, i], signals.bits) for i, s in enumerate(signals.scales)])
            if at == 0:
                firsts = counts[:, 0].tolist()
            sums += counts.astype(np.int64).sum(axis=1)
            out.write(counts.reshape(n, frames, signals.per_frame).transpose(1, 0, 2).tobytes())
    per_frame = "" if signals.per_frame == 1 else f"x{signals.per_frame}"
    lines = []
    for column, scale, total, first, name in zip(
        track.columns, signals.scales, sums.tolist(), firsts, signal_names(track), strict=True
    ):
        unit = "NU" if column.unit == "1" else ascii_text(column.unit).replace(" ", "_").replace("/", "_per_")
        check = (total + 2**15) % 2**16 - 2**15
        gain = f"{1.0 / scale.step!r}({scale.baseline})/{unit}"
        tail = f" {track.tags}" if track.tags else ""
        form = f"{signals.bits}{per_frame} {gain} {signals.bits} 0 {first} {check} 0"
        lines.append(f"{signals.file} {form} {ascii_text(name)}{tail}")
    return lines


def _comments(exported: Exported) -> Iterator[str]:
    facts = exported.facts
    if exported.warning:
        yield f"# {ascii_text(exported.warning)}"
    yield f"# subject {ascii_text(exported.subject)}"
    age = "unknown" if facts.get("age_y") is None else facts["age_y"]
    yield f"# age {age} sex {facts.get('sex') or 'unknown'}"
    yield "# times of annotations in ms; local time; details in the .about.json beside"
    if facts.get("snapshot"):
        yield f"# snapshot {ascii_text(str(facts['snapshot']))}"


def _annotations(exported: Exported, begin_s: float) -> bytes:
    """MIT annotations: a note at each mark, one at either end of each span."""
    found: list[tuple[float, int, str]] = [(m.t_s, _NOTE, m.text) for m in exported.marks]
    for span in exported.spans:
        code = _QUALITY if span.kind == "quality" else _NOTE
        found += [(span.t0_s, code, f"({span.text}"), (span.t1_s, code, f"){span.text}")]
    if exported.warning:
        found.append((begin_s, _NOTE, exported.warning))
    # rdann takes every note at 0 for a definition and drops it: the first moment is 1 ms
    ticks = sorted((max(1, round((t - begin_s) * TICKS_PER_S)), code, text) for t, code, text in found)
    parts = [struct.pack("<H", _NOTE << 10) + _aux(f"## time resolution: {TICKS_PER_S}")]
    last = 0
    for tick, code, text in ticks:
        step, last = tick - last, tick
        if step > 1023:
            parts.append(struct.pack("<HHH", _SKIP << 10, step >> 16, step & 0xFFFF))
            step = 0
        parts.append(struct.pack("<H", code << 10 | step) + _aux(text))
    return b"".join([*parts, b"\0\0"])


def _aux(text: str) -> bytes:
    words = text.encode()[:_LONGEST_AUX].decode(errors="ignore").encode()  # no half of a character
    return struct.pack("<H", _AUX << 10 | len(words)) + words + b"\0" * (len(words) % 2)
