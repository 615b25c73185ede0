"""An E4 session as exported → values for a session. Streams are described as the streaming server's are."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from recorder.errors import RecordingUnreadable
from recorder.exchange.into_session import NOT_IN_FILE, UNREADABLE, Break, Moment, Rows, Waveform
from recorder.exchange.sources.e4_csv import NotE4
from recorder.exchange.sources.e4_exact import (
    RANGE,
    ExactCsv,
    parse_exact,
    parse_exact_beats,
    parse_exact_tags,
)
from recorder.exchange.sources.e4_files import E4Files, canonical, is_tags, read_files
from recorder.exchange.sources.source import Skipped, Source
from recorder.protocols.e4_description import RATES_HZ, stream_infos
from recorder.protocols.e4_events import SampleKind
from recorder.schema import DeviceInfo, Marker, StreamInfo
from recorder.schema.streams import Origin

DEVICE: Final = "e4"
PRODUCT: Final = "Empatica E4 (exported session)"
_REGULAR: Final[dict[str, tuple[SampleKind, int]]] = {
    "BVP.csv": ("bvp", 1),
    "ACC.csv": ("acc", 3),
    "EDA.csv": ("gsr", 1),
    "TEMP.csv": ("tmp", 1),
}
HR_RATE_HZ: Final = 1.0
SLACK_S: Final = 600
"""Beats, button presses and other files may lie outside the samples by so much: files can be cut."""
LONGEST_S: Final = 72 * 3600
"""No battery of a wristband lasts longer while it records."""
_ACC_RANGE: Final = 1 << 15


def read(path: Path, device: str = DEVICE) -> Source:
    """An E4 zip or folder. A file in it that is damaged or is not what its name says is skipped by name.

    Args:
        path: the zip or folder.
        device: id of the wristband in the session.

    Raises:
        RecordingUnreadable: it is no E4 session, or nothing in it can be taken.
    """
    files = read_files(path)
    origin: Origin = "simulated" if files.simulated else "recorded"
    infos = stream_infos(device, origin)
    reader = _Reader(files, device)
    found = {
        name: wave
        for name, (kind, columns) in _REGULAR.items()
        if (wave := reader.waveform(name, infos[kind], RATES_HZ[kind], columns)) is not None
    }
    waves = reader.of_one_recording(found)
    span_us = _span_us(waves) if waves else (0, 0)
    both = (reader.hr(infos["hr"], span_us), reader.ibi(infos["ibi"], span_us)) if waves else ()
    numerics = [rows for rows in both if rows is not None]
    if not waves:
        why = "; ".join(f"{s.file}: {s.why}" for s in (*files.skipped, *reader.skipped))
        raise RecordingUnreadable(
            f"{path}: holds no sample of {', '.join(_REGULAR)}{f' ({why})' if why else ''}; choose an E4 session"
        )
    return Source(
        kind="e4",
        name=path.name,
        sha256=files.sha256,
        content_sha256=_content_sha256(files.texts),
        devices=(DeviceInfo(device, PRODUCT, transport="file", simulated=files.simulated),),
        waveforms=tuple(waves),
        numerics=tuple(numerics),
        moments=reader.tags(span_us),
        rejected={name: dict(reasons) for name, reasons in reader.rejected.items() if reasons},
        skipped=(*files.skipped, *reader.skipped),
        notes=tuple(reader.notes),
        simulated=files.simulated,
    )


class _Reader:
    """Files to streams, keeping account of what is left out."""

    def __init__(self, files: E4Files, device: str) -> None:
        self._texts, self._device = files.texts, device
        self._damaged = {canonical(PurePosixPath(s.file).name) for s in files.skipped}
        self.rejected: dict[str, dict[str, int]] = {}
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []

    def waveform(self, name: str, info: StreamInfo, rate_hz: float, columns: int) -> Waveform | None:
        """One regular file; None where it is absent, empty or not what its name says."""
        found = self._regular(name, rate_hz, columns)
        if found is None:
            return None
        values = found.values
        if info.dtype == "int16":
            found, values = self._counts(name, found)
        if not len(values):
            self.skipped.append(Skipped(name, "it has no row of numbers"))
            return None
        first_no = int(found.row_no[0])
        holes = np.flatnonzero(np.diff(found.row_no) != 1) + 1
        breaks = tuple(self._break(name, found, int(k)) for k in holes)
        return Waveform(info, self._wall_ns(found, first_no), values, breaks)

    def of_one_recording(self, found: Mapping[str, Waveform]) -> list[Waveform]:
        """Those that were recorded together with the longest of them; others are of another recording."""
        if not found:
            return []
        longest = max(found.values(), key=lambda w: w.end_wall_ns - w.first_wall_ns)
        low, high = _around(_span_us([longest]))
        kept = []
        for name, wave in found.items():
            if wave.first_wall_ns // 1000 > high or wave.end_wall_ns // 1000 < low:
                self._skip_stranger(name, wave.first_wall_ns)
            else:
                kept.append(wave)
        return kept

    def _skip_stranger(self, name: str, wall_ns: int) -> None:
        begun = datetime.fromtimestamp(wall_ns // 1_000_000_000, UTC)
        why = f"it begins on {begun:%Y-%m-%d %H:%M} UTC, not with the others; is it of another recording?"
        self.skipped.append(Skipped(name, why))

    def hr(self, info: StreamInfo, span_us: tuple[int, int]) -> Rows | None:
        """The vendor's heart rate; its first row is 10 s after the start."""
        found = self._regular("HR.csv", HR_RATE_HZ, 1)
        if found is None or not len(found.values):
            return None
        low, high = _around(span_us)
        if not low <= found.start_us <= high:
            self._skip_stranger("HR.csv", found.start_us * 1000)
            return None
        wall_ns = found.start_us * 1000 + np.rint(found.row_no * (1e9 / found.rate_hz)).astype(np.int64)
        return Rows(info, wall_ns, found.floats())

    def ibi(self, info: StreamInfo, span_us: tuple[int, int]) -> Rows | None:
        """Intervals between the beats the wristband accepted."""
        text = self._texts.get("IBI.csv", b"")
        try:
            beats = parse_exact_beats(text)
        except NotE4 as error:
            self.skipped.append(Skipped("IBI.csv", str(error)))
            return None
        if beats is None:
            self._note_absent("IBI.csv")
            return None
        low, high = _around(span_us)
        if not low <= beats.start_us <= high:
            self._skip_stranger("IBI.csv", beats.start_us * 1000)
            return None
        inside = (
            beats.beat_us <= beats.start_us + LONGEST_S * 10**6
        )  # the samples beside them may have been cut
        outside = int((~inside).sum())
        counted = Counter(beats.rejected) + Counter({RANGE: outside} if outside else {})
        self.rejected["IBI.csv"] = dict(counted)
        if not inside.any():
            return None
        return Rows(info, beats.beat_us[inside] * 1000, beats.ibi_s[inside][:, None])

    def tags(self, span_us: tuple[int, int]) -> tuple[Moment, ...]:
        """Button presses as the markers the live chain makes of them."""
        low, high = _around(span_us)
        marker = Marker("tag", "e4-tag")
        payload = {"label": marker.label, "source": marker.source, "device_id": self._device}
        moments = []
        for name in sorted(n for n in self._texts if is_tags(n)):
            times, rejected = parse_exact_tags(self._texts[name])
            inside = [t for t in times if low <= t <= high]
            counted = dict(rejected)
            if len(inside) < len(times):
                counted[RANGE] = len(times) - len(inside)
            self.rejected[name] = counted
            moments += [Moment("marker", t * 1000, payload) for t in inside]
        return tuple(moments)

    def _regular(self, name: str, rate_hz: float, columns: int) -> ExactCsv | None:
        text = self._texts.get(name, b"")
        try:
            found = parse_exact(text, columns)
            if found is not None and found.rate_hz != rate_hz:
                raise NotE4(
                    f"it says {found.rate_hz:g} Hz and an E4 has {rate_hz:g} Hz there; is it another file renamed?"
                )
        except NotE4 as error:
            self.skipped.append(Skipped(name, str(error)))
            return None
        if found is None:
            self._note_absent(name)
            return None
        self.rejected[name] = dict(found.rejected)
        return found

    def _note_absent(self, name: str) -> None:
        if name not in self._damaged:  # then it is there, and its damage is told
            self.notes.append(f"{name}: absent or empty")

    def _counts(self, name: str, found: ExactCsv) -> tuple[ExactCsv, np.ndarray]:
        """Acceleration is whole counts of 1/64 g; a row that is none is left out."""
        values = found.floats()
        good = ((values == np.rint(values)) & (np.abs(values) < _ACC_RANGE)).all(axis=1)
        if not good.all():
            self.rejected[name][RANGE] = self.rejected[name].get(RANGE, 0) + int((~good).sum())
        kept = replace(found, values=found.values[good], row_no=found.row_no[good])
        return kept, values[good].astype(np.int16)

    def _break(self, name: str, found: ExactCsv, index: int) -> Break:
        """Where rows are missing before the one at ``index``: the file says so, or they could not be read."""
        first, end = int(found.row_no[index - 1]) + 1, int(found.row_no[index])
        said = np.searchsorted(found.absent, [first, end])
        cause = NOT_IN_FILE if said[1] - said[0] == end - first else UNREADABLE
        return Break(index, self._wall_ns(found, end), cause, name)

    @staticmethod
    def _wall_ns(found: ExactCsv, row_no: int) -> int:
        return found.start_us * 1000 + round(row_no * 1e9 / found.rate_hz)


def _around(span_us: tuple[int, int]) -> tuple[int, int]:
    return span_us[0] - SLACK_S * 10**6, span_us[1] + SLACK_S * 10**6


def _span_us(waves: list[Waveform]) -> tuple[int, int]:
    return min(w.first_wall_ns for w in waves) // 1000, max(w.end_wall_ns for w in waves) // 1000


def _content_sha256(texts: Mapping[str, bytes]) -> str:
    lines = [f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in sorted(texts.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
