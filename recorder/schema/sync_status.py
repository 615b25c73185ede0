"""What the sync process of a station tells about each service it is enrolled with: for every screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self, get_args

SyncState = Literal["idle", "sending", "unreachable", "refused", "other-service"]
"""Nothing waits; on its way; no answer; the answer is no; another one answers than was enrolled with."""
SYNC_STATES: Final[tuple[SyncState, ...]] = get_args(SyncState)
LiveWay = Literal["", "service", "broker"]
"""Which way the live path goes: none yet, to the service itself, over the site's broker."""
LiveTrouble = Literal[
    "",
    "away",
    "broke",
    "certificate",
    "refused",
    "later",
    "garbled",
    "unknown",
    "no-bed",
    "replaced",
    "elsewhere",
    "too-fast",
    "broker-away",
    "broker-unknown",
    "broker-certificate",
    "broker-refuses",
    "broker-denies",
    "broker-nobody",
]
"""What is wrong with the live path: the service cannot be reached; the link broke; its certificate is none for us; it
opens none for us; it cannot just now; it does not understand what is told, or not who tells it; no bed is known for it;
another connection of this device took over; the session is not of this device; it was told too much.
Of the broker: it cannot be reached; nobody vouches for its certificate; the service gave us none for it; it refuses
ours; it lets us neither tell nor listen; nobody takes what we tell there."""
LIVE_TROUBLES: Final[tuple[LiveTrouble, ...]] = get_args(LiveTrouble)
CERTIFICATE_DAYS: Final = 14
"""So long before a service's certificate runs out its bedsides say so: then they could not reach it any more."""


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """One service.

    Args:
        server: host and port, as people say it.
        url: address of its pages.
        server_id: which installation.
        bed: where this station stands there.
        ward: and in which ward.
        state: see :data:`SyncState`.
        waiting, total, bytes_waiting: files without a receipt, of all that travel.
        sessions_home: sessions that stay here, e.g. because their consent does not cover upload.
        last_success_us: UTC µs of the last receipt; None = never.
        last_answer_us: UTC µs when it answered last.
        error: of the last trial, in words; empty where it went well.
        advice: id of what to do about it.
        messages: feedback that has come, of all time.
        clock_ahead_s: how far this machine's clock is ahead of the service's; 0 while they agree within 5 s.
        certificate_ends_us: UTC µs when the certificate it showed last runs out; None where it shows none.
        live_way, live_trouble: which way the live path goes, and what is wrong with it or with the better way.
        live_why: the same in the uplink's own words.
        at_us: UTC µs when this was written.
    """

    server: str
    url: str = ""
    server_id: str = ""
    bed: str = ""
    ward: str = ""
    state: SyncState = "idle"
    waiting: int = 0
    total: int = 0
    bytes_waiting: int = 0
    sessions_home: int = 0
    last_success_us: int | None = None
    last_answer_us: int | None = None
    error: str = ""
    advice: str = ""
    messages: int = 0
    clock_ahead_s: int = 0
    certificate_ends_us: int | None = None
    live_way: LiveWay = ""
    live_trouble: LiveTrouble = ""
    live_why: str = ""
    at_us: int = 0

    def certificate_days(self, now_us: int) -> int | None:
        """Days left of its certificate, once that is to be said; None while there is nothing to say."""
        if self.certificate_ends_us is None:
            return None
        days = int((self.certificate_ends_us - now_us) // 86_400_000_000)
        return max(0, days) if days < CERTIFICATE_DAYS else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored."""
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})
