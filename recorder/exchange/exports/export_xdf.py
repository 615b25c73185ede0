"""XDF 1.0 (github.com/sccn/xdf/wiki/Specifications), written chunk by chunk.

Time stamps are elapsed seconds of the session: the recorder's own clock, to which every stream's drift has been fitted
already, so the clock offsets say 0 at the times they were measured; the raw points – which sample arrived when – are a
stream of their own beside each waveform. pyxdf would smooth holes shorter than 500 samples away as jitter; a stream
that has such holes is declared without a nominal rate, which stops that, and says its rate in ``desc``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import escape

import numpy as np

from recorder.exchange.exports.about import Written, about_text
from recorder.exchange.exports.exported import Exported, Floats, Track

_HEADER, _STREAM, _SAMPLES, _OFFSET, _BOUNDARY, _FOOTER = 1, 2, 3, 4, 5, 6
_BOUNDARY_ID: Final = bytes(
    (0x43, 0xA5, 0x46, 0xDC, 0xCB, 0xF5, 0x41, 0x0F, 0xB3, 0x0E, 0xD5, 0x46, 0x73, 0x83, 0xCB, 0xE4)
)
"""The UUID of the specification: where a reader finds its feet again in a damaged file."""
OFFSET_EVERY_S: Final = 5.0
_KEPT_BREAK: Final = (1.0, 500)
"""Holes of more than this many seconds and samples are kept by pyxdf's removal of jitter."""
_TYPES: Final = {"ppg": "PPG", "acc": "ACC", "eda": "EDA", "temp": "TEMP", "abp_wave": "ABP", "ecg": "ECG"}


def write(exported: Exported, folder: Path, stem: str) -> Written:
    """``STEM.xdf``: waveforms and rows as they are, markers, spans, and what is known about the session."""
    written = Written()
    name = str(exported.facts["session"])
    with (folder / f"{stem}.xdf").open("wb") as out:
        out.write(b"XDF:")
        _chunk(out, _HEADER, _xml("info", {"version": "1.0", "hemoview": _about(exported, written)}))
        number = 0
        for track in exported.tracks:
            number += 1
            _write_track(out, number, exported, track, written)
            if track.is_waveform:
                number += 1
                _write_clock(out, number, name, exported, track)
        marks = _markers(exported)
        _write_texts(out, number + 1, name, ("Markers", "Markers"), marks)
        _write_texts(out, number + 2, name, ("HemoView details", "Annotations"), _details(exported))
    return written


def _about(exported: Exported, written: Written) -> str:
    return json.dumps(json.loads(about_text(exported, written)), ensure_ascii=False)


def _markers(exported: Exported) -> list[tuple[float, str]]:
    """Marks, and both ends of every span; first of all what it is, where it is simulated."""
    found = [(exported.begin_s, exported.warning)] if exported.warning else []
    found += [(m.t_s, m.text) for m in exported.marks]
    for span in exported.spans:
        found += [(span.t0_s, f"begin {span.text}"), (span.t1_s, f"end {span.text}")]
    return sorted(found, key=lambda pair: pair[0])


def _details(exported: Exported) -> list[tuple[float, str]]:
    """The same with everything known about them, as JSON."""
    found: list[tuple[float, dict[str, Any]]] = [
        (m.t_s, {"kind": m.kind, "label": m.label, "detail": m.detail}) for m in exported.marks
    ]
    found += [
        (
            s.t0_s,
            {
                "kind": s.kind,
                "label": s.label,
                "stream": s.stream,
                "t0_s": s.t0_s,
                "t1_s": s.t1_s,
                "detail": s.detail,
            },
        )
        for s in exported.spans
    ]
    texts = [(t, json.dumps(value, ensure_ascii=False, default=str)) for t, value in found]
    return sorted(texts, key=lambda pair: pair[0])


def _write_track(out: BinaryIO, number: int, exported: Exported, track: Track, written: Written) -> None:
    info = track.info
    rate_hz = track.rate_hz
    if rate_hz and _has_short_holes(track):
        rate_hz = 0.0
        written.notes.append(
            f"{info.stream_id}: declared without a rate, so that readers keep its gaps; it is {track.rate_hz:g} Hz"
        )
    measured = track.effective_rate_hz
    channels = "".join(
        _xml("channel", {"label": c.name, "unit": c.unit, "type": info.role or info.kind})
        for c in track.columns
    )
    desc = {
        "subject": exported.subject,
        "tags": track.tags,
        "warning": exported.warning,
        "origin": info.origin,
        "nominal_rate_hz": f"{track.rate_hz!r}",
        "measured_rate_hz": "" if measured is None else f"{measured:.6f}",
        **{f"metadata_{k}": v for k, v in info.metadata.items() if k.isidentifier()},
    }
    kind = _TYPES.get(info.role, info.role or "Numeric")
    _stream_header(
        out,
        number,
        {"name": info.stream_id, "type": kind, "channel_count": str(len(track.columns))}
        | {
            "nominal_srate": f"{rate_hz!r}",
            "channel_format": "double64",
            "source_id": f"{exported.facts['session']} {info.stream_id}",
        },
        f"<channels>{channels}</channels>" + "".join(_element(k, v) for k, v in desc.items() if v),
    )
    first, last, count = float("nan"), float("nan"), 0
    offsets: list[float] = []
    for piece in exported.pieces(track):
        if not len(piece):
            continue
        _chunk(out, _SAMPLES, struct.pack("<I", number) + _samples(piece.time_s, piece.values))
        first = first if count else float(piece.time_s[0])
        last, count = float(piece.time_s[-1]), count + len(piece)
        fresh = _offset_times(piece.time_s, offsets[-1] if offsets else None)
        for at in fresh:
            _no_offset(out, number, at)
        offsets += fresh
    _footer(out, number, (first, last), count, offsets)


def _no_offset(out: BinaryIO, number: int, at_s: float) -> None:
    """A clock offset: at this time the stream's stamps were the recorder's."""
    _chunk(out, _OFFSET, struct.pack("<Idd", number, at_s, 0.0))


def _offset_times(time_s: Floats, last: float | None) -> list[float]:
    """Moments in a piece at which an offset is told: the first sample's, and one every few seconds."""
    found = []
    at = float(time_s[0]) if last is None else last + OFFSET_EVERY_S
    while at <= time_s[-1]:
        if at >= time_s[0]:
            found.append(at)
        at += OFFSET_EVERY_S
    return found


def _has_short_holes(track: Track) -> bool:
    seconds, samples = _KEPT_BREAK
    longest = max(seconds, samples / track.rate_hz)
    return any(after.t0_s - before.t1_s <= longest for before, after in pairwise(track.runs))


def _write_clock(out: BinaryIO, number: int, source: str, exported: Exported, track: Track) -> None:
    """Raw clock points of a waveform: which samples arrived when, on the recorder's clock."""
    points = exported.clock(track.source_id)
    name = f"{track.info.stream_id} clock"
    channels = "".join(
        _xml("channel", {"label": label, "unit": "1", "type": "clock"})
        for label in ("sample_no", "n_samples")
    )
    _stream_header(
        out,
        number,
        {"name": name, "type": "ClockPoints", "channel_count": "2", "nominal_srate": "0.0"}
        | {"channel_format": "double64", "source_id": f"{source} {name}"},
        f"<channels>{channels}</channels>",
    )
    if len(points):
        order = points[np.argsort(points[:, 2], kind="stable")]
        _chunk(out, _SAMPLES, struct.pack("<I", number) + _samples(order[:, 2], order[:, :2]))
        _no_offset(out, number, float(order[0, 2]))
    ends = (float(points[:, 2].min()), float(points[:, 2].max())) if len(points) else (0.0, 0.0)
    _footer(out, number, ends, len(points))


def _write_texts(
    out: BinaryIO, number: int, source: str, named: tuple[str, str], texts: Sequence[tuple[float, str]]
) -> None:
    name, kind = named
    _stream_header(
        out,
        number,
        {"name": name, "type": kind, "channel_count": "1", "nominal_srate": "0.0"}
        | {"channel_format": "string", "source_id": f"{source} {name}"},
        "",
    )
    if texts:
        body = b"".join(b"\x08" + struct.pack("<d", t) + _sized(text.encode()) for t, text in texts)
        _chunk(out, _SAMPLES, struct.pack("<I", number) + _count(len(texts)) + body)
        _no_offset(out, number, texts[0][0])
    ends = (texts[0][0], texts[-1][0]) if texts else (0.0, 0.0)
    _footer(out, number, ends, len(texts))


def _samples(time_s: Floats, values: Floats) -> bytes:
    """Count, and of each sample its stamp and values."""
    kind = np.dtype([("has_stamp", "u1"), ("stamp", "<f8"), ("values", "<f8", (values.shape[1],))])
    rows = np.empty(len(time_s), kind)
    rows["has_stamp"], rows["stamp"], rows["values"] = 8, time_s, values
    return _count(len(rows)) + rows.tobytes()


def _stream_header(out: BinaryIO, number: int, fields: dict[str, str], desc: str) -> None:
    inner = "".join(_element(k, v) for k, v in fields.items())
    text = f'<?xml version="1.0"?><info>{inner}<desc>{desc}</desc></info>'
    _chunk(out, _STREAM, struct.pack("<I", number) + text.encode())


def _footer(
    out: BinaryIO, number: int, ends_s: tuple[float, float], count: int, offsets: Sequence[float] = ()
) -> None:
    ends = {"first_timestamp": repr(ends_s[0]), "last_timestamp": repr(ends_s[1])} if count else {}
    pairs = "".join(_xml("offset", {"time": repr(at), "value": "0.0"}) for at in offsets)
    inner = "".join(_element(k, v) for k, v in (ends | {"sample_count": str(count)}).items())
    text = f'<?xml version="1.0"?><info>{inner}<clock_offsets>{pairs}</clock_offsets></info>'
    _chunk(out, _FOOTER, struct.pack("<I", number) + text.encode())
    _chunk(out, _BOUNDARY, _BOUNDARY_ID)


def _chunk(out: BinaryIO, tag: int, content: bytes | str) -> None:
    body = content.encode() if isinstance(content, str) else content
    out.write(_count(len(body) + 2) + struct.pack("<H", tag) + body)


def _count(n: int) -> bytes:
    """A length in 1, 4 or 8 bytes."""
    if n < 2**8:
        return struct.pack("<BB", 1, n)
    return struct.pack("<BI", 4, n) if n < 2**32 else struct.pack("<BQ", 8, n)


def _sized(content: bytes) -> bytes:
    return _count(len(content)) + content


def _xml(name: str, parts: dict[str, str]) -> str:
    return f"<{name}>{''.join(_element(k, v) for k, v in parts.items())}</{name}>"


def _element(name: str, text: str) -> str:
    clean = "".join(c for c in text if c >= " " or c in "\t\n")
    return f"<{name}>{escape(clean)}</{name}>"


def iter_chunks(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Chunks of a file, for tests and for who must look inside: (tag, content)."""
    at = 4
    while at < len(content):
        size = content[at]
        n = int.from_bytes(content[at + 1 : at + 1 + size], "little")
        at += 1 + size
        yield int.from_bytes(content[at : at + 2], "little"), content[at + 2 : at + n]
        at += n
