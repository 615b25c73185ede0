"""When a session that was left open last heard of each stream, in terms of the clock that runs now."""

from __future__ import annotations

from dataclasses import dataclass

from recorder.clock import ClockEra
from recorder.schema import Gap
from recorder.session import Session
from recorder.session.facts import gaps_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest stored arrival of one stream, and the era it was told in."""

    t_host_ns: int
    era: ClockEra

    def in_era(self, now: ClockEra) -> int:
        """Host time of ``now`` at which it was. The same boot has one monotonic clock; else only wall clocks tell."""
        if now.boot_id and now.boot_id == self.era.boot_id:
            return self.t_host_ns
        return now.monotonic_ns + min(0, self.era.wall_at(self.t_host_ns) - now.wall_ns)

    def away_s(self, now: ClockEra) -> float:
        """How long the recorder was away, seconds."""
        return (now.monotonic_ns - self.in_era(now)) / 1e9


def last_arrivals(before: Session) -> dict[str, Arrival]:
    """The newest arrival of every stream that has rows."""
    eras = {era.number: era for era in before.eras}
    found = {}
    for stream_id in before.streams:
        points = before.clock_points(stream_id)
        if len(points.t_host_ns):
            found[stream_id] = Arrival(int(points.t_host_ns[-1]), eras[int(points.era[-1])])
    return found


def open_gaps(before: Session) -> list[tuple[Gap, int]]:
    """Gaps the former recorder left open, with the last host time known of their era."""
    ends: dict[int, int] = {}
    for stream_id in before.streams:
        points = before.clock_points(stream_id)
        for era in set(points.era.tolist()):
            newest = int(points.t_host_ns[points.era == era].max())
            ends[era] = max(ends.get(era, 0), newest)
    events = before.events("gap")
    gaps = [gap for stream_id in before.streams for gap in gaps_of(events, stream_id)]
    return [(gap, ends.get(gap.era, gap.t0_host_ns)) for gap in gaps if gap.t1_host_ns is None]
