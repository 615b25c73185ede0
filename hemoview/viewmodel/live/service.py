"""What the screens say of the services a station is enrolled with. Pure: the recorder's status in, words out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from hemoview.viewmodel import formats
from hemoview.viewmodel.messages import Message, say
from recorder.schema import Amendment
from recorder.schema.sync_status import SyncStatus

Level = Literal["quiet", "info", "warn", "danger"]

FEEDBACK: Final = "feedback"
"""Field of the amendment that keeps a message of the service in its session (``recorder.sync.orders``)."""
LATE_US: Final = 3_600_000_000
"""After an hour with something waiting and no receipt the line is a warning."""
_REVOKED, _CERTIFICATE, _VERSION = "service-revoked", "service-certificate", "service-version"
"""Advice of ``recorder.sync.answers`` that says more than the state it comes with."""
_GONE: Final = ("away", "broke")
"""What the live path says of a service that nobody answers for."""
_TROUBLE: Final[dict[str, Level]] = {"unreachable": "warn", "refused": "danger", "other-service": "danger"}


@dataclass(frozen=True, slots=True)
class SyncLine:
    """The word in the line on top; ``whole`` where it is pointed at, with the time of the last success."""

    message: Message
    level: Level
    whole: Message | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service in the dialog.

    Args:
        url: of its pages.
        server_id: which.
        title: host, and where this station stands there.
        state, level: how it goes, and how loud that is.
        queue: what waits, and when it last went well.
        home: sessions that stay here; None where there are none.
        error: the last one, the recorder's own words.
        advice: id of what to do about it.
        warnings: what will be trouble: clocks that differ, a certificate that runs out.
        needs_code: only a new code of the administrator lets this station in again.
    """

    url: str
    server_id: str
    title: Message
    state: Message
    level: Level
    queue: Message
    home: Message | None
    error: str
    advice: str = ""
    needs_code: bool = False
    warnings: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """A message of the service, as it is listed."""

    at: str
    author: str
    text: str


def sync_line(told: tuple[SyncStatus, ...], now_us: int, utc_offset_s: int) -> SyncLine | None:
    """The worst of all services; None where the station is enrolled with none."""
    lines = [_line(status, now_us, utc_offset_s) for status in told]
    order = ("quiet", "info", "warn", "danger")
    return max(lines, key=lambda line: order.index(line.level), default=None)


def _line(status: SyncStatus, now_us: int, utc_offset_s: int) -> SyncLine:
    last = _time(status.last_success_us, now_us, utc_offset_s)
    if status.state in ("refused", "other-service"):
        return SyncLine(say("sync-line-refused", server=status.server), "danger")
    days = status.certificate_days(now_us)
    if days is not None and status.state != "unreachable":
        told = say("sync-line-certificate-whole", server=status.server, days=str(days))
        return SyncLine(say("sync-line-certificate", days=str(days)), "warn", told)
    if status.waiting == 0:
        level: Level = _TROUBLE.get(status.state, "quiet")
        if level != "quiet":
            return SyncLine(say("sync-line-away", server=status.server), "info")
        return SyncLine(say("sync-line-done", last=last) if last else say("sync-line-nothing"), "quiet")
    late = status.last_success_us is not None and now_us - status.last_success_us > LATE_US
    level = "warn" if status.state == "unreachable" or late else "info"
    counts = {"waiting": str(status.waiting), "total": str(status.total)}
    whole = say("sync-line-last", server=status.server, last=last, **counts) if last else None
    which = "sync-line-no-answer" if status.state == "unreachable" else "sync-line-waiting"
    return SyncLine(say(which, **counts), level, whole)


def service_view(status: SyncStatus, now_us: int, utc_offset_s: int) -> ServiceView:
    """One service, for the dialog."""
    last = _time(status.last_success_us, now_us, utc_offset_s)
    return ServiceView(
        status.url,
        status.server_id,
        _place(status),
        say(f"service-state-{_state(status)}"),
        _TROUBLE.get(status.state, "quiet"),
        _queue(status, last),
        say("service-home", n=str(status.sessions_home)) if status.sessions_home else None,
        status.error,
        status.advice,
        status.advice == _REVOKED,
        _warnings(status, now_us),
    )


def _warnings(status: SyncStatus, now_us: int) -> tuple[Message, ...]:
    found = []
    if status.clock_ahead_s:
        which = "service-clock-ahead" if status.clock_ahead_s > 0 else "service-clock-behind"
        found.append(say(which, server=status.server, by=formats.age(abs(status.clock_ahead_s))))
    days = status.certificate_days(now_us)
    if days is not None:
        found.append(say("sync-line-certificate-whole", server=status.server, days=str(days)))
    if (live := _live_path(status)) is not None:
        found.append(live)
    return tuple(found)


def _live_path(status: SyncStatus) -> Message | None:
    """What the ward does not see, or sees by the second way; a service that does not answer has been said."""
    if not status.live_trouble or (status.live_trouble in _GONE and status.state in _TROUBLE):
        return None
    return say(f"service-live-{status.live_trouble}", server=status.server)


def _place(status: SyncStatus) -> Message:
    if not status.bed:
        return say("service-of", server=status.server)
    which = "service-at" if status.ward else "service-at-bed"
    return say(which, server=status.server, bed=status.bed, ward=status.ward)


def _state(status: SyncStatus) -> str:
    """What is the matter, where the advice tells it better than the state; before the first word: starting."""
    if status.state == "refused" and status.advice == _REVOKED:
        return "revoked"
    if status.state == "refused" and status.advice == _VERSION:
        return "version"
    if status.state == "other-service" and status.advice == _CERTIFICATE:
        return "certificate"
    return status.state if status.at_us else "starting"


def _queue(status: SyncStatus, last: str | None) -> Message:
    if status.total == 0:
        return say("service-queue-none")
    if status.waiting == 0 and last:
        return say("service-queue-done", total=str(status.total), last=last)
    return say(
        "service-queue" if last else "service-queue-first",
        waiting=str(status.waiting),
        total=str(status.total),
        megabytes=f"{status.bytes_waiting / 1e6:.1f}",
        last=last or "",
    )


def unread_of(told: list[dict[str, Any]], seen: Iterable[str]) -> list[dict[str, Any]]:
    """Messages nobody here has said to have read, oldest first."""
    known = set(seen)
    return [one for one in told if str(one.get("order_id", "")) not in known]


def feedback_of(told: list[dict[str, Any]], utc_offset_s: int) -> tuple[Feedback, ...]:
    """Messages as they are listed, newest first; what cannot be read is left out."""
    found = []
    for one in told:
        at_us = one.get("at_us") or one.get("received_us") or 0
        if isinstance(at_us, int):
            ns = at_us * 1000
            at = f"{formats.day(ns, utc_offset_s)} {formats.time_of_day(ns, utc_offset_s)}"
            found.append((at_us, Feedback(at, str(one.get("author", "")), str(one.get("text", "")))))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True))


def feedback_in(amendments: Iterable[Amendment], utc_offset_s: int) -> tuple[Feedback, ...]:
    """Messages kept in a session, newest first."""
    told = [a.new for a in amendments if a.field == FEEDBACK and isinstance(a.new, dict)]
    return feedback_of(told, utc_offset_s)


def form_problem(address: str, code: str) -> Message | None:
    """Why enrolment cannot be asked for as typed; None where it can."""
    if not address.strip():
        return say("service-needs-address")
    return say("service-needs-code") if len(code.strip()) < 4 else None


def _time(at_us: int | None, now_us: int, utc_offset_s: int) -> str | None:
    """The time of day; with its day where that is not today."""
    if at_us is None:
        return None
    ns = at_us * 1000
    clock, day = formats.time_of_day(ns, utc_offset_s), formats.day(ns, utc_offset_s)
    return clock if day == formats.day(now_us * 1000, utc_offset_s) else f"{day} {clock}"
