"""A recording of a CNAP monitor's stick → values for a session: its wave, its beats, and what it did.

The words of the monitor become the events the live chain stores for the same things, so that the age of the reference's
calibration, the grey before it and the step at a recalibration hold as they do at a bedside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from recorder.exchange.into_session import Break, Moment, Rows, Waveform
from recorder.exchange.sources.cnap_agreement import disagreements
from recorder.exchange.sources.cnap_files import CnapFiles, read_files
from recorder.exchange.sources.recording import RecordingFacts
from recorder.exchange.sources.source import Skipped, Source
from recorder.protocols.cnap_beats import CO_FAMILY, CnapBeats, CnapEvent
from recorder.protocols.cnap_summary import without_identity
from recorder.protocols.cnap_wave import RATE_HZ, CnapWave
from recorder.schema import (
    CO_CALIBRATED,
    FINGER_CHANGED,
    REFERENCE_CALIBRATED,
    Channel,
    CuffReading,
    DeviceInfo,
    Marker,
    StreamInfo,
)
from recorder.schema.streams import Origin

DEVICE: Final = "cnap"
PRODUCT: Final = "CNAP Monitor (USB stick)"
SOURCE: Final = "cnap"
"""Source of the markers that the monitor made by itself."""
STEP_NS: Final = round(1e9 / RATE_HZ)
FLAT_S: Final = 2.0
"""A wave of 0.00 for so long is said: no finger in the cuff, or it changes fingers."""
MOST_ODD: Final = 0.2
"""Where more beats than this share cannot be beats, it is not the finger that moved."""
NBP_CUFF: Final = "CNAP arm cuff"
_MARKERS: Final = {
    "calibrated": REFERENCE_CALIBRATED,
    "entered": REFERENCE_CALIBRATED,
    "finger-changed": FINGER_CHANGED,
    "hd-calibrated": CO_CALIBRATED,
}
_PER_MMHG: Final = 100
_COUNTS_MAX: Final = 2**31 - 1

WallNs = Callable[[datetime], int]
"""A local time of the monitor → UTC ns since 1970, by the rule all imports share."""


def read(
    beats: Path,
    wave: Path | None = None,
    summary: Path | None = None,
    *,
    wall_ns: WallNs,
    zone: str,
    began: datetime | None = None,
) -> Source:
    """The recording that ``beats`` belongs to; its other files are found beside it.

    Args:
        beats, wave, summary: the files.
        wall_ns: local time of the monitor -> UTC ns.
        zone: IANA zone of the monitor's clock.
        began: when it began by that clock, where the name does not tell; None = nobody said.

    Raises:
        RecordingUnreadable: neither beats nor waveform can be read, or a name does not tell when it began.
    """
    files = read_files(beats, wave, summary, began)
    parts = [part for part in (files.beats, files.wave) if part is not None]
    origin: Origin = "simulated" if any(part.simulated for part in parts) else "recorded"
    told = _Told(files, origin, wall_ns(files.beats_start), wall_ns(files.wave_start))
    odd = told.disagreements()
    return Source(
        kind="cnap",
        name=files.name,
        sha256=files.sha256,
        content_sha256=files.sha256,
        devices=(DeviceInfo(DEVICE, PRODUCT, transport="file", simulated=origin == "simulated"),),
        waveforms=tuple(told.waves()),
        numerics=tuple(told.rows()),
        moments=(*told.moments(), *(told.odd_moment(line) for line in odd)),
        rejected={
            f"{name}.csv": dict(part.rejected)
            for name, part in (("beats", files.beats), ("waveform", files.wave))
            if part is not None and part.rejected
        },
        skipped=tuple(Skipped(f"{part}.csv", why) for part, why in files.skipped.items()),
        zone=zone,
        notes=(*told.notes(), *odd),
        simulated=origin == "simulated",
        subject=RecordingFacts(
            files.summary.age_y, files.summary.sex, files.summary.height_cm, files.summary.weight_kg
        ),
    )


class _Told:
    """What the files hold, timed in UTC."""

    def __init__(self, files: CnapFiles, origin: Origin, beats_ns: int, wave_ns: int) -> None:
        self._files, self._origin = files, origin
        self._beats_ns, self._wave_ns = beats_ns, wave_ns

    def disagreements(self) -> tuple[str, ...]:
        files = self._files
        if files.beats is None or files.wave is None:
            return ()
        return disagreements(files.beats, files.wave, (self._wave_ns - self._beats_ns) / 1e9)

    def notes(self) -> Iterator[str]:
        files = self._files
        for part, value in (("beats", files.beats), ("waveform", files.wave)):
            if value is None and part not in files.skipped:
                yield f"there is no ..._{part}.csv beside it"
        if files.beats is None:
            return
        yield from files.beats.notes
        n_odd, n_beats = int(files.beats.artefact.sum()), int(np.isfinite(files.beats.column("sbp")).sum())
        if n_odd > MOST_ODD * n_beats:
            yield (
                f"in {n_odd} of {n_beats} beats systolic, mean and diastolic do not follow one another: they count as "
                "artefacts; does the file name its columns rightly?"
            )
        kinds = [event.kind for event in files.beats.events]
        if not {"calibrated", "entered"} & set(kinds):
            yield "the monitor was never calibrated by its arm cuff (no NBPcal): its pressures are no reference"
        if "hd-calibrated" not in kinds and np.isfinite(files.beats.column("co")).any():
            yield "no HDcal: CO and what follows from it are uncalibrated CO"
        if (n_other := kinds.count("other")) == 1:
            yield "1 event with words of its own was kept as a marker; check it for names"
        elif n_other:
            yield f"{n_other} events with words of their own were kept as markers; check them for names"

    def waves(self) -> Iterator[Waveform]:
        wave = self._files.wave
        if wave is not None:
            yield _waveform(wave, self._wave_ns, self._origin)

    def rows(self) -> Iterator[Rows]:
        beats = self._files.beats
        if beats is not None and len(beats.t_s):
            info = _beats_info(beats, self._files, self._origin)
            values = np.column_stack([beats.values, (~beats.artefact).astype(np.float64)])
            yield Rows(info, self._beats_ns + np.rint(beats.t_s * 1e9).astype(np.int64), values)

    def moments(self) -> Iterator[Moment]:
        files = self._files
        for event in files.beats.events if files.beats is not None else ():
            words = without_identity(event.words, files.summary.identifying)
            yield from _moments(event, words, self._beats_ns + round(event.t_s * 1e9))
        if files.wave is not None:
            yield from _flat_lines(files.wave, self._wave_ns)

    def odd_moment(self, line: str) -> Moment:
        payload = {"device_id": DEVICE, "kind": "cnap-disagrees", "message": line, "detail": line}
        return Moment("notice", min(self._beats_ns, self._wave_ns), payload)


def _waveform(wave: CnapWave, start_ns: int, origin: Origin) -> Waveform:
    """Two decimals as the monitor writes them are whole hundredths; more of them are kept as they are."""
    counts = np.rint(wave.mmhg * _PER_MMHG)
    whole = (
        bool(np.allclose(counts, wave.mmhg * _PER_MMHG, rtol=0, atol=1e-6))
        and np.abs(counts).max() < _COUNTS_MAX
    )
    info = StreamInfo(
        "cnap.wave",
        DEVICE,
        "waveform",
        (Channel("pressure", "mmHg", 1 / _PER_MMHG if whole else 1.0),),
        dtype="int32" if whole else "float64",
        nominal_rate_hz=RATE_HZ,
        role="abp_wave",
        device_clock=True,
        origin=origin,
        metadata={"zero": "0.00: no pressure, the finger cuff is off or changes fingers"},
    )
    numbers = wave.sample_no
    holes = np.flatnonzero(np.diff(numbers) != 1) + 1
    breaks = tuple(Break(int(k), start_ns + int(numbers[k]) * STEP_NS) for k in holes)
    values = counts.astype("<i4") if whole else wave.mmhg.astype("<f8")
    return Waveform(info, start_ns + int(numbers[0]) * STEP_NS, values[:, None], breaks)


def _beats_info(beats: CnapBeats, files: CnapFiles, origin: Origin) -> StreamInfo:
    held = [channel for channel in CO_FAMILY if np.isfinite(beats.column(channel)).any()]
    calibrated = any(event.kind == "hd-calibrated" for event in beats.events)
    metadata = {
        "columns": json.dumps({column.channel: column.name for column in beats.columns}, ensure_ascii=False),
        "quality": "0 where systolic, mean and diastolic cannot be those of a beat",
        "time": "as stamped by the monitor",
        **(
            {"co": f"uncalibrated CO{f' before the marker {CO_CALIBRATED!r}' if calibrated else ''}"}
            if held
            else {}
        ),
        **files.summary.settings,
    }
    return StreamInfo(
        "cnap.beats",
        DEVICE,
        "numeric",
        (*(Channel(column.channel, column.unit) for column in beats.columns), Channel("quality", "1")),
        dtype="float64",
        role="reference",
        device_clock=True,
        origin=origin,
        metadata=metadata,
    )


def _moments(event: CnapEvent, words: str, wall_ns: int) -> Iterator[Moment]:
    """The events that the live chain stores for what the monitor says."""
    label = _MARKERS.get(event.kind)
    if event.kind == "search":
        yield _notice("signal-search", words, wall_ns)
    elif label is not None:
        yield Moment("marker", wall_ns, _marker(label, words))
    elif event.kind == "other":
        yield Moment("marker", wall_ns, _marker(words, ""))
    if event.failed:
        yield _notice("cuff-failed", f"{words}: the arm cuff got no reading", wall_ns)
    elif event.nbp_sys_mmhg is not None and event.nbp_dia_mmhg is not None:
        yield _cuff(event.nbp_sys_mmhg, event.nbp_dia_mmhg, words, wall_ns)
    elif event.kind == "cuff":
        yield _notice("cuff-failed", f"{words}: without a reading", wall_ns)


def _cuff(sys_mmhg: float, dia_mmhg: float, words: str, wall_ns: int) -> Moment:
    device = f"{NBP_CUFF}, typed in" if "man" in words.lower() else NBP_CUFF
    try:
        reading = CuffReading(sys_mmhg, dia_mmhg, wall_ns, wall_ns, device=device)
    except ValueError as error:
        return _notice("cuff-implausible", str(error), wall_ns)
    return Moment("cuff", wall_ns, asdict(reading))


def _marker(label: str, note: str) -> dict[str, Any]:
    return {**asdict(Marker(label, SOURCE, note=note)), "device_id": DEVICE}


def _notice(kind: str, message: str, wall_ns: int) -> Moment:
    return Moment(
        "notice", wall_ns, {"device_id": DEVICE, "kind": kind, "message": message, "detail": message}
    )


def _flat_lines(wave: CnapWave, start_ns: int) -> Iterator[Moment]:
    """Begin and end of every stretch in which the monitor wrote 0.00."""
    zero = np.concatenate([[False], wave.mmhg == 0.0, [False]])
    edges = np.flatnonzero(np.diff(zero.astype(np.int8)))
    place = {"device_id": DEVICE, "stream_id": "cnap.wave", "channel": "pressure"}
    for begin, end in edges.reshape(-1, 2).tolist():
        first, last = int(wave.sample_no[begin]), int(wave.sample_no[end - 1])
        if last - first >= FLAT_S * RATE_HZ:
            why = "0.00: no finger in the cuff, or it changes fingers"
            yield Moment("notice", start_ns + first * STEP_NS, {**place, "kind": "flat-line", "detail": why})
            yield Moment("notice", start_ns + (last + 1) * STEP_NS, {**place, "ended": "flat-line"})
