"""What every export is fed: tracks on the session's one axis, marks, spans. The same for all formats.

A session is looked at once before anything is written (:func:`survey`): how many rows, between which values, where it
breaks. Then a format asks for :meth:`Exported.pieces`, ten minutes at a time, so that a day needs no more memory than
an hour. Nothing is resampled and nothing filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.schema import StreamInfo
from recorder.session import GapSpan, Session, StreamData, facts

Floats = NDArray[np.float64]
PIECE_S: Final = 600.0
"""So much is read at a time: one segment."""
BREAK_PERIODS: Final = 0.5
"""A step between neighbours that is off by more of a sample's period ends a run."""


class ExportStopped(Exception):
    """Whoever asked has cancelled; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a session is exported.

    Args:
        span: ``[t0, t1)`` elapsed seconds; None = all of it.
        streams: ids, or patterns such as ``e4.*``; None = all.
        deidentify: dates shifted, serials hashed, free text dropped (safety rule 17).
        keep_labels: labels that somebody has read and found free of names; kept through de-identification.
    """

    span: tuple[float, float] | None = None
    streams: tuple[str, ...] | None = None
    deidentify: bool = False
    keep_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a track.

    Args:
        name, unit: as in the files.
        step: the distance of neighbouring stored values where they are counts; None for floats.
        offset: value of count 0.
        low, high: of the exported rows; NaN where there is no value.
        missing: rows whose value is no number.
        calibrated: volt seen through the accepted calibrations; the raw column stands beside it.
    """

    name: str
    unit: str
    step: float | None = None
    offset: float = 0.0
    low: float = float("nan")
    high: float = float("nan")
    missing: int = 0
    calibrated: bool = False

    @property
    def heading(self) -> str:
        """``SBP [mmHg]``; no unit where it has none."""
        return self.name if self.unit == "1" else f"{self.name} [{self.unit}]"


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of a waveform without a break: ``n`` of them from ``t0_s`` to ``t1_s``, the last one's own time."""

    n: int
    t0_s: float
    t1_s: float


@dataclass(frozen=True)
class Track:
    """A stream as it is exported.

    Args:
        info: the stream, as the files call it.
        source_id: its id in the session.
        columns: of ``Piece.values``.
        tags: ``est.``, ``SIM``, both or neither: goes wherever a name of it is shown.
        rows: exported.
        runs: of a waveform, in order.
        gaps: where it has no samples, causes included; damaged files are gaps.
        places: most decimals of the text of each column (decimal streams).
    """

    info: StreamInfo
    source_id: str
    columns: tuple[Column, ...]
    tags: str = ""
    rows: int = 0
    runs: tuple[Run, ...] = ()
    gaps: tuple[GapSpan, ...] = ()
    places: tuple[int, ...] = ()

    @property
    def is_waveform(self) -> bool:
        """It has a nominal rate."""
        return self.info.kind == "waveform"

    @property
    def rate_hz(self) -> float:
        """Nominal rate; 0 for rows that are not regular."""
        return self.info.nominal_rate_hz or 0.0

    @property
    def column_places(self) -> tuple[int | None, ...]:
        """Decimals of the text of each column; None where it is none."""
        return (*self.places, *[None] * (len(self.columns) - len(self.places)))

    @property
    def effective_rate_hz(self) -> float | None:
        """As measured over its longest run; None where there is too little."""
        longest = max(self.runs, key=lambda run: run.n, default=None)
        if longest is None or longest.n < 2 or longest.t1_s <= longest.t0_s:
            return None
        return (longest.n - 1) / (longest.t1_s - longest.t0_s)

    def heading(self, column: Column) -> str:
        """Heading of a column with its tags."""
        return f"{column.heading} {self.tags}".strip()


UNFINISHED: Final = "unfinished"
"""In the detail of a label whose rater has not declared the set finished."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment. ``detail`` holds plain JSON values."""

    t_s: float
    kind: str
    label: str
    detail: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """In one line: ``marker: arm move``."""
        said = self.kind if not self.label or self.label == self.kind else f"{self.kind}: {self.label}"
        return said + _unfinished(self.detail)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch: ``gap``, ``quality``, ``annotation`` or ``unconfirmed``; ``stream`` where it is of one."""

    t0_s: float
    t1_s: float
    kind: str
    label: str
    stream: str = ""
    detail: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """In one line: ``gap e4.bvp: link-lost``."""
        said = f"{self.kind} {self.stream}".strip() + (f": {self.label}" if self.label else "")
        return said + _unfinished(self.detail)


def _unfinished(detail: dict[str, Any]) -> str:
    return f" ({UNFINISHED})" if detail.get(UNFINISHED) else ""


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of a track; ``raw`` as stored, ``values`` ``(n, columns)``."""

    time_s: Floats
    sample_no: NDArray[np.int64]
    raw: NDArray[Any]
    values: Floats

    def __len__(self) -> int:
        return int(self.time_s.shape[0])


Read = Callable[[str], Iterator[Piece]]


@dataclass(frozen=True)
class Exported:
    """All that a format writes.

    Args:
        name: what the files are called where nobody says otherwise.
        subject: what the files call the subject.
        start_wall_ns: UTC of elapsed time 0, shifted where de-identified.
        utc_offset_s: of local time at the start.
        tracks: in the order of the session.
        marks, spans: in order of time; gaps are spans too.
        facts: what a reader must know, plain JSON values: goes into every export.
        warning: SIMULATED …, else empty: goes into every file.
        read: rows of a track by its source id.
        clock: raw clock points of a waveform by its source id, ``(m, 3)``: sample, how many, elapsed s of arrival.
        is_dated: somebody knows the day; else times are counted from 1970, or from a shift before it.
    """

    name: str
    subject: str
    start_wall_ns: int
    utc_offset_s: int
    tracks: tuple[Track, ...]
    marks: tuple[Mark, ...]
    spans: tuple[Span, ...]
    facts: dict[str, Any]
    warning: str
    read: Read
    clock: Callable[[str], Floats]
    is_dated: bool = True

    @property
    def waveforms(self) -> tuple[Track, ...]:
        """Waveforms that hold at least one sample."""
        return tuple(t for t in self.tracks if t.is_waveform and t.rows)

    @property
    def numerics(self) -> tuple[Track, ...]:
        """Rows that are not regular."""
        return tuple(t for t in self.tracks if not t.is_waveform)

    @property
    def begin_s(self) -> float:
        """Elapsed time of the first sample of a waveform, else of the first mark, else 0."""
        firsts = [run.t0_s for track in self.waveforms for run in track.runs[:1]]
        return min(firsts, default=min((m.t_s for m in self.marks), default=0.0))

    def pieces(self, track: Track) -> Iterator[Piece]:
        """Rows of a track in order, some minutes at a time."""
        return self.read(track.source_id)

    def wall_ns(self, t_s: float) -> int:
        """UTC, ns since 1970, of a moment."""
        return self.start_wall_ns + round(t_s * 1e9)

    def utc(self, t_s: float) -> datetime:
        """UTC of a moment, to the microsecond."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=round(self.wall_ns(t_s) / 1000))

    def local(self, t_s: float) -> datetime:
        """Local time of a moment, called UTC."""
        return self.utc(t_s) + timedelta(seconds=self.utc_offset_s)

    def spans_of(self, kind: str) -> tuple[Span, ...]:
        """Spans of one kind."""
        return tuple(span for span in self.spans if span.kind == kind)


Tell = Callable[[int], None]
"""Hears of rows that were read; raises :class:`ExportStopped` to give up."""


def reader(
    session: Session, span: tuple[float, float] | None, tell: Tell
) -> Callable[[str], Iterator[Piece]]:
    """Reads a stream of a session piece by piece; a calibrated view stands behind the raw columns it is of."""
    end_s = session.duration_s

    def read(stream_id: str) -> Iterator[Piece]:
        for data in slices(session, stream_id, span, end_s):
            tell(len(data))
            yield _piece(session, data)

    return read


def survey(session: Session, info: StreamInfo, span: tuple[float, float] | None, tell: Tell) -> Track:
    """Go once through a stream: rows, values, runs, gaps."""
    columns = _columns(session, info)
    found = _Survey(info, len(columns))
    for data in slices(session, info.stream_id, span, session.duration_s):
        tell(len(data))
        found.gaps.update((gap, None) for gap in data.gaps)
        if len(data):
            found.take(_piece(session, data))
    gaps = [*found.gaps, *_unexplained(found.runs, list(found.gaps), info)]
    return Track(
        info,
        info.stream_id,
        tuple(
            replace(c, low=float(a), high=float(b), missing=int(m))
            for c, a, b, m in zip(columns, found.low, found.high, found.missing, strict=True)
        ),
        rows=found.rows,
        runs=tuple(found.runs),
        gaps=tuple(sorted((_within(gap, span) for gap in gaps), key=lambda g: (g.t0_s, g.t1_s))),
        places=tuple(found.places),
    )


class _Survey:
    """Grows with every piece."""

    def __init__(self, info: StreamInfo, n_columns: int) -> None:
        self.rows = 0
        self.runs: list[Run] = []
        self.gaps: dict[GapSpan, None] = {}
        self.low = np.full(n_columns, np.nan)
        self.high = np.full(n_columns, np.nan)
        self.missing = np.zeros(n_columns, np.int64)
        self.places = [0] * (len(info.channels) if info.dtype == "decimal" else 0)
        self._period_s = 1.0 / info.nominal_rate_hz if info.nominal_rate_hz else None
        self._last_no = 0

    def take(self, piece: Piece) -> None:
        self.rows += len(piece)
        values = np.where(np.isfinite(piece.values), piece.values, np.nan)
        if not np.isnan(values).all():
            self.low = np.fmin(self.low, np.fmin.reduce(values))
            self.high = np.fmax(self.high, np.fmax.reduce(values))
        self.missing += np.isnan(values).sum(axis=0)
        for i in range(len(self.places)):
            places = piece.raw[:, 2 * i + 1]
            self.places[i] = max(self.places[i], int(np.where(places < 0, -1 - places, places).max()))
        if self._period_s is not None:
            self._take_runs(piece, self._period_s)

    def _take_runs(self, piece: Piece, period_s: float) -> None:
        for start, stop in run_edges(piece, period_s):
            t0_s, t1_s = float(piece.time_s[start]), float(piece.time_s[stop - 1])
            number = int(piece.sample_no[start])
            last = self.runs[-1] if self.runs else None
            if (
                start == 0
                and last is not None
                and number == self._last_no + 1
                and abs(t0_s - last.t1_s - period_s) <= BREAK_PERIODS * period_s
            ):
                self.runs[-1] = Run(last.n + stop - start, last.t0_s, t1_s)
            else:
                self.runs.append(Run(stop - start, t0_s, t1_s))
            self._last_no = int(piece.sample_no[stop - 1])


def run_edges(piece: Piece, period_s: float) -> list[tuple[int, int]]:
    """Stretches of a piece of a waveform without a break: (first index, one past the last)."""
    late = np.abs(np.diff(piece.time_s) - period_s) > BREAK_PERIODS * period_s
    cuts = np.flatnonzero(late | (np.diff(piece.sample_no) != 1)) + 1
    edges = [0, *cuts.tolist(), len(piece)]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def _columns(session: Session, info: StreamInfo) -> list[Column]:
    counts = info.dtype.startswith("int")
    columns = [Column(c.name, c.unit, abs(c.scale) if counts else None, c.offset) for c in info.channels]
    seen = [info.channels[i].name for i in _calibrated_channels(session, info)]
    return columns + [Column(f"{name}_calibrated", "mmHg", calibrated=True) for name in seen]


def _calibrated_channels(session: Session, info: StreamInfo) -> list[int]:
    accepted = {c.channel for c in session.calibrations() if c.accepted and c.stream_id == info.stream_id}
    return [i for i, channel in enumerate(info.channels) if channel.name in accepted]


def _piece(session: Session, data: StreamData) -> Piece:
    chosen = _calibrated_channels(session, data.info)
    values = data.values
    if chosen:
        dated = facts.dated_calibrations(session.events("calibration"), session.t_s)
        calibrated, _ = facts.calibrate(data.info, values, data.time_s, dated, data.units)
        values = np.hstack([values, calibrated[:, chosen]])
    return Piece(data.time_s, data.sample_no, data.raw, values)


def slices(
    session: Session, stream_id: str, span: tuple[float, float] | None, end_s: float
) -> Iterator[StreamData]:
    """A stream in slices of :data:`PIECE_S`, each row in one of them."""
    t0_s, t1_s = (-np.inf, np.inf) if span is None else span
    at = t0_s
    while at < t1_s:
        edge = (max(at, 0.0) // PIECE_S + 1) * PIECE_S
        stop = t1_s if edge >= min(t1_s, end_s) else edge
        data = session.read(stream_id, at, float(np.nextafter(stop, -np.inf)) if np.isfinite(stop) else stop)
        yield data
        at = stop


def _unexplained(runs: Sequence[Run], gaps: Sequence[GapSpan], info: StreamInfo) -> list[GapSpan]:
    """Holes between runs that no stored gap and no damage accounts for."""
    period_s = 1.0 / (info.nominal_rate_hz or 1.0)
    found = []
    for before, after in pairwise(runs):
        a, b = before.t1_s + period_s, after.t0_s
        if b - a > BREAK_PERIODS * period_s and not any(
            g.t0_s <= b + period_s and g.t1_s >= a - period_s for g in gaps
        ):
            found.append(GapSpan(a, b, "not-explained", round((b - a) / period_s)))
    return found


def _within(gap: GapSpan, span: tuple[float, float] | None) -> GapSpan:
    if span is None:
        return gap
    t0_s = min(max(gap.t0_s, span[0]), span[1])
    t1_s = max(t0_s, min(gap.t1_s, span[1]))
    n_missing = gap.n_missing
    if n_missing is not None and gap.t1_s > gap.t0_s:
        n_missing = round(n_missing * (t1_s - t0_s) / (gap.t1_s - gap.t0_s))
    return replace(gap, t0_s=t0_s, t1_s=t1_s, n_missing=n_missing)
