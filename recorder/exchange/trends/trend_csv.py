"""Numbers, events and gaps of a span of a session as one CSV file that a spreadsheet opens and that reads back whole.

Layout, version 1. Lines that begin with ``#`` tell what a reader must know: a title, then ``# key: JSON``. Below stands
a table with a row for everything that has a time, in order of time:

``elapsed_s, utc, row, until_s, label, tag, detail`` and a column a channel, named with its unit. ``row`` is the stream
id of a numeric row, else the kind of an event (``marker``, ``cuff``, ``gap``, ``calibration``, …), whose payload is the
JSON in ``detail``. Reasons of estimates are words. A cell of text that a spreadsheet would take for a formula
begins with an apostrophe, which reading takes away again.
"""

from __future__ import annotations

import csv
import json
import math
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

import numpy as np

from recorder.errors import StorageError
from recorder.schema import (
    BEARING,
    PARAMETERS,
    Event,
    StreamInfo,
)
from recorder.session.header import SessionHeader

TITLE: Final = "# HemoView trend, version"
VERSION: Final = 1
FIRST_COLUMNS: Final = ("elapsed_s", "utc", "row", "until_s", "label", "tag", "detail")
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
PIECE_S: Final = 1800.0
_QUIET: Final = frozenset(("gap", "era"))
"""Kinds that stand in the file in another way, or not at all: gaps as rows of their own, eras in elapsed time."""


_ENDS: Final = {"_lo": " low", "_hi": " high", "_why": " why"}
_NAMES: Final = {"sbp_mmhg": "SBP", "map_mmhg": "MAP", "dbp_mmhg": "DBP", "hr_per_min": "HR"}
_OF_MONITOR: Final = {parameter.lower(): parameter for parameter in PARAMETERS}

Row = tuple[float, list[str]]
"""Elapsed seconds, and the cells after the time."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What is to be saved.

    Args:
        t0_s, t1_s: span, elapsed seconds.
        without_roles: roles of streams left out, e.g. estimates that are hidden (safety rule 13).
        claim: what the estimates are and are not.
    """

    t0_s: float
    t1_s: float
    without_roles: frozenset[str] = frozenset()
    claim: str = ""


class TrendSource(Protocol):
    """What is saved: a session, or a file that was saved before."""

    @property
    def header(self) -> SessionHeader: ...  # noqa: D102
    @property
    def streams(self) -> dict[str, StreamInfo]: ...  # noqa: D102
    @property
    def start_wall_ns(self) -> int: ...  # noqa: D102
    def read(self, stream_id: str, t0_s: float | None = None, t1_s: float | None = None) -> Any: ...  # noqa: D102
    def gaps(self, stream_id: str) -> Iterable[Any]: ...  # noqa: D102
    def events(self, kind: str | None = None) -> list[Event]: ...  # noqa: D102
    def t_s(self, t_host_ns: int, era: int) -> float: ...  # noqa: D102


class SavingStopped(Exception):
    """The user cancelled; nothing was left behind."""


def save_trend(
    session: TrendSource,
    path: Path,
    saving: Saving,
    tell: Callable[[float], None] = lambda _share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Write a span; returns the number of rows. The file appears whole or not at all; of two who save
    it at once it is the later one's.

    Raises:
        StorageError: it cannot be written.
        SavingStopped: ``stopped`` said so.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("w", encoding="utf-8-sig", newline="") as out:
            count = _write(session, out, saving, tell, stopped)
        temporary.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError(f"{path}: cannot be written ({why}); choose another folder or free room") from None
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _write(
    session: TrendSource,
    out: TextIO,
    saving: Saving,
    tell: Callable[[float], None],
    stopped: Callable[[], bool],
) -> int:
    infos = [
        s for s in session.streams.values() if s.kind == "numeric" and s.role not in saving.without_roles
    ]
    out.write(f"{TITLE} {VERSION}\n")
    for key, value in _facts(session, infos, saving).items():
        out.write(f"# {key}: {json.dumps(value, ensure_ascii=False)}\n")
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*FIRST_COLUMNS, *(safe(name) for info in infos for name in column_names(info))])
    width = sum(len(info.channels) for info in infos)
    events = sorted([*_event_rows(session, saving), *_gap_rows(session, saving)], key=lambda row: row[0])
    count, start_s = 0, saving.t0_s
    for end_s in _piece_ends(saving):
        if stopped():
            raise SavingStopped
        last = end_s > saving.t1_s
        rows = [row for row in events if row[0] < end_s or last]
        events = events[len(rows) :]
        rows += _numeric_rows(session, infos, start_s, end_s)
        for t_s, cells in sorted(rows, key=lambda row: row[0]):
            table.writerow([f"{t_s:.3f}", _utc(session, t_s), *cells, *[""] * (width + 5 - len(cells))])
        count, start_s = count + len(rows), end_s
        tell(min(1.0, (start_s - saving.t0_s) / max(saving.t1_s - saving.t0_s, 1e-9)))
    return count


def _piece_ends(saving: Saving) -> Iterator[float]:
    """Ends of the pieces that are read at a time; the last one lies just behind the span."""
    end_s = saving.t0_s + PIECE_S
    while end_s <= saving.t1_s:
        yield end_s
        end_s += PIECE_S
    yield float(np.nextafter(saving.t1_s, math.inf))


def _facts(session: TrendSource, infos: Sequence[StreamInfo], saving: Saving) -> dict[str, Any]:
    """What a reader of the table must know; nothing of the subject but the pseudonym."""
    header, simulated = session.header, is_simulated(session)
    return {
        "subject": header.subject.pseudonym if header.subject else "",
        "session": header.session_id,
        "start_utc": _utc(session, 0.0),
        "start_wall_ns": session.start_wall_ns,
        "zone": header.zone,
        "utc_offset_s": header.utc_offset_s,
        "span_s": [saving.t0_s, saving.t1_s],
        "simulated": simulated,
        "replayed": any(s.origin == "replayed" for s in session.streams.values()),
        "warning": "SIMULATED / TRAINING: not a person at a bed, never patient data" if simulated else "",
        "estimates": saving.claim or "research estimates with 90 % intervals; not for treatment or alarms",
        "estimates_hidden": "estimate" in saving.without_roles,
        "pressure_unit": "mmHg",
        "speed": header.speed,
        "devices": [d.product for d in header.devices],
        "template": {k: header.template[k] for k in ("name", "ranges") if k in header.template},
        "streams": [info.to_json() for info in infos],
    }


def is_simulated(session: TrendSource) -> bool:
    """Anything in it comes from the virtual bedside or a replay."""
    origins = {info.origin for info in session.streams.values()}
    return session.header.simulated or bool(origins & {"simulated", "replayed"})


def column_names(info: StreamInfo) -> Iterator[str]:
    """``est. SBP low [mmHg]``: estimates and references never share a name."""
    kind = {
        "estimate": "est.",
        "reference": "ref. monitor",
        "beats": "ref." if _is_reference(info) else "ppg",
    }.get(info.role, info.stream_id)
    names = _OF_MONITOR if info.role == "reference" else _NAMES
    for channel in info.channels:
        name, why = names.get(channel.name, channel.name), channel.name.endswith("_why")
        for end, word in _ENDS.items():
            name = name.removesuffix(end) + word if name.endswith(end) else name
        unit = "" if why or channel.unit == "1" else f" [{channel.unit}]"
        yield f"{kind} {name}{unit}"


def _is_reference(info: StreamInfo) -> bool:
    return any(channel.unit == "mmHg" for channel in info.channels)


def _numeric_rows(
    session: TrendSource, infos: Sequence[StreamInfo], start_s: float, end_s: float
) -> Iterator[Row]:
    before, simulated = 0, is_simulated(session)
    for info in infos:
        rows = session.read(info.stream_id, start_s, end_s)
        inside = (rows.time_s >= start_s) & (rows.time_s < end_s)
        words, tag = _why_columns(info), tag_of(info, simulated=simulated)
        for t_s, values in zip(rows.time_s[inside].tolist(), rows.values[inside].tolist(), strict=True):
            cells = [
                words[i](value) if i in words else "" if math.isnan(value) else f"{value:.7g}"
                for i, value in enumerate(values)
            ]
            yield t_s, [info.stream_id, "", "", tag, "", *[""] * before, *cells]
        before += len(info.channels)


def tag_of(info: StreamInfo, *, simulated: bool) -> str:
    """``est.`` with every estimate, SIM with everything that is no measurement."""
    kind = "est." if info.role == "estimate" else ""
    return f"{kind} SIM".strip() if simulated else kind


def reasons_of(info: StreamInfo) -> tuple[str, ...]:
    """The reasons an estimate stream declares; code ``n`` is number ``n − 1``."""
    try:
        names = json.loads(info.metadata.get("reasons", "[]"))
    except ValueError:
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _why_columns(info: StreamInfo) -> dict[int, Callable[[float], str]]:
    names = reasons_of(info)

    def word(code: float) -> str:
        if not code > 0:
            return ""
        return names[int(code) - 1] if int(code) <= len(names) else f"{code:.0f}"

    return {
        i: word for i, c in enumerate(info.channels) if info.role == "estimate" and c.name.endswith("_why")
    }


def _event_rows(session: TrendSource, saving: Saving) -> Iterator[Row]:
    for t_s, event in _events_kept(session, saving):
        payload = event.payload
        label = str(payload.get("label") or payload.get("kind") or "")
        if event.kind == "cuff":
            label = f"{payload.get('sbp_mmhg'):g}/{payload.get('dbp_mmhg'):g} mmHg"
        detail = {"event_id": event.event_id, "wall_ns": event.wall_ns, "payload": payload}
        tag = "cuff" if event.kind == "cuff" else ""
        yield t_s, [safe(event.kind), "", safe(label), tag, json.dumps(detail, ensure_ascii=False)]


def _events_kept(session: TrendSource, saving: Saving) -> Iterator[tuple[float, Event]]:
    """Those of the span; from before it what the numbers in it depend on; from after it what takes one of them back."""
    kept: set[str] = set()
    for event in session.events():
        t_s = session.t_s(event.t_host_ns, event.era)
        inside = saving.t0_s <= t_s <= saving.t1_s
        bears = t_s < saving.t0_s and (event.kind == "calibration" or event.payload.get("label") in BEARING)
        takes_back = event.payload.get("event_id") in kept
        if event.kind not in _QUIET and (inside or bears or takes_back):
            kept.add(event.event_id)
            yield t_s, event


def _gap_rows(session: TrendSource, saving: Saving) -> Iterator[Row]:
    """Every gap that touches the span, from where it begins inside it."""
    for stream_id in session.streams:
        for gap in session.gaps(stream_id):
            if gap.t1_s >= saving.t0_s and gap.t0_s <= saving.t1_s:
                detail = {
                    "stream_id": stream_id,
                    "n_missing": gap.n_missing,
                    "detail": gap.detail,
                    "t0_s": gap.t0_s,
                }
                cells = [
                    "gap",
                    f"{gap.t1_s:.3f}",
                    safe(gap.cause),
                    "",
                    json.dumps(detail, ensure_ascii=False),
                ]
                yield max(gap.t0_s, saving.t0_s), cells


def _utc(session: TrendSource, t_s: float) -> str:
    moment = datetime.fromtimestamp((session.start_wall_ns + round(t_s * 1e9)) / 1e9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def safe(cell: str) -> str:
    """Text no spreadsheet will run."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def plain(cell: str) -> str:
    """Inverse of :func:`safe`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_SIGNS) else cell
