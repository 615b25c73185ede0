"""The person of the session that runs: corrected, confirmed after an absence."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from hemoview.ui.sessions.amend_dialog import AmendDialog
from hemoview.ui.sessions.monitor_clock import ClockDialog
from hemoview.ui.sessions.same_subject_dialog import SameSubjectDialog
from hemoview.ui.window.command_sender import CommandSender
from hemoview.viewmodel.sessions.amend_form import AmendForm
from recorder.session import SessionHeader


class SubjectActions(QObject):
    """Dialogs about the subject, and the commands that come of them."""

    stop_asked = Signal()

    def __init__(self, sender: CommandSender) -> None:
        super().__init__(sender)
        self._sender = sender
        self.amend_dialog: AmendDialog | None = None
        self.same_dialog: SameSubjectDialog | None = None
        header = sender.window.header
        header.correct_asked.connect(self.correct)
        self._clock_entry = header.add_action("menu-clock", self.ask_clock, before="button-about")
        header.menu.aboutToShow.connect(self._show_state)

    def correct(self) -> None:
        """Ask the recorder what it has written, then for the correction."""
        self._sender.command("describe", self._open_amend)

    def ask_clock(self) -> None:
        """What does the monitor's clock show?"""
        dialog = ClockDialog(self._sender.wall_ns, self._sender.window)
        dialog.entered.connect(self.tell_clock)
        dialog.open()

    def tell_clock(self, request: dict[str, Any]) -> None:
        """A clock point of the monitor."""
        self._sender.command("monitor_clock", **request, operator=self._sender.operator)

    def _show_state(self) -> None:
        view = self._sender.window.view
        self._clock_entry.setEnabled(view is not None and view.header.recording)

    def _open_amend(self, told: dict[str, Any]) -> None:
        if not told.get("header"):
            return
        form = AmendForm(SessionHeader.from_json(told["header"]), operator=self._sender.operator)
        dialog = AmendDialog(form, self._sender.window)
        dialog.amended.connect(lambda request: self._sender.command("amend", **request))
        window = self._sender.window
        dialog.resize(min(980, window.width() - 60), min(640, window.height() - 40))
        self.amend_dialog = dialog
        dialog.open()

    def ask(self) -> None:
        """After an absence: the same person still? A wrong pseudonym is refused by the recorder, and asked again."""
        dialog = SameSubjectDialog(self._sender.operator, self._sender.window)
        dialog.answered.connect(
            lambda pseudonym, operator: self._sender.command(
                "confirm_subject", pseudonym=pseudonym, operator=operator
            )
        )
        dialog.stop_asked.connect(self.stop_asked)
        self.same_dialog = dialog
        dialog.open()
