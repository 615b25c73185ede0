"""What a demo run proves: emulator counters against disk, estimates against a reference, latencies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder import session as sessions
from recorder.schema import PARAMETERS, StationStatus

REFERENCE_WINDOW_S = 10.0
MIN_REFERENCE_BEATS = 6
"""An estimate is compared with the median of at least this many reference beats in its window."""


def collect(
    folder: Path, log: dict[str, Any], status: StationStatus, shown: dict[str, Any], *, truth: Path | None
) -> dict[str, Any]:
    """The JSON object of ``hemoview demo --json``; ``truth`` is the physiology model's own beat file, if it ran."""
    with sessions.open(folder) as session:
        streams = {name: _stream(session, log, status, name) for name in sorted(session.streams)}
        estimates = _estimates(session, truth)
        return {
            "session": str(folder),
            "seconds": round(session.duration_s, 2),
            "streams": streams,
            "estimates": estimates,
            "latency_ms": _latencies(shown),
            "model": _model(session),
            "screenshots": [str(path) for path in shown.get("screenshots", ())],
            "simulated": session.header.simulated,
        }


def _stream(
    session: sessions.Session, log: dict[str, Any], status: StationStatus, name: str
) -> dict[str, Any]:
    info = session.streams[name]
    switched_off_s = session.t_s(log["t_host_ns"], session.eras[-1].number)
    gaps = [gap for gap in session.gaps(name) if not _is_the_end(gap, switched_off_s)]
    live = {s.stream_id: s for s in status.streams}.get(name)
    return {
        "expected": _expected(session, log, name),
        "received": live.received if live else None,
        "on_disk": session.rows(name),
        "gaps": len(gaps),
        "longest_gap_s": round(max((gap.t1_s - gap.t0_s for gap in gaps), default=0.0), 3),
        "nominal_rate_hz": info.nominal_rate_hz,
        "effective_rate_hz": _effective_rate_hz(session, name),
    }


def _is_the_end(gap: sessions.GapSpan, switched_off_s: float) -> bool:
    """The emulators are stopped before the session, so that counters can be compared: that gap is no loss."""
    return gap.t1_s >= switched_off_s and gap.n_missing is None


def _expected(session: sessions.Session, log: dict[str, Any], name: str) -> int | None:
    """Samples the emulator put to its link from the first one of this session on; None for derived streams."""
    counts = log["streams"].get(name)
    if counts is None:
        return None
    first = session.read(name).sample_no[:1]
    return int(counts["sent"] + counts["overrun"] - (first[0] if len(first) else 0))


def _effective_rate_hz(session: sessions.Session, name: str) -> float | None:
    if session.streams[name].nominal_rate_hz is None or session.rows(name) == 0:
        return None
    return round(float(session.timebase(name, session.eras[-1].number).rate_hz), 4)


def _estimates(session: sessions.Session, truth: Path | None) -> dict[str, Any]:
    name = next((n for n, info in session.streams.items() if info.role == "estimate"), None)
    if name is None or session.rows(name) == 0:
        return {"n": 0, "abstained": 0, "coverage_90": {}, "mae": {}}
    rows = session.read(name)
    columns = {channel.name: rows.values[:, i] for i, channel in enumerate(rows.info.channels)}
    pressures = np.stack([columns[p] for p in ("SBP", "MAP", "DBP")])
    result: dict[str, Any] = {
        "n": len(rows.time_s),
        "abstained": int(np.all(np.isnan(pressures), axis=0).sum()),
        "coverage_90": {},
        "mae": {},
    }
    beats = _true_beats(session, truth) if truth else _reference_beats(session)
    for parameter, (beat_s, values) in beats.items():
        reference = _window_medians(rows.time_s, beat_s, values)
        estimate, low, high = (columns[parameter + suffix] for suffix in ("", "_lo", "_hi"))
        known = ~np.isnan(reference) & ~np.isnan(estimate)
        if known.any():
            result["mae"][parameter] = round(float(np.abs(estimate - reference)[known].mean()), 2)
        banded = known & ~np.isnan(low) & ~np.isnan(high)
        if banded.any():
            inside = (low <= reference) & (reference <= high)
            result["coverage_90"][parameter] = round(float(inside[banded].mean()), 3)
    result["reference"] = (
        "physiology model's own beats" if truth else "arterial or finger wave of the recording"
    )
    if truth:
        result["simulated"] = True
    return result


Beats = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def _true_beats(session: sessions.Session, truth: Path) -> Beats:
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    rows = [line for line in lines if "sbp" in line]
    time_s = np.array([session.t_s(row["t_host_ns"], session.eras[-1].number) for row in rows])
    return {
        p: (time_s, np.array([row[p.lower()] for row in rows]))
        for p in PARAMETERS
        if rows and p.lower() in rows[0]
    }


def _reference_beats(session: sessions.Session) -> Beats:
    if "edge.beats_abp" not in session.streams or session.rows("edge.beats_abp") == 0:
        return {}
    rows = session.read("edge.beats_abp")
    columns = {channel.name: rows.values[:, i] for i, channel in enumerate(rows.info.channels)}
    names = {"SBP": "sbp_mmhg", "MAP": "map_mmhg", "DBP": "dbp_mmhg", "HR": "hr_per_min"}
    return {parameter: (rows.time_s, columns[column]) for parameter, column in names.items()}


def _window_medians(
    ends_s: NDArray[np.float64], beat_s: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Median of the beats inside each window that ends at ``ends_s``; NaN where there are too few."""
    known = ~np.isnan(values)
    beat_s, values = beat_s[known], values[known]
    first = np.searchsorted(beat_s, ends_s - REFERENCE_WINDOW_S)
    last = np.searchsorted(beat_s, ends_s)
    return np.array(
        [
            np.median(values[a:b]) if b - a >= MIN_REFERENCE_BEATS else np.nan
            for a, b in zip(first, last, strict=True)
        ]
    )


def _latencies(shown: dict[str, Any]) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for name in ("sample_to_bus", "sample_to_screen"):
        values = shown.get(f"{name}_ms") or []
        result[f"{name}_p50"] = round(float(np.percentile(values, 50)), 2) if len(values) else None
        result[f"{name}_p99"] = round(float(np.percentile(values, 99)), 2) if len(values) else None
    return result


def _model(session: sessions.Session) -> str | None:
    for info in session.streams.values():
        if info.role == "estimate":
            return info.metadata.get("model")
    return None


def print_summary(result: dict[str, Any]) -> None:
    """What a person wants to know after a demo."""
    print(f"Session ({result['seconds']:.0f} s): {result['session']}")
    for picture in result["screenshots"]:
        print(f"Picture of the window: {picture}")
    for name, stream in result["streams"].items():
        if stream["expected"] is not None:
            missing = stream["expected"] - stream["on_disk"]
            print(
                f"  {name:12} sent {stream['expected']:>8}  on disk {stream['on_disk']:>8}"
                f"  missing {missing}  gaps {stream['gaps']}"
            )
    estimates = result["estimates"]
    print(f"Estimates: {estimates['n']}, abstained {estimates['abstained']}")
    if result["simulated"]:
        print("SIMULATED: everything above comes from the virtual bedside.")
