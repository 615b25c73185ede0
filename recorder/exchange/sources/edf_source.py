"""An EDF, EDF+ or BDF recording → values for a session: its own whole numbers with its scale, gaps as gaps.

Annotations become markers. Who was recorded is never read: the patient field is skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecordingUnreadable
from recorder.exchange import edf_file
from recorder.exchange.edf_file import EdfFile, EdfSignal, NotEdf
from recorder.exchange.exports.quantise import EDF_COUNTS
from recorder.exchange.into_session import Moment, Waveform
from recorder.exchange.sources.channel_roles import role_of, says_simulated, slug
from recorder.exchange.sources.e4_exact import CUT, NO_NUMBER
from recorder.exchange.sources.pieces import Piece, waveform_of
from recorder.exchange.sources.source import COUNTED, Skipped, Source
from recorder.schema import Channel, DeviceInfo, StreamInfo
from recorder.schema.streams import Origin

DEVICE: Final = "edf"
PRODUCT: Final = "EDF recording"
OVERLAPS: Final = "overlaps"
BEYOND: Final = "beyond-header"
MAX_RATE_HZ: Final = 100_000
_SAME_NS: Final = 1000
"""Data records that follow each other to the microsecond are one stretch."""

LocalTime = Callable[[datetime], int]


def read(path: Path, wall_ns: LocalTime, undated_ns: int, zone: str) -> Source:
    """Every signal of the file.

    Args:
        path: the file.
        wall_ns: turns its local start into UTC.
        undated_ns: UTC ns at which a file without a date begins.
        zone: by which ``wall_ns`` goes, for the report.

    Raises:
        RecordingUnreadable: naming the file and the cause.
        ConfigError: from ``wall_ns``.
    """
    try:
        octets = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        file = edf_file.parse_header(octets)
    except NotEdf as error:
        raise RecordingUnreadable(
            f"{path}: cannot be read as EDF: {error}; choose an EDF or BDF file"
        ) from error
    except OSError as error:
        raise RecordingUnreadable(f"{path}: cannot be read ({error.strerror}); check the file") from error
    notes = []
    if file.start is None:
        notes.append(f"the file has no date: {COUNTED}")
    start_ns = undated_ns if file.start is None else wall_ns(file.start)
    reader = _Reader(octets, file, start_ns)
    waves = reader.waves()
    moments = reader.moments()
    if file.n_missing:
        reader.reject(path.name, CUT, file.n_missing)
        lost_s = float(file.n_missing * file.record_s)
        notes.append(f"the file was cut: its last {lost_s:g} s are missing")
    if file.n_beyond:
        reader.reject(path.name, BEYOND, file.n_beyond)
        notes.append(_beyond(file))
    if not waves:
        why = "; ".join(f"{s.file}: {s.why}" for s in reader.skipped[:3])
        raise RecordingUnreadable(f"{path}: holds no sample{f' ({why})' if why else ''}; choose another file")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    simulated = reader.origin == "simulated"
    return Source(
        kind="edf",
        name=path.name,
        sha256=digest,
        content_sha256=digest,
        devices=(DeviceInfo(DEVICE, PRODUCT, transport="file", simulated=simulated),),
        waveforms=tuple(waves),
        moments=moments,
        rejected=reader.rejected,
        skipped=tuple(reader.skipped),
        zone="" if file.start is None else zone,
        notes=(*notes, *reader.notes),
        simulated=simulated,
    )


def _beyond(file: EdfFile) -> str:
    if file.n_beyond == 1:
        return (
            f"1 data record stands behind the {file.n_records} its header tells of and was left out; if it belongs to "
            "it, let the program that wrote it mend its header"
        )
    return (
        f"{file.n_beyond} data records stand behind the {file.n_records} its header tells of and were left out; if "
        "they belong to it, let the program that wrote it mend its header"
    )


class _Reader:
    """Signals to streams, keeping account of what is left out."""

    def __init__(self, octets: NDArray[np.uint8], file: EdfFile, start_ns: int) -> None:
        self._octets, self._file, self._start_ns = octets, file, start_ns
        self._onsets_ns, n_unsaid = edf_file.record_onsets_ns(octets, file)
        self.origin: Origin = "simulated" if says_simulated(file.recording) else "recorded"
        self._is_ours = "HemoView" in file.recording.split()
        """Our own exports have a count for "no sample"; the format itself has none."""
        self.rejected: dict[str, dict[str, int]] = {}
        self.skipped: list[Skipped] = []
        self.notes: list[str] = []
        if file.discontinuous and n_unsaid:
            one = (
                f"it may have gaps (EDF+D) and does not say when 1 of its {file.n_records} data records was taken: it "
                "was put behind the one before"
            )
            many = (
                f"it may have gaps (EDF+D) and does not say when {n_unsaid} of its {file.n_records} data records were "
                "taken: they were put behind the one before"
            )
            self.notes.append(one if n_unsaid == 1 else many)

    def reject(self, file: str, reason: str, n: int) -> None:
        """Count what was left out."""
        self.rejected.setdefault(file, {})[reason] = n

    def waves(self) -> list[Waveform]:
        """One stream a signal."""
        found, taken = [], list[str]()
        for signal in self._file.signals:
            name = slug(signal.label, taken)
            taken.append(name)
            wave = self._wave(name, signal)
            if wave is not None:
                found.append(wave)
        return found

    def moments(self) -> tuple[Moment, ...]:
        """Annotations as markers."""
        said, unreadable = edf_file.notes(self._octets, self._file)
        if unreadable:
            self.reject("annotations", NO_NUMBER, unreadable)
        return tuple(
            Moment(
                "marker",
                self._start_ns + note.onset_ns,
                {"label": note.text, "source": "edf"}
                | ({} if note.duration_s is None else {"duration_s": note.duration_s}),
            )
            for note in said
        )

    def _wave(self, name: str, signal: EdfSignal) -> Waveform | None:
        if not self._file.record_s or not signal.per_record:
            self.skipped.append(Skipped(signal.label, "it has no rate"))
            return None
        if signal.per_record / self._file.record_s > MAX_RATE_HZ:
            self.skipped.append(
                Skipped(signal.label, f"more than {MAX_RATE_HZ} samples a second are no signal's")
            )
            return None
        if not signal.has_line:
            self.notes.append(f"{signal.label}: its limits make no scale; its raw numbers were kept")
        unit = signal.unit or "1"
        info = StreamInfo(
            f"{DEVICE}.{name}",
            DEVICE,
            "waveform",
            (Channel(name, unit, signal.scale, signal.offset),),
            "int16" if self._file.octets_a_sample == 2 else "int32",
            float(signal.per_record / self._file.record_s),
            role_of(signal.label, unit) if signal.has_line else "",
            origin=self.origin,
            metadata={"of_file": signal.label},
        )
        pieces = [self._piece(signal, a, b, info.dtype) for a, b in self._stretches()]
        wave, overlapping = waveform_of(info, pieces)
        if overlapping:
            self.reject(signal.label, OVERLAPS, overlapping)
        return wave

    def _piece(self, signal: EdfSignal, a: int, b: int, dtype: str) -> Piece:
        counts = edf_file.digital(self._octets, self._file, signal, a, b)
        missing = counts == -EDF_COUNTS if self._is_ours else None
        return Piece(self._start_ns + int(self._onsets_ns[a]), counts.astype(dtype), missing)

    def _stretches(self) -> list[tuple[int, int]]:
        """Data records that follow each other."""
        n = self._file.n_records
        record_ns = round(self._file.record_s * 1_000_000_000)
        jumps = np.flatnonzero(np.abs(np.diff(self._onsets_ns) - record_ns) > _SAME_NS) + 1
        edges = [0, *jumps.tolist(), n]
        return [(a, b) for a, b in pairwise(edges) if b > a]
