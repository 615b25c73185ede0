"""What a demo run proves: emulator counters against disk, estimates against a reference, latencies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recorder import session as sessions
from recorder.clock import Timebase
from recorder.errors import SessionError
from recorder.schema import PARAMETERS, StationStatus

if TYPE_CHECKING:
    from recorder.exchange import Recording

REFERENCE_WINDOW_S = 10.0
LONGEST_PAUSE_S = 2.5
"""A wristband sends skin temperature in packets of 2 s."""
MIN_REFERENCE_BEATS = 6
"""An estimate is compared with the median of at least this many reference beats in its window."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The emulators' own log, as it stood at Start and after the last sample."""

    at_start: dict[str, Any]
    at_end: dict[str, Any]


def collect(
    folder: Path,
    log: Counters,
    status: StationStatus,
    shown: dict[str, Any],
    *,
    truth: Path,
    recording: Recording | None,
) -> dict[str, Any]:
    """The JSON object of ``hemoview demo --json``.

    Args:
        folder: the session.
        log: the emulators' own counters.
        status: the recorder's last word on the streams.
        shown: latencies and pictures from the window.
        truth: the emulators' truth file; holds beats where the physiology model ran.
        recording: what was replayed, if anything.
    """
    header, *beats = [json.loads(line) for line in truth.read_text().splitlines()]
    with sessions.open(folder) as session:
        references = _references(session, header["header"], beats, recording)
        return {
            "session": str(folder),
            "seconds": round(session.duration_s, 2),
            "streams": {name: _stream(session, log, status, name) for name in sorted(session.streams)},
            "estimates": _estimates(session, references),
            "latency_ms": _latencies(shown),
            "model": _model(session),
            "screenshots": [str(path) for path in shown.get("screenshots", ())],
            "simulated": session.header.simulated,
        }


def _stream(session: sessions.Session, log: Counters, status: StationStatus, name: str) -> dict[str, Any]:
    info = session.streams[name]
    switched_off_s = session.t_s(log.at_end["t_host_ns"], session.eras[-1].number)
    gaps = [gap for gap in session.gaps(name) if not _is_the_end(gap, switched_off_s)]
    live = {s.stream_id: s for s in status.streams}.get(name)
    return {
        "expected": None if info.origin == "derived" else expected(session, log, name),
        "received": live.received if live else None,
        "on_disk": session.rows(name),
        "gaps": len(gaps),
        "longest_gap_s": round(max((gap.t1_s - gap.t0_s for gap in gaps), default=0.0), 3),
        "nominal_rate_hz": info.nominal_rate_hz,
        "effective_rate_hz": _effective_rate_hz(session, name),
        **drift(session, name),
    }


def _is_the_end(gap: sessions.GapSpan, switched_off_s: float) -> bool:
    """The emulators fall silent before Stop, so that counters can be compared: a gap that begins then is no loss."""
    return (
        gap.t1_s >= switched_off_s and gap.t0_s >= switched_off_s - LONGEST_PAUSE_S and gap.n_missing is None
    )


def expected(session: sessions.Session, log: Counters, name: str) -> int:
    """Samples the emulator put, or would have put, to its link from Start on.

    What it had sent by the time Start had returned bounds what may be missing at the beginning: a session that
    begins later than that has lost its first samples, and a stream without a row began no later than that.
    """
    none = {"sent": 0, "overrun": 0}
    at_start, at_end = (
        int(counts["sent"] + counts["overrun"])
        for counts in (log.at_start["streams"].get(name, none), log.at_end["streams"].get(name, none))
    )
    first = session.read(name).sample_no[:1]
    return at_end - min(int(first[0]), at_start) if len(first) else at_end - at_start


def drift(session: sessions.Session, name: str) -> dict[str, float | None]:
    """``drift_ppm`` of a stream in the session's last era and ``drift_error_ppm`` (95 %); None where not known."""
    base = _timebase(session, name)
    return {
        "drift_ppm": None if base is None else round(base.drift_ppm, 2),
        "drift_error_ppm": None if base is None else round(base.drift_error_ppm, 2),
    }


def _effective_rate_hz(session: sessions.Session, name: str) -> float | None:
    base = _timebase(session, name)
    return None if base is None else round(base.rate_hz, 4)


def _timebase(session: sessions.Session, name: str) -> Timebase | None:
    """None of a stream without a rate, or of which nothing arrived since the recorder was started last."""
    info = session.streams.get(name)
    if info is None or info.nominal_rate_hz is None:
        return None
    try:
        return session.timebase(name, session.eras[-1].number)
    except SessionError:
        return None


Values = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Times on the session's axis, s, and values."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Values a run's estimates are compared with, by parameter."""

    name: str
    values: dict[str, Values]
    least_in_window: int
    simulated: bool = False


def _references(
    session: sessions.Session,
    header: dict[str, Any],
    beats: list[dict[str, Any]],
    recording: Recording | None,
) -> list[Reference]:
    era = session.eras[-1].number
    if recording is None:
        time_s = np.array([session.t_s(beat["t_host_ns"], era) for beat in beats])
        truth = {p: (time_s, np.array([beat[p.lower()] for beat in beats])) for p in PARAMETERS}
        return [Reference("physiology model's own beats", truth, MIN_REFERENCE_BEATS, simulated=True)]
    begin_s = session.t_s(header["t0_host_ns"], era)
    found = [
        Reference("arterial or finger wave of the recording", _reference_beats(session), MIN_REFERENCE_BEATS)
    ]
    for device in sorted({numeric.device for numeric in recording.numerics.values() if numeric.parameter}):
        numerics = [n for n in recording.numerics.values() if n.device == device and n.parameter]
        values = {n.parameter: (n.t_s + begin_s, n.values) for n in numerics}
        found.append(Reference(f"numerics of {device or recording.name}", values, least_in_window=1))
    return found


def _reference_beats(session: sessions.Session) -> dict[str, Values]:
    if "edge.beats_abp" not in session.streams or session.rows("edge.beats_abp") == 0:
        return {}
    rows = session.read("edge.beats_abp")
    columns = {channel.name: rows.values[:, i] for i, channel in enumerate(rows.info.channels)}
    names = {"SBP": "sbp_mmhg", "MAP": "map_mmhg", "DBP": "dbp_mmhg", "HR": "hr_per_min"}
    return {parameter: (rows.time_s, columns[column]) for parameter, column in names.items()}


def _estimates(session: sessions.Session, references: list[Reference]) -> dict[str, Any]:
    name = next((n for n, info in session.streams.items() if info.role == "estimate"), None)
    if name is None or session.rows(name) == 0:
        return {"n": 0, "abstained": 0, "coverage_90": {}, "mae": {}}
    rows = session.read(name)
    columns = {channel.name: rows.values[:, i] for i, channel in enumerate(rows.info.channels)}
    pressures = np.stack([columns[p] for p in ("SBP", "MAP", "DBP")])
    abstained = int(np.all(np.isnan(pressures), axis=0).sum())
    scores = [_score(rows.time_s, columns, reference) for reference in references]
    return {"n": len(rows.time_s), "abstained": abstained, **scores[0], "also_against": scores[1:]}


def _score(
    time_s: NDArray[np.float64], columns: dict[str, NDArray[np.float64]], against: Reference
) -> dict[str, Any]:
    """Mean absolute error and coverage of the 90 % interval, where estimate and reference both exist."""
    mae, coverage = {}, {}
    for parameter, (value_s, values) in against.values.items():
        reference = _window_medians(time_s, value_s, values, against.least_in_window)
        estimate, low, high = (columns[parameter + suffix] for suffix in ("", "_lo", "_hi"))
        known = ~np.isnan(reference) & ~np.isnan(estimate)
        banded = known & ~np.isnan(low) & ~np.isnan(high)
        if known.any():
            mae[parameter] = round(float(np.abs(estimate - reference)[known].mean()), 2)
        if banded.any():
            coverage[parameter] = round(float(((low <= reference) & (reference <= high))[banded].mean()), 3)
    return {"reference": against.name, "simulated": against.simulated, "coverage_90": coverage, "mae": mae}


def _window_medians(
    ends_s: NDArray[np.float64], beat_s: NDArray[np.float64], values: NDArray[np.float64], least: int
) -> NDArray[np.float64]:
    """Median of what lies inside each window that ends at ``ends_s``; NaN where there are fewer than ``least``."""
    known = ~np.isnan(values)
    beat_s, values = beat_s[known], values[known]
    first = np.searchsorted(beat_s, ends_s - REFERENCE_WINDOW_S)
    last = np.searchsorted(beat_s, ends_s)
    return np.array(
        [np.median(values[a:b]) if b - a >= least else np.nan for a, b in zip(first, last, strict=True)]
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
                f"  missing {missing}  gaps {stream['gaps']}{_drift_words(stream)}"
            )
    estimates = result["estimates"]
    print(f"Estimates: {estimates['n']}, abstained {estimates['abstained']}")
    if result["simulated"]:
        print("SIMULATED: everything above comes from the virtual bedside.")


def _drift_words(stream: dict[str, Any]) -> str:
    if stream["drift_ppm"] is None:
        return ""
    return f"  drift {stream['drift_ppm']:+.1f} ± {stream['drift_error_ppm']:.1f} ppm"
