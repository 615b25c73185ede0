"""The watchdog of one stream: counts, ages, gaps by age. Pure: told what arrived and what time it is.

Three silences are kept apart, each with since when and why: ``never-seen``, ``silent`` (the link is up), ``lost``
(the link is down).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from recorder.schema import Gap, SampleBlock, StreamInfo, StreamState, StreamStatus

STARVED_S: Final = 1.4
"""A regular stream without a sample for so long is silent; with status twice a second it shows within 2 s."""
DERIVED_SILENCE_S: Final = 5.0
"""Estimates come once a second, and a window may be late."""
RATE_SPAN_NS: Final = 30_000_000_000
"""Effective rate is measured over the newest 30 s without a gap."""
RATE_STEP_NS: Final = 1_000_000_000


def silence_limit_s(info: StreamInfo, driver_silence_s: float | None, speed: float = 1.0) -> float | None:
    """When a stream counts as silent; None for rows that come when they come.

    On a clock that runs ``speed`` times as fast the limit stays the same in real seconds: threads do not run faster.
    """
    if info.kind == "waveform":
        limit = STARVED_S if driver_silence_s is None else min(STARVED_S, driver_silence_s)
        # slow streams come in packets (an E4 sends temperature every 2 s): the driver says how long one is
        return max(limit, 2.0 * float(info.metadata.get("block_s", 0.0))) * max(1.0, speed)
    return DERIVED_SILENCE_S * max(1.0, speed) if info.role == "estimate" else None


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that still lasts: since when, why, and how many samples the driver says it cost so far.

    It is stored when it begins and, with the same stream, number and begin, when its cause or its end is known.
    """

    t0_host_ns: int
    first_missing_no: int
    cause: str
    detail: str = ""
    n_missing: int | None = None


@dataclass(slots=True)
class StreamWatch:
    """What is known about one stream since the session (or the recorder) began.

    Args:
        info: the stream.
        silence_s: see :func:`silence_limit_s`.
    """

    info: StreamInfo
    silence_s: float | None
    state: StreamState = "never-seen"
    since_ns: int | None = None
    cause: str = ""
    received: int = 0
    lost: int = 0
    n_gaps: int = 0
    longest_gap_ns: int = 0
    last_ns: int | None = None
    next_no: int = 0
    open_gap: OpenGap | None = None
    _floor_ns: int = 0
    _away: OpenGap | None = None
    """The newest interruption, until a sample comes: its gap may have ended before anybody could count."""
    _rate: deque[tuple[int, int]] = field(default_factory=deque)

    @property
    def is_sparse(self) -> bool:
        """Rows come when they come (battery, beats): their absence alone means nothing."""
        return self.silence_s is None

    # ---- what happens

    def block(self, block: SampleBlock, era: int) -> Gap | None:
        """Samples arrived; returns the gap by age that ended with them."""
        ended = self._end_gap(block, era)
        self.received += block.n_samples
        self.next_no = block.next_sample_no
        self.last_ns, self._away = block.t_host_ns, None
        if self.state != "streaming":
            self._become("streaming", block.t_host_ns, "")
        self._count_rate(block.t_host_ns)
        return ended

    def driver_gap(self, gap: Gap) -> Gap | None:
        """The driver counted missing samples. Within a gap by age it only adds its count; else it stands."""
        if self.open_gap is not None:
            already = self.open_gap.n_missing
            missing = gap.n_missing if already is None else already + (gap.n_missing or 0)
            self.open_gap = replace(
                self.open_gap,
                n_missing=missing,
                detail=f"{gap.cause}: {gap.detail}" if gap.detail else gap.cause,
            )
            return None
        self._count_gap(gap)
        return gap

    def link_lost(self, t_host_ns: int, era: int, cause: str, heard_ns: int | None = None) -> Gap | None:
        """The device's link is down; returns the gap that begins, or the one that lasts with a better cause.

        ``heard_ns``: newest sample of any of the device's streams. Where rows come when they come nothing is missing
        before it: the gap begins there, not at the last row, which may be a minute old.
        """
        if self.state == "never-seen" and self.last_ns is None:
            return None
        if self.state != "lost":
            self._become("lost", t_host_ns, cause)
        last = heard_ns if self.is_sparse else self.last_ns
        return self._open(t_host_ns if last is None else last, era, "link-lost", cause)

    def device_delivers(self, t_host_ns: int, era: int) -> Gap | None:
        """Another stream of the device has a sample: a gap of rows that come when they come ends with it."""
        if self.open_gap is None or not self.is_sparse:
            return None
        self._become("streaming", t_host_ns, "")
        return self._close(t_host_ns, era)

    def judge(self, t_host_ns: int, era: int) -> Gap | None:
        """Call often: a stream whose newest sample is too old becomes silent; returns the gap that begins."""
        if self.state != "streaming" or self.silence_s is None or self.last_ns is None:
            return None
        if t_host_ns - self.last_ns <= self.silence_s * 1e9:
            return None
        self._become("silent", t_host_ns, f"no sample for {self.silence_s:g} s")
        return self._open(self.last_ns, era, "silent")

    def interrupt(self, t_host_ns: int, era: int, cause: str, detail: str) -> Gap | None:
        """Nothing arrives since ``t_host_ns`` for a reason of the host's: suspend, restart of the recorder."""
        if self.state == "never-seen" and not self.received:
            return None
        self.open_gap = OpenGap(t_host_ns, self.next_no, cause, detail)
        self._away = self.open_gap
        self._rate.clear()
        return self._as_gap(self.open_gap, None, era)

    def resume(self, t_host_ns: int, last_ns: int, era: int, detail: str) -> Gap | None:
        """Another recorder goes on, without samples since ``t_host_ns``; the stream's own newest was at ``last_ns``."""
        self.last_ns = last_ns
        return self.interrupt(t_host_ns, era, "recorder-restart", detail)

    def finish(self, t_host_ns: int, era: int) -> Gap | None:
        """The session ends: a gap that still lasts ends with it."""
        if self.open_gap is None:
            return None
        return self._close(t_host_ns, era)

    def begin_session(self, t_host_ns: int, era: int, received: int) -> Gap | None:
        """Count from here on; a gap that lasts already counts from here as well, and is returned."""
        self.received, self.lost, self.n_gaps, self.longest_gap_ns = received, 0, 0, 0
        self._floor_ns, self._away = t_host_ns, None
        self._rate.clear()  # it counts from ``received``, which has just begun anew
        if self.open_gap is None:
            return None
        self.open_gap = replace(self.open_gap, t0_host_ns=max(t_host_ns, self.open_gap.t0_host_ns))
        return self._as_gap(self.open_gap, None, era)

    # ---- what is told

    def status(self, t_host_ns: int, on_disk: int, latency_ms: float | None) -> StreamStatus:
        """For every screen."""
        lasting = 0 if self.open_gap is None else max(0, t_host_ns - self.open_gap.t0_host_ns)
        return StreamStatus(
            self.info.stream_id,
            self.state,
            received=self.received,
            on_disk=on_disk,
            lost=self.lost,
            n_gaps=self.n_gaps + (self.open_gap is not None),
            longest_gap_s=max(self.longest_gap_ns, lasting) / 1e9,
            last_age_s=None if self.last_ns is None else max(0, t_host_ns - self.last_ns) / 1e9,
            nominal_rate_hz=self.info.nominal_rate_hz,
            effective_rate_hz=self.effective_rate_hz(),
            latency_ms=latency_ms,
            since_ns=self.since_ns,
            cause=self.cause,
        )

    def effective_rate_hz(self) -> float | None:
        """Samples a second by arrival, over the newest 30 s without a gap; None until 2 s are known."""
        if len(self._rate) < 2:
            return None
        (t0, n0), (t1, n1) = self._rate[0], self._rate[-1]
        return (n1 - n0) * 1e9 / (t1 - t0) if t1 - t0 >= 2 * RATE_STEP_NS else None

    # ---- inside

    def _become(self, state: StreamState, t_host_ns: int, cause: str) -> None:
        self.state, self.since_ns, self.cause = state, t_host_ns, cause

    def _open(self, t0_host_ns: int, era: int, cause: str, detail: str = "") -> Gap | None:
        """A gap that lasts keeps its start; a lost link explains a silence better than the silence does."""
        self._rate.clear()
        if self.open_gap is None:
            self.open_gap = OpenGap(max(t0_host_ns, self._floor_ns), self.next_no, cause, detail)
        elif self.open_gap.cause == "silent" and cause != "silent":
            self.open_gap = replace(self.open_gap, cause=cause, detail=detail)
        else:
            return None
        return self._as_gap(self.open_gap, None, era)

    def _end_gap(self, block: SampleBlock, era: int) -> Gap | None:
        """The gap that ends with this block. Rows of the edge process that never came are counted here, for they
        have no driver that does.

        After an interruption the device may deliver before its next beat comes: the gap ended then, without a count,
        and is told once more, now with the rows that the edge process computed meanwhile.
        """
        skipped = (
            block.first_sample_no - self.next_no if self.info.origin == "derived" and self.next_no else 0
        )
        if self.open_gap is not None:
            if skipped > 0:
                self.open_gap = replace(self.open_gap, n_missing=skipped)
            return self._close(block.t_host_ns, era)
        if skipped <= 0:
            return None
        if self._away is not None:
            self.open_gap = replace(self._away, n_missing=skipped)
            self.n_gaps -= 1  # counted when it ended
            return self._close(block.t_host_ns, era)
        last_ns = block.t_host_ns if self.last_ns is None else self.last_ns
        since_ns = max(min(last_ns, block.t_host_ns), self._floor_ns)
        self.open_gap = OpenGap(
            since_ns, self.next_no, "not-delivered", "computed rows that did not arrive", skipped
        )
        return self._close(block.t_host_ns, era)

    def _close(self, t1_host_ns: int, era: int) -> Gap:
        assert self.open_gap is not None
        gap = self._as_gap(self.open_gap, max(t1_host_ns, self.open_gap.t0_host_ns), era)
        self.open_gap = None
        self._count_gap(gap)
        return gap

    def _as_gap(self, lasting: OpenGap, t1_host_ns: int | None, era: int) -> Gap:
        return Gap(
            self.info.stream_id,
            lasting.first_missing_no,
            lasting.n_missing,
            lasting.t0_host_ns,
            t1_host_ns,
            lasting.cause,
            era,
            lasting.detail,
        )

    def _count_gap(self, gap: Gap) -> None:
        self.n_gaps += 1
        self.lost += gap.n_missing or 0
        if gap.t1_host_ns is not None:
            self.longest_gap_ns = max(self.longest_gap_ns, gap.t1_host_ns - gap.t0_host_ns)

    def _count_rate(self, t_host_ns: int) -> None:
        if self._rate and t_host_ns - self._rate[-1][0] < RATE_STEP_NS:
            return
        self._rate.append((t_host_ns, self.received))
        while t_host_ns - self._rate[0][0] > RATE_SPAN_NS:
            self._rate.popleft()
