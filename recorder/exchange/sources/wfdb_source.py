"""A WFDB record → values for a session: the file's own whole numbers with its gain, gaps as gaps, notes as markers.

A segment that is absent, a file that is missing and samples the format calls invalid are gaps. Beats of annotation
files become rows of a numeric stream (a marker a beat would bury every other); what says something in words, or of the
rhythm or the quality, becomes a marker.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import RecordingUnreadable
from recorder.exchange.into_session import Moment, Rows, Waveform
from recorder.exchange.sources import wfdb_record
from recorder.exchange.sources.channel_roles import plain_name, role_of, says_simulated, slug
from recorder.exchange.sources.e4_exact import CUT, RANGE
from recorder.exchange.sources.numeric_columns import Column, numeric_streams
from recorder.exchange.sources.pieces import Piece, waveform_of
from recorder.exchange.sources.source import COUNTED, Skipped, Source
from recorder.exchange.sources.wfdb_notes import parse_notes
from recorder.schema import Channel, DeviceInfo, StreamInfo
from recorder.schema.streams import Origin

DEVICE: Final = "wfdb"
PRODUCT: Final = "WFDB record"
OVERLAPS: Final = "overlaps"
LAST_YEAR: Final = 2200
"""De-identified records are moved to any year; ns since 1970 end in 2262."""

_INVALID: Final = {
    "8": -(1 << 7), "80": -(1 << 7), "508": -(1 << 7), "16": -(1 << 15), "61": -(1 << 15), "516": -(1 << 15),
    "160": -(1 << 15), "212": -(1 << 11), "310": -(1 << 9), "311": -(1 << 9), "24": -(1 << 23), "524": -(1 << 23),
    "32": -(1 << 31),
}  # fmt: skip
"""Of each storage format the number that stands for "no sample" (WFDB Programmer's Guide, signal files)."""
_OCTETS: Final = {
    **dict.fromkeys(("8", "80"), Fraction(1)), **dict.fromkeys(("16", "61", "160"), Fraction(2)),
    **dict.fromkeys(("310", "311"), Fraction(4, 3)), "212": Fraction(3, 2), "24": Fraction(3), "32": Fraction(4),
}  # fmt: skip
"""Of a sample in each format of a fixed size; a compressed file does not tell how many it should hold."""
_ANNOTATORS: Final = (
    "atr", "ari", "ann", "qrs", "ecg", "marker", "mark", "event", "events", "sqi", "gqrs", "wqrs", "sqrs",
)  # fmt: skip
"""Suffixes of annotation files; any other file beside a record may be anything."""
_NUMERICS: Final = {
    "HR [bpm]": "hr", "ABPs [mmHg]": "sbp", "ABPm [mmHg]": "map", "ABPd [mmHg]": "dbp", "NBPs [mmHg]": "nbp_sys",
    "NBPm [mmHg]": "nbp_mean", "NBPd [mmHg]": "nbp_dia", "CO [L/min]": "co", "CVP [mmHg]": "cvp", "PPV [%]": "ppv",
}  # fmt: skip
_LONGEST_S: Final = 366 * 86_400
"""What lies further behind the start is no annotation and no segment, but a damaged number."""
_BEATS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Annotation codes that mark a beat (WFDB annotation codes)."""
_LIBRARY_ERRORS: Final = (
    OSError, ArithmeticError, LookupError, MemoryError, TypeError, ValueError, AttributeError, AssertionError,
)  # fmt: skip

LocalTime = Callable[[datetime], int]
"""A naive local time → UTC ns; asks or refuses where that cannot be known."""


def read(header: Path, wall_ns: LocalTime, undated_ns: int, zone: str) -> Source:
    """All signals of a record, of whatever segments there are.

    Args:
        header: the record's ``.hea``, see :func:`recorder.exchange.sources.wfdb_record.find_header`.
        wall_ns: turns the record's local start into UTC.
        undated_ns: UTC ns at which a record without a date begins.
        zone: by which ``wall_ns`` goes, for the report.

    Raises:
        RecordingUnreadable: naming the file and the cause.
        ConfigError: from ``wall_ns``.
    """
    wfdb = wfdb_record.library(header)
    with warnings.catch_warnings():
        # The library calls parts of pandas and numpy that will change one day; its users can do nothing about it.
        warnings.simplefilter("ignore")
        if not header.stat().st_size:
            raise RecordingUnreadable(f"{header}: is empty; fetch it again")
        try:
            top = wfdb.rdheader(str(header.with_suffix("")))
        except _LIBRARY_ERRORS as error:
            raise _unreadable(header, error) from error
        start_ns, notes = _start(top, wall_ns, undated_ns)
        comments = [str(line) for line in top.comments or ()]
        origin: Origin = "simulated" if says_simulated(*comments) else "recorded"
        record = _Record(header, wfdb, float(top.fs), start_ns, origin)
        record.notes += notes
        try:
            waves = record.waves(top)
            beats, moments = record.annotations()
            columns = _columns(header, top, start_ns)
        except _LIBRARY_ERRORS as error:
            if isinstance(error, RecordingUnreadable):
                raise
            raise _unreadable(header, error) from error
    numerics = [*numeric_streams(DEVICE, columns, record.origin), *beats]
    if not waves and not numerics:
        missing = "; ".join(f"{s.file}: {s.why}" for s in record.skipped[:3])
        raise RecordingUnreadable(
            f"{header}: holds no sample ({missing or 'it is empty'}); choose another record"
        )
    return Source(
        kind="wfdb",
        name=header.name,
        sha256=_hash_of(sorted(record.files)),
        content_sha256=_hash_of(sorted(record.files)),
        devices=(DeviceInfo(DEVICE, PRODUCT, transport="file", simulated=record.origin == "simulated"),),
        waveforms=tuple(waves),
        numerics=tuple(numerics),
        moments=tuple(moments),
        rejected=record.rejected,
        skipped=tuple(record.skipped),
        zone="" if start_ns == undated_ns else zone,
        notes=tuple(record.notes),
        simulated=record.origin == "simulated",
    )


def _unreadable(header: Path, error: Exception) -> RecordingUnreadable:
    return RecordingUnreadable(f"{header}: cannot be read as a WFDB record ({error}); check its files")


def _refuse_outside(header: Path, names: Iterable[str]) -> None:
    for name in names:
        if "/" in name or "\\" in name or ".." in name:
            raise RecordingUnreadable(
                f"{header}: names a file outside its folder ({name!r}); do not use this record"
            )


def _start(top: Any, wall_ns: LocalTime, undated_ns: int) -> tuple[int, list[str]]:
    begin = getattr(top, "base_datetime", None)
    if begin is None:
        return undated_ns, [f"the record has no date: {COUNTED}"]
    if not 1970 < begin.year <= LAST_YEAR:
        return undated_ns, [f"the year {begin.year} of the record is none of its device: {COUNTED}"]
    return wall_ns(begin), []


@dataclass(frozen=True, slots=True)
class _Kind:
    """What samples of several segments must share to be one stream."""

    name: str
    unit: str
    per_frame: int
    nth: int = 0
    """How many signals before it in its segment are called the same."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Samples of one signal in one segment, as whole numbers."""

    wall_ns: int
    digital: NDArray[np.int32]
    missing: NDArray[np.bool_]
    gain: float
    baseline: float


@dataclass(slots=True)
class _Record:
    """Reads one record, keeping account of what it used and what it left out."""

    header: Path
    wfdb: Any
    frame_hz: float
    start_ns: int
    origin: Origin
    files: set[Path] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)

    def waves(self, top: Any) -> list[Waveform]:
        """One stream a signal, over all segments."""
        self.files.add(self.header)
        _refuse_outside(self.header, getattr(top, "seg_name", None) or ())
        parts: dict[_Kind, list[_Part]] = defaultdict(list)
        absent: list[str] = []
        for segment in wfdb_record.segments(self.header, top):
            if segment.first_frame > _LONGEST_S * self.frame_hz:
                raise RecordingUnreadable(
                    f"{self.header}: its segments last longer than a year; their lengths are damaged, fetch it again"
                )
            if segment.absent:
                absent.append(segment.absent)
            if segment.path is not None and segment.n_frames:
                for kind, part in self._parts(segment.path, segment.first_frame):
                    parts[kind].append(part)
        if absent:
            why = f"is not there, nor are {len(absent) - 1} others: each is a gap"
            if len(absent) == 2:
                why = "is not there, nor is 1 other: each is a gap"
            self.skipped.append(
                Skipped(absent[0], why if absent[1:] else "is not there; its segment is a gap")
            )
        found, taken = [], list[str]()
        for kind, some in parts.items():
            name = slug(plain_name(kind.name), taken)
            taken.append(name)
            wave = self._wave(name, kind, some)
            if wave is not None:
                found.append(wave)
        return found

    def annotations(self) -> tuple[list[Rows], list[Moment]]:
        """Beats as rows, everything that says something as a marker."""
        beats, moments = [], []
        for suffix in _ANNOTATORS:
            path = self.header.with_suffix(f".{suffix}")
            if not path.is_file():
                continue
            read = parse_notes(path.read_bytes())
            if not read.notes:
                self.skipped.append(Skipped(path.name, "holds no annotation that can be read"))
                continue
            self.files.add(path)
            if not read.whole:
                self.notes.append(f"{path.name}: was cut; its annotations are read as far as they go")
            rate_hz = read.rate_hz or self.frame_hz
            kept = [note for note in read.notes if 0 <= note.sample <= _LONGEST_S * rate_hz]
            if len(kept) < len(read.notes):
                self.rejected.setdefault(path.name, {})[RANGE] = len(read.notes) - len(kept)
            since_ns = np.rint(np.array([n.sample for n in kept]) * (1e9 / rate_hz))
            at_ns = self.start_ns + since_ns.astype(np.int64)
            is_beat = np.array([note.symbol in _BEATS for note in kept], bool)
            if is_beat.any():
                beats.append(
                    self._beats(suffix, at_ns[is_beat], [n.symbol for n in kept if n.symbol in _BEATS])
                )
            moments += [
                Moment(
                    "marker",
                    int(t),
                    {"label": note.text or note.symbol, "source": f"wfdb:{suffix}", "code": note.symbol},
                )
                for t, note in zip(at_ns, kept, strict=True)
                if note.text or note.symbol not in _BEATS
            ]
        return beats, moments

    def _parts(self, path: Path, first_frame: int) -> Iterator[tuple[_Kind, _Part]]:
        head = self.wfdb.rdheader(str(path))
        _refuse_outside(self.header, head.file_name or ())
        self.files.add(path.with_name(path.name + ".hea"))
        present = []
        for k, file_name in enumerate(head.file_name or ()):
            if path.with_name(file_name).is_file():
                present.append(k)
                self.files.add(path.with_name(file_name))
            elif not any(s.file == file_name for s in self.skipped):
                self.skipped.append(Skipped(file_name, "is not there; its signals are gaps"))
        if not present:
            return
        n_frames = self._n_whole(path, head)
        if n_frames == 0:
            return
        try:
            record = self.wfdb.rdrecord(
                str(path), channels=present, physical=False, smooth_frames=False, sampto=n_frames
            )
        except _LIBRARY_ERRORS as error:
            self.skipped.append(Skipped(path.name, f"cannot be read ({error}); it is a gap"))
            return
        named = Counter[tuple[str, str, int]]()
        for k, values in enumerate(record.e_d_signal):
            per_frame = int(record.samps_per_frame[k])
            t_ns = self.start_ns + round(first_frame * 1e9 / self.frame_hz)  # the library has undone any skew
            digital = np.asarray(values, np.int32)
            missing = digital == _INVALID.get(str(record.fmt[k]), np.iinfo(np.int32).min)
            unit = str(record.units[k] or "").strip() or "1"
            told = (str(record.sig_name[k] or "signal"), unit, per_frame)
            kind = _Kind(*told, nth=named[told])
            named[told] += 1
            gain, baseline = float(record.adc_gain[k] or 200.0), float(record.baseline[k] or 0)
            yield kind, _Part(t_ns, digital, missing, gain, baseline)

    def _n_whole(self, path: Path, head: Any) -> int | None:
        """Frames that every file of a segment has whole, where one was cut off; None where none was."""
        promised = int(head.sig_len or 0)
        least = promised
        for file_name in dict.fromkeys(head.file_name or ()):
            mine = [k for k, name in enumerate(head.file_name) if name == file_name]
            size = _OCTETS.get(str(head.fmt[mine[0]]))
            file = path.with_name(file_name)
            if size is None or not file.is_file():
                continue
            octets = file.stat().st_size - int((head.byte_offset or [0])[mine[0]] or 0)
            whole = int(Fraction(max(octets, 0)) / (size * sum(int(head.samps_per_frame[k]) for k in mine)))
            if whole < promised:
                self.rejected.setdefault(file_name, {})[CUT] = promised - whole
                if not whole:
                    self.skipped.append(Skipped(file_name, "is cut off before its first sample; it is a gap"))
                least = min(least, whole)
        return least if least < promised else None

    def _wave(self, name: str, kind: _Kind, parts: list[_Part]) -> Waveform | None:
        scales = {(part.gain, part.baseline) for part in parts}
        narrow = all(np.abs(part.digital).max(initial=0) < 1 << 15 for part in parts)
        gain, baseline = next(iter(scales))
        exact = len(scales) == 1
        channel = (
            Channel(name, kind.unit, 1.0 / gain, -baseline / gain) if exact else Channel(name, kind.unit)
        )
        info = StreamInfo(
            f"{DEVICE}.{name}",
            DEVICE,
            "waveform",
            (channel,),
            ("int16" if narrow else "int32") if exact else "float32",
            self.frame_hz * kind.per_frame,
            role_of(kind.name, kind.unit),
            origin=self.origin,
            metadata={"of_file": kind.name},
        )
        dtype = np.dtype(info.dtype)
        pieces = [
            Piece(
                p.wall_ns,
                (p.digital if exact else (p.digital - p.baseline) / p.gain).astype(dtype),
                p.missing,
            )
            for p in parts
        ]
        wave, overlapping = waveform_of(info, pieces)
        if overlapping:
            self.rejected.setdefault(kind.name, {})[OVERLAPS] = overlapping
        return wave

    def _beats(self, suffix: str, at_ns: NDArray[np.int64], symbols: list[str]) -> Rows:
        info = StreamInfo(
            f"{DEVICE}.{slug(suffix)}",
            DEVICE,
            "numeric",
            (Channel("code", "1"),),
            "int32",
            None,
            "annotation",
            origin=self.origin,
            metadata={"codes": "code = Unicode number of the WFDB symbol", "of_file": suffix},
        )
        order = np.argsort(at_ns, kind="stable")
        codes = np.array([ord(s) for s in symbols], np.int32)[order][:, None]
        return Rows(info, at_ns[order], codes)


def _columns(header: Path, top: Any, start_ns: int) -> list[Column]:
    ticks_hz = float(top.counter_freq or top.fs)
    return [
        Column(
            name,
            _NUMERICS.get(name, ""),
            name.partition("[")[2].rstrip("] ") or "1",
            start_ns + np.rint(numeric.t_s * 1e9).astype(np.int64),
            numeric.values,
        )
        for name, numeric in wfdb_record.numerics(header, ticks_hz).items()
    ]


def _hash_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
