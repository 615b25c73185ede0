"""CSV and Parquet: a folder with a table a stream, and beside them markers, gaps, quality and other spans.

Every row has its own time; nothing is placed on a grid. Headings carry unit and tags: ``SBP [mmHg] est. SIM``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recorder.exchange.exports.about import Written, about, write_about
from recorder.exchange.exports.exported import Exported, Piece, Span, Track
from recorder.exchange.trends.trend_csv import safe
from recorder.schema.decimals import decode_decimal
from recorder.session.arrow_columns import numbers, texts

GAPS, QUALITY, SPANS, MARKERS = "gaps", "quality", "spans", "markers"
_MARKER_HEAD: Final = ("time_s", "utc", "kind", "label", "detail", "subject", "tags")
_SPAN_HEAD: Final = ("t0_s", "t1_s", "utc", "kind", "stream", "label", "detail", "subject", "tags")
_META: Final = b"hemoview"


def write_csv(exported: Exported, folder: Path, stem: str) -> Written:  # noqa: ARG001 -- files of a folder
    """A folder of CSV files, UTF-8; ``time_s`` is elapsed time, ``about.json`` says when that began."""
    written = Written()
    for track, name in _named(exported, written):
        write_csv_track(folder / f"{name}.csv", exported, track)
    for name, (head, rows) in _side_tables(exported).items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            table = csv.writer(out, lineterminator="\n")
            table.writerow(head)
            table.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    write_about(folder / "about.json", exported, written)
    return written


def write_csv_track(path: Path, exported: Exported, track: Track) -> None:
    """One stream: elapsed seconds, its number (rows that are not regular: UTC too), and a column a channel."""
    head = ["time_s", "sample_no"] if track.is_waveform else ["time_s", "utc", "sample_no"]
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerow(
            [*head, *(safe(track.heading(c)) for c in track.columns)]
        )
        for piece in exported.pieces(track):
            columns = [_decimal_places(piece.time_s), piece.sample_no.astype(str), *cells(track, piece)]
            if not track.is_waveform:
                columns.insert(1, _utc_text(exported, piece))
            out.writelines(",".join(row) + "\n" for row in zip(*(c.tolist() for c in columns), strict=True))


def cells(track: Track, piece: Piece) -> list[NDArray[np.str_]]:
    """Text of every value: decimal text as it came, floats in the fewest digits that read back the same."""
    n_decimal = len(track.places)
    found = [_decimals(piece.raw[:, 2 * i : 2 * i + 2]) for i in range(n_decimal)]
    narrow = track.info.dtype == "float32"
    for i in range(n_decimal, len(track.columns)):
        values = piece.values[:, i]
        texts = (values.astype(np.float32) if narrow and not track.columns[i].calibrated else values).astype(
            str
        )
        found.append(np.where(np.isnan(values), "", texts))
    return found


def _decimals(pairs: NDArray[Any]) -> NDArray[np.str_]:
    """Mantissa and places as text; each different pair is made once."""
    known, index = np.unique(pairs, axis=0, return_inverse=True)
    texts = np.array([decode_decimal(int(m), int(p)) for m, p in known], dtype=str)
    return texts[index.reshape(-1)] if len(known) else np.empty(0, dtype=str)


def _decimal_places(time_s: NDArray[np.float64]) -> NDArray[np.str_]:
    return np.char.mod("%.6f", time_s) if len(time_s) else np.empty(0, dtype=str)


def _utc_text(exported: Exported, piece: Piece) -> NDArray[np.str_]:
    stamps = (exported.start_wall_ns + np.rint(piece.time_s * 1e9).astype(np.int64)).astype("datetime64[ns]")
    return np.char.add(np.datetime_as_string(stamps.astype("datetime64[us]")), "Z")


def write_parquet(exported: Exported, folder: Path, stem: str) -> Written:  # noqa: ARG001
    """A folder of Parquet files; the footer of each holds what ``about.json`` says of the session."""
    written = Written()
    facts = {k: v for k, v in about(exported, written).items() if k not in ("markers", "spans")}
    meta = {_META: json.dumps(facts, ensure_ascii=False, default=str).encode()}
    for track, name in _named(exported, written):
        schema = _schema(track, meta)
        with pq.ParquetWriter(folder / f"{name}.parquet", schema, compression="zstd") as out:
            for piece in exported.pieces(track):
                out.write_table(pa.table(_arrays(exported, track, piece), schema=schema))
    for name, (head, rows) in _side_tables(exported).items():
        table = pa.table({title: _side_column(title, column) for title, column in _columns(head, rows)})
        pq.write_table(table.replace_schema_metadata(meta), folder / f"{name}.parquet")
    write_about(folder / "about.json", exported, written)
    return written


def _schema(track: Track, meta: dict[bytes, bytes]) -> Any:
    fields = [
        pa.field("time_s", pa.float64()),
        pa.field("utc", pa.timestamp("ns", "UTC")),
        pa.field("sample_no", pa.int64()),
    ]
    for column in track.columns:
        told = {"unit": column.unit, "tags": track.tags, "stream": track.info.stream_id}
        fields.append(pa.field(track.heading(column), pa.float64(), metadata=told))
    return pa.schema(fields, metadata=meta)


def _arrays(exported: Exported, track: Track, piece: Piece) -> list[Any]:
    stamps = exported.start_wall_ns + np.rint(piece.time_s * 1e9).astype(np.int64)
    return [
        numbers(piece.time_s),
        numbers(stamps, kind=pa.timestamp("ns", "UTC")),
        numbers(piece.sample_no),
        *(numbers(piece.values[:, i]) for i in range(len(track.columns))),
    ]


def _side_column(title: str, column: Sequence[Any]) -> Any:
    return numbers(np.array(column, np.float64)) if title in ("time_s", "t0_s", "t1_s") else texts(column)


def _columns(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
    table = list(rows)
    for i, title in enumerate(head):
        yield title, [row[i] for row in table]


def _named(exported: Exported, written: Written) -> Iterator[tuple[Track, str]]:
    """Tracks with a file name; one that a side table has already gets another."""
    for track in exported.tracks:
        name = track.info.stream_id
        if name in (GAPS, QUALITY, SPANS, MARKERS, "about"):
            written.names[name] = name = f"{name}_stream"
        yield track, name


def _side_tables(exported: Exported) -> dict[str, tuple[Sequence[str], list[list[Any]]]]:
    tags = "SIM" if exported.warning else ""
    marks = [
        [round(m.t_s, 6), _utc(exported, m.t_s), m.kind, m.label, _json(m.detail), exported.subject, tags]
        for m in exported.marks
    ]

    def rows(spans: Sequence[Span]) -> list[list[Any]]:
        times = [(round(s.t0_s, 6), round(s.t1_s, 6), _utc(exported, s.t0_s)) for s in spans]
        said = [(s.kind, s.stream, s.label, _json(s.detail), exported.subject, tags) for s in spans]
        return [[*time, *words] for time, words in zip(times, said, strict=True)]

    others = [s for s in exported.spans if s.kind not in ("gap", "quality")]
    return {
        MARKERS: (_MARKER_HEAD, marks),
        GAPS: (_SPAN_HEAD, rows(exported.spans_of("gap"))),
        QUALITY: (_SPAN_HEAD, rows(exported.spans_of("quality"))),
        SPANS: (_SPAN_HEAD, rows(others)),
    }


def side_csv(exported: Exported) -> dict[str, str]:
    """The side tables as text, for formats that carry them inside."""
    return {
        name: "\n".join([",".join(head), *(",".join(_cell(cell) for cell in row) for row in rows), ""])
        for name, (head, rows) in _side_tables(exported).items()
    }


def _cell(cell: Any) -> str:
    text = safe(cell) if isinstance(cell, str) else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n\r') else text


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if value else ""


def _utc(exported: Exported, t_s: float) -> str:
    return exported.utc(t_s).isoformat(timespec="microseconds").replace("+00:00", "Z")
