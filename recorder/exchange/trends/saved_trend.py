"""A CSV file of :mod:`recorder.exchange.trends.trend_csv`, read back: what a screen asks of a session, it answers."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.clock import ClockEra
from recorder.counted import counted
from recorder.errors import RecordingUnreadable, SessionError
from recorder.exchange.trends.trend_csv import FIRST_COLUMNS, TITLE, VERSION, plain, reasons_of
from recorder.schema import Amendment, Calibration, DeviceInfo, Event, StreamInfo, Subject
from recorder.session import UnconfirmedSpan, facts
from recorder.session.facts import GapSpan
from recorder.session.header import SessionHeader
from recorder.session.reader import Session, open_session
from recorder.session.views import Overview, binned

Floats = NDArray[np.float64]

NOT_SAVED: Final = "not in this file"
"""Cause of the stretch before the span that was saved."""
_ERA: Final = 0
_MISUNDERSTOOD: Final = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    OverflowError,
    csv.Error,
)
"""What a file that was tampered with can raise anywhere below."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one stream: ``time_s (n,)``, ``values (n, channels)``, gaps that touch the span."""

    time_s: Floats
    values: Floats
    gaps: tuple[GapSpan, ...]


@dataclass(slots=True)
class _Table:
    """What stands below the heading, by stream."""

    times: dict[str, list[float]] = field(default_factory=dict)
    values: dict[str, list[list[float]]] = field(default_factory=dict)
    gaps: dict[str, list[GapSpan]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class SavedTrend:
    """A saved span of a session; read whole when it is opened."""

    state = "sealed"
    damaged: Sequence[tuple[str, str]] = ()

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            RecordingUnreadable: it is no such file, a newer one, or damaged; names the line.
        """
        self.path = path
        heading, self._table = _read(path)
        try:
            self._take(heading)
        except _MISUNDERSTOOD as error:
            raise RecordingUnreadable(
                f"{path}: its heading cannot be understood ({error}); save it again"
            ) from None

    def _take(self, heading: dict[str, Any]) -> None:
        self._header, self._infos = _header(heading, self.path), _infos(heading)
        self._start_wall_ns = int(heading["start_wall_ns"])
        self.eras = (ClockEra(_ERA, "saved", "saved", 0, self._start_wall_ns, speed=self._header.speed),)
        self._span: tuple[float, float] = (float(heading["span_s"][0]), float(heading["span_s"][1]))
        if not 0 <= self._span[0] <= self._span[1] < math.inf:
            raise ValueError(f"span {self._span}")
        self._arrays = {info.stream_id: self._array(info) for info in self._infos}

    @property
    def header(self) -> SessionHeader:
        """What the file tells of the session it was saved from."""
        return self._header

    @property
    def start_wall_ns(self) -> int:
        """UTC wall time of elapsed time 0, ns since 1970."""
        return self._start_wall_ns

    @property
    def streams(self) -> dict[str, StreamInfo]:
        """Streams by id."""
        return {info.stream_id: info for info in self._infos}

    @property
    def duration_s(self) -> float:
        """Elapsed time of the end of the span."""
        return self._span[1]

    def t_s(self, t_host_ns: int, era: int) -> float:
        """Elapsed seconds of a host time; a file has one clock."""
        return (t_host_ns - self.eras[era].monotonic_ns) / 1e9

    def read(self, stream_id: str, t0_s: float | None = None, t1_s: float | None = None) -> Rows:
        """Rows of a stream within a span."""
        times, values = self._of(stream_id)
        low, high = (-math.inf if t0_s is None else t0_s), (math.inf if t1_s is None else t1_s)
        part = slice(*np.searchsorted(times, (low, np.nextafter(high, math.inf))).tolist())
        touching = tuple(g for g in self.gaps(stream_id) if g.t1_s >= low and g.t0_s <= high)
        return Rows(times[part], values[part], touching)

    def overview(self, stream_id: str, t0_s: float, t1_s: float, n_bins: int) -> Overview:
        """Minimum and maximum of equal bins."""
        times, values = self._of(stream_id)
        part = slice(*np.searchsorted(times, (t0_s, t1_s)).tolist())
        return binned(times[part], values[part], values[part], (t0_s, (t1_s - t0_s) / n_bins, n_bins))

    def gaps(self, stream_id: str) -> tuple[GapSpan, ...]:
        """Gaps of a stream, and what lies before the span that was saved."""
        found = self._table.gaps.get(stream_id, [])
        before = [GapSpan(0.0, self._span[0], NOT_SAVED, None)] if self._span[0] > 0 else []
        return (*before, *found)

    def events(self, kind: str | None = None) -> list[Event]:
        """Events of one kind or all."""
        return [event for event in self._table.events if kind in (None, event.kind)]

    @property
    def incomplete_reason(self) -> str:
        """Nothing is told of it in a saved table."""
        return ""

    def amendments(self) -> tuple[Amendment, ...]:
        """A table is saved as corrected by then."""
        return ()

    def unconfirmed(self) -> tuple[UnconfirmedSpan, ...]:
        """Spans of which nobody has confirmed whose they are."""
        return facts.unconfirmed_spans(self.events(), self.t_s, self.duration_s)

    def calibrations(self) -> Iterable[Calibration]:
        """Stored calibrations in order."""
        return facts.calibrations(self.events("calibration"))

    def refresh(self) -> None:
        """A file does not change."""

    def close(self) -> None:
        """Nothing is held open."""

    def _of(self, stream_id: str) -> tuple[Floats, Floats]:
        if stream_id not in self._arrays:
            raise SessionError(f"{self.path.name}: no stream {stream_id!r}")
        return self._arrays[stream_id]

    def _array(self, info: StreamInfo) -> tuple[Floats, Floats]:
        times = np.array(self._table.times.get(info.stream_id, []), np.float64)
        if not np.all(np.diff(times) >= 0):
            raise ValueError(f"rows of {info.stream_id} are out of order")
        values = np.array(self._table.values.get(info.stream_id, []), np.float64)
        return times, values.reshape(len(times), len(info.channels))


def is_saved_trend(path: Path) -> bool:
    """Is this one of our files?"""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            return lines.readline().startswith(TITLE)
    except OSError:
        return False


def open_trend(path: Path | str) -> Session | SavedTrend:
    """A session folder, or a file that was saved from one.

    Raises:
        RecorderError: it is neither, or cannot be read.
    """
    return SavedTrend(Path(path)) if Path(path).is_file() else open_session(path)


def _read(path: Path) -> tuple[dict[str, Any], _Table]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            heading, number = _heading(path, lines)
            infos = _infos(heading)
            table, columns = _Table(), _columns(infos)
            for cells in csv.reader(lines):
                number += 1
                _take(table, cells, columns)
            return heading, table
    except OSError as error:
        raise RecordingUnreadable(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except _MISUNDERSTOOD as error:
        if isinstance(error, RecordingUnreadable):
            raise
        where = f"line {number}" if number else "its heading"
        raise RecordingUnreadable(f"{path}: {where} cannot be understood ({error}); save it again") from None


def _heading(path: Path, lines: Any) -> tuple[dict[str, Any], int]:
    """The ``# key: JSON`` lines, and how many lines there are up to the names of the columns."""
    first = lines.readline()
    if not first.startswith(TITLE):
        raise RecordingUnreadable(
            f"{path}: not a file that HemoView saved; choose a session folder or such a file"
        )
    version = int(first.removeprefix(TITLE).strip())
    if version > VERSION:
        raise RecordingUnreadable(f"{path}: written by a newer HemoView (version {version}); update this one")
    heading: dict[str, Any] = {}
    for number, line in enumerate(lines, start=2):
        if not line.startswith("# "):
            if not line.startswith(",".join(FIRST_COLUMNS)):
                raise ValueError("the names of the columns are missing")
            return heading, number
        key, _, value = line[2:].partition(": ")
        heading[key] = json.loads(value)
    raise ValueError("there is no table")


def _infos(heading: dict[str, Any]) -> tuple[StreamInfo, ...]:
    return tuple(StreamInfo.from_json(value) for value in heading["streams"])


def _columns(infos: Sequence[StreamInfo]) -> dict[str, tuple[int, StreamInfo, dict[int, tuple[str, ...]]]]:
    """Where the channels of each stream stand, and which of them are reasons in words."""
    found, place = {}, len(FIRST_COLUMNS)
    for info in infos:
        names = reasons_of(info)
        words = {
            i: names
            for i, channel in enumerate(info.channels)
            if info.role == "estimate" and channel.name.endswith("_why")
        }
        found[info.stream_id] = (place, info, words)
        place += len(info.channels)
    return found


def _take(
    table: _Table, cells: list[str], columns: dict[str, tuple[int, StreamInfo, dict[int, tuple[str, ...]]]]
) -> None:
    if not cells:
        return
    t_s, kind = float(cells[0]), plain(cells[2])
    if kind in columns:
        place, info, words = columns[kind]
        part = cells[place : place + len(info.channels)]
        if len(part) != len(info.channels):
            raise ValueError(f"{counted(len(cells), 'cell is', 'cells are')} too few")
        table.times.setdefault(kind, []).append(t_s)
        numbers = [_code(cell, words[i]) if i in words else _number(cell) for i, cell in enumerate(part)]
        table.values.setdefault(kind, []).append(numbers)
        return
    detail = json.loads(cells[6])
    if kind == "gap":
        gap = GapSpan(t_s, float(cells[3]), plain(cells[4]), detail["n_missing"], str(detail["detail"]))
        table.gaps.setdefault(str(detail["stream_id"]), []).append(gap)
        return
    payload = dict(detail["payload"])
    event = Event(str(detail["event_id"]), kind, round(t_s * 1e9), int(detail["wall_ns"]), _ERA, payload)
    table.events.append(event)


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _code(cell: str, names: tuple[str, ...]) -> float:
    if not cell:
        return 0.0
    return float(names.index(cell) + 1) if cell in names else float(cell)


def _header(heading: dict[str, Any], path: Path) -> SessionHeader:
    pseudonym = str(heading["subject"])
    devices = [
        DeviceInfo(f"device-{i}", str(product)) for i, product in enumerate(heading.get("devices", ()))
    ]
    template = dict(heading.get("template", {}))
    if heading.get("estimates_hidden"):
        template["rules"] = {"estimates_hidden": True}
    return SessionHeader(
        session_id=str(heading["session"]) or path.stem,
        station="saved",
        created_wall_ns=int(heading["start_wall_ns"]),
        zone=str(heading["zone"]),
        utc_offset_s=int(heading["utc_offset_s"]),
        subject=Subject(pseudonym) if pseudonym else None,
        devices=tuple(devices),
        template=template,
        simulated=bool(heading["simulated"]),
        speed=float(heading["speed"]),
    )
