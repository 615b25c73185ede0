"""What Start looks at. Pure: facts in, checks out. Start is refused only for subject, consent, disk and recorder;
a missing required device may be overridden with a reason (safety rule 18).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from recorder.schema import Consent, DiskStatus, LinkStatus, StreamStatus, Subject

Level = Literal["ok", "warn", "override", "refuse"]

BATTERY_LOW: Final = 0.2
"""Of a full wristband; about 5 h of an E4 (devices.md)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the pre-flight list.

    Args:
        id: what was looked at, e.g. ``disk``, ``device:e4``.
        level: ``refuse`` bars Start · ``override`` bars it without a reason given · ``warn`` · ``ok``.
        who, what, todo: one line in plain words.
    """

    id: str
    level: Level
    who: str
    what: str
    todo: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with ``ok``."""
        return asdict(self) | {"ok": self.level == "ok"}

    def line(self) -> str:
        """Who, what and what to do."""
        return f"{self.who}: {self.what}" + (f"; {self.todo}" if self.todo else "")


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything Start looks at.

    Args:
        subject, consent: as given, or why they cannot be taken, or None.
        disk: room left.
        disk_problem: why sessions cannot lie there; empty if they can.
        free_needed: bytes.
        recorder_problem: why the recorder cannot begin one; empty if it can.
        links, streams: as of now.
        stream_devices: stream id → device id.
        machine: warnings about the machine, (what, todo): sleep cannot be held off, a reboot is pending, …
        encrypted: whether the disk is; None where it cannot be told.
        planned_s: how long the template's phases last together, None without an end.
        operator: code of who starts it, empty where nobody signs; None where that was not asked.
    """

    subject: Subject | str | None
    consent: Consent | str | None
    disk: DiskStatus
    disk_problem: str = ""
    free_needed: int = 0
    recorder_problem: str = ""
    links: tuple[LinkStatus, ...] = ()
    streams: tuple[StreamStatus, ...] = ()
    stream_devices: Mapping[str, str] = ()  # type: ignore[assignment]
    machine: tuple[tuple[str, str], ...] = ()
    encrypted: bool | None = None
    planned_s: float | None = None
    operator: str | None = None


def checks(facts: Facts) -> list[Check]:
    """The whole list, in the order an operator goes through it."""
    return [
        _person("subject", facts.subject, "no pseudonym was given", "enter one"),
        _person("consent", facts.consent, "no consent was referred to", "enter version and date of the form"),
        *_operator(facts),
        *_disk(facts),
        _recorder(facts),
        *(_device(link, facts) for link in facts.links),
        *(c for c in (_battery(link, facts.planned_s) for link in facts.links) if c),
        *_encryption(facts),
        *(Check("machine", "warn", "this machine", what, todo) for what, todo in facts.machine),
    ]


def refusals(found: Sequence[Check], overrides: Mapping[str, str]) -> list[Check]:
    """The checks that bar Start, with these reasons given per device."""
    return [
        check
        for check in found
        if check.level == "refuse"
        or (check.level == "override" and not overrides.get(check.id.partition(":")[2], "").strip())
    ]


def _person(name: str, value: object, missing: str, todo: str) -> Check:
    if value is None:
        return Check(name, "refuse", name, missing, todo)
    if isinstance(value, str):
        return Check(name, "refuse", name, value, "correct it")
    return Check(name, "ok", name, "given")


def _operator(facts: Facts) -> list[Check]:
    """Start is never refused for it (safety rule 18): somebody at a keyboard may be alone."""
    if facts.operator != "":
        return []
    return [
        Check("operator", "warn", "operator", "no code was given", "name one, so that the session is signed")
    ]


def _disk(facts: Facts) -> list[Check]:
    disk = facts.disk
    if facts.disk_problem:
        who, _, rest = facts.disk_problem.partition(": ")
        what, _, todo = rest.partition("; ")
        return [Check("disk", "refuse", who, what, todo)]
    if disk.free_bytes < facts.free_needed:
        what = f"{disk.free_bytes >> 20} MiB free, {facts.free_needed >> 20} MiB are needed to begin"
        todo = "make room, or set HEMOVIEW_HOME to a folder on another disk and start again"
        return [Check("disk", "refuse", f"disk {disk.folder}", what, todo)]
    if disk.level != "ok":
        what = f"room for {disk.hours_left or 0:.1f} h"
        return [Check("disk", "warn", f"disk {disk.folder}", what, "make room for a longer recording")]
    return [Check("disk", "ok", f"disk {disk.folder}", f"{disk.free_bytes >> 30} GiB free")]


def _recorder(facts: Facts) -> Check:
    if facts.recorder_problem:
        what, _, todo = facts.recorder_problem.partition("; ")
        return Check("recorder", "refuse", "recorder", what, todo)
    return Check("recorder", "ok", "recorder", "ready")


_CONNECT: Final = {
    "override": "connect it, or give a reason to begin without",
    "warn": "connect it, or begin without it",
}
_CHECK: Final = {
    "override": "check it, or give a reason to begin without",
    "warn": "check it, or begin without it",
}


def _device(link: LinkStatus, facts: Facts) -> Check:
    """A link that is up is not enough: every regular stream of it must have delivered."""
    name = link.product or link.device_id
    level: Level = "override" if link.required else "warn"
    if link.state == "idle" and not link.error and not link.required:
        return Check(f"device:{link.device_id}", "ok", name, "entered by hand")
    if link.state != "streaming":
        what = link.error or f"is {link.state}"
        return Check(f"device:{link.device_id}", level, name, what, _CONNECT[level])
    starved = [
        s.stream_id
        for s in facts.streams
        if dict(facts.stream_devices).get(s.stream_id) == link.device_id
        and s.nominal_rate_hz is not None
        and s.state != "streaming"
    ]
    if starved:
        what = f"delivers no samples of {', '.join(starved)}"
        return Check(f"device:{link.device_id}", level, name, what, _CHECK[level])
    return Check(f"device:{link.device_id}", "ok", name, "delivers")


def _battery(link: LinkStatus, planned_s: float | None) -> Check | None:
    """A battery that is low, or that by its own pace ends before the template does (safety rule 19)."""
    if link.battery is None:
        return None
    name, who = f"battery:{link.device_id}", link.product or link.device_id
    left_h = link.battery_hours_left
    if left_h is not None and planned_s is not None and left_h * 3600 < planned_s:
        what = (
            f"battery at {link.battery:.0%} lasts about {left_h:.1f} h, the template {planned_s / 3600:.1f} h"
        )
        return Check(name, "warn", who, what, "charge it, or use another one")
    if link.battery >= BATTERY_LOW:
        return None
    what = f"battery at {link.battery:.0%}"
    return Check(name, "warn", who, what, "charge it before a long recording")


def _encryption(facts: Facts) -> list[Check]:
    if facts.encrypted is not False:
        return []
    todo = "switch on the encryption of this computer's disk, or keep it under lock"
    return [Check("encryption", "warn", f"disk {facts.disk.folder}", "is not encrypted", todo)]
