"""What a service wants of the bedside: erase a session, keep a message, send again. Done once, and acknowledged.

An order comes again until the service has heard that it was done; doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorder import session as store
from recorder.clock import ClockEra
from recorder.errors import RecorderError, SessionError
from recorder.schema import Amendment
from recorder.session import amendments, ledger
from recorder.session.afterwards import MARKER
from recorder.session.files import make_folder, read_json, storage_errors
from recorder.session.header import TOMBSTONE_FILE, read_card
from recorder.session.lock import FolderLock
from recorder.sync import signing, wire
from recorder.sync.identity import Identity
from recorder.sync.outbox import Outbox
from recorder.sync.vault import Vault

FEEDBACK: Final = "feedback"
"""Field of the amendment that keeps a message in its session."""
MESSAGES_FILE: Final = "feedback.jsonl"
"""Of the station's folder: every message that has come, for its screen."""
_DETAIL: Final = 400
_WAIT_S: Final = 5.0

Mark = Callable[[wire.Order], bool]
"""Put a message into the session that is being recorded; False where it is not that one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where orders are carried out.

    Args:
        outbox, vault: what is known of sessions; forgotten with them.
        identity: whose orders, and as whom we take them; it may have erased only what was announced to it.
        station_folder: messages are kept there.
        find: session id → its folder, None where it is not here.
        mark: for the session that is being recorded.
        now_us: our clock.
    """

    outbox: Outbox
    vault: Vault
    identity: Identity
    station_folder: Path
    find: Callable[[str], Path | None]
    mark: Mark
    now_us: Callable[[], int]

    def carry_out(self, order: wire.Order) -> wire.Acknowledgement:
        """One order; what failed is said, and asked again. One that was not signed for us is not looked at."""
        pinned = self.identity
        work = {"erase": self._erase, "message": self._message, "resend": self._resend}
        try:
            signing.verify_order(pinned.signing_public_key, pinned.server_id, pinned.device_id, order)
            return wire.Acknowledgement(order.order_id, work[order.kind](order))
        except (RecorderError, OSError) as error:
            return wire.Acknowledgement(order.order_id, "failed", _one_line(error))

    def _erase(self, order: wire.Order) -> str:
        folder = self.find(order.session_id)
        if folder is not None and not (folder / TOMBSTONE_FILE).exists():
            if not self.vault.was_announced(self.identity.server_id, order.session_id):
                raise SessionError(
                    "the session was never brought to this service, which cannot have it erased"
                )
            store.erase(folder, why=f"erased at the service: {order.text}".rstrip(": "))
        path = self.station_folder / MESSAGES_FILE
        if path.is_file():
            with (
                self._messages(),
                storage_errors(self.station_folder, "forgetting what was said of a session"),
            ):
                ledger.without(path, FEEDBACK, lambda said: said.get("session_id") == order.session_id)
        self.vault.forget(order.session_id)
        self.outbox.forget(order.session_id)
        return "done" if folder is not None else "absent"

    def _message(self, order: wire.Order) -> str:
        path = self.station_folder / MESSAGES_FILE
        with storage_errors(self.station_folder, "keeping a message"):
            make_folder(self.station_folder)
            with self._messages():
                if order.order_id not in {m.get("order_id") for m in messages(self.station_folder)}:
                    ledger.append(path, FEEDBACK, {**order.to_json(), "received_us": self.now_us()})
        folder = self.find(order.session_id)
        if folder is None or (folder / TOMBSTONE_FILE).exists():
            return "absent"
        if not self.mark(order):
            self._amend(folder, order)
        return "done"

    def _messages(self) -> FolderLock:
        """Services of one station speak at once: one has the list written anew while another adds to it."""
        return FolderLock(self.station_folder, "messages.lock", wait_s=_WAIT_S)

    def _amend(self, folder: Path, order: wire.Order) -> None:
        """Into the session: the message, and a marker where it is about a moment."""
        content = {k: v for k, v in order.to_json().items() if k not in ("kind", "session_id")}
        with FolderLock(folder), storage_errors(folder, "keeping a message"):
            told, _ = amendments.read(folder)
            marker = _marker(order, read_card(folder).eras)
            marked = {(a.new or {}).get("event_id") for a in told if a.field == MARKER}
            if marker is not None and marker["event_id"] not in marked:
                self._append(folder, MARKER, marker, order)
            if order.order_id not in {(a.new or {}).get("order_id") for a in told if a.field == FEEDBACK}:
                self._append(folder, FEEDBACK, content, order)

    def _append(self, folder: Path, field: str, content: dict[str, Any], order: wire.Order) -> None:
        who, wall_ns = order.author or "service", self.now_us() * 1000
        amendments.append(folder, Amendment(field, None, content, who, "feedback of the service", wall_ns))

    def _resend(self, order: wire.Order) -> str:
        """The next turn asks what is missing anyway; what the last receipt said no longer holds."""
        return "done" if self.find(order.session_id) is not None else "absent"


def messages(station_folder: Path) -> list[dict[str, Any]]:
    """Feedback that has come to a station, oldest first."""
    found, _ = ledger.read(station_folder / MESSAGES_FILE, FEEDBACK, dict)
    return found


def finder(folders: Callable[[], list[Path]]) -> Callable[[str], Path | None]:
    """Sessions by id, erased ones too; read again each time, since folders come and go."""

    def find(session_id: str) -> Path | None:
        for folder in folders():
            try:
                if _id_of(folder) == session_id:
                    return folder
            except (RecorderError, OSError):
                continue
        return None

    return find


def _marker(order: wire.Order, eras: Sequence[ClockEra]) -> dict[str, Any] | None:
    """As :mod:`recorder.session.afterwards` reads it; None where the message is about the whole, or before it."""
    if order.marker_us is None:
        return None
    wall_ns = order.marker_us * 1000
    begun = [era for era in eras if era.wall_ns <= wall_ns]
    if not begun:
        return None
    era = begun[-1]
    at_ns = era.monotonic_ns + (wall_ns - era.wall_ns)
    return {
        "event_id": order.order_id,
        "label": f"feedback: {order.text[:80]}",
        "t_host_ns": at_ns,
        "era": era.number,
    }


def _id_of(folder: Path) -> str:
    stone = folder / TOMBSTONE_FILE
    if stone.is_file():
        return str(read_json(stone).get("session_id", ""))
    return read_card(folder).header.session_id


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_DETAIL]
