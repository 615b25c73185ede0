"""What the sync process of a station tells about each service it is enrolled with: for every screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self, get_args

SyncState = Literal["idle", "sending", "unreachable", "refused", "other-service"]
"""Nothing waits; on its way; no answer; the answer is no; another one answers than was enrolled with."""
SYNC_STATES: Final[tuple[SyncState, ...]] = get_args(SyncState)


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
    at_us: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored."""
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})
