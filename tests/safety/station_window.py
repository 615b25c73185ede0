"""The real window and a real station in one process: commands go to its desk, what it tells comes back by hand."""

from __future__ import annotations

import itertools
from typing import Any

from bed import Bed
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import RecordView, Wish
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.acquire import wire
from recorder.acquire.wire import Request

_NUMBERS = itertools.count()


class Desk:
    """What a window's client is to its operations; asked from the bridge's threads."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self.asked: list[str] = []

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        self.asked.append(verb)
        request = Request(f"w{next(_NUMBERS)}", "window", verb, args)
        return wire.unpack_reply(self._bed.station.desk.answer(request))


class StationWindow:
    """Window, operations and model on a :class:`Bed`."""

    def __init__(self, qtbot: QtBot, bed: Bed) -> None:
        self.bed, self.desk, self.bridge = bed, Desk(bed), Bridge()
        self.window = MainWindow()
        self.window.ask_before_closing = False
        qtbot.addWidget(self.window)
        self.window.resize(1280, 800)
        self.window.show()
        self.model = LiveModel(bed.clock, client="window")
        self.operations = Operations(
            self.window,
            self.bridge,
            self.desk,
            WindowSettings(form=StartForm(operator="OP1", consent_version="v2")),
            client="window",
            wall_ns=bed.clock.wall_ns,
            reference_now=lambda: None,
        )
        self._qtbot = qtbot

    def look(self) -> RecordView:
        """Tell the window what the station says now."""
        self.model.take([self.bed.status()])
        self.model.described(self.desk.call("describe"))
        self.model.events_told(self.desk.call("events", since=0))
        view = resolve(Wish(), self.model.facts())
        self.window.show_view(view)
        return view

    def until(self, holds: Any) -> None:
        self._qtbot.waitUntil(holds, timeout=20_000)

    def fill(self, pseudonym: str = "S-01") -> StartDialog:
        """The start form up to its second step."""
        self.operations.open_start()
        dialog = self.operations.start_dialog
        assert dialog is not None
        for name, typed in (("pseudonym", pseudonym), ("pseudonym_again", pseudonym), ("age_y", "40")):
            line = dialog.inputs[name]
            assert isinstance(line, QLineEdit)
            line.setText(typed)
        dialog.inputs["sex"].choose("female")  # type: ignore[attr-defined]
        dialog.signed_today.click()
        dialog.inputs["consent_record"].setChecked(True)  # type: ignore[attr-defined]
        dialog.next.click()
        return dialog

    def start(self, pseudonym: str = "S-01") -> None:
        """A session by the form."""
        dialog = self.fill(pseudonym)
        self.until(dialog.confirm.start.isEnabled)
        dialog.confirm.start.click()
        self.until(lambda: not dialog.isVisible())
        self.look()
