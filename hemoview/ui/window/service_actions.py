"""The service from the window: its dialog, enrolment, sign-out, its pages in a browser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox

from hemoview.ui.live.message_line import MessageLine
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.service_dialog import ServiceDialog
from hemoview.ui.words.catalogue import refusal, text
from hemoview.viewmodel.live.service import Feedback, ServiceView, feedback_of, service_view, unread_of
from hemoview.viewmodel.messages import say
from recorder.host import places
from recorder.schema.sync_status import SyncStatus

if TYPE_CHECKING:
    from hemoview.ui.window.operations import Operations

RENEW_MS = 1000
LOOK_MS = 2000
ASK_S = 5.0
"""So often the service is asked how it is while somebody looks at it."""
SEEN_FILE = "feedback-seen.jsonl"
"""Of the station's folder: messages that somebody here said to have read."""


@dataclass(frozen=True, slots=True)
class Station:
    """Whose enrolments these are."""

    name: str
    home: Path

    @property
    def folder(self) -> Path:
        """Of the station."""
        return places.station_dir(self.name, self.home)


class ServiceActions(QObject):
    """The menu's entry and what is behind it. Files and network are touched in the bridge's threads."""

    def __init__(self, operations: Operations, bridge: Bridge, station: Station) -> None:
        super().__init__(operations)
        self._operations, self._bridge, self._station = operations, bridge, station
        self.dialog: ServiceDialog | None = None
        self._known: SyncStatus | None = None
        """Of the enrolment's own file, until the sync process has said something."""
        self._asked_s = -ASK_S
        self._timer = QTimer(self, interval=RENEW_MS)
        self._timer.timeout.connect(self.renew)
        header = operations.window.header
        header.add_action("menu-service", self.open, before="button-about")
        self._told = 0
        self._unread: list[dict[str, Any]] = []
        self.line = MessageLine()
        self.line.read.connect(self.mark_read)
        operations.window.add_line(self.line)
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self.look)
        self._looking.start()

    def open(self) -> None:
        """Show the dialog."""
        dialog = ServiceDialog(self._operations.window)
        dialog.enrol_asked.connect(self.enrol)
        dialog.page_asked.connect(self.open_page)
        dialog.sign_out_asked.connect(self.ask_sign_out)
        dialog.finished.connect(self._timer.stop)
        self.dialog = dialog
        self.renew()
        self._timer.start()
        dialog.open()

    def look(self) -> None:
        """Has a message come? It stands over every page until somebody says to have read it, here or elsewhere."""
        status = self._operations.facts_now().status
        count = max((one.messages for one in status.sync), default=0) if status else 0
        if count != self._told or self._unread:  # fewer: what was said of a session that was erased
            self._told = count
            self._bridge.call(self._find_unread, self._show_unread, lambda _: None)

    def _find_unread(self) -> list[dict[str, Any]]:
        from recorder.session import ledger  # noqa: PLC0415
        from recorder.sync import orders  # noqa: PLC0415

        seen, _ = ledger.read(self._station.folder / SEEN_FILE, "seen", lambda body: str(body["order_id"]))
        return unread_of(orders.messages(self._station.folder), seen)

    def _show_unread(self, unread: list[dict[str, Any]]) -> None:
        self._unread = unread
        self.line.show_unread(feedback_of(unread, self._operations.facts_now().utc_offset_s))

    def mark_read(self) -> None:
        """What stands there was read; one that comes meanwhile was not."""
        unread, self._unread = self._unread, []
        self.line.show_unread(())
        if not unread:
            return
        at_us = self._operations.wall_ns() // 1000

        def keep() -> None:
            from recorder.session import ledger  # noqa: PLC0415

            for one in unread:
                body = {"order_id": str(one.get("order_id", "")), "at_us": at_us}
                ledger.append(self._station.folder / SEEN_FILE, "seen", body)

        self._bridge.call(keep, failed=self._say)

    def renew(self) -> None:
        """What is known, again; the enrolment and the messages lie in files."""
        self._bridge.call(self._read, self._show, self._say)

    def _read(self) -> tuple[SyncStatus | None, list[dict[str, Any]]]:
        from recorder.sync import identity, orders  # noqa: PLC0415 – only who looks at the service waits for it

        enrolled = identity.identities(self._station.folder)
        if not enrolled:
            return None, []
        self._ask()
        me = enrolled[0]
        status = SyncStatus(me.host, me.url, me.server_id, me.bed, me.ward)  # without a time: not told yet
        return status, orders.messages(self._station.folder)

    def _ask(self) -> None:
        """Have the sync process ask the service, which it does every 15 s by itself, and less often if that fails."""
        from recorder.host import sync_process  # noqa: PLC0415

        now_s = time.monotonic()
        if now_s - self._asked_s >= ASK_S:
            self._asked_s = now_s
            sync_process.ask(self._station.name, self._station.home)

    def _show(self, read: tuple[SyncStatus | None, list[dict[str, Any]]]) -> None:
        self._known, told = read
        if self.dialog is not None:
            offset_s = self._operations.facts_now().utc_offset_s
            feedback: tuple[Feedback, ...] = feedback_of(told, offset_s)
            self.dialog.show_state(self.view(), feedback)

    def view(self) -> ServiceView | None:
        """As the sync process told last; None where the station is enrolled with none."""
        if self._known is None:
            return None
        facts = self._operations.facts_now()
        told = facts.status.sync if facts.status else ()
        mine = next((one for one in told if one.server_id == self._known.server_id), self._known)
        return service_view(mine, self._operations.wall_ns() // 1000, facts.utc_offset_s)

    # ---- enrolment

    def enrol(self, address: str, code: str, ca_path: str) -> None:
        """Ask the service, elsewhere; the answer is shown."""
        if self.dialog is not None:
            self.dialog.show_busy(say("service-asking", server=address.strip()))
        self._bridge.call(lambda: self._enrol(address, code, ca_path), self._enrolled, self._say)

    def _enrol(self, address: str, code: str, ca_path: str) -> None:
        from recorder.host.sync_command import read_ca  # noqa: PLC0415
        from recorder.sync import enrolling, identity  # noqa: PLC0415

        ca_pem = read_ca(Path(ca_path) if ca_path else None) or self._ca_known(address)
        now_us = self._operations.wall_ns() // 1000
        me = enrolling.enrol(address, code, station=self._station.name, ca_pem=ca_pem, now_us=now_us)
        identity.keep(self._station.folder, me)

    def _ca_known(self, address: str) -> str:
        """The authority that was trusted at this very address before: a new code needs no new file."""
        from recorder.sync import identity  # noqa: PLC0415

        known = {one.url: one.ca_pem for one in identity.identities(self._station.folder)}
        return known.get(identity.address(address), "")

    def _enrolled(self, _: object) -> None:
        if self.dialog is not None:
            self.dialog.show_busy(None)
            self.dialog.close_form()
            self.dialog.show_said(text("service-enrolled"))
        self.renew()

    def ask_sign_out(self) -> None:
        """Once more, before."""
        known = self._known
        if known is None or self.dialog is None:
            return
        box = QMessageBox(self.dialog)
        box.setWindowTitle(text("service-title"))
        box.setText(text("service-sign-out-sure", server=known.server))
        yes = box.addButton(text("service-sign-out-yes"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(text("button-cancel"), QMessageBox.ButtonRole.RejectRole))
        yes.clicked.connect(lambda _=False: self.sign_out(known.server_id))
        box.open()

    def sign_out(self, server_id: str) -> None:
        """Forget the enrolment; the sync process ends by itself."""

        def forget() -> None:
            from recorder.sync import identity  # noqa: PLC0415

            identity.forget(self._station.folder, server_id)

        self._bridge.call(forget, self._signed_out, self._say)

    def _signed_out(self, _: object) -> None:
        if self.dialog is not None:
            self.dialog.show_said(text("service-signed-out"))
        self.renew()

    def open_page(self, path: str) -> None:
        """In the browser of this machine."""
        if self._known is not None:
            QDesktopServices.openUrl(QUrl(self._known.url + path))

    def _say(self, error: Exception) -> None:
        if self.dialog is not None:
            self.dialog.show_busy(None)
            self.dialog.show_said(refusal(error), "warn")
