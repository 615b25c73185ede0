"""EDF+ (Kemp & Olivan 2003): EDF+C, or EDF+D where there are stretches in which nothing at all was recorded.

Written by ourselves, record by record: edfio and pyedflib want a whole recording in memory, and neither writes EDF+D.
They are what the tests read it back with. A stream that has no sample where others have holds the smallest count,
−32 000, and the gap is an annotation. Rows that are no waveform lie beside the file as CSV.

A recording that nobody dated gets ``Startdate X``, the standard's word for a date that is not known, with 01.01.85, the
first day that the header can name, and its time counted from midnight. pyedflib and MNE look at the header alone and
show 1985-01-01 then; edfio says that there is no date. The header's two digits of a year mean 1985 to 2084. Of a day
before, the standard knows no way to tell; of one after, it wants ``yy`` for the digits, which pyedflib and edfio refuse
to read. Such a day is left out in the same way, its time of day is kept, and a note says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from recorder.exchange.edf_file import MONTHS
from recorder.exchange.exports.about import (
    Day,
    Written,
    ascii_text,
    note_empty,
    shortened,
    signal_names,
    write_about,
)
from recorder.exchange.exports.export_tables import write_csv_track
from recorder.exchange.exports.exported import Exported, Track
from recorder.exchange.exports.placed import Placed, Slots, clock_ratio, place
from recorder.exchange.exports.quantise import EDF_COUNTS, EdfScale, edf_scale, grid, within

RECORDS_AT_ONCE: Final = 120
FIRST_DAY: Final = datetime(1985, 1, 1, tzinfo=UTC)
LAST_YEAR: Final = 2084
_LABEL, _UNIT = 16, 8
_SEX: Final = {"female": "F", "male": "M"}
_LONGEST_NOTE: Final = 400


@dataclass(frozen=True)
class _Signal:
    """One track in the file: its slots, and label and scale of each column."""

    placed: Placed
    per_record: int
    labels: tuple[str, ...]
    scales: tuple[EdfScale, ...]


@dataclass(frozen=True)
class _Plan:
    """All that the header must know.

    Args:
        record_s: length of a record, as text of at most 8 characters.
        begin: of the file: a whole second of local time; of 1985-01-01 where the day is left out.
        day: whether it is, and why.
        fraction_s: of the first sample behind it.
        records: numbers of the records that are written, counted from the first sample.
        tals: annotation bytes of each of them.
        tal_bytes: room for annotations in a record.
    """

    signals: tuple[_Signal, ...]
    record_s: str
    begin: datetime
    day: Day
    fraction_s: float
    records: tuple[int, ...]
    tals: tuple[bytes, ...]
    tal_bytes: int

    @property
    def continuous(self) -> bool:
        return self.records == tuple(range(len(self.records)))


def write(exported: Exported, folder: Path, stem: str) -> Written:
    """``STEM.edf``; a second file for each stream whose rate has no common record with the others."""
    written = Written()
    for name, tracks in _files(exported, stem):
        plan = _plan(exported, tracks, written)
        with (folder / f"{name}.edf").open("wb") as out:
            out.write(_header(exported, plan))
            _write_records(out, exported, plan)
        written.day = plan.day
        if plan.day == "unknown":
            written.notes.append(
                f"nobody knows the day of this recording: {name}.edf says so (Startdate X); 01.01.85 stands for that"
            )
        elif plan.day == "unnameable":
            written.notes.append(
                f"EDF cannot name the year {exported.local(exported.begin_s).year} (it knows 1985 to {LAST_YEAR}): "
                f"{name}.edf leaves the day out (Startdate X); 01.01.85 stands for that, the time of day is right"
            )
        if not plan.continuous:
            written.is_broken = True
            written.notes.append(
                f"{name}.edf is EDF+D: nothing was recorded in some stretches, which are left out. EDFbrowser shows "
                "them; pyedflib refuses EDF+D, and readers that know only EDF+C close them up"
            )
    for track in exported.numerics:
        written.names[track.info.stream_id] = f"{stem}_edf_{track.info.stream_id}.csv"
        write_csv_track(folder / f"{stem}_edf_{track.info.stream_id}.csv", exported, track)
    written.notes.append(f'count {-EDF_COUNTS} stands for "no sample"; annotations say where and why')
    note_empty(exported, written)
    write_about(folder / f"{stem}.edf.about.json", exported, written)
    return written


def _files(exported: Exported, stem: str) -> Iterator[tuple[str, list[Track]]]:
    """Tracks that share a record; those with odd rates on their own."""
    whole = [t for t in exported.waveforms if grid([t.rate_hz]) is not None]
    while whole and grid([t.rate_hz for t in whole]) is None:
        whole.pop()
    odd = [t for t in exported.waveforms if t not in whole]
    if whole or not odd:
        yield stem, whole
    for i, track in enumerate(odd):
        yield stem if not whole and i == 0 else f"{stem}_{track.info.stream_id}", [track]


def _plan(exported: Exported, tracks: Sequence[Track], written: Written) -> _Plan:
    begin_s = exported.begin_s
    record_s, counts = _record(tracks, clock_ratio(tracks, begin_s))
    names = iter(shortened([n for t in tracks for n in signal_names(t)], _LABEL, written))
    signals = []
    for track, count in zip(tracks, counts, strict=True):
        placed = place(track, begin_s, count / float(record_s))
        scales = [edf_scale(c, p) for c, p in zip(track.columns, track.column_places, strict=True)]
        labels = tuple(next(names) for _ in track.columns)
        written.steps |= {label: scale.step for label, scale in zip(labels, scales, strict=True)}
        written.time_error_s[track.info.stream_id] = round(placed.time_error_s, 6)
        signals.append(_Signal(placed, count, labels, tuple(scales)))
    begin, day = _begin(exported, begin_s)
    fraction_s = begin.microsecond / 1e6
    records = _records(signals)
    length_s = (records[-1] + 1) * float(record_s)
    notes = _annotations(exported, signals, begin_s, fraction_s, length_s)
    tals, room = _tals(records, float(record_s), fraction_s, notes)
    return _Plan(
        tuple(signals),
        record_s,
        begin.replace(microsecond=0),
        day,
        fraction_s,
        tuple(records),
        tuple(tals),
        room,
    )


def _begin(exported: Exported, begin_s: float) -> tuple[datetime, Day]:
    """Local time of the first sample; its time of day, or one counted from midnight, where the day is left out."""
    local = exported.local(begin_s)
    if not exported.is_dated:
        since = exported.utc(begin_s) - exported.utc(0.0)
        return FIRST_DAY + since % timedelta(days=1), "unknown"
    if FIRST_DAY.year <= local.year <= LAST_YEAR:
        return local, "named"
    return datetime.combine(FIRST_DAY, local.timetz()), "unnameable"


def _record(tracks: Sequence[Track], ratio: float) -> tuple[str, list[int]]:
    """Length of a record as text, and samples of each track in it; ``ratio``: measured over nominal rate."""
    rates = [t.rate_hz for t in tracks]
    seconds = grid(rates) if rates else 1
    if seconds is not None:
        length = str(seconds) if ratio == 1 else f"{seconds / ratio:.8f}"[:8]
        return length, [round(rate * seconds) for rate in rates]
    count = max(1, round(rates[0]))
    return f"{count / rates[0] / ratio:.8f}"[:8], [count]


def _records(signals: Sequence[_Signal]) -> list[int]:
    """Numbers of the records in which there is a sample of anything; one where there are none."""
    edges = [(a // s.per_record, (b - 1) // s.per_record + 1) for s in signals for a, b in s.placed.stretches]
    return [number for a, b in within(edges) for number in range(a, b)] or [0]


def _annotations(
    exported: Exported, signals: Sequence[_Signal], begin_s: float, fraction_s: float, length_s: float
) -> list[bytes]:
    """Every mark and span as the bytes of a list of annotations, in order of time."""
    found: list[tuple[float, float | None, str]] = []
    if exported.warning:
        found.append((begin_s, length_s, exported.warning))
    found += [(m.t_s, None, m.text) for m in exported.marks]
    found += [(s.t0_s, s.t1_s - s.t0_s, s.text) for s in exported.spans]
    for signal in signals:
        found += _ends(signal.placed, begin_s, begin_s + length_s)
    found.sort(key=lambda note: note[0])
    return [_tal(t - begin_s + fraction_s, duration, text) for t, duration, text in found]


def _ends(placed: Placed, begin_s: float, end_s: float) -> Iterator[tuple[float, float, str]]:
    """Where the file is longer than a stream."""
    first_s = begin_s + placed.starts[0] / placed.rate_hz
    last_s = begin_s + placed.end / placed.rate_hz
    for a, b in ((begin_s, first_s), (last_s, end_s)):
        if b - a > 0.5 / placed.rate_hz:
            yield a, b - a, f"no sample {placed.track.info.stream_id}"


def _tal(onset_s: float, duration_s: float | None, text: str) -> bytes:
    clean = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    words = clean.encode()[:_LONGEST_NOTE].decode(errors="ignore")
    length = "" if duration_s is None else f"\x15{_seconds(duration_s)}"
    return f"{_seconds(onset_s, signed=True)}{length}\x14{words}\x14\x00".encode()


def _seconds(value: float, *, signed: bool = False) -> str:
    text = f"{value:+.6f}" if signed else f"{value:.6f}"
    return text.rstrip("0").rstrip(".")


def _tals(
    records: Sequence[int], record_s: float, fraction_s: float, notes: Sequence[bytes]
) -> tuple[list[bytes], int]:
    """Time and annotations of each record, and the room that takes: they may stand in any record."""
    times = [f"{_seconds(n * record_s + fraction_s, signed=True)}\x14\x14\x00".encode() for n in records]
    room = 2 * ((max([len(times[-1]) + max(map(len, notes), default=0), 60]) + 1) // 2)
    while True:
        filled = _filled(times, notes, room)
        if filled is not None:
            return filled, room
        room += max(16, room // 4 // 2 * 2)


def _filled(times: Sequence[bytes], notes: Sequence[bytes], room: int) -> list[bytes] | None:
    records, at = list(times), 0
    for note in notes:
        while len(records[at]) + len(note) > room:
            at += 1
            if at == len(records):
                return None
        records[at] += note
    return records


def _header(exported: Exported, plan: _Plan) -> bytes:
    facts, begin = exported.facts, plan.begin
    day = f"{begin.day:02d}-{MONTHS[begin.month - 1]}-{begin.year}" if plan.day == "named" else "X"
    sex = _SEX.get(str(facts.get("sex")), "X")
    age = f" age_{facts['age_y']}" if facts.get("age_y") is not None else ""
    patient = f"{_field(exported.subject) or 'X'} {sex} X X{age}"
    simulated = " SIMULATED" if exported.warning else ""
    operator = _field(str(facts.get("operator") or "")) or "X"
    recording = (
        f"Startdate {day} {_field(str(facts['session']))[:30] or 'X'} {operator[:10]} HemoView{simulated}"
    )
    signals = [(s, i) for s in plan.signals for i in range(len(s.labels))]
    n = len(signals) + 1
    parts = [
        _text("0", 8),
        _text(patient, 80),
        _text(recording, 80),
        _text(f"{begin:%d.%m.%y}", 8),
        _text(f"{begin:%H.%M.%S}", 8),
        _text(str(256 * (n + 1)), 8),
        _text("EDF+C" if plan.continuous else "EDF+D", 44),
        _text(str(len(plan.records)), 8),
        _text(plan.record_s, 8),
        _text(str(n), 4),
    ]
    columns = [s.placed.track.columns[i] for s, i in signals]
    rows: list[tuple[int, list[str]]] = [
        (_LABEL, [*(s.labels[i] for s, i in signals), "EDF Annotations"]),
        (80, [*(_kind(s.placed.track) for s, _ in signals), ""]),
        (_UNIT, [*("" if c.unit == "1" else ascii_text(c.unit)[:_UNIT] for c in columns), ""]),
        (8, [*(s.scales[i].low for s, i in signals), "-1"]),
        (8, [*(s.scales[i].high for s, i in signals), "1"]),
        (8, [*(str(-EDF_COUNTS) for _ in signals), "-32768"]),
        (8, [*(str(EDF_COUNTS) for _ in signals), "32767"]),
        (80, [""] * n),
        (8, [*(str(s.per_record) for s, _ in signals), str(plan.tal_bytes // 2)]),
        (32, [""] * n),
    ]
    parts += [_text(text, width) for width, texts in rows for text in texts]
    return b"".join(parts)


def _kind(track: Track) -> str:
    return " ".join(part for part in (track.info.role, track.info.origin, track.tags) if part)


def _field(text: str) -> str:
    """A subfield: no blanks."""
    return ascii_text(text).replace(" ", "_")


def _text(text: str, width: int) -> bytes:
    return ascii_text(text)[:width].ljust(width).encode()


def _write_records(out: BinaryIO, exported: Exported, plan: _Plan) -> None:
    readers = [Slots(exported, s.placed) for s in plan.signals]
    at = 0
    while at < len(plan.records):
        first = plan.records[at]
        stop = at
        while stop < len(plan.records) and plan.records[stop] < first + RECORDS_AT_ONCE:
            stop += 1
        chosen = np.array(plan.records[at:stop]) - first
        n = int(chosen[-1]) + 1
        parts = []
        for signal, slots in zip(plan.signals, readers, strict=True):
            values = slots.take(first * signal.per_record, (first + n) * signal.per_record)
            for i, scale in enumerate(signal.scales):
                counts = scale.counts(values[:, i]).astype("<i2").reshape(n, signal.per_record)
                parts.append(counts[chosen].view(np.uint8))
        tals = b"".join(tal.ljust(plan.tal_bytes, b"\0") for tal in plan.tals[at:stop])
        parts.append(np.frombuffer(tals, np.uint8).reshape(len(chosen), plan.tal_bytes))
        out.write(np.hstack(parts).tobytes())
        at = stop


__all__ = ["write"]
