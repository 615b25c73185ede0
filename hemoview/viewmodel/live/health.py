"""The health line: per stream what arrived and what is on disk, apart; rate, loss, age, latency."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.record_view import HealthItem
from hemoview.viewmodel.live.whose_heart import heart_items
from hemoview.viewmodel.messages import Message, say
from recorder.schema import StreamInfo, StreamStatus

STARVED_S = 1.7
"""A regular stream this old is starved; with the picture renewed 4 times a second that shows within 2 s."""

ROWS_STALE_S = 2.0
"""Estimates and beats this old are none: their tile then says so, as their number does."""

BURST_MARGIN_S = 0.7
"""A stream that comes in bursts is starved once the next burst is so late."""

ORDER = (
    "ppg",
    "optical",
    "pleth",
    "spo2",
    "abp_wave",
    "acc",
    "eda",
    "temp",
    "estimate",
    "beats",
    "ibi",
    "hr",
    "battery",
)
LEADING = ("ppg", "pleth", "abp_wave")
PULSE_BEATS = "edge.beats_ppg"
QUIET = ("ibi", "hr", "battery", "raw", "shared-heart", "arm")
"""Roles whose rows come when they come: silence of theirs means nothing."""


def health(facts: Facts) -> tuple[HealthItem, ...]:
    """An item for every stream that should flow, in the order of the screen; eight fit. Where both devices' beats are
    compared, that stands for the beats of the pulse, which come and go with the estimates.
    """
    if facts.status is None:
        return ()
    known = [(s, facts.infos[s.stream_id]) for s in facts.status.streams if s.stream_id in facts.infos]
    shown = [(s, info) for s, info in known if info.role not in QUIET]
    shown.sort(key=lambda pair: (_rank(pair[1]), pair[0].stream_id))
    heart = heart_items(facts)
    items = (
        _item(facts, stream, info) for stream, info in shown if not heart or stream.stream_id != PULSE_BEATS
    )
    return (*items, *heart)


def live_state(facts: Facts, stream: StreamStatus) -> str:
    """The recorder's word, unless this window's own ear already knows better: starved streams show within 2 s."""
    info = facts.infos.get(stream.stream_id)
    if stream.state == "streaming" and info is not None:
        arrived, limit_s = facts.arrivals.get(stream.stream_id), _longest_wait_s(facts, info)
        age_s = facts.age_s(arrived) if arrived is not None else _told_age_s(stream, info)
        if age_s is not None and limit_s is not None and age_s > limit_s:
            return "silent"
    return stream.state


def _told_age_s(stream: StreamStatus, info: StreamInfo) -> float | None:
    """Of rows that ended before this window opened; the recorder itself minds the silence of waves."""
    return None if info.kind == "waveform" else stream.last_age_s


def _longest_wait_s(facts: Facts, info: StreamInfo) -> float | None:
    """How long a stream may keep still, real seconds; None where its silence means nothing."""
    if info.kind == "waveform":
        return max(STARVED_S, facts.waits_s.get(info.stream_id, 0.0) + BURST_MARGIN_S)
    return ROWS_STALE_S if info.role in ("estimate", "beats") else None


def title(info: StreamInfo) -> Message:
    """Name of a stream for people; what is decoded by hearsay says so."""
    name = say(f"stream-{info.stream_id}", role=info.role, stream=info.stream_id)
    return say("stream-experimental", stream=name) if info.metadata.get("status") == "experimental" else name


def _rank(info: StreamInfo) -> int:
    return ORDER.index(info.role) if info.role in ORDER else len(ORDER)


def _item(facts: Facts, stream: StreamStatus, info: StreamInfo) -> HealthItem:
    state = live_state(facts, stream)
    return HealthItem(
        stream_id=stream.stream_id,
        title=title(info),
        state=state,
        rate=_rate(stream, info),
        counts=_counts(facts, stream),
        lost=_lost(facts, stream, state),
        level=_level(stream, state),
        leads=info.role in LEADING,
    )


def _rate(stream: StreamStatus, info: StreamInfo) -> Message:
    rate_hz = stream.effective_rate_hz
    waveform = info.kind == "waveform"
    shown = formats.DASH if rate_hz is None else f"{rate_hz:.3g}" if waveform else f"{rate_hz:.1f}"
    return say("health-rate" if waveform else "health-row-rate", rate=shown)


def _counts(facts: Facts, stream: StreamStatus) -> Message:
    if not facts.recording:
        return say("health-received", received=formats.count(stream.received))
    received, on_disk = formats.count(stream.received), formats.count(stream.on_disk)
    return say("health-counts", received=received, on_disk=on_disk)


def _lost(facts: Facts, stream: StreamStatus, state: str) -> Message:
    arrived = facts.arrivals.get(stream.stream_id)
    age_s = facts.age_s(arrived) if arrived is not None else stream.last_age_s
    shown = formats.DASH if age_s is None else formats.age(age_s)
    latency = formats.DASH if stream.latency_ms is None else f"{stream.latency_ms:.0f} ms"
    lost = formats.count(stream.lost)
    if state != "streaming":
        return say("health-age", age=shown)
    if stream.n_gaps:
        return say("health-gaps", lost=lost, gaps=stream.n_gaps, age=shown)
    return say("health-lost", lost=lost, age=shown, latency=latency)


def _level(stream: StreamStatus, state: str) -> str:
    if state != "streaming":
        return "danger" if state == "lost" else "warn"
    return "warn" if stream.lost else "ok"
