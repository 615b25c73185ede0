"""Streams of a session side by side on one grid, for pandas. Nearest stored samples, nothing in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.errors import SessionError
from recorder.session.views import StreamData

_SLACK = 0.99
"""Of a waveform's nominal rate: a grid of about that rate skips no second sample."""


class Readable(Protocol):
    """The part of a session that is needed."""

    @property
    def duration_s(self) -> float:
        """Elapsed time of the last arrival, s."""
        ...

    def read(
        self,
        stream_id: str,
        t0_s: float | None = None,
        t1_s: float | None = None,
        *,
        calibrated: bool = False,
    ) -> StreamData:
        """Rows of a span."""
        ...


def frame(
    session: Readable,
    stream_ids: Sequence[str],
    rate_hz: float,
    *,
    t0_s: float = 0.0,
    t1_s: float | None = None,
) -> Any:
    """Streams side by side in a pandas DataFrame: a row each ``1 / rate_hz`` s of ``[t0_s, t1_s)``, or to the end.

    Nothing is interpolated: a cell is the stored sample nearest to the row's time, where one lies within half a
    sample's period (of rows that are not regular: half a row); else NaN. Gaps stay gaps. Volts appear in mmHg from the
    calibration on.

    Raises:
        SessionError: no such stream, an empty span, or ``rate_hz`` is below a waveform's own: taking every n-th sample
            would fold its fast parts into slow ones; filter and resample it yourself.
    """
    import pandas as pd  # type: ignore[import-untyped,unused-ignore] # noqa: PLC0415 -- not a dependency

    t1_s = session.duration_s if t1_s is None else t1_s
    if not (rate_hz > 0 and t1_s > t0_s):
        raise SessionError(
            f"frame of {t0_s:g} to {t1_s:g} s at {rate_hz:g} Hz: give a rate and a span above 0"
        )
    times = t0_s + np.arange(math.ceil((t1_s - t0_s) * rate_hz)) / rate_hz
    columns: dict[str, NDArray[np.float64]] = {}
    for stream_id in stream_ids:
        data = session.read(stream_id, t0_s - 0.5 / rate_hz, t1_s, calibrated=True)
        own_hz = data.info.nominal_rate_hz
        if own_hz is not None and rate_hz < _SLACK * own_hz:
            raise SessionError(
                f"frame at {rate_hz:g} Hz: {stream_id} has {own_hz:g} Hz, and leaving samples out would fold its fast "
                "parts into slow ones; ask for at least its rate, or filter and resample it yourself"
            )
        found = _nearest(data, times, 0.5 / (own_hz or rate_hz))
        for i, (channel, unit) in enumerate(zip(data.info.channels, data.units, strict=True)):
            name = stream_id if len(data.units) == 1 else f"{stream_id} {channel.name}"
            columns[name if unit == "1" else f"{name} [{unit}]"] = found[:, i]
    return pd.DataFrame(columns, index=pd.Index(times, name="time_s"))


def _nearest(data: StreamData, times: NDArray[np.float64], within_s: float) -> NDArray[np.float64]:
    """``(n, channels)``: the sample nearest to each time, NaN where none is near."""
    found = np.full((len(times), len(data.units)), np.nan)
    if not len(data):
        return found
    after = np.clip(np.searchsorted(data.time_s, times), 0, len(data) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(data.time_s[before] - times) <= np.abs(data.time_s[after] - times)
    chosen = np.where(nearer, before, after)
    near = np.abs(data.time_s[chosen] - times) <= within_s * (1 + 1e-9)
    found[near] = data.values[chosen[near]]
    return found
