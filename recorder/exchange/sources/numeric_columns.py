"""A monitor's numerics, each with times of its own → one stream of rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.exchange.into_session import Rows
from recorder.exchange.sources.channel_roles import slug
from recorder.schema import PARAMETER_UNITS, Channel, StreamInfo
from recorder.schema.streams import Origin

REFERENCE = "reference"
REFERENCE_CHANNELS: Mapping[str, str] = {
    **{name.lower(): unit for name, unit in PARAMETER_UNITS.items()},
    "ppv": "%",
    "svv": "%",
    "nbp_sys": "mmHg",
    "nbp_mean": "mmHg",
    "nbp_dia": "mmHg",
    "cvp": "mmHg",
}
"""Channels of a stream of role ``reference`` and their units."""
_PRESSURES = frozenset({"sbp", "map", "dbp", "co"})


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One numeric of a monitor.

    Args:
        of_file: what the file calls it.
        channel: one of :data:`REFERENCE_CHANNELS`, or empty for what is none of them.
        unit: as the file says; of a channel of the reference its own counts.
        wall_ns: ``(n,)`` UTC ns, any order.
        values: ``(n,)``.
    """

    of_file: str
    channel: str
    unit: str
    wall_ns: NDArray[np.int64]
    values: NDArray[np.float64]


def numeric_streams(device_id: str, columns: Sequence[Column], origin: Origin = "recorded") -> list[Rows]:
    """The reference of a device, and beside it what else its monitor told; each where there is any."""
    reference, others, taken = [], [], set[str]()
    for column in columns:
        if column.channel and column.channel not in taken:
            taken.add(column.channel)
            reference.append((column.channel, REFERENCE_CHANNELS[column.channel], column))
        else:
            others.append(column)
    if not taken & _PRESSURES:  # a heart rate alone is no reference of a pressure
        reference, others = [], list(columns)
    reference.sort(key=lambda one: list(REFERENCE_CHANNELS).index(one[0]))
    named: list[tuple[str, str, Column]] = []
    for column in others:
        name = column.channel if column.channel and not reference else slug(column.of_file)
        named.append((slug(name, {n for n, *_ in named}), column.unit or "1", column))
    found = []
    for stream, role, chosen in (("reference", REFERENCE, reference), ("numerics", "", named)):
        if chosen:
            found.append(_rows(device_id, stream, role, chosen, origin))
    return found


def _rows(
    device_id: str, stream: str, role: str, chosen: Sequence[tuple[str, str, Column]], origin: Origin
) -> Rows:
    times = np.unique(np.concatenate([c.wall_ns for _, _, c in chosen]))
    values = np.full((len(times), len(chosen)), np.nan)
    for k, (_, _, column) in enumerate(chosen):
        values[np.searchsorted(times, column.wall_ns), k] = column.values
    info = StreamInfo(
        f"{device_id}.{stream}",
        device_id,
        "numeric",
        tuple(Channel(name, unit) for name, unit, _ in chosen),
        "float64",
        None,
        role,
        origin=origin,
        metadata={"of_file": "; ".join(f"{name}={c.of_file}" for name, _, c in chosen)},
    )
    return Rows(info, times.astype(np.int64), values)
