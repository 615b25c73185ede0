"""The person of the session that runs: corrected, confirmed after an absence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from hemoview.ui.amend_dialog import AmendDialog
from hemoview.ui.monitor_clock import ClockDialog
from hemoview.ui.same_subject_dialog import SameSubjectDialog
from hemoview.viewmodel.amend_form import AmendForm
from recorder.session import SessionHeader

if TYPE_CHECKING:
    from hemoview.ui.operations import Operations


class SubjectActions(QObject):
    """Dialogs about the subject, and the commands that come of them."""

    def __init__(self, operations: Operations) -> None:
        super().__init__(operations)
        self._operations = operations
        self.amend_dialog: AmendDialog | None = None
        self.same_dialog: SameSubjectDialog | None = None
        header = operations.window.header
        header.correct_asked.connect(self.correct)
        self._clock_entry = header.add_action("menu-clock", self.ask_clock, before="button-about")
        header.menu.aboutToShow.connect(self._show_state)

    def correct(self) -> None:
        """Ask the recorder what it has written, then for the correction."""
        self._operations.command("describe", self._open_amend)

    def ask_clock(self) -> None:
        """What does the monitor's clock show?"""
        dialog = ClockDialog(self._operations.wall_ns, self._operations.window)
        dialog.entered.connect(self.tell_clock)
        dialog.open()

    def tell_clock(self, request: dict[str, Any]) -> None:
        """A clock point of the monitor."""
        self._operations.command("monitor_clock", **request, operator=self._operator)

    def _show_state(self) -> None:
        view = self._operations.window.view
        self._clock_entry.setEnabled(view is not None and view.header.recording)

    def _open_amend(self, told: dict[str, Any]) -> None:
        if not told.get("header"):
            return
        form = AmendForm(SessionHeader.from_json(told["header"]), operator=self._operator)
        dialog = AmendDialog(form, self._operations.window)
        dialog.amended.connect(lambda request: self._operations.command("amend", **request))
        window = self._operations.window
        dialog.resize(min(980, window.width() - 60), min(640, window.height() - 40))
        self.amend_dialog = dialog
        dialog.open()

    def ask(self) -> None:
        """After an absence: the same person still? A wrong pseudonym is refused by the recorder, and asked again."""
        dialog = SameSubjectDialog(self._operator, self._operations.window)
        dialog.answered.connect(
            lambda pseudonym, operator: self._operations.command(
                "confirm_subject", pseudonym=pseudonym, operator=operator
            )
        )
        dialog.stop_asked.connect(self._operations.ask_stop)
        self.same_dialog = dialog
        dialog.open()

    @property
    def _operator(self) -> str:
        return self._operations.settings.form.operator
