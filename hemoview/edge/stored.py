"""A stored session as the recorder once handed it out: the same blocks and events in the same order."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from hemoview.edge.sources import STORED_NS
from hemoview.edge.streams import Sources
from recorder.clock import ClockEra
from recorder.schema import Event, SampleBlock
from recorder.session import Session

Key = tuple[int, int, int]
"""(clock era, host time, events before blocks)."""


def replayed(session: Session, sources: Sources, t0_s: float, t1_s: float) -> Iterator[SampleBlock | Event]:
    """Blocks of ``sources`` and events, by arrival, within elapsed seconds ``[t0_s, t1_s]``.

    A block is what one clock point says arrived together. An event counts as arrived when it was stored; a gap just
    before the block that ended it.
    """
    feeds = [_blocks(session, stream_id, t0_s, t1_s) for stream_id in sorted(sources.stream_ids)]
    events = sorted((_event_key(event, session.eras), n, event) for n, event in enumerate(session.events()))
    facts: Iterator[tuple[Key, SampleBlock | Event]] = ((key, event) for key, _, event in events)
    merged: Iterator[tuple[Key, SampleBlock | Event]] = heapq.merge(facts, *feeds, key=_key)
    for _, item in merged:
        yield item


def _key(pair: tuple[Key, SampleBlock | Event]) -> Key:
    return pair[0]


def _blocks(
    session: Session, stream_id: str, t0_s: float, t1_s: float
) -> Iterator[tuple[Key, SampleBlock | Event]]:
    stored = session.read(stream_id, t0_s, t1_s)
    if not len(stored):
        return
    points = session.clock_points(stream_id)
    stops = np.searchsorted(stored.sample_no, points.sample_no + points.n_samples)
    starts = np.searchsorted(stored.sample_no, points.sample_no)
    columns = (points.sample_no, points.t_host_ns, points.era, starts, stops)
    for first_no, t_host_ns, era, start, stop in zip(*(c.tolist() for c in columns), strict=True):
        if stop - start > 0:
            first = max(first_no, int(stored.sample_no[start]))
            block = SampleBlock(stream_id, first, stored.raw[start:stop], t_host_ns, era)
            yield (era, t_host_ns, 1), block


def _event_key(event: Event, eras: tuple[ClockEra, ...]) -> Key:
    era = eras[event.era]
    arrived_ns = era.monotonic_ns + (event.wall_ns - era.wall_ns)
    if event.kind == "gap" and event.payload.get("t1_host_ns") is not None:
        arrived_ns = int(event.payload["t1_host_ns"])
    return event.era, arrived_ns // STORED_NS * STORED_NS, 0
