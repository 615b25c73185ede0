"""Reading a session: sealed, live or killed alike. ``recorder.session.open(path)`` for researchers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recorder.clock import ClockEra, Timebase
from recorder.errors import SessionError
from recorder.schema import Amendment, Calibration, Event, Gap, StreamInfo, Use
from recorder.schema.physical import physical
from recorder.session import amendments, facts, timeline
from recorder.session import annotations as label_store
from recorder.session.afterwards import told_afterwards
from recorder.session.amended import amended, amended_fields
from recorder.session.annotated import LabelFold
from recorder.session.facts import GapSpan, UnconfirmedSpan
from recorder.session.frames import frame
from recorder.session.header import SessionHeader
from recorder.session.levels import COARSE_BINS, Level, bin_s, coarsened, join_levels, level_of
from recorder.session.manifest import CLOCK
from recorder.session.points import ClockPoints, join_points
from recorder.session.rows import Rows, join_rows, number_span, unpack_rows
from recorder.session.sealed import SealedFiles
from recorder.session.stored import Stored, read_stored
from recorder.session.timeline import EraAxis, StreamPoints, StreamTimes, bridged, fit_device_streams, slipped
from recorder.session.views import Overview, StreamData, binned


class Session:
    """A session on disk. Cheap to open; reads what it is asked for and keeps the latest of it in memory.

    Made by :func:`open_session`. For one thread at a time; a context manager.
    """

    def __init__(self, stored: Stored) -> None:
        self._files = SealedFiles(stored.folder)
        self._take(stored)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was read."""
        self._files.forget()
        self._forget_live()

    def refresh(self) -> None:
        """Look again at a session that is being recorded; what is sealed is not read twice."""
        self._take(read_stored(self.path))

    def _take(self, stored: Stored) -> None:
        self._stored = stored
        self._header: SessionHeader | None = None
        last_ns = stored.last_arrivals_ns()
        self._axis = EraAxis.of(stored.card.eras, last_ns)
        ends = [self.t_s(t_host_ns, era) for era, t_host_ns in last_ns.items()]
        ends += [self.t_s(e.t_host_ns, e.era) for _, e in stored.live_events]
        self._duration_s = max(ends, default=0.0)
        self._forget_live()

    def _forget_live(self) -> None:
        self._live: dict[str, Rows] = {}
        self._times: dict[str, StreamTimes] = {}
        self._levels: dict[tuple[str, bool], tuple[Level, NDArray[np.float64]]] = {}
        self._all_events: list[Event] | None = None

    @property
    def path(self) -> Path:
        """The session folder."""
        return self._stored.folder

    @property
    def header(self) -> SessionHeader:
        """What is known now: corrections laid over :attr:`header_at_start`; :attr:`amended_fields` names them."""
        if self._header is None:
            self._header = amended(self.header_at_start, self.amendments())
        return self._header

    @property
    def header_at_start(self) -> SessionHeader:
        """What was written at Start, before any correction."""
        return self._stored.card.header

    @property
    def amended_fields(self) -> tuple[str, ...]:
        """Fields of the header that were corrected, e.g. ``subject.pseudonym``."""
        return amended_fields(self.amendments())

    def allows(self, use: Use) -> bool:
        """Whether the subject's consent, as it stands now, covers a use. A session without a consent allows none."""
        consent = self.header.consent
        return consent is not None and consent.allows(use)

    @property
    def incomplete_reason(self) -> str:
        """What was missing at Start and why it began all the same, and why it was aborted; empty for a whole one."""
        said = [str(e.payload.get("incomplete_reason") or "") for e in self.events("session")]
        said += [
            f"aborted: {e.payload['aborted']}" for e in self.events("session") if e.payload.get("aborted")
        ]
        return "; ".join(reason for reason in said if reason)

    @property
    def state(self) -> str:
        """``open`` (recording, or its recorder died), ``sealed`` or ``damaged``."""
        return "damaged" if self.damaged else self._stored.state

    @property
    def eras(self) -> tuple[ClockEra, ...]:
        """Clock eras in order."""
        return self._stored.card.eras

    @property
    def streams(self) -> dict[str, StreamInfo]:
        """Streams by id."""
        return {info.stream_id: info for info in self._stored.card.streams}

    @property
    def damaged(self) -> list[tuple[str, str]]:
        """Files found damaged so far, and why. ``verify`` looks at every byte."""
        return [*self._stored.damaged, *self._files.damaged.items()]

    @property
    def start_wall_ns(self) -> int:
        """UTC wall time of elapsed time 0, ns since 1970."""
        return self.eras[0].wall_ns

    @property
    def duration_s(self) -> float:
        """Elapsed time of the last arrival, s."""
        return self._duration_s

    def t_s(self, t_host_ns: int, era: int) -> float:
        """Elapsed seconds of a host time of an era."""
        return self._axis.moment_s(t_host_ns, era)

    def moment(self, t_s: float) -> tuple[int, int]:
        """Inverse of :meth:`t_s`: host time and era of an elapsed time."""
        return self._axis.moment(t_s)

    def t_of(self, event: Event) -> float:
        """Elapsed seconds of an event."""
        return self.t_s(event.t_host_ns, event.era)

    def rows(self, stream_id: str) -> int:
        """Rows stored of a stream."""
        info = self._info(stream_id)
        sealed = sum(s.rows for s in self._stored.segments_of(stream_id))
        return sealed + len(self._live_rows(info))

    def read(
        self,
        stream_id: str,
        t0_s: float | None = None,
        t1_s: float | None = None,
        *,
        calibrated: bool = False,
    ) -> StreamData:
        """Rows of a stream within ``[t0_s, t1_s]`` elapsed seconds (None = from the start, to the end).

        Args:
            calibrated: ``values`` in mmHg where an accepted calibration of the time exists.

        Raises:
            SessionError: no such stream.
        """
        info = self._info(stream_id)
        low = -np.inf if t0_s is None else t0_s
        high = np.inf if t1_s is None else t1_s
        rows, damage = self._rows_between(info, low, high)
        time_s, era = self._times_of(info, rows)
        keep = np.flatnonzero((time_s >= low) & (time_s <= high))
        if keep.size < len(rows):
            rows, time_s, era = rows.take(keep), time_s[keep], era[keep]
        values, units = physical(info, rows.values), tuple(c.unit for c in info.channels)
        if calibrated:
            values, units = facts.calibrate(info, values, time_s, self._dated_calibrations(), units)
        gaps = [*self.gaps(stream_id), *damage]
        touching = tuple(g for g in gaps if g.t1_s >= low and g.t0_s <= high)
        return StreamData(
            info, rows.sample_no, time_s, rows.values, values, units, rows.device_time_us, era, touching
        )

    def frame(self, stream_ids: Sequence[str], rate_hz: float, **span: float) -> Any:
        """Streams side by side in pandas, nothing interpolated: see :func:`recorder.session.frames.frame`."""
        return frame(self, stream_ids, rate_hz, **span)

    def overview(self, stream_id: str, t0_s: float, t1_s: float, n_bins: int) -> Overview:
        """Minimum and maximum of ``n_bins`` equal bins of ``[t0_s, t1_s]``, from the coarsest source that is exact
        enough: the levels in the footers (1 s, numerics 30 s), or the samples.

        Raises:
            SessionError: no such stream.
            ValueError: an empty span or no bins.
        """
        info = self._info(stream_id)
        if not t1_s > t0_s or n_bins < 1:
            raise ValueError(f"overview of {stream_id}: {t0_s:g} to {t1_s:g} s in {n_bins} bins")
        width_s = (t1_s - t0_s) / n_bins
        if width_s >= bin_s(info):
            coarse = info.kind == "waveform" and width_s >= 2 * COARSE_BINS * bin_s(info)
            level, times = self._level(info, coarse=coarse)
            a, b = np.searchsorted(times, [t0_s - bin_s(info) * (COARSE_BINS if coarse else 1), t1_s])
            return binned(times[a:b], level.low[a:b], level.high[a:b], (t0_s, width_s, n_bins))
        stream = self._rows_between(info, t0_s, t1_s)[0]
        times = self._times_of(info, stream)[0]
        inside = np.flatnonzero((times >= t0_s) & (times < t1_s))
        order = inside[np.argsort(times[inside], kind="stable")]
        values = physical(info, stream.take(order).values)
        return binned(times[order], values, values, (t0_s, width_s, n_bins))

    def gaps(self, stream_id: str) -> tuple[GapSpan, ...]:
        """Stored gaps of a stream, in order."""
        return facts.gap_spans(self._gaps_of(stream_id), self.t_s, self.duration_s, self._axis.since_s)

    def unconfirmed(self) -> tuple[UnconfirmedSpan, ...]:
        """Spans outside estimates and datasets: nobody has confirmed that it was still the same person."""
        return facts.unconfirmed_spans(self.events(), self.t_s, self.duration_s)

    def events(self, kind: str | None = None) -> list[Event]:
        """Stored events in the order they were stored, of one kind or all; markers set afterwards come last."""
        if self._all_events is None:
            sealed = [pair for row in self._stored.event_segments() for pair in self._files.events(row)]
            both = dict([*sealed, *self._stored.live_events])
            stored = [both[number] for number in sorted(both)]
            self._all_events = [*stored, *told_afterwards(self.amendments(), self.eras)]
        return [e for e in self._all_events if kind in (None, e.kind)]

    def summarise(self) -> bool:
        """Write ``summary.bin`` anew where a sealed, whole session has none that holds; True where it was tried."""
        return self.state == "sealed" and self._files.renew_summary(
            self._stored.card.streams, self._stored.segments
        )

    def amendments(self) -> list[Amendment]:
        """Corrections of what was written about the session, in order."""
        return amendments.read(self.path)[0]

    def labels(self, label_set: str = label_store.DEFAULT_SET) -> LabelFold:
        """Labels of a set as they stand now; empty where there is none."""
        return LabelFold(label_store.read(self.path, label_set).deeds)

    @property
    def label_sets(self) -> tuple[str, ...]:
        """Names of the label sets."""
        return label_store.sets_of(self.path)

    def calibrations(self) -> list[Calibration]:
        """Stored calibrations in order."""
        return facts.calibrations(self.events("calibration"))

    def clock_points(self, stream_id: str) -> ClockPoints:
        """Every raw clock point of a stream."""
        self._info(stream_id)
        sealed = [self._files.all_points(row, stream_id) for row in self._stored.segments_of(CLOCK)]
        return join_points([*sealed, *self._live_points(stream_id)])

    def timebase(self, stream_id: str, era: int) -> Timebase:
        """The fitted time base of a waveform: of the longest run in a clock era.

        Waveforms of one device share one drift in an era unless the arrivals of one contradict it. The drift is 0
        until the arrivals outweigh that crystals are good, about a minute for an E4; ``drift_error_ppm`` tells how
        well it is known.

        Raises:
            SessionError: no such stream, not a waveform, or nothing arrived in that era.
        """
        info = self._info(stream_id)
        runs = [r for r in self._stream_times(info).runs if r.era == era] if info.nominal_rate_hz else []
        if not runs:
            raise SessionError(f"{self.path.name}: stream {stream_id} has no time base in clock era {era}")
        return max(runs, key=lambda r: r.end_no - r.first_no).timebase

    def _info(self, stream_id: str) -> StreamInfo:
        for info in self._stored.card.streams:
            if info.stream_id == stream_id:
                return info
        known = ", ".join(sorted(self.streams)) or "none"
        raise SessionError(f"{self.path.name}: no stream {stream_id!r}; it has {known}")

    def _live_rows(self, info: StreamInfo) -> Rows:
        if info.stream_id not in self._live:
            batches = self._stored.batches_of(info.stream_id)
            self._live[info.stream_id] = join_rows(info, (unpack_rows(info, b.payload) for b in batches))
        return self._live[info.stream_id]

    def _rows_between(self, info: StreamInfo, t0_s: float, t1_s: float) -> tuple[Rows, list[GapSpan]]:
        """Rows that can lie in a span (waveforms closely, numerics by file), and damaged files on the way."""
        sealed = self._stored.segments_of(info.stream_id)
        cut: tuple[int, int] | None = None
        if info.kind == "waveform":
            cut = first, end = self._stream_times(info).sample_span(t0_s, t1_s)
            sealed = [r for r in sealed if r.first_no < end and r.next_no > first]
        else:
            sealed = [
                r
                for r in sealed
                if self.t_s(r.t1_host_ns, r.era) >= t0_s and self.t_s(r.t0_host_ns, r.era) <= t1_s
            ]
        parts, damage = [], []
        for row in sealed:
            rows = self._files.rows(info, row)
            if rows is None:
                times = self._stream_times(info) if info.kind == "waveform" else None
                edges = timeline.segment_edges_s(self._axis, row, times, info.nominal_rate_hz)
                damage.append(GapSpan(*edges, "damaged", row.rows, row.name, row.first_no))
            else:
                parts.append(rows)
        parts.append(self._live_rows(info))
        return join_rows(info, parts if cut is None else [p.between(*cut) for p in parts]), damage

    def _times_of(self, info: StreamInfo, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        if info.kind == "waveform":
            times = self._stream_times(info)
            return times.t_s(rows.sample_no), times.eras_of(rows.sample_no)
        eras = self._eras_of_numeric(info, rows.sample_no)
        times_s = np.zeros(len(rows))
        if rows.row_t_host_ns is not None:
            for era in np.unique(eras).tolist():
                chosen = eras == era
                times_s[chosen] = self._axis.t_s(rows.row_t_host_ns[chosen], era)
        return times_s, eras

    def _eras_of_numeric(self, info: StreamInfo, sample_no: NDArray[np.int64]) -> NDArray[np.int64]:
        eras = np.zeros(len(sample_no), np.int64)
        starts = [(s.first_no, s.era) for s in self._stored.segments_of(info.stream_id)]
        for batch in self._stored.batches_of(info.stream_id):
            if not starts or batch.era != starts[-1][1]:
                starts.append((number_span(batch.payload)[0], batch.era))
        for first, era in starts:
            eras[np.searchsorted(sample_no, first) :] = era
        return eras

    def _stream_times(self, info: StreamInfo) -> StreamTimes:
        if info.stream_id not in self._times:
            device = [
                i for i in self._stored.card.streams if (i.device_id, i.kind) == (info.device_id, info.kind)
            ]
            times = fit_device_streams(self._axis, {i.stream_id: self._stream_points(i) for i in device})
            if slipped(times.values()):
                points = {i.stream_id: self._stream_points(i, every_block=True) for i in device}
                times = fit_device_streams(self._axis, points)
            self._times.update(times)
        return self._times[info.stream_id]

    def _stream_points(self, info: StreamInfo, *, every_block: bool = False) -> StreamPoints:
        known, name = self._stretches(info), info.stream_id
        points = bridged(self.clock_points(name) if every_block else self._thin_points(name), known)
        end_no = max((end for _, end, *_ in known), default=0)
        return StreamPoints(points, self._gaps_of(name), end_no, info.nominal_rate_hz or 1.0, every_block)

    def _stretches(self, info: StreamInfo) -> list[tuple[int, int, int, int, int]]:
        """First sample, one past the last, first and last arrival, and era of each segment and unsealed batch."""
        sealed = self._stored.segments_of(info.stream_id)
        known = [(s.first_no, s.next_no, s.t0_host_ns, s.t1_host_ns, s.era) for s in sealed]
        for batch in self._stored.batches_of(info.stream_id):
            first, end = number_span(batch.payload)
            known.append((first, end, batch.t0_host_ns, batch.t1_host_ns, batch.era))
        return known

    def _thin_points(self, stream_id: str) -> ClockPoints:
        sealed = self._files.thin_points(self._stored.segments_of(CLOCK), stream_id)
        return join_points([sealed, *self._live_points(stream_id)])

    def _live_points(self, stream_id: str) -> list[ClockPoints]:
        return [points[stream_id] for _, points in self._stored.clock if stream_id in points]

    def _level(self, info: StreamInfo, *, coarse: bool) -> tuple[Level, NDArray[np.float64]]:
        key = (info.stream_id, coarse)
        if key not in self._levels:
            sealed = self._stored.segments_of(info.stream_id)
            of_era = [(era, list(rows)) for era, rows in groupby(sealed, key=lambda row: row.era)]
            parts = [self._files.levels(info, rows, coarse=coarse) for _, rows in of_era]
            eras = [era for era, _ in of_era]
            for batch in self._stored.batches_of(info.stream_id):
                rows = unpack_rows(info, batch.payload)
                fine = level_of(info, rows, physical(info, rows.values))
                parts.append(coarsened(info, fine) if coarse else fine)
                eras.append(batch.era)
            level = join_levels(parts, len(info.channels))
            if info.kind == "waveform":
                times = self._stream_times(info).t_s(level.first)
            else:
                times = np.concatenate(
                    [np.empty(0), *(self._axis.t_s(p.first, e) for p, e in zip(parts, eras, strict=True))]
                )
            self._levels[key] = (level, times)
        return self._levels[key]

    def _gaps_of(self, stream_id: str) -> list[Gap]:
        return facts.gaps_of(self.events("gap"), stream_id)

    def _dated_calibrations(self) -> list[tuple[float, Calibration]]:
        return facts.dated_calibrations(self.events("calibration"), self.t_s)


def open_session(path: Path | str) -> Session:
    """Open a session folder read-only: sealed, being recorded, or killed.

    Raises:
        SessionError: no session here, or it was erased.
        SessionFormatUnknown: written by a newer HemoView.
        SessionDamaged: nothing says what the session is; run ``recorder recover``.
    """
    return Session(read_stored(Path(path)))


__all__ = ["Overview", "Session", "StreamData", "open_session"]
