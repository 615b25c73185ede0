"""A session of many hours through the real writer, for the review benchmark and for tests of Review.

Waves are simple but alive: a pulse template at a wandering rate, respiration, motion. Everything is stored as the
recorder would store it – blocks of one second, gaps with causes, markers, cuff readings, estimates that abstain –
and the session is marked simulated for ever.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder import session as store
from recorder.clock import ClockEra
from recorder.schema import (
    PARAMETER_UNITS,
    PARAMETERS,
    REFERENCE_CALIBRATED,
    Calibration,
    Channel,
    CuffReading,
    DeviceInfo,
    Event,
    Gap,
    Marker,
    SampleBlock,
    StreamInfo,
    Subject,
)
from recorder.session.sealer import seal

SECOND_NS = 1_000_000_000
START_WALL_NS = 1_790_000_000 * SECOND_NS
CHUNK_S = 600
REASONS = ("motion", "poor-contact", "no-real-reference", "needs-height-weight", "starting")
GAIN_MMHG_PER_V = 100.0
_MARKERS = ("rest", "cold pressor", "arm move", "stand", "cuff")
_PULSE = np.array([0.0, 0.35, 0.85, 1.0, 0.82, 0.62, 0.55, 0.58, 0.5, 0.36, 0.24, 0.14, 0.06, 0.0])
"""A peripheral pulse over one beat: upstroke, peak, dicrotic wave."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make.

    Args:
        hours: length.
        wave_hz: rate of the pressure wave, 100 or 1000.
        calibrated: a volt → mmHg calibration was accepted.
        template: as the header has it: ranges, rules.
        sealed: closed in order; else left open with its last minutes in the journal, as a killed recorder does.
    """

    hours: float = 24.0
    wave_hz: int = 100
    calibrated: bool = True
    sealed: bool = True
    seed: int = 1
    pseudonym: str = "P-014"
    template: dict[str, Any] = field(default_factory=dict, hash=False)


def make_session(folder: Path, plan: Plan, progress: Callable[[float], None] | None = None) -> Path:
    """Write a session into ``folder`` and return it.

    Raises:
        SessionError, StorageError: the folder holds one already, or the disk refuses.
    """
    era = ClockEra(0, uuid.uuid4().hex, "bench", 10 * SECOND_NS, START_WALL_NS)
    header = store.SessionHeader(
        session_id=folder.name,
        station="bench",
        created_wall_ns=START_WALL_NS,
        zone="Europe/Berlin",
        utc_offset_s=7200,
        subject=Subject(plan.pseudonym, "female", 34, 171.0, 64.0),
        operator="op1",
        devices=(DeviceInfo("e4", "Empatica E4", "9ff167"), DeviceInfo("adc", "CNAP analogue out")),
        template=plan.template,
        simulated=True,
    )
    writer = store.create(folder, header, era)
    try:
        for info in _streams(plan.wave_hz):
            writer.add_stream(info)
        _write(writer, plan, era, progress)
        if plan.sealed:
            writer.close("bench")
    finally:
        writer.abandon()
    return folder


def _streams(wave_hz: int) -> tuple[StreamInfo, ...]:
    def wave(
        stream_id: str, role: str, rate_hz: float, channels: tuple[Channel, ...], dtype: Any
    ) -> StreamInfo:
        device = stream_id.partition(".")[0]
        return StreamInfo(stream_id, device, "waveform", channels, dtype, rate_hz, role, origin="simulated")

    def rows(stream_id: str, role: str, names: dict[str, str], dtype: Any, **metadata: str) -> StreamInfo:
        channels = tuple(Channel(name, unit) for name, unit in names.items())
        device = stream_id.partition(".")[0]
        return StreamInfo(
            stream_id, device, "numeric", channels, dtype, None, role, origin="derived", metadata=metadata
        )

    axes = tuple(Channel(name, "g", 1 / 64) for name in "xyz")
    estimate = {f"{p}{part}": PARAMETER_UNITS[p] for p in PARAMETERS for part in ("", "_lo", "_hi", "_why")}
    estimate |= {"sqi": "1", "personalisation_age_s": "s", "infer_ms": "ms"}
    beats = {"sbp_mmhg": "mmHg", "map_mmhg": "mmHg", "dbp_mmhg": "mmHg", "hr_per_min": "/min", "quality": "1"}
    return (
        wave("e4.bvp", "ppg", 64.0, (Channel("bvp", "1"),), "decimal"),
        wave("e4.acc", "acc", 32.0, axes, "int16"),
        wave("e4.eda", "eda", 4.0, (Channel("eda", "uS"),), "decimal"),
        wave("e4.temp", "temp", 4.0, (Channel("temp", "Cel"),), "decimal"),
        wave("adc.wave", "abp_wave", float(wave_hz), (Channel("cnap", "V", 3.3 / 4096),), "int32"),
        rows("edge.est", "estimate", estimate, "float32", model="student-0.1", reasons=json.dumps(REASONS)),
        rows("edge.beats_abp", "beats", beats, "float32", detector="bench"),
        rows("edge.beats_ppg", "beats", {"ibi_s": "s", "amplitude": "1", "quality": "1"}, "float32"),
    )


@dataclass(frozen=True, slots=True)
class _Body:
    """The person: rate and pressures that wander over hours, by elapsed seconds."""

    seed: int

    def heart_per_min(self, t_s: Floats) -> Floats:
        return np.asarray(
            68 + 9 * np.sin(t_s / 2900 + self.seed) + 5 * np.sin(t_s / 410) + 1.5 * np.sin(t_s * 1.5)
        )

    def sbp_mmhg(self, t_s: Floats) -> Floats:
        return np.asarray(122 + 11 * np.sin(t_s / 5300) + 6 * np.sin(t_s / 730 + 1) + 2 * np.sin(t_s / 10))

    def dbp_mmhg(self, t_s: Floats) -> Floats:
        return np.asarray(76 + 6 * np.sin(t_s / 5300 + 0.3) + 3 * np.sin(t_s / 730 + 1) + np.sin(t_s / 10))

    def beat_phase(self, t_s: Floats) -> Floats:
        """Beats since the start: the integral of the rate, summed in closed form."""
        wander = -9 * 2900 * np.cos(t_s / 2900 + self.seed) - 5 * 410 * np.cos(t_s / 410)
        return np.asarray((68 * t_s + wander - np.cos(t_s * 1.5)) / 60.0)

    def moving(self, t_s: Floats) -> NDArray[np.bool_]:
        """A restless minute now and then."""
        return np.asarray((t_s % 4100) > 4010)

    def pulse(self, t_s: Floats) -> Floats:
        phase: Floats = self.beat_phase(t_s) % 1.0
        return np.asarray(np.interp(phase, np.linspace(0, 1, len(_PULSE)), _PULSE))


def _write(
    writer: store.SessionWriter, plan: Plan, era: ClockEra, progress: Callable[[float], None] | None
) -> None:
    end_s = round(plan.hours * 3600)
    body, rng = _Body(plan.seed), np.random.default_rng(plan.seed)
    _calibrate(writer, plan, era)
    counts = dict.fromkeys(writer.streams, 0)
    for commit_no, start_s in enumerate(range(0, end_s, CHUNK_S), start=1):
        stop_s = min(start_s + CHUNK_S, end_s)
        for block in _blocks(writer.streams, counts, body, rng, (start_s, stop_s, era)):
            writer.write_block(block)
        for event in _events(plan, era, start_s, stop_s):
            writer.write_event(event)
        writer.commit()
        if plan.sealed or stop_s < end_s - 2 * CHUNK_S:
            seal(writer.folder, commit_no + 1)
        if progress is not None:
            progress(stop_s / end_s)


def _calibrate(writer: store.SessionWriter, plan: Plan, era: ClockEra) -> None:
    if plan.calibrated:
        found = Calibration(
            "c1", "adc.wave", "cnap", GAIN_MMHG_PER_V, 0.0, "two-point", START_WALL_NS, operator="op1"
        )
        writer.write_event(
            Event("calibration-1", "calibration", era.monotonic_ns, START_WALL_NS, 0, found.to_json())
        )
        confirmed = Marker(REFERENCE_CALIBRATED, "button", "op1")
        writer.write_event(_event("marker-0", "marker", era, 0, asdict(confirmed)))
    writer.commit()


def _gaps(stream_id: str, start_s: int, stop_s: int) -> list[tuple[int, int, str]]:
    """Holes that begin and end within a chunk: a lost link to the wristband, a recalibrating monitor."""
    device = stream_id.partition(".")[0]
    every_s, at_s, for_s, cause = {
        "e4": (5400, 1500, 40, "link-lost"),
        "adc": (3600, 900, 12, "silent"),
    }.get(device, (0, 0, 0, ""))
    if not every_s:
        return []
    first = max(0, (start_s - at_s + every_s - 1) // every_s) * every_s + at_s
    return [(t, t + for_s, cause) for t in range(first, stop_s - for_s, every_s) if t >= start_s]


def _blocks(
    streams: Any,
    counts: dict[str, int],
    body: _Body,
    rng: np.random.Generator,
    span: tuple[int, int, ClockEra],
) -> Iterator[SampleBlock]:
    for info in streams.values():
        write = _wave_blocks if info.kind == "waveform" else _row_blocks
        yield from write(info, counts, body, rng, span)


def _wave_blocks(
    info: StreamInfo,
    counts: dict[str, int],
    body: _Body,
    rng: np.random.Generator,
    span: tuple[int, int, ClockEra],
) -> Iterator[SampleBlock]:
    """A block a second, none in a hole; the numbering jumps over it. Arrival jitters by up to 20 ms."""
    start_s, stop_s, era = span
    holes = [(a, b) for a, b, _ in _gaps(info.stream_id, start_s, stop_s)]
    rate = round(info.nominal_rate_hz or 1)
    t_s = np.arange(start_s * rate, stop_s * rate) / rate
    values = _WAVES[info.role](body, rng, t_s)
    jitter_ns = rng.integers(2_000_000, 20_000_000, stop_s - start_s)
    for second in range(start_s, stop_s):
        if any(a <= second < b for a, b in holes):
            continue
        first = (second - start_s) * rate
        arrived_ns = era.monotonic_ns + (second + 1) * SECOND_NS + int(jitter_ns[second - start_s])
        counts[info.stream_id] = (second + 1) * rate
        yield SampleBlock(info.stream_id, second * rate, values[first : first + rate], arrived_ns)


def _decimal(values: Floats, places: int) -> NDArray[np.int64]:
    mantissa = np.round(values * 10**places).astype(np.int64)
    return np.stack([mantissa, np.full_like(mantissa, places)], axis=1)


def _ppg(body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.int64]:
    noise = np.where(body.moving(t_s), 90.0, 1.2) * rng.standard_normal(len(t_s))
    return _decimal(90 * (body.pulse(t_s) - 0.4) + 6 * np.sin(t_s * 1.5) + noise, 2)


def _acc(body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.int16]:
    moving = np.where(body.moving(t_s), 18.0, 0.6)[:, None]
    lying = np.array([4.0, -22.0, 59.0]) + 3 * np.sin(t_s / 1700)[:, None]
    counts: NDArray[np.int16] = np.round(lying + moving * rng.standard_normal((len(t_s), 3))).astype(np.int16)
    return counts


def _eda(_body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.int64]:
    peaks = np.maximum(0, np.sin(t_s / 47)) ** 8
    return _decimal(0.6 + 0.2 * np.sin(t_s / 3000) + 0.35 * peaks + 0.002 * rng.standard_normal(len(t_s)), 6)


def _temp(_body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.int64]:
    return _decimal(33.1 + 0.9 * np.sin(t_s / 9000) + 0.01 * rng.standard_normal(len(t_s)), 2)


def _abp(body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.int32]:
    dbp = body.dbp_mmhg(t_s)
    mmhg = dbp + (body.sbp_mmhg(t_s) - dbp) * body.pulse(t_s) + 0.15 * rng.standard_normal(len(t_s))
    return np.round(mmhg / GAIN_MMHG_PER_V / (3.3 / 4096)).astype(np.int32)[:, None]


_WAVES: dict[str, Callable[[_Body, np.random.Generator, Floats], NDArray[Any]]] = {
    "ppg": _ppg,
    "acc": _acc,
    "eda": _eda,
    "temp": _temp,
    "abp_wave": _abp,
}


def _row_blocks(
    info: StreamInfo,
    counts: dict[str, int],
    body: _Body,
    rng: np.random.Generator,
    span: tuple[int, int, ClockEra],
) -> Iterator[SampleBlock]:
    """Rows in blocks of about ten seconds, stamped with the moment they are about."""
    start_s, stop_s, era = span
    if info.role == "estimate":
        t_s = np.arange(max(start_s, 10), stop_s, dtype=np.float64)
        values = _estimates(body, rng, t_s)
    else:
        fine = np.arange(start_s, stop_s, 0.05)
        phase = body.beat_phase(fine)
        t_s = np.interp(np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1), phase, fine)
        values = _beats(info, body, rng, t_s)
    lost = [(a, b) for a, b, _ in _gaps("e4.bvp" if info.role == "estimate" else "adc.wave", start_s, stop_s)]
    kept = np.logical_and.reduce([np.ones(len(t_s), bool), *((t_s < a) | (t_s >= b) for a, b in lost)])
    t_s, values = t_s[kept], values[kept]
    row_ns = era.monotonic_ns + np.round(t_s * 1e9).astype(np.int64)
    for first in range(0, len(t_s), 10):
        part = slice(first, min(first + 10, len(t_s)))
        number = counts[info.stream_id]
        counts[info.stream_id] += part.stop - first
        arrived_ns = int(row_ns[part.stop - 1]) + 5_000_000
        yield SampleBlock(info.stream_id, number, values[part], arrived_ns, row_t_host_ns=row_ns[part])


def _estimates(body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.float32]:
    """SBP, MAP, DBP and HR with an interval; motion abstains; the rest has no real reference."""
    sbp, dbp = body.sbp_mmhg(t_s), body.dbp_mmhg(t_s)
    truth = {"SBP": sbp, "MAP": dbp + (sbp - dbp) / 3, "DBP": dbp, "HR": body.heart_per_min(t_s)}
    columns = np.full((len(t_s), 4 * len(PARAMETERS) + 3), np.nan, np.float32)
    moving = body.moving(t_s)
    for place, name in enumerate(PARAMETERS):
        why = np.where(moving, 1.0, 0.0) if name in truth else np.full(len(t_s), 3.0)
        if name in truth:
            half = 2.0 if name == "HR" else 8.0 + 2.0 * np.sin(t_s / 600)
            middle = truth[name] + (0.5 if name == "HR" else 3.0) * np.sin(t_s / 90 + place)
            middle = np.where(moving, np.nan, middle + 0.3 * rng.standard_normal(len(t_s)))
            columns[:, 4 * place : 4 * place + 3] = np.stack([middle, middle - half, middle + half], axis=1)
        columns[:, 4 * place + 3] = why
    columns[:, -3] = np.where(moving, 0.2, 0.93)
    columns[:, -2] = t_s % 1800
    columns[:, -1] = 1.8
    return columns


def _beats(info: StreamInfo, body: _Body, rng: np.random.Generator, t_s: Floats) -> NDArray[np.float32]:
    rate = body.heart_per_min(t_s)
    if info.stream_id.endswith("ppg"):
        return np.stack([60 / rate, np.full(len(t_s), 90.0), np.full(len(t_s), 0.9)], axis=1).astype(
            np.float32
        )
    sbp, dbp = body.sbp_mmhg(t_s), body.dbp_mmhg(t_s)
    noise = 1.2 * rng.standard_normal(len(t_s))
    columns = [sbp + noise, dbp + (sbp - dbp) / 3 + noise, dbp + noise, rate, np.full(len(t_s), 0.95)]
    return np.stack(columns, axis=1).astype(np.float32)


def _events(plan: Plan, era: ClockEra, start_s: int, stop_s: int) -> Iterator[Event]:
    for stream_id in ("e4.bvp", "e4.acc", "e4.eda", "e4.temp", "adc.wave"):
        rate = {"e4.bvp": 64, "e4.acc": 32, "adc.wave": plan.wave_hz}.get(stream_id, 4)
        for a, b, cause in _gaps(stream_id, start_s, stop_s):
            t0, t1 = (era.monotonic_ns + s * SECOND_NS for s in (a, b))
            gap = Gap(stream_id, a * rate, (b - a) * rate, t0, t1, cause)
            yield store.gap_event(gap, f"gap-{stream_id}-{a}", START_WALL_NS + a * SECOND_NS)
    for number, t_s in enumerate(range(120, stop_s, 1260)):
        if t_s >= start_s:
            marker = Marker(_MARKERS[number % len(_MARKERS)], "key", "op1", 1 + number % 9)
            yield _event(f"marker-{t_s}", "marker", era, t_s, asdict(marker))
    for t_s in range(300, stop_s, 1800):
        if t_s >= start_s:
            yield _event(f"cuff-{t_s}", "cuff", era, t_s, asdict(_cuff(plan, t_s)))


def _cuff(plan: Plan, t_s: int) -> CuffReading:
    body, at = _Body(plan.seed), np.array([float(t_s)])
    sbp, dbp = round(float(body.sbp_mmhg(at)[0])) + 3, round(float(body.dbp_mmhg(at)[0])) - 1
    measured_ns = START_WALL_NS + (t_s - 20) * SECOND_NS
    return CuffReading(
        sbp, dbp, measured_ns, START_WALL_NS + t_s * SECOND_NS, "op1", arm="left", posture="supine"
    )


def _event(event_id: str, kind: str, era: ClockEra, t_s: int, payload: dict[str, Any]) -> Event:
    return Event(
        event_id, kind, era.monotonic_ns + t_s * SECOND_NS, START_WALL_NS + t_s * SECOND_NS, 0, payload
    )
