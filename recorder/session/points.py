"""Clock points as arrays: which block of which stream had arrived when. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.clock.steps import lowest_of_runs
from recorder.schema import SampleBlock

_HEAD = struct.Struct("<BII")  # version, length of the names, points
_VERSION = 1


@dataclass(frozen=True)
class ClockPoints:
    """Raw clock points of one stream, in order of arrival; each array is ``(n,)`` int64.

    Args:
        sample_no: first sample of the block.
        n_samples: its length.
        t_host_ns: host monotonic time of its last byte, whole microseconds.
        era: clock era of ``t_host_ns``.
    """

    sample_no: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    t_host_ns: NDArray[np.int64]
    era: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.sample_no.shape[0])

    def spans(self) -> list[tuple[int, int]]:
        """Stretches of samples the points cover without a break: (first, one past the last)."""
        if len(self) == 0:
            return []
        end = self.sample_no + self.n_samples
        starts = np.concatenate([[0], np.flatnonzero(self.sample_no[1:] != end[:-1]) + 1])
        stops = np.append(starts[1:], len(self)) - 1
        return list(zip(self.sample_no[starts].tolist(), end[stops].tolist(), strict=True))

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> ClockPoints:
        """The chosen points."""
        return ClockPoints(
            self.sample_no[chosen], self.n_samples[chosen], self.t_host_ns[chosen], self.era[chosen]
        )


RESOLUTION_NS = 1000
"""Arrivals are kept to the microsecond, cut off below: a read() is stamped no better than that, and three more digits
of noise would be a twelfth of everything a bedside records."""


def points_of_blocks(blocks: Sequence[SampleBlock]) -> ClockPoints:
    """The clock point of each block, arrival cut to :data:`RESOLUTION_NS`."""
    rows = [
        (b.first_sample_no, b.n_samples, b.t_host_ns // RESOLUTION_NS * RESOLUTION_NS, b.era) for b in blocks
    ]
    return _from_table(np.asarray(rows, np.int64).reshape(-1, 4))


def join_points(parts: Iterable[ClockPoints]) -> ClockPoints:
    """Points one after the other."""
    there = [p for p in parts if len(p)]
    if not there:
        return _from_table(np.empty((0, 4), np.int64))
    return ClockPoints(
        np.concatenate([p.sample_no for p in there]),
        np.concatenate([p.n_samples for p in there]),
        np.concatenate([p.t_host_ns for p in there]),
        np.concatenate([p.era for p in there]),
    )


def thin_points(points: ClockPoints, rate_hz: float, every_s: float = 5.0) -> ClockPoints:
    """The least delayed point of every ``every_s``: a block can be late, never early, so the lower envelope
    of the delays is all that a fit of rate and offset needs.
    """
    return points.where(least_delayed(points, rate_hz, every_s)) if len(points) else points


def least_delayed(
    points: ClockPoints, rate_hz: float, every_s: float = 5.0, cuts: Sequence[int] = ()
) -> NDArray[np.intp]:
    """Index of the point that :func:`thin_points` keeps of each slot, rising; of equals the first.

    Args:
        points: at least one.
        rate_hz: nominal rate of the stream.
        every_s: length of a slot.
        cuts: where a stretch begins whose points are thinned by themselves, rising.
    """
    last_no = points.sample_no + points.n_samples - 1
    delay_ns = points.t_host_ns - (last_no * (1e9 / rate_hz)).astype(np.int64)
    slot = points.t_host_ns // int(every_s * 1e9)
    new_slot, new_era = slot[1:] - slot[:-1], points.era[1:] - points.era[:-1]
    begins, back = np.ones(len(points), np.bool_), (new_era < 0) | ((new_era == 0) & (new_slot < 0))
    begins[1:] = (new_slot != 0) | (new_era != 0)
    if len(cuts):
        begins[np.asarray(cuts)] = True
        back[np.asarray(cuts) - 1] = False
    if not back.any():
        return lowest_of_runs(delay_ns, np.flatnonzero(begins))
    # slots of one era come back: sorting is only needed then
    stretch = np.searchsorted(np.asarray(cuts), np.arange(len(points)), side="right")
    order = np.lexsort((delay_ns, slot, points.era, stretch))
    keys = np.stack([slot, points.era, stretch])[:, order]
    first = np.concatenate([[True], (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    return np.sort(order[first])


def pack_points(points: dict[str, ClockPoints]) -> bytes:
    """Points of several streams as bytes for the journal."""
    names = json.dumps([[name, len(p)] for name, p in points.items()]).encode()
    tables = [_to_table(p).astype("<i8").tobytes() for p in points.values()]
    total = sum(len(p) for p in points.values())
    return b"".join([_HEAD.pack(_VERSION, len(names), total), names, *tables])


def unpack_points(payload: bytes) -> dict[str, ClockPoints]:
    """Inverse of :func:`pack_points`.

    Raises:
        ValueError: not the bytes of clock points.
    """
    version, length, total = _HEAD.unpack_from(payload)
    at = _HEAD.size + length
    if version != _VERSION or len(payload) != at + 32 * total:
        raise ValueError(f"clock points: version {version}, {len(payload)} bytes")
    table = np.frombuffer(payload, "<i8", 4 * total, at).reshape(-1, 4)
    found, row = {}, 0
    for name, count in json.loads(payload[_HEAD.size : at]):
        found[name] = _from_table(table[row : row + count])
        row += count
    return found


def _to_table(p: ClockPoints) -> NDArray[np.int64]:
    return np.stack([p.sample_no, p.n_samples, p.t_host_ns, p.era], axis=1)


def _from_table(table: NDArray[np.int64]) -> ClockPoints:
    return ClockPoints(table[:, 0], table[:, 1], table[:, 2], table[:, 3])
