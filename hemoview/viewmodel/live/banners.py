"""Full-width lines: what is wrong, since when, why, and what to do. Technical only; nothing here is an alarm."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.arm_moved import arm_banners
from hemoview.viewmodel.live.battery import battery_banners
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.live.health import live_state, title
from hemoview.viewmodel.live.record_view import Banner, Level
from hemoview.viewmodel.live.reference import reference
from hemoview.viewmodel.live.whose_heart import heart_banners
from hemoview.viewmodel.messages import Message, say
from recorder.schema import LinkStatus, StreamStatus

RECORDER_DOWN_S = 1.6
"""The recorder speaks twice a second; three words missed and a late picture stay within 2 s."""

NEVER_SEEN_S = 5.0
"""A link gets this long to deliver its first sample before the screen complains (devices.md: 5 s)."""

_DISK: dict[str, tuple[Level, str]] = {
    "24h": ("info", "disk-24h"),
    "2h": ("warn", "disk-2h"),
    "15min": ("danger", "disk-15min"),
    "stopped": ("danger", "disk-stopped"),
}
ASK_SUBJECT = ("same-subject", "confirm-subject")
"""Warnings that only an entry of the pseudonym takes back; they are the banner's action as well."""

_LEVELS = ("danger", "warn", "info")


def banners(facts: Facts) -> tuple[Banner, ...]:
    """Worst first. With the recorder silent nothing else is known, so nothing else is said."""
    down = _recorder(facts)
    if down is not None:
        return (down,)
    found = [
        *_person(facts),
        *_links(facts),
        *_starved(facts),
        *_disk(facts),
        *battery_banners(facts),
        *heart_banners(facts),
        *arm_banners(facts),
        *_others(facts),
    ]
    return tuple(sorted(found, key=lambda banner: _LEVELS.index(banner.level)))


def _recorder(facts: Facts) -> Banner | None:
    if facts.status is None or facts.status_seen_ns is None:
        waited_s = facts.age_s(facts.watching_since_ns)
        return (
            Banner("recorder", "info", say("recorder-starting")) if waited_s < 5 else _down(facts, waited_s)
        )
    age_s = facts.age_s(facts.status_seen_ns)
    return _down(facts, age_s) if age_s > RECORDER_DOWN_S else None


def _down(facts: Facts, age_s: float) -> Banner:
    open_session = facts.recording
    name = "recorder-down-recording" if open_session else "recorder-down"
    return Banner("recorder", "danger", say(name, age=f"{age_s:.0f} s"))


def _links(facts: Facts) -> list[Banner]:
    """Devices that are not streaming; their streams are not named again one by one."""
    assert facts.status is not None
    if not facts.status.links:
        return [Banner("no-devices", "info", say("no-devices"), action="virtual-bedside")]
    if not facts.recording and all(_gone(facts, link) for link in facts.status.links):
        return [Banner("virtual-bedside-gone", "warn", say("virtual-bedside-gone"), action="virtual-bedside")]
    return [_link(facts, link) for link in facts.status.links if _troubled(facts, link)]


def _gone(facts: Facts, link: LinkStatus) -> bool:
    """A device of a virtual bedside that ended with its window, or with the computer."""
    trouble = facts.troubles.get(link.device_id)
    return link.simulated and trouble is not None and trouble.lost and link.attempt > 1


def _troubled(facts: Facts, link: LinkStatus) -> bool:
    trouble = facts.troubles.get(link.device_id)
    if trouble is None:
        return False
    return trouble.lost or link.state == "silent" or facts.age_s(trouble.since_ns) > NEVER_SEEN_S


def _link(facts: Facts, link: LinkStatus) -> Banner:
    """One word for the whole trouble: a link once lost stays lost, however often it is opened, until it delivers."""
    state = "lost" if facts.troubles[link.device_id].lost else link.state
    since_ns = samples_stopped_ns(facts, link)
    level: Level = "danger" if state in ("lost", "silent") and facts.recording else "warn"
    first = state == "lost" and link.attempt < 1  # nobody has tried yet: no attempt of none
    message = say(
        "link-lost-first" if first else f"link-{state}",
        device=link.product or link.device_id,
        since=_time_of(facts, since_ns),
        age=formats.age(facts.age_s(since_ns)),
        error=formats.sentence(link.error),
        attempt=link.attempt,
    )
    return Banner(f"link-{link.device_id}", level, message)


def samples_stopped_ns(facts: Facts, link: LinkStatus) -> int:
    """Host time of the device's last sample, as heard here or by the recorder; without one, of the first trouble."""
    assert facts.status is not None
    own = {i.stream_id for i in facts.infos.values() if i.device_id == link.device_id}
    heard = [facts.arrivals[name] for name in own if name in facts.arrivals]
    heard += [
        facts.status.t_host_ns - int(s.last_age_s * NS)
        for s in facts.status.streams
        if s.stream_id in own and s.last_age_s is not None
    ]
    return max(heard, default=facts.troubles[link.device_id].since_ns)


def _starved(facts: Facts) -> list[Banner]:
    assert facts.status is not None
    troubled = {link.device_id for link in facts.status.links if _troubled(facts, link)}
    found = []
    for stream in facts.status.streams:
        info = facts.infos.get(stream.stream_id)
        if info is None or info.kind != "waveform" or info.device_id in troubled:
            continue
        state = live_state(facts, stream)
        if state == "streaming" or (state == "never-seen" and _young(facts, stream)):
            continue
        level: Level = "danger" if facts.recording else "warn"
        found.append(Banner(f"stream-{stream.stream_id}", level, _starved_message(facts, stream, state)))
    return found


def _starved_message(facts: Facts, stream: StreamStatus, state: str) -> Message:
    arrived = facts.arrivals.get(stream.stream_id)
    since_ns = arrived if arrived is not None else (stream.since_ns or facts.watching_since_ns)
    return say(
        f"starved-{state}",
        stream=title(facts.infos[stream.stream_id]),
        since=_time_of(facts, since_ns),
        age=formats.age(facts.age_s(since_ns)),
        cause=stream.cause,
    )


def _young(facts: Facts, stream: StreamStatus) -> bool:
    since_ns = stream.since_ns if stream.since_ns is not None else facts.watching_since_ns
    return facts.age_s(since_ns) < NEVER_SEEN_S


def _disk(facts: Facts) -> list[Banner]:
    assert facts.status is not None
    known = _DISK.get(facts.status.disk.level)
    if known is None:
        return []
    hours = facts.status.disk.hours_left
    left = formats.age((hours or 0.0) * 3600)
    return [Banner("disk", known[0], say(known[1], left=left, folder=facts.status.disk.folder))]


def _others(facts: Facts) -> list[Banner]:
    assert facts.status is not None
    found = []
    if facts.recording and reference(facts).asks:
        found.append(Banner("calibration", "info", say("square-wave-ended"), action="confirm-calibration"))
    if facts.recording and facts.status.session.incomplete_reason:
        reason = facts.status.session.incomplete_reason
        found.append(Banner("incomplete", "info", say("session-incomplete", reason=reason)))
    for warning in facts.status.warnings:
        name, _, value = warning.partition("|")
        level: Level = "info" if name == "sleep" else "warn"
        if name not in (*ASK_SUBJECT, "disk"):  # the disk has a banner of its own, with the hours left
            found.append(Banner(f"warning-{name}", level, say(f"warning-{name}", value=value)))
    return found


def _person(facts: Facts) -> list[Banner]:
    """Is it still the same person? Before everything else: the sensors that came off complain as well."""
    assert facts.status is not None
    asked = dict(warning.split("|", 1) for warning in facts.status.warnings if "|" in warning)
    return [
        Banner(f"warning-{name}", "danger", say(f"warning-{name}", age=_age(asked[name])), action=name)
        for name in ASK_SUBJECT
        if name in asked
    ]


def _age(seconds: str) -> str:
    """Of a warning's value."""
    return formats.age(float(seconds))


def _time_of(facts: Facts, t_host_ns: int) -> str:
    return formats.time_of_day(facts.wall_ns - (facts.now_ns - t_host_ns), facts.utc_offset_s)
