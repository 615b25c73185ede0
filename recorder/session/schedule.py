"""When which stream is sealed: every 10 min of host time, with staggered starts so that no moment seals all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from recorder.schema import Event
from recorder.session.journal import Batch
from recorder.session.manifest import CLOCK, EVENTS

SEGMENT_S = 600.0
"""Length of a segment: what a lost journal can cost at most."""

SLOTS = 4
"""Streams start in this many groups; each group costs one short-lived sealer process every 10 min."""

RETRY_S = 30.0
"""After a failed seal, at least this long (host time) before the next try."""


@dataclass
class SealSchedule:
    """Pure bookkeeping of host times; knows no clock but the arrival times it is told.

    Args:
        segment_s: length of a segment; shorter only where sealing itself is tested.
    """

    segment_s: float = SEGMENT_S
    _due_ns: dict[str, int] = field(default_factory=dict)
    _waiting: set[str] = field(default_factory=set)
    _now_ns: int = 0
    _seen: int = 0

    def committed(self, batches: Sequence[Batch], events: Sequence[Event]) -> None:
        """Rows of these streams are in the journal now."""
        if not batches and not events:
            return
        self._now_ns = max([b.t1_host_ns for b in batches] or [self._now_ns])
        if batches:
            self._touch(CLOCK)
        if events:
            self._touch(EVENTS)
        for batch in batches:
            self._touch(batch.stream_id)

    def overdue(self, stream_ids: Collection[str]) -> None:
        """These have rows of an earlier clock era: seal at the next chance."""
        for stream_id in stream_ids:
            self._due_ns.setdefault(stream_id, 0)
            self._due_ns[stream_id] = 0
            self._waiting.add(stream_id)

    def restart(self) -> None:
        """A new clock era: the old due times mean nothing."""
        self._now_ns = 0
        self._due_ns = dict.fromkeys(self._waiting, 0)

    def due(self) -> tuple[str, ...]:
        """Streams to seal now."""
        return tuple(sorted(s for s in self._waiting if self._due_ns[s] <= self._now_ns))

    def started(self, stream_ids: Collection[str]) -> None:
        """A sealer took these."""
        for stream_id in stream_ids:
            self._waiting.discard(stream_id)
            if self._now_ns:
                self._due_ns[stream_id] = self._now_ns + int(self.segment_s * 1e9)
            else:  # nothing has arrived in this clock era yet: staggered again from its first arrival
                self._due_ns.pop(stream_id, None)

    def sealed(self, stream_ids: Collection[str], *, ok: bool) -> None:
        """The sealer has ended; after a failure the same streams are due again soon."""
        if not ok:
            for stream_id in stream_ids:
                self._due_ns[stream_id] = self._now_ns + int(RETRY_S * 1e9)
                self._waiting.add(stream_id)

    def _touch(self, stream_id: str) -> None:
        self._waiting.add(stream_id)
        if stream_id not in self._due_ns:
            slot = self._seen % SLOTS + 1
            self._seen += 1
            self._due_ns[stream_id] = self._now_ns + int(self.segment_s * 1e9 * slot / SLOTS)
