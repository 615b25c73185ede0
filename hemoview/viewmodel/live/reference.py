"""What may be said about the reference: has it a scale, and has anybody seen the monitor calibrate itself?

Two different things (safety rule 8): the ADC calibration turns volt into mmHg; the reference calibration is the
monitor's own arm-cuff calibration. Without the first there are no mmHg, without the second they are grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hemoview.viewmodel.live.facts import Facts
from recorder.schema import Calibration, StreamInfo
from recorder.schema.referenced import last_calibrated, newest_scale

State = Literal["absent", "no-scale", "uncalibrated", "calibrated"]


@dataclass(frozen=True, slots=True)
class Reference:
    """State of the reference: when it was last calibrated, and whether a square wave waits to be confirmed."""

    state: State
    since_ns: int | None = None
    asks: bool = False


def scale(facts: Facts, info: StreamInfo) -> tuple[int, Calibration] | None:
    """The newest accepted calibration of a channel of ``info`` and the channel's column."""
    return newest_scale(facts.calibrations, info)


def reference(facts: Facts) -> Reference:
    """Judge the reference from streams, calibrations and stored events."""
    info = facts.by_role("abp_wave")
    if info is None:
        return Reference("absent")
    since, asks = last_calibrated(facts.events)
    since_ns = since.t_host_ns if since else None
    if scale(facts, info) is None:
        return Reference("no-scale", since_ns, asks)
    return Reference("uncalibrated" if since_ns is None else "calibrated", since_ns, asks)
