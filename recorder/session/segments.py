"""Sealed segments: rows ↔ the bytes of a Parquet file. Pure; with :mod:`.footers` and :mod:`.arrow_columns` all of the
store that knows pyarrow.

Measured choices (``resources/docs/decisions/0003``): zstd, page CRC, DELTA_BINARY_PACKED integers,
BYTE_STREAM_SPLIT floats, 60 s row groups for waveforms.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recorder.clock import ClockEra
from recorder.errors import SessionDamaged
from recorder.schema import Event, StreamInfo
from recorder.session.arrow_columns import numbers, texts, whole_numbers
from recorder.session.files import sha256
from recorder.session.footers import KEY, about_crc, about_of, footer_of, metadata_of, pack_thin, read_footer
from recorder.session.header import FORMAT
from recorder.session.levels import level_of, pack_level
from recorder.session.manifest import CLOCK, EVENTS, SegmentRow
from recorder.session.points import RESOLUTION_NS, ClockPoints, thin_points
from recorder.session.rows import COLUMN_DTYPES, NO_TIME, Rows, runs_of

ROW_GROUP_S = 60.0
MIN_GROUP_ROWS = 1000
"""Slow streams get one row group a segment: a group costs about 100 bytes a column."""
_ZSTD_LEVEL = 9


def encode_samples(
    info: StreamInfo, rows: Rows, session_id: str, era: ClockEra, span_ns: tuple[int, int]
) -> bytes:
    """A segment of samples; ``span_ns`` is first and last host time."""
    columns: dict[str, pa.Array] = {"sample_no": numbers(rows.sample_no)}
    if rows.device_time_us is not None:
        missing = rows.device_time_us == NO_TIME
        columns["device_time_us"] = numbers(rows.device_time_us, missing)
    if rows.row_t_host_ns is not None:
        columns["row_t_host_ns"] = numbers(rows.row_t_host_ns)
    about = _about(session_id, info.stream_id, "samples", span_ns, era.number)
    about |= {"stream": info.to_json(), "era": era.to_json()}
    stored, about["decimal_places"] = _stored_columns(info, rows.values)
    columns |= stored
    extra = {}
    if None not in about["decimal_places"]:
        plain = np.stack(
            [_numpy(pa.chunked_array([stored[c.name]])).astype(np.float64) for c in info.channels], axis=1
        )
        extra["level"] = pack_level(level_of(info, rows, plain))
    group = max(MIN_GROUP_ROWS, round(ROW_GROUP_S * (info.nominal_rate_hz or 0)))
    return _write(columns, about, extra, group)


def _stored_columns(info: StreamInfo, values: NDArray[Any]) -> tuple[dict[str, pa.Array], list[int | None]]:
    """Columns of the file, and of each decimal channel how many places its whole numbers stand for."""
    if info.dtype != "decimal":
        return {c.name: numbers(values[:, i]) for i, c in enumerate(info.channels)}, []
    columns, places = {}, []
    for i, channel in enumerate(info.channels):
        mantissa, shown, common = _align_places(values[:, 2 * i : 2 * i + 2])
        narrow = np.abs(mantissa).max() < 1 << 31
        columns[channel.name] = numbers(mantissa.astype(np.int32) if narrow else mantissa)
        columns[f"{channel.name}_places"] = numbers(shown)
        places.append(common)
    return columns, places


def decode_samples(info: StreamInfo, content: bytes) -> Rows:
    """Inverse of :func:`encode_samples`.

    Raises:
        SessionDamaged: a page fails its CRC, or it is no such segment.
    """
    table, about = _read(content)
    columns = {name: table.column(name) for name in table.column_names}
    try:
        sample_no = _ints(columns["sample_no"])
        stamps = columns.get("device_time_us")
        times = columns.get("row_t_host_ns")
        values = np.empty((len(sample_no), info.n_columns), COLUMN_DTYPES[info.dtype])
        for i, channel in enumerate(info.channels):
            if info.dtype == "decimal":
                shown = _numpy(columns[f"{channel.name}_places"])
                pair = _restore_places(_ints(columns[channel.name]), shown, about["decimal_places"][i])
                values[:, 2 * i : 2 * i + 2] = pair
            else:
                values[:, i] = _numpy(columns[channel.name])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SessionDamaged(f"segment of {info.stream_id}: not its columns ({error})") from error
    return Rows(
        sample_no,
        values,
        None if stamps is None else _ints(stamps.fill_null(NO_TIME) if stamps.null_count else stamps),
        None if times is None else _ints(times),
    )


def encode_clock(
    points: dict[str, ClockPoints], rates_hz: dict[str, float], session_id: str, commits: tuple[int, int]
) -> bytes:
    """A segment of clock points; one row group a stream, thinned points of the waveforms in its footer.

    ``commits``: number of the first commit in it, and one past the last.
    """
    names = sorted(points)
    tables = []
    for index, name in enumerate(names):
        p = points[name]
        column: dict[str, NDArray[Any]] = {
            "stream": np.full(len(p), index, np.int32),
            "sample_no": p.sample_no,
            "n_samples": p.n_samples.astype(np.int32),
            "t_host_us": p.t_host_ns // RESOLUTION_NS,
            "era": p.era.astype(np.int32),
        }
        tables.append(pa.table({k: numbers(v) for k, v in column.items()}))
    era = max(int(p.era.max()) for p in points.values())
    times = np.concatenate([p.t_host_ns[p.era == era] for p in points.values()])  # times of one era only
    about = _about(session_id, CLOCK, "clock", (int(times.min()), int(times.max())), era)
    about |= {"streams": names, "commits": commits}
    thin = {n: thin_points(points[n], rates_hz[n]) for n in names if n in rates_hz}
    extra = {"thin": pack_thin(thin)}
    return _write_groups(tables, about, extra)


def decode_clock(content: bytes, stream_id: str | None = None) -> dict[str, ClockPoints]:
    """Inverse of :func:`encode_clock`, of one stream or all.

    Raises:
        SessionDamaged: a page fails its CRC, or it is no such segment.
    """
    names = about_of(metadata_of(content))["streams"]
    chosen = [i for i, n in enumerate(names) if stream_id in (None, n)]
    found = {}
    for index in chosen:
        table, _ = _read(content, [index])
        number, count, t_us, era = (
            _ints(table.column(c)) for c in ("sample_no", "n_samples", "t_host_us", "era")
        )
        found[names[index]] = ClockPoints(number, count, t_us * RESOLUTION_NS, era)
    return found


def encode_events(events: list[tuple[int, Event]], session_id: str) -> bytes:
    """A segment of events, each as JSON text."""
    columns = {
        "event_no": whole_numbers([n for n, _ in events]),
        "kind": texts([e.kind for _, e in events]),
        "t_host_ns": whole_numbers([e.t_host_ns for _, e in events]),
        "body": texts([json.dumps(e.to_json()) for _, e in events]),
    }
    era = max(e.era for _, e in events)
    times = [e.t_host_ns for _, e in events if e.era == era]  # times of one era only
    about = _about(session_id, EVENTS, "events", (min(times), max(times)), era)
    return _write(columns, about, {}, len(events))


def decode_events(content: bytes) -> list[tuple[int, Event]]:
    """Inverse of :func:`encode_events`.

    Raises:
        SessionDamaged: a page fails its CRC, or it is no such segment.
    """
    table, _ = _read(content)
    try:
        bodies = [Event.from_json(json.loads(text)) for text in table.column("body").to_pylist()]
        return list(zip(table.column("event_no").to_pylist(), bodies, strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise SessionDamaged(f"segment of events: not its columns ({error})") from error


def describe(name: str, content: bytes) -> SegmentRow:
    """The manifest row of a segment, from nothing but its bytes: every page is read and checked.

    Raises:
        SessionDamaged: it is no whole segment.
    """
    footer = footer_of(content)
    about = read_footer(footer).about
    try:
        numbers = _numbers(about, content)
        return SegmentRow(
            name=name,
            stream_id=about["stream_id"],
            first_no=int(numbers[0]),
            next_no=int(numbers[-1]) + 1,
            rows=int(numbers.size),
            runs=tuple(runs_of(numbers)),
            t0_host_ns=about["t0_host_ns"],
            t1_host_ns=about["t1_host_ns"],
            era=about["era_no"],
            bytes=len(content),
            sha256=sha256(content),
            footer_bytes=len(footer),
            footer_sha256=sha256(footer),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise SessionDamaged(f"segment: its footer lacks what a segment needs ({error})") from error


def _numbers(about: dict[str, Any], content: bytes) -> NDArray[np.int64]:
    """Sample, commit or event numbers of a segment, all its columns read."""
    table, _ = _read(content)
    if about["kind"] == "clock":
        return np.arange(*about["commits"], dtype=np.int64)
    return _ints(table.column("event_no" if about["kind"] == "events" else "sample_no"))


def _align_places(
    pairs: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int8], int | None]:
    """Mantissas brought to one number of places, so that neighbours differ little; None = kept as they were."""
    mantissa, shown = pairs[:, 0].astype(np.int64), pairs[:, 1]
    count = np.where(shown < 0, -1 - shown, shown).astype(np.int64)
    common = int(count.max())
    largest = int(np.abs(mantissa).max())
    if common > 18 or largest * 10 ** (common - int(count.min())) >= 1 << 62:
        return mantissa, shown.astype(np.int8), None
    return mantissa * 10 ** (common - count), shown.astype(np.int8), common


def _restore_places(
    aligned: NDArray[np.int64], shown: NDArray[np.int8], common: int | None
) -> NDArray[np.int64]:
    wide = shown.astype(np.int64)
    if common is None:
        return np.stack([aligned, wide], axis=1)
    count = np.where(wide < 0, -1 - wide, wide)
    return np.stack([aligned // 10 ** (common - count), wide], axis=1)


def _about(
    session_id: str, stream_id: str, kind: str, span_ns: tuple[int, int], era_no: int
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "session_id": session_id,
        "stream_id": stream_id,
        "kind": kind,
        "t0_host_ns": span_ns[0],
        "t1_host_ns": span_ns[1],
        "era_no": era_no,
    }


def _write(columns: dict[str, pa.Array], about: dict[str, Any], extra: dict[str, str], group: int) -> bytes:
    table = pa.table(columns)
    tables = [table.slice(at, group) for at in range(0, len(table), group)]
    return _write_groups(tables, about, extra)


def _write_groups(tables: list[pa.Table], about: dict[str, Any], extra: dict[str, str]) -> bytes:
    signed = json.dumps({**about, "crc32": about_crc(about)})  # what a lost manifest is rebuilt from
    texts = {f"{KEY}{k}": v for k, v in {"about": signed, **extra}.items()}
    schema = tables[0].schema
    plain = [f.name for f in schema if f.name.endswith("_places") or pa.types.is_string(f.type)]
    encoded = {f.name: _encoding(f.type) for f in schema if f.name not in plain}
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=plain,
        column_encoding=encoded,
        write_page_checksum=True,
        write_statistics=["sample_no"] if "sample_no" in schema.names else False,  # a twentieth of a session
        store_schema=False,
    ) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=max(1, len(table)))
        writer.add_key_value_metadata(texts)
    return bytes(sink.getvalue().to_pybytes())


def _encoding(kind: pa.DataType) -> str:
    return "BYTE_STREAM_SPLIT" if str(kind) in ("float", "double") else "DELTA_BINARY_PACKED"


def _read(content: bytes, groups: list[int] | None = None) -> tuple[pa.Table, dict[str, Any]]:
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        table = (
            file.read(use_threads=False)
            if groups is None
            else file.read_row_groups(groups, use_threads=False)
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SessionDamaged(f"segment: {str(error).splitlines()[0]}") from error
    return table, about_of(file.metadata)


def _ints(column: Any) -> NDArray[np.int64]:
    return np.asarray(_numpy(column), np.int64)


def _numpy(column: Any) -> NDArray[Any]:
    """A column as numpy. Arrow's own conversion imports pandas where it is installed: 0.3 s at the first segment."""
    if column.null_count:
        return np.asarray(column.to_numpy())
    parts = [
        np.frombuffer(chunk.buffers()[1], chunk.type.to_pandas_dtype(), chunk.offset + len(chunk))[
            chunk.offset :
        ]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, column.type.to_pandas_dtype())
