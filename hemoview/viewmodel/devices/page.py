"""The Devices screen: facts → one frozen card a device. What may be touched, and why not, is decided here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from hemoview.viewmodel import formats
from hemoview.viewmodel.live.banners import samples_stopped_ns
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.health import live_state
from hemoview.viewmodel.live.numerics import newest_estimate
from hemoview.viewmodel.live.record_view import Level
from hemoview.viewmodel.live.reference import reference
from hemoview.viewmodel.messages import Message, say
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig
from recorder.schema import Calibration, Event, LinkStatus, StreamInfo, StreamStatus
from recorder.transports.tcp import is_loopback

ANSWER_SHOWN_S: Final = 15.0
"""A card stays lit so long after its wristband's button was pressed: time to look from the wrist to the screen."""

LOW_BATTERY: Final = 0.15
WEAK_ARRIVED: Final = 0.98
"""A radio that loses more than one packet in fifty is told: the wave has holes every few seconds."""
WEAK_DBM: Final = -85
"""About the end of a wristband's reach; −50 is beside the computer."""

PRESSURE_ROLE: Final = "abp_wave"
WRIST_ROLE: Final = "ppg"
WRISTBANDS: Final = ("e4-tcp", "e4-ble")
"""Kinds with a button that tells which of them is on this wrist."""

_LEVELS: Final[dict[str, Level]] = {
    "lost": "danger",
    "silent": "warn",
    "connecting": "warn",
    "scanning": "warn",
}


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream of a card; ``wave``: whether it has a trace."""

    stream_id: str
    role: str
    title: Message
    state: str
    rate: Message
    level: Level
    wave: bool


@dataclass(frozen=True, slots=True)
class CardView:
    """One device.

    Args:
        state: of the link, or ``typed`` where a person types its values.
        state_words, cause: since when and how long, and why.
        details: battery, link quality: what to know of the device itself, each with its level.
        notes: calibrations and ages, each with its level.
        answered: who pressed the button just now; the card is lit while it is there.
        locked: why settings cannot be changed now, None if they can.
        can_calibrate: it carries a pressure in volt.
        has_button: pressing a button on it tells which one it is.
    """

    device_id: str
    product: Message
    serial: str
    address: str
    state: str
    state_words: Message
    cause: str
    level: Level | str
    details: tuple[tuple[Message, str], ...]
    notes: tuple[tuple[Message, str], ...]
    warnings: tuple[Message, ...]
    streams: tuple[StreamRow, ...]
    answered: Message | None
    locked: Message | None
    can_test: bool
    can_calibrate: bool
    has_button: bool


@dataclass(frozen=True, slots=True)
class DevicesView:
    """All cards, and what may be done. ``why_not``: why nothing can be added, None if it can."""

    cards: tuple[CardView, ...]
    waiting: bool
    why_not: Message | None
    note: Message | None


def resolve_devices(facts: Facts) -> DevicesView:
    """What the Devices screen shows now."""
    status = facts.status
    if status is None:
        return DevicesView((), waiting=True, why_not=say("devices-waiting"), note=None)
    configs = {config.device_id: config for config in facts.configured}
    cards = tuple(_card(facts, link, configs.get(link.device_id)) for link in status.links)
    why_not = None if facts.in_control else say("devices-no-control", name=status.controller)
    note = say("devices-recording") if facts.recording else None
    return DevicesView(cards, waiting=False, why_not=why_not, note=note)


def _card(facts: Facts, link: LinkStatus, config: DeviceConfig | None) -> CardView:
    assert facts.status is not None
    infos = [i for i in facts.infos.values() if i.device_id == link.device_id]
    states = {s.stream_id: s for s in facts.status.streams}
    linked = config is None or registry.has_link(config)
    roles = {info.role for info in infos}
    return CardView(
        device_id=link.device_id,
        product=product(link.product, link.device_id),
        serial=link.serial or "",
        address=link.transport,
        state=link.state if linked or link.error else "typed",
        state_words=_state_words(facts, link, linked=linked),
        cause=formats.sentence(link.error),
        level=_LEVELS.get(link.state, "ok"),
        details=(*_battery(link), *_link_quality(link), *_optional(link)),
        notes=tuple(_notes(facts, infos)),
        warnings=tuple(_warnings(link, config)),
        streams=tuple(
            _row(facts, info, states.get(info.stream_id))
            for info in infos
            if info.role != "battery" or link.battery is None  # else it is told above
        ),
        answered=_answered(facts, link),
        locked=_locked(facts, infos, states),
        can_test=linked,
        can_calibrate=PRESSURE_ROLE in roles,
        has_button=config is not None and config.kind in WRISTBANDS,
    )


def product(name: str, device_id: str) -> Message:
    """What a device is called beside its id."""
    return say("device-product", product=name or device_id, device=device_id)


# ---- link


def _state_words(facts: Facts, link: LinkStatus, *, linked: bool) -> Message:
    if not linked and not link.error:
        return say("device-state-typed")
    trouble = facts.troubles.get(link.device_id)
    since_ns = link.since_ns if trouble is None else samples_stopped_ns(facts, link)
    state = "lost" if trouble is not None and trouble.lost else link.state
    since = formats.time_of_day(facts.wall_ns - (facts.now_ns - since_ns), facts.utc_offset_s)
    age = formats.age(facts.age_s(since_ns))
    name = "device-state-retrying" if state == "lost" and link.attempt > 1 else f"device-state-{state}"
    return say(name, since=since, age=age, attempt=link.attempt)


def _battery(link: LinkStatus) -> list[tuple[Message, str]]:
    if link.battery is None:
        return []
    low = link.battery <= LOW_BATTERY
    words = say("device-battery-low" if low else "device-battery", percent=f"{link.battery * 100:.0f}")
    return [(words, "warn" if low else "quiet")]


def _link_quality(link: LinkStatus) -> list[tuple[Message, str]]:
    """Of a radio link: the share of packets that arrived lately, or how strong it was when it was found."""
    found: list[tuple[Message, str]] = []
    if link.arrived is not None:
        weak = link.arrived < WEAK_ARRIVED
        words = "device-arrived-weak" if weak else "device-arrived"
        found.append((say(words, percent=f"{100 * link.arrived:.1f}"), "warn" if weak else "quiet"))
    if link.rssi_dbm is not None:
        weak = link.rssi_dbm < WEAK_DBM
        found.append(
            (
                say("device-rssi-weak" if weak else "device-rssi", dbm=link.rssi_dbm),
                "warn" if weak else "quiet",
            )
        )
    return found


def _optional(link: LinkStatus) -> list[tuple[Message, str]]:
    return [] if link.required else [(say("device-optional"), "quiet")]


def _warnings(link: LinkStatus, config: DeviceConfig | None) -> list[Message]:
    found = []
    if link.simulated or (config is not None and config.simulated):
        found.append(say("device-simulated"))
    host = str(config.options.get("host", "")) if config is not None else ""
    if host and not is_loopback(host):
        found.append(say("device-unencrypted", host=host))
    if config is not None and config.kind.endswith("-ble") and config.kind.startswith("e4"):
        found.append(say("device-experimental"))
    return found


def _locked(facts: Facts, infos: list[StreamInfo], states: dict[str, StreamStatus]) -> Message | None:
    assert facts.status is not None
    if not facts.in_control:
        return say("devices-no-control", name=facts.status.controller)
    heard = any(states[i.stream_id].received for i in infos if i.stream_id in states)
    return say("device-locked") if facts.recording and heard else None


# ---- streams


def _row(facts: Facts, info: StreamInfo, stream: StreamStatus | None) -> StreamRow:
    state = "never-seen" if stream is None else live_state(facts, stream)
    sparse = info.kind == "numeric"
    quiet = state == "streaming" or sparse
    wave = not sparse and info.role != "raw"  # packets as they came are no picture
    level: Level = "info" if quiet else "danger" if state == "lost" else "warn"
    return StreamRow(info.stream_id, info.role, carries(info), state, _rate(info, stream, state), level, wave)


def carries(info: StreamInfo) -> Message:
    """What a stream carries, without its device: the card says which that is."""
    return say(f"carries-{info.role}", stream=info.stream_id.partition(".")[2] or info.stream_id)


def _rate(info: StreamInfo, stream: StreamStatus | None, state: str) -> Message:
    nominal = info.nominal_rate_hz
    measured = stream.effective_rate_hz if stream is not None else None
    if nominal is None:
        return say("device-rows", n=formats.count(stream.received if stream is not None else 0))
    if state != "streaming" or measured is None:
        return say("device-rate-none", nominal=f"{nominal:g}")
    return say("device-rate", rate=f"{measured:.1f}", nominal=f"{nominal:g}")


# ---- the button of a wristband


def _answered(facts: Facts, link: LinkStatus) -> Message | None:
    newest = next((e for e in reversed(facts.events) if _is_button(e, link.device_id)), None)
    if newest is None or facts.age_s(newest.t_host_ns) > ANSWER_SHOWN_S:
        return None
    at = formats.time_of_day(newest.wall_ns, facts.utc_offset_s)
    serial = newest.payload.get("serial") or link.serial or link.device_id
    if link.serial and str(serial).lower() != link.serial.lower():
        return None  # another band was chosen since: what the old one answered says nothing of it
    return say("device-answered-recorded" if facts.recording else "device-answered", serial=serial, time=at)


def button_pressed_ns(facts: Facts, device_id: str) -> int | None:
    """Host time at which the button of a connected wristband was last pressed."""
    return max((e.t_host_ns for e in facts.events if _is_button(e, device_id)), default=None)


def battery_of(facts: Facts, device_id: str) -> float | None:
    """Charge of a connected device, 0 to 1, if it told."""
    links = facts.status.links if facts.status is not None else ()
    return next((link.battery for link in links if link.device_id == device_id), None)


def _is_button(event: Event, device_id: str) -> bool:
    payload = event.payload
    return event.kind == "marker" and payload.get("label") == "tag" and payload.get("device_id") == device_id


# ---- calibrations and the three ages (safety rule 8)


def _notes(facts: Facts, infos: list[StreamInfo]) -> list[tuple[Message, str]]:
    roles = {info.role for info in infos}
    found: list[tuple[Message, str]] = []
    if PRESSURE_ROLE in roles:
        found += _adc_notes(facts, infos)
        found.append(_reference_note(facts))
    if roles & {PRESSURE_ROLE, WRIST_ROLE} and facts.by_role("estimate") is not None:
        found.append(_personalised(facts))
    return found


def _adc_notes(facts: Facts, infos: list[StreamInfo]) -> list[tuple[Message, str]]:
    own = {info.stream_id for info in infos}
    known = [c for c in facts.calibrations if c.stream_id in own]
    used = max((c for c in known if c.accepted), key=lambda c: c.wall_ns, default=None)
    refused = max((c for c in known if not c.accepted), key=lambda c: c.wall_ns, default=None)
    found = [(say("adc-none"), "warn") if used is None else (adc_record(facts, used), "quiet")]
    if refused is not None:
        found.append((say("adc-refused", date=formats.day(refused.wall_ns, facts.utc_offset_s)), "warn"))
    return found


def calibration_in_use(facts: Facts, stream_id: str) -> Message:
    """The dated record of a stream, or that there is none."""
    known = [c for c in facts.calibrations if c.stream_id == stream_id and c.accepted]
    used = max(known, key=lambda c: c.wall_ns, default=None)
    return say("adc-none") if used is None else adc_record(facts, used)


def adc_record(facts: Facts, found: Calibration) -> Message:
    """A dated, signed record in one line."""
    sign = "−" if found.offset_mmhg < 0 else "+"
    return say(
        "adc-record",
        date=formats.day(found.wall_ns, facts.utc_offset_s),
        method=say(f"adc-method-{found.method}"),
        operator=found.operator or formats.DASH,
        gain=f"{found.gain_mmhg_per_v:.1f}",
        offset=f"{sign} {abs(found.offset_mmhg):.1f}",
    )


def _reference_note(facts: Facts) -> tuple[Message, str]:
    state = reference(facts)
    if state.since_ns is None:
        return say("reference-not-yet"), "warn"
    return say("reference-age", age=formats.age(facts.age_s(state.since_ns))), "quiet"


def _personalised(facts: Facts) -> tuple[Message, str]:
    now = newest_estimate(facts)
    age_s = now.values.get("personalisation_age_s", math.nan)
    if now.missing is not None or not math.isfinite(age_s):
        return say("not-personalised"), "quiet"
    return say("personalised", age=formats.age(age_s)), "quiet"
