"""What a device is and what each of its streams carries."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

StreamKind = Literal["waveform", "numeric"]
"""``waveform``: regular samples at a nominal rate. ``numeric``: irregular rows, each with its own time."""

Dtype = Literal["int16", "int32", "int64", "float32", "float64", "decimal"]
"""How raw samples are held. ``decimal`` is decimal text kept exactly: per channel two int64 columns, see
:mod:`recorder.schema.decimals`."""

Origin = Literal["recorded", "replayed", "simulated", "derived"]

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*\Z")


def check_id(value: str, what: str) -> None:
    """Refuse an id that could not be a file name on every system."""
    if not _ID.match(value) or len(value) > 80:
        msg = f"{what} {value!r} must be lower-case letters, digits, '-', '_' and dots between names"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Channel:
    """One column of a stream. Physical value = raw · scale + offset, in ``unit``.

    Args:
        name: short name, unique in its stream.
        unit: UCUM-like unit text of the physical value; "1" if it has none.
        scale: physical units per raw count (1 for ``decimal`` and float streams).
        offset: physical value of raw 0.
    """

    name: str
    unit: str
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not self.name or not self.unit:
            raise ValueError(f"channel needs a name and a unit, got {self.name!r} in {self.unit!r}")
        if self.scale == 0:
            raise ValueError(f"channel {self.name!r}: scale must not be 0")


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream of one device, or one derived from others.

    Args:
        stream_id: ``<device>.<stream>``, e.g. ``e4.bvp``; unique in its session.
        device_id: the device's id in this session (``e4``, ``adc``, ``edge``).
        kind: ``waveform`` or ``numeric``.
        channels: the columns.
        dtype: how raw samples are held.
        nominal_rate_hz: for waveforms, what the maker says; None for numerics.
        role: what the stream is for: ``ppg``, ``acc``, ``eda``, ``temp``, ``abp_wave``, ``ibi``, ``hr``,
            ``battery``, ``estimate``, ``beats``, …
        device_clock: the device stamps its own samples.
        origin: where the samples come from; simulated ones stay marked for ever.
        metadata: free text facts (detector name and version, model hash, …).
    """

    stream_id: str
    device_id: str
    kind: StreamKind
    channels: tuple[Channel, ...]
    dtype: Dtype = "int32"
    nominal_rate_hz: float | None = None
    role: str = ""
    device_clock: bool = False
    origin: Origin = "recorded"
    metadata: dict[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_id(self.stream_id, "stream id")
        check_id(self.device_id, "device id")
        if self.kind not in get_args(StreamKind) or self.dtype not in get_args(Dtype):
            raise ValueError(f"stream {self.stream_id}: kind {self.kind!r}, dtype {self.dtype!r} unknown")
        if not self.channels or len({c.name for c in self.channels}) != len(self.channels):
            raise ValueError(f"stream {self.stream_id}: channels must be named and different")
        if (self.kind == "waveform") != (self.nominal_rate_hz is not None):
            raise ValueError(f"stream {self.stream_id}: a waveform has a nominal rate, a numeric has none")
        if self.nominal_rate_hz is not None and not 0 < self.nominal_rate_hz <= 100_000:
            raise ValueError(f"stream {self.stream_id}: rate {self.nominal_rate_hz} Hz is out of range")

    @property
    def n_columns(self) -> int:
        """Columns of a block's ``values``: two per channel for ``decimal``, else one."""
        return len(self.channels) * (2 if self.dtype == "decimal" else 1)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_json` reads them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored so that newer files stay readable.

        Raises:
            ValueError, KeyError, TypeError: the value is not a stream.
        """
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        return cls(**{**known, "channels": tuple(Channel(**c) for c in value["channels"])})


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device as an operator would name it.

    Args:
        device_id: its id in the session (``e4``, ``adc``).
        product: what it is, e.g. ``Empatica E4 (streaming server)``.
        serial: serial number or band id, if known.
        transport: how it is reached, e.g. ``tcp://127.0.0.1:28000``.
        simulated: it is the virtual bedside.
    """

    device_id: str
    product: str
    serial: str | None = None
    transport: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        check_id(self.device_id, "device id")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
