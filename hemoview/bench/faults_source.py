"""Emulated signals that count: every sample says which one it is, so that nothing can be lost or changed unseen."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.adc import GAIN_MMHG_PER_V
from recorder.devices.sim.patient import BeatTruth, SignalName
from recorder.devices.sim.source import Interval
from recorder.protocols.adc_profile import AdcProfile

Array = NDArray[np.float64]
ADC_LOW, ADC_ROUND = 300, 3600
"""Counts of the ADC run from 300 round and round; its stamps tell the round."""
ACC_ROUND = 128
RATES_HZ: Final = {"e4.bvp": 64.0, "e4.acc": 32.0, "e4.eda": 4.0, "e4.temp": 4.0}


class CounterSource:
    """Sample n of every signal is n, in the digits its wire has.

    Args:
        profile: of the ADC, for its scale and rate.
    """

    ends_s: float | None = None

    def __init__(self, profile: AdcProfile) -> None:
        self._channel, self._adc_hz = profile.channels[0], profile.rate_hz

    def has(self, name: SignalName) -> bool:
        """What the emulators send."""
        return name in ("ppg", "acc", "eda", "temp", "abp")

    def sample(self, name: SignalName, t_s: Array) -> Array:
        """See :class:`recorder.devices.sim.source.Source`."""
        if name == "abp":
            count = ADC_LOW + np.rint(t_s * self._adc_hz) % ADC_ROUND
            return np.asarray((count * self._channel.scale + self._channel.offset) * GAIN_MMHG_PER_V)
        if name == "acc":
            n = np.rint(t_s * RATES_HZ["e4.acc"])
            low, high = n % ACC_ROUND, n // ACC_ROUND % ACC_ROUND
            return np.asarray(np.stack([low, high, np.zeros(n.size)], axis=1) / 64.0)
        rate_hz, step = {"ppg": (64.0, 0.01), "eda": (4.0, 0.001), "temp": (4.0, 0.01)}[name]
        return np.asarray(np.rint(t_s * rate_hz) * step)

    def intervals(self, until_s: float) -> list[Interval]:  # noqa: ARG002 (nobody's heart)
        """None."""
        return []

    def truth(self, until_s: float) -> list[BeatTruth]:  # noqa: ARG002
        """None."""
        return []


def true_numbers(
    stream_id: str, raw: NDArray[np.generic], stamps_us: NDArray[np.int64] | None, rate_hz: float
) -> NDArray[np.int64]:
    """Which samples stored rows are, by what they say.

    Args:
        raw: ``(n, columns)`` as stored.
        stamps_us: ``(n,)`` the device's own; an ADC's tell the round of its counter, which must agree with them.
        rate_hz: nominal.

    Raises:
        ValueError: a row says two things.
    """
    values = raw.astype(np.int64)
    if stream_id == "e4.acc":
        return np.asarray(values[:, 0] + ACC_ROUND * values[:, 1])
    if stream_id != "adc.wave":
        return np.asarray(values[:, 0])
    assert stamps_us is not None
    true: NDArray[np.int64] = np.rint(stamps_us * rate_hz / 1e6).astype(np.int64)
    wrong = np.flatnonzero(true % ADC_ROUND != values[:, 0] - ADC_LOW)
    if wrong.size:
        at = int(wrong[0])
        raise ValueError(f"row {at} is stamped as sample {true[at]} and says {values[at, 0] - ADC_LOW}")
    return true
