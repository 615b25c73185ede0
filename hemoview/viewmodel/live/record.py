"""Wish + facts → the whole Record screen, one frozen state, by a pure function."""

from __future__ import annotations

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.amended import amended_words
from hemoview.viewmodel.live.banners import banners
from hemoview.viewmodel.live.battery import battery_line
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.live.guide import guide
from hemoview.viewmodel.live.health import health
from hemoview.viewmodel.live.lanes import lanes
from hemoview.viewmodel.live.numerics import numerics
from hemoview.viewmodel.live.record_view import HeaderView, RecordView, Wish
from hemoview.viewmodel.live.service import sync_line
from hemoview.viewmodel.live.trend import live_markers, trend
from hemoview.viewmodel.messages import Message, say

MARKER_LABELS = (
    "cuff inflates",
    "arm move",
    "stand up",
    "sit down",
    "cough",
    "talking",
    "cold",
    "breath hold",
    "other",
)
"""Labels of keys 1 to 9 where the template names none."""


def resolve(wish: Wish, facts: Facts) -> RecordView:
    """What the Record screen shows now."""
    mine = _in_control(facts)
    return RecordView(
        header=_header(facts, mine),
        watermark=_watermark(facts),
        lanes=lanes(wish, facts),
        mm_per_s=wish.mm_per_s,
        numerics=numerics(wish, facts),
        trend=trend(wish, facts),
        health=health(facts),
        banners=banners(facts),
        can_mark=facts.recording and _is_described(facts),
        can_undo=facts.recording and any(m.payload.get("source") != "automatic" for m in live_markers(facts)),
        markers=_marker_labels(facts),
        guide=guide(facts),
    )


def _header(facts: Facts, in_control: bool) -> HeaderView:
    status = facts.status
    start_ns = facts.session_start_ns
    battery, battery_level = battery_line(facts)
    return HeaderView(
        subject=_subject(facts),
        template=str(((facts.header or {}).get("template") or {}).get("name", "")),
        recording=facts.recording,
        elapsed=formats.clock_time((facts.now_ns - start_ns) / NS) if start_ns is not None else "",
        disk=_disk(facts),
        disk_level=status.disk.level if status else "ok",
        battery=battery,
        battery_level=battery_level,
        control=None if status is None or in_control else say("control-elsewhere", name=status.controller),
        can_start=status is not None and in_control and status.session.state in ("none", "sealed", "damaged"),
        can_stop=facts.recording and in_control,
        amended=_amended(facts),
        next_subject=status is not None and status.session.state == "sealed",
        sync=sync_line(status.sync if status else (), facts.wall_ns // 1000, facts.utc_offset_s),
    )


def _amended(facts: Facts) -> Message | None:
    if not facts.recording or facts.status is None or not facts.status.session.amended:
        return None
    return say("header-amended", fields=amended_words(facts.status.session.amended))


def _is_described(facts: Facts) -> bool:
    """The header is that of the session that runs: just after Start the labels on the buttons may be another's."""
    session = facts.status.session if facts.status else None
    return session is not None and (facts.header or {}).get("session_id") == session.session_id


def _in_control(facts: Facts) -> bool:
    return facts.status is not None and facts.status.controller in ("", facts.client)


def _subject(facts: Facts) -> Message:
    if facts.status is not None and facts.status.session.state == "sealing":
        return say("session-sealing")
    if not facts.recording or facts.status is None:
        return say("no-session")
    subject = facts.status.session.subject
    return say("subject", pseudonym=subject.get("pseudonym", formats.DASH))


def _disk(facts: Facts) -> Message:
    if facts.status is None:
        return say("disk-unknown")
    hours = facts.status.disk.hours_left
    if hours is None and facts.status.disk.free_bytes < 1e9:
        return say("disk-free-mb", megabytes=f"{facts.status.disk.free_bytes / 1e6:.0f}")
    if hours is None:
        return say("disk-free", gigabytes=f"{facts.status.disk.free_bytes / 1e9:.0f}")
    return say("disk-hours", hours=f"{hours:.0f}" if hours < 1000 else "> 999")


def _watermark(facts: Facts) -> Message | None:
    if not facts.simulated:
        return None
    replayed = any(info.origin == "replayed" for info in facts.infos.values())
    return say("watermark-replayed" if replayed else "watermark-simulated")


def _marker_labels(facts: Facts) -> tuple[str, ...]:
    template = (facts.header or {}).get("template") or {}
    named = tuple(str(label) for label in template.get("markers", ()))[:9]
    return named or MARKER_LABELS
