"""Which streams the edge process reads, by role, and which it writes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp import abp_beats, ppg_beats
from hemoview.edge import heart
from hemoview.estimate.card import Card
from hemoview.estimate.estimator import NOTHING_TRACKED
from hemoview.estimate.personalise import AnchorKind
from hemoview.estimate.reasons import REASONS, code
from hemoview.estimate.tracking import Widening
from hemoview.estimate.values import Estimate
from recorder.schema import PARAMETER_UNITS, PARAMETERS, PRESSURES, Channel, StreamInfo

DEVICE_ID = "edge"
ESTIMATES, PPG_BEATS, ABP_BEATS = "edge.est", "edge.beats_ppg", "edge.beats_abp"
HEART, ARM = "edge.heart", "edge.arm"

PERSONALISED_BY: Final[tuple[AnchorKind | None, ...]] = (None, "cuff", "reference")
"""The newest point an estimate used, by its code in a stored row."""
AFTER_PARAMETERS = (("sqi", "1"), ("personalisation_age_s", "s"), ("infer_ms", "ms"))


@dataclass(frozen=True, slots=True)
class Sources:
    """The streams estimates are made from; None where the station has none.

    Args:
        ppg: pulse wave at the wrist or finger.
        acc: accelerometer, three channels in g.
        abp: arterial pressure wave, its first channel.
    """

    ppg: StreamInfo | None = None
    acc: StreamInfo | None = None
    abp: StreamInfo | None = None

    @property
    def stream_ids(self) -> frozenset[str]:
        """Streams to listen to."""
        return frozenset(info.stream_id for info in (self.ppg, self.acc, self.abp) if info is not None)

    @property
    def simulated(self) -> bool:
        """Some source is simulated or replayed, so what is derived is no measurement."""
        sources = (self.ppg, self.acc, self.abp)
        return any(info.origin in ("simulated", "replayed") for info in sources if info is not None)


def claims_of(card: Card) -> str:
    """The part of a model card that says what its estimates may claim (safety rules 6 and 7), as JSON."""
    raw = card.raw
    kept = ("name", "version", "per_parameter", "devices_in_training", "devices_not_in_training")
    return json.dumps({name: raw[name] for name in kept if name in raw}, separators=(",", ":"))


SLOWEST_HZ: Final = {"ppg": 25.0, "acc": 5.0, "abp_wave": 40.0}
"""Roles that are read, and the least rate at which their waves can be."""


def find_sources(streams: Iterable[StreamInfo]) -> Sources:
    """The first waveform of each role that is fast enough."""
    by_role: dict[str, StreamInfo] = {}
    for info in streams:
        slowest = SLOWEST_HZ.get(info.role)
        if slowest is not None and info.device_id != DEVICE_ID and (info.nominal_rate_hz or 0.0) >= slowest:
            by_role.setdefault(info.role, info)
    return Sources(by_role.get("ppg"), by_role.get("acc"), by_role.get("abp_wave"))


@dataclass(frozen=True, slots=True)
class ModelName:
    """What the estimates come from, for the stream's metadata."""

    name: str = ""
    sha256: str = ""
    refused: str = ""
    """Why there is none, in words for the operator."""
    claims: str = ""
    """JSON of what its card states (:func:`claims_of`): it goes with the session, wherever that is read."""


def declared(sources: Sources, model: ModelName) -> tuple[StreamInfo, ...]:
    """The derived streams, as they are declared to the recorder."""
    streams = []
    if sources.ppg is not None:
        streams += [_estimates(sources, model), _ppg_beats(sources.ppg, sources)]
    if sources.abp is not None:
        streams.append(_abp_beats(sources.abp, sources))
    if sources.ppg is not None and sources.acc is not None and sources.ppg.device_id == sources.acc.device_id:
        streams.append(_arm(sources.acc, sources))
    if sources.ppg is not None and sources.abp is not None:
        streams.append(_heart(sources.ppg, sources.abp, sources))
    return tuple(streams)


def estimate_row(
    estimate: Estimate, tracked: Mapping[str, Widening] = NOTHING_TRACKED
) -> NDArray[np.float32]:
    """An estimate as the one row of :data:`ESTIMATES` it becomes, ``(1, columns)``; NaN where it abstains.

    Args:
        estimate: of one window.
        tracked: what was made of its intervals while a reference streamed.
    """
    row: list[float] = []
    for parameter in PARAMETERS:
        e = estimate.parameters[parameter]
        row += [_number(e.value), _number(e.low), _number(e.high), float(code(e.reason))]
    row += [estimate.sqi, _number(estimate.personalisation_age_s), _number(estimate.infer_ms)]
    for parameter in PRESSURES:
        widened = parameter in tracked and estimate.parameters[parameter].low is not None
        row.append(float(tracked[parameter].code) if widened else 0.0)
    row.append(float(PERSONALISED_BY.index(estimate.personalised_by)))
    return stored([row])


def stored(rows: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Derived values as they are kept: float32 whose last byte is 0, 1 part in 65 536, which nobody can claim to know
    and which would be a fifteenth of a session on disk. Codes and NaN stay what they are.
    """
    bits = np.array(rows, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(0x80)) & np.uint32(0xFFFFFF00)).view(np.float32)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _estimates(sources: Sources, model: ModelName) -> StreamInfo:
    channels: list[Channel] = []
    for parameter in PARAMETERS:
        unit = PARAMETER_UNITS[parameter]
        channels += [Channel(f"{parameter}{suffix}", unit) for suffix in ("", "_lo", "_hi")]
        channels.append(Channel(f"{parameter}_why", "1"))
    channels += [Channel(name, unit) for name, unit in AFTER_PARAMETERS]
    channels += [Channel(f"{parameter}_tracked", "1") for parameter in PRESSURES]
    channels.append(Channel("personalised_by", "1"))
    facts = {
        "model": model.name,
        "model_sha256": model.sha256,
        "model_refused": model.refused,
        "claims": model.claims,
        "reasons": json.dumps(REASONS),
        "interval": "90 %",
        "personalised_by": "0 = nothing, 1 = a cuff reading, 2 = the reference wave: the newest point used",
        "tracked": "0 = the card's interval, 1 = tracked by the reference wave, 2 = frozen since it ended",
    }
    return _numeric(ESTIMATES, "estimate", channels, sources, facts)


def _ppg_beats(source: StreamInfo, sources: Sources) -> StreamInfo:
    channels = [Channel("ibi_s", "s"), Channel("amplitude", source.channels[0].unit), Channel("quality", "1")]
    facts = {
        "detector": ppg_beats.DETECTOR,
        "version": ppg_beats.VERSION,
        "source": source.stream_id,
        "time": "steepest upstroke",
    }
    return _numeric(PPG_BEATS, "beats", channels, sources, facts)


def _abp_beats(source: StreamInfo, sources: Sources) -> StreamInfo:
    names = (
        ("sbp_mmhg", "mmHg"),
        ("map_mmhg", "mmHg"),
        ("dbp_mmhg", "mmHg"),
        ("hr_per_min", "/min"),
        ("quality", "1"),
    )
    facts = {
        "detector": abp_beats.DETECTOR,
        "version": abp_beats.VERSION,
        "source": source.stream_id,
        "time": "onset",
        "mean": "integrated",
    }
    return _numeric(ABP_BEATS, "beats", [Channel(*n) for n in names], sources, facts)


def _heart(first: StreamInfo, second: StreamInfo, sources: Sources) -> StreamInfo:
    facts = {
        "first": first.stream_id,
        "second": second.stream_id,
        "verdicts": json.dumps(heart.VERDICTS),
        "whys": json.dumps(heart.WHYS),
        "log_ratio": "nats for one heart over two, newest 45 s",
    }
    return _numeric(HEART, "shared-heart", [Channel(*c) for c in heart.COLUMNS], sources, facts)


def _arm(acc: StreamInfo, sources: Sources) -> StreamInfo:
    channels = [Channel("angle_deg", "deg"), Channel("height_cm", "cm"), Channel("widens_mmhg", "mmHg")]
    facts = {
        "source": acc.stream_id,
        "angle": "of gravity in the wristband, to when it was still last; a row each time it is over 30 deg",
        "height": "by how much the wrist may be higher or lower, at most",
    }
    return _numeric(ARM, "arm", channels, sources, facts)


def _numeric(
    stream_id: str, role: str, channels: list[Channel], sources: Sources, facts: dict[str, str]
) -> StreamInfo:
    return StreamInfo(
        stream_id,
        DEVICE_ID,
        "numeric",
        tuple(channels),
        dtype="float32",
        role=role,
        origin="derived",
        metadata=facts | {"simulated": "true" if sources.simulated else "false"},
    )
