"""Volt → mmHg, found and judged. No monitor's analogue scale is known in advance; each finding is a dated record.

Two ways: two points of the monitor's own test output, or a fit against the waveform file that the monitor itself
recorded at the same time (lag search, then a line). A poor one is kept but never accepted.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import ConfigError
from recorder.schema import Calibration

MAX_LAG_S: Final = 15.0
"""File names carry whole seconds and the clocks of monitor and computer differ (devices.md E.1)."""
MIN_R: Final = 0.98
"""The same electrical signal twice: at 12 bits it correlates above 0.999; another patient's or another beat's does
not reach 0.95."""
MAX_RMSE_MMHG: Final = 3.0
"""Half of the 5 ± 8 mmHg that a monitor itself is allowed (ISO 81060-2) would already be too much to add."""
MIN_OVERLAP_S: Final = 30.0
MIN_SPAN_MMHG: Final = 20.0
MIN_TWO_POINT_MMHG: Final = 50.0
"""1 mmHg misread on points 50 mmHg apart is 2 % of gain."""
MIN_TWO_POINT_V: Final = 0.05
GRID_HZ: Final = 100.0
"""The monitor's analogue output and file are both 100 Hz."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Waveform:
    """Samples at a steady rate from a wall time; NaN where there is nothing to compare (gaps, rectangles).

    Args:
        values: ``(n,)`` volt, or mmHg.
        rate_hz: samples a second.
        start_wall_ns: UTC ns since 1970 of the first sample.
    """

    values: Floats
    rate_hz: float
    start_wall_ns: int


def two_point(
    stream_id: str,
    channel: str,
    low_v_mmhg: tuple[float, float],
    high_v_mmhg: tuple[float, float],
    *,
    wall_ns: int,
    operator: str = "",
    monitor_serial: str | None = None,
    t_host_ns: int | None = None,
) -> Calibration:
    """The line through two points, each ``(volt, mmHg)``, e.g. of the monitor's calibration output.

    Raises:
        ConfigError: the points are too near each other or the pressure falls with the voltage.
    """
    (v0, p0), (v1, p1) = sorted((low_v_mmhg, high_v_mmhg))
    if not np.all(np.isfinite([v0, p0, v1, p1])):
        raise ConfigError("Calibration: a point is not a number; enter volt and mmHg of both points")
    if v1 - v0 < MIN_TWO_POINT_V or abs(p1 - p0) < MIN_TWO_POINT_MMHG:
        raise ConfigError(
            f"Calibration: {v0:g} V and {v1:g} V at {p0:g} and {p1:g} mmHg are too near; use two levels at least "
            f"{MIN_TWO_POINT_MMHG:g} mmHg and {MIN_TWO_POINT_V:g} V apart"
        )
    gain = (p1 - p0) / (v1 - v0)
    if gain <= 0:
        raise ConfigError("Calibration: pressure falls as voltage rises; swap the wires or the two values")
    return Calibration(
        uuid.uuid4().hex,
        stream_id,
        channel,
        gain,
        p0 - gain * v0,
        "two-point",
        wall_ns,
        operator,
        monitor_serial_sha256=_hashed(monitor_serial),
        points_v_mmhg=((v0, p0), (v1, p1)),
        t_host_ns=t_host_ns,
    )


def fit(
    stream_id: str,
    channel: str,
    volts: Waveform,
    reference: Waveform,
    *,
    wall_ns: int,
    operator: str = "",
    monitor_serial: str | None = None,
    max_lag_s: float = MAX_LAG_S,
) -> Calibration:
    """The line that turns ``volts`` into the monitor's own ``reference`` waveform, after the best lag.

    ``lag_s`` of the record is how much the ADC is behind the file. ``accepted`` is False where r is below
    ``MIN_R``, the residual above ``MAX_RMSE_MMHG``, the lag at the edge of the search, or the overlap too short.

    Raises:
        ConfigError: there is nothing to compare, or nothing alike.
    """
    begin_s = (reference.start_wall_ns - volts.start_wall_ns) / 1e9
    length_s = reference.values.size / reference.rate_hz
    file_s = begin_s + np.arange(int(length_s * GRID_HZ)) / GRID_HZ  # on the ADC's time axis
    mmhg = _at(reference, file_s - begin_s)
    wide_s = np.arange(begin_s - max_lag_s, begin_s + length_s + max_lag_s, 1 / GRID_HZ)
    lags, r = _correlate(_at(volts, wide_s), mmhg, round(2 * max_lag_s * GRID_HZ) + 1)
    if not np.isfinite(r).any() or np.nanmax(r) <= 0:
        raise ConfigError(
            "Calibration: ADC and file have nothing alike in 30 s; choose the file of this recording"
        )
    best = int(np.nanargmax(r))
    lag_s = lags[best] / GRID_HZ - max_lag_s + _vertex(r, best) / GRID_HZ
    line = _regress(_at(volts, file_s + lag_s), mmhg)
    inside = abs(lag_s) < max_lag_s - 1 / GRID_HZ
    good = line.r >= MIN_R and line.rmse <= MAX_RMSE_MMHG and line.span >= MIN_SPAN_MMHG
    return Calibration(
        uuid.uuid4().hex,
        stream_id,
        channel,
        line.gain,
        line.offset,
        "fitted",
        wall_ns,
        operator,
        lag_s=lag_s,
        r=line.r,
        rmse_mmhg=line.rmse,
        monitor_serial_sha256=_hashed(monitor_serial),
        accepted=bool(inside and good and line.n >= MIN_OVERLAP_S * GRID_HZ),
    )


def apply(calibration: Calibration, volts: NDArray[Any]) -> Floats:
    """Volt → mmHg."""
    return np.asarray(volts, dtype=np.float64) * calibration.gain_mmhg_per_v + calibration.offset_mmhg


def why_refused(calibration: Calibration) -> str:
    """For the operator: why a fitted record was not accepted; empty if it was."""
    if calibration.accepted or calibration.r is None or calibration.rmse_mmhg is None:
        return ""
    return (
        f"Calibration of {calibration.stream_id} is not accepted: r = {calibration.r:.3f} (needs {MIN_R}), residual "
        f"{calibration.rmse_mmhg:.1f} mmHg (at most {MAX_RMSE_MMHG:g}), lag {calibration.lag_s or 0:.2f} s; choose the "
        "file of this recording, with at least 30 s of pulsating pressure"
    )


@dataclass(frozen=True, slots=True)
class _Line:
    gain: float
    offset: float
    r: float
    rmse: float
    span: float
    n: int


def _regress(volts: Floats, mmhg: Floats) -> _Line:
    """Least squares mmHg = gain·V + offset over samples both have."""
    both = np.isfinite(volts) & np.isfinite(mmhg)
    x, y = volts[both], mmhg[both]
    dx, dy = x - x.mean(), y - y.mean()
    gain = float(dx @ dy / (dx @ dx))
    if gain <= 0:
        raise ConfigError(
            "Calibration: pressure falls as voltage rises; swap the wires of the analogue output"
        )
    r = float(dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)))
    rmse = float(np.sqrt(np.mean((dy - gain * dx) ** 2)))
    low, high = np.percentile(y, [1, 99])
    return _Line(gain, float(y.mean() - gain * x.mean()), r, rmse, float(high - low), int(x.size))


def _at(wave: Waveform, t_s: Floats) -> Floats:
    """Values at times after the first sample, linear in between; NaN outside and next to NaN."""
    if wave.values.size < 2:
        raise ConfigError(
            "Calibration: a waveform of less than two samples cannot be compared; record longer"
        )
    own_s = np.arange(wave.values.size) / wave.rate_hz
    return np.interp(t_s, own_s, wave.values, left=np.nan, right=np.nan)


def _correlate(long: Floats, short: Floats, n_lags: int) -> tuple[NDArray[np.int64], Floats]:
    """Correlation of ``short`` with every stretch of ``long``, over the samples both have.

    NaN where fewer than 30 s are shared. Sums over all lags at once by FFT (masked normalised correlation).
    """
    size = 1 << int(np.ceil(np.log2(long.size + short.size)))

    def spectrum(values: Floats) -> NDArray[np.complex128]:
        return np.fft.rfft(values, size)

    def sums(a: NDArray[np.complex128], b: NDArray[np.complex128]) -> Floats:
        return np.fft.irfft(a * np.conj(b), size)[:n_lags]

    mask_x, mask_y = np.isfinite(long), np.isfinite(short)
    if not mask_x.any() or not mask_y.any():
        raise ConfigError("Calibration: there is no pressure signal to compare; record at least 30 s")
    x = np.where(mask_x, long - np.nanmean(long), 0.0)
    y = np.where(mask_y, short - np.nanmean(short), 0.0)
    wx, wy = spectrum(mask_x.astype(np.float64)), spectrum(mask_y.astype(np.float64))
    fx, fy = spectrum(x), spectrum(y)
    n = sums(wx, wy)
    sx, sy = sums(fx, wy), sums(wx, fy)
    with np.errstate(invalid="ignore", divide="ignore"):
        var_x = sums(spectrum(x * x), wy) - sx * sx / n
        var_y = sums(wx, spectrum(y * y)) - sy * sy / n
        r = (sums(fx, fy) - sx * sy / n) / np.sqrt(var_x * var_y)
    enough = (n >= MIN_OVERLAP_S * GRID_HZ - 0.5) & (var_x > 1e-9) & (var_y > 1e-9)
    return np.arange(n_lags), np.where(enough, r, np.nan)


def _vertex(r: Floats, best: int) -> float:
    """Where between samples the parabola through three values has its top, −0.5 to 0.5."""
    if not 0 < best < r.size - 1:
        return 0.0
    left, top, right = r[best - 1 : best + 2]
    bend = left - 2 * top + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if np.isfinite(bend) and bend < 0 else 0.0


def _hashed(serial: str | None) -> str | None:
    return None if serial is None else hashlib.sha256(serial.strip().encode()).hexdigest()
