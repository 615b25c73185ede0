"""``session.json``: what a session is about, with its format number."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from recorder.clock import ClockEra
from recorder.errors import SessionDamaged, SessionError, SessionFormatUnknown, SessionGone
from recorder.schema import Consent, Details, DeviceInfo, Sites, StreamInfo, Subject
from recorder.session.files import ADVICE, gone, is_signed, read_json, sign_json, write_whole

FORMAT = 1
"""Format number of sessions written by this version. Older ones open read-only, newer ones are refused."""

KIND = "hemoview-session"
SESSION_FILE = "session.json"
TOMBSTONE_FILE = "tombstone.json"


@dataclass(frozen=True)
class SessionHeader:
    """What is known when Start is pressed. Later corrections are amendments.

    Args:
        session_id: unique; the folder's name.
        station: which recorder made it.
        created_wall_ns: UTC, ns since 1970.
        zone: IANA name of the local time zone; ``utc_offset_s`` its offset at the start.
        template: the session template as used, plain JSON.
        software: name -> version.
        simulated: any stream comes from the virtual bedside; such a session stays marked for ever.
        speed: scale of the clock; claims on latency, loss and drift hold for 1 only.
        details: optional facts about the subject, kept with consent; left out of the JSON where there are none.
    """

    session_id: str
    station: str
    created_wall_ns: int
    zone: str = "UTC"
    utc_offset_s: int = 0
    subject: Subject | None = None
    consent: Consent | None = None
    sites: Sites | None = None
    operator: str = ""
    template: dict[str, Any] = field(default_factory=dict, hash=False)
    devices: tuple[DeviceInfo, ...] = ()
    software: dict[str, str] = field(default_factory=dict, hash=False)
    simulated: bool = False
    speed: float = 1.0
    notes: str = ""
    details: Details | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        value = asdict(self)
        if self.details is None:
            del value["details"]
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored.

        Raises:
            ValueError, KeyError, TypeError: the value is not a header.
        """
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        known["devices"] = tuple(_make(DeviceInfo, v) for v in value.get("devices", ()))
        for name, kind in (
            ("subject", Subject),
            ("consent", Consent),
            ("sites", Sites),
            ("details", Details),
        ):
            if value.get(name) is not None:
                known[name] = _make(kind, value[name])
        return cls(**known)


@dataclass(frozen=True)
class SessionCard:
    """The whole of ``session.json``: header, streams and clock eras."""

    header: SessionHeader
    streams: tuple[StreamInfo, ...] = ()
    eras: tuple[ClockEra, ...] = ()

    def with_stream(self, info: StreamInfo) -> Self:
        """This card with ``info`` added, or in place of the stream of that id."""
        kept = tuple(s for s in self.streams if s.stream_id != info.stream_id)
        return replace(self, streams=(*kept, info))

    def with_device(self, device: DeviceInfo) -> Self:
        """This card with ``device`` added, or in place of the device of that id."""
        kept = tuple(d for d in self.header.devices if d.device_id != device.device_id)
        return replace(self, header=replace(self.header, devices=(*kept, device)))

    def with_era(self, era: ClockEra) -> Self:
        """This card with a further clock era."""
        return replace(self, eras=(*self.eras, era))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": KIND,
            "format": FORMAT,
            "header": self.header.to_json(),
            "streams": [s.to_json() for s in self.streams],
            "eras": [e.to_json() for e in self.eras],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`.

        Raises:
            ValueError, KeyError, TypeError: the value is not a card.
        """
        return cls(
            SessionHeader.from_json(value["header"]),
            tuple(StreamInfo.from_json(v) for v in value["streams"]),
            tuple(ClockEra.from_json(v) for v in value["eras"]),
        )


def write_card(folder: Path, card: SessionCard) -> None:
    """Write ``session.json`` whole."""
    write_whole(folder / SESSION_FILE, sign_json(card.to_json()))


def read_card(folder: Path) -> SessionCard:
    """Read ``session.json``.

    Raises:
        SessionError: no session here, or it was erased.
        SessionFormatUnknown: written by a newer HemoView.
        SessionDamaged: it was changed or is not readable.
        SessionGone: it was moved at this moment.
    """
    path = folder / SESSION_FILE
    there = path.is_file()
    refuse_erased(folder)
    if not there:
        raise SessionError(f"{folder}: no {SESSION_FILE} here; choose the folder of a session")
    try:
        value = read_json(path)
    except SessionGone:
        refuse_erased(folder)
        raise
    check_format(folder, value)
    if not is_signed(value):
        raise SessionDamaged(f"{path}: changed since it was written (hash differs){ADVICE}")
    try:
        return SessionCard.from_json(value)
    except (ValueError, KeyError, TypeError) as error:
        raise SessionDamaged(f"{path}: not a session card, parts of it are missing{ADVICE}") from error


def check_format(folder: Path, value: dict[str, Any]) -> None:
    """Refuse what a newer HemoView wrote.

    Raises:
        SessionFormatUnknown: its format number is above :data:`FORMAT`.
    """
    number = value.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise SessionFormatUnknown(
            f"{folder.name}: written in session format {number}; this HemoView reads up to {FORMAT}. "
            "Update HemoView to open it"
        )


def refuse_erased(folder: Path) -> None:
    """Refuse a session that was erased, saying when and why.

    Raises:
        SessionError: the folder holds a tombstone.
    """
    path = folder / TOMBSTONE_FILE
    if path.is_file():
        stone = read_json(path)
        raise SessionError(
            f"{folder.name}: erased ({stone.get('why', 'no reason kept')}); no samples are left"
        )


def refuse_gone(folder: Path) -> None:
    """Refuse a session that was erased or moved since it was opened: its files are not damaged, they are elsewhere.

    Raises:
        SessionError: the folder holds a tombstone.
        SessionGone: it is no longer there.
    """
    refuse_erased(folder)
    if not folder.is_dir():
        raise gone(folder)


def _make(cls: Any, value: dict[str, Any]) -> Any:
    return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})
