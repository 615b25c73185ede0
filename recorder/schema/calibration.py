"""Volt → mmHg, as a dated record. Nothing hard-codes the scale of a monitor's analogue output."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class Calibration:
    """``mmHg = gain_mmhg_per_v · V + offset_mmhg``, with how and when it was found.

    Args:
        calibration_id: unique id.
        stream_id: the ADC stream it applies to.
        channel: the channel in it.
        gain_mmhg_per_v, offset_mmhg: the line.
        method: ``two-point``, ``fitted`` (against the monitor's own waveform file) or ``entered`` (a line found
            elsewhere, e.g. by the laboratory, and typed into a template).
        wall_ns: when, UTC ns since 1970.
        operator: operator code.
        lag_s, r, rmse_mmhg: of a fit: lag of the ADC behind the file, correlation, residual.
        monitor_serial_sha256: hash of the monitor's serial, never the serial.
        points_v_mmhg: the points of a two-point calibration.
        accepted: False where r or RMSE was poor; such a record never labels a stream "calibrated".
        t_host_ns: host time it applies from in the running session, None = its whole length.
    """

    calibration_id: str
    stream_id: str
    channel: str
    gain_mmhg_per_v: float
    offset_mmhg: float
    method: Literal["two-point", "fitted", "entered"]
    wall_ns: int
    operator: str = ""
    lag_s: float | None = None
    r: float | None = None
    rmse_mmhg: float | None = None
    monitor_serial_sha256: str | None = None
    points_v_mmhg: tuple[tuple[float, float], ...] = ()
    accepted: bool = True
    t_host_ns: int | None = None

    def __post_init__(self) -> None:
        if self.gain_mmhg_per_v <= 0:
            raise ValueError(f"calibration gain {self.gain_mmhg_per_v:g} mmHg/V must be above 0")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`."""
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        points = tuple((float(v), float(p)) for v, p in value.get("points_v_mmhg", ()))
        return cls(**{**known, "points_v_mmhg": points})
