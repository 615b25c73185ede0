"""A recording behind the emulators instead of the virtual patient: resampled, never completed.

The file is an npz of ``<name>`` (float, ``acc`` ``(n, 3)`` in g), ``<name>_fs`` (Hz), ``<name>_t0`` (s), names ``bvp``,
``acc``, ``eda``, ``temp``, ``abp`` (mmHg), ``ibi`` as ``(n, 2)`` time and length in s, and ``meta`` JSON text.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.devices.sim.patient import BeatTruth, SignalName
from recorder.devices.sim.source import Interval
from recorder.errors import ConfigError

Array = NDArray[np.float64]

_FILE_NAME: dict[SignalName, str] = {"ppg": "bvp", "acc": "acc", "eda": "eda", "temp": "temp", "abp": "abp"}
_DEVICE_HZ: dict[str, float] = {"bvp": 64.0, "acc": 32.0, "eda": 4.0, "temp": 4.0, "abp": 100.0}
"""Rates of the emulated devices: what is sampled faster is smoothed first, against aliases."""
PULSE_SIZE = 45.0
"""A pulse wave of another device (arbitrary units) is brought to this robust half height, like a wristband's."""


class RecordedSignal(Protocol):
    """What :func:`save` needs of a signal."""

    @property
    def values(self) -> NDArray[Any]:
        """``(n,)`` or ``(n, channels)``; NaN in gaps."""
        ...

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        ...

    @property
    def t0_s(self) -> float:
        """Time of the first sample, on the recording's own axis."""
        ...


class Recorded(Protocol):
    """What :func:`save` needs of a recording, see ``recorder.exchange.Recording``."""

    @property
    def signals(self) -> Mapping[Any, RecordedSignal]:
        """By role: bvp, acc (g), eda, temp, abp (mmHg)."""
        ...

    @property
    def intervals_s(self) -> Array:
        """Beat intervals ``(n, 2)``: time and length."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain JSON values about it."""
        ...


def save(recording: Recorded, path: Path) -> Path:
    """Write what the emulators can send of ``recording``; time 0 is where pulse wave and pressure have both begun
    (what of the two there is), so that a long lead-in without one of them is not waited for.

    Raises:
        ConfigError: there is no pulse wave and no pressure in it.
    """
    signals = {name: recording.signals[name] for name in _DEVICE_HZ if name in recording.signals}
    if not {"bvp", "abp"} & set(signals):
        raise ConfigError(
            "replay: the recording holds neither a pulse wave nor a pressure; nothing to replay"
        )
    begin_s = max(_begins_s(signal) for name, signal in signals.items() if name in ("bvp", "abp"))
    arrays: dict[str, Any] = {"meta": json.dumps(recording.facts() | {"begins_at_s": begin_s})}
    for name, signal in signals.items():
        skipped = max(round((begin_s - signal.t0_s) * signal.rate_hz), 0)
        arrays[name] = signal.values[skipped:].astype(np.float32)
        arrays[f"{name}_fs"] = signal.rate_hz
        arrays[f"{name}_t0"] = signal.t0_s + skipped / signal.rate_hz - begin_s
    if len(recording.intervals_s):
        intervals = recording.intervals_s - np.array([begin_s, 0.0])
        arrays["ibi"] = intervals[intervals[:, 0] >= 0]
    np.savez_compressed(path, **arrays)
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")


def _begins_s(signal: RecordedSignal) -> float:
    """Time of the first sample that is there."""
    there = np.isfinite(signal.values)
    return signal.t0_s + (int(np.argmax(there)) / signal.rate_hz if there.any() else 0.0)


def load(path: Path) -> ReplaySource:
    """Open a replay file.

    Raises:
        ConfigError: it cannot be read or holds nothing to send.
    """
    try:
        with path.open("rb") as octets, np.load(octets, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise ConfigError(f"replay: {path} cannot be read ({error}); make it with replay.save") from error
    signals: dict[SignalName, _Signal] = {}
    for name, stored in _FILE_NAME.items():
        if stored in arrays:
            rate_hz, t0_s = float(arrays[f"{stored}_fs"]), float(arrays[f"{stored}_t0"])
            values = arrays[stored].astype(np.float64).reshape(len(arrays[stored]), -1)
            signals[name] = _Signal(smooth(values, rate_hz, _DEVICE_HZ[stored]), rate_hz, t0_s)
    if not signals:
        raise ConfigError(f"replay: {path} holds none of {', '.join(_DEVICE_HZ)}")
    meta = json.loads(str(arrays["meta"])) if "meta" in arrays else {}
    if "ppg" in signals and meta.get("ppg_unit") != "e4":
        signals["ppg"] = _like_wristband(signals["ppg"])
    return ReplaySource(signals, arrays.get("ibi", np.empty((0, 2))), meta)


class _Signal:
    """Samples on a grid, read at any times: cubic through four neighbours, NaN where one of the inner two is."""

    def __init__(self, values: Array, rate_hz: float, t0_s: float) -> None:
        self.values, self.rate_hz, self.t0_s = values, rate_hz, t0_s

    @property
    def ends_s(self) -> float:
        return self.t0_s + len(self.values) / self.rate_hz

    def at(self, t_s: Array) -> Array:
        place = (t_s - self.t0_s) * self.rate_hz
        low = np.floor(place + 1e-9).astype(np.int64)
        part = np.clip(place - low, 0.0, 1.0)[:, None]
        p0, p1, p2, p3 = (self._neighbour(low + k) for k in (-1, 0, 1, 2))
        p0, p3 = np.where(np.isnan(p0), 2 * p1 - p2, p0), np.where(np.isnan(p3), 2 * p2 - p1, p3)
        cubic = p1 + 0.5 * part * (
            p2 - p0 + part * (2 * p0 - 5 * p1 + 4 * p2 - p3 + part * (3 * (p1 - p2) + p3 - p0))
        )
        return np.asarray(np.where(part < 1e-6, p1, cubic))

    def _neighbour(self, index: NDArray[np.int64]) -> Array:
        inside = (index >= 0) & (index < len(self.values))
        values = self.values[np.clip(index, 0, len(self.values) - 1)]
        return np.asarray(np.where(inside[:, None], values, np.nan))


class ReplaySource:
    """A recording as a source of samples; see :class:`recorder.devices.sim.source.Source`."""

    def __init__(self, signals: dict[SignalName, _Signal], intervals: Array, meta: dict[str, Any]) -> None:
        self._signals, self._intervals, self.meta = signals, intervals, meta
        self._n_told = 0
        self.ends_s: float | None = max(signal.ends_s for signal in signals.values())

    def has(self, name: SignalName) -> bool:
        """There is such a signal."""
        return name in self._signals

    def sample(self, name: SignalName, t_s: Array) -> Array:
        """See :class:`recorder.devices.sim.source.Source`."""
        values = self._signals[name].at(t_s)
        return values if name == "acc" else values[:, 0]

    def intervals(self, until_s: float) -> list[Interval]:
        """The recording's own beat intervals."""
        last = int(np.searchsorted(self._intervals[:, 0], until_s, "right"))
        rows = self._intervals[self._n_told : last]
        self._n_told = max(last, self._n_told)
        return [Interval(float(t_s), float(ibi_s)) for t_s, ibi_s in rows]

    def truth(self, until_s: float) -> list[BeatTruth]:  # noqa: ARG002
        """Nobody knows."""
        return []


def smooth(values: Array, rate_hz: float, target_hz: float) -> Array:
    """Low-pass ``values`` ``(n, c)`` for reading at ``target_hz``; gaps stay gaps and leak nothing.

    A windowed sinc with its corner at 0.45 of the target rate; near a gap it is renormalised over what is there.
    """
    if rate_hz <= target_hz * 1.05:
        return values
    corner = 0.45 * target_hz / rate_hz
    half = int(np.ceil(2.0 / corner))
    n = np.arange(-half, half + 1)
    taps = 2 * corner * np.sinc(2 * corner * n) * np.hamming(2 * half + 1)
    taps /= taps.sum()
    out = np.empty_like(values)
    for column in range(values.shape[1]):
        there = np.isfinite(values[:, column])
        level = float(values[there, column].mean()) if there.any() else 0.0
        filled = np.where(there, values[:, column] - level, 0.0)
        weight = np.convolve(there.astype(np.float64), taps, "same") if not there.all() else 1.0
        near = np.clip(weight, 0.5, None)
        out[:, column] = np.where(there, np.convolve(filled, taps, "same") / near + level, np.nan)
    return out


def _like_wristband(signal: _Signal) -> _Signal:
    """Centre a pulse wave of arbitrary unit and give it a wristband's size, so that its decimals carry it."""
    values = signal.values[np.isfinite(signal.values)]
    if not values.size:
        return signal
    low, middle, high = np.percentile(values, (5, 50, 95))
    size = 0.5 * float(high - low)
    return _Signal(
        (signal.values - middle) * (PULSE_SIZE / size if size > 0 else 1.0), signal.rate_hz, signal.t0_s
    )
