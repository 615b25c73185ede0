"""Test of a device without recording: which of its streams deliver within a few seconds, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hemoview.viewmodel import formats
from hemoview.viewmodel.devices.page import carries
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.messages import Message, say
from recorder.schema import StreamInfo

TRIAL_S: Final = 6.0
"""A wristband sends its slowest waves every 2 s, and a link that is opened anew needs a second."""

SHOWN_S: Final = 60.0
"""A result stands so long; later it could be taken for the state of that moment."""

SLOW_SHARE: Final = 0.8
"""Less than so much of the nominal rate is told as too slow; the first second of a new link is not counted in."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A test of a connected device: what had been received when it began."""

    device_id: str
    began_ns: int
    before: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TrialView:
    """``left_s`` is None once it is over; ``lines`` are sentences with the colour role of each."""

    left_s: float | None
    lines: tuple[tuple[Message, str], ...]


def begin(facts: Facts, device_id: str) -> Trial:
    """From now on."""
    return Trial(device_id, facts.now_ns, _received(facts))


def judge(run: Trial, facts: Facts) -> TrialView:
    """What the live link has delivered since."""
    left_s = TRIAL_S - facts.age_s(run.began_ns)
    if left_s > 0:
        return TrialView(left_s, ((say("test-running", seconds=f"{left_s:.0f}"), "info"),))
    now = _received(facts)
    infos = [info for info in facts.infos.values() if info.device_id == run.device_id]
    rows = {i.stream_id: _since(run.before.get(i.stream_id, 0), now.get(i.stream_id, 0)) for i in infos}
    links = facts.status.links if facts.status is not None else ()
    cause = next((link.error for link in links if link.device_id == run.device_id), "")
    return TrialView(None, told(infos, rows, TRIAL_S, cause))


def probed(found: Mapping[str, Any], infos: Sequence[StreamInfo], seconds: float) -> TrialView:
    """What ``recorder.host.probe`` heard of a device that is not set up yet."""
    return TrialView(None, told(infos, found["rows"], seconds, str(found["error"])))


def told(
    infos: Sequence[StreamInfo], rows: Mapping[str, int], seconds: float, cause: str
) -> tuple[tuple[Message, str], ...]:
    """One sentence for the whole and one for every stream."""
    waves = [info for info in infos if info.nominal_rate_hz is not None]
    good = [info for info in waves if rows.get(info.stream_id, 0) > 0]
    if not any(rows.values()):
        whole = say("test-nothing", seconds=f"{seconds:.0f}", cause=formats.sentence(cause))
        return ((whole, "danger"),)
    ok = len(good) == len(waves)
    whole = say("test-all" if ok else "test-some", n=len(good), of=len(waves), seconds=f"{seconds:.0f}")
    return ((whole, "ok" if ok else "warn"), *(_line(i, rows.get(i.stream_id, 0), seconds) for i in infos))


def _line(info: StreamInfo, n: int, seconds: float) -> tuple[Message, str]:
    name, nominal = carries(info), info.nominal_rate_hz
    if nominal is None:
        words = "test-rows" if n else "test-no-rows"
        return say(words, stream=name, n=n), "quiet"
    if n == 0:
        return say("test-silent", stream=name, seconds=f"{seconds:.0f}"), "danger"
    slow = n < SLOW_SHARE * nominal * (seconds - 2.0)
    return say(
        "test-slow" if slow else "test-delivers",
        stream=name,
        n=n,
        seconds=f"{seconds:.0f}",
        nominal=f"{nominal:g}",
    ), "warn" if slow else "quiet"


def _since(before: int, now: int) -> int:
    """Rows that came meanwhile; other settings, or a session that begins, count anew."""
    return now - before if now >= before else now


def _received(facts: Facts) -> dict[str, int]:
    streams = facts.status.streams if facts.status is not None else ()
    return {stream.stream_id: stream.received for stream in streams}
