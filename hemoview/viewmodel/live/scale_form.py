"""Volt → mmHg by two points of the monitor's own output, typed in at the bedside; a dated, signed record comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel.live.model import LiveStream
from hemoview.viewmodel.messages import Message, say
from recorder.devices import calibration
from recorder.errors import ConfigError

AVERAGED_S = 1.0
"""The volt shown is the median of the last second: a level of the monitor, without the noise of the cable."""

FRESH_S = 2.0
"""Nothing newer than this: there is no live volt."""


LEVELS_S = 6.0
"""The rectangular signal is looked for in so many seconds."""

LEAST_SAMPLES = 50
LEAST_EDGES = 3
LEAST_STEP_V = 0.05
NEAR_LEVEL = 0.06
AT_LEVELS = 0.9
"""Share of samples that stand at one of two levels; a pulse wave is hardly ever there."""


@dataclass(frozen=True, slots=True)
class AdcNow:
    """The channel that carries the pressure, and its volt of this moment; None where nothing comes."""

    stream_id: str
    channel: str
    volt: float | None


@dataclass(frozen=True, slots=True)
class ScaleForm:
    """The fields as typed."""

    volt_1: str = ""
    mmhg_1: str = ""
    volt_2: str = ""
    mmhg_2: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class ScaleView:
    """``line`` is what the points say; ``request`` the arguments of ``calibrate``, None while there is a problem."""

    problem: Message | None
    line: Message | None = None
    request: dict[str, Any] | None = None


def adc_now(streams: Mapping[str, LiveStream], *, now_ns: int, speed: float = 1.0) -> AdcNow | None:
    """Where the pressure arrives and how many volt it is; None without such a stream."""
    stream = next((s for s in streams.values() if s.info.role == "abp_wave"), None)
    if stream is None:
        return None
    place = stream.info.stream_id, stream.info.channels[0].name
    if stream.arrival_ns is None or now_ns - stream.arrival_ns > FRESH_S * 1e9 * speed:
        return AdcNow(*place, None)
    rows = stream.ring.newest(max(1, round((stream.info.nominal_rate_hz or 1.0) * AVERAGED_S)))
    volts = rows.values[:, 0][np.isfinite(rows.values[:, 0])]
    return AdcNow(*place, float(np.median(volts)) if volts.size else None)


def levels_now(
    streams: Mapping[str, LiveStream], *, now_ns: int, speed: float = 1.0
) -> tuple[float, float] | None:
    """The two volts between which the monitor's rectangular signal goes, low first; None while there is none."""
    stream = next((s for s in streams.values() if s.info.role == "abp_wave"), None)
    if stream is None or stream.arrival_ns is None or now_ns - stream.arrival_ns > FRESH_S * 1e9 * speed:
        return None
    rows = stream.ring.newest(max(1, round((stream.info.nominal_rate_hz or 1.0) * LEVELS_S)))
    return rectangle(rows.values[:, 0].astype(np.float64))


def rectangle(volts: NDArray[np.float64]) -> tuple[float, float] | None:
    """Low and high of samples ``(n,)`` that stand at two levels and hardly ever between; None for anything else."""
    volts = volts[np.isfinite(volts)]
    if volts.size < LEAST_SAMPLES or volts.max() - volts.min() <= LEAST_STEP_V:
        return None
    middle = (float(volts.min()) + float(volts.max())) / 2
    low, high = float(np.median(volts[volts <= middle])), float(np.median(volts[volts > middle]))
    step = high - low
    near = np.minimum(np.abs(volts - low), np.abs(volts - high)) < NEAR_LEVEL * step
    share = float(np.mean(volts > middle))
    edges = int(np.count_nonzero(np.diff(volts > middle)))
    alternates = edges >= LEAST_EDGES and 0.2 < share < 0.8
    return (low, high) if step > LEAST_STEP_V and near.mean() >= AT_LEVELS and alternates else None


def examine(form: ScaleForm, adc: AdcNow | None, *, wall_ns: int) -> ScaleView:
    """Judge the two points of the channel that is there now."""
    if adc is None:
        return ScaleView(say("scale-no-adc"))
    try:
        low = _number(form.volt_1, "volt of point 1"), _number(form.mmhg_1, "mmHg of point 1")
        high = _number(form.volt_2, "volt of point 2"), _number(form.mmhg_2, "mmHg of point 2")
        if not form.operator.strip():
            raise ValueError("enter your operator code: a calibration is signed")
        found = calibration.two_point(
            adc.stream_id, adc.channel, low, high, wall_ns=wall_ns, operator=form.operator.strip()
        )
    except ConfigError as error:
        return ScaleView(say("scale-refused", why=str(error)))
    except ValueError as error:
        return ScaleView(say("scale-incomplete", why=str(error)))
    if why := calibration.why_refused(found):
        return ScaleView(say("scale-refused", why=why))
    sign = "−" if found.offset_mmhg < 0 else "+"
    offset = f"{sign} {abs(found.offset_mmhg):.1f}"
    return ScaleView(
        None, say("scale-line", gain=f"{found.gain_mmhg_per_v:.1f}", offset=offset), found.to_json()
    )


def _number(text: str, what: str) -> float:
    if not text.strip():
        raise ValueError(f"type the {what}")
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} {text.strip()!r} is not a number")
    return value
