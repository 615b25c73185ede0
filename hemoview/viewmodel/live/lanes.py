"""Which wave lanes there are: streams by role, in the order of the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hemoview.viewmodel.formats import pressure_factor, unit_words
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.ranges import RangeRule
from hemoview.viewmodel.live.record_view import Lane, Wish
from hemoview.viewmodel.live.reference import reference, scale
from hemoview.viewmodel.messages import say
from recorder.schema import StreamInfo

_PRESSURE_STEP = {"mmHg": 20.0, "kPa": 2.0}


def lanes(wish: Wish, facts: Facts) -> tuple[Lane, ...]:
    """The lanes to draw; one that is not connected is left out, one that is silent is not."""
    built = (_BUILDERS[key](wish, facts) for key in _BUILDERS if key in wish.waves)
    return tuple(lane for lane in built if lane is not None)


def _ppg(_: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("ppg")
    rule = RangeRule(least=1e-3)
    return _lane("ppg", info, ("ppg",), rule, weight=2.0, sqi=_sqi(facts)) if info else None


def _optical(_: Wish, facts: Facts) -> Lane | None:
    """Raw light of a wristband without its server: no pulse wave of its maker's."""
    info = facts.by_role("optical")
    return _lane("optical", info, ("ppg", "eda"), RangeRule(least=8.0)) if info else None


def _pleth(_: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("pleth")
    return _lane("pleth", info, ("ppg",), RangeRule(least=8.0)) if info else None


def _abp(wish: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("abp_wave")
    if info is None:
        return None
    found = scale(facts, info)
    if found is None:
        volts = _lane("abp", info, ("abp",), RangeRule(least=0.1), weight=2.0)
        return replace(volts, channels=(0,), muted=True, note=say("no-pressure-scale"), decimals=2)
    column, calibration = found
    factor = pressure_factor(wish.pressure_unit)
    step = _PRESSURE_STEP[wish.pressure_unit]
    calibrated = reference(facts).state == "calibrated"
    return replace(
        _lane("abp", info, ("abp",), RangeRule(step=step, least=2 * step, margin=0.06), weight=2.0),
        channels=(column,),
        unit=wish.pressure_unit,
        gain=calibration.gain_mmhg_per_v * factor,
        offset=calibration.offset_mmhg * factor,
        muted=not calibrated,
        note=None if calibrated else say("uncalibrated"),
    )


def _acc(_: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("acc")
    colours = ("acc-x", "acc-y", "acc-z")
    return _lane("acc", info, colours, RangeRule(least=1.0), decimals=1) if info else None


def _eda(_: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("eda")
    return _lane("eda", info, ("eda",), RangeRule(least=0.2), weight=0.7, decimals=2) if info else None


def _temp(_: Wish, facts: Facts) -> Lane | None:
    info = facts.by_role("temp")
    return _lane("temp", info, ("temp",), RangeRule(least=0.5), weight=0.7, decimals=1) if info else None


_BUILDERS: dict[str, Callable[[Wish, Facts], Lane | None]] = {
    "ppg": _ppg,
    "optical": _optical,
    "pleth": _pleth,
    "abp": _abp,
    "acc": _acc,
    "eda": _eda,
    "temp": _temp,
}


def _lane(
    key: str,
    info: StreamInfo,
    colours: tuple[str, ...],
    rule: RangeRule,
    *,
    weight: float = 1.0,
    sqi: float | None = None,
    decimals: int = 0,
) -> Lane:
    title = say(f"lane-{key}")
    unit = unit_words(info.channels[0].unit)
    channels = tuple(range(len(info.channels)))[: len(colours)]
    rate_hz = info.nominal_rate_hz or 1.0
    lane = Lane(
        key, title, unit, colours, info.stream_id, channels, rate_hz, rule, weight, sqi=sqi, decimals=decimals
    )
    return replace(lane, note=say("experimental")) if info.metadata.get("status") == "experimental" else lane


def _sqi(facts: Facts) -> float | None:
    """Signal quality of the newest estimate window, 0 to 1."""
    info = facts.by_role("estimate")
    if info is None or facts.estimates is None:
        return None
    names = [channel.name for channel in info.channels]
    if "sqi" not in names:
        return None
    if facts.age_s(facts.arrivals.get(info.stream_id, 0)) > 2.0:
        return None
    value = float(facts.estimates.values[-1, names.index("sqi")])
    return round(value, 1) if np.isfinite(value) else None
