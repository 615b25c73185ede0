"""What every export says about itself, and names as formats allow them. Pure but for the one file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from recorder.exchange.exports.exported import Exported, Track

_ASCII = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "⁵": "5", "°": "deg", "·": "*", "–": "-"})


Day = Literal["named", "unknown", "unnameable"]


@dataclass
class Written:
    """What a format did with what it was given.

    Args:
        names: name here → name in the files, where the format forbids or shortens it.
        steps: column → distance of neighbouring values in the files, where the format holds counts.
        time_error_s: track → by how much the format's own time of a sample may be off.
        notes: what a reader of the files should be told.
        day: of the recording, in the files: ``named``; left out because ``unknown``; or ``unnameable`` in the format.
        is_broken: EDF+D, which not every program reads.
    """

    names: dict[str, str] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    time_error_s: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    day: Day = "named"
    is_broken: bool = False


def about(exported: Exported, written: Written) -> dict[str, Any]:
    """Plain JSON values: facts of the session, tracks, marks, spans, and what the format did."""
    return exported.facts | {
        "start_utc": exported.utc(0.0).isoformat().replace("+00:00", "Z"),
        "streams": [_track(track) for track in exported.tracks],
        "markers": [
            {"t_s": round(m.t_s, 6), "kind": m.kind, "label": m.label, "detail": m.detail}
            for m in exported.marks
        ],
        "spans": [
            {
                "t0_s": round(s.t0_s, 6),
                "t1_s": round(s.t1_s, 6),
                "kind": s.kind,
                "label": s.label,
                "stream": s.stream,
            }
            | ({"detail": s.detail} if s.detail else {})
            for s in exported.spans
        ],
        "format": asdict(written),
    }


def about_text(exported: Exported, written: Written) -> str:
    """:func:`about` as JSON text."""
    return json.dumps(about(exported, written), ensure_ascii=False, indent=1, default=str) + "\n"


def write_about(path: Path, exported: Exported, written: Written) -> None:
    """Put it beside the data."""
    path.write_text(about_text(exported, written), encoding="utf-8")


def _track(track: Track) -> dict[str, Any]:
    info = track.info
    rate = track.effective_rate_hz
    return {
        "stream": info.stream_id,
        "device": info.device_id,
        "kind": info.kind,
        "role": info.role,
        "origin": info.origin,
        "tags": track.tags,
        "nominal_rate_hz": info.nominal_rate_hz,
        "measured_rate_hz": None if rate is None else round(rate, 6),
        "rows": track.rows,
        "columns": [{"name": c.name, "unit": c.unit, "missing": c.missing} for c in track.columns],
        "metadata": info.metadata,
    }


def note_empty(exported: Exported, written: Written) -> None:
    """Name the waveforms that a format of samples alone has no place for: they hold none."""
    written.notes += [
        f"{track.info.stream_id}: holds no sample and is left out"
        for track in exported.tracks
        if track.is_waveform and not track.rows
    ]


def ascii_text(text: str) -> str:
    """Printable ASCII: common signs spelt out, others as ``?``."""
    plain = text.translate(_ASCII).encode("ascii", "replace").decode()
    return re.sub(r"[^ -~]", "?", plain)


def shortened(names: Iterable[str], longest: int, written: Written) -> list[str]:
    """Names in printable ASCII of at most ``longest`` characters, all different; changed ones are listed."""
    taken: set[str] = set()
    result = []
    for name in names:
        plain = ascii_text(name)[:longest].strip() or "ch"
        number = 1
        while plain in taken:
            number += 1
            tail = f"~{number}"
            plain = ascii_text(name)[: longest - len(tail)] + tail
        taken.add(plain)
        if plain != name:
            written.names[name] = plain
        result.append(plain)
    return result


def signal_names(track: Track) -> list[str]:
    """``e4.acc x`` for a track of several columns, ``e4.bvp`` for one."""
    if len(track.columns) == 1:
        return [track.info.stream_id]
    stem = track.info.stream_id
    return [
        f"{stem} mmHg" if c.calibrated and len(track.columns) == 2 else f"{stem} {c.name}"
        for c in track.columns
    ]
