"""What Start was asked for, and the header and folder name that come of it. Pure but for the versions installed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from recorder.acquire.template import plan_of
from recorder.clock import ClockEra
from recorder.schema import Consent, Details, DeviceInfo, Sites, StreamInfo, Subject
from recorder.schema.rules import check_rules
from recorder.session import SessionHeader
from recorder.session.software import software_versions


@dataclass(frozen=True, slots=True)
class StartOrder:
    """The arguments of ``start`` and ``preflight``, checked.

    A subject or consent that cannot be taken is kept as the reason, so that every refusal is named at once.

    Args:
        entry: how the pseudonym came (``how``: ``scanned``, ``typed-twice``, ``check-character``) and which questions
            about it were answered (``answered``); kept with the session's start.
    """

    subject: Subject | str | None
    consent: Consent | str | None
    sites: Sites | None = None
    operator: str = ""
    template: dict[str, Any] = field(default_factory=dict, hash=False)
    overrides: dict[str, str] = field(default_factory=dict, hash=False)
    notes: str = ""
    out: Path | None = None
    details: Details | None = None
    entry: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def planned_s(self) -> float | None:
        """How long the template's phases last together; None where one has no end, or there are none."""
        lasts = [phase.duration_s for phase in plan_of(self.template).phases]
        known = [seconds for seconds in lasts if seconds is not None]
        return sum(known) if known and len(known) == len(lasts) else None

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> StartOrder:
        """From the plain values of a command.

        Raises:
            ValueError, TypeError: sites, details, overrides or rules of the template are not what they should be.
        """
        sites, template = args.get("sites"), dict(args.get("template") or {})
        check_rules(template.get("rules") or {})
        return cls(
            _made(Subject, args.get("subject")),
            _made(Consent, args.get("consent")),
            Sites(**sites) if sites else None,
            str(args.get("operator") or ""),
            template,
            {str(k): str(v) for k, v in (args.get("overrides") or {}).items()},
            str(args.get("notes") or ""),
            Path(args["out"]) if args.get("out") else None,
            Details(**args["details"]) if args.get("details") else None,
            dict(args.get("entry") or {}),
        )


def _made(kind: Any, value: Any) -> Any:
    if value is None or value == {}:
        return None
    try:
        return kind(**value)
    except (TypeError, ValueError) as error:
        return str(error)


def header_of(
    order: StartOrder,
    era: ClockEra,
    *,
    station: str,
    zone: str,
    devices: tuple[DeviceInfo, ...],
    streams: tuple[StreamInfo, ...],
) -> SessionHeader:
    """The header of a session that begins with ``era``; ``zone`` is an IANA name."""
    assert isinstance(order.subject, Subject) and isinstance(order.consent, Consent)
    offset = datetime.fromtimestamp(era.wall_ns / 1e9, ZoneInfo(zone)).utcoffset()
    origins = {stream.origin for stream in streams}
    return SessionHeader(
        session_id=uuid.uuid4().hex,
        station=station,
        created_wall_ns=era.wall_ns,
        zone=zone,
        utc_offset_s=int(offset.total_seconds()) if offset else 0,
        subject=order.subject,
        consent=order.consent,
        sites=order.sites,
        operator=order.operator,
        template=order.template,
        devices=devices,
        software=software_versions(),
        simulated=any(device.simulated for device in devices) or bool(origins & {"simulated", "replayed"}),
        speed=era.speed,
        notes=order.notes,
        details=order.details,
    )


def folder_name(header: SessionHeader) -> str:
    """``<start, UTC>_<pseudonym>_<six of the id>``."""
    assert header.subject is not None
    begun = datetime.fromtimestamp(header.created_wall_ns / 1e9, UTC)
    return f"{begun:%Y%m%d-%H%M%S}_{header.subject.pseudonym}_{header.session_id[:6]}"
